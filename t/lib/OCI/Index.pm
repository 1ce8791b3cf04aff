# SPDX-License-Identifier: Apache-2.0

# The index of a server, as tests name it: fs, dbm:gdbm, dbm:db, or a database
# by its driver, sqlite3, pgsql or mysql: "dbd:pgsql" with connections of the
# index's own, "mod_dbd:pgsql" with those of mod_dbd.
#
# Scripts that name none have the one that OCI_INDEX in the environment says, or
# that of a test file below .build/index/, where dbm-gdbm stands for dbm:gdbm;
# fs otherwise.

package OCI::Index;

use strict;
use warnings;

use OCI::Database;

# What OCI_INDEX or the script's folder names, or undef.
sub named {
    my ($folder) = $0 =~ m{\.build/index/([^/]+)/};
    return $ENV{OCI_INDEX} // ($folder && $folder =~ s/-/:/r);
}

# For options of OCI::Server: index, and database, an OCI::Database to share.
sub new {
    my ($class, %option) = @_;
    my $name = $option{index} // named() // 'fs';
    my ($provider, $type) = split /:/, $name;
    my $self = bless { name => $name, type => $type // '',
        provider => $provider, database => $option{database} }, $class;
    if ($self->{type} =~ /^(?:pgsql|mysql)$/) {
        $self->{database} //= OCI::Database->start($type)
            // Test::More::plan(skip_all => "there is no server for $name");
    }
    return $self;
}

sub name     { $_[0]{name} }
sub database { $_[0]{database} }

sub modules { $_[0]{provider} eq 'mod_dbd' ? ('dbd') : () }

# What the server's configuration says of it; a Location may have another.
sub text {
    my $self = shift;
    my $where = $self->{database} ? $self->{database}->params
        : '@STORE@/facts';
    return $self->{provider} eq 'fs' ? ''
        : $self->{provider} eq 'mod_dbd'
        ? qq{DBDriver $self->{type}\nDBDParams "$where"\nOCIIndex dbd}
        : qq{OCIIndex $self->{name} "$where"};
}

1;
