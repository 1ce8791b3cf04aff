# SPDX-License-Identifier: Apache-2.0

# Refusals by other directives than Require apply to mounts and to the catalog
# too: a question runs all of httpd's request hooks and OCIRepositoryPattern.

use OCI::Test;

my %rules = (
    'OCIRepositoryPattern' => 'OCIRepositoryPattern mine',
    'RewriteRule'   => "RewriteEngine On\nRewriteRule ^/v2/secret/ - [F]",
    'Redirect'      => 'Redirect 403 /v2/secret/',
    'RedirectMatch' => 'RedirectMatch 404 ^/v2/secret/'
);
my $bytes = 'what nobody may have';
my $digest = digest_of($bytes);

for my $rule (sort keys %rules) {
    my $server = OCI::Server->start(ports => 2, modules => [qw(alias rewrite)],
        after => "<VirtualHost *:\@PORT2\@>\n$rules{$rule}\n</VirtualHost>");
    my ($inside, $outside)
        = map { OCI::Client->new($server->host($_)) } 1, 2;
    $inside->push_image('secret/image', 'v1', layers => [$bytes]);
    my $status = { RedirectMatch => 404, OCIRepositoryPattern => 400 }->{$rule}
        // 403;
    status_is($outside->get("/v2/secret/image/blobs/$digest"), $status,
        "$rule: no pull");
    for my $query ("mount=$digest&from=secret/image", "mount=$digest") {
        status_is($outside->post("/v2/mine/blobs/uploads/?$query"), 202,
            "$rule: no mount, $query" =~ s/sha256:\w+/.../r);
    }
    error_is($outside->get("/v2/mine/blobs/$digest"), 404, 'BLOB_UNKNOWN', undef,
        'the blob was not mounted');
    is_deeply($outside->get('/v2/_catalog')->json, { repositories => [] },
        "$rule: not in the catalog");
    status_is($inside->post("/v2/mine/blobs/uploads/?mount=$digest"), 201,
        "$rule: a mount at the server without the rule");
    is_deeply($outside->get('/v2/_catalog')->json, { repositories => ['mine'] },
        'its repository is in the catalog');
    $server->stop;
}
done_testing;
