# SPDX-License-Identifier: Apache-2.0

# The manual page ociadmin(8): man and mandoc find no fault in it, and it has
# the commands and options that the help has.

use OCI::Test;

use File::Temp ();
use OCI::Admin;

my $page = "$OCI::Server::TOP/src/admin/ociadmin.8";
my $dir = File::Temp->newdir(TMPDIR => 1);

# Whether there is a program of this name.
sub is_there { return system("command -v $_[0] > /dev/null 2>&1") == 0 }

# Run a command; returns its output and its errors.
sub output_of {
    my $command = shift;
    my $text = `$command 2>$dir/err`;
    return ($text, OCI::Server::slurp("$dir/err"));
}

SKIP: {
    skip 'there is no man(1)', 3 if !is_there('man');
    my ($text, $errors) = output_of(
        "env LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z $page");
    is($?, 0, 'man formats it');
    is($errors, '', 'without a warning');
    like($text, qr/\S/, 'and there is text');
}
SKIP: {
    skip 'there is no mandoc(1)', 1 if !is_there('mandoc');
    my ($text) = output_of("mandoc -Tlint $page");
    is($text, '', 'mandoc has nothing to say');
}

my $source = OCI::Server::slurp($page) =~ s/\\-/-/gr =~ s/\\~/ /gr;
my $help = ociadmin('help')->{out};
my @commands = grep { $_ ne 'manages' } $help =~ /^ociadmin (\S+)/mg;
cmp_ok(scalar @commands, '>=', 8, 'there are commands');
my ($synopsis) = $source =~ /^\.SH SYNOPSIS\n(.*?)^\.SH /ms;
like($synopsis, qr/^\.B \Q$_\E$/m, "the synopsis has $_") for @commands;
my %command = map { $_ => 1 } @commands;
is_deeply([ grep { !$command{$_} } $synopsis =~ /^\.SY ociadmin\n\.B (\S+)$/mg ],
    [], 'and no other command');

# The options in the part of a command, in the help and in the page.
for my $name (grep { /^[a-z][a-z-]+$/ && $_ ne 'help' } @commands) {
    my $said = ociadmin($name, '--help')->{out};
    my %wanted = map { $_ => 1 } grep { $name eq 'copy'
            || !/^--(?:store|index|config|httpd)$/ }
        $said =~ /(--[a-z-]*[a-z])/g;
    my ($part) = $source =~ /^\.SS "?$name: .*?\n(.*?)^\.S[SH] /ms;
    my %got = map { $_ => 1 } ($part // '') =~ /^\.BI? (--[a-z-]*[a-z])/mg;
    is_deeply([ sort keys %got ], [ sort keys %wanted ], "the options of $name");
}
like($source, qr/^\.BI --$_ /m, "--$_") for qw(store index config httpd);

# All members of JSON that the program prints are in the page.
my ($json) = $source =~ /^\.SH JSON\n(.*?)^\.SH /ms;
my %described = map { $_ => 1 } ($json // '') =~ /^\.R?BR?I? \(? ?(\w+)/mg;
my %printed = map { $_ => 1 } map { OCI::Server::slurp($_)
        =~ /(?:\\"|member\("|print_(?:string|number|json_object)\(")(\w+)
            (?:\\":[ ]|",[ ])/xg }
    glob("$OCI::Server::TOP/src/admin/*.c $OCI::Server::TOP/src/admin/*/*.c");
cmp_ok(scalar keys %printed, '>', 40, 'there are members of JSON');
is_deeply([ grep { !$described{$_} } sort keys %printed ], [],
    'the page has all of them');

is_deeply([ grep { length > 80 } split /\n/, OCI::Server::slurp($page) ], [],
    'its source fits into 80 columns');

done_testing;
