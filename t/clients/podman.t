# SPDX-License-Identifier: Apache-2.0

# podman: push and pull with both manifest formats, and a manifest list.

use OCI::Clients;

needs_root('podman with a private store');
my $registry = registry();
my $dir = scratch();
my $image = $registry->host . '/tools/podman';
my ($podman, $policy) = podman();
my @podman = @$podman;
my @policy = @$policy;
my $insecure = '--tls-verify=false';

sub id_of {
    chomp(my $id = output_of(@podman, 'image', 'inspect', '-f', '{{.Id}}',
        $_[0]));
    return $id;
}

root_tar("$dir/root.tar");
run_ok('import', @podman, 'import', @policy, "$dir/root.tar", "$image:1");
my $id = id_of("$image:1");
for my $format (qw(oci v2s2)) {
    run_ok("push as $format", @podman, 'push', @policy, $insecure, '--format',
        $format, "$image:1", "$image:$format");
    my $document = verify_ok($registry, 'tools/podman', $format);
    like($document->{mediaType} // 'oci', $format eq 'oci' ? qr/oci/ : qr/docker/,
        'its type');
    run_ok("pull $format", @podman, 'pull', @policy, $insecure,
        "$image:$format");
    run_ok("save $format", @podman, 'save', '-o', "$dir/$format.tar",
        "$image:$format");
}
is(id_of("$image:oci"), $id, 'the same image');
run_ok('remove all', @podman, 'rmi', '-f', '-a');
run_ok('pull after that', @podman, 'pull', @policy, $insecure, "$image:oci");
is(id_of("$image:oci"), $id, 'the same image again');
chomp(my $where = output_of(@podman, 'image', 'mount', "$image:oci"));
mkdir "$dir/pushed";
system 'tar', '-C', "$dir/pushed", '-xf', "$dir/root.tar";
is_deeply(tree_of($where), tree_of("$dir/pushed"), 'the same files');

run_ok('list', @podman, 'manifest', 'create', "$image:all");
run_ok('add', @podman, 'manifest', 'add', $insecure, "$image:all",
    "docker://$image:oci");
run_ok('push the list', @podman, 'manifest', 'push', $insecure, '--all',
    "$image:all", "docker://$image:all");
verify_ok($registry, 'tools/podman', 'all');
like(output_of(@podman, 'search', $insecure, '--list-tags', $image),
    qr/ all\n.* oci\n.* v2s2\n/, 'search --list-tags');
run_ok('unmount', @podman, 'image', 'unmount', '-a');

pulls_ok($registry);
$registry->stop;
done_testing;
