# SPDX-License-Identifier: Apache-2.0

# The rows: a function row_NAME for each NAME in ROWS.  Its argument is a hash:
# server (Bench::Server), peer (OCI::Peer or undef), dir (a directory for
# files), root (where to make further directories), turns (measurements of each
# contender) and seconds (for each measurement).

package Bench::Rows;

use strict;
use warnings;

use Bench::Measure qw(program memory peak wrk ab transfer load race);
use Bench::Server;
use Bench::Table qw(row note);
use File::Find ();
use List::Util qw(max);
use MIME::Base64 qw(encode_base64);
use OCI::Client;

use constant {
    EMPTY    => Bench::Server::EMPTY,
    SENDFILE => Bench::Server::SENDFILE,
    FULL     => Bench::Server::FULL,
    TOKEN    => Bench::Server::TOKEN,
    BCRYPT   => Bench::Server::BCRYPT,
    CACHED   => Bench::Server::CACHED,
    DBM      => Bench::Server::DBM,
    MANY     => 10_000,
    GIB      => 1024,                   # in MiB
    PATCHED  => 128,                    # likewise
    TYPE     => OCI::Client::IMAGE_MANIFEST
};

our @NAMES = qw(small login pull push patches blobs manifests tags memory);
our %ROWS = map { $_ => __PACKAGE__->can("row_$_") } @NAMES;

# ---- functions for rows

# Push an image to a registry; returns its manifest's text and its layer's
# digest.
sub image {
    my ($bench, $host) = @_;
    my $client = OCI::Client->new($host);
    my $layer = $bench->{layer} //= OCI::Client::random_bytes(4096);
    my $image = $client->push_image('bench/image', 'latest',
        layers => [$layer]);
    $client->close;
    return ($image->{text}, $image->{document}{layers}[0]{digest});
}

# Write the image's manifest to a file for load; with a number in it if numbered
# is true.
sub manifest_file {
    my ($bench, $numbered) = @_;
    my $path = "$bench->{dir}/manifest" . ($numbered ? '-numbered' : '');
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file OCI::Client::json_text(OCI::Client::image_manifest('{}',
        [ $bench->{layer} ],
        $numbered ? (annotations => { number => '@@@@@@' }) : ()));
    close $file or die "$path: $!\n";
    return $path;
}

# Push the image, and set ten thousand tags.
sub fill_tags {
    my ($bench, $host) = @_;
    return if $bench->{filled}{$host}++;
    image($bench, $host);
    load($host, 0, MANY, 'PUT', '/v2/bench/image/manifests/t@@@@@@', TYPE,
        manifest_file($bench));
    return;
}

# Fill the third port's store with ten thousand tags and as many repositories;
# returns its host.
sub full {
    my $bench = shift;
    my $host = $bench->{server}->host(FULL);
    return $host if $bench->{filled}{$host};
    fill_tags($bench, $host);
    my $digest = OCI::Client::digest_of($bench->{layer});
    load($host, 0, MANY, 'POST', '/v2/fill/r@@@@@@/blobs/uploads/'
        . "?mount=$digest&from=bench/image", 'text/plain');
    return $host;
}

# A contender that runs load, for about the same time in each measurement.
sub loader {
    my ($bench, $server, $host, @words) = @_;
    my ($first, $count) = (0, 200);
    return {
        pid => $server->pid,
        run => sub {
            my ($n, $seconds) = load($host, $first, $count, @words);
            $first += $n;
            $count = 1 + int $bench->{seconds} * $n / $seconds;
            return ($n, $seconds);
        }
    };
}

sub getter {
    my ($bench, $server, $client, $host, $path) = @_;
    return {
        pid => $server->pid,
        run => sub { $client->("http://$host$path", $bench->{seconds}) }
    };
}

# A contender that receives a GiB, and deletes it outside the measurement.
sub receiver {
    my ($server, $verb, $path, $directory) = @_;
    return {
        pid   => $server->pid,
        run   => sub { transfer($verb, $server->host, $path, GIB) },
        after => sub { delete_large_files($directory) }
    };
}

sub large_files {
    my $directory = shift;
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        push @found, $_ if -f && -s _ > 1 << 24;
    } }, $directory);
    return @found;
}

# Delete large files, and wait until the file system is synced.
sub delete_large_files {
    my $directory = shift;
    unlink large_files($directory);
    system 'sync', '-f', $directory;
    return;
}

# ---- rows

sub row_small {
    my $bench = shift;
    my $server = $bench->{server};
    my ($text, $digest) = image($bench, $server->host);
    my $full = full($bench);
    my $manifest = '/v2/bench/image/manifests/latest';
    my $blob = "/v2/bench/image/blobs/$digest";
    my %static = (
        $manifest => $server->static('manifest', $text),
        $blob     => $server->static('blob', $bench->{layer})
    );
    for (['manifest GET by tag', \&wrk, $manifest],
         ['manifest HEAD by tag', \&ab, $manifest],
         ['blob HEAD', \&ab, $blob],
         ['blob GET of 4 KiB', \&wrk, $blob]) {
        my ($figure, $client, $path) = @$_;
        my @all = map { getter($bench, $server, $client, @$_) }
            [ $server->host, $path ], [ $full, $path ],
            [ $server->host, $static{$path} ];
        race($bench->{turns} // 3, @all);
        row("$figure: CPU", ours => $all[0], beside => $all[2],
            name => 'static', by => 'cpu', most => 1.25);
        row('  10,000 tags, repositories', ours => $all[1],
            beside => $all[0], name => 'ours, empty', by => 'cpu',
            most => 1.1);
    }
    return;
}

# The cost of a login for a small request: a token, or a bcrypt password of
# htpasswd -B.  mod_authn_socache saves the look-up of the password, but not its
# check.
sub row_login {
    my $bench = shift;
    my $server = $bench->{server};
    image($bench, $server->host);
    my $passwd = $server->dir . '/passwd';
    system("htpasswd -cbB $passwd bench secret 2>/dev/null") == 0
        or die "htpasswd failed\n";
    my $basic = 'Authorization: Basic ' . encode_base64('bench:secret', '');
    my $token = OCI::Client->new($server->host(TOKEN))->get(
        '/token?scope=repository:bench/image:pull',
        split /: /, $basic, 2)->json->{token};
    my $path = '/v2/bench/image/manifests/latest';
    my @all = map {
        my ($port, @header) = @$_;
        getter($bench, $server, sub { wrk(@_[ 0, 1 ], undef, @header) },
            $server->host($port), $path)
    } [EMPTY], [ TOKEN, "Authorization: Bearer $token" ], [ CACHED, $basic ],
      [ BCRYPT, $basic ];
    race($bench->{turns} // 3, @all);
    my %same = (beside => $all[0], name => 'ours, open', by => 'cpu');
    row('manifest GET by token: CPU', %same, ours => $all[1], most => 1.5);
    row('  by Basic, bcrypt, socache', %same, ours => $all[2]);
    row('  by Basic, bcrypt', %same, ours => $all[3]);
    return;
}

sub row_pull {
    my $bench = shift;
    my $server = $bench->{server};
    my (undef, undef, $digest) = transfer('push', $server->host,
        '/v2/bench/pull/blobs/uploads/', GIB);
    my ($file) = large_files($server->store)
        or die "the blob is not in the store\n";
    link $file, $server->dir . '/htdocs/static/large' or die "link: $!\n";
    my @all = map {
        my ($host, $path) = @$_;
        {
            pid => $server->pid,
            run => sub { transfer('get', $host, $path, GIB) }
        }
    } map {
        [ $server->host($_), "/v2/bench/pull/blobs/$digest" ],
        [ $server->host($_), '/static/large' ]
    } EMPTY, SENDFILE;
    race($bench->{turns} // 5, @all);
    delete_large_files($server->dir);
    my %same = (name => 'static', by => 'rate', least => 1, mib => GIB);
    row('pull of 1 GiB', ours => $all[0], beside => $all[1], %same);
    row('  EnableSendfile On', ours => $all[2], beside => $all[3], %same);
    return;
}

sub row_push {
    my $bench = shift;
    my ($server, $peer) = @$bench{qw(server peer)};
    my $path = '/v2/bench/push/blobs/uploads/';
    my @all = (
        receiver($server, 'push', $path, $server->store),
        receiver($server, 'put', '/dav/large', $server->dir . '/htdocs'),
        $peer ? receiver($peer, 'push', $path, $peer->store) : ()
    );
    race($bench->{turns} // 3, @all);
    my %same = (ours => $all[0], by => 'rate', mib => GIB);
    row('push of 1 GiB', %same, beside => $all[2], name => 'distribution',
        least => 1.4) if $peer;
    row('push of 1 GiB', %same, beside => $all[1],
        name => 'mod_dav PUT', least => 0.75);
    return;
}

# The cost of many requests instead of one for the same bytes.
sub row_patches {
    my $bench = shift;
    my $server = $bench->{server};
    my $path = '/v2/bench/patches/blobs/uploads/';
    my @all = map {
        my $verb = $_;
        {
            pid   => $server->pid,
            run   => sub { transfer($verb, $server->host, $path, PATCHED) },
            after => sub { delete_large_files($server->store) }
        }
    } qw(patches whole);
    race($bench->{turns} // 3, @all);
    row('2,048 PATCHes of 64 KiB', ours => $all[0], beside => $all[1],
        name => 'one PUT', by => 'rate', least => 0.15, mib => PATCHED);
    return;
}

sub row_blobs {
    my $bench = shift;
    my ($server, $peer) = @$bench{qw(server peer)};
    return if !$peer;
    my @all = map { loader($bench, @$_, 'blobs', 'bench/blobs', 1024) }
        [ $server, $server->host ], [ $server, $server->host(DBM) ],
        [ $peer, $peer->host ];
    race($bench->{turns} // 3, @all);
    my %same = (beside => $all[2], name => 'distribution', by => 'rate');
    row('blobs of 1 KiB, POST and PUT', ours => $all[0], %same, least => 4);
    row('  index dbm:gdbm', ours => $all[1], %same);
    return;
}

sub row_manifests {
    my $bench = shift;
    my ($server, $peer) = @$bench{qw(server peer)};
    return if !$peer;
    my $dbm = $server->host(DBM);
    image($bench, $_) for $server->host, $dbm, $peer->host;
    my $full = full($bench);
    for (['manifest PUT, new tags', 'n@@@@@@', manifest_file($bench)],
         ['new manifests, new tags', 'm@@@@@@', manifest_file($bench, 1)]) {
        my ($figure, $tag, $file) = @$_;
        my @words = ('PUT', "/v2/bench/image/manifests/$tag", TYPE, $file);
        my @all = map { loader($bench, @$_, @words) }
            [ $server, $server->host ], [ $server, $full ], [ $server, $dbm ],
            [ $peer, $peer->host ];
        race($bench->{turns} // 3, @all);
        my %same = (beside => $all[3], name => 'distribution', by => 'rate');
        row($figure, ours => $all[0], %same, least => 5);
        row('  10,000 tags, repositories', ours => $all[1],
            beside => $all[0], name => 'ours, empty', by => 'rate',
            least => 0.9);
        row('  index dbm:gdbm', ours => $all[2], %same);
    }
    return;
}

sub row_tags {
    my $bench = shift;
    my ($server, $peer) = @$bench{qw(server peer)};
    return if !$peer;
    fill_tags($bench, $peer->host);
    my @all = map { getter($bench, $_->[0], \&wrk, $_->[1],
                           '/v2/bench/image/tags/list?n=100') }
        [ $server, full($bench) ], [ $peer, $peer->host ];
    race($bench->{turns} // 3, @all);
    row('100 of 10,000 tags', ours => $all[0], beside => $all[1],
        name => 'distribution', by => 'rate', least => 10);
    return;
}

# Uses a separate httpd, which has only served small requests before.
sub row_memory {
    my $bench = shift;
    my $server = Bench::Server->start($bench->{root});
    my $turns = $bench->{turns} // 3;
    my $peak = 0;
    my (undef, $digest) = image($bench, $server->host);
    wrk('http://' . $server->host . "/v2/bench/image/blobs/$digest",
        $bench->{seconds}, 32);
    my $idle = memory($server->pid);
    for (1 .. $turns) {
        $peak = max($peak, peak($server->pid, program('transfer'), 'push',
            $server->host, '/v2/bench/memory/blobs/uploads/', 64, 32));
        delete_large_files($server->store);
    }
    $server->stop;
    note('32 uploads of 64 MiB: memory', ($peak - $idle) / (1 << 20), 16,
        $turns);
    return;
}

1;
