# SPDX-License-Identifier: Apache-2.0

# containerd with its client ctr; Kubernetes pulls images with containerd.

use OCI::Clients;

needs_root('a private containerd');
my $registry = registry();
my $dir = scratch();
my $image = $registry->host . '/tools/containerd';
my $client = OCI::Client->new($registry);

my @ctr = containerd();

# The first image is pushed with OCI::Client, because ctr cannot make images.
my ($pushed, $layer) = real_image($client, 'tools/containerd', 1);

my @plain = ('--plain-http', '--snapshotter', 'native');
run_ok('pull', @ctr, 'images', 'pull', @plain, "$image:1");
ok(output_of(@ctr, 'content', 'get', digest_of($layer)) eq $layer,
    'the layer is the same');
is(output_of(@ctr, 'content', 'get', $pushed->{digest}), $pushed->{text},
    'and the manifest');
run_ok('mounted', @ctr, 'images', 'mount', '--snapshotter', 'native',
    "$image:1", "$dir/run");
is(slurp("$dir/run/etc/motd"), "pushed by a test\n", 'its files are right');
run_ok('unmounted', @ctr, 'images', 'unmount', '--snapshotter', 'native',
    '--rm', "$dir/run");

my $other = $registry->host . '/tools/other';
run_ok('tag', @ctr, 'images', 'tag', "$image:1", "$other:2");
run_ok('push', @ctr, 'images', 'push', '--plain-http', "$other:2");
verify_ok($registry, 'tools/other', 2);
is($client->get('/v2/tools/other/manifests/2', Accept => IMAGE_MANIFEST)->body,
    $pushed->{text}, 'the same manifest');
run_ok('push again, with all content present', @ctr, 'images', 'push',
    '--plain-http', "$other:2");
run_ok('remove', @ctr, 'images', 'rm', '--sync', "$image:1", "$other:2");
run_ok('pull by digest', @ctr, 'images', 'pull', @plain,
    "$other\@$pushed->{digest}");
isnt((run(@ctr, 'images', 'pull', @plain, "$other:absent"))[0], 0,
    'pulling an absent tag fails');

pulls_ok($registry);
$registry->stop;
done_testing;
