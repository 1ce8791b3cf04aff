# SPDX-License-Identifier: Apache-2.0

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
