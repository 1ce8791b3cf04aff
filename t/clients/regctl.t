# SPDX-License-Identifier: Apache-2.0

# regctl (regclient): anonymous mounts, chunks, deletion of single tags.

use OCI::Clients;

my $regctl = tool('regctl');
my $registry = registry();
my $dir = scratch();
my $host = $registry->host;
my $repo = "$host/tools/regctl";

# Small chunks, so that a layer needs many PATCH requests.
run_ok('registry set', $regctl, 'registry', 'set', $host, '--tls', 'disabled',
    '--blob-chunk', 300_000, '--blob-max', 600_000);

my $bytes = random_bytes(2_000_000);
spew("$dir/data.bin", $bytes);
run_ok('artifact put', { in => $dir }, $regctl, 'artifact', 'put',
    '--artifact-type', 'application/vnd.test', '-f', 'data.bin', "$repo:1");
verify_ok($registry, 'tools/regctl', 1);
ok(output_of($regctl, 'artifact', 'get', "$repo:1") eq $bytes,
    'the same bytes');

run_ok('a referrer', { in => $dir }, $regctl, 'artifact', 'put',
    '--artifact-type', 'application/vnd.test.note', '--subject', "$repo:1",
    '-f', 'data.bin');
like(output_of($regctl, 'artifact', 'list', "$repo:1"),
    qr/vnd\.test\.note/, 'is listed');

run_ok('copy', $regctl, 'image', 'copy', '--referrers', "$repo:1",
    "$host/tools/copy:1");
verify_ok($registry, 'tools/copy', 1);
run_ok('to an archive', $regctl, 'image', 'export', "$repo:1", "$dir/a.tar");
run_ok('from an archive', $regctl, 'image', 'import', "$host/tools/back:1",
    "$dir/a.tar");
verify_ok($registry, 'tools/back', 1);
is(output_of($regctl, 'image', 'digest', "$host/tools/back:1"),
    output_of($regctl, 'image', 'digest', "$repo:1"), 'the same digest');

run_ok('a second tag', $regctl, 'image', 'copy', "$repo:1", "$repo:2");
is(output_of($regctl, 'tag', 'ls', $repo), "1\n2\n", 'tag ls');
like(output_of($regctl, 'repo', 'ls', $host), qr{^tools/copy$}m, 'repo ls');
run_ok('tag delete', $regctl, 'tag', 'delete', "$repo:2");
tags_are($registry, 'tools/regctl', 1);
run_ok('manifest delete', $regctl, 'manifest', 'delete',
    '--force-tag-dereference', "$repo:1");
gone_ok($registry, 'tools/regctl', 1);

$registry->stop;
done_testing;
