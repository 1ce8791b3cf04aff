# SPDX-License-Identifier: Apache-2.0

# The contract tests of a blob store, with mod_oci_s3 and each S3 server.

use OCI::Test;

use OCI::S3;

my $module = OCI::Server::build_of(1) . '/.libs/mod_oci_s3.so';
plan(skip_all => 'mod_oci_s3 is not built: libcurl is missing') if !-e $module;
my @programs = qw(contract_blob contract_blob_id contract_blob_list
    contract_blob_remote);

# s3s-fs does not decide which of two conditional PUTs at the same time wins.
my %skip = ('s3s-fs' => 'contract_blob_id');

for my $name (qw(strict versitygw s3s-fs)) {
    my @run = grep { $_ ne ($skip{$name} // '') } @programs;
    SKIP: {
        my $missing = OCI::S3->missing($name);
        skip($missing, 1 + @run) if $missing;
        my $s3 = OCI::S3->start($name);
        my $blobs = OCI::Blobs->new(blobs => "s3:$name", s3 => $s3);
        local %ENV = (%ENV, $blobs->environment,
            OCI_CONTRACT_SKIP => $skip{$name} // '');
        my $output = `$OCI::Server::TOP/t/setup/contract.sh blob $module \\
            oci_s3_module s3 s3://@{[ $s3->bucket ]}/contract 2>&1`;
        is($?, 0, "$name: the exit status") or diag($output);
        for my $program (@run) {
            my ($lines, $result) =
                $output =~ m{/$program\b.*?\n(.*?)^Result: (\w+)}ms;
            my ($tests) = ($lines // '') =~ /Tests=(\d+)/;
            ok(($result // '') eq 'PASS' && ($tests // 0) > 5,
                "$name, $program: all tests pass") or diag($output);
        }
    }
}

done_testing;
