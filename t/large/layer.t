# SPDX-License-Identifier: Apache-2.0

# A layer of 3 GiB is pushed and pulled with the smallest configuration, in one
# request each.  Because this takes 6 GiB of traffic and 3 GiB of disk space,
# the test runs only if OCI_LARGE is set.

use OCI::Test;

plan(skip_all => 'set OCI_LARGE=1 to push and pull 3 GiB') if !$ENV{OCI_LARGE};
my $server = OCI::Server->start;
my $client = OCI::Client->new($server, follow => 1);
my $piece = random_bytes(1 << 20, 'layer');
my $pieces = 3 * 1024;
my $size = $pieces * length $piece;
my $sha = Digest::SHA->new(256);
$sha->add($piece) for 1 .. $pieces;
my $digest = 'sha256:' . $sha->hexdigest;

# Push it as docker does: a chunked PATCH, then the final PUT.
my $left = $pieces;
my $location = $client->start_upload('large');
my $res = $client->request(PATCH => $location, {},
    sub { $left-- > 0 ? $piece : undef });
status_is($res, 202, 'PATCH of 3 GiB');
header_is($res, 'Range', '0-' . ($size - 1), 'all of it');
$res = $client->put(with_query($location, "digest=$digest"), '');
status_is($res, 201, 'PUT');
header_is($client->head("/v2/large/blobs/$digest"), 'Content-Length', $size, 'HEAD');

# Pull it.
my $got = 0;
$sha = Digest::SHA->new(256);
$res = $client->request(GET => "/v2/large/blobs/$digest", {}, undef,
    sink => sub { $got += length $_[0]; $sha->add($_[0]) });
status_is($res, 200, 'GET');
header_is($res, 'Content-Length', $size, 'its length');
is($got, $size, 'all of it');
is('sha256:' . $sha->hexdigest, $digest, 'the same bytes');
my $last = $size - 10;
$res = $client->get("/v2/large/blobs/$digest", Range => "bytes=$last-");
status_is($res, 206, 'a range beyond 2 GiB');
header_is($res, 'Content-Range', "bytes $last-" . ($size - 1) . "/$size");
is($res->body, substr($piece, -10), 'its bytes');

$server->stop;
done_testing;
