# SPDX-License-Identifier: Apache-2.0

# The modules of conf/provider can be built, and work, as its README describes.

use OCI::Test;
use OCI::Auth;
use OCI::Module;
use POSIX qw(strftime);
use Time::HiRes qw(sleep);

my $example = "$OCI::Server::TOP/conf/provider";
my @BASIC = qw(auth_basic authn_core authz_user);

# ---- building

my $build = OCI::Module->new;
is_deeply([ map { s{.*/}{}r } glob $build->include . '/*' ], ['mod_oci.h'],
    'make install installs mod_oci.h with the headers of httpd');
for my $compiler (OCI::Module::clang() // (), 'gcc') {
    for my $source (glob "$example/*.c") {
        my ($name) = $source =~ m{([^/]+)$};
        is($build->compile($source, $compiler), '', "$name by $compiler");
    }
}
my %so = map { $_ => $build->so($_) } qw(mod_oci_memory mod_authn_robot);

sub load { "LoadModule ${_[0]}_module $so{\"mod_$_[0]\"}\n" }

# ---- the contract

sub contract {
    my ($kind, $so, $record, $provider) = @_;
    my $output = `$OCI::Server::TOP/t/setup/contract.sh $kind $so $record \\
        $provider place 2>&1`;
    return ($?, $output);
}

for my $case (
    [ index => $so{mod_oci_memory}, 'oci_memory_module', 'memory' ],
    map { [ $_ => "$OCI::Server::TOP/.build/mod/.libs/mod_oci.so",
        'oci_module', 'fs' ] } qw(blob index)
) {
    my ($status, $output) = contract(@$case);
    is($status, 0, "$case->[2] keeps the contract: $case->[0]")
        or diag($output);
}
my ($status, $output) = contract('index', $so{mod_authn_robot},
    'authn_robot_module', 'memory');
isnt($status, 0, 'a module without such a provider fails');
like($output, qr/memory is a provider/, 'the output says why');

# ---- an index in memory

for my $case (
    [ 'nosuch' => qr/unknown provider 'nosuch'; known providers:.* memory\b/ ],
    map { [ "memory:$_ x" =>
        qr/OCIIndex: memory:$_ has a wrong size: expected a number of MiB/ ] }
        qw(0 -1 1025 64M 99999999999999999999)
) {
    my ($index, $message) = @$case;
    like(OCI::Server->refuses(config => "OCIIndex $index",
        extra => load('oci_memory')), $message, "OCIIndex $index");
}

sub tags {
    my ($server, $repo) = @_;
    my $res = OCI::Client->new($server)->get("/v2/$repo/tags/list");
    return $res->status == 200 ? join ' ', @{ $res->json->{tags} }
        : $res->status;
}

sub vhost {
    my ($port, $index, $store) = @_;
    return <<"END";
<VirtualHost *:$port>
    <Location "/v2/">
        SetHandler oci-registry
        OCIBlobStore fs "$store"
        OCIIndex $index
        Require all granted
    </Location>
</VirtualHost>
END
}

for my $mpm (qw(event prefork)) {
    my $server = OCI::Server->start(
        mpm      => $mpm,
        ports    => 3,
        location => '',
        extra    => load('oci_memory'),
        after    => join '', vhost('@PORT@', 'memory', '@STORE@'),
            vhost('@PORT2@', 'memory', '@STORE@'),
            vhost('@PORT3@', 'memory other', '@STORE@/other')
    );
    my $image = OCI::Client->new($server)->push_image('a', 'v1');
    is(OCI::Client->new($server->host(2))->get('/v2/a/manifests/v1')->body,
        $image->{text}, "$mpm: the same name is the same index");
    is(tags($server->host(3), 'a'), 404, 'another name is another index');
    $server->graceful;
    is(tags($server, 'a'), 'v1', 'it survives a graceful restart');
    OCI::Client->new($server)->push_image('a', 'v2');
    $server->restart;
    is(tags($server, 'a'), 'v1 v2', 'it survives a restart');
    $server->halt;
    # An empty index is refused beside a blob store that was in use.
    unlink $server->store . '/blobs/.id' or die "$!\n";
    $server->again;
    is(tags($server, 'a'), 404, 'it is empty after httpd was stopped');
    $server->stop;
}

# A manifest that annotations make large.
sub large {
    my $n = shift;
    return image_manifest('{}', [], annotations => {
        'org.example.n' => $n, 'org.example.text' => 'x' x 60_000 });
}

subtest 'a full index' => sub {
    my $server = OCI::Server->start(config => 'OCIIndex memory:1',
        extra => load('oci_memory'));
    $server->expects(qr/No space left/);
    my $client = OCI::Client->new($server);
    my ($n, $res) = (0);
    $client->push_blob('a', '{}');
    my $put = sub {
        return $client->put("/v2/a/manifests/$_[0]", json_text(large($_[0])),
            'Content-Type' => IMAGE_MANIFEST);
    };
    $n++ while $n < 100 && ($res = $put->("v$n"))->status == 201;
    cmp_ok($n, '>=', 12, "$n manifests of 60 KB fit into 1 MiB");
    error_is($res, 507, 'UNKNOWN');
    is(scalar @{ $client->get('/v2/a/tags/list')->json->{tags} }, $n,
        'all are listed');
    is($client->get("/v2/a/manifests/v$_")->body, json_text(large("v$_")),
        "v$_ can be pulled") for 0, $n - 1;
    for my $i (0 .. 3 * $n) {
        my $digest = digest_of(json_text(large("v$i")));
        status_is($client->delete("/v2/a/manifests/$digest"), 202,
            "v$i is deleted") or last;
        my $new = 'v' . ($i + $n);
        status_is($put->($new), 201, "$new fits into its space") or last;
    }
    $server->stop;
    done_testing;
};

subtest 'kill -9' => sub {
    my $server = OCI::Server->start(config => 'OCIIndex memory',
        extra => load('oci_memory'));
    $server->allows(qr/exit signal Killed/);
    my $client = OCI::Client->new($server);
    $client->push_blob('a', '{}');
    my $killer = fork // die "fork: $!";
    if (!$killer) {
        for (1 .. 60) {
            sleep 0.2 + rand 0.1;
            kill 'KILL', $server->children;
            sleep 1;    # until httpd has started new children
        }
        POSIX::_exit(0);
    }
    my ($broken, $end, @there) = (0, time + 60);
    while ($broken < 3 && time < $end) {
        my $tag = 'v' . @there . "-$broken";
        my $res = eval { OCI::Client->new($server)->put(
            "/v2/a/manifests/$tag", json_text(image_manifest('{}', [],
                annotations => { 'org.example.n' => $tag })),
            'Content-Type' => IMAGE_MANIFEST) };
        $res && $res->status == 201 ? push @there, $tag : $broken++;
    }
    kill 'KILL', $killer;
    waitpid $killer, 0;
    is($broken, 3, '3 pushes were interrupted');
    my %listed = map { $_ => 1 } split ' ', tags($server, 'a');
    is(join(' ', grep { !$listed{$_} } @there), '', scalar(@there)
        . ' acknowledged tags exist');
    my @lost = grep { $client->head("/v2/a/manifests/$_")->status != 200 }
        sort keys %listed;
    is("@lost", '', 'every listed tag can be pulled');
    $server->stop;
    done_testing;
};

# ---- robots, and provider.conf

my $conf = OCI::Server::slurp("$example/provider.conf");
my %place = (
    'modules/mod_oci_memory.so'  => $so{mod_oci_memory},
    'modules/mod_authn_robot.so' => $so{mod_authn_robot},
    '/var/lib/mod_oci'           => '@STORE@',
    '/etc/mod_oci.key'           => '@DIR@/key.pem',
    '/etc/mod_oci.robots'        => '@DIR@/robots',
);
for my $from (sort keys %place) {
    ok($conf =~ s/\Q$from\E/$place{$from}/g, "provider.conf names $from");
}
my $server = OCI::Server->start(location => '', after => $conf,
    modules => \@BASIC);
my $url = $server->url;
my $client = OCI::Client->new($server);
my ($yesterday, $today, $tomorrow)
    = map { strftime '%Y-%m-%d', gmtime(time + 86400 * $_) } -1, 0, 1;

sub robots {
    open my $file, '>', $server->dir . '/robots' or die "robots: $!";
    for (@_) {
        my ($day, $name, $password) = @$_;
        chomp(my ($made) = `htpasswd -nbB -C 4 '$name' '$password'`);
        print $file "$day:$made\n";
    }
    return close $file;
}

# The status of a push by curl, with these options.
sub push_by_curl {
    my $options = join ' ', map { "'$_'" } @_;
    return `curl -s -o /dev/null -w '%{http_code}' -X POST $options \\
        $url/v2/a/blobs/uploads/`;
}

robots([ $tomorrow, 'ci', 'new' ], [ $today, 'ci', 'old' ],
    [ $yesterday, 'ci', 'before' ], [ 'never', 'ci', 'slip' ],
    [ $tomorrow, 'other', 'other' ], [ "x$tomorrow", 'ci', 'long' ]);
$server->allows(qr/AH016(?:17|18|30|31)/);    # denied, mismatch
for my $case ([ 'ci:new' => 202 ], [ 'ci:old' => 202 ], [ 'ci:before' => 401 ],
    [ 'ci:slip' => 401 ], [ 'ci:long' => 401 ], [ 'ci:' => 401 ],
    [ 'ci:other' => 401 ], [ 'other:other' => 403 ], [ 'none:new' => 401 ]) {
    my ($user, $wanted) = @$case;
    is(push_by_curl('-u', $user), $wanted, "$user: $wanted");
    my $answer = `curl -s -u $user '$url/token?scope=repository:a:push'`;
    my ($token) = $answer =~ /"token":"([^"]+)"/;
    is($token ? push_by_curl('-H', "Authorization: Bearer $token") : 401,
        $wanted == 403 ? 401 : $wanted, "$user: by a token");
}
$server->expects(qr/robot: the password of ci expired after '$yesterday'/);
my $ci = OCI::Client->new($server,
    headers => [ Authorization => OCI::Auth::basic('ci', 'new') ]);
my $image = $ci->push_image('a/b', 'v1');
is($client->get('/v2/a/b/manifests/v1')->body, $image->{text},
    'everybody can pull what ci pushed');
robots([ $tomorrow, 'other', 'other' ]);
is(push_by_curl('-u', 'ci:new'), 401,
    'a user removed from the file is refused');
unlink $server->dir . '/robots';
$server->expects(qr/robot: cannot read .*robots/);
is(push_by_curl('-u', 'other:other'), 500, 'a missing file is an error');
$server->set(after => $conf =~ s/^\s*AuthRobotFile.*\n//gmr);
$server->graceful;
$server->expects(qr/robot: AuthRobotFile is not set/);
is(push_by_curl('-u', 'ci:new'), 500, 'a missing AuthRobotFile is an error');
$server->stop;
done_testing;
