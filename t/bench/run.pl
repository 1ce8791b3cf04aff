# SPDX-License-Identifier: Apache-2.0

# run.pl: compare the speed of the module with static files and mod_dav in the
# same httpd, and with distribution.  "make -f Makefile.apxs bench" calls it.
#
# Environment:
#
#     ROWS     the rows to measure, such as "push,pull" (default: all): small,
#              login, pull, push, patches, blobs, manifests, tags, memory,
#              tls, many, index, sizes, gc, admin, metrics, s3
#     TURNS    how often each contender is measured (3; pull 5, gc 2)
#     SECONDS  the approximate duration of measurements without a size (1)
#     ENTRIES  the number of tags and repositories that "index" and "sizes"
#              compare with few (20000)
#     BLOBS    the number of blobs for "gc" and "admin" (40000); each fills a
#              registry with 1000000 blobs in a quarter of an hour, and 20 GB
#     IMAGES   the number of images that "admin" imports (1000)
#     TMPDIR   the directory for the servers' files (/var/tmp): 4 GB on a real
#              disk
#
# A goal that is not reached does not fail the run; a wrong response does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";

use Bench::Admin;
use Bench::Gc;
use Bench::Indexes;
use Bench::Many;
use Bench::Measure;
use Bench::Metrics;
use Bench::Rows;
use Bench::S3;
use Bench::Server;
use Bench::Sizes;
use Bench::Table;
use Bench::Tls;
use File::Temp ();
use OCI::Peer;
use POSIX ();

$| = 1;
my @names = (@Bench::Rows::NAMES, qw(tls many index sizes gc admin
    metrics s3));
my %row = (%Bench::Rows::ROWS, tls => \&Bench::Tls::row_tls,
    many => \&Bench::Many::row_many,
    index => \&Bench::Indexes::row_index, sizes => \&Bench::Sizes::row_sizes,
    gc => \&Bench::Gc::row_gc, admin => \&Bench::Admin::row_admin,
    metrics => \&Bench::Metrics::row_metrics, s3 => \&Bench::S3::row_s3);
my @rows = split /[\s,]+/, $ENV{ROWS} || join ',', @names;
for my $name (@rows) {
    $row{$name} or die "ROWS: unknown row '$name': expected some of @names\n";
}

$ENV{TMPDIR} ||= '/var/tmp';
chomp(my ($kind, $device) =
    `findmnt -n -o FSTYPE,MAJ:MIN -T "$ENV{TMPDIR}"` =~ /^(\S+)\s+(\S+)/);
die "TMPDIR: $ENV{TMPDIR} is on a $kind: set TMPDIR to a directory on a disk\n"
    if $kind =~ /^(?:tmpfs|ramfs)$/;

my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
Bench::Measure::build($dir);
chomp(my $program = `$OCI::Server::TOP/t/setup/clients.sh --path registry`);
my %bench = (
    root    => $ENV{TMPDIR},
    dir     => "$dir",
    program => $program,
    turns   => $ENV{TURNS},
    seconds => $ENV{SECONDS} || 1,
    entries => $ENV{ENTRIES} || 20_000,
    blobs   => $ENV{BLOBS} || 40_000,
    images  => $ENV{IMAGES} || 1000,
    server  => Bench::Server->start($ENV{TMPDIR}),
    peer    => -x $program ? OCI::Peer->start($program) : undef
);

my $httpd = OCI::Server::apxs('SBINDIR') . '/' . OCI::Server::apxs('PROGNAME');
my ($version) = `$httpd -v` =~ m{(Apache/[\d.]+)};
my $cores = () = OCI::Server::slurp('/proc/cpuinfo') =~ /^processor/mg;
my ($openssl) = `openssl version` =~ /^(OpenSSL \S+)/;
my ($disk) = ((readlink "/sys/dev/block/$device") // '') =~ m{([^/]*)\z};
my $journal = OCI::Server::slurp("/sys/fs/$kind/$disk/journal_task");
print "$version, ", $openssl // 'no openssl', ", $cores cores, Linux ",
    (POSIX::uname())[2], ", $kind",
    $journal eq "<none>\n" ? ' without a journal' : '', "\n";
print <<'END';
Each contender runs once to warm up, then all run in turn; figures are medians.
The spread is half the distance between the quartiles of the ratios of all
turns.  A question mark says that it is larger than the distance to the goal.
CPU is the time of the server's processes for one request.  Small requests use
8 persistent connections.  The module and distribution sync before they respond;
mod_dav does not, and computes no digest.

END
print "distribution is not installed: comparisons with it are omitted\n\n"
    if !$bench{peer};
Bench::Table::heading();
$row{$_}->(\%bench) for @rows;
$bench{server}->stop;
$bench{peer}->stop if $bench{peer};
