# SPDX-License-Identifier: Apache-2.0

# The row "tls": large pulls and pushes and small requests over TLS, compared
# with static files and mod_dav in the same httpd, and with distribution.  curl
# is the client, because it speaks HTTP/2.

package Bench::Tls;

use strict;
use warnings;

use Bench::Measure qw(output_of wrk ab race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row);
use OCI::Certificates;
use OCI::Client;
use OCI::Peer;

use constant { PORT => Bench::Server::OWN, LARGE_MIB => 1024 };

my $IMAGE = '/v2/bench/image/manifests/latest';

# The least ratio of our rate to that of a static file, or of distribution.
my %GOAL = (
    '1.1' => { static => 1.6, pull => 1.1, push => 1.3 },
    '2'   => { static => 1.6, pull => 1.5, push => 1.5 }
);

# The virtual host for TLS, with the store of the others, and with the settings
# of conf/examples/tls.conf.
sub hosts {
    my $tls = shift;
    my $port = '@PORT' . PORT . '@';
    return <<"END";
MaxMemFree 4096
<VirtualHost 127.0.0.1:$port>
    SSLEngine On
    SSLCertificateFile "@{[ $tls->dir ]}/server.pem"
    SSLCertificateKeyFile "@{[ $tls->dir ]}/server.key"
    Protocols h2 http/1.1
    H2WindowSize 1048576
</VirtualHost>
END
}

# Run curl; returns the seconds that it took, and the Location.
sub curl {
    my ($tls, $version, $status, @words) = @_;
    my $output = output_of('curl', '-sS', "--http$version", '--cacert',
        $tls->dir . '/server.pem', '-o', '/dev/null', '-w',
        '%{http_version} %{http_code} %{time_total} %header{location}', @words);
    my ($used, $got, $seconds, $location) = split ' ', $output;
    die "@words: HTTP/$used, status $got\n"
        if $used ne $version || $got != $status;
    return ($seconds, $location);
}

# A contender that receives a file as docker sends it, or by one PUT.  The file is
# deleted after each run, outside the measurement.
sub receiver {
    my ($server, $directory, $send) = @_;
    return { pid => $server->pid, run => sub { (1, $send->()) },
        after => sub { Bench::Rows::delete_large_files($directory) } };
}

sub push_blob {
    my ($tls, $version, $url, $file, $digest) = @_;
    my $of = sub { $_[0] =~ m{^/} ? "$url$_[0]" : $_[0] };
    my ($first, $location) = curl($tls, $version, 202, '-d', '',
        "$url/v2/bench/tls/blobs/uploads/");
    my ($second, $next) = curl($tls, $version, 202, '-X', 'PATCH', '-H',
        'Content-Type: application/octet-stream', '-T', $file,
        $of->($location));
    my $where = $of->($next);
    my ($third) = curl($tls, $version, 201, '-X', 'PUT', '-d', '',
        $where . ($where =~ /\?/ ? '&' : '?') . "digest=$digest");
    return $first + $second + $third;
}

# Write random bytes to a file; returns its digest.
sub make_file {
    my $path = shift;
    output_of('dd', 'if=/dev/urandom', "of=$path", 'bs=1M', 'count=' . LARGE_MIB,
        'status=none');
    my ($hex) = output_of('sha256sum', $path) =~ /^(\w+)/;
    return "sha256:$hex";
}

sub large {
    my ($bench, $tls, $server, $peer) = @_;
    my $file = "$bench->{dir}/large";
    my $digest = make_file($file);
    my ($url, $other) = map { "https://$_" } $server->host(PORT),
        $peer ? $peer->host : ();
    for my $version (sort keys %GOAL) {
        my $goal = $GOAL{$version};
        my $send = sub { push_blob($tls, $version, $_[0], $file, $digest) };
        my @push = (
            receiver($server, $server->store, sub { $send->($url) }),
            receiver($server, $server->dir . '/htdocs', sub { (curl($tls,
                $version, 201, '-T', $file, "$url/dav/large"))[0] }),
            $peer ? receiver($peer, $peer->store, sub { $send->($other) }) : ()
        );
        race($bench->{turns} // 3, @push);
        my %same = (ours => $push[0], by => 'rate', mib => LARGE_MIB);
        row("TLS push, HTTP/$version", %same, beside => $push[1],
            name => 'mod_dav PUT');
        row('', %same, beside => $push[2], name => 'distribution',
            least => $goal->{push}) if $peer;

        $send->($_) for $url, $peer ? $other : ();
        link $file, $server->dir . "/htdocs/static/large$version"
            or die "link: $!\n";
        my @pull = map {
            my ($pid, $from) = @$_;
            { pid => $pid,
              run => sub { (1, (curl($tls, $version, 200, $from))[0]) } }
        } [ $server->pid, "$url/v2/bench/tls/blobs/$digest" ],
          [ $server->pid, "$url/static/large$version" ],
          $peer ? [ $peer->pid, "$other/v2/bench/tls/blobs/$digest" ] : ();
        race($bench->{turns} // 3, @pull);
        $same{ours} = $pull[0];
        row("TLS pull, HTTP/$version", %same, beside => $pull[1],
            name => 'static', least => $goal->{static});
        row('', %same, beside => $pull[2], name => 'distribution',
            least => $goal->{pull}) if $peer;
        Bench::Rows::delete_large_files($_)
            for $server->dir, $peer ? $peer->store : ();
    }
    return;
}

sub small {
    my ($bench, $server) = @_;
    my ($text) = Bench::Rows::image($bench, $server->host);
    my $static = $server->static('manifest', $text);
    for (['TLS manifest GET: CPU', \&wrk],
         ['  with a new connection', sub { ab(@_, new => 1) }]) {
        my ($figure, $client) = @$_;
        my @all = map {
            my $url = 'https://' . $server->host(PORT) . $_;
            { pid => $server->pid,
              run => sub { $client->($url, $bench->{seconds}) } }
        } $IMAGE, $static;
        race($bench->{turns} // 3, @all);
        row($figure, ours => $all[0], beside => $all[1], name => 'static',
            by => 'cpu', most => 1.25);
    }
    return;
}

sub row_tls {
    my $bench = shift;
    my $tls = OCI::Certificates->new or die "no certificates for the row tls\n";
    my $server = Bench::Server->start($bench->{root}, own => 1,
        modules => [qw(ssl http2)], hosts => hosts($tls));
    $server->allows(qr/AH0190[69]|AH01873/);    # its certificate signed itself
    my $peer = $bench->{peer}
        && OCI::Peer->start($bench->{program}, tls => $tls);
    large($bench, $tls, $server, $peer);
    small($bench, $server);
    $server->stop;
    $peer->stop if $peer;
    return;
}

1;
