# SPDX-License-Identifier: Apache-2.0

# The files in conf/examples about logins work as they describe.

use OCI::Test;
use OCI::Auth;
use OCI::Certificates;
use OCI::Directory;
use File::Temp ();

my $dir = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$dir";

# Start a server with a file; each name to replace must be in it.
sub serve {
    my ($name, $replace, %option) = @_;
    my $text = OCI::Server::slurp(
        "$OCI::Server::TOP/conf/examples/$name.conf");
    my %replace = ('/var/lib/mod_oci' => '@STORE@', %$replace);
    for my $from (sort keys %replace) {
        ok($text =~ s/\Q$from\E/$replace{$from}/g, "$name.conf names $from");
    }
    my $server = OCI::Server->start(location => '', after => $text, %option);
    $server->allows(qr/AH016(?:17|18|30|31)/);
    return $server;
}

sub post {
    my ($server, $repo, %headers) = @_;
    return OCI::Client->new($server)->post("/v2/$repo/blobs/uploads/", '',
        %headers)->status;
}

my @BASIC = qw(auth_basic authn_core authn_file authz_user);

subtest 'tokens.conf' => sub {
    my $server = serve('tokens', { '/etc/mod_oci.passwd' => '@DIR@/passwd',
        '/etc/mod_oci.key' => '@DIR@/key.pem' }, modules => \@BASIC);
    $server->{extra} = "OCIToken On\n";    # OCI::Auth looks for this line
    OCI::Auth::passwords($server, more => { ci => 'robot' });
    local $OCI::Auth::PASSWORD{ci} = 'robot';
    my %caller = map { $_ => OCI::Auth->new($server, $_) }
        qw(anonymous reader ci wrong);
    for my $case (
        [ anonymous => 'public/x' => 404, 401 ],
        [ anonymous => 'other/x' => 401, 401 ],
        [ reader    => 'other/x' => 404, 401 ],
        [ reader    => 'home/reader/x' => 404, 202 ],
        [ reader    => 'home/writer/x' => 404, 401 ],
        [ ci        => 'other/x' => 404, 202 ],
        [ wrong     => 'other/x' => 401, 401 ],
    ) {
        my ($who, $repo, $pull, $push) = @$case;
        my $caller = $caller{$who};
        is($caller->request(POST => "/v2/$repo/blobs/uploads/")->status, $push,
            "$who: push to $repo");
        is($caller->request(GET => "/v2/$repo/manifests/x")->status, $pull,
            "$who: pull from $repo");
    }
    $server->stop;
    done_testing;
};

subtest 'issuer.conf' => sub {
    OCI::Auth::make_key("$dir/ci", 'ec')
        or plan skip_all => 'openssl makes no key';
    my $server = serve('issuer', { '/etc/mod_oci.jwks' => "$dir/ci.pub" },
        modules => [qw(authn_core authz_user)]);
    my $token = sub { 'Bearer ' . OCI::Auth::jwt_pem($dir, "$dir/ci",
        { alg => 'ES256' }, { iss => 'https://ci.example.com', sub => 'job 7',
            aud => 'registry.example.com', exp => time + 60,
            project_path => 'Group/Project', @_ }) };
    my $job = $token->();
    is(post($server, 'group/project/x', Authorization => $job), 202,
        'a job pushes to its project');
    is(post($server, 'group/other/x', Authorization => $job), 403,
        'a job does not push to another project');
    is(post($server, 'release/x', Authorization => $job), 403,
        'a job does not push to release');
    my $protected = sub { post($server, 'release/x', Authorization =>
        $token->(ref_protected => 'true', @_)) };
    is($protected->(), 403, 'a job does not push to a protected repository');
    is($protected->(project_path => 'team/app'), 202,
        'the one allowed project does');
    is(OCI::Client->new($server)->get('/v2/public/x/tags/list')->status, 404,
        'anonymous callers pull public repositories');
    $server->stop;
    done_testing;
};

subtest 'ldap.conf' => sub {
    my $directory = OCI::Directory->start
        or plan skip_all => 'slapd or mod_authnz_ldap is not there';
    my $server = serve('ldap', {
        'ldap://directory.example.com/ou=people,dc=example,dc=org?uid'
            => $directory->url },
        modules => [qw(auth_basic authn_core ldap authnz_ldap authz_user)]);
    $server->allows(qr/AH01695/);
    for my $case (
        [ reader => 'home/reader/x' => 202 ], [ READER => 'home/reader/x' => 202 ],
        [ reader => 'home/writer/x' => 403 ], [ reader => 'lib/x' => 403 ],
        [ writer => 'lib/x' => 202 ], [ writer => 'team/x' => 202 ],
        [ writer => 'other' => 403 ], [ admin => 'other' => 202 ]
    ) {
        my ($user, $repo, $status) = @$case;
        is(post($server, $repo, Authorization => OCI::Auth::basic($user,
            $OCI::Auth::PASSWORD{ lc $user })), $status, "$user: $repo");
    }
    is(post($server, 'lib/x'), 401, 'anonymous');
    $server->stop;
    done_testing;
};

subtest 'certificates.conf' => sub {
    my $tls = OCI::Certificates->new
        or plan skip_all => 'openssl makes no certificates, or no curl';
    my $from = $tls->dir;
    my $server = serve('certificates', {
        '/etc/ssl/certs/registry.pem'   => "$from/server.pem",
        '/etc/ssl/private/registry.key' => "$from/server.key",
        '/etc/ssl/certs/clients.pem'    => "$from/ca.pem",
        "Listen 443\n"                  => '',
        '*:443'                         => '*:@PORT@'
    }, modules => [qw(authn_core authz_user ssl socache_shmcb)]);
    $server->allows(qr/AH0190[69]|AH01873|AH02227/);
    for my $case ([ writer => 'team/x' => 202 ], [ writer => 'x' => 403 ],
        [ reader => 'team/x' => 403 ], [ anonymous => 'team/x' => 403 ]) {
        my ($name, $repo, $status) = @$case;
        my $caller = $tls->caller($server, $name);
        is($caller->request(POST => "/v2/$repo/blobs/uploads/")->status,
            $status, "$name: $repo");
    }
    my $bytes = random_bytes(400_000);
    open my $file, '>:raw', "$dir/blob" or die "blob: $!";
    print $file $bytes;
    close $file;
    my $digest = digest_of($bytes);
    my $writer = $tls->caller($server, 'writer');
    is($writer->request(POST => "/v2/team/x/blobs/uploads/?digest=$digest", {},
        "\@$dir/blob")->status, 201, 'a body of more than 128 KiB');
    is($tls->caller($server, 'anonymous')->request(
        GET => '/v2/public/x/tags/list')->status, 404,
        'anonymous callers pull');
    $server->stop;
    done_testing;
};

subtest 'openidc.conf' => sub {
    plan skip_all => 'mod_auth_openidc is not there'
        if !-e OCI::Server::apxs('LIBEXECDIR') . '/mod_auth_openidc.so';
    my $server = serve('openidc', { '/etc/mod_oci.key' => '@DIR@/key.pem',
        'https://registry.example.com/token/redirect'
            => 'http://registry.example.com/token/redirect' },
        modules => [qw(authn_core authz_user auth_openidc)]);
    $server->allows(qr/auth_openidc:(?:warn|error)/);
    my $client = OCI::Client->new($server);
    my $host = 'registry.example.com';
    my $res = $client->get('/token/login', Host => $host,
        Accept => 'text/html');
    is($res->status, 302, 'a browser is redirected');
    like($res->header('Location') // '', qr{^https://id\.example\.com/authorize},
        'to the provider');
    my $access = OCI::Auth::jwt_hmac('a-key-that-both-of-us-keep-for-ourselves',
        { alg => 'HS256', typ => 'JWT' }, { iss => 'https://id.example.com',
            sub => 'Alice', exp => time + 60, iat => time });
    $res = $client->get('/token/login?scope=repository:home/alice/x:push,pull',
        Host => $host, Authorization => "Bearer $access");
    status_is($res, 200, 'an access token of the provider\'s');
    my $token = ($res->json // {})->{token} // '';
    is(post($server, 'home/alice/x', Host => $host,
        Authorization => "Bearer $token"), 202,
        'an access token is exchanged for a token that pushes');
    is(post($server, 'home/bob/x', Host => $host,
        Authorization => "Bearer $token"), 401,
        'that token does not allow more');
    is(post($server, 'home/alice/x', Host => $host,
        Authorization => "Bearer $access"), 401,
        'the access token itself is refused');
    $server->stop;
    done_testing;
};

done_testing;
