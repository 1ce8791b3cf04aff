# SPDX-License-Identifier: Apache-2.0

# oras: artifacts, referrers, copies.

use OCI::Clients;

my $oras = tool('oras');
my $registry = registry();
my $dir = scratch();
my $repo = $registry->host . '/tools/oras';
my @plain = ('--plain-http', '--no-tty');

my $bytes = random_bytes(2_000_000);
spew("$dir/data.bin", $bytes);
spew("$dir/note.txt", "a note\n");
spew("$dir/empty", '');
run_ok('push', { in => $dir }, $oras, 'push', @plain, '--artifact-type',
    'application/vnd.test', "$repo:1,latest", 'data.bin:application/x-data',
    'note.txt:text/plain', 'empty:text/plain');
my $document = verify_ok($registry, 'tools/oras', 1);
is($document->{artifactType}, 'application/vnd.test', 'its type');
run_ok('pull', $oras, 'pull', @plain, '-o', "$dir/out", "$repo:1");
ok(slurp("$dir/out/data.bin") eq $bytes, 'the same bytes');
ok(-e "$dir/out/empty" && -z _, 'the empty file too');

run_ok('attach', { in => $dir }, $oras, 'attach', '--plain-http',
    '--artifact-type', 'application/vnd.test.sbom', "$repo:1",
    'note.txt:text/plain');
run_ok('attach another kind', { in => $dir }, $oras, 'attach', '--plain-http',
    '--artifact-type', 'application/vnd.test.sign', "$repo:1",
    'note.txt:text/plain');
my $found = output_of($oras, 'discover', '--plain-http', '--format', 'json',
    "$repo:1");
is_deeply([ sort map { $_->{artifactType} }
        @{ JSON::PP::decode_json($found)->{referrers} } ],
    [ 'application/vnd.test.sbom', 'application/vnd.test.sign' ], 'discover');
$found = output_of($oras, 'discover', '--plain-http', '--format', 'json',
    '--artifact-type', 'application/vnd.test.sign', "$repo:1");
is(scalar @{ JSON::PP::decode_json($found)->{referrers} }, 1,
    'discover one kind');

my $copy = $registry->host . '/tools/copy';
run_ok('copy with its referrers', $oras, 'cp', '-r',
    '--from-plain-http', '--to-plain-http', '--no-tty', "$repo:1", "$copy:1");
verify_ok($registry, 'tools/copy', 1);
$found = output_of($oras, 'discover', '--plain-http', '--format', 'json',
    "$copy:1");
is(scalar @{ JSON::PP::decode_json($found)->{referrers} }, 2,
    'the copy has both');

is(output_of($oras, 'repo', 'tags', '--plain-http', $repo), "1\nlatest\n",
    'tags');
is(output_of($oras, 'repo', 'ls', '--plain-http', $registry->host),
    "tools/copy\ntools/oras\n", 'repositories');
is(output_of($oras, 'blob', 'fetch', '--plain-http', '-o', '-',
    "$repo\@" . digest_of("a note\n")), "a note\n", 'a blob');
run_ok('delete a blob', $oras, 'blob', 'delete', '--plain-http', '-f',
    "$copy\@" . digest_of("a note\n"));
run_ok('delete a manifest', $oras, 'manifest', 'delete', '--plain-http', '-f',
    "$repo:1");
gone_ok($registry, 'tools/oras', 'latest');

pulls_ok($registry);
$registry->stop;
done_testing;
