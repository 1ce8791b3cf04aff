# SPDX-License-Identifier: Apache-2.0

# /v2/_catalog: the list of repositories, complete and in pages.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);

sub repositories {
    my $res = $client->get('/v2/_catalog' . ($_[0] // ''));
    return $res->status == 200 ? $res->json->{repositories} : $res->text;
}

# Follow Link to the end; return the pages of names.
sub pages {
    my $path = shift;
    my @pages;
    while ($path) {
        my $res = $client->get($path);
        push @pages, $res->json->{repositories};
        ($path) = ($res->header('Link') // '')
            =~ m{\A<(/v2/_catalog\?[^>]*)>; rel="next"\z};
        last if @pages > 500;
    }
    return @pages;
}

is_deeply(repositories(), [], 'empty at first');
is_deeply(repositories('?n=10'), [], 'an empty page');

# An upload that has only begun does not create a repository.
$client->start_upload("asked/$_") for 1 .. 20;
is_deeply(repositories(), [], 'an unused upload does not create a repository');

my @names = sort qw(a aa a/b a/b/c a-b a--b a.b a_b a__b a0 ab/c b z/z/z/z 0
    blobs/uploads tags/list/manifests referrers catalog);
$client->push_blob($_, "bytes of $_") for reverse @names;
my $res = $client->get('/v2/_catalog');
status_is($res, 200);
is_deeply($res->json, { repositories => \@names },
    'all names, in the order of their bytes');
header_is($res, 'Content-Type', 'application/json');
header_is($res, 'Link', undef, 'there is no next page');
header_is($res, 'Cache-Control', 'no-cache');
my $head = $client->head('/v2/_catalog');
header_is($head, 'Content-Length', length $res->body, 'HEAD');

for my $n (1, 2, 3, 7, scalar @names, 1000) {
    my @pages = pages("/v2/_catalog?n=$n");
    is_deeply([ map { @$_ } @pages ], \@names,
        "n=$n: the pages make the complete list");
    is(scalar(grep { @$_ != $n } @pages[ 0 .. $#pages - 1 ]), 0,
        "n=$n: every page except the last is full");
    is(scalar @pages, int((@names + $n - 1) / $n), "n=$n: no empty page");
}
for my $last (@names, qw(a! a/ a/a aaa zzz 00), 'a%2Fb%2F', '%20', '%7F') {
    (my $bytes = $last) =~ s/%(..)/chr hex $1/ge;
    is_deeply(repositories("?last=$last"), [ grep { $_ gt $bytes } @names ],
        "after $last");
}

$res = $client->get('/v2/_catalog?n=0');
is_deeply($res->json->{repositories}, [], 'n=0 is an empty list');
header_is($res, 'Link', undef, 'there is no Link');
is_deeply(repositories("?n=$_"), \@names, "n=$_ is all")
    for '', '2147483647', '2147483648', '9' x 40;
error_is($client->get("/v2/_catalog?n=$_"), 400, 'UNSUPPORTED', qr/\bn\b/, "n=$_")
    for '-1', 'x', '1.5', '%201', '0x10', '1e3';
is_deeply(repositories('?last=../../../etc'), [ grep { $_ gt '../' } @names ],
    'last is not treated as a path');
error_is($client->get('/v2/_catalog?last=%zz'), 400, 'UNSUPPORTED', qr/encod/,
    'an invalid escape');

for my $method (qw(POST PUT PATCH DELETE)) {
    $res = $client->request($method => '/v2/_catalog', {}, '');
    error_is($res, 405, 'UNSUPPORTED', undef, $method);
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
}

# A repository exists as long as it has a manifest or a blob.
my $image = $client->push_image('short/lived', 'one');
ok((grep { $_ eq 'short/lived' } @{ repositories() }), 'there');
my @digests = map { $_->{digest} } $image->{document}{config},
    @{ $image->{document}{layers} };
status_is($client->delete("/v2/short/lived/blobs/$_"), 202) for @digests;
ok((grep { $_ eq 'short/lived' } @{ repositories() }),
    'it still has the manifest');
status_is($client->delete("/v2/short/lived/manifests/$image->{digest}"), 202);
is_deeply(repositories(), \@names, 'it is deleted with its last manifest');
error_is($client->get('/v2/short/lived/tags/list'), 404, 'NAME_UNKNOWN', undef,
    'so are its tags');
$client->push_image('short/lived', 'one');
is_deeply(repositories(), [ sort @names, 'short/lived' ],
    'a new push creates it again');

$server->stop;
done_testing;
