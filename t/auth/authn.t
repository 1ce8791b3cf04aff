# SPDX-License-Identifier: Apache-2.0

# httpd's own authentication in front of Require oci: bcrypt, with and without
# a cache; LDAP, with nested policies; client certificates; a database.

use OCI::Test;
use OCI::Auth;
use OCI::Certificates;
use OCI::Directory;

my @BASIC = qw(auth_basic authn_core authn_file authz_user);

sub get {
    my ($client, $path, $user, $password) = @_;
    return $client->get($path, Authorization => defined $user
        ? OCI::Auth::basic($user, $password // $OCI::Auth::PASSWORD{$user})
        : undef);
}

# Repositories without content, created by mounts of one blob.
sub many {
    my ($server, $prefix, $count) = @_;
    my $client = OCI::Client->new($server);
    my $digest = $client->push_blob("$prefix/first", 'shared');
    $client->post("/v2/$prefix/r$_/blobs/uploads/?mount=$digest"
        . "&from=$prefix/first")->status == 201 or die "a mount failed\n"
        for 1 .. $count;
    return;
}

sub users_seen {
    my ($server, $pattern) = @_;
    return scalar(() = $server->log =~ /$pattern/g);
}

# A password is checked once, not once for each listed repository.
subtest 'bcrypt' => sub {
    plan skip_all => 'htpasswd is not there'
        if !grep { -x "$_/htpasswd" } split /:/, $ENV{PATH};
    my %setup = OCI::Auth::setup('Basic only');
    my $server = OCI::Server->start(%setup, config => 'Require all granted',
        level => 'info authz_core:info');
    OCI::Auth::passwords($server, cost => 10);
    many($server, 'team', 40);
    many($server, 'hidden', 40);
    $server->set(config => $setup{config}, level => 'info authn_file:trace1');
    $server->halt;
    $server->again;
    my $client = OCI::Client->new($server);
    my $start = times;
    my $res = get($client, '/v2/_catalog', 'reader');
    is(scalar @{ $res->json->{repositories} }, 41, 'the catalog is filtered');
    is_deeply([ grep { !/^team/ } @{ $res->json->{repositories} } ], [],
        'by the policy of each caller');
    $res = get($client, '/v2/_catalog?n=10&last=team/r9', 'reader');
    is_deeply($res->json->{repositories}, [], 'to its end, with no names');
    is(users_seen($server, qr/AH016[23]\d/), 0,
        'names that are not listed are not logged as refused');
    status_is(get($client, '/v2/', 'reader', 'guess'), 401);
    $server->allows(qr/AH01617/);
    $server->stop;
    done_testing;
};

subtest 'mod_authn_socache' => sub {
    plan skip_all => 'mod_authn_socache is not there'
        if !-e OCI::Server::apxs('LIBEXECDIR') . '/mod_authn_socache.so';
    my %setup = OCI::Auth::setup('Basic only',
        modules => [qw(authn_socache socache_shmcb)]);
    my $server = OCI::Server->start(%setup, config => $setup{config}
        =~ s/AuthBasicProvider file/AuthBasicProvider socache file\nAuthnCacheProvideFor file/r);
    OCI::Auth::passwords($server);
    $server->allows(qr/AH016(?:17|18|31)|AH0169[0-9]/);
    my $client = OCI::Client->new($server);
    for my $turn (1 .. 3) {
        status_is(get($client, '/v2/', 'reader'), 200, "turn $turn");
        status_is(get($client, '/v2/', 'reader', 'guess'), 401,
            'a wrong password');
        status_is($client->post('/v2/team/x/blobs/uploads/', '',
            Authorization => OCI::Auth::basic('reader',
                $OCI::Auth::PASSWORD{reader})), 403,
                'a user without permission');
    }
    unlink $server->dir . '/passwd';
    status_is(get($client, '/v2/', 'reader'), 200, 'the cache answers');
    $server->allows(qr/AH01620/);
    $server->stop;
    done_testing;
};

subtest 'mod_authn_dbd' => sub {
    my ($driver) = grep { -e } map { glob "$_/apr_dbd_sqlite3*.so" }
        map { ($_, "$_/..") } glob '/usr/lib*/*/apr-util-1 /usr/lib*/apr-util-1';
    my ($sqlite) = grep { -x } map { "$_/sqlite3" } split /:/, $ENV{PATH};
    plan skip_all => 'APR has no SQLite, or there is no sqlite3'
        if !$driver || !$sqlite;
    my %setup = OCI::Auth::setup('Basic only', modules => [qw(dbd authn_dbd)]);
    my $server = OCI::Server->start(%setup, config => 'Require all granted');
    my $path = $server->dir . '/users';
    for my $user (keys %OCI::Auth::PASSWORD) {
        my $hash = '{SHA}' . MIME::Base64::encode_base64(
            Digest::SHA::sha1($OCI::Auth::PASSWORD{$user}), '');
        system $sqlite, $path, 'create table if not exists users(name, hash)';
        system $sqlite, $path, "insert into users values('$user', '$hash')";
    }
    $server->set(
        extra  => qq(DBDriver sqlite3\nDBDParams "$path"),
        config => $setup{config} =~ s{AuthBasicProvider file\nAuthUserFile.*}
            {AuthBasicProvider dbd\nAuthDBDUserPWQuery "select hash from users where name = %s"}r
    );
    $server->halt;
    $server->again;
    $server->allows(qr/AH016(?:17|18|31)/);
    my $client = OCI::Client->new($server);
    status_is(get($client, '/v2/', 'writer'), 200);
    status_is(get($client, '/v2/', 'writer', 'guess'), 401);
    status_is(get($client, '/v2/', "x' or '1'='1", 'guess'), 401);
    $server->stop;
    done_testing;
};

subtest 'LDAP' => sub {
    my %more = ('star*' => 'x', '*' => 'x', 'Mixed' => 'x',
        'ünï' => 'x', 'a(b)c' => 'x');
    my $directory = OCI::Directory->start(users => [%more])
        or plan skip_all => 'slapd or mod_authnz_ldap is not there';
    my $login = $directory->login;
    my ($readers, $admins) = map { $directory->group($_) } 'reader', 'admin';
    my $server = OCI::Server->start(
        modules => [qw(auth_basic authn_core authn_file ldap authnz_ldap
            authz_user)],
        config  => <<"END", after => <<"END2");
$login
<RequireAll>
    Require valid-user
    <RequireAny>
        Require oci pull lib/**
        Require oci * home/%{REMOTE_USER}/**
        Require oci * fold/%{tolower:%{REMOTE_USER}}/**
        <RequireAll>
            $readers
            <RequireNone>
                Require oci * team/private/**
            </RequireNone>
            Require oci pull team/**
        </RequireAll>
        <RequireAll>
            $admins
            Require oci * **
        </RequireAll>
    </RequireAny>
    <RequireNone>
        Require oci delete keep/**
    </RequireNone>
</RequireAll>
END
<Location "/v2/inner/">
    AuthMerging And
    <RequireAny>
        Require oci pull **
        Require ldap-attribute sn=nobody
    </RequireAny>
</Location>
END2
    $server->allows(qr/AH016(?:17|18|30|31)|AH01695/);
    my $client = OCI::Client->new($server);
    my %action = (
        pull   => sub { (GET => "/v2/$_[0]/tags/list") },
        push   => sub { (POST => "/v2/$_[0]/blobs/uploads/") },
        delete => sub { (DELETE => "/v2/$_[0]/manifests/none") },
    );
    for my $case (
        [ reader => 'lib/x',          200 => [qw(pull)] ],
        [ reader => 'team/x',         200 => [qw(pull)] ],
        [ reader => 'team/private/x', 200 => [] ],
        [ reader => 'home/reader/x',  200 => [qw(pull push delete)] ],
        [ reader => 'home/writer/x',  200 => [] ],
        [ reader => 'home/reader',    200 => [] ],
        [ writer => 'lib/x',          200 => [qw(pull)] ],
        [ writer => 'team/x',         200 => [] ],
        [ admin  => 'any/x',          200 => [qw(pull push delete)] ],
        [ admin  => 'keep/x',         200 => [qw(pull push)] ],
        [ admin  => 'inner/x',        200 => [qw(pull)] ],
        [ reader => 'inner/x',        200 => [] ],
        [ 'star*' => 'home/starx/x',  200 => [] ],
        [ '*'    => 'home/reader/x',  200 => [] ],
        [ 'Mixed' => 'fold/mixed/x',  200 => [qw(pull push delete)] ],
        [ 'Mixed' => 'home/mixed/x',  200 => [] ],
        [ 'MIXED' => 'fold/mixed/x',  200 => [qw(pull push delete)] ],
        [ 'ünï'  => 'lib/x',          200 => [qw(pull)] ],
        [ 'a(b)c' => 'lib/x',         200 => [qw(pull)] ],
    ) {
        my ($user, $repo, undef, $allowed) = @$case;
        my %allowed = map { $_ => 1 } @$allowed;
        my $basic = OCI::Auth::basic($user, $OCI::Auth::PASSWORD{$user} // 'x');
        for my $action (sort keys %action) {
            my ($method, $path) = $action{$action}->($repo);
            my $res = $client->request($method, $path,
                { Authorization => $basic }, $method eq 'GET' ? undef : '');
            $allowed{$action}
                ? ok($res->status =~ /^(?:20[02]|404)$/, "$user: $action $repo")
                    || diag($res->text)
                : error_is($res, 403, 'DENIED', undef,
                    "$user: no $action $repo");
        }
    }
    status_is(get($client, '/v2/', 'reader', ''), 401, 'an empty password');
    status_is(get($client, '/v2/', '*', 'root'), 401, 'a filter for a name');
    status_is(get($client, '/v2/', 'nobody', 'x'), 401, 'nobody');
    status_is(get($client, '/v2/lib/x/tags/list'), 401, 'anonymous');
    $server->stop;
    done_testing;
};

# User names from certificates; tokens for users with a certificate.
subtest 'certificates and tokens' => sub {
    my $tls = OCI::Certificates->new
        or plan skip_all => 'openssl makes no certificates, or no curl';
    my $server = OCI::Server->start(
        modules => [qw(authn_core authz_user ssl socache_shmcb)],
        config  => OCI::Auth::policy(1, sub { "Require user @_" })
    );
    $server->set(extra => $tls->extra . <<'END');
OCIToken On
OCITokenKey "@DIR@/key.pem"
<Location "/token">
    SetHandler oci-token
    Require all granted
</Location>
END
    $server->halt;
    $server->again;
    $server->allows(qr/AH016(?:30|31)|AH0190[69]|AH01873|AH02227/);
    $server->expects(qr/"Require user writer" allows nobody, because nobody/);
    $server->allows(qr/"Require user .*" allows nobody/);
    my $writer = $tls->caller($server, 'writer');
    my $nobody = $tls->caller($server, 'anonymous');
    my @push = (POST => '/v2/team/x/blobs/uploads/');
    status_is($writer->request(GET => '/v2/'), 200, 'a certificate is enough');
    status_is($writer->request(@push), 202, 'for a push');
    my $res = $nobody->request(@push);
    error_is($res, 401, 'UNAUTHORIZED');
    like($res->header('WWW-Authenticate'), qr{^Bearer realm="https://}, 'https');
    $res = $writer->request(GET => '/token?scope=repository:team/x:push');
    my $token = $res->json->{token};
    is((OCI::Auth::claims($token))[1]{sub}, 'writer',
        'a token with the user name');
    status_is($nobody->request(@push, { Authorization => "Bearer $token" }), 202,
        'a token needs no certificate');
    $res = $nobody->request(GET => '/token?scope=repository:team/x:push', {
        Authorization => OCI::Auth::basic('writer', 'guess') });
    error_is($res, 401, 'UNAUTHORIZED', undef,
        'a password that no provider can check');
    $server->stop;
    done_testing;
};

# Basic, if no login is required: the challenge still tells clients how.
subtest '/v2/ open to all' => sub {
    my %setup = OCI::Auth::setup('Basic, open pull');
    my $server = OCI::Server->start(%setup);
    OCI::Auth::passwords($server);
    my $client = OCI::Client->new($server);
    my $res = $client->get('/v2/');
    status_is($res, 200);
    header_is($res, 'WWW-Authenticate', 'Basic realm="registry"');
    header_is(get($client, '/v2/', 'reader'), 'WWW-Authenticate', undef,
        'no challenge for a user who has logged in');
    header_is($client->get('/v2/pub/none/tags/list'), 'WWW-Authenticate', undef,
        'no challenge for other paths');
    $server->stop;
    done_testing;
};

# A browser that sees a challenge for Basic asks its user, and a script that has
# a form of its own would not even learn of a wrong password.
subtest 'a script with a form of its own' => sub {
    my $server = OCI::Server->start(OCI::Auth::setup('Basic only'), after =>
        "<LocationMatch \"/manifests/secret\">\nRequire user admin\n"
            . '</LocationMatch>');
    $server->allows(qr/AH016(?:17|18|30|31)/);
    OCI::Auth::passwords($server);
    my $client = OCI::Client->new($server);
    my @script = ('X-Requested-With' => 'XMLHttpRequest');
    for my $path (qw(/v2/ /v2/_catalog /v2/team/a/tags/list
        /v2/team/a/_mod_oci/tags /v2/team/a/manifests/secret)) {
        for my $password ('', 'wrong') {
            my @login = $password ? (Authorization =>
                OCI::Auth::basic('reader', $password)) : ();
            my $name = "$path, " . ($password || 'no') . ' password';
            my $res = $client->get($path, @script, @login);
            error_is($res, 401, 'UNAUTHORIZED', undef, $name);
            is_deeply([ $res->headers('WWW-Authenticate') ],
                ['xBasic realm="registry"'], "$name: a script");
            is_deeply([ $client->get($path, @login)
                ->headers('WWW-Authenticate') ], ['Basic realm="registry"'],
                "$name: others");
        }
    }
    status_is($client->get('/v2/', @script, Authorization =>
        OCI::Auth::basic('reader', $OCI::Auth::PASSWORD{reader})), 200,
        'the right password');
    $server->stop;
    $server = OCI::Server->start(OCI::Auth::setup('tokens'));
    $server->allows(qr/AH016(?:17|18|30|31)/);
    OCI::Auth::passwords($server);
    $client = OCI::Client->new($server);
    like($client->get('/v2/', @script)->header('WWW-Authenticate'),
        qr/^Bearer /, 'the challenge for a token is the same');
    is_deeply([ $client->get('/token', @script)->headers('WWW-Authenticate') ],
        ['xBasic realm="registry"'], 'the token endpoint');
    $server->stop;
    done_testing;
};

done_testing;
