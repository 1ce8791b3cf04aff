# SPDX-License-Identifier: Apache-2.0

# Tokens: the endpoint that issues them, and the registry that accepts them.

use OCI::Test;
use OCI::Auth;
use Encode ();

my %setup = OCI::Auth::setup('tokens, open pull');
my $odd = 'odd name %+&"ü';
my $server = OCI::Server->start(%setup, config => 'Require all granted',
    extra => $setup{extra} . "OCITokenLifetime 77\n");
OCI::Auth::passwords($server, more => { $odd => 'pass:%+&" wörd' });
my $dir = $server->dir;
my $host = $server->host;
my $client = OCI::Client->new($server);
$client->push_image("$_/image", 'v1', layers => ["layer of $_"])
    for qw(pub team secret);
$server->set(config => $setup{config});
$server->halt;
$server->again;
$server->allows(qr/AH016(?:17|18|30|31)/);

my %caller = map { $_ => OCI::Auth->new($server, $_) }
    qw(anonymous reader writer admin wrong);

sub endpoint {
    my ($query, $who) = @_;
    return $client->get("/token?$query",
        Authorization => $caller{ $who // 'anonymous' }{basic});
}

sub access_of {
    my ($header, $claims) = OCI::Auth::claims($_[0]->json->{token});
    return { map { ("$_->{type}:$_->{name}" => join ',', @{ $_->{actions} }) }
        @{ $claims->{access} } };
}

sub with {
    my ($token, $method, $path) = @_;
    return $client->request($method, $path,
        { Authorization => "Bearer $token" }, $method eq 'GET' ? undef : '');
}

subtest 'the key was created' => sub {
    my @stat = stat "$dir/key.pem";
    is(sprintf('%o', $stat[2] & 07777), '600', 'only its owner may read it');
    like(OCI::Server::slurp("$dir/key.pem"), qr/BEGIN PRIVATE KEY/, 'in PEM');
    done_testing;
};

subtest 'the challenge' => sub {
    for my $case (
        [ GET    => '/v2/', undef ],
        [ GET    => '/v2/_catalog', 'registry:catalog:*' ],
        [ GET    => '/v2/team/image/manifests/v1', 'repository:team/image:pull' ],
        [ HEAD   => '/v2/team/image/manifests/v1', 'repository:team/image:pull' ],
        [ GET    => '/v2/team/none/tags/list', 'repository:team/none:pull' ],
        [ POST   => '/v2/team/image/blobs/uploads/',
          'repository:team/image:pull,push' ],
        [ DELETE => '/v2/team/image/manifests/v1',
          'repository:team/image:delete' ],
        [ POST   => '/v2/team/image/blobs/uploads/?mount=sha256:' . 'a' x 64
          . '&from=pub%2Fimage',
          'repository:team/image:pull,push repository:pub/image:pull' ],
        [ POST   => '/v2/team/image/blobs/uploads/?mount=sha256:' . 'a' x 64
          . '&from=x%22y', 'repository:team/image:pull,push' ],
    ) {
        my ($method, $path, $scope) = @$case;
        my $res = $client->request($method, $path, {},
            $method eq 'POST' ? '' : undef);
        error_is($res, 401, 'UNAUTHORIZED', undef, "$method $path");
        my $expected = qq(Bearer realm="http://$host/token",service="$host")
            . ($scope ? qq(,scope="$scope") : '');
        is_deeply([ $res->headers('WWW-Authenticate') ], [$expected],
            'one challenge, every parameter quoted');
    }
    done_testing;
};

subtest 'GET' => sub {
    my $res = endpoint('scope=repository:team/image:pull,push,delete', 'reader');
    status_is($res, 200);
    header_is($res, 'Cache-Control', 'no-store');
    header_is($res, 'Content-Type', 'application/json');
    my $json = $res->json;
    is($json->{token}, $json->{access_token}, 'the token has both names');
    is($json->{expires_in}, 77, 'OCITokenLifetime');
    like($json->{issued_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'issued_at');
    ok(!exists $json->{refresh_token}, 'there is no refresh token');
    my ($header, $claims) = OCI::Auth::claims($json->{token});
    is($header->{alg}, 'ES256', 'alg');
    like($header->{kid}, qr/^[\w-]{43}$/, 'kid');
    is($claims->{$_->[0]}, $_->[1], $_->[0])
        for [ iss => $host ], [ aud => $host ], [ sub => 'reader' ],
            [ exp => $claims->{iat} + 77 ], [ nbf => $claims->{iat} ];
    is_deeply(access_of($res), { 'repository:team/image' => 'pull' },
        'the granted part of a scope');
    my (undef, $other) = OCI::Auth::claims(
        endpoint('scope=repository:team/image:pull', 'reader')->json->{token});
    isnt($other->{jti}, $claims->{jti}, 'each token has its own id');

    is_deeply(access_of(endpoint('scope=repository:team/a:push%20repository:'
        . 'pub/b:pull&scope=repository:secret/c:*&scope=registry:catalog:*'
        . '&account=writer&client_id=test&offline_token=true&service='
        . "$host", 'writer')),
        { 'repository:team/a' => 'push', 'repository:pub/b' => 'pull',
          'registry:catalog' => 'pull,push,delete,*' }, 'several scopes');
    is_deeply(access_of(endpoint('scope=repository:x/y:*', 'admin')),
        { 'repository:x/y' => 'pull,push,delete,*' }, 'an asterisk');
    is_deeply(access_of(endpoint('scope=repository:pub/a:pull,push')),
        { 'repository:pub/a' => 'pull' }, 'anonymous');
    is_deeply(access_of(endpoint('scope=repository(plugin):x/y:pull', 'admin')),
        { 'repository:x/y' => 'pull' }, 'a class belongs to the type');
    is_deeply(access_of(endpoint($_, 'admin')), {}, "nothing comes of '$_'")
        for '', 'service=', 'scope=', 'scope=openid', 'scope=repository:a',
            'scope=repository:A:pull', 'scope=repository:../a:pull',
            'scope=repository:a/../b:pull', 'scope=repository:a:PULL',
            'scope=repository:a%2A:pull',
            'scope=repository:pub/image/tags/list%3Fx:pull';
    is_deeply(access_of(endpoint('scope=repository:secret/image:pull', 'reader')),
        access_of(endpoint('scope=repository:secret/none:pull', 'reader')),
        'the existence of a repository makes no difference');

    error_is(endpoint('', 'wrong'), 401, 'UNAUTHORIZED', undef, 'wrong password');
    error_is(endpoint('service=other.example', 'reader'), 400, 'UNSUPPORTED',
        qr/issues tokens for the service \Q$host\E/, 'another service');
    error_is(endpoint('scope=%zz'), 400, 'UNSUPPORTED', qr/encoded/,
        'a query that is not properly encoded');
    # A token that would be too long for a header has no list of scopes.
    my %long = (
        'many scopes' => [ map { "repository:a$_:pull" } 1 .. 200 ],
        'long scopes' => [ map { 'repository:' . "pub/$_" . 'x' x 110
            . ':pull' } 10 .. 54 ]
    );
    for my $name (sort keys %long) {
        my $query = join '&', map { "scope=$_" } @{ $long{$name} };
        for my $res (endpoint($query, 'admin'), $client->post('/token',
            "grant_type=password&username=admin&password=root&$query",
            'Content-Type' => 'application/x-www-form-urlencoded')) {
            status_is($res, 200, $name);
            my ($header, $claims) = OCI::Auth::claims($res->json->{token});
            ok(!exists $claims->{access}, "$name: the token has no scopes");
            cmp_ok(length $res->json->{token}, '<', 4096, 'the token is short');
            status_is(with($res->json->{token}, @{ $_->[0] }), $_->[1],
                "$name: @{ $_->[0] }")
                for [ [ GET => '/v2/team/image/manifests/v1' ], 200 ],
                    [ [ POST => '/v2/team/image/blobs/uploads/' ], 202 ];
        }
        my $token = endpoint($query, 'reader')->json->{token};
        status_is(with($token, POST => '/v2/team/image/blobs/uploads/'), 403,
            "$name: the Require lines still apply");
    }
    for my $method (qw(PUT DELETE PATCH)) {
        my $res = $client->request($method, '/token', {}, '');
        error_is($res, 405, 'UNSUPPORTED');
        header_is($res, 'Allow', 'GET, HEAD, POST');
    }
    status_is($client->head('/token'), 200, 'HEAD');
    done_testing;
};

sub post {
    my ($form, @headers) = @_;
    my $body = ref $form ? join '&', map {
        OCI::Auth::url_encode($_) . '=' . OCI::Auth::url_encode($form->{$_})
    } sort keys %$form : $form;
    return $client->post('/token', $body,
        'Content-Type' => 'application/x-www-form-urlencoded', @headers);
}

subtest 'POST' => sub {
    my %form = (grant_type => 'password', username => 'writer',
        password => $OCI::Auth::PASSWORD{writer}, service => $host,
        client_id => 'test', access_type => 'offline',
        scope => 'repository:team/a:pull,push repository:secret/a:pull');
    my $res = post(\%form);
    status_is($res, 200);
    is_deeply(access_of($res), { 'repository:team/a' => 'pull,push' },
        'the same as by GET');
    ok(!exists $res->json->{refresh_token}, 'there is no refresh token');
    is((OCI::Auth::claims($res->json->{token}))[1]{sub}, 'writer', 'its user');
    error_is(post({ %form, password => 'guess' }), 401, 'UNAUTHORIZED', undef,
        'wrong password');
    error_is(post({ %form, password => '' }), 401, 'UNAUTHORIZED', undef,
        'no password');
    error_is(post({ %form, username => 'writer:x' }), 401, 'UNAUTHORIZED',
        qr/colon/, 'a colon');
    error_is(post({ %form, grant_type => 'refresh_token',
        refresh_token => 'x' }), 400, 'UNSUPPORTED', qr/grant_type/, 'refresh');
    is_deeply(access_of(post({ grant_type => 'password',
        scope => 'repository:pub/a:pull,push' })),
        { 'repository:pub/a' => 'pull' }, 'nobody');
    error_is(post('grant_type=password&username=admin%00&password=root'), 400,
        'UNSUPPORTED', qr/encoded/, 'a NUL');
    error_is(post('grant_type=%'), 400, 'UNSUPPORTED', qr/encoded/, 'encoding');
    error_is(post('x' x 20_000), 413, 'SIZE_INVALID', qr/form/,
        'a form that is too long');
    error_is($client->post('/token', '{}', 'Content-Type' => 'application/json'),
        400, 'UNSUPPORTED', qr/form/, 'another media type');
    error_is(post({ %form }, Authorization => $caller{wrong}{basic}), 401,
        'UNAUTHORIZED', undef, 'wrong credentials in a header');
    done_testing;
};

subtest 'names and passwords of every kind' => sub {
    my $basic = OCI::Auth::basic($odd, 'pass:%+&" wörd');
    my $account = 'account=' . OCI::Auth::url_encode($odd);
    my $res = $client->get("/token?$account", Authorization => $basic);
    is((OCI::Auth::claims($res->json->{token}))[1]{sub},
        Encode::decode('UTF-8', $odd), 'by a header');
    $res = post({ grant_type => 'password', username => $odd,
        password => 'pass:%+&" wörd' });
    is((OCI::Auth::claims($res->json->{token}))[1]{sub},
        Encode::decode('UTF-8', $odd), 'by a form');
    status_is(with($res->json->{token}, GET => '/v2/'), 200,
        'the token is accepted');
    $res = $client->get('/token', Authorization => OCI::Auth::basic("$odd\xff",
        'pass:%+&" wörd'));
    is($res->status, 401, 'another user name');
    done_testing;
};

subtest 'a token is limited to its scopes, and by the policy' => sub {
    my $pull = $caller{writer}->token_for('repository:team/image:pull');
    status_is(with($pull, GET => '/v2/'), 200);
    status_is(with($pull, GET => '/v2/team/image/manifests/v1'), 200);
    for my $case ([ POST => '/v2/team/image/blobs/uploads/' ],
        [ GET => '/v2/pub/image/manifests/v1' ], [ GET => '/v2/_catalog' ],
        [ GET => '/v2/team/image2/manifests/v1' ]) {
        my $res = with($pull, @$case);
        error_is($res, 401, 'UNAUTHORIZED', undef, "@$case");
        like($res->header('WWW-Authenticate'),
            qr/,error="insufficient_scope"$/, 'insufficient_scope');
    }
    my $push = $caller{writer}->token_for('repository:team/image:pull,push');
    my $digest = digest_of('layer of pub');
    my $mount = '/v2/team/image/blobs/uploads/?mount=' . $digest;
    for my $path ($mount, "$mount&from=pub/image") {
        my $res = with($push, POST => $path);
        error_is($res, 401, 'UNAUTHORIZED',
            qr{: writer may not pull from pub/image with this token$},
            'a mount outside the scopes, which another token would allow');
        my $challenge = OCI::Auth::challenge($res->header('WWW-Authenticate'));
        is($challenge->{scope}, 'repository:team/image:pull,push '
            . 'repository:pub/image:pull', 'the challenge asks for that token');
        is($challenge->{error}, 'insufficient_scope',
            'the challenge has the error');
        my $token = $caller{writer}->token_for(split / /, $challenge->{scope});
        status_is(with($token, POST => $path), 201, 'that token is accepted');
    }
    status_is(with($push, POST => $mount =~ s/\Q$digest\E/sha256:@{['0' x 64]}/r),
        202, 'no repository has this blob');
    status_is(with($push, POST => "$mount&from=secret/image"), 202,
        'a mount from a repository that the policy hides');
    my $secret = digest_of('layer of secret');
    status_is(with($push, POST => $mount =~ s/\Q$digest\E/$secret/r), 202,
        'a mount of its blob without "from"');

    $server->set(config => $setup{config} =~ s/Require user writer$/Require user none/mr
        =~ s/Require user reader writer/Require user reader/r);
    $server->halt;
    $server->again;
    for my $path ('/v2/team/image/manifests/v1', '/v2/team/none/manifests/v1') {
        my $token = $path =~ /none/ ? $push : $pull;
        my $res = with($token, GET => $path);
        cmp_ok($res->status, '>=', 401,
            "a revoked permission is refused: $path");
    }
    error_is(with($push, POST => '/v2/team/image/blobs/uploads/'), 403,
        'DENIED', undef, 'the same for a push');
    $server->set(config => $setup{config});
    $server->halt;
    $server->again;
    status_is(with($pull, GET => '/v2/team/image/manifests/v1'), 200, 'back');
    done_testing;
};

subtest 'an earlier token at the endpoint' => sub {
    my $token = $caller{admin}->token_for('repository:secret/image:pull');
    my $res = $client->get('/token?scope=repository:secret/image:pull',
        Authorization => "Bearer $token");
    is_deeply(access_of($res), {}, 'it gives no access');
    done_testing;
};

subtest 'rotation' => sub {
    my $old = $caller{admin}->token_for('repository:secret/image:pull');
    my $path = '/v2/secret/image/manifests/v1';
    my $before = OCI::Server::slurp("$dir/key.pem");
    OCI::Auth::make_key("$dir/new.pem", 'rsa') or plan skip_all => 'openssl';
    my $put = sub {
        open my $file, '>', "$dir/key.pem" or die "key.pem: $!";
        print $file @_;
        close $file;
        $server->halt;
        $server->again;
    };
    $put->(OCI::Server::slurp("$dir/new.pem"), $before);
    status_is(with($old, GET => $path), 200,
        'a token of the old key is accepted');
    my $new = $caller{admin}->token_for('repository:secret/image:pull');
    is((OCI::Auth::claims($new))[0]{alg}, 'RS256', 'the new key signs');
    status_is(with($new, GET => $path), 200, 'its token is accepted');
    $put->(OCI::Server::slurp("$dir/new.pem"));
    error_is(with($old, GET => $path), 401, 'UNAUTHORIZED', undef,
        'a token of the removed key is refused');
    status_is(with($new, GET => $path), 200,
        'a token of the new key is still accepted');
    $put->('secret: ', '0123456789abcdef' x 3, "\n");
    $new = $caller{admin}->token_for('repository:secret/image:pull');
    is((OCI::Auth::claims($new))[0]{alg}, 'HS256', 'a secret signs too');
    status_is(with($new, GET => $path), 200, 'its token is accepted');
    done_testing;
};

$server->stop;
done_testing;
