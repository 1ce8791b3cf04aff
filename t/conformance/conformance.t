# SPDX-License-Identifier: Apache-2.0

# The official conformance suite passes: no failure, nothing skipped, and with
# the sparse manifests of the draft nothing disabled.

use OCI::Clients;
use OCI::Auth;

my $suite = tool('conformance');
my $registry = registry(after => <<'END');
<Location "/v2/sparse/">
    OCISparse All
</Location>
END

# If pulls are redirected, the answer is that of the S3 server: it has no
# Docker-Content-Digest, which only the draft demands, and some servers ignore a
# range that is not valid, such as 500-0, which the suite notes as skipped.
my $redirected = ($registry->{blobs} ? $registry->blobs : '') =~ /\As3:[^:]+\z/;

# The attributes of the run, and the names of the cases that did not pass.
sub results {
    my $text = slurp(shift);
    my ($total) = $text =~ /<testsuites ([^>]*)>/;
    my %total = ($total // '') =~ /(\w+)="([^"]*)"/g;
    my @cases = map { join ' ', /name="([^"]*)"/, /message="([^"]*)"/ }
        grep { /status="(?:failure|error|skipped)"/ }
        split /(?=<testcase )/, $text;
    return (\%total, @cases);
}

sub conforms {
    my ($title, $repo, $disabled, %env) = @_;
    my $dir = scratch() . "/$repo";
    mkdir $dir;
    my ($status, $output) = run({ env => {
        OCI_REGISTRY    => $registry->host,
        OCI_TLS         => 'disabled',
        OCI_REPO1       => "$repo/one",
        OCI_REPO2       => "$repo/two",
        OCI_RESULTS_DIR => $dir,
        OCI_LOG         => 'error',
        %env
    } }, $suite);
    my ($total, @cases) = results("$dir/junit.xml");
    is($status, 0, "$title: exit status") || diag(substr $output, -2000);
    cmp_ok($total->{tests} // 0, '>', 500, "$title: all cases ran");
    is($total->{$_} // 0, 0, "$title: $_") for qw(failures errors);
    my $ignored = $redirected ? grep { /range 500-0/ } @cases : 0;
    is($total->{skipped} // 0, $ignored, "$title: skipped");
    diag($_) for @cases;

    # results.yaml has one line for each API and each kind of content.
    my @lines = slurp("$dir/results.yaml") =~ /^  (\w[^:]*: \w+)$/mg;
    my %state = map { split /: / } grep { /: (?:Pass|FAIL|Skip|Dis\w+)$/ } @lines;
    cmp_ok(scalar keys %state, '>', 40, "$title: a result for each part");
    is_deeply([ sort grep { $state{$_} ne 'Pass' } keys %state ], $disabled,
        "$title: all parts pass, except those that are disabled");
    diag(sprintf '%s: %s tests, %s failed, %s skipped, %s disabled; %d of %d '
        . 'parts pass', $title,
        (map { $total->{$_} // 0 } qw(tests failures skipped disabled)),
        scalar(grep { $_ eq 'Pass' } values %state), scalar keys %state);
    return;
}

conforms('dev, sparse', 'sparse', [],
    OCI_VERSION => 'dev', OCI_DATA_SPARSE => 'true') if !$redirected;

# The remaining runs do not depend on the index: two other versions, and runs
# with credentials, which do not depend on the blob store either.
my $once = !OCI::Index::named();
my $fs = !OCI::Blobs::named();
conforms('1.1', 'first', [
    'Blob upload cancel', 'Manifest put with tag params', 'Sparse Manifests',
    'Tag Param', 'Tag Param sha512'
], OCI_VERSION => '1.1') if $once;
conforms('dev', 'second', ['Sparse Manifests'], OCI_VERSION => 'dev')
    if $once && !$redirected;
for my $mode ($once && $fs ? ('Basic only', 'tokens') : ()) {
    my $guarded = registry(OCI::Auth::setup($mode));
    OCI::Auth::passwords($guarded);
    my ($name) = $mode =~ /^(\w+)/;
    conforms("dev, $mode", lc $name, ['Sparse Manifests'],
        OCI_VERSION => 'dev', OCI_REGISTRY => $guarded->host,
        OCI_USERNAME => 'admin', OCI_PASSWORD => $OCI::Auth::PASSWORD{admin});
    $guarded->stop;
}

$registry->stop;
done_testing;
