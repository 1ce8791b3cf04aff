# SPDX-License-Identifier: Apache-2.0

# Limits of the module and of httpd.

use OCI::Test;

my $server = OCI::Server->start(after => <<'CONF');
<Location "/v2/manifest/">
    OCIMaxManifestSize 500
</Location>
<Location "/v2/nolimit/">
    OCIMaxManifestSize 0
</Location>
<Location "/v2/chunk/">
    OCIMaxUploadChunkSize 1000
    OCIMinUploadChunkSize 100
</Location>
<Location "/v2/httpd/">
    LimitRequestBody 2000
</Location>
<Location "/v2/both/">
    LimitRequestBody      2000
    OCIMaxUploadChunkSize 1000
    OCIMaxManifestSize    1000
</Location>
CONF
my $client = OCI::Client->new($server);

# An index of a given size in bytes.
sub index_of {
    my $size = shift;
    my $text = '{"schemaVersion":2,"manifests":[],"annotations":{"a":""}}';
    substr $text, -3, 0, 'x' x ($size - length $text);
    return $text;
}

sub put_index {
    my ($repo, $body) = @_;
    return $client->put("/v2/$repo/manifests/t", $body,
        'Content-Type' => IMAGE_INDEX);
}

# Send only the head of a request; return the first line of the answer.
sub announce {
    my ($method, $path, $length) = @_;
    my $asking = OCI::Client->new($server);
    $asking->send("$method $path HTTP/1.1\r\nHost: x\r\n"
        . "Content-Length: $length\r\nExpect: 100-continue\r\n\r\n");
    my $line = readline $asking->socket;
    $asking->close;
    return $line;
}

# OCIMaxManifestSize
status_is(put_index('manifest/a', index_of(500)), 201,
    'a manifest at the limit');
error_is(put_index('manifest/a', index_of(501)), 413, 'MANIFEST_INVALID',
    qr/500 bytes that OCIMaxManifestSize allows/);
error_is(put_index('manifest/a', [ index_of(501) ]), 413, 'MANIFEST_INVALID',
    qr/OCIMaxManifestSize/);
status_is(put_index('manifest/a', [ index_of(500) ]), 201,
    'chunked, at the limit');
like(announce('PUT', '/v2/manifest/a/manifests/t', 501), qr{^HTTP/1.1 413 },
    'a manifest above the limit is refused before it is read');
is($client->get('/v2/manifest/a/manifests/t')->body, index_of(500),
    'the refused manifests changed nothing');
status_is(put_index('a', index_of(4194304)), 201, '4 MiB by default');
error_is(put_index('a', index_of(4194305)), 413, 'MANIFEST_INVALID',
    qr/4194304 bytes that OCIMaxManifestSize allows/);
status_is(put_index('nolimit/a', index_of(5_000_000)), 201, '0 is no limit');

# OCIMaxUploadChunkSize, OCIMinUploadChunkSize
my $uploads = '/v2/chunk/a/blobs/uploads/';
my $res = $client->post($uploads);
header_is($res, 'OCI-Chunk-Min-Length', 100);
my $location = $res->header('Location');
my $bytes = 'x' x 1000;
my $digest = digest_of($bytes x 3);
my $limit = qr/1000 bytes that OCIMaxUploadChunkSize allows/;
status_is($client->patch($location, $bytes), 202, 'a chunk at the limit');
error_is($client->patch($location, $bytes . 'y'), 413, 'SIZE_INVALID', $limit);
like(announce('PATCH', $location, 1001), qr{^HTTP/1.1 413 },
    'a chunk above the limit is refused before it is read');
header_is($client->get($location), 'Range', '0-999', 'the upload is unchanged');
status_is($client->patch($location, [ $bytes ]), 202, 'chunked, at the limit');
error_is($client->put(with_query($location, "digest=$digest"), $bytes . 'y'),
    413, 'SIZE_INVALID', $limit);
header_is($client->get($location), 'Range', '0-1999',
    'the upload is unchanged');
status_is($client->put(with_query($location, "digest=$digest"), $bytes), 201,
    'a blob may be larger than a chunk');
error_is($client->post("$uploads?digest=$digest", $bytes x 3), 413,
    'SIZE_INVALID', $limit);
error_is($client->patch($client->start_upload('chunk/a'), [ $bytes, 'y' ]),
    413, 'SIZE_INVALID', $limit);
status_is($client->patch($client->start_upload('chunk/a'), 'x'), 202,
    'a chunk below the minimum is accepted');
header_is($client->post('/v2/a/blobs/uploads/'), 'OCI-Chunk-Min-Length', undef,
    'nothing is announced by default');

# LimitRequestBody: httpd's default of 1 GiB does not apply to a registry
$location = $client->start_upload('a');
like(announce('PATCH', $location, 3 << 30), qr{^HTTP/1.1 100 },
    'httpd\'s default does not apply');
$location = $client->start_upload('httpd/a');
$limit = qr/2000 bytes that LimitRequestBody allows/;
status_is($client->patch($location, $bytes x 2), 202,
    'a body at the configured LimitRequestBody');
error_is($client->patch($location, $bytes x 3), 413, 'SIZE_INVALID', $limit);
like(announce('PATCH', $location, 3 << 30), qr{^HTTP/1.1 413 },
    'a configured LimitRequestBody applies');
error_is($client->patch($client->start_upload('httpd/a'), [ $bytes x 3 ]), 413,
    'SIZE_INVALID', qr/LimitRequestBody/);
error_is(put_index('httpd/a', index_of(2001)), 413, 'SIZE_INVALID', $limit);
status_is(put_index('httpd/a', index_of(2000)), 201,
    'a manifest at httpd\'s limit');

# With both limits, the smaller one is named.
error_is($client->patch($client->start_upload('both/a'), $bytes x 3), 413,
    'SIZE_INVALID', qr/OCIMaxUploadChunkSize/);
error_is(put_index('both/a', index_of(3000)), 413, 'MANIFEST_INVALID',
    qr/OCIMaxManifestSize/);

# Request lines and fields that are too long: httpd refuses them before it knows
# the Location.
error_is($client->get('/v2/a/tags/list?last=' . 'x' x 9000), 414, 'UNSUPPORTED',
    qr/LimitRequestLine/);
error_is($client->get('/v2/', Authorization => 'Bearer ' . 'x' x 9000), 400,
    'UNSUPPORTED');

$server->allows(qr/AH0\d+.*(?:Content-Length|LimitRequest|larger than)/);
$server->stop;
done_testing;
