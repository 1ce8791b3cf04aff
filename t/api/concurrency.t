# SPDX-License-Identifier: Apache-2.0

# Many clients at once: on one blob, one session, one tag, one list.

use OCI::Test;

use OCI::Crowd;
use Time::HiRes qw(sleep);

my $server = OCI::Server->start(extra => 'OCIImmutable fixed');
my $client = OCI::Client->new($server);

sub repositories {
    return @{ $client->get('/v2/_catalog')->json->{repositories} };
}

# ---- sixteen clients push one blob

my $bytes = random_bytes(1_234_567, 'together');
my $digest = digest_of($bytes);
my @results = at_once([$server], 16, sub {
    my ($own, $n) = @_;
    my $repo = 'together/' . ($n % 4);
    my $res = $n % 2
        ? $own->post("/v2/$repo/blobs/uploads/?digest=$digest", $bytes)
        : $own->put(with_query($own->start_upload($repo), "digest=$digest"), $bytes);
    return ($res->status, $own->get("/v2/$repo/blobs/$digest")->body eq $bytes);
});
is_deeply(\@results, [ ([ 201, 1 ]) x 16 ], 'sixteen pushes of one blob: all 201');
is($server->copies(1_234_567), 1, 'there is one copy');

# ---- two requests on one session

# The second request comes while the first one sends its body.
for my $second (qw(PATCH PUT DELETE)) {
    my $where = $client->start_upload('session');
    $client->patch($where, 'start');
    my $one = OCI::Client->new($server);
    $one->send("PATCH $where HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        . "Content-Length: 200000\r\n\r\n");
    sysread $one->socket, my $interim, 100;
    like($interim, qr/\AHTTP\/1.1 100/, 'the first request gets 100 Continue');
    $one->send('a' x 100_000);
    my $path = $second eq 'PUT' ? with_query($where, "digest=$digest") : $where;
    my $res = $client->request($second => $path, {}, $second eq 'DELETE' ? undef
        : 'b' x 50_000);
    error_is($res, 416, 'BLOB_UPLOAD_INVALID', qr/another/,
        "$second at the same time");
    header_is($res, 'Range', '0-4', 'the right Range');
    header_is($res, 'Location', $where, 'the right Location');
    $one->send('a' x 100_000);
    $res = $one->receive('PATCH');
    status_is($res, 202, 'the first is accepted');
    header_is($res, 'Range', '0-200004', 'whole');
    my $whole = 'start' . 'a' x 200_000;
    $res = $client->put(with_query($where, 'digest=' . digest_of($whole)), '');
    status_is($res, 201, 'the bytes of the two are not mixed');
}

# Many requests at once: the session has the bytes of the accepted one.
for my $round (1 .. 3) {
    my $where = $client->start_upload('race');
    my @answers = at_once([$server], 8, sub {
        my ($own, $n) = @_;
        my $res = $own->patch($where, chr(97 + $n) x 300_000,
            'Content-Range' => '0-299999');
        return ($res->status, $res->header('Range'), $res->header('Location'));
    });
    my @accepted = grep { $answers[$_][0] eq 202 } 0 .. 7;
    is(scalar @accepted, 1, "round $round: one of eight is accepted");
    is(scalar(grep { $_->[0] eq 416 && $_->[1] =~ /\A0-(?:0|299999)\z/
        && $_->[2] eq $where } @answers), 7, 'the others get 416, Range, Location')
        || diag(map { "@$_\n" } @answers);
    my $whole = chr(97 + ($accepted[0] // 0)) x 300_000;
    status_is($client->put(with_query($where, 'digest=' . digest_of($whole)), ''),
        201, 'the session has only its bytes');
}

# Several closing PUTs: all get 201, and the blob is complete.
my $where = $client->start_upload('closing');
$client->patch($where, $bytes);
my @closing = map { $_->[0] } at_once([$server], 4, sub {
    return $_[0]->put(with_query($where, "digest=$digest"), '')->status;
});
is_deeply(\@closing, [ (201) x 4 ],
    'four closing PUTs: all are told that the blob is there');
ok($client->get("/v2/closing/blobs/$digest")->body eq $bytes, 'the blob is complete');

# ---- one tag, many writers and readers

my @texts = map { json_text(image_manifest('{}', [], annotations =>
    { n => "$_" })) } 0 .. 7;
$client->push_blob('moving', '{}');
$client->push_manifest('moving', 'tag', $texts[0]);
@results = move_tag([$server], 'moving/manifests/tag', @texts[ 0 .. 7 ]);
is_deeply(\@results, [ ([201]) x 8, ([ 200, 0 ]) x 4 ],
    'a tag that many clients move always exists, with its manifest');
my $last = $client->get('/v2/moving/manifests/tag');
header_is($last, 'Docker-Content-Digest', digest_of($last->body),
    'in the end it names one of the manifests');

# ---- deletes against pushes

$client->push_blob('deleting', '{}');
@results = at_once([$server], 8, sub {
    my ($own, $n) = @_;
    my $base = 'deleting/manifests';
    return statuses(20, sub { put($own, "$base/t$n", $texts[ $_[0] % 4 ]) })
        if $n < 4;
    return statuses(20, sub {
        $own->delete("/v2/$base/" . digest_of($texts[ $_[0] % 4 ]));
    }) if $n < 6;
    return statuses(20, sub { $own->get("/v2/$base/t" . $_[0] % 4) });
});
is_deeply([ @results[ 0 .. 3 ] ], [ ([201]) x 4 ], 'pushes: all 201');
is_deeply([ grep { !/\A(?:202|404)\z/ } map { @$_ } @results[ 4, 5 ] ], [],
    'deletes: 202 or 404');
is_deeply([ grep { !/\A(?:200|404)\z/ } map { @$_ } @results[ 6, 7 ] ], [],
    'pulls: 200 or 404');
$client->push_manifest('deleting', undef, $texts[7]);
my $list = $client->get('/v2/deleting/tags/list')->json->{tags};
is_deeply([ grep { $client->get("/v2/deleting/manifests/$_")->status != 200 }
    @$list ], [], 'each listed tag can be pulled');

# A manifest is deleted with its tags while other clients move these away and
# back: a tag whose push was acknowledged last exists, and so does its manifest.
$client->push_blob('crossing', '{}');
@results = cross_tags([$server], 'crossing', @texts);
is_deeply(\@results, [ ([0]) x 6 ],
    'no acknowledged tag is deleted with another manifest');

# Tags that do not move once they are set: of several first pushes one wins.
$client->push_blob('fixed', '{}');
for my $round (1 .. 6) {
    my @answers = at_once([$server], 8, sub {
        my ($own, $n) = @_;
        my $digest = digest_of($texts[$n]);
        my $path = ($round + $n) % 2 ? "t$round"
            : "$digest?tag=t$round" . ($n % 4 == 0 ? "&tag=u$round" : '');
        my $res = put($own, "fixed/manifests/$path", $texts[$n]);
        return ($res->status, $digest);
    });
    my @won = grep { $_->[0] == 201 } @answers;
    is(scalar @won, 1, "round $round: one of eight first pushes wins");
    is(scalar(grep { $_->[0] == 409 } @answers), 7, 'the others get 409');
    header_is($client->head("/v2/fixed/manifests/t$round"),
        'Docker-Content-Digest', $won[0][1], 'the tag names what was acknowledged');
}

# They are pushed while other clients delete the digest that they name.
@results = at_once([$server], 6, sub {
    my ($own, $n) = @_;
    my %seen;
    for my $round (1 .. 30) {
        my $text = json_text(image_manifest('{}', [], annotations =>
            { round => "$round" }));
        if ($n % 2) {
            my $status = $own->delete('/v2/fixed/manifests/'
                . digest_of($text))->status;
            $seen{"DELETE $status"}++ if $status !~ /\A(?:202|404|409|503)\z/;
            next;
        }
        my $status = put($own, "fixed/manifests/kept$round.$n", $text)->status;
        $seen{"PUT $status"}++ if $status != 201;
    }
    return map { "$_: $seen{$_}" } sort keys %seen;
});
is_deeply(\@results, [ ([]) x 6 ], 'immutable tags, and deletions by digest');
is_deeply([ grep { $client->head("/v2/fixed/manifests/$_")->status != 200 }
    map { my $round = $_; map { "kept$round.$_" } 0, 2, 4 } 1 .. 30 ], [],
    'no acknowledged tag is deleted');

# A blob is pushed and deleted at the same time.
my $small = digest_of('small');
@results = at_once([$server], 8, sub {
    my ($own, $n) = @_;
    return statuses(20, sub {
        return $n % 2 ? $own->delete("/v2/churn/blobs/$small")
            : $own->post("/v2/churn/blobs/uploads/?digest=$small", 'small');
    });
});
is_deeply([ @results[ 0, 2, 4, 6 ] ], [ ([201]) x 4 ], 'pushes of a blob: all 201');
is_deeply([ grep { !/\A(?:202|404)\z/ } map { @$_ } @results[ 1, 3, 5, 7 ] ], [],
    'its deletes: 202 or 404');
$client->push_blob('churn', 'small');
is($client->get("/v2/churn/blobs/$small")->body, 'small',
    'the blob exists after a push');

# An index with so many children that they are checked before the repository is
# locked, while its children are deleted and pushed again.
my @children = map { json_text(image_manifest('{}', [], annotations =>
    { child => "$_" })) } 0 .. 29;
$client->push_blob('naming', '{}');
$client->push_manifest('naming', undef, $_) for @children;
my $naming = json_text(image_index(\@children));
my $named = digest_of($naming);
@results = at_once([$server], 4, sub {
    my ($own, $n) = @_;
    my $base = '/v2/naming/manifests';
    my %seen;
    for my $round (1 .. 15) {
        if ($n < 2) {
            my $child = $children[ ($round * 14 + $n) % 30 ];
            my $digest = digest_of($child);
            my @gone = map { $own->delete("$base/$_")->status } $digest, $named;
            $seen{ "child $gone[0]" }++ if $gone[0] != 202;

            # No other client pushes this child.  The index was deleted after
            # it: an index that exists now was pushed without the child.
            $seen{'index without its child'}++
                if $own->get("$base/$named")->status == 200
                && $own->get("$base/$digest")->status != 200;
            put($own, "naming/manifests/$digest", $child)->status == 201
                or $seen{'child not pushed'}++;
            next;
        }
        my $status = $own->put("$base/$named", $naming,
            'Content-Type' => IMAGE_INDEX)->status;
        $seen{"index $status"}++ if $status !~ /\A(?:201|404)\z/;
    }
    return map { "$_: $seen{$_}" } sort keys %seen;
});
is_deeply(\@results, [ ([]) x 4 ],
    'an index is never pushed without a child that was deleted meanwhile');
status_is($client->put("/v2/naming/manifests/$named", $naming,
    'Content-Type' => IMAGE_INDEX), 201, 'it is pushed if all of them exist');

# A deletion whose client disconnects is complete, or not done at all.
$client->push_blob('victim', '{}');
my $victim = $client->push_manifest('victim', undef, $texts[0]);
for my $tens (0 .. 9) {
    my $query = join '&', map { "tag=t$tens$_" } 10 .. 49;
    put($client, "victim/manifests/$victim?$query", $texts[0]);
}
is(scalar @{ $client->get('/v2/victim/tags/list')->json->{tags} }, 400,
    '400 tags of one manifest');
my $rude = OCI::Client->new($server);
$rude->send("DELETE /v2/victim/manifests/$victim HTTP/1.1\r\nHost: x\r\n\r\n");
$rude->close;
for (1 .. 2400) {
    last if $client->head("/v2/victim/manifests/$victim")->status == 404;
    sleep 0.05;
}
error_is($client->get("/v2/victim/manifests/$victim"), 404, 'MANIFEST_UNKNOWN',
    undef, 'a deletion whose client disconnected is done');
my $left = $client->get('/v2/victim/tags/list');
is_deeply($left->json->{tags}, [], 'and no tag is left') || diag($left->text);

# ---- lists while others add and delete

my @stay = map { sprintf 's%03d', $_ } 0 .. 199;
$client->push_blob('paging', '{}');
put($client, 'paging/manifests/' . digest_of($texts[0]) . '?'
    . join('&', map { "tag=$_" } @stay), $texts[0]);
@results = at_once([$server], 6, sub {
    my ($own, $n) = @_;
    my %faults;
    for my $round (1 .. 8) {
        if ($n < 3) {
            for my $k (map { $_ * 17 % 200 } 1 .. 8) {
                my $path = sprintf 'paging/manifests/s%03d.%d', $k, $n;
                put($own, $path, $texts[0])->status == 201 or $faults{PUT}++;
                $own->delete("/v2/$path")->status == 202 or $faults{DELETE}++;
            }
            next;
        }
        my ($path, @got) = '/v2/paging/tags/list?n=' . (7 + $n);
        while ($path) {
            my $res = $own->get($path);
            push @got, @{ $res->json->{tags} };
            ($path) = ($res->header('Link') // '') =~ /<([^>]*)>/;
        }
        my %count;
        $count{$_}++ for @got;
        $faults{repeated}++ if grep { $_ > 1 } values %count;
        $faults{missed}++ if grep { !$count{$_} } @stay;
        $faults{disordered}++ if "@got" ne join ' ', sort @got;
    }
    return map { "$_: $faults{$_}" } sort keys %faults;
});
is_deeply(\@results, [ ([]) x 6 ],
    'pages do not miss or repeat entries that exist throughout');
is_deeply($client->get('/v2/paging/tags/list')->json->{tags}, \@stay,
    'in the end the list is as before');

# ---- a repository that is created and deleted repeatedly

@results = at_once([$server], 6, sub {
    my ($own, $n) = @_;
    return statuses(30, sub {
        return $_[0] % 2
            ? $own->post("/v2/flicker/blobs/uploads/?digest=$small", 'small')
            : $own->delete("/v2/flicker/blobs/$small");
    });
});
is_deeply([ grep { !/\A(?:201|202|404)\z/ } map { @$_ } @results ], [],
    'a repository that is created and deleted repeatedly');
$client->push_blob('flicker', 'small');
ok((grep { $_ eq 'flicker' } repositories()), 'it is listed while it exists');
$client->delete("/v2/flicker/blobs/$small");
ok(!(grep { $_ eq 'flicker' } repositories()),
    'it is not listed when it is deleted');

$server->stop;
done_testing;
