# SPDX-License-Identifier: Apache-2.0

# Two httpds that are one registry: their own configurations, processes and
# ports, with one store and one index between them.
#
#     my ($one, $two) = nodes(config => 'OCISync Off');    # options of start
#
# The index is dbd:pgsql where nothing names another (OCI::Index).

package OCI::Nodes;

use strict;
use warnings;

use Exporter 'import';
use OCI::Index;
use OCI::Server;

our @EXPORT = qw(nodes);

sub nodes {
    my %option = @_;
    $option{index} //= OCI::Index::named() // 'dbd:pgsql';
    my $one = OCI::Server->start(%option);
    return ($one, OCI::Server->start(%option, store => $one->store,
        database => $one->{index}->database));
}

1;
