# SPDX-License-Identifier: Apache-2.0

# Our own address in the challenge: the one that the client used, or the one in
# the configuration; never one from an untrusted header.

use OCI::Test;
use OCI::Auth;
use OCI::Certificates;
use OCI::Response;

sub challenge_of {
    my $res = shift;
    return OCI::Auth::challenge($res->header('WWW-Authenticate') // '');
}

# A request without Host, which HTTP/1.0 allows.
sub old_request {
    my $server = shift;
    my $socket = IO::Socket::INET->new(PeerAddr => $server->host);
    print $socket "GET /v2/ HTTP/1.0\r\n\r\n";
    local $/;
    my $text = <$socket>;
    my $response = OCI::Response->new('GET');
    $response->parse(\$text) || $response->ended;
    return $response;
}

subtest 'hosts' => sub {
    my $server = OCI::Server->start(OCI::Auth::setup('tokens'));
    OCI::Auth::passwords($server);
    my $client = OCI::Client->new($server);
    for my $case (
        [ 'registry.example'      => 'registry.example' ],
        [ 'registry.example:8443' => 'registry.example:8443' ],
        [ 'Registry.Example'      => 'registry.example' ],
        [ '[2001:db8::1]'         => '[2001:db8::1]' ],
        [ '[2001:db8::1]:5000'    => '[2001:db8::1]:5000' ],
        [ '192.0.2.1:5000'        => '192.0.2.1:5000' ],
    ) {
        my ($host, $known) = @$case;
        my $res = $client->get('/v2/', Host => $host);
        my $challenge = challenge_of($res);
        is($challenge->{realm}, "http://$known/token", "$host: realm");
        is($challenge->{service}, $known, "$host: service");
        $res = $client->get("/token?service=$known", Host => $host,
            Authorization => OCI::Auth::basic('reader',
                $OCI::Auth::PASSWORD{reader}));
        my $token = $res->json->{token};
        status_is($client->get('/v2/', Host => $host,
            Authorization => "Bearer $token"), 200, "$host: a token");
        status_is($client->get('/v2/', Host => 'other.example',
            Authorization => "Bearer $token"), 401,
            'the token is refused at another host');
    }
    my $forged = challenge_of($client->get('/v2/', Host => 'registry.example',
        'X-Forwarded-Host'  => 'evil.example',
        'X-Forwarded-Proto' => 'gopher', 'X-Forwarded-Port' => 1,
        'X-Forwarded-Server' => 'evil.example',
        Forwarded => 'host=evil.example;proto=gopher'));
    is($forged->{realm}, 'http://registry.example/token',
        'headers of a proxy are not trusted');
    error_is($client->get('/v2/', Host => 'a"b.example'), 400, 'UNSUPPORTED',
        undef, 'an invalid Host');
    my $res = old_request($server);
    is($res->status, 401, 'HTTP/1.0 without a Host');
    is(challenge_of($res)->{realm}, 'http://127.0.0.1/token', 'has a realm');
    $server->stop;
    done_testing;
};

subtest 'addresses in the configuration' => sub {
    my %setup = OCI::Auth::setup('tokens');
    my $server = OCI::Server->start(%setup, extra => $setup{extra} . <<'END');
ServerName https://registry.example
OCITokenRealm /token
END
    OCI::Auth::passwords($server);
    my $client = OCI::Client->new($server);
    is(challenge_of($client->get('/v2/', Host => 'registry.example'))->{realm},
        'https://registry.example/token', 'the scheme of ServerName');
    $server->set(extra => $setup{extra} . <<'END');
OCITokenRealm https://login.example/a?b="c"
OCITokenService "my \"registry\""
END
    $server->halt;
    $server->again;
    my $res = $client->get('/v2/');
    is($res->header('WWW-Authenticate'), 'Bearer realm="https://login.example/'
        . 'a?b=\\"c\\"",service="my \\"registry\\""', 'quotes are escaped');
    $server->stop;
    done_testing;
};

subtest 'behind a proxy with TLS' => sub {
    my $tls = OCI::Certificates->new
        or plan skip_all => 'openssl makes no certificates, or no curl';
    my %setup = OCI::Auth::setup('tokens');
    my $behind = OCI::Server->start(%setup);
    OCI::Auth::passwords($behind);
    my $front = OCI::Server->start(
        modules  => [qw(ssl socache_shmcb proxy proxy_http)],
        location => '', extra => $tls->extra . "SSLVerifyClient none\n"
            . 'ProxyPreserveHost On' . "\n" . join "\n", map {
            "ProxyPass $_ http://" . $behind->host . "$_" } '/v2/', '/token');
    $front->allows(qr/AH0190[69]|AH01873|AH02227/);
    my $host = $front->host;
    $behind->set(extra => $setup{extra}
        . "OCITokenRealm https://$host/token\n");
    $behind->halt;
    $behind->again;
    my $client = $tls->caller($front, 'anonymous');
    my $challenge = challenge_of($client->request(GET => '/v2/'));
    is($challenge->{realm}, "https://$host/token", 'the address of the proxy');
    is($challenge->{service}, $host, 'the name of the proxy');
    my $token = $client->request(GET => '/token', { Authorization =>
        OCI::Auth::basic('writer', $OCI::Auth::PASSWORD{writer}) });
    status_is($client->request(GET => '/v2/', { Authorization => 'Bearer '
        . $token->json->{token} }), 200,
        'a token from the proxy works at the proxy');
    $front->stop('the httpd in front had no errors');
    $behind->stop;
    done_testing;
};

subtest 'HTTP/2' => sub {
    my ($curl) = grep { -x } map { "$_/curl" } split /:/, $ENV{PATH};
    plan skip_all => 'curl knows no HTTP/2'
        if !$curl || `$curl -V` !~ /\bHTTP2\b/;
    my %setup = OCI::Auth::setup('tokens', modules => ['http2']);
    my $server = OCI::Server->start(%setup,
        extra => "Protocols h2c http/1.1\n$setup{extra}");
    OCI::Auth::passwords($server);
    my $ask = sub {
        my $path = pop;
        open my $pipe, '-|', $curl, '-s', '-i', '--http2-prior-knowledge', @_,
            $server->url . $path or die "curl: $!";
        local $/;
        return <$pipe>;
    };
    my $answer = $ask->('/v2/team/x/tags/list');
    like($answer, qr{^HTTP/2 401.*"UNAUTHORIZED"}s, 'a refusal');
    like($answer, qr{realm="http://\Q@{[ $server->host ]}\E/token"}, 'its realm');
    my ($token) = $ask->('-u', "reader:$OCI::Auth::PASSWORD{reader}",
        '/token?scope=repository:team/x:pull') =~ /"token":"([^"]+)"/;
    like($ask->('-H', "Authorization: Bearer $token", '/v2/team/x/tags/list'),
        qr/NAME_UNKNOWN/, 'a token');
    ($token) = $ask->('-d', 'grant_type=password&username=admin&password=root',
        '/token') =~ /"token":"([^"]+)"/;
    ok($token, 'a token by POST');
    $server->stop;
    done_testing;
};

# Bearer tokens and their users in logs and sub-requests.
subtest 'caches' => sub {
    my %setup = OCI::Auth::setup('tokens, open pull');
    my $server = OCI::Server->start(%setup, config => 'Require all granted');
    OCI::Auth::passwords($server);
    my $client = OCI::Client->new($server);
    my $digest = $client->push_image('pub/image', 'v1')->{digest};
    $server->set(config => $setup{config});
    $server->halt;
    $server->again;
    like($client->get("/v2/pub/image/manifests/$digest")
        ->header('Cache-Control'), qr/^private/,
        'replies that depend on authorization are not for shared caches');
    header_is($client->get('/v2/'), 'Cache-Control', 'no-cache');
    $server->stop;
    done_testing;
};

done_testing;
