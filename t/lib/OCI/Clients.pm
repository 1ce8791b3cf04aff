# SPDX-License-Identifier: Apache-2.0

# Functions for tests with real clients.
#
#     use OCI::Clients;
#     my $crane    = tool('crane');        # skips the test if it is missing
#     my $registry = registry();           # an httpd with the module
#     my $dir      = scratch();            # a directory, also the HOME
#     run_ok('push', $crane, 'push', ...);
#     verify_ok($registry, 'repo', 'tag'); # the digests of all its content
#     $registry->stop;
#
# With OCI_PEER=registry in the environment the tests run against distribution
# instead, which shows whether a test demands too much of a registry.

package OCI::Clients;

use strict;
use warnings;

use Archive::Tar;
use Cwd qw(abs_path);
use File::Find ();
use File::Temp ();
use OCI::Client;
use OCI::Peer;
use OCI::Process;
use OCI::Server;
use OCI::Test;
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

my @FUNCTIONS = qw(tool system_tool needs_root registry scratch run run_ok
    output_of daemon docker_engine containerd podman real_image root_tar spew
    slurp tree_of verify verify_ok gone_ok tags_are pulls_ok);
my ($scratch, @daemons);
my $home = $ENV{HOME};     # the original HOME, in which the programs are

sub import {
    my $caller = caller;
    strict->import;
    warnings->import;
    eval "package $caller; OCI::Test->import; 1" or die $@;
    no strict 'refs';
    *{"${caller}::$_"} = \&{"OCI::Clients::$_"} for @FUNCTIONS;
    return;
}

# A Go program of t/setup/clients.sh, which is built now if it does not exist.
sub tool {
    my $name = shift;
    local $ENV{HOME} = $home;
    my $script = "$OCI::Server::TOP/t/setup/clients.sh";
    chomp(my $path = `$script --path $name`);
    my $output = -x $path ? '' : `$script $name 2>&1`;
    Test::More::plan(skip_all => "$name: $output") if !-x $path;
    return $path;
}

# A program of the system.  /usr/bin and /usr/sbin are searched first, because
# PATH may find another program of the same name.
sub system_tool {
    my $name = shift;
    for my $directory (qw(/usr/bin /usr/sbin), split /:/, $ENV{PATH}) {
        return "$directory/$name" if -x "$directory/$name";
    }
    Test::More::plan(skip_all => "$name is not installed");
}

sub needs_root {
    Test::More::plan(skip_all => "$_[0] needs root") if $>;
    return;
}

sub registry {
    my %option = @_;
    return ($ENV{OCI_PEER} // '') eq 'registry'
        ? OCI::Peer->start(tool('registry')) : OCI::Server->start(%option);
}

# A directory for the test, removed at its end.  It is also the clients' HOME.
sub scratch {
    if (!$scratch) {
        $scratch = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
        $ENV{HOME} = "$scratch";
        delete @ENV{ grep { /^(?:XDG_|DOCKER_|REGISTRY_AUTH)/ } keys %ENV };
        mkdir "$scratch/run";
        $ENV{XDG_RUNTIME_DIR} = "$scratch/run";
    }
    return "$scratch";
}

# Run a command, for at most five minutes; returns its status and its output.
sub run {
    my @command = @_;
    my $option = ref $command[0] ? shift @command : {};
    my $file = File::Temp->new;
    my $process = OCI::Process->start(
        command => [ $option->{in}
            ? ('sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $option->{in})
            : (), @command ],
        output  => "$file",
        env     => $option->{env}
    );
    my $ended = !$process->wait_for(sub { 0 }, 300) && !$process->alive;
    $process->stop(2) if !$ended;
    return ($ended ? $process->{status} : -1, slurp("$file"));
}

# One test: a command succeeds.  Returns its output.
sub run_ok {
    my ($name, @command) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $output) = run(@command);
    Test::More::ok($status == 0, $name)
        || Test::More::diag("@command\n$output");
    return $output;
}

# The standard output of a command, without a test.
sub output_of {
    my @command = @_;
    my $pid = open my $pipe, '-|' // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec @command or POSIX::_exit(127);
    }
    local $/;
    my $output = <$pipe> // '';
    close $pipe;
    return $output;
}

# Start another server, and wait until the function ready returns true.
sub daemon {
    my ($ready, @command) = @_;
    my $log = scratch() . '/daemon' . @daemons . '.log';
    my $process = OCI::Process->start(command => \@command, output => $log);
    $process->wait_for($ready)
        or die "$command[0] did not start:\n" . slurp($log);
    push @daemons, $process;
    return $process;
}

# Start a private dockerd; returns the docker client for it.
sub docker_engine {
    my @options = @_;
    my $docker = system_tool('docker');
    my $dockerd = system_tool('dockerd');
    my $dir = scratch();
    $ENV{DOCKER_HOST} = "unix://$dir/docker.sock";
    daemon(sub { (run($docker, 'version'))[0] == 0 }, $dockerd,
        '--storage-driver=vfs', '--iptables=false', '--bridge=none',
        '--data-root', "$dir/data", '--exec-root', "$dir/exec", '-H',
        $ENV{DOCKER_HOST}, '-p', "$dir/docker.pid", @options);
    return $docker;
}

# Start a private containerd; returns the client and its options.
sub containerd {
    my $containerd = system_tool('containerd');
    my $dir = scratch();
    my @ctr = (system_tool('ctr'), '-a', "$dir/containerd.sock");
    spew("$dir/config.toml", <<"END");
version = 2
root = "$dir/root"
state = "$dir/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$dir/containerd.sock"
[ttrpc]
address = "$dir/containerd.ttrpc"
END
    daemon(sub { (run(@ctr, 'version'))[0] == 0 }, $containerd, '-c',
        "$dir/config.toml");
    return @ctr;
}

# podman with a private store, and the options for its pushes and pulls.
sub podman {
    my $podman = system_tool('podman');
    my $dir = scratch();
    spew("$dir/policy.json",
        '{"default": [{"type": "insecureAcceptAnything"}]}');
    return ([ $podman, '--root', "$dir/podman", '--runroot', "$dir/runroot",
            '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs',
            '--events-backend', 'none' ],
        [ '--signature-policy', "$dir/policy.json" ]);
}

# Push an image that clients can unpack on this machine, with OCI::Client.
# Returns the result of push_image, and the layer.
sub real_image {
    my ($client, $repo, $tag) = @_;
    my $layer = slurp(root_tar(scratch() . '/image.tar'));
    my $arch = { x86_64 => 'amd64', aarch64 => 'arm64' }
        ->{ (POSIX::uname())[4] } // 'amd64';
    return ($client->push_image($repo, $tag, layers => [$layer],
        config => OCI::Client::json_text({ architecture => $arch,
            os => 'linux', rootfs => { type => 'layers',
                diff_ids => [ OCI::Client::digest_of($layer) ] } })), $layer);
}

# Unmount what daemons have mounted, so that the directory can be removed.
END {
    my $status = $?;
    if ($scratch && !$>) {
        $_->stop for @daemons;
        my $quoted = quotemeta "$scratch";
        for my $line (reverse split /\n/, OCI::Server::slurp('/proc/mounts')) {
            my $where = (split / /, $line)[1];
            system 'umount', '-l', $where if $where =~ /^$quoted\//;
        }
    }
    undef $scratch;
    $? = $status;
}

# ---- files

sub slurp { OCI::Server::slurp($_[0]) }

sub spew { OCI::Server::spew(@_) }

# Write the archive of a small root directory with some incompressible
# megabytes.
sub root_tar {
    my ($path, $size) = @_;
    my $tar = Archive::Tar->new;
    $tar->add_data('etc/motd', "pushed by a test\n");
    $tar->add_data('data.bin', OCI::Client::random_bytes($size // 3_000_000));
    $tar->write($path) or die $tar->error;
    return $path;
}

# A hash from path to digest for all files below a directory.
sub tree_of {
    my $top = abs_path(shift);
    my %tree;
    File::Find::find({ no_chdir => 1, wanted => sub {
        -f && !-l or return;
        my $path = substr $_, length $top;
        $tree{$path} = OCI::Client::digest_of(slurp($_));
    } }, $top);
    return \%tree;
}

# ---- the registry's side

# One test: a manifest and all content that it names can be read, with the right
# digests and sizes.  Returns the document.
sub verify_ok {
    my ($registry, $repo, $reference, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($document, @faults) = verify($registry, $repo, $reference);
    Test::More::ok(!@faults, $name // "$repo:$reference is complete")
        || Test::More::diag(join "\n", @faults);
    return $document;
}

sub verify {
    my ($registry, $repo, $reference) = @_;
    my $client = OCI::Client->new($registry, follow => 1,
        headers => [ Accept => join ', ', map { "application/vnd.$_+json" }
            qw(oci.image.manifest.v1 oci.image.index.v1
            docker.distribution.manifest.v2
            docker.distribution.manifest.list.v2) ]);
    my $res = $client->get("/v2/$repo/manifests/$reference");
    return (undef, "$reference: " . $res->text) if $res->status != 200;
    my ($document, @faults) = ($res->json);
    my $digest = OCI::Client::digest_of($res->body);
    push @faults, "$reference: the digest is not the announced one"
        if $digest ne $res->header('Docker-Content-Digest')
        || $reference =~ /^sha256:/ && $reference ne $digest;
    for my $child (@{ $document->{manifests} // [] }) {
        my ($inner, @inner) = verify($registry, $repo, $child->{digest});
        push @faults, @inner
            if $inner || !blob_is($client, $repo, $child);
    }
    for my $blob (grep { $_ } $document->{config},
                  @{ $document->{layers} // [] }) {
        push @faults, "$blob->{digest}: wrong bytes"
            if !blob_is($client, $repo, $blob);
    }
    return ($document, @faults);
}

sub blob_is {
    my ($client, $repo, $descriptor) = @_;
    my $sha = Digest::SHA->new(256);
    my $size = 0;
    my $res = $client->request(GET => "/v2/$repo/blobs/$descriptor->{digest}",
        {}, undef, sink => sub { $sha->add($_[0]); $size += length $_[0] });
    return $res->status == 200 && !$res->cut
        && 'sha256:' . $sha->hexdigest eq $descriptor->{digest}
        && $size == $descriptor->{size};
}

# One test: a manifest does not exist.
sub gone_ok {
    my ($registry, $repo, $reference, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res = OCI::Client->new($registry)
        ->get("/v2/$repo/manifests/$reference");
    return Test::More::is($res->status, 404,
        $name // "$repo:$reference does not exist");
}

# One test: the repository's tags.
sub tags_are {
    my ($registry, $repo, @tags) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res = OCI::Client->new($registry)->get("/v2/$repo/tags/list");
    return Test::More::is_deeply(($res->json // {})->{tags}, \@tags,
        "tags of $repo") || Test::More::diag($res->text);
}

# One test: there were pulls of blobs, and all of them were redirected to an
# object store, or none.
sub pulls_ok {
    my $registry = shift;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return if !$registry->isa('OCI::Server');
    my $wanted = $registry->{blobs}->redirects ? 'redirected' : 'sent';
    my ($end, @statuses) = time + 60;    # a line may come after its response
    until (@statuses || time > $end) {
        @statuses = slurp($registry->access_log)
            =~ m{^(20[06]|307) GET /v2/\S+/blobs/\w+:}mg;
        sleep 0.05 if !@statuses;
    }
    my %seen = map { ($_ < 300 ? 'sent' : 'redirected') => 1 } @statuses;
    return Test::More::is_deeply([ sort keys %seen ], [$wanted],
        "blobs were $wanted");
}

1;
