# SPDX-License-Identifier: Apache-2.0

# prove.pl JOBS TEST...: run the tests as prove does, so many at a time, say
# how long each part of them took, and end as prove does.
#
# Beside them it keeps a folder, OCI_RUN, and in it a socket at which they ask
# for servers that they share (OCI::Database); these end with the run.

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

# What a test is counted with: its folder, or the build or index that it is
# repeated with.
sub part_of {
    my $path = shift;
    return "with the sanitizers" if $path =~ m{^\.build/san/};
    return "with $1" if $path =~ m{^\.build/index/([^/]+)/};
    return $path =~ m{^(?:\.build/bin/)?(.*)/}s ? $1 : $path;
}

sub say_times {
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

# The slowest files, and what was skipped with the reasons.
sub say_summary {
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
    print "\nThe slowest:\n";
    printf "%8.1f s  %s\n", $seconds{$_}, $_
        for grep { defined } @slowest[ 0 .. 4 ];
    print %skipped ? "\nSkipped:\n" : "\nNothing was skipped.\n";
    for my $reason (sort keys %skipped) {
        my %files = map { $_ => 1 } @{ $skipped{$reason} };
        print "  $reason: ", join(', ', sort keys %files), "\n";
    }
    return;
}

# The command for a test, which has its complaints written to a file.  The shell
# stays: the harness waits for tests one by one once they have no errors to
# write to it.
sub command_of {
    my $path = shift;
    my @test = $path =~ /\.t\z/ ? ($^X, "-I$OCI::Server::TOP/t/lib", $path)
        : ($path);
    return [ 'sh', '-c', '"$@" 2>"$0"; exit $?', complaints_of($path), @test ];
}

sub complaints_of {
    return "$ENV{OCI_RUN}/" . $_[0] =~ tr{/}{!}r;
}

# Programs complain among their results, too.
my %remarks;

sub collect_remarks {
    my ($parser, $job) = @_;
    my $add = sub { $remarks{ $job->[1] } .= $_[0]->raw . "\n" };
    $parser->callback(comment => $add);
    $parser->callback(test => sub {
        $add->(@_) if !$_[0]->is_ok;
        push @skips, [ $job->[1], $_[0]->explanation ] if $_[0]->has_skip;
    });
    return;
}

# What tests had to say, those that failed last, each in one piece: tests that
# run beside each other do not mix their words.
sub say_complaints {
    my $results = shift;
    my %failed = map { $_ => ($results->parsers($_))[0]->has_problems ? 1 : 0 }
        $results->descriptions;
    for my $path (sort { $failed{$a} <=> $failed{$b} }
                  $results->descriptions) {
        my $text = OCI::Server::slurp(complaints_of($path));
        $text .= $remarks{$path} // '' if $failed{$path};
        print "\n$path:\n$text" if $text ne '';
    }
    return;
}

sub run_tests {
    my ($jobs, @tests) = @_;
    my $harness = TAP::Harness->new({ jobs => $jobs, color => -t STDOUT,
        exec => sub { command_of($_[1]) } });
    $harness->callback(made_parser => \&collect_remarks);
    my $results = TAP::Parser::Aggregator->new;
    $results->start;
    $harness->aggregate_tests($results, @tests);
    $results->stop;
    say_times($results);
    say_complaints($results);
    say_summary($results);
    $harness->summary($results);
    return $results->has_errors ? 1 : 0;
}

@ARGV > 1 or die "usage: prove.pl JOBS TEST...\n";
my $run = File::Temp->newdir('mod_oci-run-XXXXXX', TMPDIR => 1);
$ENV{OCI_RUN} = "$run";
my $servers = IO::Socket::UNIX->new(Local => "$run/servers", Listen => 64)
    or die "$run/servers: $!\n";

# In a group of its own, which ends as a whole where the run is cut short.
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
