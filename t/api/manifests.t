# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/manifests/<reference>: push, pull and delete by tag and digest.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $repo = 'manifests/of';
my $base = "/v2/$repo/manifests";

sub put {
    my ($reference, $text, $type, %header) = @_;
    return $client->put("$base/$reference", $text, 'Content-Type' => $type
        // IMAGE_MANIFEST, %header);
}

$client->push_blob($repo, $_) for '{}', 'layer', '';
my $document = image_manifest('{}', ['layer']);

# Bytes are kept exactly.
my $pretty = JSON::PP->new->pretty->indent_length(7)->utf8->encode(
    { %$document, annotations => { "\x{e4}" => "\x{1F600} \x{7f}" } });
my @texts = (
    plain => json_text($document),
    pretty => $pretty,
    CRLF => do { (my $t = $pretty) =~ s/\n/\r\n/g; $t },
    'newlines around' => "\n\n " . json_text($document) . "\n\t\n",
    escapes => do { (my $t = json_text($document)) =~ s/layers/\\u006cayers/; $t },
    'unknown members' => json_text({ %$document, extra => [ { x => undef } ],
        signatures => 'x' }),
);
while (my ($name, $text) = splice @texts, 0, 2) {
    my $digest = digest_of($text);
    my $res = put('exact', $text);
    status_is($res, 201, "$name: PUT by tag");
    header_is($res, 'Docker-Content-Digest', $digest, "$name: digest");
    header_is($res, 'Location', "$base/$digest", "$name: Location");
    header_is($res, 'Content-Length', 0, "$name: no body");
    for my $reference ('exact', $digest) {
        $res = $client->get("$base/$reference");
        status_is($res, 200, "$name: GET");
        is($res->body, $text, "$name: the same bytes");
        header_is($res, 'Content-Type', IMAGE_MANIFEST, "$name: type");
        header_is($res, 'Content-Length', length $text, "$name: length");
        header_is($res, 'Docker-Content-Digest', $digest, "$name: digest");
        header_is($res, 'ETag', qq("$digest"), "$name: ETag");
        my $head = $client->head("$base/$reference");
        status_is($head, 200, "$name: HEAD");
        header_is($head, $_, $res->header($_), "$name: HEAD says the same $_")
            for qw(Content-Type Content-Length Docker-Content-Digest ETag
                   Cache-Control);
    }
}

# Different ways to send the body and its type.
my $text = json_text({ %$document, annotations => { way => 'chunks' } });
status_is(put('chunked', [ $text =~ /(.{1,7})/gs ]), 201, 'PUT in chunks');
is($client->get("$base/chunked")->body, $text, 'the same bytes');
status_is(put(digest_of($text), $text), 201, 'PUT by digest');
status_is(put('typed', $text, IMAGE_MANIFEST . '; charset=utf-8'), 201,
    'a type with parameters');
header_is($client->get("$base/typed"), 'Content-Type', IMAGE_MANIFEST,
    'it is served without them');
status_is(put('untyped', $text, undef, 'Content-Type' => undef), 201,
    'mediaType without a Content-Type');
header_is($client->get("$base/untyped"), 'Content-Type', IMAGE_MANIFEST);
my $docker = 'application/vnd.docker.distribution.manifest.v2+json';
status_is(put('docker', json_text({ %$document, mediaType => $docker }),
    $docker), 201, "Docker's type");
header_is($client->get("$base/docker"), 'Content-Type', $docker);
my %bare = %$document;
delete $bare{mediaType};
status_is(put('bare', json_text(\%bare)), 201, 'without mediaType');
header_is($client->get("$base/bare"), 'Content-Type', IMAGE_MANIFEST);
my $own = 'application/vnd.example.thing.v7+json';
status_is(put('own', json_text({ %bare, mediaType => $own }), $own), 201,
    'an unknown type');
header_is($client->get("$base/own"), 'Content-Type', $own);

# No value of Accept makes a manifest unavailable.
for my $accept (undef, '*/*', 'text/html, image/gif;q=.2, */*;q=.1',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'text/plain;q=0', 'nonsense', '', join(', ', map { "a/b$_" } 1 .. 900)) {
    my $res = $client->get("$base/typed", Accept => $accept,
        'Accept-Language' => 'de', 'Accept-Charset' => 'utf-16');
    is($res->body, $text, 'Accept: ' . substr $accept // 'none', 0, 50);
    header_is($res, 'Content-Type', IMAGE_MANIFEST);
}
is($client->request(GET => "$base/typed", [ map { (Accept => $_) }
    qw(a/b c/d e/f g/h) ])->body, $text, 'Accept in four headers');

# A browser does not treat a manifest of type text/html as a page of this host.
my $page = json_text({ %$document, annotations => {
    a => '<script>alert(document.domain)</script>' } });
$page =~ s/"mediaType":"[^"]*manifest[^"]*",?//;
status_is(put('page', $page, 'text/html'), 201, 'a manifest that is a page');
for my $path ("$base/page", "$base/" . digest_of($page),
    "/v2/$repo/blobs/" . digest_of('layer')) {
    for my $method (qw(get head)) {
        my $res = $client->$method($path);
        status_is($res, 200);
        header_is($res, 'X-Content-Type-Options', 'nosniff');
        header_is($res, 'Content-Security-Policy',
            q(default-src 'none'; sandbox)) if $path !~ /blobs/;
    }
}

# Range is ignored.
for my $range ('bytes=0-9', 'bytes=5-', 'bytes=-5', 'bytes=0-1,3-4',
    'bytes=999999-', 'bytes=500-0', 'bytes=x') {
    my $res = $client->get("$base/typed", Range => $range);
    status_is($res, 200, "Range: $range");
    is($res->body, $text, 'the entire manifest');
    header_is($res, 'Content-Range', undef);
}

# sha512
my $sha512 = digest_of($text, 'sha512');
my $res = put("$sha512?tag=long", $text);
status_is($res, 201, 'PUT by sha512');
header_is($res, 'Docker-Content-Digest', $sha512);
header_is($res, 'OCI-Tag', 'long');
for my $reference ($sha512, 'long') {
    $res = $client->get("$base/$reference");
    is($res->body, $text, 'GET: the bytes');
    header_is($res, 'Docker-Content-Digest', $sha512, 'GET: the digest');
    header_is($client->head("$base/$reference"), 'Docker-Content-Digest',
        $sha512, 'HEAD: the digest');
}
my $child = digest_of('layer', 'sha512');
$client->push_blob($repo, 'layer', 'sha512');
my $mixed = image_manifest('{}', ['layer']);
$mixed->{layers}[0]{digest} = $child;
status_is(put('mixed', json_text($mixed)), 201, 'a sha512 layer');

# Moving and deleting tags.
my $first = $client->push_manifest($repo, 'moving', $document);
my $second = $client->push_manifest($repo, 'moving',
    { %$document, annotations => { is => 'second' } });
header_is($client->head("$base/moving"), 'Docker-Content-Digest', $second,
    'a tag moves');
header_is($client->head("$base/$first"), 'Docker-Content-Digest', $first,
    'its former manifest still exists');
$res = $client->delete("$base/moving");
status_is($res, 202, 'DELETE of a tag');
header_is($res, 'Content-Length', 0);
error_is($client->delete("$base/moving"), 404, 'MANIFEST_UNKNOWN', undef,
    'once more');
error_is($client->get("$base/moving"), 404, 'MANIFEST_UNKNOWN', undef, 'gone');
status_is($client->get("$base/$second"), 200, 'its manifest still exists');
put("t$_", json_text({ %$document, annotations => { is => 'second' } }))
    for 1 .. 5;
status_is($client->delete("$base/$second"), 202, 'DELETE by digest');
error_is($client->$_("$base/$second"), 404, 'MANIFEST_UNKNOWN', undef,
    "then $_") for qw(get head delete);
error_is($client->get("$base/t$_"), 404, 'MANIFEST_UNKNOWN', undef, "tag t$_")
    for 1 .. 5;
ok(!(grep { /^t\d$/ }
    @{ $client->get("/v2/$repo/tags/list")->json->{tags} }),
        'its tags are deleted');
status_is($client->get("$base/$first"), 200, 'other manifests still exist');
error_is($client->delete("$base/sha512:" . '0' x 128), 404, 'MANIFEST_UNKNOWN',
    undef, 'DELETE of a manifest that never existed');

# Digests.
error_is(put($first, $text), 400, 'DIGEST_INVALID', qr/\Q@{[digest_of($text)]}/,
    'bytes of another digest');
for my $bad ('sha256:baddigeststring', 'sha256:' . 'A' x 64, 'sha256:' . 'a' x 63,
    'sha256:' . 'a' x 65, 'sha512:' . 'a' x 64, 'sha384:' . 'a' x 96,
    'md5:' . 'a' x 32, 'sha256:', ':', 'SHA256:' . 'a' x 64,
    'sha256:' . 'g' x 64, 'sha256+b64:' . 'a' x 64) {
    error_is(put($bad, $text), 400, 'DIGEST_INVALID', qr/digest/,
        'PUT ' . substr $bad, 0, 30);
    error_is($client->get("$base/$bad"), 400, 'DIGEST_INVALID', qr/digest/,
        'GET ' . substr $bad, 0, 30);
    error_is($client->delete("$base/$bad"), 400, 'DIGEST_INVALID', qr/digest/,
        'DELETE ' . substr $bad, 0, 30);
}
status_is($client->get("$base/sha256%3A" . substr $first, 7), 200,
    'an encoded colon is accepted');

# Only its own repository has it, and it is not a blob.
error_is($client->get("/v2/$_/manifests/$first"), 404, 'MANIFEST_UNKNOWN', undef,
    "not in $_") for qw(manifests manifests/other manifests/of/of);
error_is($client->get("/v2/$repo/manifests/sha256-" . substr($first, 7) . '.sig'),
    404, 'MANIFEST_UNKNOWN', undef, 'no signature');
error_is($client->$_("/v2/$repo/blobs/$first"), 404, 'BLOB_UNKNOWN', undef,
    "$_ as a blob") for qw(get head);
is($client->push_blob($repo, json_text($document)), $first, 'pushed as a blob');
status_is($client->$_("/v2/$repo/blobs/$first"), 200, "$_ as a blob")
    for qw(get head);
status_is($client->delete("/v2/$repo/blobs/$first"), 202,
    'the blob is deleted');
status_is($client->get("$base/$first"), 200, 'the manifest stays');

# Valid, but rare manifests.
my $empty = descriptor('{}', 'application/vnd.oci.empty.v1+json');
my $image = json_text($document);
my $index = json_text(image_index([$image, $image]));
my %rare = (
    'one layer three times' => image_manifest('{}', [ ('layer') x 3 ]),
    'the empty config as layer' => { %$document, config => $empty,
        layers => [$empty], artifactType => 'application/x' },
    'no artifactType beside it' => { %$document, config => $empty,
        layers => [$empty] },
    'a zero-byte layer' => image_manifest('{}', ['']),
    'no layers' => image_manifest('{}', []),
    'rich descriptors' => { %$document, layers => [ descriptor('layer', 'a/b',
        annotations => { a => 'b', '' => '' }, urls => ['http://127.0.0.1/x'],
        artifactType => 'c/d', platform => { os => 'plan9', extra => 1 },
        data => 'bGF5ZXI=') ] },
    'null for what is optional' => { %$document, subject => undef,
        annotations => undef, artifactType => undef, layers => [ descriptor(
            'layer', 'a/b', annotations => undef, urls => undef, data => undef) ] },
    'an empty index' => image_index([]),
    'an index' => image_index([ $image, $image ]),
    'an index of an index' => image_index([$index]),
    'an index of blobs' => { %{ image_index([]) },
        manifests => [ descriptor('layer', 'application/x-layer') ] },
    'a foreign layer' => { %$document, layers => [ descriptor('not here',
        'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
        urls => ['http://127.0.0.1/y']) ] },
    'a subject that is not there' => { %$document,
        subject => descriptor('no such', IMAGE_MANIFEST) },
);
put('image', $image);
put('index', $index, IMAGE_INDEX);
for my $name (sort keys %rare) {
    my $rare = json_text($rare{$name});
    status_is(put('rare', $rare, $rare{$name}{mediaType}), 201, $name);
    is($client->get("$base/rare")->body, $rare, 'its bytes are kept');
}

# OCI-Subject tells the client that the registry supports referrers.
my $subject = descriptor($image, IMAGE_MANIFEST);
header_is(put('referrer', json_text({ %$document, subject => $subject })),
    'OCI-Subject', $subject->{digest}, 'OCI-Subject');
header_is(put('plain', $image), 'OCI-Subject', undef, 'none without a subject');

for my $method (qw(POST PATCH)) {
    $res = $client->request($method => "$base/plain", {}, '');
    error_is($res, 405, 'UNSUPPORTED', undef, $method);
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD, PUT, DELETE');
}

$server->stop;
done_testing;
