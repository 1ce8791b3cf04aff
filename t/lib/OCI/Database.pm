# SPDX-License-Identifier: Apache-2.0

# A new, empty database in a private server.
#
#     my $database = OCI::Database->start('pgsql') or ... skip ...;
#     $database->driver, ->params      # for DBDriver and DBDParams
#     $database->sql('SELECT 1')       # the output of a statement
#     $database->server->kill9         # only with own => 1: a separate server
#
# All tests of a run share one server of each kind.  t/setup/prove.pl starts it
# when the first test requests it at the socket in the directory OCI_RUN.  A
# script that is run by itself starts its own server.

package OCI::Database;

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP ();
use OCI::DatabaseServer;

my (%mine, $count);

# undef if the server is not installed.
sub start {
    my ($class, $kind, %option) = @_;
    my $server = $option{own} ? OCI::DatabaseServer->start($kind, %option)
        : ($mine{$kind} //= shared($kind));
    return if !$server;
    my $name = sprintf 'oci_%d_%d_%d', $$, ++$count, rand 1e6;
    $server->sql($server->{first}, "CREATE DATABASE $name");
    return bless { server => $server, name => $name }, $class;
}

# Another program that writes to an SQLite database for a minute at most, or until
# it is killed.  Returns its process id, and "begun\n" once it writes.
sub write_to_sqlite {
    my $path = shift;
    pipe my $ready, my $begun or die "pipe: $!\n";
    my $writer = fork // die "fork: $!\n";
    if (!$writer) {
        open STDOUT, '>&', $begun or die "dup: $!\n";
        exec 'python3', '-c', 'import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
print("begun", flush=True)
time.sleep(60)', $path;
    }
    close $begun;
    return ($writer, scalar <$ready>);
}

# The server of the run, with the data that is needed to connect to it.
sub shared {
    my $kind = shift;
    return OCI::DatabaseServer->start($kind) if !$ENV{OCI_RUN};
    my $socket = IO::Socket::UNIX->new(Peer => "$ENV{OCI_RUN}/servers")
        or die "$ENV{OCI_RUN}/servers: $!\n";
    print $socket "$kind\n";
    $socket->flush;
    my $known = JSON::PP::decode_json(scalar <$socket>);
    die $known->{error} if $known->{error};
    return $known->{port} ? OCI::DatabaseServer->attach($kind, %$known) : undef;
}

# Answer a request of shared(); t/setup/prove.pl calls this.
sub answer {
    my $socket = shift;
    chomp(my $kind = <$socket> // return);
    my $known = eval {
        my $server = $mine{$kind} //= OCI::DatabaseServer->start($kind);
        $server ? { port => $server->port, dir => $server->dir } : {};
    } // { error => $@ };
    print $socket JSON::PP::encode_json($known) . "\n";
    return close $socket;
}

sub server { $_[0]{server} }
sub driver { $_[0]{server}->kind }
sub params { $_[0]{server}->params($_[0]{name}) }
sub sql    { $_[0]{server}->sql($_[0]{name}, $_[1]) }

1;
