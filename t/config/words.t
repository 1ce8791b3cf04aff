# SPDX-License-Identifier: Apache-2.0

# The documentation agrees with the code: each directive has an entry in the
# reference and in the manual, each error code is in the manual.

use OCI::Test;

my $top = $OCI::Server::TOP;
my $source = join '', map { OCI::Server::slurp("$top/src/$_") }
    qw(httpd/config.c s3/mod_oci_s3.c);
my $reference = OCI::Server::slurp("$top/conf/reference.conf");
my $manual = OCI::Server::slurp("$top/conf/README");
my @directives = $source =~ /AP_INIT_\w+\(\s*"(\w+)"/g;

cmp_ok(scalar @directives, '>=', 12, 'directives');
for my $directive (@directives) {
    my ($entry) = $reference =~ /^(    # \Q$directive\E\n.*?)\n\n/ms;
    like($entry // '', qr/\A[ ]{4}\#[ ]$directive\n
        [ ]{4}\#[ ]Syntax:[ ]{3}$directive[ ]\S.*\n
        (?:[ ]{4}\#[ ]{11}.*\n)*
        [ ]{4}\#[ ]Default:[ ]{2}\S.*\n
        (?:[ ]{4}\#[ ]{11}.*\n)*
        [ ]{4}\#[ ]Context:[ ]{2}server[ ]config,[ ]virtual[ ]host
            (?:,[ ]directory)?\n
        (?:[ ]{4}\#(?:[ ].*)?\n)+
        [ ]{4}\#?$directive[ ]\S.*\z/x, "$directive: entry in the reference");
    like($manual, qr/^\| `$directive [^|]+\| .+ \| .+ \|$/m,
        "$directive: line in conf/README");
}
my @entries = $reference =~ /^    # (OCI[A-Z]\w+)$/mg;
is_deeply(\@entries, \@directives,
    'the reference has no others, and the same order');
my %known = map { $_ => 1 } @directives;
for my $name (qw(README conf/README)) {
    my $text = OCI::Server::slurp("$top/$name");
    is_deeply([ grep { !$known{$_} } $text =~ /\b(OCI[A-Z]\w+)/g ], [],
        "$name names no others");
    is_deeply([ grep { length > 80 } split /\n/, $text ], [],
        "$name fits into 80 columns");
}

# A default in the documentation is the same as in the code.
my $values = OCI::Server::slurp("$top/src/httpd/config_values.c");
my %field = $source
    =~ /"(OCI\w+)", (?:set_size|set_seconds|set_upload_expiry|ap_set_flag_slot),\s*OFFSET\((\w+)\)/g;
cmp_ok(scalar keys %field, '>=', 11, 'directives with a number or flag');
while (my ($name, $field) = each %field) {
    my ($in_code) = $values =~ /config->$field, (\d+)\)/;
    my ($in_words) = $reference =~ /^    $name (\S+)$/m;
    $in_words =~ s/^On$/1/ || $in_words =~ s/^Off$/0/;
    like($in_words, qr/^\Q$in_code\E$/, "$name: its default");
}

my $replies = OCI::Server::slurp("$top/src/api/reply.c");
while ($replies =~ /= \{ (\d+), "(\w+)" \}/g) {
    my ($status, $code) = ($1, $2);
    like($manual, qr/^\| `$code` +\| $status /m,
        "conf/README has $status $code");
}

done_testing;
