# SPDX-License-Identifier: Apache-2.0

# Two httpds that serve one registry: tags that many clients move, manifests
# that one httpd deletes while the other stores them, and lists that change
# while they are read.

use OCI::Test;

use OCI::Crowd;
use OCI::Nodes;

my @nodes = nodes();
my @client = map { OCI::Client->new($_) } @nodes;
my ($one, $two) = @client;
my $document = image_manifest('{}', []);
my @texts = map { manifest("$_") } 0 .. 7;

sub manifest {
    my ($number, %more) = @_;
    return json_text({ %$document, annotations => { n => $number, %more } });
}

# ---- one tag

$one->push_blob('tags', '{}');
for my $round (1 .. 10) {
    my @answers = sort map { @$_ } at_once(\@nodes, 8, sub {
        my ($client, $n) = @_;
        return put($client, "tags/manifests/new$round", $texts[$n],
            'If-None-Match' => '*')->status;
    });
    is_deeply(\@answers, [ 201, (412) x 7 ],
        "round $round: one of eight clients creates a tag")
        or last;
    is($one->get("/v2/tags/manifests/new$round")->body,
        $two->get("/v2/tags/manifests/new$round")->body,
        'both httpds serve the same manifest');
}

# Each success increments the counter.
put($one, 'tags/manifests/counter', manifest('0'));
my @results = at_once(\@nodes, 8, sub {
    my ($client, $n) = @_;
    my ($done, $path) = (0, 'tags/manifests/counter');
    while ($done < 10) {
        my $res = $client->get("/v2/$path");
        my $put = put($client, $path, manifest(
            $res->json->{annotations}{n} + 1 . '', by => "$n"),
            'If-Match' => $res->header('ETag'))->status;
        return $put if $put != 201 && $put != 412;
        $done++ if $put == 201;
    }
    return $done;
});
is_deeply(\@results, [ ([10]) x 8 ], 'clients that write with If-Match');
is($_->get('/v2/tags/manifests/counter')->json->{annotations}{n}, 80,
    'lose no update') for @client;

put($one, 'tags/manifests/moving', $texts[0]);
@results = move_tag(\@nodes, 'tags/manifests/moving', @texts[ 0 .. 7 ]);
is_deeply(\@results, [ ([201]) x 8, ([ 200, 0 ]) x 4 ],
    'a tag that many clients move can always be pulled');

# A change that one httpd acknowledged is visible in the other.
my $stale = 0;
for my $n (0 .. 99) {
    my ($here, $there) = $n % 2 ? ($one, $two) : ($two, $one);
    my $text = $texts[ $n % 8 ];
    put($here, 'tags/manifests/ping', $text)->status == 201 or $stale++;
    $stale++ if $there->get('/v2/tags/manifests/ping')->body ne $text;
    $here->delete('/v2/tags/manifests/ping')->status == 202 or $stale++;
    $stale++ if $there->head('/v2/tags/manifests/ping')->status != 404;
}
is($stale, 0, 'a tag that is set in one is visible in the other at once');

# ---- deletes in one, pushes in the other

$one->push_blob('deleting', '{}');
@results = at_once(\@nodes, 8, sub {
    my ($client, $n) = @_;
    my $base = 'deleting/manifests';
    return statuses(20, sub {
        $client->delete("/v2/$base/" . digest_of($texts[ $_[0] % 4 ]));
    }) if $n % 2 == 0;
    return statuses(20, sub {
        put($client, "$base/t$n", $texts[ $_[0] % 4 ]) });
});
is_deeply([ @results[ 1, 3, 5, 7 ] ], [ ([201]) x 4 ], 'pushes: all 201');
is_deeply([ grep { !/\A(?:202|404)\z/ } map { @$_ } @results[ 0, 2, 4, 6 ] ],
    [], 'deletes: 202 or 404');
$one->push_manifest('deleting', undef, $texts[7]);
for my $client (@client) {
    my $tags = $client->get('/v2/deleting/tags/list')->json->{tags};
    is_deeply([ grep { $client->get("/v2/deleting/manifests/$_")->status
        != 200 } @$tags ], [], 'each listed tag can be pulled');
}

# A tag that was moved before its old manifest was deleted is kept.
$one->push_blob('crossing', '{}');
@results = cross_tags(\@nodes, 'crossing', @texts);
is_deeply(\@results, [ ([0]) x 6 ],
    'no acknowledged tag is deleted with another manifest');

# A manifest that names a blob which the other httpd deletes: it is accepted
# only while the blob exists.
my $pulled = digest_of('pulled');
my $names = json_text(image_manifest('{}', ['pulled']));
$one->push_blob('blobs', '{}');
@results = at_once(\@nodes, 4, sub {
    my ($client, $n) = @_;
    return statuses(25, sub { $client->delete("/v2/blobs/blobs/$pulled") })
        if $n % 2 == 0;
    return statuses(25, sub {
        $client->push_blob('blobs', 'pulled');
        return put($client, "blobs/manifests/p$n", $names);
    });
});
is_deeply([ grep { !/\A(?:202|404)\z/ } map { @$_ } @results[ 0, 2 ] ], [],
    'deletes of a blob: 202 or 404');
is_deeply([ grep { !/\A(?:201|404)\z/ } map { @$_ } @results[ 1, 3 ] ], [],
    'manifests that name it: 201 or 404');
$one->push_blob('blobs', 'pulled');
status_is(put($two, 'blobs/manifests/p', $names), 201, 'the blob exists again');
is($_->get("/v2/blobs/blobs/$pulled")->body, 'pulled') for @client;

# ---- lists

my @stay = map { sprintf 's%03d', $_ } 0 .. 199;
$one->push_blob('paging', '{}');
put($one, 'paging/manifests/' . digest_of($texts[0]) . '?'
    . join('&', map { "tag=$_" } @stay), $texts[0]);
my @repos = map { sprintf 'list/%02d', $_ } 0 .. 29;
$one->push_blob($_, '{}') for @repos;

# A complete list, read page by page from the httpds in turn.
sub pages {
    my ($path, $field) = @_;
    my @clients = map { OCI::Client->new($_) } @nodes;
    my @got;
    while ($path) {
        push @clients, my $next = shift @clients;
        my $res = $next->get($path);
        push @got, @{ $res->json->{$field} };
        ($path) = ($res->header('Link') // '') =~ /<([^>]*)>/;
    }
    return @got;
}

# The faults of a list that must contain at least these names.
sub faults_of {
    my ($got, $required) = @_;
    my %count;
    $count{$_}++ for @$got;
    return ((grep { $_ > 1 } values %count) ? 'repeated' : (),
        (grep { !$count{$_} } @$required) ? 'missed' : (),
        "@$got" ne join(' ', sort @$got) ? 'disordered' : ());
}

@results = at_once(\@nodes, 6, sub {
    my ($client, $n) = @_;
    my @faults;
    for my $round (1 .. 6) {
        if ($n > 3) {
            push @faults, faults_of([ pages("/v2/paging/tags/list?n=" . 7 * $n,
                'tags') ], \@stay);
            push @faults, faults_of([ grep { m{^list/} }
                pages("/v2/_catalog?n=$n", 'repositories') ], \@repos);
            next;
        }
        for my $k (map { $_ * 17 % 200 } 1 .. 8) {
            my $path = sprintf 'paging/manifests/s%03d.%d', $k, $n;
            put($client, $path, $texts[0])->status == 201 or push @faults, 'PUT';
            $client->push_blob("list/$k.$n", 'come');
            $client->delete("/v2/list/$k.$n/blobs/" . digest_of('come'))->status
                == 202 or push @faults, 'DELETE of a blob';
            $client->delete("/v2/$path")->status == 202 or push @faults, 'DELETE';
        }
    }
    return @faults;
});
is_deeply(\@results, [ ([]) x 6 ],
    'pages from both in turn miss and repeat no permanent name');
is_deeply([ pages('/v2/paging/tags/list?n=9', 'tags') ], \@stay,
    'in the end the tags are the same as before');
is_deeply([ grep { m{^list/} } pages('/v2/_catalog?n=9', 'repositories') ],
    \@repos, 'and so is the catalog');

$_->stop for @nodes;
done_testing;
