# SPDX-License-Identifier: Apache-2.0

# Pushes, as the S3 server sees them: which requests there are, what they have
# in common, and what is left in the bucket.

use OCI::Test;

use Digest::SHA qw(sha256_hex);
use OCI::Crowd;
use OCI::S3::Registry;

use constant PART => 5 * MIB;

my ($s3, $server, $client) = s3_registry(modules => ['watchdog'],
    config => 'OCIRedirect Off', settings => { OCIS3PartSize => '5M' });
my $blobs = 1;    # the first one

# One test: these requests were sent, and nothing but this many blobs is stored.
sub sent_are {
    my ($name, $expected, $new) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply([ requests($s3) ], $expected, "$name: the requests");
    $blobs += $new;
    my $stored = stored($s3);
    delete @$stored{qw(id index)};
    is_deeply($stored, { blobs => $blobs }, "$name: what is stored");
    $s3->forget;
    return;
}

sub is_there {
    my ($bytes, $algorithm) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $digest = digest_of($bytes, $algorithm);
    my $res = $client->get("/v2/a/b/blobs/$digest");
    ok($res->status == 200 && $res->body eq $bytes, 'it can be pulled')
        or diag($res->status);
    $s3->forget;
    return;
}

# ---- in one request

my $bytes = random_bytes(100_000, 'small');
my $digest = digest_of($bytes);
status_is($client->post("/v2/a/b/blobs/uploads/?digest=$digest", $bytes), 201,
    'POST of a small blob');
my ($entry) = $s3->log;
is($entry->{headers}{'x-amz-content-sha256'}, sha256_hex($bytes),
    'the SHA-256 of the bytes is signed');
is($entry->{headers}{'content-length'}, length $bytes, 'Content-Length');
is($entry->{headers}{$_}, undef, "no $_")
    for qw(transfer-encoding x-amz-trailer x-amz-checksum-sha256
        x-amz-checksum-crc32 content-encoding expect);
sent_are('a small blob', ['PUT blobs'], 1);
is_there($bytes);

$bytes = random_bytes(200_000, 'small, POST and PUT');
my $location = $client->start_upload('a/b');
status_is($client->put(with_query($location, 'digest=' . digest_of($bytes)),
    $bytes), 201, 'POST and PUT');
sent_are('POST and PUT', ['PUT blobs'], 1);
is_there($bytes);
status_is($client->put(with_query($client->start_upload('a/b'),
    'digest=' . digest_of('')), ''), 201, 'an empty blob');
sent_are('an empty blob', ['PUT blobs'], 1);
is_there('');
$client->push_blob('other', $bytes);
status_is($client->post("/v2/third/blobs/uploads/?from=a/b&mount="
    . digest_of($bytes)), 201, 'a mount');
is(scalar(grep { /create|part|complete/ } requests($s3)), 0,
    'a blob that exists: no multipart upload');
is(stored($s3)->{blobs}, $blobs, 'it is stored once');
$s3->forget;

# ---- in parts

my $large = random_bytes(2 * PART + 777_777, 'large');
my $name = digest_of($large);
status_is($client->post("/v2/a/b/blobs/uploads/?digest=$name", $large), 201,
    'POST of a blob of three parts');
my ($create, @parts) = $s3->log;
is($create->{headers}{'content-length'}, '0', 'create has Content-Length: 0');
my $offset = 0;
for my $part (@parts[ 0 .. 2 ]) {
    my $piece = substr $large, $offset, PART;
    $offset += length $piece;
    is($part->{bytes}, length $piece, 'a part of the right size');
    is($part->{headers}{'x-amz-content-sha256'}, sha256_hex($piece),
        'its SHA-256 is signed');
    is($part->{headers}{'content-length'}, length $piece, 'its length is told');
}
sent_are('three parts', [ 'create', 'part 1', 'part 2', 'part 3', 'complete' ],
    1);
is_there($large);
my $whole = random_bytes(2 * PART, 'two whole parts');
$client->push_blob('a/b', $whole);
is(scalar(grep { /part/ } requests($s3)), 2, 'two whole parts');
$blobs++;
is_there($whole);

# ---- the wrong digest

for my $case ([ small => $bytes . 1 ], [ large => $large . 1 ]) {
    my ($size, $content) = @$case;
    my $wrong = digest_of("not $size");
    my $res = $client->put(with_query($client->start_upload('a/b'),
        "digest=$wrong"), $content);
    error_is($res, 400, 'DIGEST_INVALID', undef, "$size: the wrong digest");
    is(scalar(grep { /complete/ } requests($s3)), 0, 'it is not completed');
    is(scalar(grep { /PUT blobs/ } requests($s3)), 0, 'nor put');
    error_is($client->get("/v2/a/b/blobs/$wrong"), 404, 'BLOB_UNKNOWN');
    error_is($client->get('/v2/a/b/blobs/' . digest_of($content)), 404,
        'BLOB_UNKNOWN');
    $s3->forget;
}

# The session stays, and the right digest ends it.
my $content = random_bytes(PART + 1000, 'retried');
$location = $client->start_upload('a/b');
status_is($client->patch($location, $content), 202);
error_is($client->put(with_query($location, 'digest=' . digest_of('x')), ''),
    400, 'DIGEST_INVALID');
status_is($client->put(with_query($location, 'digest=' . digest_of($content)),
    ''), 201, 'the right digest after a wrong one');
$blobs++;
is_there($content);

# ---- sha512

my $long = random_bytes(PART + 5, 'long');
status_is($client->post('/v2/a/b/blobs/uploads/?digest='
    . digest_of($long, 'sha512'), $long), 201, 'sha512 in one request');
$blobs++;
is_there($long, 'sha512');
$long .= 1;
$location = $client->start_upload('a/b', '?digest-algorithm=sha512');
status_is($client->patch($location, $long), 202);
status_is($client->put(with_query($location, 'digest='
    . digest_of($long, 'sha512')), ''), 201, 'sha512, announced');
$blobs++;
is_there($long, 'sha512');
$long .= 2;
$location = $client->start_upload('a/b');
status_is($client->patch($location, $long), 202);
status_is($client->put(with_query($location, 'digest='
    . digest_of($long, 'sha512')), ''), 201, 'sha512 that the closing PUT says');
$blobs++;
is_there($long, 'sha512');
$long .= 3;
$location = $client->start_upload('a/b');
status_is($client->patch($location, $long), 202);
error_is($client->put(with_query($location, 'digest='
    . digest_of('x', 'sha512')), ''), 400, 'DIGEST_INVALID', undef,
    'a wrong sha512 in the closing PUT');
error_is($client->get('/v2/a/b/blobs/' . digest_of('x', 'sha512')), 404,
    'BLOB_UNKNOWN');
error_is($client->get($location), 404, 'BLOB_UPLOAD_UNKNOWN', undef,
    'which ends the session');
is(stored($s3)->{uploads}, undef, 'and leaves nothing')
    or diag(explain([ $s3->uploads ]));
$s3->forget;

# ---- chunks

my $chunked = random_bytes(2 * PART + 300_000, 'chunked');
$location = $client->start_upload('a/b');
$offset = 0;
while ($offset < length $chunked) {
    my $piece = substr $chunked, $offset, 700_001;
    my $res = $client->patch($location, $piece, 'Content-Range' =>
        $offset . '-' . ($offset + length($piece) - 1));
    $offset += length $piece;
    is($res->status . ' ' . ($res->header('Range') // ''),
        '202 0-' . ($offset - 1), "a chunk up to $offset");
}
status_is($client->put(with_query($location, 'digest=' . digest_of($chunked)),
    ''), 201, 'the closing PUT');
my @sizes = map { $_->{bytes} } sort { $a->{query} cmp $b->{query} }
    grep { $_->{query} =~ /partNumber/ } $s3->log;
is_deeply(\@sizes, [ PART, PART, 300_000 ], 'the parts are of equal sizes');
$blobs++;
is_there($chunked);
my $stored = stored($s3);
is_deeply([ @$stored{qw(blobs tails uploads)} ], [ $blobs, undef, undef ],
    'chunks leave nothing but the blob') or diag(explain($stored));

# ---- a body that ends early

$location = $client->start_upload('a/b');
my $cut = OCI::Client->new($server);
$cut->send("PATCH $location HTTP/1.1\r\nHost: x\r\nContent-Length: "
    . length($large) . "\r\n\r\n" . substr $large, 0, PART + 400_000);
$cut->finish;
$cut->receive('PATCH');
$cut->close;
my $range;
wait_until(sub {
    my $res = $client->get($location);
    ($range) = ($res->header('Range') // '') =~ /\A0-(\d+)\z/;
    return $range && $range >= PART;
});
cmp_ok($range // 0, '>=', PART - 1, 'the bytes that arrived are kept');
$large .= 'and more';
my $rest = $range ? $range + 1 : 0;
status_is($client->patch($location, substr($large, $rest), 'Content-Range' =>
    $rest . '-' . (length($large) - 1)), 202, 'the rest');
status_is($client->put(with_query($location, 'digest=' . digest_of($large)),
    ''), 201, 'the closing PUT');
$blobs++;
is_there($large);

# ---- cancelled

for my $size (1000, PART + 1000) {
    $location = $client->start_upload('a/b');
    status_is($client->patch($location, 'x' x $size), 202);
    status_is($client->delete($location), 204, "$size bytes: cancelled");
}
$stored = stored($s3);
is_deeply([ @$stored{qw(blobs tails uploads)} ], [ $blobs, undef, undef ],
    'nothing is left of them') or diag(explain($stored));

# ---- the same blob at the same time

for my $size (50_000, PART + 50_000) {
    my $same = random_bytes($size, "same $size");
    my @answers = at_once([$server], 8, sub {
        my ($own, $n) = @_;
        my $repo = 'same/' . $n % 3;
        return $n % 2 ? $own->post("/v2/$repo/blobs/uploads/?digest="
            . digest_of($same), $same)->status
            : $own->put(with_query($own->start_upload($repo), 'digest='
                . digest_of($same)), $same)->status;
    });
    is_deeply(\@answers, [ ([201]) x 8 ], "$size bytes pushed by eight");
    $blobs++;
    $stored = stored($s3);
    is_deeply([ @$stored{qw(blobs tails uploads)} ], [ $blobs, undef, undef ],
        'one of them is kept') or diag(explain($stored));
    my $res = $client->get('/v2/same/1/blobs/' . digest_of($same));
    ok($res->body eq $same, 'it is whole');
}

# ---- garbage

# The blobs of an image are kept, and all others are collected.
my $image = $client->push_image('kept', 'v1', layers => [$large]);
$server->set(config => "OCIGCInterval 1\nOCIGCGrace 1\nOCIRedirect Off");
$server->graceful;
ok(wait_until(sub { (stored($s3)->{blobs} // 0) <= 2 }, 60),
    'what is not needed is collected') or diag(explain(stored($s3)));
$stored = stored($s3);
is_deeply([ @$stored{qw(blobs tails uploads)} ], [ 2, undef, undef ],
    'the blobs of the image are left');
my $layer = $client->get('/v2/kept/blobs/' . digest_of($large));
ok($layer->body eq $large, 'its layer is whole');
status_is($client->delete("/v2/kept/manifests/$image->{digest}"), 202);
status_is($client->delete('/v2/kept/blobs/' . digest_of($large)), 202,
    'DELETE');
ok(wait_until(sub { !stored($s3)->{blobs} }, 60), 'nothing is left')
    or diag(explain(stored($s3)));

$server->stop;
done_testing;
