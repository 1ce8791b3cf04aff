# SPDX-License-Identifier: Apache-2.0

# Measurements: the CPU time and the memory of a server's processes, the client
# programs, and contenders that are measured in turn.

package Bench::Measure;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use List::Util qw(max);
use OCI::Process;
use OCI::Server;
use POSIX ();
use Time::HiRes qw(sleep time);

use constant ADMIN => "$OCI::Server::TOP/.build/mod/ociadmin";

our @EXPORT_OK = qw(build program memory peak median output_of admin wrk ab transfer
    pushes load race);

my $HERTZ = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my $bin;

# Compile the clients into a directory.
sub build {
    $bin = shift;
    my $source = "$OCI::Server::TOP/t/bench";
    for my $name (qw(transfer load)) {
        system('gcc', qw(-std=gnu99 -O2 -Wall -Wextra -o), "$bin/$name",
            "$source/$name.c", "$source/http.c", qw(-lcrypto -lpthread)) == 0
            or die "$name.c does not compile\n";
    }
    # fill uses the registry's own objects, as ociadmin does
    my $objects = "$OCI::Server::TOP/.build/mod/src";
    my @options = split ' ', join ' ', map { `$_` } 'apr-1-config --includes',
        'apu-1-config --includes --link-ld --libs',
        'apr-1-config --link-ld --libs', 'pkg-config --libs jansson libcrypto';
    system('gcc', qw(-std=gnu99 -O2 -Wall -Wextra), "-I$OCI::Server::TOP/src",
        '-o', "$bin/fill", "$source/fill.c", (map { glob "$objects/$_/.libs/*.o" }
        qw(values store store/fs store/dbm store/dbd registry)), @options,
        '-ldl') == 0 or die "fill.c does not compile\n";
    return;
}

sub program { "$bin/$_[0]" }

# ---- processes

# The fields of /proc/PID/stat from the third on; empty if there is no process.
sub stat_of {
    my $text = OCI::Server::slurp("/proc/$_[0]/stat");
    $text =~ s/.*\)\s*//s;
    return split ' ', $text;
}

# A process and its children.
sub tree {
    my $top = shift;
    my @pids = map { m{(\d+)$} } glob '/proc/[0-9]*';
    return $top, grep { ((stat_of($_))[1] // 0) == $top } @pids;
}

# The seconds of user and system time that the processes of a server, or of
# several servers, have used so far.
sub cpu {
    my $tops = shift;
    my $sum = 0;
    for my $pid (map { tree($_) } ref $tops ? @$tops : $tops) {
        my @stat = stat_of($pid) or next;
        $sum += $_ for @stat[ 11 .. 14 ];
    }
    return $sum / $HERTZ;
}

# The memory of a server's children, or of the server if it has none, in bytes;
# shared memory in proportion (PSS).
sub memory {
    my ($top, @children) = tree(shift);
    my $sum = 0;
    for my $pid (@children ? @children : $top) {
        my $text = OCI::Server::slurp("/proc/$pid/smaps_rollup");
        $sum += $1 * 1024 if $text =~ /^Pss:\s+(\d+) kB/m;
    }
    return $sum;
}

# Run a command; returns the most memory that a server has meanwhile.
sub peak {
    my ($server, @command) = @_;
    my $process = OCI::Process->start(command => \@command);
    my $peak = 0;
    while ($process->alive) {
        $peak = max($peak, memory($server));
        sleep 0.02;
    }
    die "failed: @command\n" if $process->{status};
    return $peak;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    my $middle = $#sorted / 2;
    return ($sorted[ POSIX::floor($middle) ] + $sorted[ POSIX::ceil($middle) ])
        / 2;
}

# ---- clients: each returns the number of requests and the seconds they took,
# and perhaps latencies in seconds: the median, the 99th percentile and the
# longest; or only the longest

sub output_of {
    my @command = @_;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    my $output = do { local $/; <$pipe> };
    close $pipe or die "failed: @command\n$output";
    return $output;
}

# Run ociadmin; returns the seconds that it took, the most memory that it had, in
# bytes, and the report, if it prints JSON.
sub admin {
    my @arguments = @_;
    my $output = "$bin/ociadmin.output";
    unlink $output;
    my $start = time;
    my $process = OCI::Process->start(output => $output,
        command => [ ADMIN, @arguments ]);
    my $memory = 0;
    while ($process->alive) {
        my $status = OCI::Server::slurp("/proc/$process->{pid}/status");
        $memory = $1 * 1024 if $status =~ /^VmHWM:\s+(\d+) kB/m && $1 * 1024
            > $memory;
        sleep 0.01;
    }
    my $seconds = time - $start;
    my $text = OCI::Server::slurp($output);
    die "failed: @arguments\n$text" if $process->{status};
    return { seconds => $seconds, memory => $memory,
        report => $text =~ /^\{/ ? JSON::PP::decode_json($text) : undef };
}

sub wrk {
    my ($url, $seconds, $connections, @headers) = @_;
    my $output = output_of('wrk', '-t2', '--latency', '-c' . ($connections // 8),
        "-d${seconds}s", (map { ('-H', $_) } @headers), $url);
    die "$url:\n$output" if $output =~ /Non-2xx|Socket errors/
        || $output !~ /(\d+) requests in ([\d.]+)s/;
    my @result = ($1, $2);
    my %unit = (us => 1e-6, ms => 1e-3, s => 1, m => 60);
    return (@result, map { $output =~ /^ +$_([\d.]+)([a-z]+)\s/m
            ? $1 * $unit{$2} : die $output } '50% +', '99% +',
        'Latency +\S+ +\S+ +');
}

# HEAD requests, for which wrk would wait for a body; or, with new => 1, GET
# requests with a connection for each.
sub ab {
    my ($url, $seconds, %option) = @_;
    my $output = output_of('ab', qw(-q -c 8), $option{new} ? () : qw(-k -i),
        '-t', $seconds, qw(-n 1000000), $url);
    die "$url:\n$output" if $output =~ /^Non-2xx/m
        || $output !~ /^Failed requests:\s+0$/m;
    my ($count) = $output =~ /^Complete requests:\s+(\d+)/m;
    my ($time) = $output =~ /^Time taken for tests:\s+([\d.]+)/m;
    return ($count, $time);
}

# In place of the latencies, the digest of what was sent.
sub transfer {
    my ($verb, $host, $path, $mib, $uploads) = @_;
    my ($seconds, $digest) = split ' ', output_of(program('transfer'), $verb,
        $host, $path, $mib, $uploads // ());
    return ($uploads // 1, $seconds, $digest);
}

# Pushes at the same time.
sub pushes {
    my ($host, $path, $mib, $count) = @_;
    my ($seconds, undef, @latencies) = split ' ',
        output_of(program('transfer'), 'push', $host, $path, $mib, $count);
    return ($count, $seconds, @latencies);
}

# Words: METHOD PATH TYPE [FILE], or "blobs" REPOSITORY SIZE; see load.c.
sub load {
    my ($host, $first, $count, @words) = @_;
    return ($count, split ' ', output_of(program('load'), $host, 8, $first,
        $count, @words));
}

# ---- comparisons

# Contenders are hashes: pid, the process id of the server (or several, in an
# array); run, a function that returns a number of requests and the seconds they
# took, and perhaps latencies; after, a function that is called outside the
# measurement; waits, whether the last latency is the longest one.  Each
# contender runs once to warm up, then all run in turn.  This sets rate (requests
# per second), cpu (seconds per request) and the latencies p50 and p99, all
# medians, and longest, the longest latency of all turns.
sub race {
    my ($turns, @contenders) = @_;
    for my $turn (0 .. $turns) {
        for my $contender (@contenders) {
            my $before = cpu($contender->{pid});
            my ($count, $seconds, @latencies) = $contender->{run}->();
            my $cpu = cpu($contender->{pid}) - $before;
            $contender->{after}->() if $contender->{after};
            next if !$turn;
            push @{ $contender->{rates} }, $count / $seconds;
            push @{ $contender->{cpus} }, $cpu / $count;
            push @{ $contender->{longests} }, $latencies[-1]
                if $contender->{waits};
            next if @latencies < 2;
            push @{ $contender->{p50s} }, $latencies[0];
            push @{ $contender->{p99s} }, $latencies[1];
        }
    }
    for my $contender (@contenders) {
        $contender->{$_} = median(@{ $contender->{"${_}s"} })
            for grep { $contender->{"${_}s"} } qw(rate cpu p50 p99);
        $contender->{longest} = max(@{ $contender->{longests} })
            if $contender->{waits};
    }
    return;
}

1;
