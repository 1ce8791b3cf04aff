# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/_mod_oci/manifests/<reference>: a manifest and all that belongs to
# it.

use OCI::Test;

my $server = OCI::Server->start(config => 'OCISync Off');
my $client = OCI::Client->new($server);
my $repo = 'details/of';
my $DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
my $DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
my $nothing = descriptor('{}', 'application/vnd.oci.empty.v1+json');
my $TIME = qr/\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/;

sub details {
    my ($reference, $name) = @_;
    return $client->get('/v2/' . ($name // $repo)
        . "/_mod_oci/manifests/$reference");
}

sub json_of { details(@_)->json }

# An image, all members.
my $config = json_text({ architecture => 'amd64', os => 'linux',
    config => { Labels => { x => "\x{e4}<b>" } } });
my $image = $client->push_image($repo, 'v1', config => $config,
    layers => [ 'one', 'three' ], annotations => { 'org.example' => '<i>' });
$client->push_manifest($repo, 'latest', $image->{text});
my $res = details('v1');
status_is($res, 200, 'an image');
header_is($res, 'Content-Type', 'application/json');
header_is($res, 'Cache-Control', 'no-cache');
header_is($res, 'X-Content-Type-Options', 'nosniff');
header_is($client->head("/v2/$repo/_mod_oci/manifests/v1"), 'Content-Length',
    length $res->body, 'HEAD');
status_is($client->get("/v2/$repo/_mod_oci/$_?colour=red"), 200,
    "$_: a parameter that is not known") for 'tags', 'manifests/v1';
my $json = $res->json;
like(delete $json->{pushed}, $TIME, 'when it was pushed');
is_deeply($json, {
    name => $repo, digest => $image->{digest}, mediaType => IMAGE_MANIFEST,
    artifactType => IMAGE_CONFIG, size => length $image->{text},
    totalSize => length($image->{text} . $config . 'one' . 'three'),
    kind => 'image', tags => [qw(latest v1)],
    manifest => JSON::PP::decode_json($image->{text}),
    config => JSON::PP::decode_json($config), referrers => [],
    mayDelete => { tag => JSON::PP::true(), digest => JSON::PP::true() },
}, 'its members');
$json = json_of($image->{digest});
is_deeply($json->{mayDelete}, { digest => JSON::PP::true() },
    'by digest there is no tag to delete');

# Layers that are named twice count once.
my $twice = $client->push_image($repo, 'twice', layers => [ ('same') x 3 ]);
is(json_of('twice')->{totalSize}, length($twice->{text} . '{}' . 'same'),
    'each layer counts once');

# Other kinds.
sub push_kind {
    my ($tag, $document, $type) = @_;
    $client->push_blob($repo, '{}');
    $client->push_manifest($repo, $tag, $document, $type);
    return json_of($tag);
}
for my $case (
    [ 'application/vnd.cncf.helm.config.v1+json', 'helm', 1 ],
    [ 'application/vnd.docker.container.image.v1+json', 'image', 1 ],
    [ 'application/vnd.example.config', 'artifact', 0 ]
) {
    my ($type, $kind, $has_config) = @$case;
    $json = push_kind("config-$kind", { schemaVersion => 2,
        mediaType => IMAGE_MANIFEST, config => descriptor('{}', $type),
        layers => [] });
    is($json->{kind}, $kind, $type);
    is($json->{artifactType}, $type, 'the type of the config');
    is(exists $json->{config} ? 1 : 0, $has_config, 'its config');
}
for my $case (
    [ 'application/vnd.dev.cosign.simplesigning.v1+json', 'signature' ],
    [ 'application/vnd.in-toto+json', 'attestation' ],
    [ 'application/spdx+json', 'sbom' ]
) {
    $json = push_kind('layer', image_manifest('{}', [],
        layers => [ descriptor('{}', $case->[0]) ]));
    is($json->{kind}, $case->[1], "a layer $case->[0]");
}
$json = push_kind('docker', { schemaVersion => 2, mediaType => $DOCKER,
    config => descriptor('{}', 'application/vnd.docker.container.image.v1+json'),
    layers => [ descriptor('{}',
        'application/vnd.docker.image.rootfs.diff.tar.gzip') ] });
is($json->{kind}, 'image', 'an image of Docker');
is_deeply($json->{config}, {}, 'its config');

# Indexes: nested, with platforms, with what is not there.
my $arm = $client->push_image($repo, undef, layers => [ 'one', 'arm' ]);
my %amd = %{ descriptor($image->{text}, IMAGE_MANIFEST,
    platform => { os => 'linux', architecture => 'amd64' },
    annotations => { of => 'amd' }) };
my %arm = %{ descriptor($arm->{text}, IMAGE_MANIFEST, artifactType => 'x/y',
    platform => { os => 'linux', architecture => 'arm64', variant => 'v8' }) };
my $index = json_text({ schemaVersion => 2, mediaType => IMAGE_INDEX,
    manifests => [ \%amd, \%arm ] });
$json = push_kind('index', $index);
is($json->{kind}, 'index', 'an index');
my $amd_size = length($image->{text} . $config . 'one' . 'three');
my $arm_size = length($arm->{text} . '{}' . 'one' . 'arm');
is($json->{totalSize}, length($index) + $amd_size + $arm_size - length 'one',
    'what two images share counts once');
is_deeply($json->{children}, [
    { digest => $amd{digest}, mediaType => IMAGE_MANIFEST, size => $amd{size},
      totalSize => $amd_size, platform => 'linux/amd64',
      present => JSON::PP::true(), annotations => { of => 'amd' } },
    { digest => $arm{digest}, mediaType => IMAGE_MANIFEST, size => $arm{size},
      totalSize => $arm_size, platform => 'linux/arm64/v8',
      artifactType => 'x/y', present => JSON::PP::true() },
], 'its children');
ok(!exists $json->{incomplete}, 'it is complete');
my $outer = json_text(image_index([ $index, $image->{text} ]));
$json = push_kind('outer', $outer);
is($json->{totalSize}, length($outer . $index) + $amd_size + $arm_size
    - length 'one', 'an index in an index');
$json = push_kind('list', { schemaVersion => 2, mediaType => $DOCKER_LIST,
    manifests => [ { %amd, mediaType => $DOCKER } ] });
is($json->{kind}, 'index', 'a list of Docker');
status_is($client->delete("/v2/$repo/manifests/$arm->{digest}"), 202);
$json = json_of('index');
is_deeply($json->{children}[1]{present}, JSON::PP::false(), 'a child is missing');
ok($json->{incomplete}, 'so the index is incomplete');
is($json->{totalSize}, length($index) + $amd_size + $arm{size},
    'and the child counts with its stated size');

# Referrers: by subject and by tag.
my $subject = descriptor($image->{text}, IMAGE_MANIFEST);
my $sbom = json_text({ schemaVersion => 2, mediaType => IMAGE_MANIFEST,
    artifactType => 'application/spdx+json', config => $nothing, layers => [],
    subject => $subject, annotations => { long => 'x' x 5000,
        cut => "\x{e4}" x 4000, '<img src=x>' => '<script>' } });
$client->push_manifest($repo, undef, $sbom);
(my $base = $image->{digest}) =~ s/:/-/;
my $signature = json_text(image_manifest('{}', [], layers =>
    [ descriptor('{}', 'application/vnd.dev.cosign.simplesigning.v1+json') ]));
$client->push_manifest($repo, "$base.sig", $signature);
$json = json_of('v1');
is_deeply($json->{referrers}, [
    { digest => digest_of($sbom), mediaType => IMAGE_MANIFEST, kind => 'sbom',
      artifactType => 'application/spdx+json', size => length $sbom,
      annotations => { long => 'x' x 4096 . "\x{2026}",
          cut => "\x{e4}" x 2048 . "\x{2026}", '<img src=x>' => '<script>' } },
    { digest => digest_of($signature), mediaType => IMAGE_MANIFEST,
      kind => 'signature', artifactType => IMAGE_CONFIG, tag => "$base.sig",
      size => length $signature },
], 'referrers by subject and by tag');

# Large annotations, and more than 200 children and referrers.
my $huge = json_text(image_manifest('{}', [], annotations => { of => 'huge' }));
$client->push_manifest($repo, 'huge', $huge);
my %huge = %{ descriptor($huge, IMAGE_MANIFEST) };
$client->push_manifest($repo, undef, json_text(image_manifest('{}', [],
    subject => \%huge, annotations => { big => 'x' x (1024 * 1024) })));
$res = details('huge');
cmp_ok(length $res->body, '<', 16384, 'an annotation of 1 MiB is cut');
is(length $res->json->{referrers}[0]{annotations}{big}, 4097, 'after 4 KiB');
$json = push_kind('wide', { schemaVersion => 2, mediaType => IMAGE_INDEX,
    manifests => [ (\%huge) x 201 ] });
is(scalar @{ $json->{children} }, 200, '200 of 201 children');
ok($json->{moreChildren}, 'there is one more');
$client->push_manifest($repo, undef, image_manifest('{}', [],
    subject => descriptor($signature, IMAGE_MANIFEST),
    annotations => { number => "$_" })) for 1 .. 201;
$json = json_of("$base.sig");
is(scalar @{ $json->{referrers} }, 200, '200 of 201 referrers');
ok($json->{moreReferrers}, 'there is one more');

# Large manifests and many tags.
my $large = json_text(image_manifest('{}', [],
    annotations => { big => 'x' x (1024 * 1024) }));
$json = push_kind('large', $large);
ok($json->{manifestTooLarge} && !exists $json->{manifest},
    'a manifest of more than 1 MiB is left out');
is($json->{size}, length $large, 'its size');
my $many = json_text(image_manifest('{}', [], annotations => { of => 'many' }));
my @many = map { sprintf 'm%04d', $_ } 1 .. 3000;
for (my $i = 0; $i < @many; $i += 500) {
    $client->put("/v2/$repo/manifests/" . digest_of($many) . '?'
        . join('&', map { "tag=$_" } @many[ $i .. $i + 499 ]), $many,
        'Content-Type' => IMAGE_MANIFEST)->status == 201 or die;
}
$json = json_of('m1500');
is_deeply($json->{tags}, [ @many[ 0 .. 99 ] ], 'a hundred of 3,000 tags');
ok($json->{moreTags}, 'there are more');

# Errors.
error_is(details('none'), 404, 'MANIFEST_UNKNOWN', undef, 'an unknown tag');
error_is(details('sha256:' . '0' x 64), 404, 'MANIFEST_UNKNOWN', undef,
    'an unknown digest');
error_is(details('v1', 'no/repository'), 404, 'MANIFEST_UNKNOWN', undef,
    'an unknown repository');
error_is(details('sha256:0'), 400, 'DIGEST_INVALID', undef, 'a bad digest');
error_is(details('.x'), 400, 'MANIFEST_INVALID', undef, 'a bad tag');
error_is(details('v1', 'UPPER'), 400, 'NAME_INVALID', undef, 'a bad name');
for my $method (qw(PUT POST PATCH DELETE)) {
    $res = $client->request($method, "/v2/$repo/_mod_oci/manifests/v1", {},
        $method eq 'DELETE' ? undef : '');
    error_is($res, 405, 'UNSUPPORTED', undef, $method);
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
}

# What may be deleted, and when a manifest was pulled.
my @cases = (
    [ 'OCIReadOnly On',             0, 0 ],
    [ 'OCITagDelete Off',           0, 0 ],
    [ 'OCIManifestDelete Off',      1, 0 ],
    [ 'OCIImmutable ** tags=v1',    0, 0 ],
    [ 'OCIImmutable ** tags=other', 1, 1 ],
    [ 'OCIPullTime On',             1, 1 ],
);
$client->push_image("policy$_", 'v1') for 0 .. $#cases;
$server->set(after => join '', map {
    qq(<Location "/v2/policy$_/">\n$cases[$_][0]\n</Location>\n) } 0 .. $#cases);
$server->graceful;
$client->close;
for my $i (0 .. $#cases) {
    my ($line, $tag, $digest) = @{ $cases[$i] };
    $json = json_of('v1', "policy$i");
    is_deeply([ map { $_ ? 1 : 0 } @{ $json->{mayDelete} }{qw(tag digest)} ],
        [ $tag, $digest ], $line);
}
ok(!exists $json->{pulled}, 'a list is not a pull');
$client->get("/v2/policy$#cases/manifests/v1");
like(json_of('v1', "policy$#cases")->{pulled}, $TIME, 'when it was pulled');
like($client->get("/v2/policy$#cases/_mod_oci/tags")->json->{tags}[0]{pulled},
    $TIME, 'also in the list of tags');
$server->stop;
# A client may state any size of content that is not in the registry.
my $elsewhere = { %{ descriptor('x', 'application/vnd.oci.image.layer.nondistributable'
    . '.v1.tar') }, urls => ['https://example.org/x'], size => 12345 };
my $sum = json_text({ schemaVersion => 2, mediaType => IMAGE_MANIFEST,
    config => descriptor('{}', 'application/vnd.oci.image.config.v1+json'),
    layers => [$elsewhere] }) =~ s/12345/9223372036854775807/r;
{
    my $server = OCI::Server->start;
    my $client = OCI::Client->new($server);
    $client->push_blob('huge', '{}');
    status_is($client->put('/v2/huge/manifests/v1', $sum,
        'Content-Type' => IMAGE_MANIFEST), 201, 'a layer of 8 EiB elsewhere');
    my $json = $client->get('/v2/huge/_mod_oci/manifests/v1')->json;
    is("$json->{totalSize}", '9223372036854775807', 'the total is the largest');
    ok($json->{incomplete}, 'and incomplete');
    $server->stop;
}

done_testing;
