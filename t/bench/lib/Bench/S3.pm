# SPDX-License-Identifier: Apache-2.0

# The row "s3": blobs in a bucket of versitygw, which the module and
# distribution's S3 driver share: large pushes and pulls that the registry
# streams, small blobs, memory, and redirects.

package Bench::S3;

use strict;
use warnings;

use Bench::Measure qw(program memory peak wrk transfer load race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row figure);
use OCI::Client;
use OCI::Peer;
use OCI::S3;

# Ports, and sizes in MiB.
use constant {
    STREAM   => Bench::Server::OWN,
    REDIRECT => Bench::Server::OWN + 1,
    LARGE    => 1024,
    PUSHED   => 64,
    PUSHES   => 32,
    PART     => 16
};

my $UPLOADS = '/v2/bench/s3/blobs/uploads/';

# The module for the bucket; pulls are streamed by one virtual host, and
# redirected by another.
sub hosts {
    my $s3 = shift;
    my ($url, $region, $bucket) = ($s3->url, $s3->region, $s3->bucket);
    my $text = <<"END";
LoadModule oci_s3_module $OCI::Server::TOP/.build/mod/.libs/mod_oci_s3.so
OCIS3Endpoint $url
OCIS3Region $region
OCIS3Credentials environment
END
    for ([ STREAM, 'Off' ], [ REDIRECT, 'On' ]) {
        my ($port, $redirect) = @$_;
        $text .= <<"END";
<VirtualHost 127.0.0.1:\@PORT$port\@>
    <Location "/v2/">
        OCIBlobStore s3 s3://$bucket/ours
        OCIIndex fs \@DIR\@/s3-index
        OCIRedirect $redirect
    </Location>
</VirtualHost>
END
    }
    return $text;
}

# distribution's driver for the same bucket, with its default sizes.
sub storage {
    my $s3 = shift;
    my %option = (accesskey => $s3->key, secretkey => $s3->secret,
        region => $s3->region, regionendpoint => $s3->url,
        bucket => $s3->bucket, rootdirectory => '/theirs',
        forcepathstyle => 'true', secure => 'false');
    return 's3: {' . join(', ', map { qq($_: "$option{$_}") } sort keys %option)
        . "}\n  redirect: {disable: true}";
}

# A contender that runs transfer; it deletes what was pushed, outside the
# measurement.
sub mover {
    my ($s3, $verb, $server, $host, $path) = @_;
    return {
        pid   => $server->pid,
        run   => sub { transfer($verb, $host, $path, LARGE) },
        after => sub { $verb eq 'push'
            and Bench::Rows::delete_large_files($s3->dir) }
    };
}

sub large {
    my ($bench, $s3, @servers) = @_;
    my @push = map { mover($s3, 'push', @$_, $UPLOADS) } @servers;
    race($bench->{turns} // 3, @push);
    my %same = (by => 'rate', mib => LARGE, name => 'distribution');
    row('S3: push of 1 GiB', %same, ours => $push[0], beside => $push[1],
        least => 1.3);

    my @pull = map {
        my ($server, $host) = @$_;
        my (undef, undef, $digest) = transfer('push', $host, $UPLOADS, LARGE);
        mover($s3, 'get', $server, $host, "/v2/bench/s3/blobs/$digest");
    } @servers;
    race($bench->{turns} // 3, @pull);
    row('S3: streamed pull of 1 GiB', %same, ours => $pull[0],
        beside => $pull[1], least => 1.3);
    Bench::Rows::delete_large_files($s3->dir);
    return;
}

sub small {
    my ($bench, @servers) = @_;
    my @all = map {
        Bench::Rows::loader($bench, @$_, 'blobs', 'bench/s3', 1024)
    } @servers;
    race($bench->{turns} // 3, @all);
    row('S3: blobs of 1 KiB', by => 'rate', name => 'distribution',
        ours => $all[0], beside => $all[1]);
    return;
}

# The most memory that a server uses for uploads, in MiB, without what it uses
# after small requests.
sub upload_memory {
    my ($bench, $s3, $turns, $server, $host) = @_;
    my (undef, $digest) = Bench::Rows::image($bench, $host);
    my $peak = 0;
    wrk("http://$host/v2/bench/image/blobs/$digest", $bench->{seconds}, PUSHES);
    my $idle = memory($server->pid);
    for (1 .. $turns) {
        my $now = peak($server->pid, program('transfer'), 'push', $host,
            $UPLOADS, PUSHED, PUSHES);
        $peak = $now if $now > $peak;
        Bench::Rows::delete_large_files($s3->dir);
    }
    return ($peak - $idle) / (1 << 20);
}

# The goal is a part for each upload, and a MiB for everything else of it.
sub upload_memories {
    my ($bench, $s3, @servers) = @_;
    my $turns = $bench->{turns} // 3;
    my ($ours, $other) = map { upload_memory($bench, $s3, $turns, @$_) }
        @servers;
    figure('S3: ' . PUSHES . ' uploads of ' . PUSHED . ' MiB',
        sprintf('%.0f MiB', $ours), $ours, most => PUSHES * (PART + 1),
        turns => $turns, other => defined $other
            ? [ sprintf('%.0f MiB', $other), 'distribution' ] : undef);
    return;
}

sub redirects {
    my ($bench, $server) = @_;
    my $host = $server->host(REDIRECT);
    my (undef, $digest) = Bench::Rows::image($bench, $host);
    my $blob = "/v2/bench/image/blobs/$digest";
    my $status = OCI::Client->new($host)->get($blob)->status;
    die "GET $blob: $status instead of a redirect\n" if $status != 307;
    my @all = map { Bench::Rows::getter($bench, $server, \&wrk, $host, $_) }
        $blob, '/v2/bench/image/manifests/latest';
    race($bench->{turns} // 3, @all);
    row('S3: redirect of a blob GET', by => 'rate', ours => $all[0],
        beside => $all[1], name => 'manifest GET', least => 0.9);
    return;
}

sub row_s3 {
    my $bench = shift;
    my $s3 = OCI::S3->start('versitygw');
    if (!$s3) {
        print "the row s3 is omitted: ", OCI::S3->missing('versitygw'), "\n";
        return;
    }
    local $ENV{AWS_ACCESS_KEY_ID} = $s3->key;
    local $ENV{AWS_SECRET_ACCESS_KEY} = $s3->secret;
    my $server = Bench::Server->start($bench->{root}, own => 2,
        hosts => hosts($s3));
    my $peer = $bench->{peer}
        && OCI::Peer->start($bench->{program}, storage => storage($s3));
    my @servers = ([ $server, $server->host(STREAM) ],
        $peer ? [ $peer, $peer->host ] : ());
    upload_memories($bench, $s3, @servers);
    if ($peer) {
        large($bench, $s3, @servers);
        small($bench, @servers);
    }
    redirects($bench, $server);
    $server->stop;
    $peer->stop if $peer;
    $s3->stop;
    return;
}

1;
