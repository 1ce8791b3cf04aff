# SPDX-License-Identifier: Apache-2.0

# buildah: an image from scratch is pushed, pulled and mounted.

use OCI::Clients;

needs_root('buildah with a private store');
my $buildah = system_tool('buildah');
my $registry = registry();
my $dir = scratch();
my $image = $registry->host . '/tools/buildah';
my @buildah = ($buildah, '--root', "$dir/root", '--runroot', "$dir/runroot",
    '--storage-driver', 'vfs');
spew("$dir/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}');
my @options = ('--signature-policy', "$dir/policy.json", '--tls-verify=false');

root_tar("$dir/root.tar");
chomp(my $container = output_of(@buildah, 'from', 'scratch'));
run_ok('add', @buildah, 'add', $container, "$dir/root.tar", '/');
run_ok('config', @buildah, 'config', '--label', 'made=here', $container);
run_ok('commit straight to the registry', @buildah, 'commit', @options,
    $container, "docker://$image:direct");
verify_ok($registry, 'tools/buildah', 'direct');
run_ok('commit', @buildah, 'commit', '--signature-policy', "$dir/policy.json",
    $container, "$image:1");
run_ok('push', @buildah, 'push', @options, "$image:1");
verify_ok($registry, 'tools/buildah', 1);
run_ok('push as v2s2', @buildah, 'push', @options, '--format', 'v2s2',
    "$image:1", "docker://$image:v2s2");
verify_ok($registry, 'tools/buildah', 'v2s2');

run_ok('remove all containers', @buildah, 'rm', '-a');
run_ok('remove all images', @buildah, 'rmi', '-f', '-a');
chomp($container = output_of(@buildah, 'from', '--pull-always', @options,
    "$image:1"));
chomp(my $where = output_of(@buildah, 'mount', $container));
mkdir "$dir/pushed";
system 'tar', '-C', "$dir/pushed", '-xf', "$dir/root.tar";
is_deeply(tree_of($where), tree_of("$dir/pushed"), 'the same files');
run_ok('unmount', @buildah, 'umount', $container);

# An image from a Dockerfile whose base is in the registry.
spew("$dir/Dockerfile", "FROM $image:1\nCOPY note /note\n");
spew("$dir/note", "on top\n");
run_ok('bud', @buildah, 'bud', @options, '--layers', '-t', "$image:2", '-f',
    "$dir/Dockerfile", $dir);
run_ok('push the new image', @buildah, 'push', @options, "$image:2");
is(scalar @{ verify_ok($registry, 'tools/buildah', 2)->{layers} }, 2,
    'two layers');

$registry->stop;
done_testing;
