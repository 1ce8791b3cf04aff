# SPDX-License-Identifier: Apache-2.0

# Uploads that need more memory than OCIS3Memory wait for their turn, and a blob
# that is larger than OCIS3MaxBlob is refused.

use OCI::Test;

use IO::Select;
use OCI::Crowd;
use OCI::S3::Registry;

# One process, so that all uploads share its memory: two parts.
my ($s3, $server, $client) = s3_registry(config => 'OCIRedirect Off',
    extra => ONE_PROCESS, settings => {
        OCIS3PartSize => '5M', OCIS3Memory => '10M', OCIS3MaxBlob => '12M' });

# Begin a PATCH of a size, and send a part of its body.
sub begin {
    my ($size, $sent) = @_;
    my $bytes = random_bytes($size, rand);
    my $own = OCI::Client->new($server);
    my $location = $client->start_upload('a/b');
    $own->send("PATCH $location HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        . "Content-Length: $size\r\n\r\n" . substr $bytes, 0, $sent);
    return { own => $own, location => $location, bytes => $bytes,
        rest => substr $bytes, $sent };
}

sub finish {
    my $upload = shift;
    my $digest = digest_of($upload->{bytes});
    status_is($client->put(with_query($upload->{location}, "digest=$digest"),
        ''), 201, 'it is finished');
    my $res = $client->get("/v2/a/b/blobs/$digest");
    ok($res->body eq $upload->{bytes}, 'and whole');
    return;
}

# Whether the whole request was sent, and the response has come.
sub answered {
    my ($upload, $seconds) = @_;
    return IO::Select->new($upload->{own}->socket)->can_read($seconds);
}

# ---- two hold the memory, the third waits, small ones pass

$s3->faults({ fault => 'silence', method => 'PUT', query => 'partNumber',
    count => 2 });
my @busy = map { begin(6 * MIB, 6 * MIB) } 1, 2;
ok(wait_until(sub { !grep { $_->{count} } @{ $s3->faults_left } }),
    'two uploads put a part, and hold a buffer');
my $third = begin(1 * MIB, 1 * MIB);
my $small = random_bytes(40_000, 'small');
$client->push_blob('a/b', $small);
pass('a small blob needs no part');
ok(!answered($third, 1), 'the third one waits');
$s3->faults();
$s3->forget;
ok(answered($third, 30), 'the third one goes on');
status_is($_->{own}->receive('PATCH'), 202, 'it succeeds') for @busy, $third;
finish($_) for @busy, $third;

# ---- clients that pause hold none

my @slow = map { begin(4 * MIB, 1 * MIB) } 1 .. 4;
ok(wait_until(sub { 4 <= grep { $_ eq 'PUT blobs' } requests($s3) }),
    'what four slow clients have sent is saved');
my $quick = begin(1 * MIB, 1 * MIB);
ok(answered($quick, 30), 'another upload need not wait for them');
for my $slow (@slow) {
    $slow->{own}->send($slow->{rest});
    status_is($slow->{own}->receive('PATCH'), 202, 'a slow one goes on');
}
status_is($quick->{own}->receive('PATCH'), 202, 'the quick one ends');
finish($_) for @slow, $quick;

# ---- many at the same time

my @answers = at_once([$server], 12, sub {
    my ($own, $n) = @_;
    my $bytes = random_bytes(6 * MIB + $n, "many $n");
    my $digest = digest_of($bytes);
    my $status = $own->put(with_query($own->start_upload('many'),
        "digest=$digest"), $bytes)->status;
    return ($status, $own->get("/v2/many/blobs/$digest")->body eq $bytes);
});
is_deeply(\@answers, [ ([ 201, 1 ]) x 12 ], 'twelve uploads share two parts');

# ---- a blob that is too large

my $large = random_bytes(12 * MIB + 1, 'large');
my $from = -s $server->error_log;
my $res = $client->post('/v2/a/b/blobs/uploads/?digest=' . digest_of($large),
    $large);
my $limit = qr/the blob is larger than the 12582912 bytes that the registry's/;
error_is($res, 413, 'SIZE_INVALID', $limit, 'larger than OCIS3MaxBlob');
is_deeply($res->json->{errors}[0]{detail}, { limit => '12582912' },
    'the limit is in the detail, too');
$client->close;
my $location = $client->start_upload('a/b');
status_is($client->patch($location, substr $large, 0, 7 * MIB), 202);
error_is($client->patch($location, substr $large, 7 * MIB), 413,
    'SIZE_INVALID', $limit, 'in two requests');
$client->close;
is_deeply([ log_lines($server, $from) ], [], 'this is not an error here');
header_is($client->get($location), 'Range', '0-' . (7 * MIB - 1),
    'what was accepted stays');
chop $large;
status_is($client->put(with_query($location, 'digest=' . digest_of($large)),
    substr $large, 7 * MIB), 201, 'as large as OCIS3MaxBlob');

$server->stop;
done_testing;
