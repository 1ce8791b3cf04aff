# SPDX-License-Identifier: Apache-2.0

# /v2/<name>/referrers/<digest>: the manifests that refer to a manifest.

use OCI::Test;

my $server = OCI::Server->start(config => 'OCISync Off');
my $client = OCI::Client->new($server);
my $repo = 'referrers/of';
my $image = $client->push_image($repo, 'image');
my $subject = descriptor($image->{text}, IMAGE_MANIFEST);
my $later = json_text(image_manifest('{}', [], annotations => { is => 'later' }));

sub referrers {
    my ($digest, $query, $name) = @_;
    return $client->get('/v2/' . ($name // $repo) . "/referrers/$digest"
        . ($query // ''));
}

sub refer {
    my ($reference, %more) = @_;
    return $client->push_manifest($repo, $reference,
        image_manifest('{}', [], subject => $subject, %more));
}

sub listed { [ map { $_->{digest} } @{ $_[0]->json->{manifests} } ] }

# No referrers, of existing and missing manifests.
for my $path ("$repo/referrers/$subject->{digest}",
    "$repo/referrers/sha256:" . '0' x 64, "$repo/referrers/sha512:" . '0' x 128,
    "referrers/none/referrers/$subject->{digest}") {
    my $res = $client->get("/v2/$path");
    status_is($res, 200, "GET $path");
    is_deeply($res->json, { schemaVersion => 2, mediaType => IMAGE_INDEX,
        manifests => [] }, 'an empty index');
    header_is($res, 'Content-Type', IMAGE_INDEX);
    header_is($res, 'OCI-Filters-Applied', undef);
    header_is($res, 'Cache-Control', 'no-cache');
    header_is($client->head("/v2/$path"), 'Content-Length', length $res->body,
        'HEAD');
}

# One referrer, with its complete descriptor.
my $text = json_text(image_manifest('{}', [], subject => $subject,
    artifactType => 'application/vnd.example.sbom',
    annotations => { 'org.example' => "\x{e4} \"x\" \\", '' => '' }));
my $sbom = $client->push_manifest($repo, undef, $text);
my $expected = descriptor($text, IMAGE_MANIFEST,
    artifactType => 'application/vnd.example.sbom',
    annotations => { 'org.example' => "\x{e4} \"x\" \\", '' => '' });
my $res = referrers($subject->{digest});
is_deeply($res->json->{manifests}, [$expected], 'a referrer');

# Pushed by digest, by tags and again, it is one referrer.
$client->push_manifest($repo, $_, $text) for 'one', 'two', undef, 'one';
is_deeply(referrers($subject->{digest})->json->{manifests}, [$expected],
    'pushed again and by tags it is one referrer');
status_is($client->delete("/v2/$repo/manifests/$_"), 202) for qw(one two);
is_deeply(listed(referrers($subject->{digest})), [$sbom],
    'without tags it is still listed');

# The replacement for a missing artifactType; an index has none.
my $config = refer('config', config => descriptor('{}', 'application/vnd.x.config'));
my $index = $client->push_manifest($repo, 'index', image_index([],
    subject => $subject));
my $typed = $client->push_manifest($repo, 'typed', image_index([],
    subject => $subject, artifactType => 'application/vnd.x.index'));
my %type = map { $_->{digest} => $_->{artifactType} }
    @{ referrers($subject->{digest})->json->{manifests} };
is_deeply(\%type, { $sbom => 'application/vnd.example.sbom',
    $config => 'application/vnd.x.config', $index => undef,
    $typed => 'application/vnd.x.index' }, 'artifact types');
my %media = map { $_->{digest} => $_->{mediaType} }
    @{ referrers($subject->{digest})->json->{manifests} };
is_deeply(\%media, { $sbom => IMAGE_MANIFEST, $config => IMAGE_MANIFEST,
    $index => IMAGE_INDEX, $typed => IMAGE_INDEX }, 'media types');

# The filter.
for my $case ([ 'application/vnd.example.sbom', $sbom ],
    [ 'application%2Fvnd.x.config', $config ],
    [ 'application/vnd.x.index', $typed ], ['application/vnd.example.sbo'],
    ['application/vnd.example.sbom%0a'], ['none'],
    [ 'application/vnd.example.sbom&n=1', $sbom ]) {
    my ($type, @digests) = @$case;
    $res = referrers($subject->{digest}, "?artifactType=$type");
    is_deeply(listed($res), \@digests, "artifactType=$type");
    header_is($res, 'OCI-Filters-Applied', 'artifactType');
}
$res = referrers($subject->{digest}, '?artifactType=');
is(scalar @{ listed($res) }, 4, 'an empty filter is ignored');

# The subject may be pushed later, or never.
my $early = $client->push_manifest($repo, 'early', image_manifest('{}', [],
    subject => descriptor($later, IMAGE_MANIFEST)));
is_deeply(listed(referrers(digest_of($later))), [$early],
    'before its subject is pushed');
$client->push_manifest($repo, 'later', $later);
is_deeply(listed(referrers(digest_of($later))), [$early],
    'after its subject is pushed');
status_is($client->delete("/v2/$repo/manifests/" . digest_of($later)), 202);
is_deeply(listed(referrers(digest_of($later))), [$early],
    'after its subject is deleted');

# A referrer of a referrer, by sha512.
my $sha512 = digest_of($text, 'sha512');
$client->put("/v2/$repo/manifests/$sha512", $text, 'Content-Type' =>
    IMAGE_MANIFEST);
my $deep = $client->push_manifest($repo, 'deep', image_manifest('{}', [],
    subject => { %{ descriptor($text, IMAGE_MANIFEST) }, digest => $sha512 }));
is_deeply(listed(referrers($sha512)), [$deep],
    'a referrer of a sha512 subject');
is_deeply(listed(referrers($sbom)), [], 'it is not listed for another subject');

# Referrers belong to a repository, and are deleted with their manifests.
is_deeply(listed(referrers($subject->{digest}, '', "$repo/other")), [],
    'another repository does not list them');
is(scalar @{ listed(referrers($subject->{digest})) }, 5, 'five');
status_is($client->delete("/v2/$repo/manifests/$_"), 202)
    for $sbom, $sha512, $config, $index, $typed;
is_deeply(listed(referrers($subject->{digest})), [], 'deleted');

error_is(referrers($_), 400, 'DIGEST_INVALID', qr/digest/, "referrers/$_")
    for 'latest', 'sha256:x', 'sha256:' . 'A' x 64, 'sha512:' . 'a' x 64;

# Thousands of referrers are sent in pages that clients accept.
my $many = 'referrers/many';
$client->push_blob($many, '{}');
my %all;
my $pattern = json_text(image_manifest('{}', [], subject => $subject,
    artifactType => 'TYPE', annotations => { n => 'N', filler => 'f' x 2500 }));
for my $n (1 .. 2400) {
    my $type = $n % 3 ? 'a/one' : 'a/third';
    my $document = $pattern =~ s/TYPE/$type/r =~ s/"N"/"$n"/r;
    my $digest = digest_of($document);
    $res = $client->put("/v2/$many/manifests/$digest", $document,
        'Content-Type' => IMAGE_MANIFEST);
    $res->status == 201 or last;
    $all{$digest} = $n;
}
status_is($res, 201, 'thousands of referrers are pushed');
for my $filter ('', 'a/third') {
    my @expected = sort grep { !$filter || $all{$_} % 3 == 0 } keys %all;
    my ($path, @got, @lengths) = "/v2/$many/referrers/$subject->{digest}"
        . ($filter ? '?artifactType=a%2Fthird' : '');
    while ($path && @lengths < 50) {
        $res = $client->get($path);
        push @got, @{ listed($res) };
        push @lengths, length $res->body;
        header_is($res, 'OCI-Filters-Applied', $filter ? 'artifactType' : undef,
            'the next page has the same filter');
        ($path) = ($res->header('Link') // '')
            =~ m{\A<(/v2/\Q$many\E/referrers/[^>]*)>; rel="next"\z};
    }
    is_deeply([ sort @got ], \@expected, "'$filter': each is listed once");
    is(scalar(grep { $_ > 4 * 1024 * 1024 } @lengths), 0, 'no page over 4 MiB');
    cmp_ok(scalar @lengths, '>', 1, 'in pages') if !$filter;
}

for my $method (qw(POST PUT PATCH DELETE)) {
    $res = $client->request($method => "/v2/$repo/referrers/$subject->{digest}",
        {}, '');
    error_is($res, 405, 'UNSUPPORTED', undef, $method);
    header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
}

$server->stop;
done_testing;
