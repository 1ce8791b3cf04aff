# SPDX-License-Identifier: Apache-2.0

# Caches, filters and other modules between the registry and its clients: what
# caches may store; no module changes the content.

use OCI::Test;

# A DocumentRoot with files that match URLs, and all modules that look at files.
my @modules = qw(mime negotiation dir alias autoindex filter deflate brotli
    cache cache_disk auth_basic authn_core authn_file authz_user headers);
my $brotli = OCI::Server::load('brotli') ? 'BROTLI_COMPRESS' : 'DEFLATE';
my $extra = <<'END';
AddDefaultCharset utf-8
AddLanguage de .de
AddLanguage en .en
AddEncoding x-gzip .gz
AddCharset utf-16 .utf
AddType text/html .html .json
TypesConfig /dev/null
DirectoryIndex index.html
DefaultLanguage fr
LanguagePriority de
<Directory "@DIR@/htdocs">
    Options +MultiViews +Indexes
    AllowOverride All
    Require all granted
</Directory>
END

my $server = OCI::Server->start(modules => \@modules, extra => $extra);
my $client = OCI::Client->new($server);
my @gzip = ('Accept-Encoding' => 'gzip, br, deflate', 'Accept-Language' => 'de');
my $root = $server->dir . '/htdocs';
mkdir "$root/$_"
    for qw(v2 v2/dir v2/dir/tags v2/dir/manifests v2/my.de);
OCI::Server::spew("$root/v2/$_", "a file\n") for qw(index.html dir/index.html dir/tags/list
    dir/tags/list.html dir/manifests/tag.html);
OCI::Server::spew("$root/v2/dir/.htaccess", "Require all denied\n");

# Restart with another configuration.
sub anew {
    $server->halt;
    $server->set(@_);
    $server->again;
    $client->close;
    return;
}

# ---- file names do not matter

for my $repo ('dir', 'dir/tags', 'my.de', 'my.en/a.gz', 'a.html/b.utf', 'x.var',
    'index.html') {
    my $image = $client->push_image($repo, 'tag.de');
    my $layer = $image->{document}{layers}[0]{digest};
    $client->push_manifest($repo, 'tag', $image->{text});
    for my $path ('manifests/tag', 'manifests/tag.de', 'tags/list',
        "manifests/$image->{digest}", "blobs/$layer") {
        my $res = $client->get("/v2/$repo/$path", @gzip, Accept => 'text/html');
        status_is($res, 200, "GET $repo/$path");
        header_is($res, 'Content-Type', $path =~ /^m/ ? IMAGE_MANIFEST
            : $path =~ /^b/ ? 'application/octet-stream' : 'application/json');
        header_is($res, $_, undef, "no $_") for qw(Content-Language
            Content-Encoding Content-Location Vary TCN Location);
        is($res->body, $image->{text}, 'the bytes') if $path =~ /^m/;
    }
}
status_is($client->get('/v2/'), 200, 'no directory index for /v2/');
error_is($client->get("/v2/$_"), 404, 'UNSUPPORTED', undef, "no directory index for $_")
    for 'dir', 'dir/', 'index.html';

# ---- Cache-Control

my $image = $client->push_image('caches', 'tag');
my $layer = $image->{document}{layers}[0]{digest};
my $for_good = qr/\Amax-age=\d{6,}\z/;
for my $path ("blobs/$layer", "manifests/$image->{digest}") {
    like($client->$_("/v2/caches/$path")->header('Cache-Control'), $for_good,
        "$_ $path: for good") for qw(get head);
    my $res = $client->get("/v2/caches/$path", 'If-None-Match' => '*');
    status_is($res, 304);
    like($res->header('Cache-Control'), $for_good, '304: for good');
    $res = $client->get("/v2/caches/$path", Authorization => 'Basic YTpi');
    like($res->header('Cache-Control'), qr/\bprivate\b/,
        'a request with credentials: private');
}
like($client->get("/v2/caches/blobs/$layer", Range => 'bytes=0-1')
    ->header('Cache-Control'), $for_good, 'a range: for good');
for my $path ('manifests/tag', 'tags/list', "referrers/$layer", 'manifests/none',
    'blobs/sha256:' . '0' x 64, 'x', 'manifests/sha256:' . '0' x 64) {
    header_is($client->$_("/v2/caches/$path"), 'Cache-Control', 'no-cache',
        "$_ $path: not to be kept") for qw(get head);
}
header_is($client->get('/v2/caches/manifests/tag', 'If-None-Match' => '*'),
    'Cache-Control', 'no-cache', '304 of a tag');
header_is($client->get("/v2/caches/blobs/$layer", Range => 'bytes=9999-'),
    'Cache-Control', 'no-cache', 'a range that cannot be satisfied');
header_is($client->get($_), 'Cache-Control', 'no-cache', $_)
    for '/v2/', '/v2/_catalog', '/v2/A/tags/list';
header_is($client->post('/v2/caches/blobs/uploads/'), 'Cache-Control',
    'no-cache', 'POST');

# ---- filters that compress

for my $filter ('SetOutputFilter DEFLATE', "SetOutputFilter $brotli",
    'AddOutputFilterByType DEFLATE application/json application/octet-stream '
    . IMAGE_MANIFEST . ' ' . IMAGE_INDEX) {
    anew(config => $filter, extra => "$extra\n$filter\n");
    my $short = substr $filter, 0, 30;
    my $bytes = 'compressible ' x 10_000;
    my $blob = $client->push_blob('filters', $bytes);
    my $text = json_text(image_manifest('{}', [], annotations =>
        { long => 'compressible ' x 1000 }));
    $client->push_blob('filters', '{}');
    $client->push_manifest('filters', 'tag', $text);
    for my $case ([ "blobs/$blob", $bytes ], [ 'manifests/tag', $text ],
        ['tags/list'], ['manifests/none'], ['x'],
        [ 'referrers/' . digest_of($text) ], [ 'blobs/sha256:' . '0' x 64 ]) {
        my ($path, $expected) = @$case;
        my $res = $client->get("/v2/filters/$path", @gzip);
        header_is($res, 'Content-Encoding', undef, "$short: $path");
        header_is($res, 'Content-Length', length $res->body,
            'the length of its body');
        ok($res->body eq $expected, 'its bytes') if defined $expected;
        unlike($res->header('ETag') // '', qr/gzip|br"/, 'its ETag');
        my $head = $client->head("/v2/filters/$path", @gzip);
        header_is($head, $_, scalar $res->header($_), "HEAD agrees on $_")
            for qw(Content-Length Content-Encoding ETag);
    }
    my $res = $client->get("/v2/filters/blobs/$blob", @gzip,
        Range => 'bytes=0-9,20-29');
    status_is($res, 206, "$short: ranges");
    header_is($res, 'Content-Length', length $res->body,
        'the length of their body');
}

# ---- mod_cache in the same httpd

# The log line of mod_cache_disk about an entry after a PUT to its URL.
$server->allows(qr/AH00717: Premature end of cache headers/);
mkdir $server->dir . '/cache';
chmod 0777, $server->dir . '/cache';
OCI::Server::spew($server->dir . '/users', 'user:{SHA}'
    . Digest::SHA::sha1_base64('secret') . "=\n");
for my $quick (qw(On Off)) {
    my $cache = <<"END";
$extra
CacheQuickHandler $quick
CacheRoot "\@DIR\@/cache"
CacheEnable disk /
CacheHeader on
END
    anew(config => '', extra => $cache, after => '');
    my $repo = 'cached/' . lc $quick;
    my $base = "/v2/$repo";

    # It may answer requests by digest, and answers correctly.
    my $bytes = random_bytes(100_000, $repo);
    my $digest = $client->push_blob($repo, $bytes);
    my @hits;
    for (1 .. 3) {
        my $res = $client->get("$base/blobs/$digest");
        ok($res->body eq $bytes, "CacheQuickHandler $quick: a blob");
        header_is($res, 'Docker-Content-Digest', $digest);
        push @hits, ($res->header('X-Cache') // '') =~ /\AHIT/ ? 1 : 0;
    }
    is_deeply(\@hits, [ 0, 1, 1 ], 'the blob is cached');
    my $res = $client->get("$base/blobs/$digest", Range => 'bytes=5-9');
    ok($res->body eq substr($bytes, 5, 5), 'a range');
    header_is($client->head("$base/blobs/$digest"), 'Content-Length', 100_000,
        'HEAD');
    status_is($client->get("$base/blobs/$digest", 'If-None-Match' =>
        qq("$digest")), 304, 'not modified');

    # Every change is visible at once.
    $client->push_blob($repo, '{}');
    for my $n (1 .. 3) {
        my $text = json_text(image_manifest('{}', [], annotations =>
            { n => "$n" }));
        error_is($client->get("$base/manifests/$_"), 404, 'MANIFEST_UNKNOWN',
            undef, 'not there') for "t$n", digest_of($text);
        $client->push_manifest($repo, $_, $text) for 'tag', "t$n";
        for (1, 2) {
            is($client->get("$base/manifests/tag")->body, $text,
                "the tag's manifest number $n");
            is($client->get("$base/manifests/$_")->body, $text, "by $_")
                for "t$n", digest_of($text);
            is_deeply($client->get("$base/tags/list")->json->{tags},
                [ sort 'tag', map { "t$_" } 1 .. $n ], 'the list of tags');
            status_is($client->get('/v2/'), 200, 'the base');
        }
    }
    my $catalog = $client->get('/v2/_catalog')->json->{repositories};
    ok((grep { $_ eq $repo } @$catalog), 'the catalog');
    status_is($client->delete("$base/manifests/tag"), 202, 'DELETE of the tag');
    error_is($client->get("$base/manifests/tag"), 404, 'MANIFEST_UNKNOWN', undef,
        'the deletion is visible');

    # Replies that depend on authorization are not for shared caches.
    $server->halt;
    for my $case (
        [ 'an address'   => 1, "<Location \"/v2/inner/\">\nRequire ip 127\n</Location>" ],
        [ 'a pattern'    => 1, '<LocationMatch "^/v2/in">' . "\nRequire local\n"
            . '</LocationMatch>' ],
        [ 'any path'     => 1, "<Location \"/*\">\nRequire ip 127\n</Location>" ],
        [ 'a condition'  => 1, "<If \"true\">\nRequire local\n</If>" ],
        [ 'another host' => 1, "<VirtualHost *:1>\n<Location />\nRequire local\n"
            . "</Location>\n</VirtualHost>" ],
        [ 'elsewhere'    => 0, "<Location /status>\nRequire local\n</Location>" ],
        [ 'files'        => 0, "<Directory />\nRequire all denied\n</Directory>\n"
            . '<Files ".ht*">' . "\nRequire all denied\n</Files>" ],
        [ 'rewriting'    => 1, "RewriteEngine On\nRewriteRule ^/x - [F]" ],
        [ 'a condition on anything' => 1,
            "<If \"-R '10.0.0.0/8'\">\nRedirect 403 /v2/\n</If>" ],
        [ 'all granted'  => 0, "<Location \"/v2/\">\nRequire all granted\n</Location>" ]
    ) {
        my ($name, $private, $after) = @$case;
        my $own = OCI::Server->start(modules => [qw(authz_host rewrite alias)],
            after => $after);
        my $caller = OCI::Client->new($own);
        my $blob = $caller->push_blob('inner/a', 'some bytes');
        is($caller->get("/v2/inner/a/blobs/$blob")->header('Cache-Control'),
            ($private ? 'private, ' : '') . 'max-age=31536000', "guarded by $name");
        $own->stop;
    }
    $server->again;
    $client->close;

    # A cached reply for an authorized user is not sent to others.
    anew(config => '', extra => $cache, after => <<'END');
<Location "/v2/guarded/">
    AuthType Basic
    AuthName "registry"
    AuthBasicProvider file
    AuthUserFile "@DIR@/users"
    Require valid-user
</Location>
END
    my $own = OCI::Client->new($server,
        headers => [ Authorization => 'Basic dXNlcjpzZWNyZXQ=' ]);
    my $blob = $own->push_blob('guarded/' . lc $quick, 'for users');
    my $path = '/v2/guarded/' . lc($quick) . "/blobs/$blob";
    for (1 .. 3) {
        is($own->get($path)->body, 'for users', 'a user gets the blob');
        error_is($client->get($path), 401, 'UNAUTHORIZED', undef,
            'an anonymous caller does not');
    }
}

# ---- HTTP/1.0, which some proxies use

anew(config => '', extra => $extra, after => '');

sub old {
    my ($head, $body) = @_;
    my $own = OCI::Client->new($server);
    $own->send(join "\r\n", @$head, '', $body // '');
    my $res = $own->receive($head->[0] =~ /\A(\w+)/);
    return $res;
}
status_is(old(['GET /v2/ HTTP/1.0']), 200, 'HTTP/1.0: GET /v2/');
my $res = old([ 'POST /v2/old/blobs/uploads/ HTTP/1.0', 'Content-Length: 0' ]);
status_is($res, 202, 'HTTP/1.0: POST');
my $where = $res->header('Location');
like($where, qr{\A/v2/old/blobs/uploads/}, 'a path as Location');
my $bytes = random_bytes(300_000, 'old');
my $digest = digest_of($bytes);
$res = old([ "PATCH $where HTTP/1.0", 'Content-Length: 300000' ], $bytes);
status_is($res, 202, 'HTTP/1.0: PATCH');
$res = old([ 'PUT ' . with_query($where, "digest=$digest") . ' HTTP/1.0',
    'Content-Length: 0' ]);
status_is($res, 201, 'HTTP/1.0: PUT');
for my $path ("/v2/old/blobs/$digest", '/v2/old/tags/list', '/v2/', '/v2/x',
    '/v2/_catalog', "/v2/old/referrers/$digest", "/v2/old/blobs/$layer", '/v2/%zz') {
    for my $headers ([], ['Connection: keep-alive'], ['Range: bytes=0-9,20-29'],
        [ 'Via: 1.0 proxy', 'Accept-Encoding: gzip' ]) {
        $res = old([ "GET $path HTTP/1.0", @$headers ]);
        header_is($res, 'Transfer-Encoding', undef, "HTTP/1.0: GET $path");
        header_is($res, 'Content-Length', length $res->body,
            'the right length');
    }
}
ok(old(["GET /v2/old/blobs/$digest HTTP/1.0"])->body eq $bytes, 'the same bytes');
$server->expects(qr/AH10244: invalid URI path/);

$server->stop;
done_testing;
