# SPDX-License-Identifier: Apache-2.0

# skopeo: copies in every direction, both manifest formats, sync, delete.

use OCI::Clients;

my $skopeo = system_tool('skopeo');
my $registry = registry();
my $dir = scratch();
my $repo = 'docker://' . $registry->host . '/tools/skopeo';
my $client = OCI::Client->new($registry);
my @copy = ($skopeo, '--insecure-policy', '--tmpdir', $dir, 'copy', '-q');
my $from = '--src-tls-verify=false';
my $to = '--dest-tls-verify=false';

root_tar("$dir/root.tar");
my $layer = slurp("$dir/root.tar");
my $pushed = $client->push_image('tools/skopeo', 'first', layers => [$layer],
    config => json_text({ architecture => 'amd64', os => 'linux', config => {},
        rootfs => { type => 'layers', diff_ids => [ digest_of($layer) ] },
        history => [ { created_by => 'a test' } ] }));

for my $format (qw(oci v2s2)) {
    run_ok("within the registry, as $format", @copy, $from, $to, '-f', $format,
        "$repo:first", "$repo:$format");
    my $document = verify_ok($registry, 'tools/skopeo', $format);
    run_ok("$format to a directory", @copy, $from, "$repo:$format",
        "dir:$dir/$format");
    run_ok("$format from a directory", @copy, $to, "dir:$dir/$format",
        "$repo-back:$format");
    verify_ok($registry, 'tools/skopeo-back', $format);
    run_ok("$format to a directory again", @copy, $from, "$repo-back:$format",
        "dir:$dir/$format-again");
    is_deeply(tree_of("$dir/$format-again"), tree_of("$dir/$format"),
        'the same bytes');
    ok(exists { reverse %{ tree_of("$dir/$format") } }->{ digest_of($layer) }
        || $document->{layers}[0]{digest} ne digest_of($layer),
        'the directory has the layer');
}
run_ok('to a layout', @copy, $from, "$repo:oci", "oci:$dir/layout:1");
run_ok('from the layout', @copy, $to, "oci:$dir/layout:1",
    "$repo-layout:1");
verify_ok($registry, 'tools/skopeo-layout', 1);

$client->push_manifest('tools/skopeo', 'all', image_index([ $pushed->{text},
    $client->get('/v2/tools/skopeo/manifests/oci', Accept => IMAGE_MANIFEST)
        ->body ]));
run_ok('an index with all its images', @copy, '--all', $from, $to, "$repo:all",
    "$repo-index:all");
is(scalar @{ verify_ok($registry, 'tools/skopeo-index', 'all')->{manifests} },
    2, 'both images');

like(output_of($skopeo, 'inspect', '--tls-verify=false', "$repo:first"),
    qr/"Digest": "\Q$pushed->{digest}\E"/, 'inspect');
is(output_of($skopeo, 'inspect', '--raw', '--tls-verify=false', "$repo:first"),
    $pushed->{text}, 'inspect --raw');
like(output_of($skopeo, 'list-tags', '--tls-verify=false', $repo),
    qr/"all",\s+"first",\s+"oci",\s+"v2s2"/, 'list-tags');
run_ok('delete', $skopeo, 'delete', '--tls-verify=false', "$repo:oci");
gone_ok($registry, 'tools/skopeo', 'oci');

pulls_ok($registry);
$registry->stop;
done_testing;
