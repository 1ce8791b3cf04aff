# SPDX-License-Identifier: Apache-2.0

# Each fuzz target runs on its corpus, which also contains the inputs that once
# failed.  "make ... check" builds the programs with sanitizers.

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
