# SPDX-License-Identifier: Apache-2.0

# buildkit: images for two platforms, attestations, the registry as a cache.

use OCI::Clients;

needs_root('a private buildkitd');
my $buildctl = tool('buildctl');
my $buildkitd = tool('buildkitd');
system_tool('runc');
my $registry = registry();
my $dir = scratch();
my $host = $registry->host;

# A new builder, whose only cache is the registry.
sub builder {
    my $name = shift;
    spew("$dir/$name.toml", qq([registry."$host"]\n  http = true\n));
    my $address = "unix://$dir/$name.sock";
    my @buildctl = ($buildctl, '--addr', $address);
    my $daemon = daemon(sub { (run(@buildctl, 'debug', 'workers'))[0] == 0 },
        $buildkitd, '--config', "$dir/$name.toml", '--root', "$dir/$name",
        '--addr', $address, '--oci-worker-snapshotter=native',
        '--containerd-worker=false', '--oci-worker=true',
        '--oci-worker-net=host', '--oci-worker-gc=false');
    return ($daemon, @buildctl, 'build', '--frontend', 'dockerfile.v0',
        '--local', "context=$dir/context", '--local',
        "dockerfile=$dir/context", '--progress', 'plain');
}

mkdir "$dir/context";
spew("$dir/context/data.bin", random_bytes(1_000_000));
spew("$dir/context/Dockerfile", <<'END');
FROM scratch AS first
COPY data.bin /data.bin
FROM scratch
COPY --from=first /data.bin /second.bin
END

my ($daemon, @build) = builder('one');
run_ok('build, push, export the cache', @build, '--output',
    "type=image,name=$host/tools/buildkit:1,push=true", '--export-cache',
    "type=registry,ref=$host/tools/cache:1,mode=max");
verify_ok($registry, 'tools/buildkit', 1);
verify_ok($registry, 'tools/cache', 1);
run_ok('the cache as an index of layers', @build, '--output',
    "type=image,name=$host/tools/buildkit:2,push=true", '--export-cache',
    "type=registry,ref=$host/tools/cache:index,mode=max,image-manifest=false");
my ($cache) = verify($registry, 'tools/cache', 'index');
is($cache->{mediaType}, IMAGE_INDEX, 'is an index');
run_ok('two platforms, with attestations', @build, '--opt',
    'platform=linux/amd64,linux/arm64', '--opt', 'attest:provenance=mode=max',
    '--output', "type=image,name=$host/tools/buildkit:multi,push=true");
my $index = verify_ok($registry, 'tools/buildkit', 'multi');
is(scalar @{ $index->{manifests} }, 4, 'two images, two attestations');
$daemon->stop;

($daemon, @build) = builder('two');
for my $ref (qw(1 index)) {
    my $output = run_ok("a new builder uses the cache $ref", @build,
        '--output', "type=image,name=$host/tools/other:$ref,push=true",
        '--import-cache', "type=registry,ref=$host/tools/cache:$ref");
    like($output, qr/CACHED/, 'and does not build anything');
    verify_ok($registry, 'tools/other', $ref);
}
is_deeply(
    (verify($registry, 'tools/other', 1))[0]->{layers},
    (verify($registry, 'tools/buildkit', 1))[0]->{layers},
    'the same layers');
spew("$dir/context/Dockerfile", "FROM $host/tools/buildkit:1\nCOPY data.bin /\n");
run_ok('pull a base', @build, '--output',
    "type=local,dest=$dir/files");
ok(slurp("$dir/files/second.bin") eq slurp("$dir/context/data.bin"),
    'the same bytes');
$daemon->stop;

$registry->stop;
done_testing;
