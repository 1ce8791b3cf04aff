# SPDX-License-Identifier: Apache-2.0

# What the documents name is there: paths, make targets, directives, examples,
# sections and tables.

use OCI::Test;
use OCI::Source;
use File::Basename qw(basename dirname);

my $README_LINES = 160;

# Files of others that the documents name without a directory.
my %foreign = map { $_ => 1 } qw(httpd.conf mod_auth.h);

my @documents = qw(README conf/README conf/provider/README src/README t/README);
my %basename = map { basename($_) => 1 } files(qr/./);

my %target = map { $_ => 1 } text('Makefile.apxs') =~ /^([a-z]+):/mg;
my @directives = map { /AP_INIT_\w+\(\s*"(\w+)"/g } text('src/httpd/config.c'),
    text('src/s3/mod_oci_s3.c');
my %directive = map { $_ => 1 } @directives;
cmp_ok(scalar keys %target, '>', 5, 'there are targets');
cmp_ok(scalar @directives, '>', 10, 'there are directives');

# Whatever ends as a source or a configuration does, or begins with one of our
# directories; a path of the machine begins with "/".
sub paths {
    my $text = shift;
    my $begin = qr{(?<![\w./~<>*-])};
    my @found = $text =~ m{$begin(
        (?:[\w.*<>-]+/)*[\w*<>][\w.*<>-]*\.(?:c|h|t|pl|pm|sh|conf|load|apxs)\b
        | (?:conf|src|t|\.ci|\.github)/[\w./*<>-]*
        | LICENSE\b )}gx;
    s/[.-]+\z// for @found;
    my %seen;
    return grep { !/[<>]/ && !$seen{$_}++ } @found;
}

# A name in capitals stands for any.
sub exists_somewhere {
    my ($path, $document) = @_;
    my $top = $OCI::Server::TOP;
    return 1 if $path !~ m{/} && ($basename{$path} || $foreign{$path});
    my $pattern = $path
        =~ s{(?<![^/])(?!README|LICENSE)[A-Z]{2,}(?![^/.])}{*}gr;
    for my $place ('', dirname($document) . '/', 'src/') {
        return 1 if grep { -e } glob "$top/$place$pattern";
    }
    return 0;
}

# The word behind the name of the Makefile, in a line or between backquotes.
sub targets {
    my $text = shift;
    my @spans = map { s/\s+/ /gr } $text =~ /`([^`]+)`/g;
    return map { /-f Makefile\.apxs[ ]([a-z]+)/g } @spans, split /\n/, $text;
}

for my $document (@documents) {
    my $text = text($document);
    ok($text, "$document is there") or next;
    my @paths = paths($text);
    cmp_ok(scalar @paths, '>', 3, "$document names paths");
    is(join(' ', grep { !exists_somewhere($_, $document) } @paths), '',
        "$document: each path is there");
    is(join(' ', grep { !$target{$_} } targets($text)), '',
        "$document: each make target is there");
    is(join(' ', grep { !$directive{$_} } $text =~ /\b(OCI[A-Z]\w+)/g),
        '', "$document: each directive is there");
}

my ($version) = text('src/mod_oci.h') =~ /OCI_PROVIDER_VERSION "(\d+)"/;
my @versions = text('conf/README') =~ /provider interface (?:is )?(\d+)/g;
is_deeply(\@versions, [ ($version) x 2 ],
    'conf/README: the version of the provider interface');

my $readme = text('README');
cmp_ok(scalar(() = lines_of('README')), '<=', $README_LINES,
    "README has at most $README_LINES lines");
for my $example (files(qr{^conf/(?:examples/.*|oci\.conf|provider/.*\.conf)$})) {
    like($readme, qr{^\| \Q$example\E \| \S}m, "README has a row of $example");
}

my $manual = text('conf/README');
my ($table) = $manual =~ /^(\| directive \|.*?)\n\n/ms;
for my $name (@directives) {
    like($table // '', qr/^\| `$name\b/m, "conf/README has a row of $name");
}
my ($contents, $rest) = split /\n\n(?=Install\n)/, $manual, 2;
my %listed = map { $_ => 1 } map { split /\s{2,}/, s/^\s+//r }
    grep { /^    / } split /\n/, $contents;
is_deeply([ sort keys %listed ], [ sort $rest =~ /^(\S.*)\n-+$/mg ],
    'conf/README lists its sections');
my %quoted = map { s/\s+/ /gr => 1 }
    $rest =~ /\b(?:[Ss]ee|in|of|from|also|table) "([A-Z][^"]+)"/g;
is_deeply([ grep { !$listed{$_} } sort keys %quoted ], [],
    'conf/README refers to sections that it has');

# An administrator whose database user may not create tables copies these.
my $sql = text('src/store/dbd/dbd_sql.c');
my $flat = $manual =~ s/\s+/ /gr;
my $tables = 0;
while ($sql =~ /\.create = CREATE\("((?:[^"\\]|\\.)*)",\s*"(.*?)",\s*"(.*?)"\)/g) {
    my ($name, $value, $options) = map { s/\\"/"/gr } $1, $2, $3;
    $tables++;
    ok(index($flat, "CREATE TABLE oci_facts2 (name $name NOT NULL, part INTEGER "
        . "NOT NULL, value $value NOT NULL, PRIMARY KEY (name, part))$options;")
        >= 0, "conf/README has the table of $name");
}
is($tables, () = $sql =~ /\.create =/g, 'every table was looked for');
# One who may not rename the table of version 1 copies these.
my ($old) = $sql =~ /#define OLD_TABLE "(.*)"/;
for my $driver (qw(pgsql mysql)) {
    my ($array) = $sql =~ /\b${driver}_raise\[\] = \{(.*?)NULL/s;
    $array =~ s/" OLD_TABLE/$old"/;
    for my $statement (map { split /; / } $array =~ /"(.*?)"/g) {
        ok(index($flat, "$statement;") >= 0, "conf/README has: $statement");
    }
}

done_testing;
