# SPDX-License-Identifier: Apache-2.0

# Directives that allow or forbid methods, content and names.

use OCI::Test;

my $server = OCI::Server->start(ports => 2, after => <<'CONF');
<Location "/v2/noblob/">
    OCIBlobDelete Off
</Location>
<Location "/v2/nomanifest/">
    OCIManifestDelete Off
</Location>
<Location "/v2/notag/">
    OCITagDelete Off
</Location>
<Location "/v2/fixed/">
    OCIImmutable fixed/*  tags=v[0-9]+([.][0-9]+)*
    OCIImmutable fixed/*  tags=stable
    OCIImmutable fixed/all
</Location>
<LocationMatch "/manifests/kept-">
    OCITagDelete Off
</LocationMatch>
<LocationMatch "/manifests/release-">
    OCIImmutable **
</LocationMatch>
<LocationMatch "/manifests/frozen-">
    OCIReadOnly On
</LocationMatch>
<Location "/v2/index/">
    OCISparse Index
</Location>
<Location "/v2/all/">
    OCISparse All
</Location>
<Location "/v2/narrow/">
    OCIRepositoryPattern "narrow/a|narrow/(b|c)/[0-9]{2}"
</Location>
<VirtualHost *:@PORT2@>
    OCIReadOnly On
</VirtualHost>
CONF
my $client = OCI::Client->new($server);

# Expect 405, and the remaining methods in Allow.
sub not_allowed {
    my ($res, $allow, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    error_is($res, 405, 'UNSUPPORTED', undef, $name);
    is_deeply([ sort split /, /, $res->header('Allow') // '' ],
        [ sort split / /, $allow ], "$name: Allow");
    return;
}

# Deletions: each directive forbids one kind and leaves the others.
for my $case (['noblob', 405, 202, 202], ['nomanifest', 202, 405, 202],
    ['notag', 202, 405, 405], ['free', 202, 202, 202]) {
    my ($prefix, @status) = @$case;
    my $image = $client->push_image("$prefix/r", 'v1');
    $client->push_image("$prefix/r", 'v2', annotations => { second => 'yes' });
    my %path = (
        blob     => "/v2/$prefix/r/blobs/" . digest_of('{}'),
        tag      => "/v2/$prefix/r/manifests/v2",
        manifest => "/v2/$prefix/r/manifests/$image->{digest}"
    );
    my %allow = (blob => 'GET HEAD OPTIONS', tag => 'GET HEAD OPTIONS PUT',
        manifest => 'GET HEAD OPTIONS PUT');
    for my $what (qw(blob manifest tag)) {
        my $status = shift @status;
        my $res = $client->delete($path{$what});
        my $name = "$prefix: DELETE of a $what";
        if ($status == 405) {
            not_allowed($res, $allow{$what}, $name);
            status_is($client->get($path{$what}), 200,
                "$name: it still exists");
        }
        else {
            status_is($res, $status, $name);
            status_is($client->get($path{$what}), 404,
                "$name: it no longer exists");
        }
    }
}
status_is($client->delete($client->start_upload('noblob/r')), 204,
    'an upload may always be cancelled');

# OCITagDelete Off also protects the tags of a manifest that is deleted by its
# digest.
my $last = json_text(image_manifest('{}', [], annotations => { n => 'last' }));
$client->push_blob('notag/r', '{}');
my $untagged = $client->push_manifest('notag/r', undef, $last);
status_is($client->delete("/v2/notag/r/manifests/$untagged"), 202,
    'notag: a manifest without tags can be deleted');
$client->push_manifest('notag/r', 'v3', $last);
error_is($client->delete("/v2/notag/r/manifests/$untagged"), 405, 'UNSUPPORTED',
    qr/the tag v3 cannot be deleted/, 'notag: the message names the tag');

# The directives of a section that applies to a tag also hold for the tag if it
# is not in the path.
my @texts = map { json_text(image_manifest('{}', [], annotations =>
    { n => "$_" })) } 0 .. 5;
my @digests = map { digest_of($_) } @texts;

sub put {
    my ($repo, $path, $n, @header) = @_;
    return $client->put("/v2/$repo/manifests/$path", $texts[$n],
        'Content-Type' => IMAGE_MANIFEST, @header);
}

sub names {
    my ($repo, $tag, $n, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return header_is($client->head("/v2/$repo/manifests/$tag"),
        'Docker-Content-Digest', defined $n ? $digests[$n] : undef, $name);
}

sub immutable {
    my ($res, $message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return error_is($res, 409, 'DENIED', $message, $name);
}

$client->push_blob('split/r', '{}');
status_is(put('split/r', "$digests[0]?tag=kept-1&tag=other", 0), 201, 'split: push');
not_allowed($client->delete("/v2/split/r/manifests/$_"), 'GET HEAD OPTIONS PUT',
    'split: DELETE of ' . ($_ eq 'kept-1' ? $_ : 'its digest'))
    for 'kept-1', $digests[0];
names('split/r', 'other', 0, 'split: nothing is deleted');
status_is(put('split/r', 'kept-1', 1), 201, 'split: the tag moves');
status_is($client->delete("/v2/split/r/manifests/$digests[0]"), 202,
    'split: the digest that it named before can be deleted');
not_allowed(put('split/r', $_, 2), 'GET HEAD OPTIONS',
    "split: " . ($_ =~ s/sha256:\w+/.../r))
    for 'frozen-1', "$digests[2]?tag=frozen-1", "$digests[2]?tag=a&tag=frozen-1";
names('split/r', $digests[2], undef, 'split: nothing is stored');
status_is(put('split/r', "$digests[3]?tag=release-1", 3), 201, 'split: a new tag');
immutable(put('split/r', $_, 4), qr/release-1 is immutable/,
    "split: " . ($_ =~ s/sha256:\w+/.../r))
    for 'release-1', "$digests[4]?tag=release-1";
immutable($client->delete("/v2/split/r/manifests/$_"),
    qr/the tag release-1 is immutable and cannot be deleted/,
    'split: DELETE of ' . ($_ eq 'release-1' ? $_ : 'its digest'))
    for 'release-1', $digests[3];

# OCIImmutable
$client->push_blob('fixed/r', '{}');
for my $tag (qw(v1 v1.2 stable)) {
    status_is(put('fixed/r', $tag, 0), 201, "immutable: $tag is set");
    status_is(put('fixed/r', $tag, 0), 201, 'the same digest again');
    immutable(put('fixed/r', $tag, 1),
        qr/the tag \Q$tag\E is immutable: it names $digests[0] and cannot be moved to $digests[1]; push under another tag/,
        'another digest');
    names('fixed/r', $tag, 0, 'it has not moved');
}
names('fixed/r', $digests[1], undef, 'the refused manifest is not stored');
for my $tag (qw(latest v1x xv1 v1.)) {
    status_is(put('fixed/r', $tag, $_), 201, "immutable: $tag moves") for 0, 2;
}
status_is(put('fixed/r', "$digests[0]?tag=v1&tag=new", 0), 201,
    'immutable: ?tag= with the same digest');
immutable(put('fixed/r', "$digests[3]?tag=latest&tag=$_&tag=newer", 3),
    qr/the tag $_ is immutable: it names $digests[0] and cannot be moved to $digests[3]/,
    "immutable: several tags, one of which is $_") for 'v1', 'stable';
names('fixed/r', 'latest', 2, 'none of them is set');
names('fixed/r', 'newer', undef, 'not even a new one');
names('fixed/r', $digests[3], undef, 'and the manifest is not stored');
status_is(put('fixed/r', "$digests[3]?tag=v7&tag=v8", 3), 201, 'two new tags');
immutable(put('fixed/r', "$digests[0]?tag=v8", 0), qr/tag v8 is immutable/,
    'a single ?tag=');
immutable(put('fixed/r', "$digests[0]?tag=v1&tag=v8", 0), qr/tag v8 is immutable/,
    'two of them');

immutable($client->delete('/v2/fixed/r/manifests/v7'),
    qr/the tag v7 is immutable and cannot be deleted$/, 'immutable: DELETE');
immutable($client->delete("/v2/fixed/r/manifests/$digests[3]"),
    qr/the tag v[78] is immutable and cannot be deleted$/, 'DELETE of its digest');
names('fixed/r', $_, 3, "$_ still exists") for 'v7', 'v8', $digests[3];
error_is($client->delete('/v2/fixed/r/manifests/v99'), 404, 'MANIFEST_UNKNOWN',
    undef, 'a tag that does not exist');
status_is($client->delete('/v2/fixed/r/manifests/latest'), 202,
    'a tag that is not immutable is deleted');
status_is($client->delete("/v2/fixed/r/manifests/$digests[2]"), 202,
    'and a manifest that only such tags name');
names('fixed/r', 'xv1', undef, 'with its tags');

# Conditions are checked first.
my @wrong = ('If-Match' => qq("$digests[5]"));
my @right = ('If-Match' => qq("$digests[3]"));
error_is(put('fixed/r', 'v7', 1, @wrong), 412, 'MANIFEST_INVALID', undef,
    'PUT, If-Match: another digest');
error_is(put('fixed/r', 'v7', 1, 'If-None-Match' => '*'), 412,
    'MANIFEST_INVALID', undef, 'PUT, If-None-Match: *');
immutable(put('fixed/r', 'v7', 1, @right), undef, 'PUT, If-Match');
for my $path ('v7', $digests[3]) {
    my $what = $path =~ /:/ ? 'digest' : 'tag';
    error_is($client->delete("/v2/fixed/r/manifests/$path",
        'If-Match' => qq("$digests[5]")), 412, 'MANIFEST_INVALID', undef,
        "DELETE by $what, If-Match: another digest");
    immutable($client->delete("/v2/fixed/r/manifests/$path", @right), undef,
        "DELETE by $what, If-Match");
}

# All tags of a repository, except those of signatures.
$client->push_blob('fixed/all', '{}');
my $hex = substr $digests[0], 7;
for my $tag ("sha256-$hex", "sha256-$hex.sig", "sha256-$hex.att",
    "sha256-$hex.sbom", "sha512-$hex", "sha512-$hex.sig") {
    my $name = $tag =~ s/\w{64,}/.../r;
    status_is(put('fixed/all', $tag, $_), 201, "$name moves") for 0, 1;
    status_is($client->delete("/v2/fixed/all/manifests/$tag"), 202,
        "$name is deleted");
}
for my $tag ('latest', "sha256-$hex.sigs", 'sha256-' . substr($hex, 1)) {
    status_is(put('fixed/all', $tag, 0), 201);
    immutable(put('fixed/all', $tag, 1), qr/immutable/,
        'immutable: ' . $tag =~ s/\w{60,}/.../r);
}

# A tag that the index lists for a digest, but that has moved since, protects
# nothing.
SKIP: {
    skip('this index keeps no files', 2) if $server->index ne 'fs';
    status_is(put('fixed/r', 'moved', 4), 201);
    my $list = $server->store . "/index/repo/fixed/r/_tagged/$digests[4]";
    open my $fact, '>', "$list/v1" or die "$list: $!\n";
    close $fact or die "$list: $!\n";
    status_is($client->delete("/v2/fixed/r/manifests/$digests[4]"), 202,
        'a tag that has moved away is not asked about');
    names('fixed/r', 'v1', 0, 'and it stays');
}

# OCIReadOnly
my $image = $client->push_image('a', 'v1');
my $location = $client->start_upload('a');
my $reader = OCI::Client->new($server->host(2));
my $blob = digest_of('{}');
is($reader->get('/v2/a/manifests/v1')->body, $image->{text}, 'read-only: pull');
is($reader->get("/v2/a/blobs/$blob")->body, '{}', 'read-only: a blob');
is_deeply($reader->get('/v2/a/tags/list')->json->{tags}, ['v1'],
    'read-only: tags');
status_is($reader->head('/v2/a/manifests/v1'), 200, 'read-only: HEAD');
for my $case (
    [ POST   => '/v2/a/blobs/uploads/', 'OPTIONS' ],
    [ POST   => "/v2/b/blobs/uploads/?mount=$blob&from=a", 'OPTIONS' ],
    [ PATCH  => $location, 'GET HEAD OPTIONS' ],
    [ PUT    => "$location?digest=$blob", 'GET HEAD OPTIONS' ],
    [ DELETE => $location, 'GET HEAD OPTIONS' ],
    [ PUT    => '/v2/a/manifests/v1', 'GET HEAD OPTIONS' ],
    [ DELETE => '/v2/a/manifests/v1', 'GET HEAD OPTIONS' ],
    [ DELETE => "/v2/a/blobs/$blob", 'GET HEAD OPTIONS' ]
) {
    my ($method, $path, $allow) = @$case;
    my $res = $reader->request($method, $path, {}, '');
    my $name = "read-only: $method $path" =~ s/sha256:\w+/.../r;
    not_allowed($res, $allow, $name);
    error_is($res, 405, 'UNSUPPORTED', qr/read-only/, "$name: message");
}
is_deeply($client->get('/v2/_catalog')->json->{repositories},
    [qw(a fixed/all fixed/r free/r noblob/r nomanifest/r notag/r split/r)], 'no repository was created');

# OCISparse: an image without a layer, an index without a manifest.
my $without_layer = image_manifest('{}', ['not there']);
my $without_manifest = image_index([ json_text(image_manifest('{}')) ]);
for my $case (['none', 404, 404], ['index', 404, 201], ['all', 201, 201]) {
    my ($prefix, @status) = @$case;
    $client->push_blob("$prefix/r", '{}');
    for my $document ($without_layer, $without_manifest) {
        my $status = shift @status;
        my $res = $client->put("/v2/$prefix/r/manifests/t",
            json_text($document), 'Content-Type' => $document->{mediaType});
        my $name = "$prefix: $document->{mediaType}";
        $status == 201 ? status_is($res, 201, $name)
            : error_is($res, 404, 'MANIFEST_BLOB_UNKNOWN', undef, $name);
    }
}

# OCIRepositoryPattern: it must match the entire name, for every method.
for my $name (qw(narrow/a narrow/b/12 narrow/c/00)) {
    status_is($client->post("/v2/$name/blobs/uploads/"), 202,
        "$name is allowed");
}
for my $name (qw(narrow/ab narrow/b/1 narrow/b/123 narrow/a/narrow/a
    narrow/d)) {
    error_is($client->post("/v2/$name/blobs/uploads/"), 400, 'NAME_INVALID',
        qr/does not allow/, "$name is not allowed");
    error_is($client->get("/v2/$name/tags/list"), 400, 'NAME_INVALID', undef,
        "$name is not allowed, for GET");
}

$server->stop;
done_testing;
