# SPDX-License-Identifier: Apache-2.0

# The row "gc": garbage collection of a large registry, its memory, and the
# requests beside it.

package Bench::Gc;

use strict;
use warnings;

use Bench::Measure qw(program output_of wrk load race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row note figure);
use JSON::PP ();
use OCI::Client;
use OCI::Process;
use OCI::Server;

use constant {
    BLOBS => 10,     # of each repository
    PORT  => Bench::Server::FULL,
    TYPE  => OCI::Client::IMAGE_MANIFEST
};

# Run a collection; returns its report, with the most memory that it had, in
# bytes.
sub collect {
    my ($store, @options) = @_;
    my $output = "$store.json";
    unlink $output;
    my $process = OCI::Process->start(output => $output, command => [
        "$OCI::Server::TOP/.build/mod/ociadmin", 'gc', '--json', '--quiet',
        @options, "fs $store" ]);
    my $memory = 0;
    while ($process->alive) {
        my $status = OCI::Server::slurp("/proc/$process->{pid}/status");
        $memory = $1 * 1024 if $status =~ /^VmHWM:\s+(\d+) kB/m && $1 * 1024
            > $memory;
        select undef, undef, undef, 0.01;
    }
    my $report = JSON::PP::decode_json(OCI::Server::slurp($output));
    $report->{memory} = $memory;
    return $report;
}

# A run, as a figure of manifests a second.
sub show {
    my ($title, $manifests, $report, $goal, $mib) = @_;
    figure($title, sprintf('%.0f/s', $manifests / $report->{seconds}),
        $manifests / $report->{seconds}, least => $goal);
    note('  memory', $report->{memory} / (1 << 20), $mib, 1);
    return;
}

# Contenders that send requests, without and with collections beside them.
sub beside {
    my ($bench, $store, $run) = @_;
    my $pid = $bench->{server}->pid;
    return { pid => $pid, run => $run }, { pid => $pid, run => sub {
        my $loop = OCI::Process->start(command => [ 'sh', '-c',
            'while :; do "$0" gc --quiet "fs $1" > /dev/null; done',
            "$OCI::Server::TOP/.build/mod/ociadmin", $store ]);
        my @result = $run->();
        $loop->stop;
        return @result;
    } };
}

sub row_gc {
    my $bench = shift;
    my $server = $bench->{server};
    my $store = $server->dir . '/full';
    my $host = $server->host(PORT);
    my $repositories = int $bench->{entries} / BLOBS;
    Bench::Rows::image($bench, $host);
    output_of(program('fill'), $store, $repositories, BLOBS,
        $bench->{entries});
    system 'chown', '-R', OCI::Server::user(), $store if !$>;
    my $all = $repositories + $bench->{entries} + 1;
    collect($store);
    show("gc of $all manifests", $all, collect($store), 20_000, 64);
    load($host, 0, 1000, 'PUT', '/v2/bench/image/manifests/c@@@@@@', TYPE,
        Bench::Rows::manifest_file($bench, 1));
    my $changed = collect($store, '--changed');
    figure('gc after 1,000 changes', sprintf('%.2f s', $changed->{seconds}),
        $changed->{seconds}, most => 5);
    note('  memory', $changed->{memory} / (1 << 20), 64, 1);

    my $path = '/v2/bench/image/manifests/latest';
    my @pull = beside($bench, $store,
        sub { wrk("http://$host$path", $bench->{seconds}) });
    my $first = 10_000;
    my @push = beside($bench, $store, sub {
        my ($n, $seconds) = load($host, $first, 2000, 'PUT',
            '/v2/bench/image/manifests/g@@@@@@', TYPE,
            Bench::Rows::manifest_file($bench, 1));
        $first += $n;
        return ($n, $seconds);
    });
    for (['manifest GET beside gc', @pull],
         ['new manifests beside gc', @push]) {
        my ($title, $alone, $beside) = @$_;
        race($bench->{turns} // 3, $alone, $beside);
        row($title, ours => $beside, beside => $alone, name => 'without',
            by => 'rate', least => 0.8);
    }
    return;
}

1;
