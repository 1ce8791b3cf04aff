# SPDX-License-Identifier: Apache-2.0

# httpd, which collects garbage every second, or "ociadmin gc" is killed at
# random moments while pushes go on.  Nothing that was acknowledged is lost, and
# in the end the next runs finish the work: exactly the garbage is gone.
#
# OCI_GC_KILLS is how often each of the two is killed.

use OCI::Test;

use OCI::Admin;
use OCI::Garbage;
use OCI::Pusher;
use POSIX ();
use Time::HiRes qw(sleep time);

my $KILLS = $ENV{OCI_GC_KILLS} // 8;

# Push small images to many repositories, and delete most of them: work for
# many small steps.
sub push_much {
    my ($server, $round) = @_;
    my $client = OCI::Client->new($server);
    for my $n (1 .. 12) {
        my $image = $client->push_image("much/$round/$n", 'v1',
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
    my ($server, $faults, @pushed) = @_;
    is(join("\n", @$faults), '', 'nothing is lost');
    my $pushes = 0;
    $pushes += $_->pushes for @pushed;
    cmp_ok($pushes, '>', $KILLS, "$pushes pushes in $KILLS rounds");
    my @left = clean($server, '--upload-expiry', 0);
    is(join("\n", @left), '', 'the next run leaves exactly what is needed');
    my @lost = map { $_->check($server); $_->faults } @pushed;
    is(join("\n", @lost), '', 'of which nothing is lost');
    return;
}

subtest 'httpd is killed' => sub {
    my $server = OCI::Server->start(modules => ['watchdog'],
        extra => "OCIGCInterval 1\nOCIGCGrace 0");
    my (@faults, @pushed);
    for my $round (1 .. $KILLS) {
        push_much($server, $round);
        my @pushers = start_pushers($server, $round);
        sleep 0.5 + rand 1;
        $server->kill9;
        $_->wait for @pushers;
        $server->again;
        push @pushed, replay(\@faults, $server, @pushers);
        last if @faults;
    }
    $server->set(extra => '');
    $server->graceful;
    holds($server, \@faults, @pushed);
    $server->stop;
};

# Start "ociadmin gc" and kill it after some time.  Returns whether it was
# killed before its end.
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
    sleep $seconds;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return $? ? 1 : 0;
}

subtest 'ociadmin gc is killed' => sub {
    my $server = OCI::Server->start;
    my $begun = time;
    gc($server, '--grace', 0);
    my $least = time - $begun;    # what an empty run takes
    my ($killed, @faults, @pushed) = (0);
    for my $round (1 .. $KILLS) {
        push_much($server, $round);
        my @pushers = start_pushers($server, $round);
        sleep 0.2;
        $killed += kill_run($server, $least * (0.4 + rand 2)) for 1 .. 3;
        kill 'TERM', map { $_->{pid} } @pushers;
        $_->wait for @pushers;
        push @pushed, replay(\@faults, $server, @pushers);
        last if @faults;
    }
    cmp_ok($killed, '>', 0, "$killed runs were killed");
    holds($server, \@faults, @pushed);
    $server->stop;
};

done_testing;
