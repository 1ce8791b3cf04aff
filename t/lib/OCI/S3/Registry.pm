# SPDX-License-Identifier: Apache-2.0

# A registry whose blobs are in a strict S3 server, and what it asks of it.
#
#     my ($s3, $server, $client) = s3_registry(
#         settings => { OCIS3PartSize => '5M' },    # lines of OCI::Blobs
#         config => 'OCIRedirect Off');             # options of OCI::Server
#     requests($s3)               # such as 'create', 'part 1', 'complete'
#     stored($s3)                 # a hash: kinds of objects and uploads
#     one_log_line($server, $pattern, $name, sub { ... })
#
# A request is named by its method and the kind of its key: "PUT blobs", "GET
# tails", "PUT id"; or it is create, part NUMBER, complete, abort, list, list
# uploads, or delete, which deletes several keys.

package OCI::S3::Registry;

use strict;
use warnings;

use Exporter 'import';
use OCI::Blobs;
use OCI::Client;
use OCI::S3;
use OCI::Server;
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(s3_registry requests stored wait_until log_lines
    one_log_line MIB ONE_PROCESS);

use constant MIB => 1024 * 1024;

# Configuration of one process, which all requests share.
use constant ONE_PROCESS => <<'CONF';
StartServers 1
ServerLimit 1
ThreadLimit 24
ThreadsPerChild 24
MinSpareThreads 1
MaxSpareThreads 24
MaxRequestWorkers 24
CONF

# The first request is done: the store has its id.
sub s3_registry {
    my %option = @_;
    my $settings = delete $option{settings};
    my $s3 = delete $option{s3} // OCI::S3->start('strict');
    my $server = OCI::Server->start(blobs => 's3:strict', s3 => $s3,
        s3_settings => $settings, %option);
    my $client = OCI::Client->new($server);
    $client->push_blob('first', 'first');
    $s3->forget;
    return ($s3, $server, $client);
}

# The kind of a key: what follows the prefix, which is a directory "store".
sub kind_of { ($_[0] // '') =~ m{(?:\A|/)store/(\w+)} ? $1 : '' }

sub name_of {
    my $entry = shift;
    my ($method, $query) = @$entry{qw(method query)};
    my $kind = kind_of($entry->{key});
    return 'create' if $query =~ /\Auploads(?:=|\z)/ && $method eq 'POST';
    return 'list uploads' if $query =~ /(?:\A|&)uploads(?:=|&|\z)/;
    return 'delete' if $query =~ /\Adelete(?:=|\z)/;
    return "part $1" if $query =~ /partNumber=(\d+)/ && $method eq 'PUT';
    return { POST => 'complete', DELETE => 'abort' }->{$method}
        if $query =~ /uploadId=/;
    return 'list' if !length($entry->{key} // '');
    return "$method $kind";
}

sub requests { map { name_of($_) } $_[0]->log }

# How many objects of each kind there are, and how many uploads.
sub stored {
    my $s3 = shift;
    my %count;
    $count{ kind_of($_->{key}) }++ for $s3->objects;
    my $uploads = () = $s3->uploads;
    $count{uploads} = $uploads if $uploads;
    return \%count;
}

# Wait until a condition holds; returns whether it does.
sub wait_until {
    my ($condition, $seconds) = @_;
    my $end = time + ($seconds // 120);
    until ($condition->()) {
        return 0 if time > $end;
        sleep 0.05;
    }
    return 1;
}

# The lines of the error log that are above the level "notice", from an offset.
sub log_lines {
    my ($server, $from) = @_;
    return grep { /\[\w*:(?:crit|error|warn)\]/ } split /\n/,
        substr OCI::Server::slurp($server->error_log), $from // 0;
}

# One test: a function makes httpd log one line above the level "notice", and
# this line matches.  It is declared.  Returns what the function returned.
sub one_log_line {
    my ($server, $pattern, $name, $function) = @_;
    my $from = -s $server->error_log // 0;
    my $result = $function->();
    wait_until(sub { log_lines($server, $from) });
    my @lines = log_lines($server, $from);
    $server->allows(map { qr/\Q$_\E/ } @lines);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(@lines == 1 && $lines[0] =~ $pattern, "$name: one line")
        || Test::More::diag(map { "$_\n" } @lines);
    return $result;
}

1;
