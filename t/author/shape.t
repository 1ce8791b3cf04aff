# SPDX-License-Identifier: Apache-2.0

# The form of the files: names at the top level, lengths, headers, and words
# that may not appear.

use OCI::Test;
use OCI::Source;

my $LINES = 500;       # of a file
my $BODY = 60;         # lines of a function

# Files and functions that may be longer: path, or path and function, to a
# reason.
my %longer = (
    'src/mod_oci.h'      => 'the only header for those who write providers',
    't/api/uploads.t'    => 'every way to push a blob, with shared checks',
    't/store/fs_store.c' => 'one store, looked at from the disk and by calls',
    't/unit/document.c'  => 'the tables of good and bad documents',
);

opendir my $top, $OCI::Server::TOP or die "$OCI::Server::TOP: $!\n";
is_deeply([ sort grep { !/^\./ } readdir $top ],
    [qw(LICENSE Makefile.apxs README conf mod_oci.c src t)], 'the top level');

my @c = files(qr{\.[ch]$});
my @sources = files(qr{(?:\.(?:[ch]|t|pm|pl|sh|conf)|^Makefile\.apxs|^\.ci/run)$});
my @texts = grep { !m{^(?:LICENSE$|t/fuzz/corpus/)}
    && -T "$OCI::Server::TOP/$_" } files(qr/./);

for my $file (@sources) {
    like(text($file), qr{\A(?:\#!.*\n)?(?:/\*|\#)[ ]
        SPDX-License-Identifier:[ ]Apache-2\.0(?:[ ]\*/)?\n\n
        (?:/\*\*?|\#)\s[\s*]*\S}x,
        "$file begins with its licence and its purpose");
    cmp_ok(scalar(() = lines_of($file)), '<=', $LINES,
        "$file is no longer than $LINES lines") if !$longer{$file};
}

for my $file (@c) {
    my ($name, $start, %long);
    my $n = 0;
    for my $line (split /\n/, stripped($file)) {
        $n++;
        $name = $1 if $line =~ /^(?:\w[\w \t*]*?)?\b(\w+)\(/;
        $start = $n if $line =~ /^\{/;
        if ($line =~ /^\}/ && defined $start) {
            $long{$name} = $n - $start - 1
                if $n - $start - 1 > $BODY && !$longer{"$file $name"};
            $start = undef;
        }
    }
    is(join(' ', map { "$_ ($long{$_})" } sort keys %long), '',
        "$file: no function is longer than $BODY lines");
    my @wide = grep { length((lines_of($file))[ $_ - 1 ]) > 80 }
        1 .. (() = lines_of($file));
    is("@wide", '', "$file: 80 columns");
    unlike(text($file), qr/\t/, "$file: no tabs");
}

my $later = join '|', map { join '', @$_ } [qw(TO DO)], [qw(FIX ME)], [qw(XX X)];
my $place = join '|', map { "/$_/" } qw(root work);
for my $file (@texts) {
    unlike(text($file), qr/\b(?:$later)\b/, "$file leaves nothing for later");
    unlike(text($file), qr{(?<![\w.\@\}])(?:$place)}, "$file names no one machine");
    unlike(text($file), qr/[ \t]$/m, "$file: no blanks at the end of a line");
}

done_testing;
