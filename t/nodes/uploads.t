# SPDX-License-Identifier: Apache-2.0

# Two httpds that serve one registry: uploads that alternate between them.

use OCI::Test;

use OCI::Crowd;
use OCI::Nodes;

my @nodes = nodes();
my @client = map { OCI::Client->new($_) } @nodes;
my ($one, $two) = @client;

sub has_offset {
    my ($location, $count, $name) = @_;
    for my $client (@client) {
        header_is($client->get($location), 'Range',
            '0-' . ($count ? $count - 1 : 0), $name);
    }
    return;
}

sub is_there {
    my ($repo, $bytes, $algorithm) = @_;
    my $digest = digest_of($bytes, $algorithm);
    for my $client (@client) {
        my $res = $client->get("/v2/$repo/blobs/$digest");
        ok($res->status == 200 && $res->body eq $bytes, 'the blob is complete')
            or diag($res->status);
    }
    return;
}

# ---- one request after another

for my $algorithm (qw(sha256 sha512)) {
    for my $parts (1, 2, 9) {
        my $bytes = random_bytes(333_333, "$algorithm $parts");
        my $digest = digest_of($bytes, $algorithm);
        my $location = $one->start_upload('turns',
            "?digest-algorithm=$algorithm");
        my $offset = 0;
        for my $n (1 .. $parts) {
            my $size = int length($bytes) / ($parts + 1) + $n;
            status_is($client[ $n % 2 ]->patch($location,
                substr($bytes, $offset, $size), 'Content-Range' =>
                sprintf '%d-%d', $offset, $offset + $size - 1), 202,
                "PATCH $n of $parts, $algorithm");
            $offset += $size;
            has_offset($location, $offset, 'both report its offset');
        }
        my $stale = $client[ $parts % 2 ^ 1 ]->patch($location, 'x' x 10,
            'Content-Range' => '0-9');
        error_is($stale, 416, 'BLOB_UPLOAD_INVALID');
        header_is($stale, 'Range', '0-' . ($offset - 1), 'the actual Range');
        status_is($client[ $parts % 2 ^ 1 ]->put(
            with_query($location, "digest=$digest"), substr $bytes, $offset),
            201, 'PUT of the rest');
        is_there('turns', $bytes, $algorithm);
        error_is($_->get($location), 404, 'BLOB_UPLOAD_UNKNOWN', undef,
            'the session has ended') for @client;
    }
}

my $bytes = random_bytes(100_000, 'whole');
my $digest = digest_of($bytes);
status_is($two->put(with_query($one->start_upload('whole'),
    "digest=$digest"), $bytes), 201, 'begun in one, finished in the other');
is_there('whole', $bytes);
status_is($two->post("/v2/once/blobs/uploads/?digest=$digest", $bytes), 201,
    'a single request to the other');
is_there('once', $bytes);
status_is($two->post("/v2/mounted/blobs/uploads/?mount=$digest&from=whole"),
    201, 'mounted in the other');
is_there('mounted', $bytes);
my $gone = $one->start_upload('gone');
status_is($one->patch($gone, 'some'), 202);
status_is($two->delete($gone), 204, 'cancelled in the other');
error_is($_->get($gone), 404, 'BLOB_UPLOAD_UNKNOWN') for @client;

my $kept = $one->start_upload('kept');
status_is($one->patch($kept, substr $bytes, 0, 60_000), 202);
$_->restart for @nodes;
$_->close for @client;
has_offset($kept, 60_000, 'both restarted');
status_is($two->put(with_query($kept, "digest=$digest"),
    substr $bytes, 60_000), 201, 'the other finishes it');
is_there('kept', $bytes);

# ---- at the same time

# One httpd receives a body while the other gets a request for the same upload.
for my $second (qw(PATCH PUT DELETE)) {
    my $location = $one->start_upload('busy');
    $one->patch($location, 'start');
    my $slow = OCI::Client->new($nodes[0]);
    $slow->send("PATCH $location HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        . "Content-Length: 200000\r\n\r\n");
    sysread $slow->socket, my $interim, 100;
    like($interim, qr/\AHTTP\/1.1 100/, 'the first gets 100 Continue');
    $slow->send('a' x 100_000);
    my $res = $two->request($second, with_query($location, "digest=$digest"), {},
        $second eq 'DELETE' ? undef : 'b' x 50_000);
    error_is($res, 416, 'BLOB_UPLOAD_INVALID', qr/another/, "$second meanwhile");
    header_is($res, 'Range', '0-4', 'the actual Range');
    $slow->send('a' x 100_000);
    status_is($slow->receive('PATCH'), 202, 'the first is accepted');
    my $whole = 'start' . 'a' x 200_000;
    status_is($two->put(with_query($location, 'digest=' . digest_of($whole)), ''),
        201, 'no bytes were mixed');
    is_there('busy', $whole);
}

for my $round (1 .. 5) {
    my $location = $client[ $round % 2 ]->start_upload('race');
    my @answers = at_once(\@nodes, 8, sub {
        my ($client, $n) = @_;
        my $res = $client->patch($location, chr(97 + $n) x 300_000,
            'Content-Range' => '0-299999');
        return ($res->status, $res->header('Range'));
    });
    my @accepted = grep { $answers[$_][0] eq 202 } 0 .. 7;
    is(scalar @accepted, 1, "round $round: one PATCH of eight is accepted");
    is(scalar(grep { $_->[0] eq 416 && $_->[1] =~ /\A0-(?:0|299999)\z/ }
        @answers), 7, 'the others get 416 and the current Range')
        or diag(map { "@$_\n" } @answers);
    my $whole = chr(97 + ($accepted[0] // 0)) x 300_000;
    my $name = digest_of($whole);
    my @closing = sort map { @$_ } at_once(\@nodes, 4, sub {
        return $_[0]->put(with_query($location, "digest=$name"), '')->status;
    });
    is_deeply(\@closing, [ (201) x 4 ], 'four PUTs at once finish it');
    is_there('race', $whole);
}

my $large = random_bytes(1_234_567, 'together');
my $name = digest_of($large);
my @results = at_once(\@nodes, 16, sub {
    my ($client, $n) = @_;
    my $repo = 'together/' . int $n / 4;
    my $res = $n % 4 < 2
        ? $client->post("/v2/$repo/blobs/uploads/?digest=$name", $large)
        : $client->put(with_query($client->start_upload($repo), "digest=$name"),
            $large);
    return ($res->status, $client->get("/v2/$repo/blobs/$name")->body eq $large);
});
is_deeply(\@results, [ ([ 201, 1 ]) x 16 ], 'sixteen pushes of one blob');
is_there("together/$_", $large) for 0 .. 3;
is($nodes[0]->copies(1_234_567), 1, 'one copy');

$_->stop for @nodes;
done_testing;
