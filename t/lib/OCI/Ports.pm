# SPDX-License-Identifier: Apache-2.0

# Ports of the loopback address for the servers of a test.
#
#     my $port = free_port();       # no other test gets it
#     release($port);               # now others may
#     listens($pid, $port)          # whether a process listens on it

package OCI::Ports;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port free_ports release listens);

my %mark;    # the mark of each port that this process was given

# A port below the range that the system uses for outgoing connections.  No other
# test is given it while this process runs, or until it is released: its mark is
# the UDP port of the same number.  Another program may still take it.
sub free_port {
    for (1 .. 1000) {
        my $port = 12000 + int rand 18000;
        my %address = (LocalAddr => '127.0.0.1', LocalPort => $port);
        my $mark = IO::Socket::INET->new(%address, Proto => 'udp') or next;
        IO::Socket::INET->new(%address, Listen => 1, ReuseAddr => 1) or next;
        $mark{$port} = $mark;
        return $port;
    }
    die "no free port\n";
}

# This many different free ports.
sub free_ports {
    my $count = shift;
    return sort { $a <=> $b } map { free_port() } 1 .. $count;
}

sub release {
    delete @mark{@_};
    return;
}

# Whether a process listens on one of these ports, on Linux.
sub listens {
    my ($pid, @ports) = @_;
    my %address = map { sprintf('%04X', $_) => 1 } @ports;
    open my $table, '<', '/proc/net/tcp' or return 0;
    my %inode = map { (split)[9] => 1 }
        grep { /^ *\d+: \w+:(\w+) \S+ 0A / && $address{$1} } <$table>;
    return scalar grep { (readlink // '') =~ /^socket:\[(\d+)\]\z/
        && $inode{$1} } glob "/proc/$pid/fd/*";
}

1;
