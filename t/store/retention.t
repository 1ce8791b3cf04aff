# SPDX-License-Identifier: Apache-2.0

# Retention: which tags and manifests go by which rule (OCIRetain, OCIUntagged,
# OCIPullTime), and that nothing goes that no rule speaks of.

use OCI::Test;

use OCI::Admin;

my $DAY = 86_400;
my $TYPE = OCI::Client::IMAGE_MANIFEST;

my $server = OCI::Server->start(config => <<'END');
OCISparse Index
OCIUntagged 1h **
OCIPullTime On "! %{HTTP_USER_AGENT} =~ /scanner/"
END
my $client = OCI::Client->new($server);
my $store = $server->store;
my $count = 0;

sub repo { 'keep/' . ++$count }

# Run with rules for one repository.
sub collect {
    my ($repo, @options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = gc($server, '--repository', $repo, @options);
    is("$run->{status}$run->{err}", 0, "gc @options") or diag($run->{out});
    return $run->{report};
}

# Push images with these tags; the first was pushed longest ago.  Returns their
# digests.
sub push_tags {
    my ($repo, @tags) = @_;
    my %digest;
    for my $n (0 .. $#tags) {
        my $tag = $tags[$n];
        $digest{$tag} = $client->push_image($repo, $tag,
            layers => ["$repo $tag"])->{digest};
        set_pushed($repo, $tag, $digest{$tag}, time - $DAY * (@tags - $n));
    }
    return \%digest;
}

sub set_pushed {
    my ($repo, $tag, $digest, $seconds) = @_;
    set_fact($store, "repo/$repo/_tag/$tag", "$digest;$seconds;");
    return give_to_httpd($store);
}

sub tags_of {
    my $res = $client->get("/v2/$_[0]/tags/list");
    return $res->status == 404 ? '' : join ' ', @{ $res->json->{tags} };
}

sub has {
    my ($repo, $digest, $wanted, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($client->get("/v2/$repo/manifests/$digest")->status,
        $wanted ? 200 : 404, $name);
}

subtest 'the last ones' => sub {
    my $repo = repo();
    push_tags($repo, qw(v1 v2 v3 latest v4 v5 other));
    is(collect($repo, '--retain', 'elsewhere/** last=1')->{tags}, 0,
        'a rule for other repositories');
    is(collect($repo, '--dry-run', '--retain', "$repo last=2 tags=v[0-9]+",
            '--retain', "$repo tags=latest")->{tags}, 4, 'a dry run counts');
    is(tags_of($repo), 'latest other v1 v2 v3 v4 v5', 'and changes nothing');
    my $out = ociadmin('gc', '--quiet', '--dry-run', '--repository', $repo,
        '--retain', "$repo last=2 tags=v[0-9]+", '--retain',
        "$repo tags=latest", "fs $store",
        $server->{index}->argument($store))->{out};
    like($out, qr/^\Q$repo\E:v1 would be deleted: not kept by \Q$repo last=2 tags=v[0-9]+\E$/m,
        'it prints which tag goes by which rule');
    like($out, qr/^\Q$repo\E:other would be deleted: no rule keeps this tag$/m,
        'and which no rule is for');
    $out = ociadmin('gc', '--repository', $repo, '--retain',
        "$repo last=2 tags=v[0-9]+", '--retain', "$repo tags=latest",
        "fs $store", $server->{index}->argument($store))->{out};
    like($out, qr/^4 tags and 0 manifests deleted by rules$/m, 'tags go');
    is(scalar(() = $out =~ /^\Q$repo\E:\S+ deleted: /mg), 4, 'and are printed');
    is(tags_of($repo), 'latest v4 v5', 'the others stay');
};

subtest 'the last ones, of the same second or without a time' => sub {
    my $repo = repo();
    my $digests = push_tags($repo, qw(v1 v2 v3 v4 v5));
    my $then = time - 3 * $DAY;
    set_fact($store, "repo/$repo/_tag/v1", $digests->{v1});
    set_fact($store, "repo/$repo/_tag/v5", $digests->{v5});
    set_pushed($repo, $_, $digests->{$_}, $then) for qw(v2 v3);
    is(collect($repo, '--retain', "$repo last=4", '--dry-run')->{tags}, 0,
        'tags without a time tie, too');
    is(collect($repo, '--retain', "$repo last=2")->{tags}, 2,
        'tags without a time are older than the others');
    is(tags_of($repo), 'v2 v3 v4', 'those that tie with the last one stay');
    set_fact($store, "repo/$repo/_tag/v1", $digests->{v1});
    give_to_httpd($store);
    is(collect($repo, '--retain', "$repo last=1")->{tags}, 3,
        'also without a tie');
    is(tags_of($repo), 'v4', 'the last one stays');
};

subtest 'pushed' => sub {
    my $repo = repo();
    my $digests = push_tags($repo, qw(v1 v2 v3 v4));
    set_fact($store, "repo/$repo/_tag/v1", $digests->{v1});
    give_to_httpd($store);
    is(collect($repo, '--retain', "$repo pushed=52h")->{tags}, 1,
        'one was pushed earlier');
    is(tags_of($repo), 'v1 v3 v4',
        'a tag without a time counts as pushed at the first run');
    my $now = time;
    $client->put("/v2/$repo/manifests/v3",
        $client->get("/v2/$repo/manifests/v3")->body, 'Content-Type' => $TYPE);
    is(collect($repo, '--retain', "$repo pushed=12h")->{tags}, 1, 'v4 goes');
    is(tags_of($repo), 'v1 v3', 'a tag that is pushed again is new');
};

subtest 'pulled' => sub {
    my $repo = repo();
    my $digests = push_tags($repo, qw(v1 v2 v3 v4));
    my $index = OCI::Client::json_text({ schemaVersion => 2,
        mediaType => OCI::Client::IMAGE_INDEX, manifests => [ {
            mediaType => $TYPE, digest => $digests->{v4},
            size => length $client->get("/v2/$repo/manifests/v4")->body } ] });
    $client->put("/v2/$repo/manifests/multi", $index,
        'Content-Type' => OCI::Client::IMAGE_INDEX);
    set_pushed($repo, 'multi', digest_of($index), time - 9 * $DAY);
    my $path = "$store/index/repo/$repo/_pulled";
    system 'rm', '-rf', $path;
    $client->head("/v2/$repo/manifests/v1");
    $client->get("/v2/$repo/manifests/v1", 'User-Agent' => 'scanner/1.0');
    ok(!-e $path, 'neither HEAD nor an excluded client counts');
    $client->get("/v2/$repo/manifests/v2");
    my $first = OCI::Server::fact("$path/$digests->{v2}");
    cmp_ok($first, '>', time - 7200, 'a pull counts');
    is($first % 3600, 0, 'to the hour');
    is(collect($repo, '--retain', "$repo pulled=5h")->{tags}, 4,
        'tags that nobody pulls go');
    is(tags_of($repo), 'v2', 'the other stays');

    $repo = repo();
    $digests = push_tags($repo, qw(v1 v4));
    $index =~ s/sha256:\w+/$digests->{v4}/;
    $client->put("/v2/$repo/manifests/multi", $index,
        'Content-Type' => OCI::Client::IMAGE_INDEX);
    set_pushed($repo, 'multi', digest_of($index), time - 9 * $DAY);
    $client->get("/v2/$repo/manifests/$digests->{v4}");
    is(collect($repo, '--retain', "$repo pulled=5h")->{tags}, 1,
        'one was not pulled');
    is(tags_of($repo), 'multi v4', 'a pull of a child counts for its index');
    set_pushed($repo, 'v4', $digests->{v4}, time - 60);
    system 'rm', '-rf', "$store/index/repo/$repo/_pulled";
    is(collect($repo, '--retain', "$repo pulled=5h")->{tags}, 1,
        'the index goes');
    is(tags_of($repo), 'v4', 'never pulled: the push counts');
};

subtest 'manifests without a tag' => sub {
    my $repo = repo();
    my @kept = map { $client->push_image($repo, "t$_",
        layers => ["$repo $_"])->{digest} } 1 .. 2;
    my $loose = $client->push_image($repo, 'loose', layers => ["$repo l"]);
    my $child = $client->push_image($repo, 'child', layers => ["$repo c"]);
    my $index = OCI::Client::json_text({ schemaVersion => 2,
        mediaType => OCI::Client::IMAGE_INDEX, manifests => [ {
            mediaType => $TYPE, digest => $child->{digest},
            size => length $child->{text} } ] });
    $client->put("/v2/$repo/manifests/multi", $index,
        'Content-Type' => OCI::Client::IMAGE_INDEX);
    my $signature = $client->push_image($repo, 'signature',
        layers => ["$repo s"],
        subject => { mediaType => $TYPE, digest => $loose->{digest},
            size => length $loose->{text} });
    my $fallback = $client->push_image($repo, $loose->{digest} =~ s/:/-/r
        . '.sig', layers => ["$repo f"]);
    my $other = $client->push_image($repo, $kept[0] =~ s/:/-/r . '.sig',
        layers => ["$repo o"]);
    $client->delete("/v2/$repo/manifests/$_") for qw(loose child signature);

    is(collect($repo)->{manifests}, 0, 'without a rule all stay');
    is(collect($repo, '--untagged', 'keep')->{manifests}, 0, 'keep');
    is(collect($repo, '--untagged', '0 elsewhere/**')->{manifests}, 0,
        'a rule for other repositories');
    is(collect($repo, '--untagged', '1h')->{manifests}, 0,
        'an hour begins when they are found');
    my @marks = glob "$store/index/repo/$repo/_untagged/*";
    is(scalar @marks, 3, 'three are marked');
    is(collect($repo, '--untagged', '1h')->{manifests}, 0, 'they wait');

    # a client that pushes an index asks for its manifests
    $client->head("/v2/$repo/manifests/$loose->{digest}");
    is(scalar(() = glob "$store/index/repo/$repo/_untagged/*"), 2,
        'HEAD releases one');
    for my $mark (@marks) {
        set_fact($store, $mark =~ s{.*/index/}{}r, time - 7200);
    }
    give_to_httpd($store);
    $client->head("/v2/$repo/manifests/$loose->{digest}");
    is(collect($repo, '--untagged', '1h')->{manifests}, 0,
        'a mark that is older than the push does not count');
    is(collect($repo, '--untagged', '0', '--dry-run')->{manifests}, 3,
        'a dry run counts three');
    is(collect($repo, '--untagged', '0', '--grace', 0)->{manifests}, 3,
        'three go');
    has($repo, $_, 1, 'one with a tag stays') for @kept;
    has($repo, $child->{digest}, 1, 'the child of a live index stays');
    has($repo, $loose->{digest}, 0, 'the one without a tag goes');
    has($repo, $signature->{digest}, 0, 'its referrer goes with it');
    has($repo, $fallback->{digest}, 0, 'so does what its tag belongs to');
    has($repo, $other->{digest}, 1, 'but not that of another');
    is(tags_of($repo), join(' ', sort qw(multi t1 t2),
        $kept[0] =~ s/:/-/r . '.sig'), 'and the tag goes, too');
    is_deeply($client->get("/v2/$repo/referrers/$loose->{digest}")
        ->json->{manifests}, [], 'it is no referrer any more');
    is_deeply([ glob "$store/index/repo/$repo/_untagged/*" ], [],
        'no mark is left');
    $client->put("/v2/$repo/manifests/again", $loose->{text},
        'Content-Type' => $TYPE);
    error_is($client->put("/v2/$repo/manifests/again", $loose->{text},
        'Content-Type' => $TYPE), 404, 'MANIFEST_BLOB_UNKNOWN');
};

subtest 'in the server' => sub {
    my $other = OCI::Server->start(config => 'OCIGCInterval 0');
    my $user = OCI::Client->new($other);
    for (1 .. 3) {
        $user->push_image('ci/a', "v$_", layers => ["a $_"]);
        sleep 1;    # those of the same second would all stay
    }
    $user->push_image('main/a', "v$_", layers => ["b $_"]) for 1 .. 3;
    $other->set(config => <<'END');
OCIGCInterval 1
OCIGCGrace 0
OCIRetain ci/** last=1
OCIUntagged 0 ci/**
OCIImmutable ci/** tags=v1
END
    $other->graceful;
    my $end = time + 120;
    sleep 1 until time > $end
        || @{ $user->get('/v2/ci/a/tags/list')->json->{tags} } < 3;
    my @left = @{ $user->get('/v2/ci/a/tags/list')->json->{tags} };
    ok(@left < 3 && $left[0] eq 'v1', 'an immutable tag stays') or diag("@left");
    is_deeply($user->get('/v2/main/a/tags/list')->json->{tags},
        [qw(v1 v2 v3)], 'no rule is for the other repository');
    $other->stop;
};

done_testing;
