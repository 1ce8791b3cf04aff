# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Each fuzz target takes its corpus, as inputs and as a reminder of what once
# went wrong.  The programs are sanitized and built by "make ... check".

use OCI::Test;

for my $source (glob "$OCI::Server::TOP/t/fuzz/*.c") {
    my ($name) = $source =~ m{(\w+)\.c$};
    next if $name eq 'replay';
    my @corpus = glob "$OCI::Server::TOP/t/fuzz/corpus/$name/*";
    my $output = `$OCI::Server::TOP/.build/bin/fuzz/$name @corpus 2>&1`;
    my $status = $?;
    my @passed = $output =~ /^ok \d+/mg;
    ok(!$status && @corpus && @passed == @corpus,
        "$name: " . @corpus . ' inputs') or diag($output);
}

done_testing;
