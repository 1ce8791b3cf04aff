# SPDX-License-Identifier: Apache-2.0

# An index of version 1: httpd raises it when it starts.  "httpd -t" does not,
# and processes of version 1 cannot change it afterwards.

use OCI::Test;
use OCI::Admin qw(set_fact);

my $dir = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$dir";
my $store = "$dir/store";
mkdir $_ for $store, "$store/index";

my $text = OCI::Client::json_text(OCI::Client::image_index([]));
my $other = OCI::Client::json_text(OCI::Client::image_index([],
    annotations => { other => '1' }));
my ($digest, $moved) = map { OCI::Client::digest_of($_) } $text, $other;
my $type = OCI::Client::IMAGE_INDEX;

OCI::Server::spew("$store/index/.version", "mod_oci index 1\n");
OCI::Server::spew("$store/index/.lock", '0123456789abcdef0123456789abcdef');
set_fact($store, 'catalog/a!', '');
set_fact($store, "repo/a/_manifest/$digest", "$type\n$text");
for my $tag (qw(v1 v2 v3)) {
    set_fact($store, "repo/a/_tagged/$digest/$tag", '');
    set_fact($store, "repo/a/_tag/$tag", $digest);
}
OCI::Admin::give_to_httpd($store);
my $inode = (stat "$store/index/.lock")[1];
my $config = "OCIBlobStore fs $store";

my $checked = OCI::Server->configtest(config => $config)->{output};
like($checked, qr/Syntax OK/, 'httpd -t accepts version 1');
is(OCI::Server::slurp("$store/index/.version"), "mod_oci index 1\n",
    'and does not raise it');
ok(-e "$store/index/.lock", 'or rename the lock file');

my $server = OCI::Server->start(index => 'fs', config => $config);
my $client = OCI::Client->new($server);
is(OCI::Server::slurp("$store/index/.version"), "mod_oci index 2\n",
    'a start raises it');
ok(!-e "$store/index/.lock", 'the old lock file is gone');
is((stat "$store/index/.locks")[1], $inode, 'it has a new name');

my $res = $client->get('/v2/a/manifests/v1');
status_is($res, 200, 'an old tag');
is($res->body, $text, 'and its manifest');
header_is($res, 'Content-Type', $type, 'the media type');
status_is($client->get("/v2/a/manifests/$digest"), 200, 'an old manifest');
is_deeply($client->get('/v2/a/tags/list')->json->{tags}, [qw(v1 v2 v3)],
    'the tags');
$client->push_manifest('a', 'v1', $other);
is($client->get('/v2/a/manifests/v1')->body, $other, 'a tag is moved');
like(OCI::Server::fact("$store/index/repo/a/_tag/v1"), qr/\A$moved;\d+;\z/,
    'it has the new form');
ok(!-e "$store/index/repo/a/_tagged/$digest/v1", 'the old entry is removed');
status_is($client->delete('/v2/a/manifests/v2'), 202, 'a tag is deleted');
status_is($client->delete("/v2/a/manifests/$digest"), 202,
    'a manifest is deleted');
is_deeply($client->get('/v2/a/tags/list')->json->{tags}, ['v1'],
    'with its last tag');
$server->restart;
status_is($client->get('/v2/a/manifests/v1'), 200, 'after a restart');
$server->stop;

done_testing;
