# SPDX-License-Identifier: Apache-2.0

# A POST that pushes a large blob in one request, with a slow client: garbage
# collection does not end it, and it leaves nothing but the blob.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Library;
use OCI::S3::Registry;

my ($s3, $server, $client) = s3_registry(config => 'OCIRedirect Off',
    settings => { OCIS3PartSize => '5M' });

# How many records of uploads, and tombstones, the index has.
sub known {
    my $facts = facts_of($server->store);
    return scalar grep { m{^upload/} } keys %$facts;
}

my $before = known();

# Begin a POST, and wait until the bucket has an upload.  The S3 server's clock
# is behind meanwhile, so that this upload looks old.
sub begin {
    my ($bytes, $query) = @_;
    $s3->forget;
    $s3->clock(-300);
    my $own = OCI::Client->new($server);
    $own->send("POST /v2/a/b/blobs/uploads/?$query HTTP/1.1\r\nHost: x\r\n"
        . 'Content-Length: ' . length($bytes) . "\r\n\r\n"
        . substr $bytes, 0, 6 * MIB);
    ok(wait_until(sub { grep { /part 1/ } requests($s3) }),
        'the first part is there');
    $s3->clock(0);
    is(known(), $before + 1, 'it has a record');
    my $run = gc($server, '--upload-expiry', 60);
    is("$run->{status}$run->{err}", 0, 'garbage is collected meanwhile');
    is($run->{report}{uploads}, 0, 'the upload is not');
    is(scalar(() = $s3->uploads), 1, 'the bucket still has it');
    return $own;
}

my $bytes = random_bytes(8 * MIB, 'slow');
my $missing = digest_of('missing');
for my $mount ('', "mount=$missing&from=first&") {
    $bytes .= 'more';
    my $digest = digest_of($bytes);
    my $own = begin($bytes, $mount . "digest=$digest");
    $own->send(substr $bytes, 6 * MIB);
    status_is($own->receive('POST'), 201,
        $mount ? 'a mount that becomes a push' : 'a slow POST');
    ok($client->get("/v2/a/b/blobs/$digest")->body eq $bytes, 'it is whole');
    is(known(), $before, 'it leaves no record');
    is_deeply([ $s3->uploads ], [], 'nor an upload in the bucket');
}

# ---- clients that end it early

my $own = begin($bytes, "digest=$missing");
$own->send(substr $bytes, 6 * MIB);
error_is($own->receive('POST'), 400, 'DIGEST_INVALID', undef, 'a wrong digest');
is(known(), $before, 'it leaves no record');
is_deeply([ $s3->uploads ], [], 'nor an upload in the bucket');
$own = begin($bytes, "digest=$missing");
$own->close;
ok(wait_until(sub { known() == $before }), 'a client that goes away: the same');
ok(wait_until(sub { !$s3->uploads }), 'nor an upload in the bucket');

# ---- a small blob

$s3->forget;
status_is($client->post('/v2/a/b/blobs/uploads/?digest=' . digest_of('small'),
    'small'), 201, 'a small blob');
is_deeply([ requests($s3) ], ['PUT blobs'], 'is one request');
is(known(), $before, 'and leaves no record');

# ---- a process that is killed

my $tmp = File::Temp->newdir(TMPDIR => 1);
SKIP: {
    OCI::Library::build("$tmp/clock.so", <<'END')
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
int gettimeofday(struct timeval *tv, void *zone)
{
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(tv, zone);

    tv->tv_sec += 3600;
    return result;
}
END
        or skip('gcc cannot build a library', 1);
    $own = begin($bytes, "digest=$missing");
    $server->allows(qr/AH00052: child pid \d+ exit signal Killed/);
    kill 'KILL', $server->children;
    $own->close;
    $s3->clock(3600);
    my @stores = OCI::Admin::stores_of($server);
    my $out = do {
        local $ENV{LD_PRELOAD} = "$tmp/clock.so";
        open my $tool, '-|', "$OCI::Server::TOP/.build/mod/ociadmin", 'gc',
            '--json', '--quiet', '--upload-expiry', 60, @stores
            or die "ociadmin: $!\n";
        local $/;
        <$tool>;
    };
    $s3->clock(0);
    like($out, qr/"uploads": ?1,/, 'an hour later its upload is collected');
    is_deeply([ $s3->uploads ], [], 'the bucket no longer has it');
    is(known(), ++$before, 'a tombstone is left');
}

$server->stop;
done_testing;
