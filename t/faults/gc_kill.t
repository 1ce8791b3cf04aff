# SPDX-License-Identifier: Apache-2.0

# httpd, which collects garbage every second, or "ociadmin gc" is killed at
# random moments while pushes go on.  Nothing that was acknowledged is lost, and
# in the end the next runs finish the work: exactly the garbage is gone.
#
# OCI_GC_KILLS is the number of rounds.  In each of them httpd is killed once, or
# "ociadmin gc" up to five times.  After some rounds a new store takes over, so
# that rounds do not take longer and longer.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Garbage;
use OCI::Library;
use OCI::Pusher;
use POSIX ();
use Time::HiRes qw(sleep time);

my $KILLS = $ENV{OCI_GC_KILLS} // 10;
my $ROUNDS = 25;    # with one store, at most

# The number of rounds with each store.
my @PARTS = ((($ROUNDS) x ($KILLS / $ROUNDS)), $KILLS % $ROUNDS || ());

# Push an image, again if some of it was collected meanwhile.
sub push_image {
    my ($client, @image) = @_;
    for (1 .. 100) {
        my $image = eval { $client->push_image(@image) };
        return $image if $image;
        die $@ if $@ !~ /^PUT of a manifest: 404/;
    }
    die $@;
}

# Push small images to many repositories, and delete most of them: work for
# many small steps.
sub push_much {
    my ($server, $round) = @_;
    my $client = OCI::Client->new($server);
    for my $n (1 .. 12) {
        my $image = push_image($client, "much/$round/$n", 'v1',
            config => "$round $n", layers => [ 'in all', "in round $round" ]);
        $client->delete("/v2/much/$round/$n/manifests/$image->{digest}")
            if $n % 4;
    }
    return;
}

sub start_pushers {
    my ($server, $round) = @_;
    my @repos = map { "round$round/p$_" } 1, 2;
    return map { OCI::Pusher->start([$server], $_, time + 60, repeats => 1,
        others => [ @repos, 'much/1/4' ]) } @repos;
}

# Wait until each of these pushers has pushed a manifest.
sub wait_for_pushes {
    my $end = time + 60;
    for my $pusher (@_) {
        sleep 0.05 until OCI::Pushed->new($pusher)->pushes || time > $end;
    }
    return;
}

# Add the faults of pushers to a list, and return their journals, replayed.
# ended: whether they ended because they were stopped
sub replay {
    my ($faults, $server, @pushers) = @_;
    my @pushed = map { OCI::Pushed->new($_) } @pushers;
    for my $pushed (@pushed) {
        $pushed->check($server);
        push @$faults, $pushed->faults;
    }
    return @pushed;
}

# The end of both tests.
sub holds {
    my ($server, $rounds, $faults, @pushed) = @_;
    is(join("\n", @$faults), '', 'nothing is lost');
    my $pushes = 0;
    $pushes += $_->pushes for @pushed;
    cmp_ok($pushes, '>', $rounds, "$pushes pushes in $rounds rounds");
    has_no_damage($server);
    age_uploads($server->store);
    my @left = clean($server);
    is(join("\n", @left), '', 'the next run leaves exactly what is needed');
    my @lost = map { $_->check($server); $_->faults } @pushed;
    is(join("\n", @lost), '', 'of which nothing is lost');
    return;
}

sub kill_httpd {
    my $rounds = shift;
    my $server = OCI::Server->start(modules => ['watchdog'],
        extra => "OCIGCInterval 1\nOCIGCGrace 0");
    my (@faults, @pushed);
    for my $round (1 .. $rounds) {
        push_much($server, $round);
        my @pushers = start_pushers($server, $round);
        sleep 0.5 + rand 1;
        wait_for_pushes(@pushers);
        $server->kill9;
        $_->wait for @pushers;
        $server->again;
        push @pushed, replay(\@faults, $server, @pushers);
        last if @faults;
    }
    $server->set(extra => '');
    $server->graceful;
    holds($server, $rounds, \@faults, @pushed);
    $server->stop;
    return;
}

# Start "ociadmin gc", and kill it after some time if it is given.  Returns
# whether it was killed before its end.
sub kill_run {
    my ($server, $seconds) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
        exec tool(), 'gc', '--quiet', '--grace', 0, 'fs ' . $server->store,
            $server->{index}->argument($server->store)
            or POSIX::_exit(126);
    }
    if (defined $seconds) {
        sleep $seconds;
        kill 'KILL', $pid;
    }
    waitpid $pid, 0;
    return $? ? 1 : 0;
}

sub kill_gc {
    my $rounds = shift;
    my $server = OCI::Server->start;
    my ($whole, $killed, @faults, @pushed) = (0, 0);
    for my $round (1 .. $rounds) {
        push_much($server, $round);
        my @pushers = start_pushers($server, $round);
        sleep 0.2;
        if ($round % 5 == 1) {
            my $begun = time;
            kill_run($server, undef);
            $whole = time - $begun;    # what a run takes by now
        }
        $killed += kill_run($server, $whole * rand 1.2) for 1 .. 5;
        wait_for_pushes(@pushers);
        kill 'TERM', map { $_->{pid} } @pushers;
        $_->wait for @pushers;
        push @pushed, replay(\@faults, $server, @pushers);
        last if @faults;
    }
    cmp_ok($killed, '>', 0, "$killed runs were killed");
    holds($server, $rounds, \@faults, @pushed);
    $server->stop;
    return;
}

subtest 'httpd is killed' => sub { kill_httpd($_) for @PARTS };
subtest 'ociadmin gc is killed' => sub { kill_gc($_) for @PARTS };

# ---- killed at each change of a file

# Kills its process before the change of a name on disk for which a number in
# the file OCI_KILL reaches 0; each change lowers the number by 1.
my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0777, "$tmp";
my $library = "$tmp/kill.so";
my $built = OCI::Library::build($library, <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static void count(const char *path)
{
    char text[16] = "";
    int fd = strstr(path, "/store/") ? open(getenv("OCI_KILL"), O_RDWR) : -1;
    int number;

    if (fd < 0) {
        return;
    }
    number = read(fd, text, sizeof(text) - 1) > 0 ? atoi(text) - 1 : -1;
    snprintf(text, sizeof(text), "%-8d", number);
    if (number >= 0 && pwrite(fd, text, strlen(text), 0) < 0) {
        abort();
    }
    close(fd);
    if (number == 0) {
        raise(SIGKILL);
    }
}
int link(const char *from, const char *to)
{
    count(to);
    return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int symlink(const char *from, const char *to)
{
    count(to);
    return syscall(SYS_symlinkat, from, AT_FDCWD, to);
}
int rename(const char *from, const char *to)
{
    count(to);
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int unlink(const char *path)
{
    count(path);
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
int rmdir(const char *path)
{
    count(path);
    return syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
END

# Kill at the Nth change while this code runs.  Returns whether that happened.
sub kill_at {
    my ($n, $code) = @_;
    open my $file, '>', "$tmp/n" or die "$tmp/n: $!\n";
    print $file $n;
    close $file;
    chmod 0666, "$tmp/n";
    $code->();
    my $left = OCI::Server::slurp("$tmp/n");
    unlink "$tmp/n";
    return $left == 0;
}

# Tests: an image is complete, and nothing else is left after the next runs.
sub only {
    my ($server, $image, $name) = @_;
    age_uploads($server->store);
    my @left = clean($server);
    is(join("\n", @left), '', $name);
    my $client = OCI::Client->new($server);
    is($client->get('/v2/kept/manifests/v1')->body, $image->{text},
        'the image is there');
    return;
}

sub plan_kills {
    plan(skip_all => 'for the index fs: the others change many facts at once')
        if (OCI::Index::named() // 'fs') ne 'fs';
    plan(skip_all => 'the sanitizers already use LD_PRELOAD')
        if OCI::Server->sanitized;
    plan(skip_all => 'gcc cannot build a library') if !$built;
    return;
}

subtest 'ociadmin gc is killed before each change of a file' => sub {
    plan_kills();
    my $server = OCI::Server->start(config => 'OCISync Off');
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('kept', 'v1', layers => ['shared']);
    my $n = 0;
    do {
        $n++;
        for my $repo (qw(a b/c)) {
            my $gone = $client->push_image($repo, 'v1', config => "own $n",
                layers => [ 'shared', "layer of $n" ]);
            $client->delete("/v2/$repo/manifests/$gone->{digest}");
        }
        # One run is killed, and the next one goes on.
    } while (kill_at($n, sub {
        local %ENV = (%ENV, LD_PRELOAD => $library, OCI_KILL => "$tmp/n");
        kill_run($server, undef);
    }) && gc($server, '--grace', 0)->{status} == 0 && $n < 500);
    cmp_ok($n, '>', 20, "$n changes");
    only($server, $image, 'no garbage is left');
    $server->stop;
};

subtest 'httpd is killed before each change of a file' => sub {
    plan_kills();
    my $server = OCI::Server->start(config => 'OCISync Off', mpm => 'prefork',
        env => { LD_PRELOAD => $library, OCI_KILL => "$tmp/n" });
    $server->allows(qr/exit signal Killed/);
    my $image = OCI::Client->new($server)->push_image('kept', 'v1');
    my $n = 0;
    1 while ++$n < 500 && kill_at($n, sub {
        my $client = OCI::Client->new($server);
        my $repo = 'r' . $n % 3 . '/x';
        eval {
            my $gone = $client->push_image($repo, "v$n", config => "own $n");
            $client->delete("/v2/$repo/manifests/$gone->{digest}");
            $client->delete("/v2/$repo/blobs/" . digest_of("own $n"));
        };
    });
    cmp_ok($n, '>', 20, "$n changes");
    my $client = OCI::Client->new($server);
    for my $repo (map { "r$_/x" } 0 .. 2) {
        my $list = $client->get("/v2/$repo/tags/list");
        $client->delete("/v2/$repo/manifests/$_")
            for @{ ($list->json // {})->{tags} // [] };
    }
    gc($server, '--grace', 0, '--untagged', 0);
    only($server, $image, 'no garbage is left');
    $server->stop;
};

# A manifest whose push or deletion was not acknowledged may be there and not be
# among the referrers; the same request again mends that.
subtest 'httpd is killed before each change of a file for a referrer' => sub {
    plan_kills();
    my $server = OCI::Server->start(config => 'OCISync Off', mpm => 'prefork',
        env => { LD_PRELOAD => $library, OCI_KILL => "$tmp/n" });
    $server->allows(qr/exit signal Killed/);
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('kept', 'v1');
    my $referrer = sub { image_manifest('{}', [], subject => descriptor(
        $image->{text}, IMAGE_MANIFEST), annotations => { n => "$_[0]" }) };
    my $listed = sub { join ' ', sort map { $_->{digest} } @{ $client->get(
        "/v2/kept/referrers/$image->{digest}")->json->{manifests} } };
    my $first = $client->push_manifest('kept', undef, $referrer->('first'));
    my ($n, $unlisted, @faults) = (0, 0);
    1 while ++$n < 500 && kill_at($n, sub {
        my $digest = digest_of(json_text($referrer->($n)));
        my $path = "/v2/kept/manifests/$digest";
        eval {
            OCI::Client->new($server)->push_manifest('kept', undef,
                $referrer->($n));
            OCI::Client->new($server)->delete($path);
        };
        $unlisted++ if $client->get($path)->status == 200
            && $listed->() !~ /$digest/;
        $client->push_manifest('kept', undef, $referrer->($n));
        push @faults, "$n: listed: " . $listed->()
            if $listed->() ne join ' ', sort $first, $digest;
        $client->delete($path);
        push @faults, "$n: still listed: " . $listed->()
            if $listed->() ne $first || $client->get($path)->status != 404;
    });
    cmp_ok($n, '>', 5, "$n changes; after $unlisted of them it was not listed");
    is(join("\n", @faults), '', 'the same request again is enough');
    only($server, $image, 'no garbage is left');
    $server->stop;
};

done_testing;
