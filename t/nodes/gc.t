# SPDX-License-Identifier: Apache-2.0

# Garbage collection where two httpds serve one registry from one database:
# beside pushes to both, and by a process that is stopped at some moment, loses
# its locks, and continues after others have pushed again what it was about to
# delete.
#
# With OCI_GC_ALL a run is stopped at every statement, not only at some.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Garbage;
use OCI::Library;
use OCI::Nodes;
use OCI::Pusher;
use POSIX ();
use Time::HiRes qw(sleep time);

my $SECONDS = 4;
my $STEP = $ENV{OCI_GC_ALL} ? 1 : OCI::Blobs::named() ? 45 : 15;

my @nodes = nodes();
my $database = $nodes[0]{index}->database;
my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";

OCI::Client->new($_)->push_blob('first', 'push') for @nodes;

subtest 'beside pushes to both' => sub {
    my @repos = map { "race/p$_" } 1 .. 4;
    my @pushers = map { OCI::Pusher->start(\@nodes, $_, time + $SECONDS,
        others => \@repos, repeats => 1, least => 8) } @repos;
    my @runners = map { OCI::Garbage->start($_, '--grace', 0) } @nodes;
    $_->wait for @pushers;
    my @bad = grep { $_->{err} !~ /^$|another garbage collection is under way/ }
        map { $_->finish } @runners;
    is(scalar @bad, 0, 'the runs have no faults') or diag($bad[0]{err});
    my ($pushes, @faults) = (0);
    for my $pushed (map { OCI::Pushed->new($_) } @pushers) {
        $pushed->check($_) for @nodes;
        push @faults, $pushed->faults, $pushed->ended || ();
        $pushes += $pushed->pushes;
    }
    is(join("\n", @faults), '', 'nothing is lost');
    cmp_ok($pushes, '>', 10, "$pushes pushes");
    is(join("\n", clean($nodes[0])), '', 'in the end the garbage is gone');
};

# ---- a process that is stopped

# It stops itself before and after each statement to the database (send), or
# request to an S3 server, and each change of a blob's file.  OCI_STOP has
# "send N" or "file N": the Nth.  Or OCI_STOP_FILE names a file: it stops after
# it made a blob's file, if that file exists.
my $library = "$tmp/stop.so";
my $built = OCI::Library::build($library, <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#define REAL(name) dlsym(RTLD_NEXT, name)
static int count;
static void pass(const char *what)
{
    const char *stop = getenv("OCI_STOP");

    if (stop && !strncmp(stop, what, 4) && ++count == atoi(stop + 5)) {
        raise(SIGSTOP);
    }
}
ssize_t send(int fd, const void *data, size_t size, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int) = REAL("send");
    ssize_t result;

    pass("send");
    result = real(fd, data, size, flags);
    pass("send");
    return result;
}
int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = REAL("rename");
    const char *file = getenv("OCI_STOP_FILE");
    int ours = strstr(to, "/blobs/sha") != NULL;
    int result;

    if (ours) {
        pass("file");
    }
    result = real(from, to);
    if (ours) {
        pass("file");
        if (!result && file && !access(file, F_OK)) {
            raise(SIGSTOP);
        }
    }
    return result;
}
int unlink(const char *path)
{
    int (*real)(const char *) = REAL("unlink");
    int ours = strstr(path, "/blobs/sha") != NULL;
    int result;

    if (ours) {
        pass("file");
    }
    result = real(path);
    if (ours) {
        pass("file");
    }
    return result;
}
END

# The connections of the database, and how to end one.
my ($LIST, $KILL) = $nodes[0]->index =~ /pgsql/
    ? ('SELECT pid FROM pg_stat_activity WHERE datname = current_database() '
        . 'AND pid <> pg_backend_pid()', 'SELECT pg_terminate_backend(%d)')
    : ('SELECT id FROM information_schema.processlist WHERE db = DATABASE() '
        . 'AND id <> CONNECTION_ID()', 'KILL %d');

sub connections {
    return { map { $_ => 1 } $database->sql($LIST) =~ /(\d+)/g };
}

# End connections of the database, and with them their locks.
sub terminate {
    my @ids = @_;
    $database->sql(sprintf $KILL, $_) for @ids;
    for (1 .. 6000) {
        my $left = connections();
        return if !grep { $left->{$_} } @ids;
        sleep 0.02;
    }
    die "the database did not end a connection\n";
}

# Run ociadmin gc, which stops itself.  Returns its process, or undef if it came
# to its end before that.
sub stopped_run {
    my ($stop) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        local %ENV = (%ENV, LD_PRELOAD => $library, OCI_STOP => $stop);
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', "$tmp/err";
        exec "$OCI::Server::TOP/.build/mod/ociadmin", 'gc', '--quiet',
            '--grace', 0, OCI::Admin::stores_of($nodes[0])
            or POSIX::_exit(126);
    }
    waitpid $pid, POSIX::WUNTRACED();
    return kill(0, $pid) ? $pid : undef;    # it was only stopped
}

# What is not served of an image with these layers.
sub lost {
    my ($repo, @layers) = @_;
    my $client = OCI::Client->new($nodes[1]);
    return ((grep { $client->get("/v2/$repo/blobs/" . digest_of($_))->body ne $_ }
        @layers), $client->get("/v2/$repo/manifests/v1")->status == 200
        ? () : 'the manifest');
}

# Let a run be stopped, lose its locks, and continue after others have pushed
# what it was about to delete.  Returns what is lost, or undef if it did not
# stop.
sub stop_and_push {
    my ($stop) = @_;
    my $name = $stop =~ s/ /-/r;
    my @layers = map { "$_ of $name" } 1, 2;
    my $client = OCI::Client->new($nodes[1]);
    my %image = (config => "config of $name", layers => \@layers);
    my $image = $client->push_image("a/$name", 'v1', %image);
    $client->push_image("b/$name", 'v1', %image);
    for my $repo ("a/$name", "b/$name") {
        $client->delete("/v2/$repo/manifests/$image->{digest}");
    }
    my $before = connections();
    my $pid = stopped_run($stop) or return;
    terminate(grep { !$before->{$_} } keys %{ connections() });
    $client->push_image("b/$name", 'v1', %image);
    $client->push_image("c/$name", 'v1', %image);
    kill 'CONT', $pid;
    waitpid $pid, 0;
    my $said = OCI::Server::slurp("$tmp/err");
    push my @faults, "status $?: $said" if $? && $said !~ /cannot/;
    push @faults, map { lost("$_/$name", $image{config}, @layers) } qw(b c);
    $client->delete("/v2/$_/$name/manifests/$image->{digest}") for qw(b c);
    gc($nodes[0], '--grace', 0);
    return \@faults;
}

SKIP: {
    skip('the locks are in files, and do not end', 1) if !$database;
    skip('gcc cannot build a library', 1) if !$built;

    # A connection of httpd may be among those that end.
    $_->allows(qr/\[oci:error\].*(?:terminating connection|gone away|Lost)/)
        for @nodes;
    for my $what ($nodes[0]->blobs eq 'fs' ? 'file' : (), 'send') {
        subtest "a run that is stopped at a $what, and loses its locks" => sub {
            my $step = $what eq 'file' ? 1 : $STEP;
            my ($n, $stops, @lost) = (1 + int rand $step, 0);
            while ($n < 1000 and my $lost = stop_and_push("$what $n")) {
                push @lost, map { "$what $n: $_" } @$lost;
                $stops++;
                $n += $step;
            }
            is(join("\n", @lost), '', 'what was pushed meanwhile is not lost');
            cmp_ok($stops, '>', 5, "it was stopped $stops times");
            # Young objects of a bucket stay, also without a record.
            my @faults = grep { $nodes[0]->blobs eq 'fs' || !/not a blob's/ }
                clean($nodes[0]);
            is(join("\n", @faults), '', 'the next run goes on');
        };
    }
    subtest 'a push that is stopped, and loses its locks' => sub {
        plan(skip_all => 'the sanitizers already use LD_PRELOAD')
            if OCI::Server->sanitized;
        plan(skip_all => 'a bucket has no files') if $nodes[0]->blobs ne 'fs';
        my $node = OCI::Server->start(index => $nodes[0]->index,
            store => $nodes[0]->store, database => $database, mpm => 'prefork',
            env => { LD_PRELOAD => $library, OCI_STOP_FILE => "$tmp/word" });
        $node->expects(qr/\[oci:error\]/);
        my $client = OCI::Client->new($node);
        my $bytes = 'pushed while it is collected';
        my $location = $client->start_upload('late');
        open my $word, '>', "$tmp/word" or die "$tmp/word: $!\n";
        $client->send($client->head_of(PUT => with_query($location,
            'digest=' . digest_of($bytes)), {}, $bytes) . $bytes);
        my ($child, $end) = (undef, time + 120);
        until ($child || time > $end) {
            ($child) = map { /(\d+) T/ } split /\n/,
                `ps -o pid=,stat= --ppid @{[ $node->pid ]}`;
        }
        ok($child, 'a child of httpd is stopped');
        unlink "$tmp/word";
        terminate(keys %{ connections() });
        my $run = gc($nodes[0], '--grace', 0);
        is($run->{report}{blobs}, 1, 'the bytes are collected')
            or diag($run->{out}, $run->{err});
        kill 'CONT', $child;
        my $status = $client->receive('PUT')->status;
        is($status, 503, 'the push fails');
        error_is($client->get('/v2/late/blobs/' . digest_of($bytes)), 404,
            'BLOB_UNKNOWN');
        $client->push_blob('late', $bytes);
        is($client->get('/v2/late/blobs/' . digest_of($bytes))->body, $bytes,
            'and can be repeated');
        age_uploads($nodes[0]->store);
        is(join("\n", clean($nodes[0])), '', 'nothing dangles');
        $node->stop;
    };
}

$_->stop for @nodes;
done_testing;
