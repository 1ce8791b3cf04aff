# SPDX-License-Identifier: Apache-2.0

# Every client with a login, in each mode that it supports.  It is refused
# without a login and with a wrong password, can then push and pull what the
# user may, and is refused again after the logout.  In modes with open pulls it
# can pull without a login.

use OCI::Clients;
use OCI::Auth;
use OCI::Certificates;

my $dir = scratch();
my $user = 'writer';
my $password = $OCI::Auth::PASSWORD{$user};
my @MODES = ('Basic only', 'Basic, open pull', 'tokens', 'tokens, open pull');
root_tar("$dir/root.tar", 100_000);

# The clients differ in these functions, which return commands.  Repositories
# are HOST/PATH:TAG, and $open returns a host that requires no login.
my %clients = (
    docker => sub {
        needs_root('a private dockerd');
        my $docker = docker_engine();
        run_ok('docker import', $docker, 'import', "$dir/root.tar", 'made:1');
        return {
            login  => sub { $docker, 'login', '-u', $user, '-p', @_ },
            push   => sub { run($docker, 'tag', 'made:1', $_[0]);
                            $docker, 'push', $_[0] },
            pull   => sub { run($docker, 'rmi', $_[0]); $docker, 'pull', $_[0] },
            logout => sub { $docker, 'logout', $_[0] },
            # it never sends credentials if /v2/ is open
            cannot => 'Basic, open pull',
        };
    },
    podman => sub {
        needs_root('podman with a private store');
        my ($podman, $policy) = podman();
        my @podman = @$podman;
        my @more = (@$policy, '--tls-verify=false');
        run_ok('podman import', @podman, 'import', @$policy, "$dir/root.tar",
            'localhost/made:1');
        return {
            login  => sub { @podman, 'login', '--tls-verify=false', '-u', $user,
                            '-p', @_ },
            push   => sub { @podman, 'push', @more, 'localhost/made:1', $_[0] },
            pull   => sub { run(@podman, 'rmi', $_[0]);
                            @podman, 'pull', @more, $_[0] },
            logout => sub { @podman, 'logout', $_[0] },
            # a wrong login appears to succeed
            unsure => 'Basic, open pull',
        };
    },
    skopeo => sub {
        my $open = shift;
        my $skopeo = system_tool('skopeo');
        my @copy = ($skopeo, '--insecure-policy', '--tmpdir', $dir, 'copy', '-q',
            '--src-tls-verify=false', '--dest-tls-verify=false');
        return {
            login  => sub { $skopeo, 'login', '--tls-verify=false', '-u', $user,
                            '-p', @_ },
            push   => sub { @copy, "docker://" . $open->() . '/pub/image:1',
                            "docker://$_[0]" },
            pull   => sub { @copy, "docker://$_[0]", "dir:$dir/skopeo" },
            logout => sub { $skopeo, 'logout', $_[0] },
            unsure => 'Basic, open pull',
        };
    },
    crane => sub {
        my $crane = tool('crane');
        return {
            login  => sub { $crane, 'auth', 'login', '-u', $user, '-p', @_ },
            push   => sub { $crane, '--insecure', 'append', '-f',
                            "$dir/root.tar", '-t', $_[0] },
            pull   => sub { $crane, '--insecure', 'pull', $_[0],
                            "$dir/crane.tar" },
            logout => sub { $crane, 'auth', 'logout', $_[0] },
            # it stores the password without checking it
            trusts => 1,
        };
    },
    oras => sub {
        my $oras = tool('oras');
        my @plain = ('--plain-http', '--no-tty');
        return {
            login  => sub { $oras, 'login', '--plain-http', '-u', $user, '-p',
                            @_ },
            push   => sub { { in => $dir }, $oras, 'push', @plain, $_[0],
                            'root.tar:application/x-tar' },
            pull   => sub { $oras, 'pull', @plain, '-o', "$dir/oras", $_[0] },
            logout => sub { $oras, 'logout', $_[0] },
            unsure => 'Basic, open pull',
        };
    },
    regctl => sub {
        my $regctl = tool('regctl');
        return {
            setup  => sub { $regctl, 'registry', 'set', $_[0], '--tls',
                            'disabled' },
            login  => sub { my $password = shift; $regctl, 'registry', 'login',
                            $_[0], '-u', $user, '-p', $password,
                            '--skip-check' },
            push   => sub { { in => $dir }, $regctl, 'artifact', 'put',
                            '--artifact-type', 'application/vnd.test', '-f',
                            'root.tar', $_[0] },
            pull   => sub { $regctl, 'manifest', 'get', $_[0] },
            logout => sub { $regctl, 'registry', 'logout', $_[0] },
            trusts => 1,
        };
    },
    helm => sub {
        my $helm = tool('helm');
        run_ok('helm create', $helm, 'create', "$dir/helm");
        run_ok('helm package', $helm, 'package', '-d', $dir, '--version',
            '0.1.0', "$dir/helm");
        return {
            login  => sub { my $password = shift; $helm, 'registry', 'login',
                            '--plain-http', '-u', $user, '-p', $password, $_[0] },
            push   => sub { $helm, 'push', '--plain-http',
                            "$dir/helm-0.1.0.tgz",
                            'oci://' . $_[0] =~ s{/helm:.*}{}r },
            pull   => sub { $helm, 'pull', '--plain-http', '--version', '0.1.0',
                            '-d', "$dir/run", 'oci://' . $_[0] =~ s/:[^:]*$//r },
            logout => sub { $helm, 'registry', 'logout', $_[0] },
            tag    => '0.1.0',
            unsure => 'Basic, open pull',
        };
    },
    cosign => sub {
        my $open = shift;
        my $cosign = tool('cosign');
        my $crane = tool('crane');
        $ENV{COSIGN_PASSWORD} = '';
        run_ok('cosign keys', { in => $dir }, $cosign, 'generate-key-pair');
        my @insecure = qw(--allow-http-registry --allow-insecure-registry);
        my $digest;
        return {
            login  => sub { my $password = shift; $cosign, 'login', '-u', $user,
                            '-p', $password, $_[0] },
            push   => sub {
                my $to = $open->() . $_[0] =~ s/^[^\/]*//r;
                run($crane, '--insecure', 'append', '-f', "$dir/root.tar", '-t',
                    $to);
                chomp($digest = output_of($crane, '--insecure', 'digest', $to));
                $cosign, 'sign', '-y', '--tlog-upload=false', @insecure, '--key',
                    "$dir/cosign.key", $_[0] =~ s/:[^:]*$/\@$digest/r;
            },
            pull   => sub { $cosign, 'verify', '--insecure-ignore-tlog=true',
                            @insecure, '--key', "$dir/cosign.pub",
                            $_[0] =~ s/:[^:]*$/\@$digest/r },
            logout => sub { $crane, 'auth', 'logout', $_[0] },
            trusts => 1,
            signs  => 1,
        };
    },
    ctr => sub {
        my $open = shift;
        needs_root('a private containerd');
        my @ctr = containerd();
        my @plain = ('--plain-http', '--snapshotter', 'native');
        my @user;
        return {
            login  => sub { @user = ('--user', "$user:$_[0]"); 'true' },
            push   => sub {
                my $from = $open->() . '/pub/image:1';
                run(@ctr, 'images', 'pull', @plain, $from);
                run(@ctr, 'images', 'rm', $_[0]);
                run(@ctr, 'images', 'tag', $from, $_[0]);
                @ctr, 'images', 'push', '--plain-http', @user, $_[0];
            },
            pull   => sub { @ctr, 'images', 'pull', @plain, @user, $_[0] },
            logout => sub { @user = (); 'true' },
            trusts => 1,
        };
    },
);

# A registry in a mode, with a second port where everything is allowed.
sub serve {
    my $mode = shift;
    my $server = OCI::Server->start(OCI::Auth::setup($mode), ports => 2,
        after => <<'END');
<VirtualHost *:@PORT2@>
    <Location "/v2/">
        OCIToken Off
        AuthType None
        Require  all granted
    </Location>
</VirtualHost>
END
    OCI::Auth::passwords($server);
    $server->allows(qr/AH016(?:17|18|30|31)/);
    real_image(OCI::Client->new($server->host(2)), 'pub/image', 1);
    return $server;
}

sub fails {
    my ($name, @command) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $output) = run(@command);
    return isnt($status, 0, $name) || diag($output) && 0;
}

sub try {
    my ($client, $name, $mode, $server) = @_;
    my $host = $server->host;
    my $tag = $client->{tag} // 1;
    my $place = sub { "$host/$_[0]/$name:$tag" };
    run($client->{setup}->($host)) if $client->{setup};
    fails('a push without a login', $client->{push}->($place->('team')));
    if (!$client->{trusts} && $mode ne ($client->{unsure} // '')) {
        fails('a wrong password', $client->{login}->('guess', $host));
    }
    run($client->{login}->('guess', $host));
    fails('a push with a wrong password', $client->{push}->($place->('team')));
    run_ok('login', $client->{login}->($password, $host));
    run_ok('push', $client->{push}->($place->('team')));
    verify_ok($server->host(2), "team/$name", $tag);
    run_ok('pull', $client->{pull}->($place->('team')));
    fails('a push to a repository without access',
        $client->{push}->($place->('secret')));
    run_ok('logout', $client->{logout}->($host));
    fails('a push after the logout', $client->{push}->($place->('team')));
    fails('a pull after the logout', $client->{pull}->($place->('team')));
    return if $client->{signs} || $mode !~ /open pull/ || $name eq 'helm';
    run_ok('a pull without a login', $client->{pull}->("$host/pub/image:1"));
    return;
}

my @wanted = split /[\s,]+/, $ENV{CLIENTS} // '';
my $server;
for my $name (@wanted ? @wanted : sort keys %clients) {
    subtest $name => sub {
        my $client = $clients{$name}->(sub { $server->host(2) });
        for my $mode (@MODES) {
            next if ($client->{cannot} // '') eq $mode;
            subtest $mode => sub {
                $server = serve($mode);
                try($client, $name, $mode, $server);
                $server->stop;
                done_testing;
            };
        }
        done_testing;
    };
}

# TLS, and a certificate instead of a login.
sub certified {
    my $tls = OCI::Certificates->new
        or plan skip_all => 'openssl cannot make certificates, or no curl';
    my $skopeo = system_tool('skopeo');
    my %setup = OCI::Auth::setup('certificates');
    my $server = OCI::Server->start(%setup, ports => 2, after => <<"END");
<VirtualHost *:\@PORT2\@>
    @{[ $tls->extra ]}
    <Location "/v2/">
        $setup{config}
    </Location>
</VirtualHost>
END
    $server->allows(qr/AH016(?:30|31)|AH0190[69]|AH01873|AH02227/);
    mkdir "$dir/$_" for qw(writer nobody);
    my $from = $tls->dir;
    for my $name (qw(writer nobody)) {
        spew("$dir/$name/ca.crt", slurp("$from/server.pem"));
        next if $name eq 'nobody';
        spew("$dir/$name/client.cert", slurp("$from/$name.pem"));
        spew("$dir/$name/client.key", slurp("$from/$name.key"));
    }
    $server->set(config => 'Require all granted');
    $server->halt;
    $server->again;
    my $client = OCI::Client->new($server);
    real_image($client, 'pub/image', 1);
    my @copy = ($skopeo, '--insecure-policy', '--tmpdir', $dir, 'copy', '-q');
    my $image = 'docker://' . $server->host(2);
    for my $name (qw(writer nobody)) {
        my $command = $name eq 'writer' ? \&run_ok : \&fails;
        $command->("$name: pull", @copy, '--src-cert-dir', "$dir/$name",
            "$image/pub/image:1", "dir:$dir/certified-$name");
        $command->("$name: push", @copy, '--dest-cert-dir', "$dir/$name",
            "dir:$dir/certified-writer", "$image/team/certified-$name:1");
    }
    verify_ok($server, 'team/certified-writer', 1);
    fails('a push to a repository without access', @copy, '--dest-cert-dir',
        "$dir/writer", "dir:$dir/certified-writer", "$image/secret/x:1");
    $server->stop;
    done_testing;
    return;
}

subtest 'certificates' => \&certified if !@wanted;

done_testing;
