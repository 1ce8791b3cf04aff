# SPDX-License-Identifier: Apache-2.0

# How directives of the server, of virtual hosts and of Locations are merged:
# for each directive, the innermost one applies, except for those whose lines
# add up.

use OCI::Test;

my $strict = <<'CONF';
    OCIRepositoryPattern  "[a-z]+/[a-z]+"
    OCIMaxManifestSize    300
    OCIMaxUploadChunkSize 10
    OCIMinUploadChunkSize 1000
    OCIBlobDelete         Off
    OCIManifestDelete     Off
    OCITagDelete          Off
    OCISparse             All
    OCISync               Off
CONF
my $loose = <<'CONF';
    OCIRepositoryPattern  .*
    OCIMaxManifestSize    4194304
    OCIMaxUploadChunkSize 0
    OCIMinUploadChunkSize 0
    OCIBlobDelete         On
    OCIManifestDelete     On
    OCITagDelete          On
    OCISparse             None
    OCISync               On
CONF

my $server = OCI::Server->start(ports => 4, extra => $strict,
    after => <<"CONF");
<Location "/v2/part/">
    OCIBlobDelete On
</Location>
<VirtualHost *:\@PORT2\@>
$loose
</VirtualHost>
<VirtualHost *:\@PORT3\@>
    <Location "/v2/inner/">
$loose
    </Location>
</VirtualHost>
<VirtualHost *:\@PORT4\@>
    OCIReadOnly On
    <Location "/v2/open/">
        OCIReadOnly Off
    </Location>
</VirtualHost>
CONF

my $absent = digest_of('nobody has this');
my $small = json_text({ schemaVersion => 2, manifests => [],
    mediaType => IMAGE_INDEX });
my $large = json_text({ schemaVersion => 2, manifests => [],
    mediaType => IMAGE_INDEX, annotations => { a => 'x' x 300 } });
my $sparse = json_text({ schemaVersion => 2, mediaType => IMAGE_INDEX,
    manifests => [ descriptor('nobody has this', IMAGE_MANIFEST) ] });

# For each directive, one answer that shows whether it applies.
sub answers {
    my ($client, $prefix) = @_;
    my $repo = "/v2/$prefix/r";
    my $put = sub {
        $client->put("$repo/manifests/t", $_[0],
            'Content-Type' => IMAGE_INDEX)->status;
    };
    my $upload = $client->post("$repo/blobs/uploads/");
    return {
        pattern      => $client->get("$repo/s/tags/list")->status,
        max_manifest => $put->($large),
        sparse       => $put->($sparse),
        max_chunk    => $client->patch($upload->header('Location'),
                            'x' x 11)->status,
        min_chunk    => scalar $upload->header('OCI-Chunk-Min-Length'),
        blob_delete  => $client->delete("$repo/blobs/$absent")->status,
        manifest_delete => $client->delete("$repo/manifests/$absent")->status,
        tag_delete   => $client->delete("$repo/manifests/no")->status,
    };
}

my %strict = (pattern => 400, max_manifest => 413, sparse => 201,
    max_chunk => 413, min_chunk => 1000, blob_delete => 405,
    manifest_delete => 405, tag_delete => 405);
my %loose = (pattern => 404, max_manifest => 201, sparse => 404,
    max_chunk => 202, min_chunk => undef, blob_delete => 404,
    manifest_delete => 404, tag_delete => 404);

my @port = map { OCI::Client->new($server->host($_)) } 1 .. 4;
is_deeply(answers($port[0], 'main'), \%strict,
    'all directives of the server apply');
is_deeply(answers($port[0], 'part'), { %strict, blob_delete => 404 },
    'a Location overrides one directive and inherits the others');
is_deeply(answers($port[1], 'main'), \%loose,
    'a virtual host overrides all, also in the server\'s Location');
is_deeply(answers($port[2], 'main'), \%strict,
    'another virtual host inherits them');
is_deeply(answers($port[2], 'inner'), \%loose,
    'its own Location overrides all');
is_deeply(answers($port[2], 'part'), { %strict, blob_delete => 404 },
    'the server\'s Locations apply to it too');
error_is($port[3]->post('/v2/main/r/blobs/uploads/'), 405, 'UNSUPPORTED');
status_is($port[3]->post('/v2/open/r/blobs/uploads/'), 202,
    'a Location of a read-only host may allow changes');
$server->stop;

# Lines of OCIImmutable add up.
$server = OCI::Server->start(ports => 2, extra => 'OCIImmutable ** tags=server',
    config => 'OCIImmutable ** tags=location', after => <<'CONF');
<Location "/v2/inner/">
    OCIImmutable inner/a tags=inner
</Location>
<VirtualHost *:@PORT2@>
    OCIImmutable ** tags=host
    OCIImmutable ** tags=more
</VirtualHost>
CONF
for my $case ([ 1, 'a', 'server location' ], [ 1, 'inner/a', 'server location inner' ],
    [ 1, 'inner/b', 'server location' ], [ 2, 'b', 'server location host more' ],
    [ 2, 'inner/c', 'server location host more' ]) {
    my ($port, $repo, $immutable) = @$case;
    my $client = OCI::Client->new($server->host($port));
    $client->push_blob($repo, '{}');
    my @fixed = grep {
        my $tag = $_;
        ($client->push_image($repo, $tag),
            $client->delete("/v2/$repo/manifests/$tag")->status)[-1] == 409;
    } qw(server location inner host more other);
    is("@fixed", $immutable, "host $port, $repo: the immutable tags");
}
$server->stop;

# Stores: each section has its own, or that of the enclosing section.
$server = OCI::Server->start(ports => 3,
    extra => 'OCIBlobStore fs @DIR@/store', location => <<'CONF',
    SetHandler oci-registry
    Require all granted
CONF
    after => <<'CONF');
<VirtualHost *:@PORT2@>
    OCIBlobStore fs @DIR@/other
</VirtualHost>
<VirtualHost *:@PORT3@>
    OCIIndex fs @DIR@/facts
</VirtualHost>
<Location "/v2/own/">
    OCIBlobStore fs @DIR@/own
</Location>
CONF
@port = map { OCI::Client->new($server->host($_)) } 1 .. 3;
my $dir = $server->dir;

sub tags {
    my ($client, $repo) = @_;
    return $client->get("/v2/$repo/tags/list")->json->{tags};
}

# The blobs of a store.
sub count {
    my $store = shift;
    return scalar(my @found = grep { -f } glob "$dir/$store/blobs/sha256/*/*");
}

$port[0]->push_image('a', 'main');
is(count('store'), 2, 'the server\'s store');
is_deeply(tags($port[0], 'a'), ['main'], 'and its index');
error_is($port[1]->get('/v2/a/tags/list'), 404, 'NAME_UNKNOWN');
$port[1]->push_image('a', 'other');
is(count('other'), 2, 'a virtual host\'s store');
is_deeply(tags($port[1], 'a'), ['other'], 'and its index beside it');
ok(-d "$dir/other/index", 'the index is a directory of that store');

# A virtual host with only an index uses the server's store, which belongs to
# the server's index.
$server->expects(qr{the blob store $dir/store .*the index $dir/facts/index is});
error_is($port[2]->get('/v2/a/tags/list'), 503, 'UNAVAILABLE');
ok(!-d "$dir/facts/blobs", 'there are no blobs beside its index');
$port[0]->push_image('own/a', 'v1');
is(count('own'), 2, 'a Location\'s store');
is_deeply($port[0]->get('/v2/_catalog')->json, { repositories => ['a'] },
    'other sections do not list its repositories');
$server->stop;
done_testing;
