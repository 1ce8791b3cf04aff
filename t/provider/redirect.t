# SPDX-License-Identifier: Apache-2.0

# A blob store that redirects readers to a URL: a GET gets 307, which must not
# be cached, because the URL is valid for a limited time.  All other requests
# get the same responses as with any other store.

use OCI::Test;
use OCI::Module;

my $build = OCI::Module->new;
is($build->compile("$OCI::Server::TOP/t/provider/mod_oci_away.c", 'gcc'), '',
    'the store is built');
my $server = OCI::Server->start(
    extra    => 'LoadModule oci_away_module ' . $build->so('mod_oci_away'),
    location => "SetHandler oci-registry\nOCIBlobStore away \@STORE\@\n"
        . "OCIIndex fs \@STORE\@\nRequire all granted"
);
my $client = OCI::Client->new($server);
my $bytes = random_bytes(10_000, 'away');
my $digest = $client->push_blob('away', $bytes);
my $path = "/v2/away/blobs/$digest";

for my $range (undef, 'bytes=5-9', 'bytes=99999-', 'bytes=0-1,5-6') {
    my $res = $client->get($path, Range => $range);
    status_is($res, 307, 'GET ' . ($range // ''));
    like($res->header('Location'), qr{\Ahttp://objects\.example/.*\?expires=1\z},
        'Location is the URL');
    header_is($res, 'Cache-Control', 'private, no-store', 'it must not be cached');
    header_is($res, 'Content-Length', 0);
    header_is($res, $_, undef, "no $_, which would describe the redirect")
        for qw(ETag Content-Range Accept-Ranges Content-Type);
    header_is($res, 'Docker-Content-Digest', $digest);
}
my $res = $client->head($path);
status_is($res, 200, 'HEAD');
header_is($res, 'Content-Length', length $bytes);
like($res->header('Cache-Control'), qr/\Amax-age=/, 'it may be cached');
status_is($client->$_($path, 'If-None-Match' => qq("$digest")), 304,
    "$_, If-None-Match") for qw(get head);
error_is($client->get('/v2/away/blobs/sha256:' . '0' x 64), 404, 'BLOB_UNKNOWN');
status_is($client->post("/v2/other/blobs/uploads/?mount=$digest&from=away"), 201,
    'a mount');
status_is($client->delete($path), 202, 'DELETE');
error_is($client->get($path), 404, 'BLOB_UNKNOWN');

$server->stop;

# An index without check is not read by "httpd -t", which does not start it.
$server = OCI::Server->start(
    extra    => 'LoadModule oci_away_module ' . $build->so('mod_oci_away'),
    location => "SetHandler oci-registry\nOCIBlobStore fs \@STORE\@\n"
        . "OCIIndex late \@STORE\@\nRequire all granted"
);
OCI::Client->new($server)->push_image('a', 'v1');
is($server->configtest->{output}, "Syntax OK\n", 'httpd -t does not read it');
$server->stop;
done_testing;
