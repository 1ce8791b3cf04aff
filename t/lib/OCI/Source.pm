# SPDX-License-Identifier: Apache-2.0

# Functions for the tests of the source.

package OCI::Source;

use strict;
use warnings;

use Exporter 'import';
use File::Find ();
use OCI::Server;

our @EXPORT = qw(files text lines_of stripped);

my %text;

# The paths, relative to the top, of all matching files, except those of git and
# those in .build.
sub files {
    my $match = shift;
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        my $path = s{^\Q$OCI::Server::TOP\E/*}{}r;
        return $File::Find::prune = 1 if $path =~ m{^\.(?:git|build)$};
        push @found, $path if -f && $path =~ $match;
    } }, $OCI::Server::TOP);
    return sort @found;
}

sub text { $text{ $_[0] } //= OCI::Server::slurp("$OCI::Server::TOP/$_[0]") }

sub lines_of { split /\n/, text($_[0]) }

# C source without comments and without the contents of strings.
sub stripped {
    my $text = text($_[0]);
    $text =~ s{(/\*.*?\*/)}{$1 =~ s/[^\n]//gr}ges;
    $text =~ s/"(?:[^"\\\n]|\\.)*"/""/g;
    return $text;
}

1;
