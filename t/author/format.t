# SPDX-License-Identifier: Apache-2.0

# The layout of C is the one that .clang-format states.  Versions of the tool
# differ in details, so one of them counts.

use OCI::Test;
use OCI::Source;

my $VERSION = 14;

my ($tool) = grep { (`$_ --version 2>/dev/null` // '') =~ /\bversion $VERSION\./ }
    "clang-format-$VERSION", 'clang-format';

SKIP: {
    skip("there is no clang-format $VERSION", 3) if !$tool;
    my @files = files(qr{\.[ch]$});
    cmp_ok(scalar @files, '>', 100, 'there are sources');
    my $output = `cd $OCI::Server::TOP && $tool --dry-run -Werror @files 2>&1`;
    my %wrong = map { $_ => 1 } $output =~ /^(\S+?):\d+:\d+: error/mg;
    is(join(' ', sort keys %wrong), '', 'all are laid out by .clang-format');
    ok(!$?, 'the tool is content') or diag(substr $output, 0, 2000);
}

done_testing;
