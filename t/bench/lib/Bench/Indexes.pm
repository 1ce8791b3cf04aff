# SPDX-License-Identifier: Apache-2.0

# The row "index": each index with few and with many tags and repositories,
# compared with static files, all served by one httpd.  CPU includes the time of
# the database server.

package Bench::Indexes;

use strict;
use warnings;

use Bench::Measure qw(load race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row);
use OCI::Client;
use OCI::Database;

use constant {
    FEW  => 10,            # one page, so that both sizes have a full page
    MANY => $ENV{ENTRIES} || 20_000,
    PAGE => 10,
    TAGS => 500,           # set by one request
    TYPE => OCI::Client::IMAGE_MANIFEST
};

my $FIRST = Bench::Server::OWN;    # of the ports used here
my $IMAGE = '/v2/bench/image';

# The arguments of OCIIndex for each index, as a function of the store's name.
sub indexes {
    my ($dir, $database) = @_;
    return (
        [ 'fs', sub { "fs $dir/$_[0]" } ],
        [ 'gdbm', sub { "dbm:gdbm $dir/store/$_[0].gdbm" } ],
        [ 'SQLite', sub { "dbd:sqlite3 $dir/store/$_[0].sqlite" } ],
        $database ? [ 'PostgreSQL', sub { 'dbd:pgsql '
            . $database->{ $_[0] }->params } ] : ()
    );
}

# Virtual hosts: two stores to fill, without syncs, and two for each index, with
# few and with many entries.
sub hosts {
    my @indexes = @_;
    my @text = ('OCISync Off', 'OCISync Off', ('') x (2 * @indexes));
    my @index = map { my $of = $_; map { $of->[1]->($_) } qw(few many) }
        $indexes[0], @indexes;
    return join '', map { my $port = $FIRST + $_; <<"END" } 0 .. $#index;
<VirtualHost 127.0.0.1:\@PORT$port\@>
    <Location "/v2/">
        OCIBlobStore fs \@DIR\@/@{[ $_ % 2 ? 'many' : 'few' ]}
        OCIIndex @{[ $index[$_] =~ s/ (.*)/ "$1"/r ]}
        $text[$_]
    </Location>
</VirtualHost>
END
}

# Create this many tags and repositories through httpd.
sub fill {
    my ($bench, $host, $count) = @_;
    my ($text) = Bench::Rows::image($bench, $host);
    my $digest = OCI::Client::digest_of($text);
    my $client = OCI::Client->new($host);
    my @tags = map { sprintf 'tag=t%06d', $_ } 0 .. $count - 1;
    while (my @some = splice @tags, 0, TAGS) {
        my $res = $client->put("$IMAGE/manifests/$digest?" . join('&', @some),
            $text, 'Content-Type' => TYPE);
        die $res->text if $res->status != 201;
    }
    my $layer = OCI::Client::digest_of($bench->{layer});
    load($host, 0, $count, 'POST', '/v2/fill/r@@@@@@/blobs/uploads/'
        . "?mount=$layer&from=bench/image", 'text/plain');
    return;
}

sub start {
    my $bench = shift;
    my %database = map { $_ => OCI::Database->start('pgsql') } qw(few many);
    my $database = $database{few} ? \%database : undef;
    my @indexes = indexes('@DIR@', $database);
    my $server = Bench::Server->start($bench->{root},
        own => 2 + 2 * @indexes, hosts => hosts(@indexes));
    $server->allows(qr/has the index .* here and the index/);
    my @from = indexes($server->dir, $database);
    fill($bench, $server->host($FIRST), FEW);
    fill($bench, $server->host($FIRST + 1), MANY);
    my $admin = "$OCI::Server::TOP/.build/mod/ociadmin";
    for my $to (@from[ 1 .. $#from ]) {
        for my $size (qw(few many)) {
            Bench::Measure::output_of($admin, 'copy', '--quiet',
                $from[0][1]->($size), $to->[1]->($size));
        }
    }
    my @pids = ($server->pid, $database ? $database{few}->server->pid : ());
    return ($server, \@pids, map { $_->[0] } @indexes);
}

# The figures: a title, a function that makes a contender for a host, and the
# options of their comparison.
sub figures {
    my ($bench, $server, $pids, $static) = @_;
    my %pid = (pid => $pids);
    my $get = sub {
        my $path = shift;
        return sub { +{ %{ Bench::Rows::getter($bench, $server,
            \&Bench::Measure::wrk, $_[0], $path) }, %pid } };
    };
    my @put = ('PUT', "$IMAGE/manifests/n@@@@@@", TYPE,
        Bench::Rows::manifest_file($bench));
    return (
        [ 'GET by tag', $get->("$IMAGE/manifests/t000005"),
            { by => 'cpu', most => 1.2 }, $get->($static)->($server->host) ],
        [ PAGE . ' tags', $get->("$IMAGE/tags/list?n=" . PAGE),
            { by => 'cpu', most => 1.2 } ],
        [ PAGE . ' of catalog', $get->('/v2/_catalog?n=' . PAGE),
            { by => 'cpu', most => 1.2 } ],
        [ 'PUT, new tags', sub { +{ %{ Bench::Rows::loader($bench, $server,
            $_[0], @put) }, %pid } }, { by => 'rate' } ],
    );
}

sub row_index {
    my $bench = shift;
    my ($server, $pids, @names) = start($bench);
    my ($text) = Bench::Rows::image($bench, $server->host);
    my $static = $server->static('manifest', $text);
    for my $figure (figures($bench, $server, $pids, $static)) {
        my ($title, $make, $same, $beside) = @$figure;
        my @all = map { $make->($server->host($FIRST + 2 + $_)) }
            0 .. 2 * @names - 1;
        race($bench->{turns} // 3, @all, $beside // ());
        for my $n (0 .. $#names) {
            my ($few, $many) = @all[ 2 * $n, 2 * $n + 1 ];
            row("$title, $names[$n]", ours => $few, beside => $beside // $all[0],
                name => $beside ? 'static' : 'fs', by => $same->{by},
                $beside && $names[$n] =~ /fs|SQLite/ ? (most => 1.5) : ());
            row('  ' . MANY . ' of them', ours => $many, beside => $few,
                name => FEW . ' of them', %$same);
        }
    }
    $server->stop;
    return;
}

1;
