# SPDX-License-Identifier: Apache-2.0

# The row "many": many clients at the same time, with each MPM, compared with
# static files in the same httpd and with distribution.

package Bench::Many;

use strict;
use warnings;

use Bench::Measure qw(memory wrk pushes race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row note);
use IO::Socket::INET;
use OCI::Client;

use constant {
    PULLS  => 256,     # connections that pull a blob of a MiB
    PUSHES => 64,      # uploads at the same time
    MIB    => 4,       # the size of each
    IDLE   => 5000     # connections that wait for their next request
};

sub pulls {
    my ($bench, $mpm, $server) = @_;
    my $peer = $bench->{peer};
    my $bytes = OCI::Client::random_bytes(1 << 20);
    my $path = '/v2/bench/many/blobs/' . OCI::Client::digest_of($bytes);
    OCI::Client->new($_->host)->push_blob('bench/many', $bytes)
        for $server, $peer // ();
    my $static = $server->static('many', $bytes);
    my @all = map {
        my ($from, $what) = @$_;
        { pid => $from->pid, run => sub { wrk('http://' . $from->host . $what,
            $bench->{seconds}, PULLS) } }
    } [ $server, $path ], [ $server, $static ], $peer ? [ $peer, $path ] : ();
    race($bench->{turns} // 3, @all);
    my %same = (ours => $all[0], beside => $all[1], name => 'static');
    row("$mpm, " . PULLS . ' pulls of 1 MiB', %same, by => 'rate', mib => 1,
        least => 0.9);
    row('  99th percentile', %same, by => 'p99', most => 1.5);
    return if !$peer;
    @same{qw(beside name)} = ($all[2], 'distribution');
    row('', %same, by => 'rate', mib => 1, least => 1);
    row('  99th percentile', %same, by => 'p99');
    return;
}

sub push_many {
    my ($bench, $mpm, $server) = @_;
    my $path = '/v2/bench/many/blobs/uploads/';
    my @all = map {
        my $to = $_;
        { pid => $to->pid,
          run => sub { pushes($to->host, $path, MIB, PUSHES) } }
    } $server, $bench->{peer} // ();
    return if @all < 2;
    race($bench->{turns} // 3, @all);
    my %same = (ours => $all[0], beside => $all[1], name => 'distribution');
    row("$mpm, " . PUSHES . ' pushes of 4 MiB', %same, by => 'rate', mib => MIB,
        least => 1);
    row('  99th percentile', %same, by => 'p99');
    return;
}

# The memory of a connection that has had one answer and waits, in bytes.
sub idle_bytes {
    my ($server, $path) = @_;
    my $before = memory($server->pid);
    my @open = map {
        my $socket = IO::Socket::INET->new(PeerAddr => $server->host)
            or die "connection $_: $!\n";
        print $socket "GET $path HTTP/1.1\r\nHost: x\r\n\r\n";
        $socket->flush;
        sysread $socket, my $answer, 65536;
        $answer =~ m{\AHTTP/1.1 200} or die "connection $_: $answer\n";
        $socket;
    } 1 .. IDLE;
    return (memory($server->pid) - $before) / @open;
}

# Only the event MPM keeps connections without a thread for each.
sub idle {
    my $bench = shift;
    my @bytes = map {
        my $module = $_;
        my $server = start($bench, 'event');
        my $path = $module ? '/v2/' : $server->static('small', '{}');
        my $bytes = idle_bytes($server, $path);
        $server->stop;
        $bytes;
    } 1, 0;
    note(IDLE . ' idle connections: each', $bytes[0] / (1 << 20),
        1.1 * $bytes[1] / (1 << 20), 1);
    return;
}

sub start {
    my ($bench, $mpm) = @_;
    my $server = Bench::Server->start($bench->{root}, mpm => $mpm,
        threads => PULLS,
        hosts => $mpm eq 'event' ? "AsyncRequestWorkerFactor 32\n" : '');
    $server->allows(qr/AH00484/);    # all its workers are busy
    return $server;
}

sub row_many {
    my $bench = shift;
    for my $mpm (qw(event worker prefork)) {
        my $server = start($bench, $mpm);
        pulls($bench, $mpm, $server);
        push_many($bench, $mpm, $server);
        $server->stop;
    }
    idle($bench);
    return;
}

1;
