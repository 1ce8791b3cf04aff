# SPDX-License-Identifier: Apache-2.0

# Two httpds, one PostgreSQL and one bucket: children, or all of a httpd, are
# killed under load.  Nothing that was acknowledged is lost, and the other httpd
# goes on with the uploads of the killed one.  t/nodes/kill.t runs with a bucket,
# too; here uploads have parts, and httpd replaces its children.

use OCI::Test;

use OCI::Nodes;
use OCI::S3::Registry;
use OCI::Verifier;
use OCI::Writer;
use Time::HiRes qw(sleep time);

my $s3 = OCI::S3->start('strict');
my @nodes = nodes(blobs => 's3:strict:stream', s3 => $s3,
    s3_settings => { OCIS3PartSize => '5M' });
my @clients = map { OCI::Client->new($_) } @nodes;
$_->allows(qr/AH00052: child pid \d+ exit signal Killed/) for @nodes;

# ---- children are killed

my ($steps, $finished, @faults) = (0, 0);
for (my $round = 1; $round <= 4 || $round <= 40
     && ($steps <= 20 || !$finished); $round++) {
    my $end = time + 1.5;
    my @writers = map { OCI::Writer->start(\@nodes, "round$round/w$_", $end,
        once => 1) } 1 .. 4;
    while (time < $end) {
        sleep 0.1 + rand 0.3;
        kill 'KILL', $nodes[ rand @nodes ]->children;
    }
    $_->wait for @writers;
    for my $writer (@writers) {
        my $verifier = OCI::Verifier->new($writer);
        $finished += keys %{ $verifier->{sessions} };
        $verifier->finish_sessions($nodes[ $round % 2 ]);
        $verifier->check_facts($_) for @nodes;
        $steps += $verifier->steps;
        push @faults, $verifier->faults;
    }
}
is_deeply(\@faults, [], 'nothing is lost, and all content is complete');
cmp_ok($steps, '>', 20, "$steps steps");
cmp_ok($finished, '>', 0, "$finished sessions were finished");

# ---- an upload in parts goes on elsewhere

# Send a PATCH of 14 MiB after one of 6 MiB, of which 9 MiB arrive.
sub interrupted {
    my ($bytes, $kill) = @_;
    my $location = $clients[0]->start_upload('large');
    status_is($clients[0]->patch($location, substr $bytes, 0, 6 * MIB), 202,
        'the first PATCH');
    $s3->forget;
    my $own = OCI::Client->new($nodes[0]);
    $own->send("PATCH $location HTTP/1.1\r\nHost: x\r\nContent-Length: "
        . (14 * MIB) . "\r\n\r\n" . substr $bytes, 6 * MIB, 9 * MIB);
    ok(wait_until(sub { grep { /part 2/ } requests($s3) }),
        'the second one has put a part');
    $kill->();
    $own->close;
    $_->close for @clients;
    return $location;
}

for my $case ([ 'children' => sub { kill 'KILL', $nodes[0]->children } ],
        [ 'all of it' => sub { $nodes[0]->kill9 } ]) {
    my ($name, $kill) = @$case;
    my $bytes = random_bytes(20 * MIB, "large $name");
    my $digest = digest_of($bytes);
    my $location = interrupted($bytes, $kill);
    my ($last) = ($clients[1]->get($location)->header('Range') // '')
        =~ /\A0-(\d+)\z/;
    cmp_ok($last // 0, '>=', 6 * MIB - 1, "$name: the other httpd knows it");
    cmp_ok($last // 0, '<', 15 * MIB, "$name: and not more than was sent");
    my ($res, $offset) = (undef, ($last // -1) + 1);
    my $accepted = wait_until(sub {
        $res = $clients[1]->patch($location, substr($bytes, $offset),
            'Content-Range' => "$offset-" . (length($bytes) - 1));
        $res->status == 202;
    }, 10);
    ok($accepted, "$name: the other httpd goes on") or diag($res->text);
    status_is($clients[1]->put(with_query($location, "digest=$digest"), ''),
        201, "$name: and finishes it");
    $nodes[0]->again if !$nodes[0]{process}->alive;
    for my $client (@clients) {
        my $res = $client->get("/v2/large/blobs/$digest");
        ok($res->status == 200 && $res->body eq $bytes, "$name: it is whole");
    }
    is_deeply([ grep { /large|tail/ } map { $_->{key} } $s3->uploads ], [],
        "$name: no multipart upload is left");
}

# ---- the closing PUT is killed between the bucket and the index

my $bytes = random_bytes(6 * MIB, 'closing');
my $digest = digest_of($bytes);
my $location = $clients[0]->start_upload('closing');
status_is($clients[0]->patch($location, $bytes), 202);
$s3->faults({ fault => 'silence', method => 'POST', query => 'uploadId' });
my $own = OCI::Client->new($nodes[0]);
$own->send('PUT ' . with_query($location, "digest=$digest")
    . " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
ok(wait_until(sub { grep { /complete/ } requests($s3) }),
    'the upload is completed in the bucket');
kill 'KILL', $nodes[0]->children;
$s3->faults;
$own->close;
$_->close for @clients;
my $res;
wait_until(sub {
    $res = $clients[1]->put(with_query($location, "digest=$digest"), '');
    $res->status != 416;
}, 10);
status_is($res, 201, 'the PUT is repeated elsewhere');
$res = $clients[1]->get("/v2/closing/blobs/$digest");
ok($res->status == 200 && $res->body eq $bytes, 'the blob is whole');

$_->stop for @nodes;
done_testing;
