# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/_mod_oci/tags: the tags of a repository with what they name.

use OCI::Test;

my $server = OCI::Server->start(config => 'OCISync Off');
my $client = OCI::Client->new($server);
my $repo = 'lists/of';
my $path = "/v2/$repo/_mod_oci/tags";
my $TIME = qr/\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/;

sub json_of { $client->get($path . ($_[0] // ''))->json }
sub names { [ map { $_->{tag} } @{ $_[0]{tags} } ] }

# Follow the links from a page on; a function runs after the first one.
sub pages {
    my ($query, $code) = @_;
    my ($next, @names, $count) = $path . $query;
    while ($next && $count++ < 100) {
        my $res = $client->get($next);
        push @names, @{ names($res->json) };
        ($next) = ($res->header('Link') // '')
            =~ m{\A<(/v2/$repo/_mod_oci/tags\?[^>]*)>; rel="next"\z};
        $code->() if $code && $count == 1;
    }
    return \@names;
}

# The rows, of an image and of an index.
my $first = $client->push_image($repo, 'b', layers => [ 'one', 'one' ]);
my $res = $client->get($path);
status_is($res, 200, 'a list');
header_is($res, 'Content-Type', 'application/json');
header_is($res, 'Cache-Control', 'no-cache');
header_is($res, 'Link', undef, 'there is no next page');
header_is($client->head($path), 'Content-Length', length $res->body, 'HEAD');
my $json = $res->json;
my $row = $json->{tags}[0];
like(delete $row->{pushed}, $TIME, 'when it was pushed');
is_deeply($json, { name => $repo, sort => 'pushed', total => 1, tags => [
    { tag => 'b', digest => $first->{digest}, mediaType => IMAGE_MANIFEST,
      artifactType => IMAGE_CONFIG,
      size => length($first->{text} . '{}' . 'one') } ] }, 'its members');
my @platforms = map { { %{ descriptor($first->{text}, IMAGE_MANIFEST) },
    platform => { os => $_->[0], architecture => $_->[1] } } }
    [qw(linux amd64)], [qw(unknown unknown)], [ 'linux', '<b>' ];
my $index = json_text({ schemaVersion => 2, mediaType => IMAGE_INDEX,
    manifests => \@platforms });

# The platform of an image is in its config.
for my $case (
    [ { os => 'linux', architecture => 'arm64', variant => 'v8' },
      ['linux/arm64/v8'] ],
    [ { os => '<b>' }, ['<b>/?'] ],
    [ { os => 1, architecture => [] }, undef ],
    [ { os => '', architecture => '' }, undef ],
    [ { os => 'linux', architecture => '' }, [ 'linux/?' ] ],
    [ { os => 'x' x 300 }, undef ],
    [ { architecture => 'amd64', history => [ 'x' x 262_144 ] }, undef ],
    [ [], undef ],
) {
    my ($config, $platforms) = @$case;
    my $text = json_text($config);
    $client->push_image('lists/platform', 'x', config => $text);
    is_deeply($client->get('/v2/lists/platform/_mod_oci/tags')->json
        ->{tags}[0]{platforms}, $platforms, 'the platform of '
        . substr $text, 0, 50);
}
$client->push_image('lists/platform', 'x', config => 'no JSON');
is($client->get('/v2/lists/platform/_mod_oci/tags')->json
    ->{tags}[0]{platforms}, undef, 'a config that is not JSON');

# Newest first: pushes of another second come before.
my $second = time;
select undef, undef, undef, 0.05 while time == $second;
$client->push_manifest($repo, $_, $index) for qw(a c);
$second = time;
select undef, undef, undef, 0.05 while time == $second;
my $image = $client->push_image($repo, 'B');
$json = json_of();
is($json->{tags}[0]{tag}, 'B', 'the newest tag is the first');
is($json->{tags}[3]{tag}, 'b', 'the oldest tag is the last');
($row) = grep { $_->{tag} eq 'c' } @{ $json->{tags} };
is_deeply($row->{platforms}, [ 'linux/amd64', 'linux/<b>' ],
    'the platforms of an index');
is($row->{size}, length($index . $first->{text} . '{}' . 'one'),
    'its size, with everything once');
is_deeply(names(json_of('?sort=name')), [qw(B a b c)], 'by name');
my $order = names($json);
for my $n (1 .. 5) {
    is_deeply(pages("?n=$n"), $order, "n=$n: the pages make the list");
    is_deeply(pages("?n=$n&sort=name"), [qw(B a b c)], "n=$n, by name");
}

# Text to search for.
is_deeply([ sort @{ names(json_of('?q=b')) } ], [qw(B b)], 'q, in any case');
is(json_of('?q=b&n=1')->{total}, 2, 'the total of all pages');
is_deeply(pages('?q=b&n=1'), [qw(B b)], 'the pages keep q');
is_deeply(names(json_of('?sort=name&q=zzz')), [], 'no tag matches');
is_deeply(names(json_of('?q=%22%3C%26')), [], 'nor this one');

# What stays is neither missed nor repeated while others come and go.
my $moved = pages('?n=2', sub {
    $client->delete("/v2/$repo/manifests/$order->[1]");
    $client->push_image($repo, 'new');
});
is_deeply($moved, $order, 'a push and a deletion between two pages');
$client->push_manifest($repo, $order->[1], $index);

# Errors.
error_is($client->get("$path?$_"), 400, 'UNSUPPORTED', qr/\bn\b/, $_)
    for qw(n=0 n=x n=-1 n=201 n=99999999999999999999);
error_is($client->get("$path?sort=size"), 400, 'UNSUPPORTED', qr/sort/,
    'another order');
error_is($client->get("$path?last=$_"), 400, 'UNSUPPORTED', qr/Link/, "last=$_")
    for qw(v1 .v1 1. 1.-x x.v1 1.a/b), '', '9' x 19 . '.v1', '1.' . 'x' x 129;
error_is($client->get("$path?sort=name&last=$_"), 400, 'UNSUPPORTED', qr/Link/,
    "by name, last=$_") for '', 'a/b';
error_is($client->get('/v2/no/repository/_mod_oci/tags' . $_), 404,
    'NAME_UNKNOWN', undef, "an unknown repository$_") for '', '?sort=name';
error_is($client->get('/v2/UPPER/_mod_oci/tags'), 400, 'NAME_INVALID', undef,
    'a bad name');
error_is($client->put($path, ''), 405, 'UNSUPPORTED', undef, 'PUT');

# A repository without a tag.
$client->push_image('lists/none', undef);
is_deeply($client->get('/v2/lists/none/_mod_oci/tags')->json,
    { name => 'lists/none', sort => 'pushed', total => 0, tags => [] },
    'a repository without a tag');

# 3,000 tags of one digest.
my @many = map { sprintf 'm%04d', $_ } 1 .. 3000;
for (my $i = 0; $i < @many; $i += 500) {
    $client->put("/v2/$repo/manifests/$image->{digest}?"
        . join('&', map { "tag=$_" } @many[ $i .. $i + 499 ]), $image->{text},
        'Content-Type' => IMAGE_MANIFEST)->status == 201 or die;
}
is(json_of()->{total}, 3005, 'the total of many tags');
is(scalar @{ json_of()->{tags} }, 50, 'a page has 50 tags');
is_deeply([ sort @{ pages('?q=m0&n=200') } ], [ grep { /m0/ } @many ],
    'the pages of many tags');
is_deeply(pages('?q=m1&n=200&sort=name'), [ grep { /m1/ } @many ],
    'by name');

# A manifest that is damaged costs only its own row.
if ($server->index eq 'fs') {
    my ($file) = glob $server->store . "/index/repo/$repo/_manifest/"
        . $image->{digest};
    if (ok($file && -e $file, 'the file of a manifest')) {
        open my $damaged, '>', $file or die "$file: $!\n";
        print $damaged "damaged\n";
        close $damaged or die "$file: $!\n";
    }
    $server->expects(qr/is damaged/);
    $res = $client->get("$path?n=3");
    status_is($res, 200, 'a damaged manifest');
    my ($damaged) = grep { $_->{digest} eq $image->{digest} }
        @{ $res->json->{tags} };
    is_deeply([ sort keys %$damaged ], [qw(digest incomplete pushed tag)],
        'the row has what is known');
}
$server->stop;
done_testing;
