# SPDX-License-Identifier: Apache-2.0

# crane (go-containerregistry): HEAD, POST, PATCH, PUT.

use OCI::Clients;

my $crane = tool('crane');
my $registry = registry();
my $dir = scratch();
my $repo = $registry->host . '/tools/crane';
my @crane = ($crane, '--insecure');

root_tar("$dir/root.tar");
run_ok('an image of one layer',
    @crane, 'append', '-f', "$dir/root.tar", '-t', "$repo:1");
verify_ok($registry, 'tools/crane', 1);
run_ok('crane validates every byte',
    @crane, 'validate', '--remote', "$repo:1");
run_ok('a second layer',
    @crane, 'append', '-b', "$repo:1", '-f', root_tar("$dir/more.tar", 1000),
    '-t', "$repo:2");
is(scalar @{ verify_ok($registry, 'tools/crane', 2)->{layers} }, 2, 'layers');

run_ok('pull to a file', @crane, 'pull', "$repo:1", "$dir/image.tar");
run_ok('push under another name', @crane, 'push', "$dir/image.tar",
    $registry->host . '/tools/other:1');
is(output_of(@crane, 'config', $registry->host . '/tools/other:1'),
    output_of(@crane, 'config', "$repo:1"), 'the same configuration');
run_ok('export', @crane, 'export', "$repo:1", "$dir/export.tar");
run_ok('unpack', 'tar', '-C', $dir, '-xf', "$dir/export.tar", 'etc/motd');
is(slurp("$dir/etc/motd"), "pushed by a test\n", 'the file is the same');

run_ok('copy within the registry', @crane, 'copy', "$repo:2",
    $registry->host . '/tools/copy:2');
verify_ok($registry, 'tools/copy', 2);
run_ok('an index', @crane, 'index', 'append', '-m', "$repo:1", '-m',
    "$repo:2", '-t', "$repo:all");
is(scalar @{ verify_ok($registry, 'tools/crane', 'all')->{manifests} }, 2,
    'of two images');
run_ok('tag', @crane, 'tag', "$repo:2", 'latest');
is(output_of(@crane, 'ls', $repo), "1\n2\nall\nlatest\n", 'ls');
is(output_of(@crane, 'catalog', $registry->host),
    "tools/copy\ntools/crane\ntools/other\n", 'catalog');

chomp(my $digest = output_of(@crane, 'digest', "$repo:all"));
run_ok('delete', @crane, 'delete', "$repo\@$digest");
gone_ok($registry, 'tools/crane', $digest);
gone_ok($registry, 'tools/crane', 'all');

pulls_ok($registry);
$registry->stop;
done_testing;
