# SPDX-License-Identifier: Apache-2.0

# Libraries for LD_PRELOAD:
#
#     OCI::Library::build("$directory/x.so", $code) or skip ...
#     OCI::Server->start(env => { LD_PRELOAD => "$directory/x.so" });

package OCI::Library;

use strict;
use warnings;

# Compile C code; the output of gcc is written to LIBRARY.gcc.
sub build {
    my ($library, $code) = @_;
    open my $compiler, '|-',
        "gcc -shared -fPIC -o $library -xc - 2>$library.gcc"
        or die "gcc: $!\n";
    print $compiler $code;
    return close $compiler;
}

1;
