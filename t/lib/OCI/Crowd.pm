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

our @EXPORT = qw(at_once cross_tags move_tag put statuses);

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

# Push an image manifest.
sub put {
    my ($client, $path, $text, %headers) = @_;
    return $client->put("/v2/$path", $text, 'Content-Type' =>
        OCI::Client::IMAGE_MANIFEST, %headers);
}

# Let 8 clients move a tag to one of 8 manifests each, while 4 clients pull it.
# Returns the statuses; those who pull also count answers that are none of them.
sub move_tag {
    my ($servers, $path, @texts) = @_;
    my %known = map { $_ => 1 } @texts;
    return at_once($servers, 12, sub {
        my ($client, $n) = @_;
        return statuses(25, sub { put($client, $path, $texts[$n]) })
            if $n < 8;
        my $garbled = 0;
        return (statuses(25, sub {
            my $res = $client->get("/v2/$path");
            $garbled++ if !$known{ $res->body };
            return $res;
        }), $garbled);
    });
}

# Let 3 clients move tags of their own to the first manifest and away, while 3
# others delete this manifest.  Returns for each how many of its acknowledged
# pushes were lost.
sub cross_tags {
    my ($servers, $repository, @texts) = @_;
    my $base = "$repository/manifests";
    my $deleted = OCI::Client::digest_of($texts[0]);
    return at_once($servers, 6, sub {
        my ($client, $n) = @_;
        my $faults = 0;
        for my $round (1 .. 20) {
            if ($n % 2 == 0) {
                $client->delete("/v2/$base/$deleted");
                next;
            }
            put($client, "$base/c$n", $texts[0]);
            put($client, "$base/c$n", $texts[$n])->status == 201
                or $faults++;
            my $res = $client->get("/v2/$base/c$n");
            $faults++ if $res->status != 200 || $res->body ne $texts[$n];
        }
        return $faults;
    });
}

1;
