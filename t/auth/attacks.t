# SPDX-License-Identifier: Apache-2.0

# Attacks: each attempt gets the answer of a caller without permission.

use OCI::Test;
use OCI::Auth;

my @MODES = ('Basic, open pull', 'tokens, open pull');

sub serve {
    my ($mode, %option) = @_;
    my %setup = OCI::Auth::setup($mode, modules => $option{modules});
    my $server = OCI::Server->start(%setup, config => 'Require all granted',
        extra => join "\n", $setup{extra}, $option{extra} // ());
    OCI::Auth::passwords($server);
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('secret/image', 'v1',
        layers => ['the secret layer']);
    $client->push_manifest('secret/image', undef, image_manifest('{}', [],
        subject => descriptor($image->{text}, IMAGE_MANIFEST)));
    $client->push_image("$_/image", 'v1', layers => ["layer of $_"])
        for qw(pub team);
    $server->set(config => $setup{config});
    $server->halt;
    $server->again;
    $server->allows(qr/AH016(?:17|18|30|31)/);
    return ($server, $client, $image->{digest});
}

# An answer without the parts that differ between requests.
sub form_of {
    my ($res, @words) = @_;
    my $text = join "\n", $res->status, $res->body,
        $res->header('WWW-Authenticate') // '-', $res->header('Content-Type');
    $text =~ s/\Q$_\E/X/g for @words;
    return $text;
}

for my $mode (@MODES) {
    my ($server, $client, $digest) = serve($mode);
    my %caller = map { $_ => OCI::Auth->new($server, $_) }
        qw(anonymous reader writer);
    my $path = '/v2/secret/image/manifests/v1';
    my $blob = digest_of('the secret layer');

    subtest "$mode: paths" => sub {
        for my $try ('/v2//secret/image/manifests/v1', '/v2/pub/../secret/image/manifests/v1',
            '/v2/./secret/image/manifests/v1', '//v2/secret/image/manifests/v1',
            '/v2/pub/%2e%2e/secret/image/manifests/v1',
            '/v2/pub%2F..%2Fsecret/image/manifests/v1',
            '/v2/secret%2Fimage/manifests/v1', '/v2/secret/image/manifests/v1/',
            '/v2/secret/image/manifests//v1', '/v2/secret/image;x/manifests/v1',
            '/v2/%73ecret/image/manifests/v1', '/V2/secret/image/manifests/v1',
            '/v2/Secret/image/manifests/v1', '/v2/secret/image/manifests/v1%00',
            '/x/../v2/secret/image/manifests/v1',
            '/v2/pub/image/../../secret/image/manifests/v1',
            '/v2/pub/image/manifests/../../../secret/image/manifests/v1',
            '/v2/pub/x/manifests/secret/image/manifests/v1',
            '/v2/secret/image/manifests/v1?/v2/pub/image/manifests/v1',
            "http://other.example$path", "/v2/pub/image/blobs/$blob",
            "/v2/pub/image/manifests/$digest",
            "/v2/pub/secret/image/blobs/$blob") {
            my $res = $caller{reader}->request(GET => $try);
            ok($res->status >= 400 && $res->status < 500
                && $res->body !~ /secret layer|schemaVersion/,
                $try =~ s/sha256:\w+/.../r . ' ' . $res->status)
                or diag($res->text);
        }
        done_testing;
    };

    subtest "$mode: names with the same ending" => sub {
        for my $name (qw(secret/pub/image pub2/image xpub/image secret/team/x
            pub team teams/x)) {
            my $res = $caller{anonymous}->request(
                GET => "/v2/$name/manifests/v1");
            is($res->status, 401, "GET $name");
            $res = $caller{writer}->request(
                POST => "/v2/$name/blobs/uploads/");
            cmp_ok($res->status, '>=', 401, "POST $name");
            cmp_ok($res->status, '<=', 403, 'is refused');
        }
        done_testing;
    };

    subtest "$mode: methods" => sub {
        my $token = $mode =~ /tokens/ ? 'Bearer '
            . $caller{reader}->token_for('repository:team/image:pull,push,delete')
            : $caller{reader}{basic};
        for my $header (qw(X-HTTP-Method-Override X-HTTP-Method X-Method-Override)) {
            my $res = $client->request(POST => '/v2/team/image/manifests/v1',
                { $header => 'GET', Authorization => $token }, '');
            ok($res->status == 401 || $res->status == 403, "POST with $header");
            $res = $client->request(GET => '/v2/team/image/manifests/v1?_method=DELETE',
                { $header => 'DELETE', Authorization => $token });
            status_is($res, 200, "GET with $header is a GET");
        }
        for my $method (qw(PUT PATCH POST DELETE BREW MKCOL)) {
            my $res = $client->request($method, $path,
                { Authorization => $token }, '');
            ok($res->status =~ /^40[135]$/ && $res->body !~ /not supported at/,
                "$method " . $res->status) if $method !~ /^[BM]/;
            cmp_ok($res->status, '>=', 400, "$method");
        }
        my $res = $client->request(OPTIONS => $path, { Authorization => $token });
        ok($res->status == 401 || $res->status == 403, 'OPTIONS');
        status_is($client->request(OPTIONS => '/v2/pub/image/manifests/v1',
            { Authorization => undef }), 200,
            'OPTIONS of a repository that may be pulled');
        error_is($client->put('/v2/pub/image/tags/list', '',
            Authorization => undef), 401, 'UNAUTHORIZED', undef,
            'an unknown method without credentials');
        done_testing;
    };

    subtest "$mode: no answer reveals what exists" => sub {
        my $zeros = 'sha256:' . '0' x 64;
        for my $name (qw(anonymous reader)) {
            my @pairs = (
                [ 'manifests/v1', 'manifests/v9' ],
                [ "manifests/$digest", "manifests/$zeros" ],
                [ "blobs/$blob", "blobs/$zeros" ], [ 'tags/list', 'tags/list' ],
                [ "referrers/$digest", "referrers/$zeros" ],
                [ 'blobs/uploads/x', 'blobs/uploads/y' ]
            );
            for my $pair (@pairs) {
                my ($there, $absent) = @$pair;
                for my $method (qw(GET HEAD DELETE)) {
                    my @form = map {
                        form_of($caller{$name}->request($method, $_),
                            qw(secret/image secret/nosuch))
                    } "/v2/secret/image/$there", "/v2/secret/nosuch/$absent";
                    is($form[0], $form[1], "$name: $method "
                        . $there =~ s/sha256:\w+/.../r);
                }
            }
        }
        my $mount = sub {
            my $res = $caller{writer}->request(POST =>
                "/v2/team/image/blobs/uploads/?mount=$_[0]");
            return $res->status . ($res->header('Location') =~ s{[^/]+$}{}r);
        };
        is($mount->("$blob&from=secret/image"), $mount->("$zeros&from=secret/image"),
            'a mount of a known digest');
        is($mount->($blob), $mount->($zeros), 'a mount from any repository');
        is($mount->("$blob&from=pub/image"), $mount->("$zeros&from=pub/image"),
            'a mount from a repository without the blob');
        my $catalog = $caller{reader}->request(GET => '/v2/_catalog');
        is_deeply($catalog->json->{repositories}, [qw(pub/image team/image)],
            'the catalog');
        is($catalog->header('Link'), undef, 'whole');
        $catalog = $caller{reader}->request(GET => '/v2/_catalog?n=1');
        is_deeply($catalog->json->{repositories}, ['pub/image'],
            'a page of one name');
        $catalog = $caller{reader}->request(GET =>
            '/v2/_catalog?n=1&last=pub/image');
        is_deeply($catalog->json->{repositories}, ['team/image'],
            'hidden repositories are not counted');
        is($catalog->header('Link'), undef, 'there is no next page for them');
        done_testing;
    };

    subtest "$mode: headers" => sub {
        my $tokens = $mode =~ /tokens/;
        for my $case (
            [ 'two lines' => [ Authorization => $caller{writer}{basic},
                Authorization => 'Bearer x' ], 400 ],
            [ 'two of one kind' => [ Authorization => $caller{writer}{basic},
                Authorization => $caller{writer}{basic} ], 400 ],
            [ 'Basic Og==' => [ Authorization => 'Basic Og==' ], 200 ],
            [ 'basic Og==' => [ Authorization => 'basic  Og==' ], 200 ],
            [ 'Bearer QQ==' => [ Authorization => 'Bearer QQ==' ],
                $tokens ? 401 : 200 ],
            [ 'Negotiate' => [ Authorization => 'Negotiate abc' ], 200 ],
            [ 'a scheme alone' => [ Authorization => 'Digest' ], 200 ],
            [ 'wrong' => [ Authorization => OCI::Auth::basic('writer', 'x') ],
                401 ],
            [ 'nobody known' => [ Authorization => OCI::Auth::basic('x', 'x') ],
                401 ],
            [ 'no password' => [ Authorization => OCI::Auth::basic('writer', '') ],
                401 ],
            [ 'no Base64' => [ Authorization => 'Basic %%%' ], 401 ],
        ) {
            my ($name, $headers, $status) = @$case;
            my $res = $client->request(GET => '/v2/pub/image/manifests/v1',
                $headers);
            $status == 200 ? status_is($res, 200, $name)
                : error_is($res, $status, { 400 => 'UNSUPPORTED',
                    401 => 'UNAUTHORIZED' }->{$status}, undef, $name);
            $res = $client->request(GET => $path, $headers);
            is($res->status, $status == 200 ? 401 : $status, "$name, and more");
        }
        done_testing;
    };

    my $log = $server->log . OCI::Server::slurp($server->access_log);
    for my $secret (values %OCI::Auth::PASSWORD, map { s/^Basic //r }
        grep { $_ } map { $_->{basic} } values %caller) {
        unlike($log, qr/(?<![\w.])\Q$secret\E(?!\w)/,
            "$mode: no log contains a secret");
    }
    unlike($log, qr/eyJ/, "$mode: no log contains a token");
    $server->stop;
}

# A server with Basic only gets a token.
subtest 'a Bearer header on a Basic-only server' => sub {
    my ($server, $client) = serve('Basic only');
    my $res = $client->get('/v2/', Authorization => 'Bearer e30.e30.e30');
    error_is($res, 401, 'UNAUTHORIZED');
    is_deeply([ $res->headers('WWW-Authenticate') ],
        ['Basic realm="registry"'], 'the challenge is for Basic');
    $server->stop;
    done_testing;
};

# On a server with tokens only, no provider can check a password.
subtest 'a password on a server with tokens only' => sub {
    my ($server, $client) = serve('tokens, open pull');
    my $writer = OCI::Auth->new($server, 'writer');
    my $res = $client->get('/v2/pub/image/manifests/v1',
        Authorization => $writer->{basic});
    error_is($res, 401, 'UNAUTHORIZED');
    like($res->header('WWW-Authenticate'), qr/^Bearer /,
        'the challenge is for a token');
    $server->stop;
    done_testing;
};

subtest 'tokens and passwords on one path' => sub {
    my %setup = OCI::Auth::setup('tokens');
    my $server = OCI::Server->start(%setup, config => OCI::Auth::file_login()
        . "\n$setup{config}");
    OCI::Auth::passwords($server);
    $server->allows(qr/AH016(?:17|18|30|31)/);
    my $client = OCI::Client->new($server);
    my $writer = OCI::Auth->new($server, 'writer');
    my @push = ('/v2/team/new/blobs/uploads/', '');
    status_is($client->post(@push, Authorization => $writer->{basic}), 202,
        'a password');
    status_is($client->post(@push, Authorization => 'Bearer '
        . $writer->token_for('repository:team/new:push')), 202, 'a token');
    for my $header (undef, OCI::Auth::basic('writer', 'guess'), 'Bearer x') {
        my $res = $client->post(@push, Authorization => $header);
        error_is($res, 401, 'UNAUTHORIZED');
        is(scalar(() = $res->headers('WWW-Authenticate')), 1, 'one challenge');
        like($res->header('WWW-Authenticate'), qr/^Bearer /,
            'it is for a token');
    }
    error_is($client->delete('/v2/team/new/manifests/x',
        Authorization => $writer->{basic}), 403, 'DENIED', undef,
        'an authenticated caller gets 403');
    $server->stop;
    done_testing;
};

done_testing;
