# SPDX-License-Identifier: Apache-2.0

# A backup of a registry whose blobs are in a bucket, and its restore to another
# prefix, as conf/README describes both ("Blobs in an object store").

use OCI::Test;

use OCI::Admin;
use OCI::S3::Registry;

# Some commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my ($s3, $server, $client) = s3_registry(config => 'OCIRedirect Off',
    settings => { OCIS3PartSize => '5M' });
my $bucket = OCI::S3::Client->new($s3);
my $old = $server->{blobs}->prefix($server->store);
my ($backup, $new) = map { 'fs ' . $server->dir . "/$_" } qw(backup new);
my %env = $server->{blobs}->environment;
@ENV{ keys %env } = values %env;

my $large = random_bytes(6 * MIB, 'large');
my $image = $client->push_image('a/b', 'v1', layers => [ 'small', $large ]);

# ---- the index first, then the bucket

run_is(ociadmin('copy', '--online', '--force', '--quiet',
    'fs ' . $server->store, $backup), 0, qr/\A\z/, 'the index is copied');
$client->push_image('a/b', 'late', layers => ['late']);
my @objects = map { $_->{key} } $s3->objects;
for my $key (@objects) {
    $bucket->put($key =~ s{\A\Q$old\E/}{restored/}r, $bucket->get($key)->body);
}
cmp_ok(scalar(grep { m{\A\Q$old\E/blobs/} } @objects), '>=', 4,
    'the objects are copied');
$server->halt;

# ---- the restore

my @stores = ('--store', 's3 s3://' . $s3->bucket . '/restored', '--index',
    $new);
run_is(ociadmin('copy', '--quiet', $backup, $new), 0, qr/\A\z/,
    'the index is restored');
my $id = $bucket->get('restored/id')->body;
$bucket->delete('restored/id');
run_is(ociadmin('check', '--quiet', @stores), 1, qr/has no id/,
    'without the object "id" the store is refused');
$bucket->put('restored/id', $id);
run_is(ociadmin('check', '--quiet', '--repair', @stores), 1,
    qr/remove the object "index" from the blob store/,
    'the bucket still belongs to the old index');
$bucket->delete('restored/index');
run_is(ociadmin('check', '--digests', '--quiet', '--repair', @stores), 0,
    qr/\A\z/, 'everything that the index names is there');

$server->set(config => "OCIBlobStore $stores[1]\nOCIIndex $new\n"
    . 'OCIRedirect Off');
$server->again;
$client = OCI::Client->new($server);
is($client->get('/v2/a/b/manifests/v1')->body, $image->{text}, 'a manifest');
is($client->get('/v2/a/b/blobs/' . digest_of($_))->body, $_, 'a blob')
    for 'small', $large;
status_is($client->get('/v2/a/b/manifests/late'), 404,
    'what was pushed after the backup is not there');

$client->push_image('a/b', 'v2', layers => ['more']);
run_is(ociadmin('gc', '--quiet', '--grace', 0, @stores), 0, qr/\A\z/,
    'garbage collection works');
is($client->get('/v2/a/b/blobs/' . digest_of($large))->body, $large,
    'the blobs stay');

$server->stop;
done_testing;
