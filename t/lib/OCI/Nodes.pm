# SPDX-License-Identifier: Apache-2.0

# Two httpds that serve one registry: each has its own configuration, processes
# and ports, and they share one store and one index.
#
#     my ($one, $two) = nodes(config => 'OCISync Off');    # options of start
#
# The default index is dbd:pgsql, unless OCI::Index names another.

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
