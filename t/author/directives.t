# SPDX-License-Identifier: Apache-2.0

# Each directive has a sentence of help, is merged, and is documented.

use OCI::Test;
use OCI::Source;

my $table = join '', map { text($_) } files(qr{^src/(?:httpd/\w+|s3/mod_oci_s3)\.c$});
my %help;
while ($table =~ /AP_INIT_\w+\(\s*"(\w+)"(.*?)\),?\n(?=\s+(?:AP_INIT|\{))/gs) {
    my ($name, $row) = ($1, $2);
    $help{$name} = join '', $row =~ /"([^"]*)"/g;
}
my @names = sort keys %help;
my $rows = () = $table =~ /AP_INIT_\w+\(/g;
is(scalar @names, $rows, 'every row of the table was parsed');
cmp_ok($rows, '>', 10, 'there are more than 10 rows');

my $reference = text('conf/reference.conf');
my $manual = text('conf/README');
for my $name (@names) {
    like($name, qr/^OCI[A-Z]\w+$/, "$name begins with OCI");
    like($help{$name}, qr/^\w.{10,}/, "$name has a sentence of help");
    like($manual, qr/\b$name\b/, "$name is in conf/README");
    my ($entry) = $reference =~ /^(\s*#\s*Syntax:\s+$name\b.*?)(?=^\s*#\s*Syntax:|\z)/ms;
    ok($entry, "$name is in conf/reference.conf") or next;
    for my $word (qw(Default Context)) {
        like($entry, qr/^\s*#\s*$word:\s+\S/m, "$name: its $word");
    }
    like($reference, qr/^\s*#?\s*$name\s+\S/m, "$name: an example");
}
for my $name ($reference =~ /^\s*#\s*Syntax:\s+(\w+)/mg) {
    ok($help{$name}, "$name, which conf/reference.conf describes, exists");
}

# If create or merge omits a field, its directive has no effect.
my $header = stripped('src/httpd/config.h');
my $source = stripped('src/httpd/config_merge.c');
my ($struct) = $header =~ /typedef struct oci_config_t \{(.*?)\}/s;
my ($create) = $source =~ /^void \*oci_config_create_dir.*?(^\{.*?^\})/ms;
my ($merge) = $source =~
    /^(static void merge_tokens.*?^void \*oci_config_merge_dir.*?^\})/ms;
my @fields = $struct =~ /([^;]+);/g;
cmp_ok(scalar @fields, '>', 5, 'the configuration has fields');
for (@fields) {
    my ($pointer, $field) = /(\*?)\s*(\w+)\s*\z/;
    like($merge, qr/over->$field\b/, "$field is merged");
    like($create, qr/config->$field\b/, "$field is initialized") if !$pointer;
}

# The three places that name a default agree on it.
my %slot = $table =~ /AP_INIT_\w+\(\s*"(\w+)",\s*\w+,\s*OFFSET\((\w+)\)/g;
@slot{qw(OCISparse OCISync OCIToken OCITokenLifetime)}
    = qw(sparse sync token token_lifetime);
my $values = stripped('src/httpd/config_values.c');
my %used = $values =~ /(?:number|size)_or\(config->(\w+),\s*(\w+)\)/g;
$used{token} = $values =~ /return config->token == 1;/ ? 0 : 'unknown';
$used{sparse} =~ s/^OCI_SPARSE_//;
my ($realm) = text('src/httpd/bearer.c') =~ /realm = "([^"]+)";/;
$used{token_realm} = $realm;
my $compared = 0;
for my $name (@names) {
    my ($told) = $reference =~ /^\s*#\s*Syntax:\s+$name\b.*\n\s*#\s*Default:\s+(\S+)/m;
    my ($listed) = $manual =~ /^\| `$name[ `][^|]*\|\s*([^|\s]+)/m;
    $_ //= 'none' for $told, $listed;
    s/[:;,]\z// for $told, $listed;
    my $value = $used{ $slot{$name} // '' };
    next if !defined $value;
    $compared++;
    if ($told =~ /^O(n|ff)\z/) {
        $value = $value ? 'On' : 'Off';
    }
    is(lc $told, lc $value, "$name: its default in conf/reference.conf");
    is($listed, $told, "$name: its default in conf/README");
}
is($compared, keys %used, 'every default of the code was compared');

done_testing;
