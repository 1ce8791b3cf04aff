# SPDX-License-Identifier: Apache-2.0

# conf/examples/s3.conf, with other addresses: two httpds with the same database
# and the same bucket serve one registry.

use OCI::Test;

use OCI::Database;
use OCI::S3;

my $database = OCI::Database->start('pgsql')
    or plan skip_all => 'PostgreSQL is not installed';
my $module = "$OCI::Server::TOP/.build/mod/.libs/mod_oci_s3.so";
-e $module or plan skip_all => 'mod_oci_s3 is not built: libcurl is missing';
my $s3 = OCI::S3->start('strict', bucket => 'registry');
my $keys = File::Temp->new;
print $keys "[default]\naws_access_key_id = @{[ $s3->key ]}\n",
    "aws_secret_access_key = @{[ $s3->secret ]}\n";
close $keys;
chmod 0644, "$keys";    # httpd runs as another user
my $text = OCI::Server::slurp("$OCI::Server::TOP/conf/examples/s3.conf");
my %replace = (
    'https://objects.example.com' => $s3->url,
    'modules/mod_oci_s3.so'       => $module,
    '/etc/mod_oci.s3'             => "$keys",
    '^192\.0\.2\.'                => '^127\.0\.0\.1$',
    'host=db.example.com dbname=oci user=oci' => $database->params
);
for my $from (sort keys %replace) {
    ok($text =~ s/\Q$from\E/$replace{$from}/, "s3.conf names $from");
}
my @option = (location => '', after => $text, modules => ['dbd', 'setenvif'],
    sanitize => 0);
my $one = OCI::Server->start(@option);
my $two = OCI::Server->start(@option);

my $image = OCI::Client->new($one)->push_image('some/image', 'v1',
    layers => ['a', 'b']);
my $client = OCI::Client->new($two);
is($client->get('/v2/some/image/manifests/v1')->body, $image->{text},
    'a manifest pushed to one can be pulled from the other');
my $path = '/v2/some/image/blobs/' . digest_of('b');
is($client->get($path)->body, 'b', 'a layer, too: from httpd');
$two->set(after => $text =~ s/^\s+SetEnvIf.*\n//mr);
$two->reload('USR1');
my $res = OCI::Client->new($two)->get($path);
status_is($res, 307, 'without the variable');
like($res->header('Location'), qr{\A\Q@{[ $s3->url ]}\E/registry/blobs/blobs/},
    'to the bucket');
status_is($client->delete('/v2/some/image/manifests/v1'), 202,
    'it is deleted in one');
status_is(OCI::Client->new($one)->get('/v2/some/image/manifests/v1'), 404,
    'it is deleted in the other');
$two->stop;
$one->stop;
$s3->stop;
done_testing;
