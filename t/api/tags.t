# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/tags/list, and tags of a push by ?tag=.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $repo = 'tags/of';
my $image = $client->push_image($repo, undef);

sub tags {
    my ($query, $name) = @_;
    my $res = $client->get('/v2/' . ($name // $repo) . '/tags/list'
        . ($query // ''));
    return $res->status == 200 ? $res->json->{tags} : $res->text;
}

my $res = $client->get("/v2/$repo/tags/list");
status_is($res, 200, 'a manifest without a tag');
is_deeply($res->json, { name => $repo, tags => [] }, 'an empty list');
error_is($client->get('/v2/tags/none/tags/list'), 404, 'NAME_UNKNOWN',
    qr/repository/, 'no such repository');
error_is($client->get('/v2/tags/tags/list'), 404, 'NAME_UNKNOWN', undef,
    'a parent of repositories is not a repository');

my @tags = sort qw(a A z Z 0 9 _ _a a.b a-b a_b a.. a-- latest Latest v1.10
    v1.2 v1.2.3 sha256-0123.sig list tags), 'x' x 128;
$client->push_manifest($repo, $_, $image->{text}) for reverse @tags;
$res = $client->get("/v2/$repo/tags/list");
is_deeply($res->json, { name => $repo, tags => \@tags },
    'all tags, in the order of their bytes');
header_is($res, 'Content-Type', 'application/json');
header_is($res, 'Link', undef, 'there is no next page');
header_is($res, 'Cache-Control', 'no-cache');
header_is($client->head("/v2/$repo/tags/list"), 'Content-Length',
    length $res->body, 'HEAD');

for my $n (1, 2, 5, scalar @tags, 1000) {
    my ($path, @got, @sizes) = "/v2/$repo/tags/list?n=$n";
    while ($path && @sizes < 100) {
        $res = $client->get($path);
        push @got, @{ $res->json->{tags} };
        push @sizes, scalar @{ $res->json->{tags} };
        ($path) = ($res->header('Link') // '')
            =~ m{\A<(/v2/$repo/tags/list\?[^>]*)>; rel="next"\z};
    }
    is_deeply(\@got, \@tags, "n=$n: the pages make the complete list");
    is(scalar @sizes, int((@tags + $n - 1) / $n), "n=$n: in full pages");
}
for my $last (@tags, qw(! ~ a. aa zzz sha256-), '%20', '..%2f..%2f', '%C3%A4') {
    (my $bytes = $last) =~ s/%(..)/chr hex $1/ge;
    is_deeply(tags("?last=$last"), [ grep { $_ gt $bytes } @tags ],
        'after ' . substr $last, 0, 20);
}
is_deeply(tags('?last=a&n=2'), [ (grep { $_ gt 'a' } @tags)[ 0, 1 ] ],
    'last and n');
$res = $client->get("/v2/$repo/tags/list?n=0");
is_deeply($res->json->{tags}, [], 'n=0 is an empty list');
header_is($res, 'Link', undef, 'there is no Link');
error_is($client->get("/v2/$repo/tags/list?n=$_"), 400, 'UNSUPPORTED', qr/\bn\b/,
    "n=$_") for qw(-1 x);
is_deeply(tags('?n=99999999999999999999'), \@tags, 'a large n lists all');

# 1000 tags in one answer.
my $many = 'tags/many';
my $other = $client->push_image($many, undef);
my $digest = $other->{digest};
my @many = map { sprintf 't%04d', $_ } 0 .. 999;
for (my $i = 0; $i < @many; $i += 100) {
    my $query = join '&', map { "tag=$_" } @many[ $i .. $i + 99 ];
    $res = $client->put("/v2/$many/manifests/$digest?$query", $other->{text},
        'Content-Type' => IMAGE_MANIFEST);
    $res->status == 201 or last;
}
status_is($res, 201, 'a hundred tags in one request');
is_deeply(tags('', $many), \@many, 'a thousand tags without n');

# ?tag=
my $put = sub {
    my ($reference, $query) = @_;
    return $client->put("/v2/tags/by/manifests/$reference?$query",
        $image->{text}, 'Content-Type' => IMAGE_MANIFEST);
};
$client->push_blob('tags/by', '{}');
$client->push_blob('tags/by', "layer of $repo");
$res = $put->($image->{digest}, 'tag=one&tag=two&tag=one');
status_is($res, 201, '?tag= twice');
is_deeply([ sort split /, */, $res->header('OCI-Tag') ], [qw(one two)], 'OCI-Tag');
header_is($res, 'Docker-Content-Digest', $image->{digest});
is(scalar($res->headers('OCI-Tag')), 1, 'in one header');
is_deeply(tags('', 'tags/by'), [qw(one two)], 'both tags exist');
is($client->get("/v2/tags/by/manifests/$_")->body, $image->{text}, "by $_")
    for qw(one two);
header_is($put->($image->{digest}, ''), 'OCI-Tag', undef,
    'no header without ?tag=');
error_is($put->($image->{digest}, "tag=three&tag=$_"), 400, 'MANIFEST_INVALID',
    qr/tag/, "?tag=$_ is none")
    for 'a+b', 'a%2Bb', '%20', '', '.a', '-a', 'a/b', 'x' x 129, '%C3%A4', 'a:b';
error_is($put->('four', 'tag=three'), 400, 'UNSUPPORTED', qr/digest/,
    '?tag= with a tag in the path');
is_deeply(tags('', 'tags/by'), [qw(one two)], 'none of these created a tag');

my $long = join '&', map { 'tag=' . 'l' x 120 . sprintf '%04d', $_ } 1 .. 80;
error_is($put->($image->{digest}, $long), 414, 'UNSUPPORTED', qr/long/,
    'too many tags for a request line');
is_deeply(tags('', 'tags/by'), [qw(one two)], 'none of them exists');

# With longer request lines allowed, the length of the answer is the limit.
$server->set(extra => 'LimitRequestLine 20000');
$server->graceful;
$client->close;
error_is($put->($image->{digest}, $long), 414, 'UNSUPPORTED', qr/tags/,
    'too many tags for an answer');
is_deeply(tags('', 'tags/by'), [qw(one two)], 'none of them exists');
$long = join '&', map { 'tag=' . 'l' x 120 . sprintf '%04d', $_ } 1 .. 60;
$res = $put->($image->{digest}, $long);
status_is($res, 201, 'sixty long tags');
cmp_ok(length $res->header('OCI-Tag'), '<=', 8192,
    'in a header that all clients accept');
is(scalar @{ tags('', 'tags/by') }, 62, 'all tags exist');

# Tags in the path.
for my $bad ('a+b', 'a%2Bb', 'a%20b', '.a', '-a', 'x' x 129, 'a~b', '%C3%A4') {
    error_is($client->put("/v2/$repo/manifests/$bad", $image->{text},
        'Content-Type' => IMAGE_MANIFEST), 400, 'MANIFEST_INVALID', qr/tag/,
        'PUT ' . substr $bad, 0, 20);
    error_is($client->get("/v2/$repo/manifests/$bad"), 400, 'MANIFEST_INVALID',
        qr/tag/, 'GET ' . substr $bad, 0, 20);
}
is_deeply(tags(), \@tags, 'nothing changed');

for my $method (qw(POST PUT PATCH DELETE)) {
    $res = $client->request($method => "/v2/$repo/tags/list", {}, '');
    error_is($res, 405, 'UNSUPPORTED', undef, $method);
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
}

$server->stop;
done_testing;
