# SPDX-License-Identifier: Apache-2.0

# The layout of C is the one that .clang-format states.  Versions of the tool
# differ in details, so one of them counts.

use OCI::Test;
use OCI::Source;

my $VERSION = 14;

my ($tool) = grep { (`$_ --version 2>/dev/null` // '') =~ /\bversion $VERSION\./ }
    "clang-format-$VERSION", 'clang-format';

SKIP: {
    skip("no clang-format $VERSION", 1) if !$tool;
    my @files = files(qr{\.[ch]$});
    cmp_ok(scalar @files, '>', 100, 'there are sources');
    for my $file (@files) {
        my $output = `cd $OCI::Server::TOP && $tool --dry-run -Werror $file 2>&1`;
        ok(!$?, "$file is laid out by .clang-format")
            or diag((split /^/, $output)[ 0 .. 2 ]);
    }
}

done_testing;
