# SPDX-License-Identifier: Apache-2.0

# Wrong values are refused at the start, with a message that names the value and
# the alternatives.

use OCI::Test;

my $source = OCI::Server::slurp("$OCI::Server::TOP/src/httpd/config.c");
my %kind = reverse map { /AP_INIT_(\w+)\("(\w+)"(?:, (set_size))?/
        ? (($3 // $1) . "/$2" => $2) : () }
    $source =~ /AP_INIT_\w+\("\w+"(?:, set_size)?/g;
my @flags = grep { $kind{$_} =~ /^FLAG/ } sort keys %kind;
my @sizes = grep { $kind{$_} =~ /^set_size/ } sort keys %kind;
my %seen;

sub refused {
    my ($line, $message, %option) = @_;
    my ($directive) = $line =~ /^(\w+)/;
    $seen{$directive}++;
    like(OCI::Server->refuses(config => $line, %option), $message, $line);
    return;
}

my %known = (OCIBlobStore => 'fs', OCIIndex => 'dbd, dbm, fs');
for my $store (sort keys %known) {
    my $problem = "unknown provider 'nosuch'; known providers: $known{$store}";
    refused("$store nosuch /tmp", qr/$store: $problem$/m);
    refused("$store fs:type /tmp", qr/$store: .*no types: write "fs"/);
    refused("$store fs", qr/$store: .*needs a directory: "fs DIR"/);
    refused("$store fs ''", qr/$store: .*needs a directory: "fs DIR"/);
    refused($store, qr/$store takes 1-2 arguments/);
    refused("$store fs a b",
        qr/$store takes 1-2 arguments, .*; put an argument with spaces in quotes/);
}
refused('OCIIndex dbm /tmp/x', qr/OCIIndex: .*dbm:gdbm FILE/);
refused('OCIIndex dbm:gdbm', qr/OCIIndex: .*needs a file/);
refused("OCIIndex dbm:$_ /tmp/x", qr/OCIIndex: dbm:$_ .*use dbm:gdbm/)
    for qw(sdbm ndbm nosuch);
refused('OCIIndex dbd:nosuch x',
    qr/OCIIndex: .*unknown driver 'nosuch'; known are: sqlite3, pgsql, mysql/);
refused('OCIIndex dbd:pgsql', qr/OCIIndex: .*needs connection parameters/);
refused('OCIIndex dbd /tmp/x', qr/OCIIndex: .*DBDriver and DBDParams/);
refused('OCIIndex dbd', qr/needs mod_dbd, which is not loaded/);
refused('OCIRepositoryPattern "team-("',
    qr/OCIRepositoryPattern: 'team-\(' is not a valid regular expression/);
refused('OCIRepositoryPattern', qr/OCIRepositoryPattern takes one argument/);
my $expected = 'is not a valid size: expected a number of bytes, 0 or more';
for my $size (@sizes) {
    refused("$size $_", qr/$size: '\Q$_\E' $expected/)
        for '-1', '4M', '1e6', 'none', '99999999999999999999';
    refused("$size 1 2", qr/$size takes one argument/);
}
for my $time (qw(OCIGCInterval OCIGCGrace OCIUploadExpiry)) {
    refused("$time $_", qr/$time:\ '\Q$_\E'\ is\ not\ a\ valid\ time:\ expected\ a
        \ number\ of\ seconds\ from\ 0\ to\ \d+$/mx)
        for '-1', '1d', '1e6', 'never', '99999999999';
    refused("$time 1 2", qr/$time takes one argument/);
}
refused('OCIUploadExpiry 59',
    qr/OCIUploadExpiry: '59' is too short: expected 60 seconds or more/);
refused('OCIRetain', qr/OCIRetain: expected a pattern of repositories, such as/);
refused('OCIRetain last=3', qr/OCIRetain: expected a pattern of repositories/);
refused('OCIRetain ** tags=', qr/OCIRetain: the regular expression is empty/);
refused('OCIRetain ** last=3 last=4', qr/OCIRetain: last= is given twice/);
refused('OCIRetain ** "tags=a)|(b"', qr/OCIRetain: 'a\)\|\(b' is not a POSIX /);
refused('OCIRetain A/**', qr{OCIRetain: 'A/\*\*' can never match: });
refused("OCIRetain ** $_", qr/OCIRetain: '\Q$_\E': expected tags=REGEX, last=/)
    for qw(3 older=3d Last=3);
refused("OCIRetain ** last=$_", qr/OCIRetain: last=\Q$_\E: expected a number of/)
    for qw(0 -1 x 1d);
refused("OCIRetain ** $_", qr/OCIRetain: '$_': expected a duration with its unit/)
    for qw(pushed=30 pulled=0 pushed=30x pushed=1y pulled= pulled=-1d);
refused("OCIRetain ** 'tags=v\\d'", qr/OCIRetain: '\\+d' is not possible in /);
refused("OCIUntagged $_",
    qr/OCIUntagged: '\Q$_\E': expected "keep", or a duration such as 7d/)
    for qw(never 1y -1 ci/**);
refused('OCIUntagged', qr/OCIUntagged: '': expected "keep"/);
refused('OCIUntagged 7d /ci', qr{OCIUntagged: '/ci' can never match: });
refused('OCIEventLog events xml',
    qr/OCIEventLog: unknown format 'xml': expected json or cloudevents/);
refused('OCIPullTime Maybe', qr/OCIPullTime: 'Maybe' is neither On nor Off/);
refused('OCIPullTime On "%{"', qr/OCIPullTime: /);
refused("OCISparse $_",
    qr/OCISparse: '$_' is not valid: expected None, Index or All/)
    for qw(On Off Layers);
refused("OCIImmutable", qr/OCIImmutable takes 1-2 arguments, .*in quotes/);
refused("OCIImmutable ** a b", qr/OCIImmutable takes 1-2 arguments/);
refused("OCIImmutable ** $_", qr/OCIImmutable: '\Q$_\E': expected tags=REGEX/)
    for qw(v1 tag=v1 regex=v1);
refused("OCIImmutable $_", qr{OCIImmutable: '\Q$_\E' can never match: })
    for qw(/a/** a/ A/** a//b);
refused("OCIImmutable ** tags=v(",
    qr/OCIImmutable: 'v\(' is not a POSIX extended regular expression: /);
refused("OCIImmutable ** 'tags=v\\d+'",
    qr/OCIImmutable: '\\+d' is not possible in .* a POSIX extended regular /);
refused("$_ Maybe", qr/$_ must be On or Off/) for @flags;

refused("OCITokenLifetime $_",
    qr/OCITokenLifetime: '\Q$_\E' is not .* number of seconds from 60 to 86400/)
    for qw(59 0 -1 86401 5m x);
refused('OCITokenKey /', qr{OCITokenKey: cannot read /});
refused("$_ a b", qr/$_ takes one argument, .*; put an argument with spaces /)
    for qw(OCIRepositoryPattern OCITokenIssuer OCITokenKey OCITokenService);
refused('OCITokenRealm a b', qr/OCITokenRealm takes one argument/);
refused('OCIToken On', qr/OCIToken is On, but there is no OCITokenKey/);

cmp_ok(scalar @flags, '>=', 5, 'directives that are On or Off');
cmp_ok(scalar @sizes, '>=', 3, 'directives that are a size');
is_deeply([ grep { !$seen{$_} } sort keys %kind ], [],
    'every directive of the table is tested');

# The words are not case-sensitive.
my $server = OCI::Server->start(config => "OCISparse aLL\nOCIReadOnly oN");
error_is(OCI::Client->new($server)->post('/v2/a/blobs/uploads/'), 405,
    'UNSUPPORTED');
$server->stop;
done_testing;
