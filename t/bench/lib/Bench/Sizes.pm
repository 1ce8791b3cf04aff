# SPDX-License-Identifier: Apache-2.0

# The cost of the size of a repository or of the catalog, while other clients
# push: the same requests with 100 entries and with 100,000.

package Bench::Sizes;

use strict;
use warnings;

use Bench::Measure qw(program wrk load race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row);
use OCI::Client;
use OCI::Process;
use Time::HiRes qw(time);

use constant {
    SMALL => 100,
    LARGE => $ENV{ENTRIES} || 20_000,
    TYPE  => OCI::Client::IMAGE_MANIFEST
};

# Two processes that create new tags and repositories.  The small repository
# grows by what they push, so the figure that takes longest is measured last.
sub pushers {
    my ($bench, $host, $name, $digest) = @_;
    my $first = $bench->{pushed} += 20_000;
    return map { OCI::Process->start(command => [ program('load'), $host, 1,
        $first, 20_000, @$_ ]) }
        [ 'PUT', "/v2/$name/manifests/p@@@@@@", TYPE,
          Bench::Rows::manifest_file($bench) ],
        [ 'POST', "/v2/$name/p@@@@@@/blobs/uploads/"
          . "?mount=$digest&from=bench/image", 'text/plain' ];
}

# A contender that sends requests while the two processes push.
sub beside_pushes {
    my ($bench, $host, $name, $digest, $run) = @_;
    return {
        pid => $bench->{server}->pid,
        run => sub {
            my @pushers = pushers($bench, $host, $name, $digest);
            my @result = $run->();
            $_->stop for @pushers;
            return @result;
        }
    };
}

# Delete manifests by digest, one after another, from the last number down.
sub deleter {
    my ($bench, $host, $name, $count) = @_;
    my $text = OCI::Server::slurp(Bench::Rows::manifest_file($bench, 1));
    my $next = $count;
    return sub {
        my $client = OCI::Client->new($host);
        my ($n, $start) = (10, time);
        for (1 .. $n) {
            (my $one = $text) =~ s/@@@@@@/sprintf '%06d', --$next/ge;
            my $response = $client->request('DELETE',
                "/v2/$name/manifests/" . OCI::Client::digest_of($one));
            die "no deletion\n" if $response->status != 202;
        }
        my $seconds = time - $start;
        $client->close;
        return ($n, $seconds);
    };
}

sub row_sizes {
    my $bench = shift;
    my $server = $bench->{server};
    my $host = $server->host(Bench::Server::FULL);
    my (undef, $digest) = Bench::Rows::image($bench, $host);
    my %size = ('sizes/few' => SMALL, 'sizes/many' => LARGE);
    my @names = sort keys %size;
    for my $name (@names) {
        my $mount = "/blobs/uploads/?mount=$digest&from=bench/image";
        my $config = OCI::Client::digest_of('{}');
        load($host, 0, 1, 'POST', "/v2/$name$mount", 'text/plain');
        load($host, 0, 1, 'POST', "/v2/$name/blobs/uploads/"
            . "?mount=$config&from=bench/image", 'text/plain');
        load($host, 0, $size{$name}, 'PUT', "/v2/$name/manifests/t@@@@@@",
            TYPE, Bench::Rows::manifest_file($bench, 1));
        load($host, 0, $size{$name}, 'POST', "/v2/$name/r" . '@@@@@@' . $mount,
            'text/plain');
    }
    for (['manifest DELETE by digest'],
         ['page of 100 tags', '/v2/%s/tags/list?n=100'],
         ['page of 100 repositories', '/v2/_catalog?n=100&last=%s']) {
        my ($figure, $path) = @$_;
        my @all = map {
            my $name = $_;
            beside_pushes($bench, $host, $name, $digest, $path
                ? sub { wrk("http://$host" . sprintf($path, $name),
                            1, 2) }
                : deleter($bench, $host, $name, $size{$name}))
        } @names;
        race($bench->{turns} // 3, @all);
        row("$figure: ${\LARGE}", ours => $all[1], beside => $all[0],
            name => 'ours, 100', by => 'rate', least => 0.77);
    }
    return;
}

1;
