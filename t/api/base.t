# SPDX-License-Identifier: Apache-2.0

# /v2/: this is a registry; unsupported methods and paths.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);

my $res = $client->get('/v2/');
status_is($res, 200, 'GET /v2/');
is_deeply($res->json, {}, 'an empty object');
header_is($res, 'Content-Type', 'application/json');
header_is($res, 'Docker-Distribution-API-Version', 'registry/2.0');
header_is($res, 'Cache-Control', 'no-cache');
header_is($res, 'Content-Length', length $res->body);
header_is($res, 'WWW-Authenticate', undef,
    'no challenge if anonymous callers may do everything');

my $head = $client->head('/v2/');
status_is($head, 200, 'HEAD /v2/');
header_is($head, $_, $res->header($_), "HEAD says the same $_")
    for qw(Content-Type Content-Length Docker-Distribution-API-Version);

status_is($client->get('/v2/?ns=docker.io'), 200, 'ns= is ignored');

# Without its slash the path is redirected to the one with it.
for my $method (qw(GET HEAD POST)) {
    $res = $client->request($method => '/v2', {}, '');
    status_is($res, 301, "$method /v2");
    header_is($res, 'Location', '/v2/');
}
status_is($client->get('/v2x'), 404, 'another path is not redirected');

# Credentials that were not asked for.
status_is($client->get('/v2/', Authorization => $_), 200, "as $_")
    for 'Basic Og==', 'Bearer QQ==';

$res = $client->request(OPTIONS => '/v2/');
status_is($res, 200, 'OPTIONS');
header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
header_is($res, 'Content-Length', 0);

for my $method (qw(POST PUT PATCH DELETE)) {
    $res = $client->request($method => '/v2/', {}, '');
    error_is($res, 405, 'UNSUPPORTED', qr/\Q$method\E/, "$method /v2/");
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
}

error_is($client->get("/v2/$_"), 404, 'UNSUPPORTED', qr/path/, "/v2/$_")
    for qw(nothing some/thing _catalog/ tags/list manifests/latest a/tags
           a/tags/list/ a/tags/other a/manifests/ a/blobs/ a/referrers/
           a/manifests a/blobs a/referrers);

$server->stop;
done_testing;
