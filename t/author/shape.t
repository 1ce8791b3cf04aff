# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# The shape of the house: what lies where, how long it is, what it may not say.

use OCI::Test;
use OCI::Source;

my $LINES = 500;       # of a file
my $BODY = 60;         # lines of a function

# What may be longer, and why: path, or path and function, to a reason.
my %longer = (
);

opendir my $top, $OCI::Server::TOP or die "$OCI::Server::TOP: $!\n";
is_deeply([ sort grep { !/^\./ } readdir $top ],
    [qw(LICENSE Makefile.apxs README conf mod_oci.c src t)], 'the top level');

my @c = files(qr{\.[ch]$});
my @sources = files(qr{(?:\.(?:[ch]|t|pm|pl|sh|conf)|^Makefile\.apxs|^\.ci/run)$});
my @texts = grep { !m{^(?:LICENSE$|t/fuzz/corpus/)}
    && -T "$OCI::Server::TOP/$_" } files(qr/./);

for my $file (@sources) {
    like(substr(text($file), 0, 700),
        qr/Licensed under the Apache License, Version 2\.0/,
        "$file names its licence");
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
