# SPDX-License-Identifier: Apache-2.0

# Pulls with "EnableSendfile On": from a file with sendfile(2), over TLS, where
# mod_ssl reads the bytes, and through a proxy that speaks TLS to the client.

use OCI::Test;
use OCI::Certificates;
use Time::HiRes qw(sleep);

my $tls = OCI::Certificates->new
    or plan(skip_all => 'openssl makes no certificates, or no curl');
my $dir = $tls->dir;
my $ssl = <<"END";
    SSLEngine On
    SSLCertificateFile "$dir/server.pem"
    SSLCertificateKeyFile "$dir/server.key"
END
my $server = OCI::Server->start(ports => 3, extra => 'EnableSendfile On',
    modules => [qw(ssl socache_shmcb http2 proxy proxy_http)],
    after => <<"END");
<VirtualHost 127.0.0.1:\@PORT2\@>
$ssl    Protocols h2 http/1.1
</VirtualHost>
<VirtualHost 127.0.0.1:\@PORT3\@>
$ssl    Protocols h2 http/1.1
    <Location "/v2/">
        SetHandler None
        ProxyPass "http://127.0.0.1:\@PORT\@/v2/"
    </Location>
</VirtualHost>
END
$server->allows(qr/AH0190[69]|AH01873|AH02227/);
my $client = OCI::Client->new($server);

# Run curl; returns the status and the body.
sub pull {
    my ($url, @options) = @_;
    my $file = $server->dir . '/got';
    unlink $file;
    open my $pipe, '-|', 'curl', '-s', '--cacert', "$dir/server.pem", '-o',
        $file, '-w', '%{http_version} %{http_code}', @options, $url
        or die "curl: $!";
    my $status = <$pipe>;
    close $pipe or $status = "$status, and curl ends with " . ($? >> 8);
    return ($status, OCI::Server::slurp($file));
}

# The content of the parts of a multipart/byteranges.
sub parts {
    my ($boundary) = $_[0] =~ /\A\r?\n?(--\S+)\r\n/ or return;
    return map { s/\A.*?\r\n\r\n//sr } grep { /Content-Range/ }
        split /\r\n\Q$boundary\E/, "\r\n$_[0]";
}

# A small file, which httpd maps into memory, and a large one.
my $size = 6 * 1024 * 1024 + 7;
my %blob = map { $_ => random_bytes($_, "sendfile $_") } 0, 100, 3_000_000,
    $size;
my %path = map { $_ => '/v2/a/blobs/' . $client->push_blob('a', $blob{$_}) }
    keys %blob;
my $http2 = `curl -V` =~ /\bHTTP2\b/;
for my $case ([ 'no TLS', $server->url ],
    map({ [ 'TLS', 'https://' . $server->host(2), $_ ],
        [ 'a proxy with TLS', 'https://' . $server->host(3), $_ ] }
        '1.1', $http2 ? 2 : ())) {
    my ($name, $url, $version) = @$case;
    $version //= '1.1';
    my @options = "--http$version";
    $name .= ", HTTP/$version";
    for my $length (sort { $a <=> $b } keys %blob) {
        my ($status, $body) = pull($url . $path{$length}, @options);
        is($status, "$version 200", "$name: $length bytes");
        ok($body eq $blob{$length}, 'they are right');
    }
    my ($status, $body) = pull($url . $path{$size}, @options, '-r',
        '5000000-5999999');
    is($status, "$version 206", "$name: a range");
    ok($body eq substr($blob{$size}, 5_000_000, 1_000_000), 'its bytes');
    ($status, $body) = pull($url . $path{$size}, @options, '-r',
        '10-19,4500000-6000000');
    is($status, "$version 206", "$name: two ranges");
    my @parts = parts($body);
    ok(@parts == 2 && $parts[0] eq substr($blob{$size}, 10, 10)
        && $parts[1] eq substr($blob{$size}, 4_500_000, 1_500_001),
        'their bytes');
}

# The log has a line of the proxy and one of the registry behind it.
pull('https://' . $server->host(3) . '/v2/?proxied');
my $lines = 0;
for (1 .. 2400) {
    $lines = () = OCI::Server::slurp($server->access_log)
        =~ m{^200 GET /v2/\?proxied}mg;
    last if $lines >= 2;
    sleep 0.05;
}
is($lines, 2, 'the proxy asks the registry');

$server->stop;
done_testing;
