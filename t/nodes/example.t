# SPDX-License-Identifier: Apache-2.0

# conf/examples/nodes.conf, with other paths and parameters: two httpds with the
# same database and the same directory serve one registry.

use OCI::Test;

use OCI::Database;

my $database = OCI::Database->start('pgsql')
    or plan skip_all => 'PostgreSQL is not installed';
my $text = OCI::Server::slurp("$OCI::Server::TOP/conf/examples/nodes.conf");
my %replace = (
    '/var/lib/mod_oci' => '@STORE@',
    'host=db.example.com dbname=oci user=oci' => $database->params
);
for my $from (sort keys %replace) {
    ok($text =~ s/\Q$from\E/$replace{$from}/, "nodes.conf names $from");
}
my @option = (location => '', after => $text, modules => ['dbd']);
my $one = OCI::Server->start(@option);
my $two = OCI::Server->start(@option, store => $one->store);

my $image = OCI::Client->new($one)->push_image('some/image', 'v1',
    layers => ['a', 'b']);
my $client = OCI::Client->new($two);
is($client->get('/v2/some/image/manifests/v1')->body, $image->{text},
    'a manifest pushed to one can be pulled from the other');
is($client->get('/v2/some/image/blobs/' . digest_of('b'))->body, 'b',
    'a layer, too');
is_deeply($client->get('/v2/_catalog')->json,
    { repositories => ['some/image'] }, 'it is listed');
status_is($client->delete('/v2/some/image/manifests/v1'), 202,
    'it is deleted in one');
status_is(OCI::Client->new($one)->get('/v2/some/image/manifests/v1'), 404,
    'it is deleted in the other');
$two->stop;
$one->stop;
done_testing;
