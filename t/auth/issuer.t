# SPDX-License-Identifier: Apache-2.0

# Tokens of an external issuer, such as a token service or a CI system, whose
# public key we have; and every kind of token that is not quite valid.

use OCI::Test;
use OCI::Auth;
use File::Temp ();
use MIME::Base64 qw(decode_base64 encode_base64url);
use Time::HiRes qw(sleep);

my $dir = File::Temp->newdir(TMPDIR => 1);
for my $name (qw(ec rsa other)) {
    OCI::Auth::make_key("$dir/$name", $name eq 'rsa' ? 'rsa' : 'ec')
        or plan skip_all => 'openssl makes no key';
}
chmod 0755, "$dir";
my $public = OCI::Server::slurp("$dir/ec.pub") . OCI::Server::slurp("$dir/rsa.pub");
spew('keys', $public);
my $policy = <<'END';
<RequireAny>
    Require oci pull,push %{reqenv:OCI_CLAIM_project_path}/**
    Require oci pull %{reqenv:OCI_CLAIM_project_path}
    Require oci pull,push ref/%{tolower:%{reqenv:OCI_CLAIM_ref}}
    <RequireAll>
        Require expr "reqenv('OCI_CLAIM_ref_protected') == 'true'"
        Require oci * release/**
    </RequireAll>
    <RequireAll>
        Require valid-user
        Require oci * user/%{tolower:%{REMOTE_USER}}/**
    </RequireAll>
</RequireAny>
END
my $tokens = <<"END";
OCIToken On
OCITokenKey "$dir/keys"
OCITokenIssuer https://ci.example
OCITokenService registry.example
OCITokenRealm https://ci.example/jwt/auth
END
my $server = OCI::Server->start(modules => ['authz_user'], config => $policy,
    extra => $tokens);
my $client = OCI::Client->new($server);
my $now = time;
my %claims = (iss => 'https://ci.example', aud => 'registry.example',
    sub => 'Robot', exp => $now + 300, nbf => $now, iat => $now,
    project_path => 'group/project', ref => 'Main');

sub spew {
    my ($name, $bytes) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$name: $!\n";
    print $file $bytes;
    return close $file || die "$name: $!\n";
}

sub jwt {
    my ($claims, %header) = @_;
    my %all = (%claims, %$claims);
    delete @all{ grep { !defined $all{$_} } keys %all };
    return OCI::Auth::jwt_pem($dir, "$dir/" . ($header{key} // 'ec'),
        { alg => $header{alg} // 'ES256', %{ $header{more} // {} } },
        \%all);
}

sub push_to {
    my ($repo, $token) = @_;
    return $client->post("/v2/$repo/blobs/uploads/", '',
        Authorization => "Bearer $token");
}

sub refused {
    my ($token, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res = push_to('group/project/image', $token);
    error_is($res, 401, 'UNAUTHORIZED', undef, $name);
    is($res->header('WWW-Authenticate'), 'Bearer realm="https://ci.example/jwt/'
        . 'auth",service="registry.example",scope="repository:group/project/'
        . 'image:pull,push",error="invalid_token"', "$name: its challenge");
    return;
}

sub taken {
    my ($token, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return status_is(push_to('group/project/image', $token), 202, $name);
}

subtest 'signatures' => sub {
    taken(jwt({}), 'ES256');
    taken(jwt({}, alg => 'RS256', key => 'rsa'), 'RS256');
    refused(jwt({}, key => 'other'), 'another key');
    refused(jwt({}, alg => 'RS256'), 'an algorithm that is not the key\'s');
    refused(jwt({}, more => { kid => 'none' }), 'an unknown kid');
    refused(OCI::Auth::jwt_hmac($public, { alg => 'HS256' }, \%claims),
        'the file of public keys as a secret');
    refused(OCI::Auth::jwt_hmac(OCI::Server::slurp("$dir/$_"),
        { alg => 'HS256' }, \%claims), "$_ as a secret") for qw(ec.pub rsa.pub);
    refused(OCI::Auth::unsigned({ alg => $_ }, \%claims) . '.', "alg $_")
        for qw(none None NONE), '';
    my $token = jwt({});
    my ($header, $body, $signature) = split /\./, $token;
    refused("$header.$body.", 'no signature');
    refused("$header.$body", 'no signature and no dot');
    refused(OCI::Auth::unsigned({ alg => 'none' }, \%claims) . ".$signature",
        'algorithm none, with a signature');
    refused("$header." . encode_base64url('{"sub":"admin"}') . ".$signature",
        'changed claims');
    refused("$header." . (split /\./, OCI::Auth::unsigned({}, { %claims,
        access => [ { type => 'repository', name => 'release/x',
            actions => ['*'] } ] }))[1] . ".$signature", 'swapped scopes');
    refused("$header.$body." . substr($signature, 0, -4) . 'AAAA',
        'a changed signature');
    refused("$token=", 'padding');
    refused($_, "'$_'") for qw(a.b.c QQ== e30.e30.e30 ...);
    refused(jwt({}, more => { crit => ['b64'], b64 => JSON::PP::true }), 'crit');
    done_testing;
};

subtest 'registered claims' => sub {
    refused(jwt({ iss => $_ }), "iss $_")
        for 'https://other.example', 'https://ci.example/', '';
    refused(jwt({ iss => undef }), 'no iss');
    refused(jwt({ aud => $_ }), 'another aud') for 'other.example',
        ['other.example'], [], {}, '', 'registry.example.evil';
    refused(jwt({ aud => undef }), 'no aud');
    taken(jwt({ aud => ['other.example', 'registry.example'] }), 'a list');
    refused(jwt({ exp => $now - 3600 }), 'expired');
    refused(jwt({ exp => undef }), 'no exp');
    refused(jwt({ exp => "$now" }), 'a string as exp');
    taken(jwt({ exp => $now - 20 }), 'a slow clock');
    refused(jwt({ nbf => $now + 3600 }), 'an nbf in the future');
    taken(jwt({ nbf => $now + 20 }), 'a fast clock');
    taken(jwt({ exp => $now + 300.5 }), 'exp with a fraction');
    refused(jwt({ sub => $_ }), 'a subject that is none')
        for "a\r\nX: y", "a\tb", 7, ['a'];
    done_testing;
};

subtest 'claims in expressions' => sub {
    my $token = jwt({});
    for my $case (
        [ 'group/project/image' => 202 ], [ 'group/project' => 403 ],
        [ 'group/project2/image' => 403 ], [ 'group/other' => 403 ],
        [ 'release/x' => 403 ], [ 'ref/main' => 202 ],
        [ 'user/robot/x' => 202 ], [ 'user/other/x' => 403 ]
    ) {
        my ($repo, $status) = @$case;
        is(push_to($repo, $token)->status, $status, "$repo: $status");
    }
    is(push_to('release/x', jwt({ ref_protected => 'true' }))->status, 202,
        'a claim that an expression requires');
    is(push_to('release/x', jwt({ ref_protected => JSON::PP::true }))->status,
        202, 'a boolean claim too');
    for my $path ('*', '**', 'group/*', 'group/../release', '', '/', 'a//b',
        '\\*', "group\n", 'Group/Project', 'group/project/') {
        my $res = push_to('group/project/image', jwt({ project_path => $path }));
        is($res->status, 403, 'project_path ' . $path =~ s/\n/\\n/r);
    }
    is(push_to('*/image', jwt({ project_path => '*' }))->status, 400,
        'an invalid repository name matches, and is refused');
    is(push_to('ref/x', jwt({ ref => 'x/y' }))->status, 403, 'a path in place '
        . 'of a component');
    is(push_to('user/x/y', jwt({ sub => $_ }))->status, 403, "sub $_")
        for '*', '**', 'x/y', '../x';
    my $nobody = jwt({ sub => undef });
    is(push_to('group/project/x', $nobody)->status, 202, 'no subject');
    error_is(push_to('user/robot/x', $nobody), 401, 'UNAUTHORIZED');
    my $names = jwt({ 'project-path' => 'release', 'PROJECT PATH' => 'release',
        access => undef });
    is(push_to('release/image', $names)->status, 403,
        'claims with other names do not set variables');
    done_testing;
};

subtest 'access' => sub {
    my %scope = (type => 'repository', name => 'group/project/image');
    taken(jwt({ access => [ { %scope, actions => [qw(pull push)] } ] }),
        'a scope for the repository');
    for my $access ([ { %scope, actions => ['pull'] } ], [], {}, 'x',
        [ { %scope, name => 'group/project', actions => ['*'] } ],
        [ { %scope, name => '**', actions => ['*'] } ],
        [ { %scope, type => 'registry', actions => ['*'] } ]) {
        my $res = push_to('group/project/image', jwt({ access => $access }));
        error_is($res, 401, 'UNAUTHORIZED');
        like($res->header('WWW-Authenticate'), qr/error="insufficient_scope"/,
            JSON::PP->new->allow_nonref->canonical->encode($access));
    }
    my $digest = digest_of('shared');
    my $post = sub {
        my ($repo, $query, @scopes) = @_;
        return $client->post("/v2/group/project/$repo/blobs/uploads/?$query",
            $query =~ /^digest/ ? 'shared' : '', Authorization => 'Bearer '
            . jwt({ access => [ map { { type => 'repository', name =>
                "group/project/$_", actions => [qw(pull push)] } } @scopes ] }));
    };
    status_is($post->('one', "digest=$digest", 'one'), 201);
    status_is($post->('two', "mount=$digest", 'two'), 202,
        'no mount from a repository outside the scopes');
    status_is($post->('two', "mount=$digest", 'one', 'two'), 201,
        'a mount from a repository in the scopes');
    done_testing;
};

subtest 'a token that expires during a push' => sub {
    my ($token, $res, $location);

    # On a busy machine it may expire before the body begins.
    for my $left (2, 5, 15, 45) {
        my $end = time + $left;
        $token = jwt({ exp => int($end) - 60 });
        $res = push_to('group/project/image', $token);
        next if $res->status == 401;
        status_is($res, 202, 'a request just before it expires');
        $location = $res->header('Location');
        my $n = 0;
        my $slow = sub {
            sleep 0.5;
            return $n++ < 8 || time < $end + 1 ? 'x' x 1000 : undef;
        };
        $res = $client->request(PATCH => $location,
            { Authorization => "Bearer $token" }, $slow);
        next if $res->status == 401;
        status_is($res, 202, 'a body that has begun is accepted to its end');
        header_is($res, 'Range', "0-@{[ 1000 * ($n - 1) - 1 ]}",
            'all bytes are stored');
        last;
    }
    status_is($res, 202, 'although its token expired');
    error_is($client->patch($location, 'y', Authorization => "Bearer $token"),
        401, 'UNAUTHORIZED', undef, 'the next request needs a new token');
    status_is($client->patch($location, 'y', Authorization => 'Bearer '
        . jwt({})), 202, 'the upload continues with the new token');
    done_testing;
};

subtest 'a JSON Web Key Set' => sub {
    my $text = `openssl pkey -in $dir/ec -noout -text`;
    my ($hex) = $text =~ /pub:\s+04:([0-9a-f:\s]+)/;
    my $point = pack 'H*', $hex =~ s/[:\s]//gr;
    my ($x, $y) = map { encode_base64url(substr $point, $_, 32) } 0, 32;
    spew('keys', qq({"keys":[{"kty":"EC","crv":"P-256","x":"$x","y":"$y",)
        . '"kid":"one","use":"sig","alg":"ES256"},{"kty":"OKP","crv":"Ed25519",'
        . '"x":"AAAA"}]}');
    $server->halt;
    $server->again;
    taken(jwt({}, more => { kid => 'one' }), 'a key of the set, by its kid');
    taken(jwt({}), 'no kid');
    refused(jwt({}, more => { kid => 'two' }), 'another kid');
    refused(jwt({}, alg => 'RS256', key => 'rsa'), 'a key that was removed');
    done_testing;
};

my $log = OCI::Server::slurp($server->error_log);
like($log, qr/: the token is refused: $_/, "the log says why: $_")
    for 'its issuer is not ', 'its audience is not this service',
        'it has expired', 'it is not valid yet',
        'no key of OCITokenKey matches its signature';
unlike($log, qr/eyJ/, 'the log contains no token');
$server->allows(qr/AH016(?:30|31)/);
$server->stop;
done_testing;
