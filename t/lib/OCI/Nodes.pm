# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

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
