# SPDX-License-Identifier: Apache-2.0

# What an upload has stored is read back by its next request.  If the S3 server
# returns other bytes, they become no blob.

use OCI::Test;

use OCI::S3::Registry;

my ($s3, $server, $client) = s3_registry(config => 'OCIRedirect Off',
    settings => { OCIS3PartSize => '5M' });

for my $size (90_000, 7 * MIB) {
    my $bytes = random_bytes($size + 1000, "damage $size");
    my ($first, $rest) = (substr($bytes, 0, $size), substr $bytes, $size);
    my $location = $client->start_upload('a/b');
    my $res = $client->patch($location, $first);
    status_is($res, 202, "$size bytes");
    $location = $res->header('Location');
    my @range = ('Content-Range' => "$size-" . ($size + 999));

    my @put = (with_query($location, 'digest=' . digest_of($bytes)), $rest,
        @range);

    $s3->faults({ fault => 'corrupt', method => 'GET', at => 50, count => 99 });
    $server->expects(qr/returned other bytes of "\S+" than were put: repeat/)
        for 1, 2;
    status_is($client->patch($location, $rest, @range), 500,
        'the server returns other bytes to a PATCH');
    status_is($client->put(@put), 500, 'and to a PUT');
    $s3->faults();
    status_is($client->put(@put), 201, 'then the right ones');
    $res = $client->get('/v2/a/b/blobs/' . digest_of($bytes));
    ok($res->body eq $bytes, 'the blob is whole');
}

$server->stop;
done_testing;
