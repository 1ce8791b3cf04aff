# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/blobs/uploads/: every way to push a blob, and every error.

use OCI::Test;
use Time::HiRes qw(sleep time);

use Digest::SHA qw(hmac_sha256_hex);

my $server = OCI::Server->start(
    config => "OCIMinUploadChunkSize 4096\nOCIMaxUploadChunkSize 1000000");
my $client = OCI::Client->new($server);
my $repo = 'uploads/of';
my $bytes = random_bytes(300_000, 'uploads');
my $digest = digest_of($bytes);
my $n = 0;

# A new repository for each case, which should get the blob.
sub begin {
    my $query = shift;
    $repo = 'uploads/r' . ++$n;
    return $client->start_upload($repo, $query);
}

# Tests: 201, and the blob exists.
sub stored {
    my ($res, $name, $what, $which) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $which //= digest_of($what // $bytes);
    status_is($res, 201, $name);
    header_is($res, 'Location', "/v2/$repo/blobs/$which", "$name: Location");
    header_is($res, 'Docker-Content-Digest', $which, "$name: digest");
    header_is($res, 'Content-Length', 0, "$name: no body");
    ok($client->get("/v2/$repo/blobs/$which")->body eq ($what // $bytes),
        "$name: the same bytes");
    return;
}

sub not_stored {
    my ($name, $which) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    error_is($client->get("/v2/$repo/blobs/" . ($which // $digest)), 404,
        'BLOB_UNKNOWN', undef, $name);
    return;
}

# Tests: the session has a given number of bytes.
sub stands {
    my ($res, $status, $size, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    status_is($res, $status, $name);
    header_is($res, 'Range', '0-' . ($size ? $size - 1 : 0), "$name: Range");
    like($res->header('Location'),
        qr{\A/v2/\Q$repo\E/blobs/uploads/[0-9a-z-]{1,64}\z}, "$name: Location");
    return;
}

sub put { $client->put(with_query($_[0], "digest=$_[1]"), @_[ 2 .. $#_ ]) }

# ---- a session's life

my $res = $client->post("/v2/$repo/blobs/uploads/");
stands($res, 202, 0, 'POST');
header_is($res, 'Content-Length', 0);
header_is($res, 'OCI-Chunk-Min-Length', 4096);
my ($id) = $res->header('Location') =~ m{([^/]+)\z};
header_is($res, 'Docker-Upload-UUID', $id);
my $where = $res->header('Location');
for my $query ('', "?digest=$digest", '?x=y') {
    $res = $client->get($where . $query);
    stands($res, 204, 0, "GET $query");
    is($res->body, '', 'no body');
}
header_is($client->head($where), 'Range', '0-0', 'HEAD');
$res = $client->post("/v2/$repo/blobs/uploads");
stands($res, 202, 0, 'POST without the last slash');
isnt($res->header('Location'), $where, 'each session is a new one');
error_is($client->$_("/v2/uploads/blobs/uploads/$id"), 404,
    'BLOB_UPLOAD_UNKNOWN', undef, "$_ in another repository")
    for qw(get patch delete);
status_is($client->get($where), 204, 'the session is unchanged');
$res = $client->delete($where);
status_is($res, 204, 'DELETE');
is($res->body, '', 'no body');
error_is($client->$_($where), 404, 'BLOB_UPLOAD_UNKNOWN', undef, "then $_")
    for qw(get delete patch);
error_is(put($where, $digest, $bytes), 404, 'BLOB_UPLOAD_UNKNOWN', undef,
    'then PUT');
for my $id ('x', '0' x 36, '00000000-0000-4000-8000-000000000000', '.', '..',
    uc $id, "$id.", 'x' x 300, '%2e%2e', '..%00', "$id%20", '_', '*') {
    $res = $client->get("/v2/$repo/blobs/uploads/$id");
    cmp_ok($res->status, '>=', 400, 'GET ' . substr $id, 0, 40);
    cmp_ok($res->status, '<', 500, 'it is a client error');
    ok($res->json && $res->json->{errors}, 'with JSON');
}

# ---- every way

my @pieces = $bytes =~ /(.{1,50000})/gs;
stored($client->post("/v2/$repo/blobs/uploads/?digest=$digest", $bytes),
    'POST with the digest');
begin();
stored($client->post("/v2/$repo/blobs/uploads/?digest=$digest", [@pieces]),
    'the same in chunks');
stored(put(begin(), $digest, $bytes), 'POST, PUT');
stored(put(begin(), $digest, [@pieces]), 'POST, PUT in chunks');
stored(put(begin(), 'sha256%3A' . substr($digest, 7), $bytes),
    'an encoded digest', $bytes, $digest);

$where = begin();
stands($client->patch($where, [@pieces]), 202, 300_000, 'PATCH in chunks');
stored(put($where, $digest, ''), 'POST, PATCH, PUT');

$where = begin();
my $offset = 0;
for my $piece (@pieces) {
    $res = $client->patch($where, $piece, 'Content-Range' =>
        sprintf '%d-%d', $offset, $offset + length($piece) - 1);
    $offset += length $piece;
    stands($res, 202, $offset, "PATCH up to $offset");
    $where = $res->header('Location');
    header_is($client->get($where), 'Range', '0-' . ($offset - 1), 'GET agrees');
}
stored(put($where, $digest, ''), 'chunked with ranges');

$where = begin();
$offset = 0;
for my $piece (@pieces[ 0 .. $#pieces - 1 ]) {
    $client->patch($where, $piece);
    $offset += length $piece;
}
stored(put($where, $digest, $pieces[-1], 'Content-Range' => "$offset-299999"),
    'the last piece in the PUT, by the first Location');

# With and without ranges, empty, chunked; and HTTP's form of Content-Range.
$where = begin();
stands($client->patch($where, ''), 202, 0, 'mixed: empty');
stands($client->patch($where, $pieces[0]), 202, 50_000, 'un-ranged');
stands($client->patch($where, $pieces[1], 'Content-Range' => '50000-99999'),
    202, 100_000, 'ranged');
stands($client->patch($where, ''), 202, 100_000, 'empty');
stands($client->patch($where, [ $pieces[2] ],
    'Content-Range' => 'bytes 100000-149999/300000'), 202, 150_000,
    "chunked, HTTP's form");
stands($client->patch($where, []), 202, 150_000, 'chunked and empty');
stands($client->patch($where, $pieces[3], 'Content-Range' =>
    'bytes 150000-199999/*'), 202, 200_000, 'of unknown size');
stands($client->patch($where, $pieces[4], 'Content-Type' => 'text/plain'), 202,
    250_000, 'of any type');
stored(put($where, $digest, $pieces[5]), 'mixed');

# Many small requests.
$where = begin();
my $small = 'x' x 997;
$client->patch($where, $small) for 1 .. 200;
header_is($client->get($where), 'Range', '0-' . (997 * 200 - 1), '200 times');
stored(put($where, digest_of($small x 200), ''), 'small requests', $small x 200);

# The empty blob.
my $empty = digest_of('');
stored(put(begin(), $empty, ''), 'empty, by PUT', '');
stored(put(begin(), $empty, []), 'empty, chunked', '');
begin();
stored($client->post("/v2/$repo/blobs/uploads/?digest=$empty"), 'empty, by POST', '');
$where = begin();
$client->patch($where, []);
stored(put($where, $empty, ''), 'empty, by PATCH', '');
stored($client->request(PUT => with_query(begin(), "digest=$empty")),
    'empty, without a body', '');

# Again, and twice at the same time.
stored(put(begin(), $digest, $bytes), 'once more');
$where = $client->start_upload($repo);
stored(put($where, $digest, $bytes), 'to a repository that already has it');
error_is($client->get($where), 404, 'BLOB_UPLOAD_UNKNOWN', undef,
    'a finished session does not exist');
stored(put($where, $digest, $_), 'a closing PUT that is repeated')
    for '', $bytes, [$bytes];
error_is(put($where, digest_of('other'), ''), 404, 'BLOB_UPLOAD_UNKNOWN', undef,
    'not with the digest of an absent blob');
error_is(put("$where-", $digest, ''), 404, 'BLOB_UPLOAD_UNKNOWN', undef,
    'not for a session that was never begun');
$where = begin();
my @twice = map { OCI::Client->new($server) } 1 .. 2;
my $request = 'PUT ' . with_query($where, "digest=$digest")
    . " HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n";
$twice[0]->send($request . substr $bytes, 0, 250_000);
$twice[1]->send($request . $bytes);
sleep 0.3;
$twice[0]->send(substr $bytes, 250_000);
stored($_->receive('PUT'), 'two closing PUTs at once') for @twice;

# ---- sha512

my $sha512 = digest_of($bytes, 'sha512');
stored(put(begin(), $sha512, $bytes), 'sha512 in the PUT', $bytes, $sha512);
begin();
stored($client->post("/v2/$repo/blobs/uploads/?digest=$sha512", $bytes),
    'sha512 in the POST', $bytes, $sha512);
for my $query ('', '?digest-algorithm=sha512', '?digest-algorithm=sha256') {
    for my $which ($sha512, $digest) {
        $where = begin($query);
        $client->patch($where, $_) for @pieces[ 0 .. 4 ];
        stored(put($where, $which, $pieces[5]),
            substr($which, 0, 6) . " learnt at the PUT after '$query'", $bytes,
            $which);
    }
}

# For another algorithm, all bytes are read again, but only once.  A remote store
# has made a blob of them by then: a wrong digest ends the session.
$where = begin();
$client->patch($where, $bytes);
if ($server->blobs eq 'fs') {
    error_is(put($where, digest_of('x', 'sha512'), ''), 400, 'DIGEST_INVALID',
        qr/\Q$sha512\E/, 'another algorithm, a wrong digest') for 1 .. 2;
    error_is(put($where, $digest, ''), 400, 'DIGEST_INVALID',
        qr/change once.*sha512/, 'back to the first algorithm');
    stands($client->get($where), 204, 300_000, 'the session is unchanged');
    stored(put($where, $sha512, ''), 'closed by the second', $bytes, $sha512);
}
else {
    error_is(put($where, digest_of('x', 'sha512'), ''), 400, 'DIGEST_INVALID',
        undef, 'another algorithm, a wrong digest');
    error_is(put($where, $sha512, ''), 404, 'BLOB_UPLOAD_UNKNOWN');
}

error_is($client->post("/v2/$repo/blobs/uploads/?digest-algorithm=$_"), 400,
    'DIGEST_INVALID', qr/sha512/, "digest-algorithm=$_")
    for qw(sha384 md5 SHA256 x), '';

# ---- refused requests

for my $bad ('sha256:baddigeststring', 'sha256:' . 'A' x 64, 'x', '', 'sha256:',
    'sha384:' . 'a' x 96, 'sha512:' . 'a' x 64, "$digest%00", "$digest%0a") {
    my $name = "digest=" . substr $bad, 0, 30;
    $where = begin();
    $client->patch($where, $bytes);
    $res = put($where, $bad, '');
    cmp_ok($res->status, '==', 400, "PUT, $name");
    ok($res->json->{errors}[0]{message} =~ /digest|query/, 'it says why');
    header_is($client->get($where), 'Range', '0-299999', 'the session exists');
    $res = $client->post("/v2/$repo/blobs/uploads/?digest=$bad", $bytes);
    cmp_ok($res->status, '==', 400, "POST, $name");
}
$where = begin();
$client->patch($where, $bytes);
error_is($client->put($where, ''), 400, 'DIGEST_INVALID', qr/missing/, 'no digest');
error_is(put($where, digest_of('other'), ''), 400, 'DIGEST_INVALID',
    qr/\Q$digest\E/, 'another digest');
not_stored('nothing was stored');
not_stored('nothing with the other digest', digest_of('other'));
stored(put($where, $digest, ''), 'the right digest afterwards');
begin();
error_is($client->post("/v2/$repo/blobs/uploads/?digest=" . digest_of('other'),
    $bytes), 400, 'DIGEST_INVALID', qr/\Q$digest\E/, 'POST with another digest');
not_stored('nothing was stored', digest_of('other'));

# A wrong offset gets 416, on PATCH and on PUT; the session is unchanged.
for my $method (qw(PATCH PUT)) {
    $where = begin();
    $client->patch($where, $pieces[0]);
    my $path = $method eq 'PUT' ? with_query($where, "digest=$digest") : $where;
    for my $range ('0-49999', '49999-99998', '50001-100000', '100000-149999') {
        $res = $client->request($method => $path, { 'Content-Range' => $range },
            $pieces[1]);
        error_is($res, 416, 'BLOB_UPLOAD_INVALID', qr/50000/, "$method of $range");
        stands($res, 416, 50_000, "$method of $range");
    }
    for my $range ('', 'x', '50000', '50000-', '-50000', '99999-50000', '50000-x',
        'bytes=50000-99999', 'bytes 50000-99999', 'bytes 50000-99999/99999',
        '50000-99999/300000', '50000-99999, 1-2', ' ', 'lines 1-2/3',
        '-1-5', '50000-99999999999999999999999999') {
        $res = $client->request($method => $path, { 'Content-Range' => $range },
            $pieces[1]);
        error_is($res, 400, 'BLOB_UPLOAD_INVALID', qr/Content-Range/,
            "$method, Content-Range: $range");
    }
    for my $range ('50000-99998', '50000-100000', '50000-50000') {
        $res = $client->request($method => $path, { 'Content-Range' => $range },
            $pieces[1]);
        error_is($res, 400, 'SIZE_INVALID', qr/Content-Length.*Content-Range/,
            "$method: $range with another Content-Length");
        $res = $client->request($method => $path, { 'Content-Range' => $range },
            [ $pieces[1] ]);
        cmp_ok($res->status, '==', 400, "$method: $range in chunks");
        is($res->json->{errors}[0]{code}, 'SIZE_INVALID', 'SIZE_INVALID');
    }
    stands($client->get($where), 204, 50_000, "$method: no bytes were added");
    $client->patch($where, join '', @pieces[ 1 .. 4 ]);
    stored(put($where, $digest, $pieces[5]), "$method: the session continues");
}

# The facts of an upload in the index, if the index is in files.
sub facts {
    my $dir = $server->store . '/index/upload';
    return scalar split /\n/, `find $dir ! -type d`;
}
SKIP: {
    skip('looks at the files of the index fs', 9) if $server->index ne 'fs';
    my $before = facts();
    begin();
    $client->post("/v2/$repo/blobs/uploads/?digest=$digest", $bytes);
    $client->post("/v2/$repo/blobs/uploads/?digest=" . digest_of('x'), $bytes);
    my $own = OCI::Client->new($server);
    $own->send("POST /v2/$repo/blobs/uploads/?digest=$digest HTTP/1.1\r\n"
        . "Host: x\r\nContent-Length: 300000\r\n\r\n$pieces[0]");
    $own->finish;
    $own->receive('POST');
    is(facts(), $before, 'a push in one request leaves no fact');

    # An id from eight days ago, as the registry would have made it.
    begin();
    my $secret = OCI::Server::fact($server->store . '/index/secret');
    my $body = sprintf '%08x%016x0', time - 8 * 86_400, $n;
    my $old = "$body-" . substr hmac_sha256_hex("$body $repo", $secret), 0, 32;
    $body = sprintf '%08x%016x0', time - 6 * 86_400, $n;
    my $young = "$body-" . substr hmac_sha256_hex("$body $repo", $secret), 0, 32;
    error_is($client->get("/v2/$repo/blobs/uploads/$old"), 404,
        'BLOB_UPLOAD_UNKNOWN', undef, 'an id without a record expires');
    error_is(put("/v2/$repo/blobs/uploads/$old", $digest, $bytes), 404,
        'BLOB_UPLOAD_UNKNOWN', undef, 'so its tombstone can be deleted');
    status_is($client->get("/v2/$repo/blobs/uploads/$young"), 204,
        'a newer id is accepted');
    stored(put("/v2/$repo/blobs/uploads/$young", $digest, $bytes), 'it can be used');
}

# Over the limit of one request.
$where = begin();
error_is($client->patch($where, 'x' x 1_000_001), 413, 'SIZE_INVALID',
    qr/OCIMaxUploadChunkSize/, 'a PATCH over the limit');
error_is($client->patch($where, [ ('x' x 100_000) x 11 ]), 413, 'SIZE_INVALID',
    qr/OCIMaxUploadChunkSize/, 'in chunks');
error_is(put($where, $digest, 'x' x 1_000_001), 413, 'SIZE_INVALID',
    qr/OCIMaxUploadChunkSize/, 'a PUT over the limit');
error_is($client->post("/v2/$repo/blobs/uploads/?digest=$digest",
    'x' x 1_000_001), 413, 'SIZE_INVALID', qr/OCIMaxUploadChunkSize/,
    'a POST over the limit');
$where = begin();
stands($client->patch($where, 'x' x 1_000_000), 202, 1_000_000, 'at the limit');

# Requests refused before the body is read: the client gets no 100 Continue.
sub asked {
    my ($method, $path, $length, @more) = @_;
    my $own = OCI::Client->new($server);
    $own->send(join "\r\n", "$method $path HTTP/1.1", 'Host: x',
        'Expect: 100-continue', "Content-Length: $length", @more, '', '');
    my $res = $own->receive($method);
    is_deeply($res->{interim}, [], "$method $length: no 100 Continue");
    header_is($res, 'Connection', 'close', 'the connection ends');
    ok(!defined $own->{socket} || !$own->receive, 'without a reset');
    return $res;
}
error_is(asked(PATCH => $where, 1_000_001), 413, 'SIZE_INVALID');
error_is(asked(PUT => with_query($where, "digest=$digest"), "9000000000000000000"), 413,
    'SIZE_INVALID');
error_is(asked(POST => "/v2/$repo/blobs/uploads/?digest=$digest", 1_000_001),
    413, 'SIZE_INVALID');
error_is(asked(PATCH => $where, 100, 'Content-Range: 5-104'), 416,
    'BLOB_UPLOAD_INVALID');
error_is(asked(PATCH => $where, 100, 'Content-Range: 5-105'), 416,
    'BLOB_UPLOAD_INVALID');
error_is(asked(PATCH => $where, 100, 'Content-Range: 1000000-1000100'), 400,
    'SIZE_INVALID');
error_is(asked(PATCH => "$where-", 100), 404, 'BLOB_UPLOAD_UNKNOWN');
error_is(asked(PUT => $where, 100), 400, 'DIGEST_INVALID');
error_is(asked(PUT => with_query($where, 'digest=x'), 100), 400, 'DIGEST_INVALID');
error_is(asked(POST => "/v2/$repo/blobs/uploads/?digest=x", 100), 400,
    'DIGEST_INVALID');
error_is(asked(POST => "/v2/UPPER/blobs/uploads/", 100), 400, 'NAME_INVALID');
stands($client->get($where), 204, 1_000_000, 'the session is still unchanged');

# A client that sends its entire body before it reads can read the answer.
for my $size (10, 60_000, 900_000) {
    my $own = OCI::Client->new($server);
    $own->connect;
    ok($own->send("PATCH $where- HTTP/1.1\r\nHost: x\r\nContent-Length: $size"
        . "\r\n\r\n" . 'y' x $size), "$size bytes are sent");
    $res = $own->receive('PATCH');
    error_is($res, 404, 'BLOB_UPLOAD_UNKNOWN', undef, 'the request is refused');
    if (($res->header('Connection') // '') eq 'close') {
        ok(!$own->{socket} || !$own->receive, 'closed without a reset');
    }
    else {
        status_is($own->get('/v2/'), 200, 'the connection can be used further');
    }
}
for my $path ("/v2/$repo/manifests/x%20y", "/v2/UPPER/manifests/x", '/v2/x',
    "/v2/$repo/tags/list") {
    my $own = OCI::Client->new($server);
    cmp_ok($own->put($path, 'y' x 100)->status, '>=', 400, "PUT $path");
    status_is($own->get('/v2/'), 200, 'the connection can be used further');
}

# Wrong lengths: the received part is kept, and the session continues.
sub cut_off {
    my ($method, $path, $head, $body) = @_;
    my $own = OCI::Client->new($server);
    $own->send("$method $path HTTP/1.1\r\nHost: x\r\n$head\r\n\r\n$body");
    $own->finish;
    my $res = $own->receive($method);
    error_is($res, 400, 'SIZE_INVALID', qr/early/, "$method cut off") if $res;
    return;
}
$where = begin();
my $chunk = sprintf "%x\r\n%s\r\n", 100_000, $pieces[0] . $pieces[1];
cut_off(PATCH => $where, 'Content-Length: 300000', $pieces[0]);
stands($client->get($where), 204, 50_000, 'the received part is kept');
cut_off(PATCH => $where, 'Transfer-Encoding: chunked', $chunk);
stands($client->get($where), 204, 100_000,
    'the next body without a range begins where the first one began');
cut_off(PATCH => $where, "Content-Range: 100000-199999\r\nContent-Length: 100000",
    $pieces[2]);
stands($client->get($where), 204, 150_000, 'a body with a range continues');
cut_off(PUT => with_query($where, "digest=$digest"), 'Content-Length: 150000',
    $pieces[3]);
not_stored('an interrupted PUT stores nothing');
stands($client->get($where), 204, 200_000, 'it keeps the received part');
cut_off(PUT => with_query($where, "digest=$digest"), 'Content-Length: 150000',
    substr $pieces[3], 0, 20_000);
stands($client->get($where), 204, 170_000, 'a second one begins where the first one began');
stored(put($where, $digest, join('', substr($pieces[3], 20_000), @pieces[4, 5]),
    'Content-Range' => '170000-299999'), 'the session continues where Range says');

# A blob in one PUT, interrupted twice and then complete, also with another
# algorithm; and a PATCH that is repeated after a restart of the server.
for my $other ($digest, digest_of($bytes, 'sha512')) {
    $where = begin();
    cut_off(PUT => with_query($where, "digest=$other"), 'Content-Length: 300000',
        substr $bytes, 0, $_) for 120_000, 90_000;
    stands($client->get($where), 204, 90_000, 'a PUT that was interrupted twice');
    stored(put($where, $other, $bytes), 'it is repeated completely', undef, $other);
}
$where = begin();
stands($client->patch($where, $pieces[0]), 202, 50_000, 'a complete PATCH');
cut_off(PATCH => $where, 'Content-Length: 300000', $pieces[1]);
$server->halt;
$server->again;
$client->close;
stands($client->patch($where, $pieces[1]), 202, 100_000,
    'a repeated PATCH after a restart');
stored(put($where, $digest, join '', @pieces[ 2 .. 5 ]), 'the rest');
begin();
cut_off(POST => "/v2/$repo/blobs/uploads/?digest=$digest",
    'Content-Length: 300000', $pieces[0]);
not_stored('an interrupted POST stores nothing');

# Bytes beyond the length are the next request.
$where = begin();
$client->close;
$client->send("PATCH $where HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    . "abcGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
stands($client->receive('PATCH'), 202, 3, 'the first three bytes');
status_is($client->receive, 200, 'the rest is the next request');
header_is($client->get($where), 'Range', '0-2', 'three bytes are stored');

# ---- methods

for my $method (qw(PUT PATCH DELETE GET)) {
    $res = $client->request($method => "/v2/$repo/blobs/uploads/", {},
        $method eq 'GET' ? undef : '');
    error_is($res, 405, 'UNSUPPORTED', undef, "$method to blobs/uploads/");
    header_is($res, 'Allow', 'OPTIONS, POST');
}
$res = $client->post($where);
error_is($res, 405, 'UNSUPPORTED', undef, 'POST to an upload');
header_is($res, 'Allow', 'OPTIONS, GET, HEAD, PATCH, PUT, DELETE');

# A reload during a body, and a restart between two requests, do no harm.
$where = begin();
my $slow = OCI::Client->new($server);
$slow->send("PATCH $where HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    . "Content-Length: 100000\r\n\r\n");
sysread $slow->socket, my $interim, 100;
$slow->send($pieces[0]);
$server->graceful;
$slow->send($pieces[1]);
stands($slow->receive('PATCH'), 202, 100_000, 'a reload during a body');
$server->halt;
$server->again;
$client->close;
stands($client->get($where), 204, 100_000, 'httpd was restarted');
stands($client->patch($where, $pieces[2]), 202, 150_000, 'the session continues');
stored(put($where, $digest, join '', @pieces[ 3 .. 5 ]), 'the session is finished');

# Cancelling needs only permission to push, and leaves no bytes.
$where = begin();
$client->patch($where, $bytes);
status_is($client->delete($where), 204, 'cancelled with bytes');
not_stored('nothing was stored');
$server->stop;

# Time limits apply to pauses, not to the duration.
$server = OCI::Server->start(modules => ['reqtimeout'],
    extra => "Timeout 5\nRequestReadTimeout header=5 body=5,MinRate=500");
$slow = OCI::Client->new($server);
$where = $slow->start_upload('slow');
$slow->send("PATCH $where HTTP/1.1\r\nHost: x\r\nContent-Length: 49152\r\n\r\n");
my $start = time;
for (1 .. 12) {
    $slow->send('s' x 4096);
    sleep 0.5;
}
cmp_ok(time - $start, '>', 5, 'an upload that takes longer');
$res = $slow->receive('PATCH');
status_is($res, 202, 'a slow, but steady upload');
header_is($res, 'Range', '0-49151', 'all bytes are stored');

$server->stop;
done_testing;
