# SPDX-License-Identifier: Apache-2.0

# The default LimitRequestBody is 1 GiB.  Layers may be larger, so the default
# must not apply here.  t/large sends such layers; this test does not.

use OCI::Test;
use Time::HiRes qw(sleep);

my $server = OCI::Server->start(after => <<'END');
<Location "/v2/limited/">
    LimitRequestBody 1048576
</Location>
<Location "/v2/unlimited/">
    LimitRequestBody 0
</Location>
END
my $client = OCI::Client->new($server);
my $size = 3 * 1024 ** 3;

# Send a head with Expect; return the first status, and the connection.
sub ask {
    my ($method, $path, @headers) = @_;
    my $own = OCI::Client->new($server);
    $own->send(join "\r\n", "$method $path HTTP/1.1", 'Host: x',
        'Expect: 100-continue', @headers, '', '');
    my $head = '';
    while ($head !~ /\r\n\r\n/) {
        sysread($own->socket, $head, 4096, length $head) or last;
    }
    my ($status) = $head =~ m{\AHTTP/1.1 (\d+)};
    $own->{input} = $head;
    return ($status, $own);
}

for my $repo (qw(any unlimited)) {
    for my $method (qw(PATCH PUT POST)) {
        my $where = $client->start_upload($repo);
        my $path = $method eq 'PATCH' ? $where
            : $method eq 'PUT' ? with_query($where, 'digest=' . digest_of('x'))
            : "/v2/$repo/blobs/uploads/?digest=" . digest_of('x');
        my ($status, $own) = ask($method, $path, "Content-Length: $size");
        is($status, 100, "$repo: $method of 3 GiB may be sent");
        $own->send('x' x 100_000);
        $own->close;
        next if $method eq 'POST';

        # The received part is kept, once the server knows that the client left.
        my $range = '';
        for (1 .. 2400) {
            $range = $client->get($where)->header('Range') // '';
            last if $range eq '0-99999';
            sleep 0.05;
        }
        is($range, '0-99999', 'the received part is kept');
    }
}

# A configured LimitRequestBody applies.
my $where = $client->start_upload('limited');
for my $length ($size, 1_048_577) {
    my ($status, $own) = ask(PATCH => $where, "Content-Length: $length");
    is($status, 413, "limited: PATCH of $length bytes");
    error_is($own->receive('PATCH'), 413, 'SIZE_INVALID',
        qr/1048576.*LimitRequestBody/, 'the message names the limit');
}
status_is($client->patch($where, 'x' x 1_048_576), 202, 'limited: at the limit');

# A manifest has its own limit.
my ($status, $own) = ask(PUT => '/v2/any/manifests/x', "Content-Length: $size",
    'Content-Type: ' . IMAGE_MANIFEST);
is($status, 413, 'a manifest of 3 GiB');
error_is($own->receive('PUT'), 413, 'MANIFEST_INVALID', qr/OCIMaxManifestSize/,
    'the message names the limit');

$server->stop;
done_testing;
