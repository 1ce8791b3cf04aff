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
    ['notag', 202, 202, 405], ['free', 202, 202, 202]) {
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
    [qw(a free/r noblob/r nomanifest/r notag/r)], 'no repository was created');

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
