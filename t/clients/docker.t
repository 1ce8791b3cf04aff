# SPDX-License-Identifier: Apache-2.0

# docker: the real engine, with a private daemon.

use OCI::Clients;

needs_root('a private dockerd');
my $registry = registry();
my $dir = scratch();
my $host = $registry->host;
my $image = "$host/tools/docker";
my $docker = docker_engine('--insecure-registry', $host);

sub id_of {
    my $name = shift;
    chomp(my $id = output_of($docker, 'image', 'inspect', '-f', '{{.Id}}',
        $name));
    return $id;
}

root_tar("$dir/root.tar");
run_ok('import', $docker, 'import', "$dir/root.tar", "$image:1");
my $id = id_of("$image:1");
run_ok('push', $docker, 'push', "$image:1");
my $document = verify_ok($registry, 'tools/docker', 1);
is($document->{config}{digest}, $id, 'the image id is the config digest');

run_ok('push the same layer to another repository', $docker, 'tag', "$image:1",
    "$host/tools/mounted:1");
like(run_ok('by a mount', $docker, 'push', "$host/tools/mounted:1"),
    qr/Mounted from tools\/docker/, 'docker reports the mount');
verify_ok($registry, 'tools/mounted', 1);

my ($digest) = run_ok('push again, with all content present', $docker, 'push',
    "$image:1") =~ /digest: (sha256:\w+)/;
run_ok('remove it', $docker, 'image', 'rm', '-f', $id);
run_ok('pull by tag', $docker, 'pull', "$image:1");
is(id_of("$image:1"), $id, 'the same image');
run_ok('remove it again', $docker, 'image', 'rm', '-f', $id);
run_ok('pull by digest', $docker, 'pull', "$image\@$digest");
is(id_of("$image\@$digest"), $id, 'the same image');

run_ok('save', $docker, 'save', '-o', "$dir/saved.tar", "$image\@$digest");
mkdir "$dir/saved";
system 'tar', '-C', "$dir/saved", '-xf', "$dir/saved.tar";
my ($layer) = grep { -f } glob "$dir/saved/*/layer.tar";
mkdir "$dir/$_" for qw(pulled pushed);
system 'tar', '-C', "$dir/pulled", '-xf', $layer;
system 'tar', '-C', "$dir/pushed", '-xf', "$dir/root.tar";
is_deeply(tree_of("$dir/pulled"), tree_of("$dir/pushed"), 'the same files');

run_ok('three tags at once', $docker, 'tag', $id, "$image:$_") for qw(a b c);
run_ok('push --all-tags', $docker, 'push', '--all-tags', $image);
tags_are($registry, 'tools/docker', 1, qw(a b c));
$ENV{DOCKER_CLI_EXPERIMENTAL} = 'enabled';
like(output_of($docker, 'manifest', 'inspect', '--insecure', "$image:a"),
    qr/vnd\.docker\.distribution\.manifest\.v2\+json/, 'manifest inspect');
run_ok('manifest create', $docker, 'manifest', 'create', '--insecure',
    "$image:list", "$image:a");
run_ok('manifest push', $docker, 'manifest', 'push', '--insecure',
    "$image:list");
is(scalar @{ verify_ok($registry, 'tools/docker', 'list')->{manifests} }, 1,
    'a list of one');
like((run($docker, 'pull', "$image:absent"))[1],
    qr/manifest unknown|not found/, 'docker reports an absent manifest');

pulls_ok($registry);
$registry->stop;
done_testing;
