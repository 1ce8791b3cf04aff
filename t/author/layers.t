# SPDX-License-Identifier: Apache-2.0

# A file includes only files of lower layers, and each header compiles alone.

use OCI::Test;
use OCI::Source;

my %below = (
    values   => [qw(values)],
    s3       => [qw(s3 mod_oci.h values)],
    store    => [qw(store mod_oci.h values)],
    registry => [qw(registry mod_oci.h values)],
    gc       => [qw(gc registry mod_oci.h values)],
    admin    => [qw(admin gc registry store s3 mod_oci.h values)],
    api      => [qw(api gc registry mod_oci.h values)],
    httpd    => [qw(httpd api gc registry store mod_oci.h values)],
);
# A provider includes no file of another provider, and the shared files of
# src/store include no file of any; only the table of all providers does.
sub leaves_wing {
    my ($file, $include) = @_;
    my ($theirs) = $include =~ m{^store/(\w+)/} or return 0;
    return 0 if $file !~ m{^src/store/} || $file eq 'src/store/builtin.c';
    return $file !~ m{^src/store/$theirs/};
}

my %knows_httpd = (api => 1, httpd => 1);

my @files = files(qr{^src/(?:\w+/)+\w+\.[ch]$});
cmp_ok(scalar @files, '>', 20, 'there are sources');
my $ours = join '|', map { "\Q$_\E" } keys %below, 'mod_oci.h';
for my $file (@files) {
    my ($layer) = $file =~ m{^src/(\w+)/};
    ok($below{$layer}, "$file is in a layer") or next;
    my $allowed = join '|', map { "\Q$_\E" } @{ $below{$layer} };
    my @wrong;
    for my $include (text($file) =~ /^\s*#\s*include\s+"([^"]+)"/mg) {
        next if $include =~ m{^(?:$allowed)(?:/\w+)*(?:\.h)?$}
            && !leaves_wing($file, $include);
        next if $include =~ /^ap[ru]_?\w*\.h$/;
        next if ($knows_httpd{$layer} || $file =~ m{/mod_oci_\w+\.c$}) && $include !~ m{^(?:$ours)(?:/|$)}
            && $include !~ m{/};
        push @wrong, $include;
    }
    is("@wrong", '', "$file includes only files of lower layers");
}
for my $file (grep { m{^src/registry/} } @files) {
    unlike(stripped($file), qr/\b(?:blob|index)_(?:fs|dbm|dbd|s3)\b/,
        "$file names no provider");
}
for my $file (grep { m{^src/store/} } @files) {
    unlike(stripped($file), qr/\boci_(?:registry|error|repository)_/,
        "$file names nothing of the registry");
}

# A client could choose keys that collide in APR's hash tables.  They are used
# only for page numbers, which clients cannot choose.
for my $file (grep { m{^src/(?:values|store|registry|gc|api|httpd)/} } @files) {
    next if $file =~ m{^src/store/dbm/dbm_(?:tree|snapshot)\.};
    unlike(stripped($file), qr/\bapr_hash_/, "$file hashes no client's keys");
}

my %type;
for my $file (@files) {
    push @{ $type{$_} }, $file for stripped($file) =~ /^\}\s+(\w+_[te]);/mg;
}
is(join(' ', grep { @{ $type{$_} } > 1 } sort keys %type), '',
    'no two types have one name');

my %base;
$base{ (m{([^/]+)$})[0] }++ for @files, 'mod_oci.c', 'src/mod_oci.h';
is(join(' ', grep { $base{$_} > 1 } sort keys %base), '',
    'no two files of one name');

# The compiler and its options, from apxs.
my ($cc, $apr, $apu, $include) = map { OCI::Server::apxs($_) }
    qw(CC APR_CONFIG APU_CONFIG INCLUDEDIR);
chomp(my @options = map { `$_` } "$apr --cppflags --includes",
    "$apu --includes", 'pkg-config --cflags jansson libcrypto');
for my $file (files(qr{^src/.*\.h$})) {
    my $output = `cd $OCI::Server::TOP && $cc -std=gnu99 -Wall -Wextra -Werror \\
        -fsyntax-only @options -I$include -Isrc -x c $file 2>&1`;
    ok(!$?, "$file compiles alone") or diag(join '', (split /^/, $output)[ 0 .. 5 ]);
}

done_testing;
