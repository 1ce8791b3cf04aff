# SPDX-License-Identifier: Apache-2.0

# Each MPM of httpd, and HTTP/2 without TLS.

use OCI::Test;

use File::Temp ();

my $tmp = File::Temp->newdir(TMPDIR => 1);
my $bytes = random_bytes(2_500_000);
open my $file, '>', "$tmp/blob" or die "blob: $!";
print $file $bytes;
close $file;

for my $mpm (qw(prefork worker event)) {
    my $server = OCI::Server->start(mpm => $mpm);
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('a', 'v1', layers => [ $bytes, 'second' ]);
    is($client->get('/v2/a/manifests/v1')->body, $image->{text},
        "$mpm: the manifest");
    ok($client->get('/v2/a/blobs/' . digest_of($bytes))->body eq $bytes,
        "$mpm: the layer");

    # An upload continues in any process that receives its next request.
    my $location = $client->start_upload('a');
    for my $part (0 .. 9) {
        my $other = OCI::Client->new($server);
        my $some = substr $bytes, 250_000 * $part, 250_000;
        status_is($other->patch($location, $some), 202, "$mpm: part $part");
    }
    my $end = with_query($location, 'digest=' . digest_of($bytes));
    status_is($client->put($end, ''), 201, "$mpm: the entire blob");

    # httpd stops in the middle of a long body, and starts again.  The event
    # MPM cannot interrupt its threads while they wait for a client.
    my $long = $bytes x 10;
    $location = $client->start_upload('a');
    my $cut = OCI::Client->new($server)->connect;
    $cut->send($cut->head_of('PATCH', $location,
        { 'Content-Length' => length $long }, undef)
        . substr $long, 0, 20_000_000);
    $cut->close if $mpm eq 'event';
    $server->halt;
    $server->again;
    $client = OCI::Client->new($server);
    my ($last) = $client->get($location)->header('Range') =~ /\A0-(\d+)\z/;
    my $offset = $last ? $last + 1 : 0;
    ok($offset, "$mpm: the received part is kept") if $mpm ne 'prefork';
    $end = with_query($location, 'digest=' . digest_of($long));
    status_is($client->put($end, substr($long, $offset), 'Content-Range' =>
        "$offset-" . (length($long) - 1)), 201,
        "$mpm: a long body continues at $offset");
    $server->stop("$mpm: httpd had no errors");
}

# Run curl; return the status, the version of HTTP, and the body.
sub curl {
    my ($server, $path, @more) = @_;
    open my $pipe, '-|', 'curl', '-sS', '-w',
        "\n%{http_version} %{http_code} %{header_json}", @more,
        'http://' . $server->host . $path or die "curl: $!";
    local $/;
    my $output = <$pipe>;
    close $pipe;
    my ($body, $version, $status, $headers) =
        $output =~ /\A(.*)\n([\d.]+) (\d+) (\{.*\})\s*\z/s
        or return { body => $output };
    return { body => $body, version => $version, status => $status,
             headers => JSON::PP::decode_json($headers) };
}

for my $mpm (qw(worker event)) {
    my $server = OCI::Server->start(mpm => $mpm, modules => ['http2'],
        extra => "Protocols h2c http/1.1\nH2WindowSize 1048576");
    for my $how ('--http2-prior-knowledge', '--http2') {
        my $name = "$mpm, $how";
        my $res = curl($server, '/v2/h2/blobs/uploads/', $how, '-X', 'POST');
        is($res->{status}, 202, "$name: an upload begins");
        is($res->{version}, '2', "$name: by HTTP/2");
        my $location = $res->{headers}{location}[0];
        my $digest = digest_of($bytes);
        $res = curl($server, with_query($location, "digest=$digest"), $how,
            '-X', 'PUT', '-T', "$tmp/blob");
        is($res->{status}, 201, "$name: it ends") or diag($res->{body});

        # Clients have small buffers for data that follows the Upgrade at once.
        my $last = $how eq '--http2' ? 9_999 : 2_499_999;
        $res = curl($server, "/v2/h2/blobs/$digest", $how, '-r', "0-$last");
        ok($res->{body} eq substr($bytes, 0, $last + 1),
            "$name: the blob is pulled");
        $res = curl($server, "/v2/h2/blobs/$digest", $how, '-I');
        is($res->{headers}{'content-length'}[0], length $bytes,
            "$name: its length");
        $res = curl($server, "/v2/h2/blobs/$digest", $how, '-r', '100-199');
        is($res->{status}, 206, "$name: a part");
        ok($res->{body} eq substr($bytes, 100, 100),
            "$name: with the right bytes");
        $res = curl($server, '/v2/h2/manifests/none', $how);
        is($res->{status}, 404, "$name: an error");
        like($res->{body}, qr/"MANIFEST_UNKNOWN"/, "$name: as JSON");
        OCI::Client->new($server)->push_blob('h2', '');
        $res = curl($server, '/v2/h2/blobs/' . digest_of(''), $how, '-I');
        is($res->{headers}{'content-length'}[0], 0, "$name: HEAD of nothing");
    }
    OCI::Client->new($server)->push_image('h1', 'v1');
    $server->stop("$mpm with HTTP/2: httpd had no errors");
}
done_testing;
