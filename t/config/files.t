# SPDX-License-Identifier: Apache-2.0

# Every file of conf/ starts an httpd that works as the file describes.

use OCI::Test;

use Digest::SHA qw(sha1_base64);
use File::Temp ();
use OCI::Certificates;
use OCI::Process;
use MIME::Base64 qw(encode_base64);

my $conf = "$OCI::Server::TOP/conf";
my $tmp = File::Temp->newdir(TMPDIR => 1);
my ($certificate, $key) = ("$tmp/registry.pem", "$tmp/registry.key");
my @tls_paths = (
    '/etc/ssl/certs/registry.pem'   => $certificate,
    '/etc/ssl/private/registry.key' => $key,
    "Listen 443\n"                  => '',
    '*:443'                         => '*:@PORT@'
);
my @tls_warnings = (
    qr/AH0190[69]/,    # a certificate that signed itself
    qr/AH01873/        # no session cache
);

# The text of a file, with paths of this machine instead of those in the file.
sub text_of {
    my ($name, @replace) = @_;
    my $text = OCI::Server::slurp("$conf/$name");
    while (my ($from, $to) = splice @replace, 0, 2) {
        ok($text =~ s/\Q$from\E/$to/g, "$name names " . $from =~ s/\s+$//r);
    }
    $text =~ s{/var/lib/mod_oci}{\@STORE\@}g;
    return $text;
}

sub serve {
    my ($text, %option) = @_;
    return OCI::Server->start(location => '', after => $text, %option);
}

sub put_passwords {
    my ($server, %password) = @_;
    open my $file, '>', $server->dir . '/passwd' or die "passwd: $!";
    print $file map { "$_:{SHA}" . sha1_base64($password{$_}) . "=\n" }
        keys %password;
    return close $file;
}

sub client_of {
    my ($server, $user, $password) = @_;
    return OCI::Client->new($server, headers => [
        Authorization => 'Basic ' . encode_base64("$user:$password", '')
    ]);
}

# Push, pull, list, delete.
sub works {
    my ($server, $name) = @_;
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('some/image', 'v1', layers => ['a', 'b']);
    my $res = $client->get('/v2/some/image/manifests/v1');
    is($res->body, $image->{text}, "$name: the pushed image is pulled");
    is_deeply($client->get('/v2/some/image/tags/list')->json,
        { name => 'some/image', tags => ['v1'] }, "$name: it is listed");
    status_is($client->delete('/v2/some/image/manifests/v1'), 202,
        "$name: its tag is deleted");
    return;
}

# Run curl with the host name of the certificate; return status and body.
sub curl {
    my ($server, $path, @more) = @_;
    my $host = 'registry.example.com:' . $server->port;
    open my $pipe, '-|', 'curl', '-sS', '--cacert', $certificate, '--resolve',
        "$host:127.0.0.1", '-w',
        "\n%{http_version} %{http_code} %{header_json}", @more,
        "https://$host$path" or die "curl: $!";
    local $/;
    my $output = <$pipe>;
    close $pipe;
    my ($body, $version, $status, $headers) =
        $output =~ /\A(.*)\n([\d.]+) (\d+) (\{.*\})\s*\z/s
        or return { body => $output };
    return { body => $body, version => $version, status => $status,
             headers => JSON::PP::decode_json($headers) };
}

# Push over TLS, with more bytes than one thread reads, and pull.
sub works_by_curl {
    my ($server, $name, @more) = @_;
    my $bytes = random_bytes(1_000_000) x 12;
    open my $file, '>', "$tmp/blob" or die "blob: $!";
    print $file $bytes;
    close $file;
    my $res = curl($server, '/v2/by/curl/blobs/uploads/', '-X', 'POST', @more);
    is($res->{status}, 202, "$name: an upload begins");
    my $location = $res->{headers}{location}[0];
    like($location, qr{^/v2/by/curl/blobs/uploads/}, "$name: Location");
    $res = curl($server, $location, '-X', 'PATCH', '-T', "$tmp/blob", @more,
        '-H', 'Transfer-Encoding: chunked');
    is($res->{status}, 202, "$name: it goes on") or diag($res->{body});
    my $digest = digest_of($bytes);
    $res = curl($server, with_query($location, "digest=$digest"),
        '-X', 'PUT', '-H', 'Content-Length: 0', @more);
    is($res->{status}, 201, "$name: it ends") or diag($res->{body});
    $res = curl($server, "/v2/by/curl/blobs/$digest", @more);
    ok($res->{body} eq $bytes, "$name: the same bytes come back");
    return $res;
}

sub make_certificate {
    return !system "openssl req -x509 -nodes -days 2 -newkey ec -pkeyopt "
        . "ec_paramgen_curve:prime256v1 -subj /CN=registry.example.com "
        . "-addext subjectAltName=DNS:registry.example.com "
        . "-keyout $key -out $certificate 2>$tmp/openssl";
}

subtest 'reference.conf' => sub {
    my $server = serve(text_of('reference.conf'));
    works($server, 'reference.conf');
    $server->stop;
};

subtest 'oci.conf' => sub {
    my $server = serve(text_of('oci.conf') . 'CustomLog @DIR@/oci_log oci',
        modules => [qw(http2 reqtimeout)]);
    works($server, 'oci.conf');
    $server->stop_quietly;
    like(OCI::Server::slurp($server->dir . '/oci_log'),
        qr{^127\.0\.0\.1 - \[[^]]+\] push some/image v1 201 0 \d+ -$}m,
        'its log format');
    $server->stop;
};

subtest 'basic.conf' => sub {
    my $server = serve(
        text_of('examples/basic.conf', '/etc/mod_oci.passwd' => '@DIR@/passwd'),
        modules => [qw(auth_basic authn_core authn_file authz_user)]
    );
    $server->allows(qr/AH016(?:17|18|31)/);    # denied
    put_passwords($server, ci => 'robot', alice => 'secret');
    my $ci = client_of($server, 'ci', 'robot');
    my $alice = client_of($server, 'alice', 'secret');
    my $image = $ci->push_image('a', 'v1');
    is($alice->get('/v2/a/manifests/v1')->body, $image->{text}, 'a user pulls');
    status_is($alice->head('/v2/a/manifests/v1'), 200, 'a user sends HEAD');
    error_is($alice->post('/v2/a/blobs/uploads/'), 403, 'DENIED');
    error_is($alice->delete('/v2/a/manifests/v1'), 403, 'DENIED');
    status_is($ci->delete('/v2/a/manifests/v1'), 202, 'ci deletes');
    my $res = OCI::Client->new($server)->get('/v2/');
    error_is($res, 401, 'UNAUTHORIZED');
    header_is($res, 'WWW-Authenticate', 'Basic realm="registry"');
    error_is(client_of($server, 'alice', 'wrong')->get('/v2/'), 401,
        'UNAUTHORIZED');
    $server->stop;
};

subtest 'two-doors.conf' => sub {
    my $server = serve(
        text_of('examples/two-doors.conf', "Listen 5000\nListen 5001\n" => '',
            '/etc/mod_oci.passwd' => '@DIR@/passwd',
            '*:5000' => '*:@PORT@', '*:5001' => '*:@PORT2@'),
        modules => [qw(auth_basic authn_core authn_file authz_user)],
        ports   => 2
    );
    put_passwords($server, ci => 'robot');
    my $image = client_of($server, 'ci', 'robot')->push_image('a', 'v1');
    error_is(OCI::Client->new($server)->get('/v2/a/manifests/v1'), 401,
        'UNAUTHORIZED');
    my $reader = OCI::Client->new($server->host(2));
    is($reader->get('/v2/a/manifests/v1')->body, $image->{text},
        'the public port allows pulls to all');
    error_is($reader->post('/v2/a/blobs/uploads/'), 405, 'UNSUPPORTED',
        qr/read-only/);
    $server->stop;
};

subtest 'http2.conf' => sub {
    my $server = serve(text_of('examples/http2.conf'), modules => ['http2']);
    works($server, 'http2.conf');
    my $version = `curl -sS --http2-prior-knowledge -o $tmp/body \\
        -w '%{http_version} %{http_code}' http://@{[ $server->host ]}/v2/`;
    is($version, '2 200', 'HTTP/2');
    my $format = '\n%{http_version} %{http_code} %{num_connects}\n';
    my $url = 'http://' . $server->host . '/v2/';
    my $answers = `curl -sS --http2 -w '$format' $url ${url}_catalog`;
    is_deeply([ $answers =~ /^(\S+ \d+ \d+)$/mg ], [ '1.1 200 1', '1.1 200 0' ],
        'a client that offers an upgrade makes two requests by HTTP/1.1');
    $server->stop;
};

subtest 'tls.conf' => sub {
    plan skip_all => 'openssl makes no certificate' if !make_certificate();
    my $server = serve(text_of('examples/tls.conf', @tls_paths),
        modules => [qw(ssl socache_shmcb http2)]);
    $server->allows(@tls_warnings);
    my $res = works_by_curl($server, 'tls.conf');
    is($res->{version}, '2', 'by HTTP/2');
    $res = works_by_curl($server, 'tls.conf, HTTP/1.1', '--http1.1');
    is($res->{version}, '1.1', 'by HTTP/1.1');
    $server->stop;
};

# The same file with its comments about client certificates put into effect.
subtest 'tls.conf with client certificates' => sub {
    my $tls = OCI::Certificates->new
        or plan skip_all => 'openssl makes no certificate';
    my $from = $tls->dir;
    my $server = serve(text_of('examples/tls.conf',
        '/etc/ssl/certs/registry.pem'   => "$from/server.pem",
        '/etc/ssl/private/registry.key' => "$from/server.key",
        '/etc/ssl/certs/clients.pem'    => "$from/ca.pem",
        "Listen 443\n" => '', '*:443' => '*:@PORT@',
        '#SSLVerifyClient' => 'SSLVerifyClient',
        '#SSLCACertificateFile' => 'SSLCACertificateFile',
        'Require      all granted' => '', '#Require     expr' => 'Require expr'),
        modules => [qw(ssl socache_shmcb http2)]);
    $server->allows(@tls_warnings, qr/AH01630|AH02227/);
    my $ask = sub {
        return scalar `curl -sS -o $tmp/body --cacert $from/server.pem @_ \\
            -w '%{http_version} %{http_code}' https://@{[ $server->host ]}/v2/`;
    };
    for my $case ([ '--http2' => '2' ], [ '--http1.1' => '1.1' ]) {
        my ($how, $version) = @$case;
        is($ask->($how, "--cert $from/writer.pem --key $from/writer.key"),
            "$version 200", "$how: a client with a certificate");
        is($ask->($how), "$version 403", "$how: a client without one");
    }
    $server->stop;
};

subtest 'proxy.conf and behind-proxy.conf' => sub {
    plan skip_all => 'openssl makes no certificate' if !make_certificate();
    my $behind = serve(
        text_of('examples/behind-proxy.conf', "Listen 127.0.0.1:5000\n" => ''),
        modules => ['remoteip'],
        extra   => 'CustomLog @DIR@/addresses "%a %{Host}i %r"'
    );
    my $front = serve(
        text_of('examples/proxy.conf', @tls_paths,
            '127.0.0.1:5000' => $behind->host),
        modules => [qw(ssl socache_shmcb proxy proxy_http)]
    );
    $front->allows(@tls_warnings);
    works_by_curl($front, 'proxy.conf');
    my $res = curl($front, '/v2/by/curl/manifests/none');
    is($res->{status}, 404, 'an error passes the proxy');
    like($res->{body}, qr/MANIFEST_UNKNOWN/, 'with its body');
    works($behind, 'behind-proxy.conf');
    OCI::Client->new($behind)->get('/v2/',
        'X-Forwarded-For' => '203.0.113.9');
    curl($front, '/token?service=registry');
    $res = curl($front, '/v2');
    is("$res->{status} " . ($res->{headers}{location}[0] // ''), '301 /v2/',
        '/v2 is redirected');
    $front->stop('the httpd in front had no errors');
    $behind->stop_quietly;
    my $log = OCI::Server::slurp($behind->dir . '/addresses');
    like($log, qr{^203\.0\.113\.9 \S+ GET /v2/ HTTP/1\.1$}m,
        'the address is the one that the proxy names');
    my $host = 'registry.example.com:' . $front->port;
    like($log, qr{^\S+ \Q$host\E GET /token\?service=registry HTTP/1\.1$}m,
        'the proxy passes /token and the Host on');
    $behind->stop;
};

subtest 'events.conf' => sub {
    my $queue = File::Temp->newdir(TMPDIR => 1);
    my $server = serve(text_of('examples/events.conf',
        '/usr/sbin/oci-webhook' => "$conf/webhook.pl", '/var/spool/mod_oci' => "$queue"));
    $server->expects(qr{webhook\.pl: http://127\.0\.0\.1:8080/hook does not accept});
    OCI::Client->new($server)->push_image('a', 'v1');
    my $end = time + 60;
    sleep 1 while !glob("$queue/*") && time < $end;
    $server->stop;
};

subtest 'run.conf, by "make run"' => sub {
    my $store = File::Temp->newdir(TMPDIR => 1);
    chown +(getpwnam OCI::Server::user())[ 2, 3 ], "$store" if !$>;
    my $port = OCI::Server::free_port();
    my $run = OCI::Process->start(command => ["$conf/run.sh"],
        output => "$tmp/run", env => { PORT => $port, STORE => "$store",
            APXS => $ENV{APXS} || 'apxs' });
    my $client = OCI::Client->new("127.0.0.1:$port");
    ok($run->wait_for(sub { eval { $client->get('/health')->status == 200 } },
        60), 'the registry is healthy') or diag OCI::Server::slurp("$tmp/run");
    status_is($client->get($_), 200, $_) for '/', '/v2/', '/metrics';
    like(OCI::Server::slurp("$tmp/run"), qr{127\.0\.0\.1:$port/health and},
        'it says where');
    ok($run->stop, 'it ends');
};

my %tested = map { $_ => 1 } qw(reference.conf oci.conf run.conf
    examples/events.conf
    examples/basic.conf examples/two-doors.conf examples/http2.conf
    examples/tls.conf examples/proxy.conf examples/behind-proxy.conf);

# The files that t/auth/examples.t, t/auth/cors.t, t/nodes/example.t and
# t/clients/page_login.t start.
$tested{"examples/$_.conf"} = 1
    for qw(certificates cors issuer ldap nodes openidc page tokens);
# The files that t/auth/examples.t, t/auth/cors.t, t/config/monitoring.t and
# t/nodes/example.t start.
$tested{"examples/$_.conf"} = 1
    for qw(certificates cors issuer ldap monitoring nodes openidc tokens);
# t/s3/example.t starts s3.conf.
$tested{'examples/s3.conf'} = 1;
is_deeply([ grep { !$tested{$_} } map { s{^\Q$conf\E/}{}r }
        glob "$conf/*.conf $conf/examples/*" ], [], 'every file is tested');

subtest 'the version' => sub {
    my $server = OCI::Server->start(sanitize => 0, extra => 'ServerTokens Full');
    like($server->log, qr{\[oci:notice\].*this is mod_oci/\d+\.\d+\.\d+},
        'the error log has it');
    like(OCI::Client->new($server)->get('/v2/')->header('Server') // '',
        qr{ mod_oci/\d+\.\d+\.\d+}, 'the header Server too');
    $server->stop;
};

done_testing;
