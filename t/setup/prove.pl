# SPDX-License-Identifier: Apache-2.0

# prove.pl JOBS TEST...: run the tests as prove does, JOBS at a time, and print
# how long each part of them took.  The exit status is that of prove.
#
# During the run there is a directory, OCI_RUN, with a socket at which the tests
# request the database servers that they share (OCI::Database).  The servers
# stop at the end of the run.

use strict;
use warnings;

use File::Temp ();
use IO::Select;
use IO::Socket::UNIX;
use OCI::Database;
use OCI::Process;
use OCI::Server;
use POSIX qw(_exit setpgid WNOHANG);
use TAP::Harness;
use TAP::Parser::Aggregator;

my @skips;    # a test file, and why some of it was skipped

# The part to which a test's time is added: its directory, or the build, the
# index or the blob store with which it is repeated.
sub part_of {
    my $path = shift;
    return "with the sanitizers" if $path =~ m{^\.build/san/};
    return "with $1" if $path =~ m{^\.build/(?:index|blobs)/([^/]+)/};
    return $path =~ m{^(?:\.build/bin/)?(.*)/}s ? $1 : $path;
}

sub print_times {
    my $results = shift;
    my (%seconds, %files);
    for my $path ($results->descriptions) {
        my ($parser) = $results->parsers($path);
        $seconds{ part_of($path) } += $parser->end_time - $parser->start_time;
        $files{ part_of($path) }++;
    }
    printf "%-26s %3d files %7.1f s\n", $_, $files{$_}, $seconds{$_}
        for sort keys %files;
    return;
}

# The slowest files, and the skipped tests with their reasons.
sub print_summary {
    my $results = shift;
    my (%seconds, %skipped);
    for my $path ($results->descriptions) {
        my ($parser) = $results->parsers($path);
        $seconds{$path} = $parser->end_time - $parser->start_time;
        push @{ $skipped{ $parser->skip_all } }, $path if $parser->skip_all;
    }
    push @{ $skipped{ $_->[1] } }, $_->[0] for @skips;
    my @slowest = sort { $seconds{$b} <=> $seconds{$a} || $a cmp $b }
        keys %seconds;
    print "\nSlowest files:\n";
    printf "%8.1f s  %s\n", $seconds{$_}, $_
        for grep { defined } @slowest[ 0 .. 4 ];
    print %skipped ? "\nSkipped:\n" : "\nNothing was skipped.\n";
    for my $reason (sort keys %skipped) {
        my %files = map { $_ => 1 } @{ $skipped{$reason} };
        print "  $reason: ", join(', ', sort keys %files), "\n";
    }
    return;
}

# The command for a test, with its standard error redirected to a file.  The
# shell must not exec the test: once a test has closed its standard error, the
# harness would wait for that test alone.
sub command_of {
    my $path = shift;
    my @test = $path =~ /\.t\z/ ? ($^X, "-I$OCI::Server::TOP/t/lib", $path)
        : ($path);
    return [ 'sh', '-c', '"$@" 2>"$0"; exit $?', errors_file_of($path), @test ];
}

sub errors_file_of {
    return "$ENV{OCI_RUN}/" . $_[0] =~ tr{/}{!}r;
}

# Comments and failed tests from standard output, for each test: programs in C
# print their diagnostics there.
my %diagnostics;

sub collect_diagnostics {
    my ($parser, $job) = @_;
    my $add = sub { $diagnostics{ $job->[1] } .= $_[0]->raw . "\n" };
    $parser->callback(comment => $add);
    $parser->callback(test => sub {
        $add->(@_) if !$_[0]->is_ok;
        push @skips, [ $job->[1], $_[0]->explanation ] if $_[0]->has_skip;
    });
    return;
}

# Print the error output of each test in one piece, so that the output of tests
# that ran at the same time is not mixed.  Failed tests come last.
sub print_errors {
    my $results = shift;
    my %failed = map { $_ => ($results->parsers($_))[0]->has_problems ? 1 : 0 }
        $results->descriptions;
    for my $path (sort { $failed{$a} <=> $failed{$b} }
                  $results->descriptions) {
        my $text = OCI::Server::slurp(errors_file_of($path));
        $text .= $diagnostics{$path} // '' if $failed{$path};
        print "\n$path:\n$text" if $text ne '';
    }
    return;
}

sub run_tests {
    my ($jobs, @tests) = @_;
    my $harness = TAP::Harness->new({ jobs => $jobs, color => -t STDOUT,
        exec => sub { command_of($_[1]) } });
    $harness->callback(made_parser => \&collect_diagnostics);
    my $results = TAP::Parser::Aggregator->new;
    $results->start;
    $harness->aggregate_tests($results, @tests);
    $results->stop;
    print_times($results);
    print_summary($results);
    print_errors($results);
    $harness->summary($results);
    return $results->has_errors ? 1 : 0;
}

@ARGV > 1 or die "usage: prove.pl JOBS TEST...\n";
my $run = File::Temp->newdir('mod_oci-run-XXXXXX', TMPDIR => 1);
$ENV{OCI_RUN} = "$run";
my $servers = IO::Socket::UNIX->new(Local => "$run/servers", Listen => 64)
    or die "$run/servers: $!\n";

# The tests run in their own process group, which is killed if the run is
# interrupted.
my $tests = fork // die "fork: $!\n";
if (!$tests) {
    setpgid(0, 0);
    delete @SIG{qw(INT TERM HUP PIPE)};
    my $status = eval { run_tests(@ARGV) } // 2;
    print STDERR $@ if $@;
    STDOUT->flush;
    _exit($status);
}

END {
    my $status = $?;
    kill 'TERM', -$tests if $tests;
    $? = $status;
}

my $select = IO::Select->new($servers);
until (waitpid $tests, WNOHANG) {
    OCI::Database::answer($servers->accept) if $select->can_read(0.1);
}
$tests = 0;
exit($? >> 8 || ($? && 2));
