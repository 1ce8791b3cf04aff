# SPDX-License-Identifier: Apache-2.0

# Programs that tests start, and that must end with the test.  Each runs in its
# own process group, which is killed by its id however the test ends.

package OCI::Process;

use strict;
use warnings;

use POSIX qw(setgid setsid setuid WNOHANG _exit);
use Time::HiRes qw(sleep time);

my %running;

$SIG{$_} ||= sub { exit 1 } for qw(INT TERM HUP PIPE);

END {
    my $status = $?;
    $_->stop for grep { $_->{owner} == $$ } values %running;
    $? = $status;
}

# OCI::Process->start(command => [...], output => file, env => {...})
# Output and errors are written to the file, or discarded.  Further options:
# user, the user as whom root runs it; ending, the signal that stops it (TERM).
sub start {
    my ($class, %self) = @_;
    my $self = bless { %self, owner => $$ }, $class;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setsid();
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self{output} // '/dev/null' or _exit(126);
        open STDERR, '>&', \*STDOUT;
        @ENV{ keys %{ $self{env} // {} } } = values %{ $self{env} // {} };
        become($self{user}) if $self{user} && !$>;
        exec @{ $self{command} } or _exit(127);
    }
    $self->{pid} = $pid;
    $running{$pid} = $self;
    return $self;
}

# Change to another user.
sub become {
    my $name = shift;
    my ($uid, $gid) = (getpwnam $name)[ 2, 3 ];
    chdir '/' or _exit(126);
    $) = "$gid $gid";
    setgid($gid) && setuid($uid) or _exit(126);
    return;
}

sub pid { $_[0]{pid} }

# Whether it still runs.  When it has ended, its status is kept, and whether it
# left processes of its group: otherwise another program may get its id.
sub alive {
    my $self = shift;
    return 0 if defined $self->{status};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{status} = $?;
    $self->{left} = kill 0, -$self->{pid};
    delete $running{ $self->{pid} };
    return 0;
}

sub signal {
    my ($self, $signal) = @_;
    return $self->alive && kill $signal, $self->{pid};
}

# Stop it until it gets the signal CONT.
sub freeze { $_[0]->alive && freeze_pid($_[0]{pid}) }

# Stop a process.  The signal is sent before each thread has seen it, so this
# waits for the last one.
sub freeze_pid {
    my $pid = shift;
    kill 'STOP', $pid;
    for my $stat (glob "/proc/$pid/task/*/stat") {
        my $end = time + 60;
        until (text_of($stat) =~ /\A\z|\) [TZX] /) {
            die "$stat is not stopped" if time > $end;
            sleep 0.01;
        }
    }
    return;
}

sub text_of {
    my $path = shift;
    open my $file, '<', $path or return '';
    local $/;
    return <$file> // '';
}

# Wait until a condition holds; false if the program ended or the time is over.
# A loaded machine needs patience: the limits are for programs that hang.
sub wait_for {
    my ($self, $condition, $seconds) = @_;
    my $end = time + ($seconds // 120);
    until ($condition->()) {
        return 0 if !$self->alive || time > $end;
        sleep 0.02;
    }
    return 1;
}

# Stop it, and the processes of its group; true if it ended after the signal.
sub stop {
    my ($self, $seconds) = @_;
    my $pid = $self->{pid};
    if ($self->alive) {
        kill $self->{ending} // 'TERM', $pid;
        my $end = time + ($seconds // 60);
        sleep 0.01 while $self->alive && time < $end;
    }
    my $gentle = !$self->alive;
    $self->kill9;
    return $gentle;
}

# Kill it, its group and other processes at once with SIGKILL.  Returns when all
# of them have released their ports, files and memory.
sub kill9 {
    my ($self, @others) = @_;
    my @killed = ($self->alive || $self->{left} ? -$self->{pid} : (), @others);
    kill 'KILL', @killed;
    my $end = time + 20;
    sleep 0.005 while $self->alive;
    sleep 0.005 while time < $end && kill(0, @killed) && $self->runs(@others);
    $self->{left} = 0;
    return;
}

# Whether any process of its group, or of others, is not just a zombie.  A
# zombie that ps shows as multi-threaded has threads that have not ended yet,
# and still has its sockets.
sub runs {
    my ($self, @others) = @_;
    my $pid = $self->{pid};
    my $which = join ',', @others, $pid;
    return scalar grep {
        my ($group, $one, $state) = split;
        $state !~ /^Z[^l]*$/ && ($group == $pid || grep { $_ == $one } @others);
    } `ps -o pgid= -o pid= -o stat= -s $pid -p $which`;
}

1;
