# SPDX-License-Identifier: Apache-2.0

# ko: an image built from Go, pushed without a container engine.

use OCI::Clients;

my $ko = tool('ko');
chomp(my @go = `go env GOMODCACHE GOCACHE GOPROXY 2>/dev/null`);
plan(skip_all => 'ko needs Go') if @go != 3;
my $registry = registry();
my $dir = scratch();
my $client = OCI::Client->new($registry);

# The base image is also in the registry under test.
my $arch = qx(go env GOARCH) =~ s/\n//r;
$client->push_image('base', 'latest', config => json_text({
    architecture => $arch, os => 'linux', config => {},
    rootfs => { type => 'layers', diff_ids => [ digest_of('a base') ] },
    history => [ { created_by => 'a test' } ] }), layers => ['a base']);

spew("$dir/go.mod", "module example.com/hello\n\ngo 1.21\n");
spew("$dir/main.go", "package main\n\nfunc main() { println(\"hello\") }\n");
my %env = (
    GOMODCACHE => $go[0], GOCACHE => $go[1], GOPROXY => $go[2],
    GOTOOLCHAIN => 'local', GOFLAGS => '-buildvcs=false',
    KO_DOCKER_REPO => $registry->host . '/tools/ko',
    KO_DEFAULTBASEIMAGE => $registry->host . '/base'
);
my $built = run_ok('build and push', { in => $dir, env => \%env }, $ko, 'build',
    '--insecure-registry', '--bare', '--sbom=spdx', '-t', 'v1', '.');
like($built, qr{tools/ko:v1\@sha256:|tools/ko\@sha256:}, 'prints its name');
my $document = verify_ok($registry, 'tools/ko', 'v1');
cmp_ok(scalar @{ $document->{layers} }, '>', 1, 'the base and another layer');
run_ok('again, with all content present', { in => $dir, env => \%env }, $ko,
    'build', '--insecure-registry', '--bare', '-t', 'v2', '.');
my $again = verify_ok($registry, 'tools/ko', 'v2');
is_deeply($again->{layers}, $document->{layers}, 'the same layers');

$registry->stop;
done_testing;
