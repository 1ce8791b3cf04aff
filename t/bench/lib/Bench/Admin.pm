# SPDX-License-Identifier: Apache-2.0

# The row "admin": how fast ociadmin checks a registry, reads all its bytes, and
# imports the directory of a distribution registry, and the memory for that.

package Bench::Admin;

use strict;
use warnings;

use Bench::Gc;
use Bench::Measure qw(program output_of transfer admin median);
use Bench::Server;
use Bench::Table qw(note figure);
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use JSON::PP ();
use OCI::Client;
use OCI::Database;
use OCI::Server;
use Time::HiRes qw(time);

use constant {
    LAYERS => 2,                         # of an image to import
    SIZES  => [ 40 .. 55 ],              # of the blobs to read, in MiB
    TYPE   => OCI::Client::IMAGE_MANIFEST
};

# Memory in bytes; its limit depends on the number of blobs in a repository.
sub show_memory {
    my ($memory, $largest) = @_;
    note('  memory', $memory / (1 << 20), 64 + int(128 * $largest / (1 << 20)),
        1);
    return;
}

# A check that finds nothing; returns how it went.
sub check {
    my $check = admin('check', '--json', '--quiet', @_);
    die "check: findings in a good registry\n" if $check->{report}{damage}
        || $check->{report}{leftovers} || $check->{report}{skipped};
    return $check;
}

sub show_check {
    my ($title, $least, $largest, @stores) = @_;
    my $check = check(@stores);
    my $rate = 60 * $check->{report}{manifests} / $check->{seconds};
    figure("check, $title", sprintf('%.0f/min', $rate), $rate, least => $least);
    show_memory($check->{memory}, $largest);
    return;
}

# Have a server serve a request from a directory, perhaps with another index:
# then ociadmin accepts it.
sub serve {
    my ($bench, $dir, @index) = @_;
    my $at = Bench::Server::OWN;
    my $server = Bench::Server->start($bench->{root}, own => 1,
        hosts => <<"HOST");
<VirtualHost 127.0.0.1:\@PORT$at\@>
    <Location "/v2/">
        OCIBlobStore fs $dir
        @index
    </Location>
</VirtualHost>
HOST
    OCI::Client->new($server->host($at))->get('/v2/big/tags/list');
    $server->stop;
    return;
}

# A filled registry, with its own index and with a copy in PostgreSQL.
sub show_checks {
    my ($bench, $dir) = @_;
    my ($repositories, $largest) = Bench::Gc::shape($bench->{blobs});
    serve($bench, $dir);
    output_of(program('fill'), $dir, $repositories, Bench::Gc::EACH, $largest);
    show_check('fs', 100_000, $largest, "fs $dir");
    my $database = OCI::Database->start('pgsql') or return;
    my $index = 'dbd:pgsql ' . $database->params;
    admin('copy', '--quiet', "fs $dir", $index);
    serve($bench, $dir, 'OCIIndex ' . $index =~ s/ (.*)/ "$1"/r);
    show_check('PostgreSQL', 30_000, $largest, "fs $dir", $index);
    return;
}

# All bytes of large blobs, read by ociadmin and by sha256sum.  They are in a
# store of their own: other rows delete files of the common one.
sub show_digests {
    my $bench = shift;
    my $server = Bench::Server->start($bench->{root});
    my ($host, $dir) = ($server->host, $server->store);
    transfer('push', $host, '/v2/large/blobs/uploads/', $_) for @{ +SIZES };
    my @ratios;
    my ($ours, $its);
    for my $turn (0 .. $bench->{turns} // 3) {
        $ours = check('--digests', "fs $dir")->{seconds};
        my $start = time;
        output_of('sh', '-c', 'find "$0" -type f -print0 | '
            . 'xargs -0 -n 1 -P "$(nproc)" sha256sum', "$dir/blobs");
        $its = time - $start;
        push @ratios, $ours / $its if $turn;
    }
    figure('check --digests', sprintf('%.1f s', $ours), median(@ratios),
        most => 1.3, other => [ sprintf('%.1f s', $its), 'sha256sum' ]);
    $server->stop;
    return;
}

# Write a file, with its directories.
sub spew {
    my ($path, $text) = @_;
    my ($dir) = $path =~ m{(.*)/};
    make_path($dir) if !-d $dir;
    return OCI::Server::spew($path, $text);
}

# Write a blob of a distribution registry; returns its descriptor.
sub blob {
    my ($v2, $text) = @_;
    my $hex = sha256_hex($text);
    spew("$v2/blobs/sha256/" . substr($hex, 0, 2) . "/$hex/data", $text);
    return { mediaType => 'application/octet-stream',
        digest => "sha256:$hex", size => length $text };
}

# Write images as distribution does, ten tags in each repository; all have one
# layer in common.
sub distribution_tree {
    my ($dir, $images) = @_;
    my $v2 = "$dir/docker/registry/v2";
    my $json = JSON::PP->new->canonical;
    my $common = blob($v2, 'a layer of all images');
    for my $i (0 .. $images - 1) {
        my @blobs = ($common, map { blob($v2, "blob $_ of $i") } 1 .. LAYERS);
        my $text = $json->encode({ schemaVersion => 2, mediaType => TYPE,
            config => $blobs[1], layers => [ @blobs[ 0, 2 .. LAYERS ] ] });
        my $digest = blob($v2, $text)->{digest};
        my $hex = substr $digest, 7;
        my $repository = sprintf "$v2/repositories/team/app%05d", $i / 10;
        my $tag = "$repository/_manifests/tags/t" . $i % 10;
        spew("$repository/_layers/sha256/" . substr($_->{digest}, 7) . '/link',
            $_->{digest}) for @blobs;
        spew("$_/link", $digest)
            for "$repository/_manifests/revisions/sha256/$hex", "$tag/current",
            "$tag/index/sha256/$hex";
    }
    return;
}

# The import of a distribution registry by hard links, and another one that has
# nothing to do.
sub show_import {
    my ($bench, $dir) = @_;
    my $images = $bench->{images};
    distribution_tree("$dir/from", $images);
    serve($bench, "$dir/to");
    for my $turn ('import', 'import again') {
        my $import = admin('import', '--quiet', '--from-registry', "$dir/from",
            "fs $dir/to");
        my $rate = 60 * $images / $import->{seconds};
        figure("$turn of $images images", sprintf('%.0f/min', $rate), $rate,
            least => 10_000 / 3);
        show_memory($import->{memory}, 10 * (LAYERS + 1));
    }
    return;
}

sub row_admin {
    my $bench = shift;
    my $server = $bench->{server};
    show_checks($bench, $server->dir . '/check');
    show_digests($bench);
    show_import($bench, $server->dir . '/import');
    return;
}

1;
