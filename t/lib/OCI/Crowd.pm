# SPDX-License-Identifier: Apache-2.0

# Many clients at once.
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

# Run a function in so many processes at once, each with a client of its own,
# of the servers in turn; for each, what it returned as a list of texts.
sub at_once {
    my ($servers, $count, $function) = @_;
    pipe my $go, my $start or die "pipe: $!";
    my @children;
    for my $n (0 .. $count - 1) {
        pipe my $in, my $out or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $start;
            my $own = OCI::Client->new($servers->[ $n % @$servers ]);
            $own->connect;
            sysread $go, my $byte, 1;
            my @result = eval { $function->($own, $n) };
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

# The statuses that came, of requests made so many times.
sub statuses {
    my ($times, $request) = @_;
    my %seen;
    $seen{ $request->($_)->status }++ for 1 .. $times;
    return sort keys %seen;
}

1;
