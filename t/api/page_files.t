# SPDX-License-Identifier: Apache-2.0

# SetHandler oci-page serves the files of src/page, with headers that forbid all
# else, at any path; and it has the pull command for browsers without
# JavaScript.

use OCI::Test;
use OCI::Auth;

my $LOCATIONS = join "\n", map {
    my ($section, $path) = @$_;
    "<$section \"$path\">\nSetHandler oci-page\nRequire all granted\n"
        . "</$section>\n"
} [ Location => '/ui' ], [ Location => '/deep/er/' ],
    [ LocationMatch => '^/p[0-9]+/' ];
my $server = OCI::Server->start(after => $LOCATIONS);
my $client = OCI::Client->new($server);

my %type = (
    ''          => 'text/html; charset=utf-8',
    'page.html' => 'text/html; charset=utf-8',
    'page.css'  => 'text/css; charset=utf-8',
    'page.js'   => 'text/javascript; charset=utf-8',
    'icon.svg'  => 'image/svg+xml',
);
my $POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
    . "img-src 'self'; connect-src 'self'; base-uri 'none'; "
    . "form-action 'none'; frame-ancestors 'none'";

sub check_headers {
    my ($res, $name) = @_;
    header_is($res, 'Content-Security-Policy', $POLICY, "$name: its policy");
    header_is($res, 'X-Content-Type-Options', 'nosniff', "$name: nosniff");
    header_is($res, 'Referrer-Policy', 'no-referrer', "$name: no referrer");
    header_is($res, 'Cache-Control', 'private, no-cache', "$name: no-cache");
    header_is($res, 'Set-Cookie', undef, "$name: no cookie");
    return;
}

for my $prefix (qw(/ui/ /deep/er/ /p1/)) {
    for my $file (sort keys %type) {
        my $path = "$prefix$file";
        my $res = $client->get($path);
        status_is($res, 200, $path);
        header_is($res, 'Content-Type', $type{$file}, "$path: its type");
        check_headers($res, $path);
        my $tag = $res->header('ETag');
        like($tag, qr/^"sha256:[0-9a-f]{64}"$/, "$path: an entity tag");
        status_is($client->get($path, 'If-None-Match' => $tag), 304,
            "$path: not changed");
        status_is($client->get($path, 'If-None-Match' => '"other"'), 200,
            "$path: changed");
        my $head = $client->head($path);
        status_is($head, 200, "HEAD $path");
        header_is($head, 'Content-Length', length $res->body,
            "HEAD $path: its length");
    }
}

# Every file of the directory is served as it is.
for my $path (glob "$OCI::Server::TOP/src/page/*") {
    my ($name) = $path =~ m{([^/]+)\z};
    my $bytes = OCI::Server::slurp($path);
    $bytes =~ s/<!-- (?:user|without JavaScript) -->//g;
    ok($client->get("/ui/$name")->body eq $bytes, "$name is served");
    unlike($bytes, qr/innerHTML|outerHTML|insertAdjacentHTML|document\.write
        |\beval\(|new[ ]Function|document\.cookie/x,
        "$name makes no HTML or script from text");
    unlike($bytes, qr/<script>|<style|\sstyle=|\son\w+="/,
        "$name has no inline script or style");
}

for my $path (qw(/ui/other /ui/page.js/ /ui/a/page.js /ui/a/ /ui/page.c
    /deep/er/.. /ui/%2e%2e/page.js /ui/page.js%00 /ui//a/)) {
    my $res = $client->get($path);
    cmp_ok($res->status, '>=', 400, "$path is refused");
}
check_headers($client->get('/ui/other'), '404');
for my $method (qw(POST PUT DELETE PATCH OPTIONS)) {
    my $res = $client->request($method, '/ui/', {}, '');
    status_is($res, 405, "$method is not allowed");
    like($res->header('Allow'), qr/\bGET\b/, "$method: what is allowed");
}
my $res = $client->get('/ui?repository=a&tag=v1');
status_is($res, 301, 'the slash is added');
like($res->header('Location'), qr{/ui/\?repository=a&tag=v1$},
    'and the query is kept');

# Without JavaScript: the command, for valid names alone.
my $digest = 'sha256:' . 'a' x 64;
my $host = $server->host;
my %command = (
    'repository=team/app&tag=v1'          => "docker pull $host/team/app:v1",
    'repository=team%2Fapp'               => "docker pull $host/team/app",
    "repository=a&digest=$digest"         => "docker pull $host/a\@$digest",
    "repository=a&tag=v1&digest=$digest"  => "docker pull $host/a\@$digest",
    'repository=a&tag=%3Cscript%3E'       => "docker pull $host/a",
    'repository=a&digest=sha256:%3Cb%3E'  => "docker pull $host/a",
);
for my $query (sort keys %command) {
    my $body = $client->get("/ui/?$query")->body;
    like($body, qr{<pre>\Q$command{$query}\E</pre>}, $query);
    unlike($body, qr/<script>|<b>/, "$query: nothing else of it");
}
my $plain = $client->get('/ui/')->body;
for my $query ('repository=%3Cscript%3Ealert(1)%3C/script%3E', 'tag=v1',
    'repository=A', 'repository=..', 'repository=a%00', 'repository=a%ZZ',
    'repository=', 'repository=a%22%3E', "digest=$digest", '"><script>') {
    my $path = '/ui/?' . $query =~ s/([<>" ])/sprintf '%%%02X', ord $1/ger;
    ok($client->get($path)->body eq $plain, "$query is not repeated");
}
$res = $client->request(GET => '/ui/?repository=a',
    [ Host => 'a"><script>x' ]);
unlike($res->body, qr/<script>x/, 'a hostile Host is not repeated');
unlike($plain, qr/<meta name="user"/, 'nobody has logged in');
is(scalar(() = $plain =~ /<noscript>/g), 1, 'one text without JavaScript');

$server->stop;

# The page knows the user whom httpd knows.
my %user = (alice => 'alice', '"><script>x' => '&quot;&gt;&lt;script&gt;x');
$server = OCI::Server->start(modules => [qw(auth_basic authn_core authn_file
    authz_user)], after => "<Location \"/ui/\">\nSetHandler oci-page\n"
    . OCI::Auth::file_login() . "\nRequire valid-user\n</Location>");
OCI::Auth::passwords($server, more => { map { $_ => 'x' } keys %user });
$client = OCI::Client->new($server);
for my $name (sort keys %user) {
    my $body = $client->get('/ui/', Authorization =>
        OCI::Auth::basic($name, 'x'))->body;
    like($body, qr/<meta name="user" content="\Q$user{$name}\E">
<meta name="auth-type" content="Basic">/, "the user $name");
    unlike($body, qr/<script>x/, 'nothing runs');
}
my ($one, $two) = map { $client->get('/ui/', Authorization =>
    OCI::Auth::basic($_, 'x'))->header('ETag') } sort keys %user;
isnt($one, $two, 'what a browser has kept is not shown to another user');
$server->stop;

# At "/", beside the registry.
$server = OCI::Server->start(after => "<Location \"/\">\nSetHandler oci-page\n"
    . "</Location>\n<Location \"/v2/\">\nSetHandler oci-registry\n</Location>");
$client = OCI::Client->new($server);
status_is($client->get('/'), 200, 'the page at /');
status_is($client->get('/page.js'), 200, 'its script');
status_is($client->get('/other/'), 404, 'nothing else');
is($client->get('/v2/')->body, '{}', 'the registry is there');
$server->stop;
done_testing;
