# SPDX-License-Identifier: Apache-2.0

# ociadmin --config: the stores come from httpd's configuration.

use OCI::Test;

use File::Path qw(make_path);
use OCI::Admin;
use POSIX qw(SIGINT SIGTERM);

my $n = 0;
my $LIBEXEC = OCI::Server::apxs('LIBEXECDIR');

# One test: the status of a run of gc with --config, and what it prints.
sub configured_is {
    my ($server, $words, $status, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    local %ENV = (%ENV, $server->environment);
    my $run = ociadmin('gc', '--json', '--quiet', '--grace', 0, '--config',
        @$words);
    my $said = $status ? $run->{err} : $run->{out};
    return ok($run->{status} == $status && $said =~ $pattern, $name)
        || diag("status $run->{status}: $run->{err}$run->{out}");
}

# The registry of a virtual host.
sub host {
    my ($port, @lines) = @_;
    return join "\n", "<VirtualHost *:\@PORT$port\@>", '<Location "/v2/">',
        'SetHandler oci-registry', 'Require all granted', @lines, '</Location>',
        '</VirtualHost>', '';
}

for my $index (qw(fs dbm:db mod_dbd:sqlite3)) {
    SKIP: {
        skip("$index is not installed", 2) if $index =~ /dbd/
            && !-e "$LIBEXEC/mod_dbd.so";
        my $server = OCI::Server->start(index => $index);
        my $file = $server->dir . '/httpd.conf';
        OCI::Client->new($server)->push_blob('a', 'garbage');
        configured_is($server, [$file], 0, qr/"collected": 1,/, "the index $index");
        configured_is($server, [ $file, 'fs ' . $server->store ], 0,
            qr/"repositories": /, 'with its blob store');
        $server->stop;
    }
}

# Three sections, two of them with the same stores.  Some paths are relative.
my $server = OCI::Server->start(location => '', ports => 3,
    extra => 'ServerRoot "@DIR@"',
    after => join '', host(1, 'OCIBlobStore fs "one store"',
        'OCIIndex fs facts'), host(2, 'OCIBlobStore fs @DIR@/two'),
        host(3, 'OCIBlobStore fs @DIR@/two', 'OCIReadOnly On'));
my $dir = $server->dir;
my $file = "$dir/httpd.conf";
OCI::Client->new($server->host($_))->push_blob('a', 'garbage') for 1, 2;
configured_is($server, [$file], 1,
    qr{ has several registries: 'fs (?:one store|\S+/two)' at \S+ line \d+, 'fs}
        . qr{ [^,]+ line \d+; name one of the blob stores}, 'several registries');
configured_is($server, [ $file, $_ ], 0, qr/"collected": 1,/, "the one of $_")
    for "fs $dir/one store", "fs $dir/two";
configured_is($server, [ $file, "fs $dir/three" ], 1,
    qr{has no registry with the blob store 'fs $dir/three'}, 'none of them');
configured_is($server, [ $file, "fs $dir/two", "fs $dir/two" ], 2,
    qr/with --config, no index can be named/, 'an index, too');
configured_is($server, [ $file, 'x y' ], 2, qr/unknown provider 'x'/, 'no blob store');
$server->stop;

# The rules of garbage collection are those of the server.
{
    my @rules = ('OCIRetain ci/** last=2', 'OCIRetain "ci/**" tags=v[0-9]+\.0',
        'OCIUntagged 1s ci/**', 'OCIImmutable ci/** "tags=rel-.*"',
        'OCIGCGrace 7200', 'OCIUploadExpiry 3600', 'OCISparse Index');
    $server = OCI::Server->start(config => join "\n", 'OCIGCInterval 0', @rules);
    my ($store, $config) = ($server->store, $server->dir . '/httpd.conf');
    my $client = OCI::Client->new($server);
    for my $tag (qw(v1.0 v1x0 rel-1 a b c d)) {
        $client->push_image('ci/app', $tag, layers => [$tag]);
        my $digest = $client->head("/v2/ci/app/manifests/$tag")
            ->header('Docker-Content-Digest');
        unlink "$store/index/repo/ci/app/_tag/$tag";
        set_fact($store, "repo/ci/app/_tag/$tag",
            "$digest;" . (1_000_000 + ++$n) . ';');
    }
    $client->push_image('other', $_) for qw(a b c);
    my $untagged = $client->push_image('ci/app', undef, layers => ['x'])
        ->{digest};
    set_fact($store, "repo/ci/app/_untagged/$untagged", time);
    set_fact($store, 'repo/other/_blob/'
        . $client->push_blob('other', "condemned $_"), ';' . (time - $_))
        for 3600, 10_000;
    my $session = $client->start_upload('ci/app');
    $client->patch($session, 'idle');
    utime time - 5000, time - 5000, glob "$store/uploads/*";
    my $index = json_text(OCI::Client::image_index(
        [ json_text(OCI::Client::image_manifest('absent', [])) ]));
    $client->push_manifest('ci/index', 'latest', $index);
    give_to_httpd($store);
    sleep 2;    # until the second of OCIUntagged is over

    my $gc = sub {
        local %ENV = (%ENV, $server->environment,
            ASAN_OPTIONS => 'detect_leaks=0');
        my $run = ociadmin('gc', '--quiet', '--config', $config, @_);
        diag($run->{err}) if $run->{status};
        return $run->{out};
    };
    my $would = $gc->('--dry-run');
    my %would = $would =~ /^(\S+) would be deleted: (.*)$/mg;
    is_deeply([ sort keys %would ], [ map({ "ci/app:$_" }
        qw(a b v1x0)), "ci/app\@$untagged" ], 'a dry run has the rules of the server')
        or diag($would);
    like($would, qr/^3 tags and 1 manifest would be deleted by rules$/m,
        'and their number');
    like($would, qr/^1 blob would be taken out of/m, 'OCIGCGrace');
    like($would, qr/ 1 upload would be deleted/m, 'OCIUploadExpiry');
    like($gc->('--dry-run', '--retain', 'ci/** last=1'),
        qr/^5 tags and 1 manifest would/m, '--retain replaces OCIRetain');
    like($gc->('--dry-run', '--untagged', 'keep'), qr/^3 tags and 0 manifests w/m,
        '--untagged replaces OCIUntagged');
    like($gc->('--dry-run', '--grace', 60, '--upload-expiry', 9999),
        qr/^2 blobs would be taken.*\n.* 0 uploads would/m, '--grace and --upload-');
    my $check = sub {
        local %ENV = (%ENV, $server->environment,
            ASAN_OPTIONS => 'detect_leaks=0');
        return ociadmin('check', '--quiet', '--config', $config, @_);
    };
    like($check->()->{out}, qr/^0 findings: 0 of damage/m, 'OCISparse');
    like($check->('--sparse', 'None')->{out}, qr/^2 findings: 2 of damage/m,
        '--sparse replaces OCISparse');

    # Exactly this is what the server does.
    $server->set(config => join "\n", 'OCIGCInterval 1', @rules);
    $server->restart;
    $server->{process}->wait_for(sub { $server->log
        =~ /garbage collection of .* reviewed/ });
    my ($log) = $server->log =~ /\A(.*?)garbage collection of .* reviewed/s;
    my %did = $log =~ /garbage collection deletes (\S+): (.*)$/mg;
    is_deeply(\%did, \%would, 'the server deletes what the dry run said');
    $server->stop;

    # Of two sections for one registry, the first one that is not read-only
    # counts.
    $server = OCI::Server->start(location => '', ports => 2, after => join '',
        host(1, 'OCIBlobStore fs @STORE@', 'OCIReadOnly On',
            'OCIRetain ** last=1'),
        host(2, 'OCIBlobStore fs @STORE@', 'OCIGCInterval 0',
            'OCIRetain ** last=3'));
    $server->allows(qr/OCIRetain or OCIUntagged has no effect here/);
    $client = OCI::Client->new($server->host(2));
    for my $tag (qw(a b c d)) {
        my $digest = $client->push_image('a', $tag)->{digest};
        set_fact($server->store, "repo/a/_tag/$tag",
            "$digest;" . (1_000_000 + ++$n) . ';');
    }
    $config = $server->dir . '/httpd.conf';
    like($gc->('--dry-run'), qr/^1 tag and/m, 'the section that counts');
    $server->stop;
}

# What cannot be used.
$server = OCI::Server->start;
$dir = $server->dir;
$file = "$dir/httpd.conf";
configured_is($server, ["$dir/none"], 1, qr{cannot use \S+/none; .*\n.*\bnone\b}s,
    'no file');
configured_is($server, [ $file, '--httpd', "$dir/none" ], 1, qr/none cannot use /,
    'no httpd');

# ociadmin blocks signals, so that it ends in order.  httpd must not inherit
# this: it would ignore an interruption.
my $program = OCI::Server::spew("$dir/program", "#!$^X\n"
    . "open STDIN, '/proc/self/status'; print <STDIN>; exit 1\n");
chmod 0755, $program or die;
make_path("$dir/docker/registry/v2/repositories");
for my $words (['gc'], ['check'], [ 'import', '--from-registry', $dir ]) {
    my $run = ociadmin(@$words, '--config', $file, '--httpd', $program);
    my ($blocked) = $run->{err} =~ /SigBlk:\s*[0-9a-f]*([0-9a-f]{8})\b/;
    is(hex($blocked // 'f' x 8) & (1 << SIGINT - 1 | 1 << SIGTERM - 1), 0,
        "$words->[0] starts an httpd that can be interrupted")
        || diag("$run->{out}$run->{err}");
}

configured_is($server, [ OCI::Server::spew("$dir/wrong", OCI::Server::slurp($file) . "Wrong\n") ],
    1, qr/cannot use .*Invalid command 'Wrong'/s, 'a line that is not valid');
configured_is($server, [ OCI::Server::spew("$dir/other",
        OCI::Server::slurp($file) =~ s/OCIBlobStore.*//r) ],
    1, qr/has no registry/, 'no OCIBlobStore');
configured_is($server, [ OCI::Server::spew("$dir/latin1", OCI::Server::slurp($file)
        =~ s{(?=OCIBlobStore)}{OCIIndex fs "$dir/store/idx\xe9"\n}r) ], 1,
    qr/latin1 line \d+: the arguments of OCIIndex are not in UTF-8/,
    'an index whose path is not in UTF-8');
SKIP: {
    skip('mod_dbd is not installed', 1) if !-e "$LIBEXEC/mod_dbd.so";
    my $text = OCI::Server::slurp($file)
        =~ s/(?=OCIBlobStore)/OCIIndex dbd\n/r;
    configured_is($server, [ OCI::Server::spew("$dir/dbd", OCI::Server::load('dbd')
            . "\nDBDriver sqlite3\nDBDParams $dir/store/f\nDBDInitSQL x\n$text") ],
        1, qr/DBDInitSQL, which ociadmin does not run/, 'DBDInitSQL');
}
$server->stop;

done_testing;
