# SPDX-License-Identifier: Apache-2.0

# The row "gc": garbage collection of a large registry, its memory, the requests
# beside it, and the cost of requests in such a registry.
#
# A tenth of the blobs are those of one repository, with as many manifests.  The
# others belong to repositories that have nine blobs and a manifest each.

package Bench::Gc;

use strict;
use warnings;

use Bench::Measure qw(program output_of wrk load race admin);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row note figure);
use OCI::Client;
use OCI::Process;
use OCI::Server;
use Time::HiRes qw(sleep);

use constant {
    EACH      => 9,                    # blobs of a repository
    SHARE     => 10,                   # as above
    FULL      => Bench::Server::FULL,
    EMPTY     => Bench::Server::EMPTY,
    OWN       => Bench::Server::OWN,
    CHANGES   => 1000,
    REFERRERS => 20,
    GARBAGE   => 500,                  # blobs
    PUSHES    => 3000,
    TYPE      => OCI::Client::IMAGE_MANIFEST
};

# The number of repositories, and of the blobs of the largest one.
sub shape {
    my $blobs = shift;
    my $largest = int $blobs / SHARE;
    return (int(($blobs - $largest) / EACH), $largest);
}

# Run a collection; returns its report, with the most memory that it had, in
# bytes.
sub collect {
    my ($store, @options) = @_;
    my $run = admin('gc', '--json', '--quiet', @options, "fs $store");
    return { %{ $run->{report} }, memory => $run->{memory} };
}

# Push an image and its referrers to the large repository, and some more tags
# and repositories if there are few; returns the manifest's digest.
sub prepare {
    my ($bench, $host, $few) = @_;
    my ($text) = Bench::Rows::image($bench, $host);
    my $client = OCI::Client->new($host);
    $client->push_image('big', 'latest', layers => [ $bench->{layer} ]);
    my %subject = (subject => OCI::Client::descriptor($text, TYPE));
    $client->push_image('big', 'referrer', layers => [ $bench->{layer} ],
        %subject, annotations => { number => "$_" }) for 1 .. REFERRERS;
    $client->close;
    if ($few) {
        load($host, 0, $few, 'PUT', '/v2/big/manifests/t@@@@@@', TYPE,
            Bench::Rows::manifest_file($bench, 1));
        load($host, 0, $few, 'POST', '/v2/r/@@@@@@/blobs/uploads/?mount='
            . OCI::Client::digest_of($bench->{layer}) . '&from=big',
            'text/plain');
    }
    return OCI::Client::digest_of($text);
}

# Full collections, and one after changes in as many repositories.
sub show_runs {
    my ($bench, $host, $store, $manifests, $largest) = @_;
    collect($store);
    my $base = collect($store, '--repository', 'none')->{memory};
    my $full = collect($store);
    my $rate = $manifests / $full->{seconds};
    figure("gc of $manifests manifests", sprintf('%.0f/s', $rate), $rate,
        least => 20_000);
    my $bytes = ($full->{memory} - $base) / $largest;
    note('  memory', $full->{memory} / (1 << 20), 64, 1);
    figure('  of it for each blob', sprintf('%.0f bytes', $bytes), $bytes,
        most => 128);
    load($host, 0, CHANGES, 'POST', '/v2/r/@@@@@@/blobs/uploads/?mount='
        . OCI::Client::digest_of($bench->{layer}) . '&from=big',
        'text/plain');
    my $changed = collect($store, '--changed');
    figure('gc after ' . CHANGES . ' changes',
        sprintf('%.2f s', $changed->{seconds}), $changed->{seconds}, most => 5);
    note('  memory', $changed->{memory} / (1 << 20), 64, 1);
    return;
}

# Requests while ociadmin collects garbage in a loop.  There is some garbage at
# first, in the repository with most manifests.
sub beside_admin {
    my ($host, $store, $run) = @_;
    load($host, 0, GARBAGE, 'blobs', 'big', 64);
    my $loop = OCI::Process->start(command => [ 'sh', '-c',
        'while :; do "$0" gc --quiet --grace 1 "fs $1" > /dev/null; done',
        Bench::Measure::ADMIN, $store ]);
    my @result = $run->($host);
    $loop->stop;
    return @result;
}

# Requests to a server whose first collection, a full one, has just begun.
sub beside_server {
    my ($bench, $host, $store, $run) = @_;
    load($host, 0, GARBAGE, 'blobs', 'big', 64);
    my $server = Bench::Server->start($bench->{root}, own => 1,
        modules => ['watchdog'], hosts => <<"HOST");
<VirtualHost 127.0.0.1:\@PORT${\OWN}\@>
    <Location "/v2/">
        OCIBlobStore fs $store
        OCIGCInterval 1
        OCIGCGrace 1
    </Location>
</VirtualHost>
HOST
    sleep 1.5;
    my @result = $run->($server->host(OWN));
    $server->stop;
    return @result;
}

# Compare requests without collections and with them.
sub show_beside {
    my ($bench, $host, $store, $title, $run) = @_;
    my @all = map { +{ pid => $bench->{server}->pid, waits => 1, run => $_ } }
        sub { $run->($host) },
        sub { beside_admin($host, $store, $run) },
        sub { beside_server($bench, $host, $store, $run) };
    race($bench->{turns} // 2, @all);
    for (['ociadmin', $all[1]], ['the server', $all[2]]) {
        my ($name, $beside) = @$_;
        row("$title, gc by $name", ours => $beside, beside => $all[0],
            name => 'without', by => 'rate', least => 0.8);
        my @longest = map { 1e3 * $_->{longest} } $beside, $all[0];
        figure('  longest', sprintf('%.0f ms', $longest[0]),
            $longest[0] - $longest[1], most => 200,
            other => [ sprintf('%.0f ms', $longest[1]), 'without' ]);
    }
    return;
}

# Compare the cost of requests with that in a small store.
sub show_costs {
    my ($bench, $full, $empty, $digest) = @_;
    my $server = $bench->{server};
    for (['manifest GET', '/v2/big/manifests/latest'],
         ['page of the catalog', '/v2/_catalog?n=100'],
         ['page of tags', '/v2/big/tags/list?n=100'],
         ['referrers', "/v2/big/referrers/$digest"],
         ['new manifests']) {
        my ($title, $path) = @$_;
        # the first page that a process lists takes long
        if ($path) {
            OCI::Client->new($full)->get($path) for 1 .. 8;
        }
        my @all = map { $path
            ? Bench::Rows::getter($bench, $server, \&wrk, $_, $path)
            : Bench::Rows::loader($bench, $server, $_, 'PUT',
                '/v2/big/manifests/n@@@@@@', TYPE,
                Bench::Rows::manifest_file($bench, 1)) } $full, $empty;
        race($bench->{turns} // 2, @all);
        row("$title, large store", ours => $all[0], beside => $all[1],
            name => 'small store', by => 'cpu', most => 1.2);
    }
    return;
}

sub row_gc {
    my $bench = shift;
    my $server = $bench->{server};
    my $store = $server->dir . '/full';
    my ($full, $empty) = map { $server->host($_) } FULL, EMPTY;
    my ($repositories, $largest) = shape($bench->{blobs});
    prepare($bench, $empty, 100);
    output_of(program('fill'), $store, $repositories, EACH, $largest);
    my $digest = prepare($bench, $full);
    show_costs($bench, $full, $empty, $digest);
    show_runs($bench, $full, $store, $repositories + $largest, $largest);
    show_beside($bench, $full, $store, 'GET',
        sub { wrk("http://$_[0]/v2/big/manifests/latest",
            $bench->{seconds}) });
    my $first = 100_000;
    show_beside($bench, $full, $store, 'new manifests', sub {
        $first += PUSHES;
        return load($_[0], $first, PUSHES, 'PUT',
            '/v2/big/manifests/g@@@@@@', TYPE,
            Bench::Rows::manifest_file($bench, 1));
    });
    return;
}

1;
