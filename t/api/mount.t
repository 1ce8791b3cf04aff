# SPDX-License-Identifier: Apache-2.0

# POST /v2/<name>/blobs/uploads/?mount=: a blob that another repository has.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $bytes = random_bytes(10_000, 'mount');
my $digest = $client->push_blob('mount/from', $bytes);
my $sha512 = $client->push_blob('mount/from', $bytes, 'sha512');

sub mount {
    my ($to, $query, @more) = @_;
    return $client->post("/v2/$to/blobs/uploads/?$query", @more);
}

sub holds {
    my ($name, $which) = @_;
    return $client->head("/v2/$name/blobs/" . ($which // $digest))->status == 200;
}

# Expect 202 with a working session, and that nothing was mounted.
sub refused {
    my ($res, $to, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    status_is($res, 202, $name);
    like($res->header('Location'), qr{\A/v2/\Q$to\E/blobs/uploads/[0-9a-z-]+\z},
        'a session');
    header_is($res, 'Docker-Content-Digest', undef, 'no digest');
    ok(!holds($to), 'the blob was not mounted');
    return $res;
}

for my $which ($digest, $sha512) {
    my $to = 'mount/to/' . substr $which, 0, 6;
    my $res = mount($to, "mount=$which&from=mount/from");
    status_is($res, 201, 'mount with from');
    header_is($res, 'Location', "/v2/$to/blobs/$which");
    header_is($res, 'Docker-Content-Digest', $which);
    header_is($res, 'Content-Length', 0);
    ok($client->get("/v2/$to/blobs/$which")->body eq $bytes, 'the same bytes');
    status_is(mount($to, "mount=$which&from=mount/from"), 201, 'once more');
}
status_is(mount('mount/any', "mount=$digest"), 201, 'mount without from');
ok(holds('mount/any'), 'the blob is mounted');
status_is(mount('mount/encoded', 'mount=sha256%3A' . substr($digest, 7)
    . '&from=mount%2Ffrom&origin=docker.io'), 201,
    'encoded, with further parameters');
status_is(mount('mount/from', "mount=$digest&from=mount/from"), 201, 'onto itself');
status_is($client->post("/v2/mount/bare/blobs/uploads?mount=$digest"), 201,
    'without the last slash');

# A refused mount begins a session.
$client->push_blob('mount/other', 'other bytes');
refused(mount('mount/a', "mount=$digest&from=mount/other"), 'mount/a',
    'a repository without the blob');
refused(mount('mount/b', "mount=$digest&from=mount/none"), 'mount/b',
    'a repository that does not exist');
refused(mount('mount/c', "mount=$digest&from=mount"), 'mount/c',
    'a parent of repositories');
for my $from ('../mount/from', 'Mount/From', '', 'mount//from', '/mount/from',
    'mount/from/', 'mount/to/../from', 'x' x 300, 'mount%2F..%2Ffrom',
    "mount/from/blobs/$digest") {
    refused(mount('mount/d', "mount=$digest&from=$from"), 'mount/d',
        "from '" . substr($from, 0, 30) . "'");
}
refused(mount('mount/e', 'mount=sha256:' . '0' x 64), 'mount/e', 'no such blob');

# The session of a refused mount is used, or cancelled.
my $res = refused(mount('mount/f', "mount=$digest&from=mount/other"), 'mount/f',
    'a refused mount');
status_is($client->put(with_query($res->header('Location'), "digest=$digest"),
    $bytes), 201, 'the session continues as a push');
ok(holds('mount/f'), 'the blob is stored');
$res = refused(mount('mount/g', "mount=$digest&from=mount/other"), 'mount/g',
    'another');
status_is($client->delete($res->header('Location')), 204,
    'the session is cancelled');

# A deleted blob cannot be mounted.
my $gone = $client->push_blob('mount/gone', 'soon gone');
status_is(mount('mount/held', "mount=$gone&from=mount/gone"), 201, 'mounted');
status_is($client->delete("/v2/mount/gone/blobs/$gone"), 202,
    'the blob is deleted in one repository');
status_is(mount('mount/late', "mount=$gone&from=mount/gone"), 202,
    'it is not mounted from there');
status_is(mount('mount/late', "mount=$gone&from=mount/held"), 201,
    'it is mounted from a repository that has it');
status_is(mount('mount/later', "mount=$gone"), 201,
    'it is mounted without from');
status_is($client->delete("/v2/mount/$_/blobs/$gone"), 202)
    for qw(held late later);
status_is(mount('mount/last', "mount=$gone"), 202,
    'it is not mounted if no repository has it');

error_is(mount('mount/bad', "mount=$digest&from=$_"), 400, 'UNSUPPORTED',
    qr/encod/, "from=$_") for 'mount/from%00', '%00', '%zz';
error_is(mount('mount/bad', "mount=$_"), 400, 'DIGEST_INVALID', qr/mount/,
    "mount=$_") for '', 'x', 'sha256:baddigeststring', 'sha256:' . 'A' x 64;

# A manifest is not a blob.
my $image = $client->push_image('mount/image', 'tag');
status_is(mount('mount/bad', "mount=$image->{digest}&from=mount/image"), 202,
    'a manifest is not mounted');

$server->stop;
done_testing;
