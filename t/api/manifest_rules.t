# SPDX-License-Identifier: Apache-2.0

# The rules for a pushed manifest: each is broken once, and nothing is stored.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $repo = 'rules';
my $base = "/v2/$repo/manifests";
my $good = image_manifest('{}', ['layer']);
my $config = $good->{config};
my $layer = $good->{layers}[0];
$client->push_blob($repo, $_) for '{}', 'layer';

sub put {
    my ($reference, $text, $type) = @_;
    return $client->put("$base/$reference", $text,
        'Content-Type' => $type // IMAGE_MANIFEST);
}

# The valid manifest with members changed or removed; undef is JSON's null.
my $gone = \'gone';

sub with {
    my %change = @_;
    my %document = (%$good, %change);
    delete @document{ grep { ($change{$_} // '') eq $gone } keys %change };
    return json_text(\%document);
}

sub with_layer { with(layers => [ { %$layer, @_ } ]) }

sub without_layer {
    my %changed = %$layer;
    delete $changed{ $_[0] };
    return with(layers => [ \%changed ]);
}

sub replaced {
    my ($from, $to) = @_;
    my $text = json_text($good);
    $text =~ s/$from/$to/ or die "$from is not there";
    return $text;
}

my $docker = 'application/vnd.docker.distribution.manifest';
my @cases = (
    [ 'no bytes', '', qr/JSON/ ],
    [ 'not JSON', 'manifest', qr/JSON/ ],
    [ 'cut short', substr(json_text($good), 0, -1), qr/JSON/ ],
    [ 'more text after the end', json_text($good) . '{}', qr/JSON/ ],
    [ 'a byte order mark', "\xef\xbb\xbf" . json_text($good), qr/JSON/ ],
    [ 'UTF-16', join('', map { "$_\0" } split //, json_text($good)), qr/JSON/ ],
    [ 'a comma too much', replaced(qr/\}\z/, ',}'), qr/JSON/ ],
    [ 'an array', '[]', qr/object/ ],
    [ 'a string', '"x"', qr/object|JSON/ ],
    [ 'null', 'null', qr/object|JSON/ ],
    [ 'a number', '2', qr/object|JSON/ ],
    [ 'an empty object', '{}', qr/schemaVersion/ ],
    [ 'invalid UTF-8', with(annotations => { a => 'XX' }) =~ s/XX/\xff\xfe/r,
        qr/JSON/ ],
    [ 'overlong UTF-8', with(annotations => { a => 'XX' }) =~ s/XX/\xc0\xaf/r,
        qr/JSON/ ],
    [ 'a single surrogate', with(artifactType => 'XX') =~ s/XX/\\ud800/r,
        qr/artifactType/ ],
    [ 'a NUL', with(artifactType => 'XX') =~ s/XX/\\u0000/r, qr/artifactType/ ],
    [ 'a NUL in a media type', with_layer(mediaType => 'a/XX')
        =~ s/XX/\\u0000/r, qr/mediaType/ ],
    [ 'a raw control character', with(annotations => { a => 'XX' }) =~ s/XX/\n/r,
        qr/JSON/ ],
    [ 'a duplicate member', replaced(qr/^\{/,
    '{"schemaVersion":2,'), qr/duplicate/i ],
    [ 'a duplicate member, by an escape', replaced(qr/^\{/,
    '{"\u0073chemaVersion":2,'),
        qr/duplicate/i ],
    [ 'a duplicate member in a descriptor', replaced(qr/"size":2\b/,
    '"size":2,"size":2'),
        qr/duplicate/i ],
    [ 'no schemaVersion', with(schemaVersion => $gone), qr/schemaVersion/ ],
    [ 'schemaVersion 3', with(schemaVersion => 3), qr/schemaVersion/ ],
    [ 'schemaVersion "2"', with(schemaVersion => '2'), qr/schemaVersion/ ],
    [ 'schemaVersion 2.5', with(schemaVersion => 2.5), qr/schemaVersion/ ],
    [ 'schemaVersion 1', with(schemaVersion => 1), qr/schema 1/ ],
    [ 'schema 1', json_text({ schemaVersion => 1, name => 'a', tag => 'b',
        fsLayers => [], history => [], architecture => 'amd64' }), qr/schema 1/,
        "$docker.v1+json" ],
    [ 'signed schema 1', json_text({ schemaVersion => 1, name => 'a',
        signatures => [] }), qr/schema 1/, "$docker.v1+prettyjws" ],
    [ 'no config', with(config => $gone), qr/config/ ],
    [ 'config null', with(config => undef), qr/config/ ],
    [ 'config an array', with(config => [$config]), qr/config/ ],
    [ 'no layers', with(layers => $gone), qr/layers/ ],
    [ 'layers null', with(layers => undef), qr/layers/ ],
    [ 'layers an object', with(layers => $layer), qr/layers/ ],
    [ 'a layer null', with(layers => [undef]), qr/layers\[0\]/ ],
    [ 'a layer a string', with(layers => [ $layer->{digest} ]), qr/layers\[0\]/ ],
    [ 'the second layer is wrong', with(layers => [ $layer, {} ]),
        qr/layers\[1\]/ ],
    [ 'layers and manifests', with(manifests => []), qr/both/ ],
    [ 'layers and manifests, of an unknown type',
        with(manifests => [], mediaType => $gone), qr/both/, 'a/b' ],
    [ 'neither', with(layers => $gone, config => $gone, mediaType => $gone),
        qr/manifests/, 'a/b' ],
    [ 'an index with config', json_text({ %{ image_index([]) },
        config => $config }), qr/both/, IMAGE_INDEX ],
    [ 'an index without manifests', json_text({ schemaVersion => 2,
        mediaType => IMAGE_INDEX }), qr/manifests/, IMAGE_INDEX ],
    [ 'manifests null', json_text({ %{ image_index([]) },
        manifests => undef }), qr/manifests/, IMAGE_INDEX ],
    [ "an image of an index's type", with(mediaType => IMAGE_INDEX),
        qr/manifests/, IMAGE_INDEX ],
    [ "an index of an image's type", json_text({ %{ image_index([]) },
        mediaType => IMAGE_MANIFEST }), qr/config/ ],
    [ "an index of Docker's image type", json_text({ %{ image_index([]) },
        mediaType => "$docker.v2+json" }), qr/config/, "$docker.v2+json" ],
    [ 'mediaType and Content-Type differ', json_text($good),
        qr/mediaType.*Content-Type/, "$docker.v2+json" ],
    [ 'mediaType is not a string', with(mediaType => 1), qr/mediaType/ ],
    [ 'mediaType is not a media type', with(mediaType => 'image'),
        qr/mediaType/, 'image' ],
    [ 'an invalid Content-Type', with(mediaType => $gone), qr/Content-Type/,
        'image' ],
    [ 'a Content-Type with a space', with(mediaType => $gone), qr/Content-Type/,
        'a b/c' ],
    [ "a descriptor's size", with_layer(size => 6), qr/6 bytes.*5/ ],
    [ "a config's size", with(config => { %$config, size => 0 }),
        qr/0 bytes.*2/ ],
    [ 'data of another digest', with_layer(data => 'TGF5ZXI='), qr/data/ ],
    [ 'data of another size', with_layer(data => 'bGF5ZXIK'), qr/data/ ],
    [ 'data that is not base64', with_layer(data => 'bGF5ZX-='), qr/data/ ],
    [ 'data without padding', with_layer(data => 'bGF5ZXI'), qr/data/ ],
    [ 'data that is not a string', with_layer(data => {}), qr/data/ ],
    [ 'urls that are not an array', with_layer(urls => 'http://127.0.0.1/'),
        qr/urls/ ],
    [ 'urls of numbers', with_layer(urls => [1]), qr/urls/ ],
    [ "a layer's annotations", with_layer(annotations => { a => 1 }),
        qr/annotations/ ],
    [ 'annotations of numbers', with(annotations => { a => 1 }),
        qr/annotations/ ],
    [ 'annotations of null', with(annotations => { a => undef }),
        qr/annotations/ ],
    [ 'annotations an array', with(annotations => ['a']), qr/annotations/ ],
    [ 'artifactType a number', with(artifactType => 1), qr/artifactType/ ],
    [ 'artifactType with a line end', with(artifactType => "a/b\nc"),
        qr/artifactType/ ],
    [ 'a subject without size', with(subject => { mediaType => 'a/b',
        digest => $layer->{digest} }), qr/subject/ ],
    [ 'a subject as text', with(subject => $layer->{digest}), qr/subject/ ],
    [ "a subject's digest", with(subject => { mediaType => 'a/b', size => 1,
        digest => 'sha256:x' }), qr/subject.*digest/ ],
    [ '100,000 nested arrays', replaced(qr/\}\z/,
        ',"x":' . '[' x 100_000 . ']' x 100_000 . '}'), qr/JSON/ ],
    [ '100,000 open arrays', '[' x 100_000, qr/JSON/ ],
    [ '100,000 nested objects', '{"a":' x 100_000, qr/JSON/ ],
);
for my $digest ('', 'x', 'sha256:' . 'a' x 63, 'sha256:' . 'a' x 65,
    'sha256:' . 'A' x 64, 'sha512:' . 'a' x 64, 'sha384:' . 'a' x 96,
    'sha256:../../../../etc/passwd', "sha256:\n" . 'a' x 63) {
    push @cases, [ "digest '" . substr($digest, 0, 30) . "'",
        with_layer(digest => $digest), qr/digest/ ];
}
push @cases, [ "no $_", without_layer($_), qr/\Q$_/ ]
    for qw(mediaType digest size);
push @cases, [ "mediaType '$_'", with_layer(mediaType => $_), qr/mediaType/ ]
    for '', 'a', 'a/', '/b', 'a/b/c', 'a/b;c', 'a/b;=d', 'a/b;c=', 'a/b;c="x',
    'a b/c', 'a/' . 'b' x 128,
    "a/\x{e4}", "a/b\n";
push @cases, [ "size $_", replaced(qr/"size":5\b/, qq("size":$_)), qr/size|JSON/ ]
    for '-1', '"5"', '5.5', '1e300', 'null', '99999999999999999999', '05', 'true';

for my $case (@cases) {
    my ($name, $text, $message, $type) = @$case;
    error_is(put('bad', $text, $type), 400, 'MANIFEST_INVALID', $message, $name);
}
my $bad = json_text({ %$good, schemaVersion => 3 });
error_is(put(digest_of($bad), $bad), 400, 'MANIFEST_INVALID', undef, 'by digest');
error_is($client->get("$base/$_"), 404, 'MANIFEST_UNKNOWN', undef,
    'nothing was stored') for 'bad', digest_of($bad);
is_deeply($client->get("/v2/$repo/tags/list")->json->{tags}, [],
    'no tag was stored');
error_is($client->get('/v2/rules/none/manifests/bad'), 404, 'MANIFEST_UNKNOWN');

# Valid JSON that the registry does not use; null counts as absence.
for my $case (
    [ 'a NUL', replaced(qr/\}\z/, ',"x":"x\u0000y","x\u0000":1}') ],
    [ 'a single surrogate', replaced(qr/\}\z/, ',"x":"\ud800"}') ],
    [ 'large numbers', replaced(qr/\}\z/,
        ',"x":[18446744073709551615,1e400,-1e-400]}') ],
    [ 'annotations with escapes', with(annotations => { a => 'XX' })
        =~ s/XX/\\u0000\\ud800/r ],
    [ 'null for optional members', with(annotations => undef,
        artifactType => undef, mediaType => undef, subject => undef) ],
    [ 'manifests null in an image', with(manifests => undef) ],
    [ 'config and layers null in an index', json_text({ %{ image_index([]) },
        config => undef, layers => undef }), IMAGE_INDEX ],
) {
    my ($name, $text, $type) = @$case;
    status_is(put('legal', $text, $type), 201, "accepted: $name");
    ok($client->get("$base/legal")->body eq $text, 'its bytes are kept');
}
$client->delete("$base/legal");

# Each missing child is named.
my @missing = map { digest_of($_) } qw(one two three);
my $absent = with(config => { %$config, digest => $missing[0] },
    layers => [ $layer, map { { %$layer, digest => $_ } } @missing[ 1, 2 ] ]);
my $res = put('absent', $absent);
error_is($res, 404, 'MANIFEST_BLOB_UNKNOWN', undef, 'missing layers');
is_deeply([ map { $_->{detail}{digest} } @{ $res->json->{errors} } ], \@missing,
    'each is named once');
my $index = json_text({ %{ image_index([]) }, manifests => [
    map { descriptor($_, IMAGE_MANIFEST) } qw(one two) ] });
$res = put('absent', $index, IMAGE_INDEX);
error_is($res, 404, 'MANIFEST_BLOB_UNKNOWN', undef, 'missing manifests');
is_deeply([ map { $_->{detail}{digest} } @{ $res->json->{errors} } ],
    [ @missing[ 0, 1 ] ], 'each is named');
$client->push_blob('rules/elsewhere', 'only there');
error_is(put('absent', with(layers => [ descriptor('only there', 'a/b') ])), 404,
    'MANIFEST_BLOB_UNKNOWN', undef, 'a blob of another repository is missing');
error_is($client->get("$base/absent"), 404, 'MANIFEST_UNKNOWN', undef,
    'nothing was stored');

# A foreign layer may be missing; if it exists, its size is checked.
my %foreign = (mediaType =>
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip');
status_is(put('foreign', with_layer(%foreign, digest => $missing[0])), 201,
    'a missing layer that may not be distributed');
error_is(put('foreign', with_layer(%foreign, size => 7)), 400,
    'MANIFEST_INVALID', undef, 'the size of an existing one is checked');

# Sizes: the limit is 4 MiB by default, and Content-Length is enough to refuse.
my $room = 4 * 1024 * 1024 - length with(annotations => { a => '' });
my $large = with(annotations => { a => 'x' x $room });
status_is(put('large', $large), 201, 'a manifest of 4 MiB');
ok($client->get("$base/large")->body eq $large, 'is kept');
my $larger = with(annotations => { a => 'x' x ($room + 1) });
error_is(put('larger', $larger), 413, 'MANIFEST_INVALID', qr/OCIMaxManifestSize/,
    'one byte more');
error_is(put('larger', [ $larger =~ /(.{1,60000})/gs ]), 413, 'MANIFEST_INVALID',
    qr/OCIMaxManifestSize/, 'in chunks');
$client->close;
$client->send("PUT $base/larger HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    . "Content-Type: @{[IMAGE_MANIFEST]}\r\nContent-Length: 4194305\r\n\r\n");
$res = $client->receive('PUT');
error_is($res, 413, 'MANIFEST_INVALID', undef, 'before it is sent');
is_deeply($res->{interim}, [], 'without 100 Continue');
$client->close;
error_is($client->get("$base/larger"), 404, 'MANIFEST_UNKNOWN', undef,
    'nothing was stored');

# Directives that change the rules.
$server->set(config => "OCIMaxManifestSize 1000\nOCISparse Index");
$server->graceful;
$client->close;
error_is(put('larger', with(annotations => { a => 'x' x 1000 })), 413,
    'MANIFEST_INVALID', qr/1000 bytes/, 'OCIMaxManifestSize');
status_is($client->head("$base/large"), 200,
    'an existing larger manifest is still served');
status_is(put('sparse', $index, IMAGE_INDEX), 201, 'OCISparse Index: an index');
error_is(put('absent', $absent), 404, 'MANIFEST_BLOB_UNKNOWN', undef,
    'OCISparse Index: an image');
error_is($client->get("$base/$missing[0]"), 404, 'MANIFEST_UNKNOWN', undef,
    'GET of a missing child is 404');
error_is(put('sparse', json_text({ %{ image_index([]) }, manifests => [
    descriptor('layer', 'a/b', size => 9) ] }), IMAGE_INDEX), 400,
    'MANIFEST_INVALID', undef, 'sizes are still checked');
$server->set(config => 'OCISparse All');
$server->graceful;
$client->close;
status_is(put('absent', $absent), 201, 'OCISparse All: an image');

$server->stop;
done_testing;
