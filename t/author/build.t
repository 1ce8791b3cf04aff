# SPDX-License-Identifier: Apache-2.0

# The module and ociadmin compile with two compilers without a warning, and the
# module exports only its module record.

use OCI::Test;
use OCI::Module;

sub make {
    my @arguments = @_;
    my $output = `cd $OCI::Server::TOP && env -u MAKEFLAGS -u MAKELEVEL make \\
        -f Makefile.apxs @arguments all 2>&1`;
    return ($?, $output);
}

my %compilers = (gcc => 'gcc', clang => OCI::Module::clang());
for my $name (sort keys %compilers) {
    SKIP: {
        my $compiler = $compilers{$name} or skip("no $name", 2);
        my ($status, $output) = make("BUILD=.build/$name", "CC=$compiler",
            'WARN=-Werror');
        ok(!$status, "no warning from $name")
            or diag(grep { /: (?:warning|error): / } split /^/, $output);
        like(`$OCI::Server::TOP/.build/$name/ociadmin --version`,
            qr/^ociadmin of mod_oci/, "ociadmin runs when built with $name");
    }
}

for my $build (qw(mod san)) {
    my $module = "$OCI::Server::TOP/.build/$build/.libs/mod_oci.so";
    my @symbols = map { (split)[-1] } grep { / [A-TV-Z] / }
        `nm -D --defined-only $module`;
    is("@symbols", 'oci_module', "$build: exports only oci_module");
}

done_testing;
