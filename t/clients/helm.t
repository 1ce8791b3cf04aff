# SPDX-License-Identifier: Apache-2.0

# helm: charts as artifacts.

use OCI::Clients;

my $helm = tool('helm');
my $registry = registry();
my $dir = scratch();
my $charts = 'oci://' . $registry->host . '/charts';

run_ok('create', $helm, 'create', "$dir/hello");
for my $version (qw(0.1.0 0.2.0+build.7)) {
    run_ok("package $version", $helm, 'package', '--version', $version, '-d',
        $dir, "$dir/hello");
    run_ok("push $version", $helm, 'push', '--plain-http',
        "$dir/hello-$version.tgz", $charts);
    (my $tag = $version) =~ tr/+/_/;
    verify_ok($registry, 'charts/hello', $tag);
    run_ok("pull $version", $helm, 'pull', '--plain-http', '--version',
        $version, '-d', "$dir/run", "$charts/hello");
    ok(slurp("$dir/run/hello-$version.tgz") eq slurp("$dir/hello-$version.tgz"),
        'the same bytes');
}
like(output_of($helm, 'show', 'chart', '--plain-http', '--version', '>0.1.0-0',
    "$charts/hello"), qr/^version: 0\.[12]\.0/m, 'found with a version range');
tags_are($registry, 'charts/hello', '0.1.0', '0.2.0_build.7');

$registry->stop;
done_testing;
