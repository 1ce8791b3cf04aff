# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Libraries that are loaded before the system's own:
#
#     OCI::Library::build("$folder/x.so", $code) or skip ...
#     OCI::Server->start(env => { LD_PRELOAD => "$folder/x.so" });

package OCI::Library;

use strict;
use warnings;

# Compile C code; what gcc says lies beside the library.
sub build {
    my ($library, $code) = @_;
    open my $compiler, '|-',
        "gcc -shared -fPIC -o $library -xc - 2>$library.gcc"
        or die "gcc: $!\n";
    print $compiler $code;
    return close $compiler;
}

1;
