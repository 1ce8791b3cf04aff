# SPDX-License-Identifier: Apache-2.0

# Many clients at the same time.
#
#     my @results = at_once($servers, 16, sub {
#         my ($client, $n) = @_;
#         return statuses(5, sub { $client->get('/v2/') });
#     });

package OCI::Crowd;

use strict;
use warnings;

use Exporter 'import';
use OCI::Client;
use POSIX ();

our @EXPORT = qw(at_once statuses);

# Run a function in this many processes at the same time.  Each process has its
# own client; the servers are used in turn.  Returns, for each process, the list
# of texts that the function returned.
sub at_once {
    my ($servers, $count, $function) = @_;
    pipe my $go, my $start or die "pipe: $!";
    my @children;
    for my $n (0 .. $count - 1) {
        pipe my $in, my $out or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $start;
            my $client = OCI::Client->new($servers->[ $n % @$servers ]);
            $client->connect;
            sysread $go, my $byte, 1;
            my @result = eval { $function->($client, $n) };
            @result = ("died: $@") if $@;
            s/\s+/ /g for @result;
            syswrite $out, join "\n", @result;
            POSIX::_exit(0);
        }
        close $out;
        push @children, [ $pid, $in ];
    }
    close $start;
    return map {
        my ($pid, $in) = @$_;
        chomp(my @lines = <$in>);
        waitpid $pid, 0;
        [@lines];
    } @children;
}

# Make a request this many times; returns the different statuses, sorted.
sub statuses {
    my ($times, $request) = @_;
    my %seen;
    $seen{ $request->($_)->status }++ for 1 .. $times;
    return sort keys %seen;
}

1;
