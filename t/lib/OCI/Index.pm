# SPDX-License-Identifier: Apache-2.0

# The index of a server, under the name that tests use: fs, dbm:gdbm, dbm:db, or
# a database with its driver, sqlite3, pgsql or mysql.  "dbd:pgsql" is
# configured with OCIIndex alone, "mod_dbd:pgsql" with mod_dbd's directives.
#
# The default is OCI_INDEX in the environment; for a test file below
# .build/index/NAME/ it is NAME, with dbm-gdbm for dbm:gdbm; otherwise it is fs.

package OCI::Index;

use strict;
use warnings;

use OCI::Blobs;
use OCI::Database;

# The index that OCI_INDEX or the script's directory names, or undef.
sub named {
    my ($directory) = $0 =~ m{\.build/index/([^/]+)/};
    return $ENV{OCI_INDEX} // ($directory && $directory =~ s/-/:/r);
}

# Options, as for OCI::Server: index; database, an OCI::Database to share; blobs.
# The index fs is in the same directory as the blob store fs (beside).
sub new {
    my ($class, %option) = @_;
    my $name = $option{index} // named() // 'fs';
    my ($provider, $type) = split /:/, $name;
    my $self = bless { name => $name, type => $type // '',
        provider => $provider, database => $option{database},
        beside => OCI::Blobs::name_of(%option) eq 'fs' }, $class;
    if ($self->{type} =~ /^(?:pgsql|mysql)$/) {
        $self->{database} //= OCI::Database->start($type)
            // Test::More::plan(skip_all => "there is no server for $name");
    }
    return $self;
}

sub name     { $_[0]{name} }
sub database { $_[0]{database} }

sub modules { $_[0]{provider} eq 'mod_dbd' ? ('dbd') : () }

# The index as an argument of ociadmin; none if it is beside the blobs.
sub argument {
    my ($self, $store) = @_;
    return $self->{provider} eq 'fs' ? ($self->{beside} ? () : "fs $store")
        : $self->{database}
        ? "dbd:$self->{type} " . $self->{database}->params
        : ($self->{name} =~ s/^mod_//r) . " $store/facts";
}

# The index's lines in the server's configuration.
sub text {
    my $self = shift;
    my $where = $self->{database} ? $self->{database}->params
        : '@STORE@/facts';
    return $self->{provider} eq 'fs'
        ? ($self->{beside} ? '' : 'OCIIndex fs "@STORE@"')
        : $self->{provider} eq 'mod_dbd'
        ? qq{DBDriver $self->{type}\nDBDParams "$where"\nOCIIndex dbd}
        : qq{OCIIndex $self->{name} "$where"};
}

1;
