# SPDX-License-Identifier: Apache-2.0

# cosign: signatures and attestations of an image.

use OCI::Clients;

my $cosign = tool('cosign');
my $registry = registry();
my $dir = scratch();
my $client = OCI::Client->new($registry);
my $image = $client->push_image('tools/cosign', 1);
my $name = $registry->host . "/tools/cosign\@$image->{digest}";
my @insecure = qw(--allow-http-registry --allow-insecure-registry);
$ENV{COSIGN_PASSWORD} = '';

run_ok('keys', { in => $dir }, $cosign, 'generate-key-pair');
run_ok('sign', $cosign, 'sign', '-y', '--tlog-upload=false', @insecure,
    '--key', "$dir/cosign.key", $name);
my $verified = run_ok('verify', $cosign, 'verify', '--insecure-ignore-tlog=true',
    @insecure, '--key', "$dir/cosign.pub", $name);
like($verified, qr/\Q$image->{digest}\E/, 'prints the signed digest');

spew("$dir/predicate.json", '{"built": "by a test"}');
run_ok('attest', $cosign, 'attest', '-y', '--tlog-upload=false', @insecure,
    '--key', "$dir/cosign.key", '--type', 'custom', '--predicate',
    "$dir/predicate.json", $name);
run_ok('verify the attestation', $cosign, 'verify-attestation',
    '--insecure-ignore-tlog=true', @insecure, '--key', "$dir/cosign.pub",
    '--type', 'custom', $name);

(my $tag = $image->{digest}) =~ s/:/-/;
verify_ok($registry, 'tools/cosign', "$tag.sig");
verify_ok($registry, 'tools/cosign', "$tag.att");
run_ok('copy with signatures', $cosign, 'copy', @insecure, $name,
    $registry->host . '/tools/copy:1');
verify_ok($registry, 'tools/copy', "$tag.sig");

run_ok('clean', $cosign, 'clean', '-f', '--type', 'all', @insecure, $name);
gone_ok($registry, 'tools/cosign', "$tag.sig");
my ($status) = run($cosign, 'verify', '--insecure-ignore-tlog=true',
    @insecure, '--key', "$dir/cosign.pub", $name);
isnt($status, 0, 'an image without its signature is refused');

$registry->stop;
done_testing;
