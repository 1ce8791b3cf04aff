# SPDX-License-Identifier: Apache-2.0

# Repository names of any depth and with any words, and invalid names.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);

# The entire content of the store, to check that nothing changed.
sub contents {
    my $store = $server->store;
    return join '', sort split /^/, `find $store ! -path '*lock*' ! -type d`;
}

# Every operation on a repository with this name works.
sub works {
    my ($name, $other) = @_;
    my $base = "/v2/$name";
    my $short = length $name > 40 ? length($name) . ' bytes' : $name;
    my @faults;
    my $check = sub {
        my ($what, $res, $status, $condition) = @_;
        push @faults, "$what: " . $res->text
            if $res->status != $status || defined $condition && !$condition;
        return $res;
    };
    my $blob = "layer of $name";
    my $digest = digest_of($blob);
    my $text = json_text(image_manifest('{}', [$blob]));
    my $res = $check->(POST => $client->post("$base/blobs/uploads/"), 202);
    my $where = $res->header('Location') // '';
    push @faults, "Location: $where" if $where !~ m{\A\Q$base\E/blobs/uploads/[^/]+\z};
    $check->(PATCH => $client->patch($where, $blob), 202);
    $check->(status => $client->get($where), 204);
    $check->(PUT => $client->put(with_query($where, "digest=$digest"), ''), 201);
    $res = $client->post("$base/blobs/uploads?digest=" . digest_of('{}'), '{}');
    $check->('POST of a blob' => $res, 201);
    $res = $client->get("$base/blobs/$digest");
    $check->('GET of a blob' => $res, 200, $res->body eq $blob);
    $res = $client->put("$base/manifests/list", $text, 'Content-Type' =>
        IMAGE_MANIFEST);
    $check->('PUT of a manifest' => $res, 201);
    $res = $client->get("$base/manifests/list");
    $check->('GET of a manifest' => $res, 200, $res->body eq $text);
    $res = $client->get("$base/tags/list");
    $check->('tags' => $res, 200, ($res->json->{name} // '') eq $name
        && "@{ $res->json->{tags} // [] }" eq 'list');
    $res = $client->get("$base/referrers/" . digest_of($text));
    $check->('referrers' => $res, 200);
    $res = $client->post("/v2/$other/blobs/uploads/?mount=$digest&from=$name");
    $check->('mount' => $res, 201);
    ok(!@faults, "a repository $short") || diag(join "\n", @faults);
    return;
}

my @words = qw(blobs uploads manifests tags list referrers v2);
my @names = (qw(a 0 a.b a_b a__b a-b a---b a0.b1_c2__d3-e4 x/y 1/2/3/4/5/6/7/8),
    @words, 'a/blobs/uploads', 'blobs/uploads', 'blobs/uploads/x', 'tags/list',
    'manifests/list', 'a/manifests/b', 'a/tags/list/b', 'referrers/blobs',
    'blobs/blobs', 'uploads/blobs/uploads', join('/', @words),
    join('/', reverse @words), join('/', ('a') x 128), 'x' x 254,
    'x' x 127 . '/' . 'y' x 127, 'a/' x 126 . 'bcd');
works($_, 'mounted') for @names;
my %there = map { $_ => 1 } @{ $client->get('/v2/_catalog')->json->{repositories} };
is_deeply([ grep { !$there{$_} } @names ], [], 'all are in the catalog');
is(scalar keys %there, @names + 1, 'no others are');

# Invalid names: every method refuses them, and nothing changes.  A component
# may have 254 bytes, a name 255.
my $before = contents();
my $text = json_text(image_manifest('{}', []));
my $digest = digest_of('{}');
for my $bad ('A', 'aB', 'a/B', '_a', '-a', 'a-', 'a_', 'a/_b', 'a/-', 'a/b-/c',
    'a___b', 'a._b', 'a-.b', 'a.-b', 'a%20b', 'a%5Cb', 'a%5C..%5Cb', 'a:b',
    'a@b', 'a+b', 'a~b', 'a!b', 'a$b', 'a;b', 'a,b', 'a*b', 'a%22b', 'a%3Cb',
    'a%25b', 'a%3Fb', 'a%23b', '%C3%A4', '%EF%BC%8E%EF%BC%8E', '%c0%ae%c0%ae',
    '%ff', 'a%0ab', 'a%0d%0ab', 'a%0d%0aSet-Cookie:%20x', 'a%09b', 'a%7fb',
    '.a', 'a.', 'a..b', 'a/.b', 'a/...', '...', '.hidden/x', 'a/b.', '%E2%80%8B',
    'x' x 255, 'x' x 256, 'x/' x 127 . 'yy', 'a/' x 400 . 'b', 'x' x 5000) {
    my $short = substr $bad, 0, 40;
    my %res = (
        tags      => $client->get("/v2/$bad/tags/list"),
        manifest  => $client->put("/v2/$bad/manifests/x", $text,
                         'Content-Type' => IMAGE_MANIFEST),
        pull      => $client->get("/v2/$bad/manifests/x"),
        'HEAD'    => $client->head("/v2/$bad/manifests/x"),
        blob      => $client->get("/v2/$bad/blobs/$digest"),
        upload    => $client->post("/v2/$bad/blobs/uploads/"),
        push      => $client->post("/v2/$bad/blobs/uploads/?digest=$digest", '{}'),
        delete    => $client->delete("/v2/$bad/manifests/x"),
        referrers => $client->get("/v2/$bad/referrers/$digest"),
    );
    my @faults = map { "$_: " . $res{$_}->text } grep {
        my @wrong = OCI::Test::error_faults($res{$_}, 400, 'NAME_INVALID');
        push @wrong, 'a header' if $res{$_}->header('Set-Cookie');
        @wrong
    } sort keys %res;
    ok(!@faults, "'$short' is not a valid name") || diag(join "\n", @faults);
}

# Traversal, NUL, escapes and slashes in every spelling.
$server->expects(qr/AH10244: invalid URI path/);
$server->allows(qr/AH\d+: (?:Invalid|invalid|request failed)/);
my @paths = (
    '/v2/../v2/..', '/v2/..%2f..%2fetc/manifests/x', '/v2/%2e%2e/x/manifests/x',
    '/v2/a/%2e%2e/%2e%2e/%2e%2e/manifests/x', '/v2/a/%2e./b/../../../manifests/x',
    '/v2/..%5c..%5cx/manifests/x', '/v2/..%255c/manifests/x',
    '/v2/%252e%252e/manifests/x', '/v2/a/..;/b/manifests/x',
    '/v2/.%00./manifests/x', '/v2/a%00/manifests/x', '/v2/a/manifests/x%00',
    '/v2/a/manifests/..', '/v2/a/manifests/%2e%2e', '/v2/a/manifests/.',
    '/v2/a/manifests/..%2f..', '/v2/a/manifests/..%5c..', '/v2/a/blobs/..',
    '/v2/a/blobs/sha256:..', '/v2/a/blobs/sha256%3A..%2F..',
    '/v2/a/blobs/../../../../etc/passwd', '/v2/a/blobs/uploads/..',
    '/v2/a/blobs/uploads/..%2f..%2fx', '/v2/a/blobs/uploads/%2e%2e/%2e%2e/x',
    '/v2/a/blobs/uploads/.', '/v2/a%2Fb/manifests/x', '/v2/a%2fb/tags/list',
    '/v2/%/manifests/x', '/v2/%2/manifests/x', '/v2/%zz/manifests/x',
    '/v2/a/manifests/%', '/v2/a/manifests/%u002e', '/v2/%u002e/manifests/x',
    '/v2/a/manifests/x%0d%0aX:%20y', '/v2/a/manifests/%0a', '/v2/a/tags/%6cis%74x',
    '/v2/a/manifests//', '/v2/a/manifests/', '/v2//', '/v2/./', '/v2/a/../',
    '/v2/a/manifests/x/../../../..', '/v2/_catalog/..', '/v2/a/tags/list/%2e%2e',
);
for my $path (@paths) {
    for my $method (qw(GET PUT DELETE)) {
        my $res = $client->request($method => $path, { 'Content-Type' =>
            IMAGE_MANIFEST }, $method eq 'PUT' ? $text : undef);
        next if $method eq 'GET' && $res->status == 200
            && $path =~ m{\A/v2/(?:/|\./|a/\.\./|_catalog/\.\.)\z};
        ok($res->status >= 400 && $res->status < 500
            && (!$res->header('X')), "$method $path")
            || diag($res->text);
    }
}

# Bytes that a request line must not have.
for my $bytes ("\0", "\r", "\x01", "\x7f", "\xff", "\xc3\xa4", "\t", ' ', '"', "\n") {
    my $own = OCI::Client->new($server);
    $own->send("PUT /v2/a$bytes/manifests/x HTTP/1.1\r\nHost: x\r\n"
        . "Content-Type: @{[IMAGE_MANIFEST]}\r\nContent-Length: "
        . length($text) . "\r\nConnection: close\r\n\r\n$text");
    my $res = $own->receive('PUT');
    ok(!$res || $res->status >= 400 && $res->status < 500,
        sprintf 'a raw byte %02x', ord $bytes);
}
is(contents(), $before, 'none of these requests changed the store');

# httpd merges slashes and resolves dots before authorization: the resulting
# name counts.
$client->push_blob('merged/name', '{}');
for my $path ('/v2//merged/name/manifests/t1', '/v2/merged//name///manifests//t2',
    '/v2/./merged/./name/manifests/t3', '/v2/other/../merged/name/manifests/t4',
    '//v2/merged/name/manifests/t5', '/v1/../v2/merged/name/manifests/t6',
    '/v2/merged/name/tags/list/../../manifests/t7',
    '/v2/merg%65d/%6eame/manifests/t8') {
    my $res = $client->put($path, $text, 'Content-Type' => IMAGE_MANIFEST);
    status_is($res, 201, "PUT $path");
    header_is($res, 'Location', '/v2/merged/name/manifests/' . digest_of($text));
}
is_deeply($client->get('/v2/merged/name/tags/list')->json->{tags},
    [ map { "t$_" } 1 .. 8 ], 'all in one repository');
status_is($client->get('http://127.0.0.1:1/v2/merged/name/manifests/t1'), 200,
    'the absolute form of a URL');

# OCIRepositoryPattern: it must match the entire name.
$server->set(config => 'OCIRepositoryPattern "team-[a-z]+/[^/]*|one"');
$server->graceful;
$client->close;
works($_, 'team-b/other') for qw(team-a/x one);
for my $name (qw(team-a team-a/x/y xteam-a/x one/two onee two team-0/x)) {
    error_is($client->post("/v2/$name/blobs/uploads/"), 400, 'NAME_INVALID',
        qr/allow/, "$name is not allowed");
    error_is($client->get("/v2/$name/tags/list"), 400, 'NAME_INVALID', qr/allow/,
        "$name: nor are its tags");
}

$server->stop;
done_testing;
