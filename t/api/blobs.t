# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/blobs/<digest>: pull and delete.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $repo = 'blobs/of';

my %blobs = (
    empty  => '',
    byte   => "\0",
    small  => "some bytes\r\n",
    large  => random_bytes(3_000_001, 1),
);
for my $name (sort keys %blobs) {
    for my $algorithm (qw(sha256 sha512)) {
        my $bytes = $blobs{$name};
        my $digest = $client->push_blob($repo, $bytes, $algorithm);
        my $path = "/v2/$repo/blobs/$digest";
        my $res = $client->get($path, 'Accept-Encoding' => 'gzip');
        status_is($res, 200, "$name, $algorithm: GET");
        ok($res->body eq $bytes, 'the same bytes');
        header_is($res, 'Content-Type', 'application/octet-stream');
        header_is($res, 'Content-Length', length $bytes);
        header_is($res, 'Docker-Content-Digest', $digest);
        header_is($res, 'ETag', qq("$digest"));
        header_is($res, 'Accept-Ranges', 'bytes');
        header_is($res, 'Docker-Distribution-API-Version', 'registry/2.0');
        header_is($res, $_, undef, "no $_")
            for qw(Transfer-Encoding Content-Encoding Content-Language
                   Last-Modified);
        my $head = $client->head($path);
        status_is($head, 200, "$name, $algorithm: HEAD");
        header_is($head, $_, $res->header($_), "HEAD says the same $_")
            for qw(Content-Type Content-Length Docker-Content-Digest ETag
                   Accept-Ranges Cache-Control);
        header_is($client->get("$path?ns=docker.io"), 'Content-Length',
            length $bytes, 'ns= is ignored');
    }
}

# A repository serves only its own blobs.
my $small = digest_of($blobs{small});
for my $name ('blobs', 'blobs/of/more', 'other', 'blobs/o') {
    error_is($client->$_("/v2/$name/blobs/$small"), 404, 'BLOB_UNKNOWN',
        qr/does not hold/, "$_ in $name") for qw(get head delete);
}
error_is($client->get("/v2/$repo/blobs/sha256:" . '0' x 64), 404,
    'BLOB_UNKNOWN', undef, 'no such blob');
error_is($client->get("/v2/$repo/manifests/$small"), 404, 'MANIFEST_UNKNOWN',
    undef, 'a blob is not a manifest');
for my $bad ('sha256:baddigeststring', 'sha256:' . 'A' x 64, 'sha256:' . 'a' x 63,
    'sha512:' . 'a' x 64, 'sha384:' . 'a' x 96, 'sha256', 'latest',
    'sha256:' . 'a' x 64 . '.', 'sha256%3A', 'sha1:' . 'a' x 40) {
    for my $method (qw(get head delete)) {
        error_is($client->$method("/v2/$repo/blobs/$bad"), 400, 'DIGEST_INVALID',
            qr/digest/, "$method of " . substr $bad, 0, 40);
    }
}

# Deleting.
my $path = "/v2/$repo/blobs/$small";
$client->push_blob('blobs/too', $blobs{small});
my $res = $client->delete($path);
status_is($res, 202, 'DELETE');
header_is($res, 'Content-Length', 0);
error_is($client->$_($path), 404, 'BLOB_UNKNOWN', undef, "then $_")
    for qw(get head delete);
is($client->get("/v2/blobs/too/blobs/$small")->body, $blobs{small},
    'another repository still has it');
is($client->get("/v2/$repo/blobs/" . digest_of($blobs{small}, 'sha512'))->body,
    $blobs{small}, 'also by its other digest');
$client->push_blob($repo, $blobs{small});
is($client->get($path)->body, $blobs{small}, 'a new push restores it');

# A download that has begun is completed.
my $large = digest_of($blobs{large});
$client->close;
$client->send("GET /v2/$repo/blobs/$large HTTP/1.1\r\nHost: x\r\n\r\n");
sysread $client->socket, $client->{input}, 1000;
my $second = OCI::Client->new($server);
status_is($second->delete("/v2/$repo/blobs/$large"), 202,
    'DELETE during a GET');
ok($client->receive->body eq $blobs{large}, 'the GET gets the entire blob');

for my $method (qw(POST PUT PATCH)) {
    $res = $client->request($method => $path, {}, '');
    error_is($res, 405, 'UNSUPPORTED', undef, $method);
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD, DELETE');
}

$server->stop;
done_testing;
