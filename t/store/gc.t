# SPDX-License-Identifier: Apache-2.0

# Garbage collection beside pushes, pulls and deletions: what goes, when it
# goes, and that nothing goes that a client needs.

use OCI::Test;

use OCI::Admin;
use Time::HiRes qw(sleep time);

my $server = OCI::Server->start(config => 'OCISparse Index');
my $client = OCI::Client->new($server);
my $store = $server->store;
my $count = 0;

sub repo { 'gc/' . ++$count }

# Run, and report whether it succeeded.
sub collect {
    my @options = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = gc($server, @options);
    is("$run->{status}$run->{err}", 0, "gc @options")
        or diag($run->{out});
    return $run->{report};
}

# One test: these numbers of a report.
sub report_is {
    my ($report, $name, %wanted) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply({ map { $_ => $report->{$_} } keys %wanted }, \%wanted,
        $name);
}

# One test: whether the store has the bytes of a digest.
sub stored {
    my ($digest, $wanted, $name) = @_;
    return if $server->blobs ne 'fs';    # its keys have no digests
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($algorithm, $hex) = split /:/, $digest;
    return is(-e "$store/blobs/$algorithm/" . substr($hex, 0, 2) . "/$hex"
        ? 1 : 0, $wanted, $name);
}

sub manifest_url { "/v2/$_[0]/manifests/$_[1]" }
sub blob_url     { "/v2/$_[0]/blobs/$_[1]" }

# ---- the life of a blob

subtest 'condemned, kept through the grace, and collected' => sub {
    my $repo = repo();
    my $bytes = random_bytes(5000, $repo);
    my $digest = $client->push_blob($repo, $bytes);
    report_is(collect(), 'it is condemned', condemned => 1, waiting => 0,
        collected => 0, blobs => 0, bytes => 0, emptied => 0);
    report_is(collect(), 'it waits', condemned => 0, waiting => 1,
        collected => 0, blobs => 0);
    is($client->get(blob_url($repo, $digest))->body, $bytes,
        'it is served meanwhile');

    my ($report, $end) = ({}, time + 120);
    until ($report->{collected} || time > $end) {
        sleep 0.2;
        $report = gc($server, '--grace', 1)->{report};
    }
    report_is($report, 'it is collected after the grace', condemned => 0,
        waiting => 0, collected => 1, blobs => 1, bytes => 5000, emptied => 1);
    error_is($client->get(blob_url($repo, $digest)), 404, 'BLOB_UNKNOWN');
    stored($digest, 0, 'its bytes are gone');
    is_deeply($client->get('/v2/_catalog')->json->{repositories}, [],
        'the empty repository left the catalog');
    $client->push_blob($repo, $bytes);
    is($client->get(blob_url($repo, $digest))->body, $bytes,
        'it can be pushed again');
    report_is(collect('--grace', 0), 'without a grace it goes at once',
        condemned => 0, collected => 1, blobs => 1, emptied => 1);
};

# Whatever tells a client that it need not push a blob gives it the whole grace
# from then on.
subtest 'released' => sub {
    my $source = repo();
    my $bytes = "the bytes of $source";
    my $image = $client->push_image($source, 'v1', layers => [$bytes]);
    my $digest = digest_of($bytes);
    my %location;
    my %touch = (
        'a HEAD' => sub { $client->head(blob_url($_[0], $digest)) },
        'a push of the blob' => sub { $client->push_blob($_[0], $bytes); undef },
        'a closing PUT that is repeated' => sub {
            $client->put(with_query($location{ $_[0] }, "digest=$digest"), '')
        },
        'a mount' => sub {
            $client->post("/v2/$_[0]/blobs/uploads/?mount=$digest&from=$source")
        },
    );
    for my $name (sort keys %touch) {
        my $repo = repo();
        $location{$repo} = $client->start_upload($repo);
        status_is($client->put(
            with_query($location{$repo}, "digest=$digest"), $bytes), 201);
        my @only = ('--repository', $repo);
        report_is(collect(@only), "$name: condemned before", condemned => 1);
        report_is(collect(@only), "$name: and waiting", waiting => 1);
        my $res = $touch{$name}->($repo);
        ok(!$res || $res->status =~ /^20[01]$/, "$name succeeds");
        report_is(collect(@only), "$name releases it", condemned => 1,
            waiting => 0);
        $client->delete(blob_url($repo, $digest));
    }
    is($client->get(blob_url($source, $digest))->body, $bytes,
        'the source of the mount is whole');
    $client->delete(manifest_url($source, $image->{digest}));
    report_is(collect('--grace', 0), 'nobody needs it in the end', blobs => 2);
};

subtest 'a manifest saves what it names' => sub {
    my $repo = repo();
    my @bytes = ("config of $repo", "layer of $repo");
    $client->push_blob($repo, $_) for @bytes;
    report_is(collect(), 'condemned', condemned => 2);
    my $digest = $client->push_manifest($repo, 'v1',
        image_manifest($bytes[0], [ $bytes[1] ]));
    report_is(collect('--grace', 0), 'nothing goes', condemned => 0,
        waiting => 0, collected => 0, blobs => 0, emptied => 0);
    is($client->get(blob_url($repo, digest_of($_)))->body, $_, 'served')
        for @bytes;
    status_is($client->delete(manifest_url($repo, $digest)), 202);
    report_is(collect(), 'after the manifest they get a new grace',
        condemned => 2, waiting => 0, collected => 0);
    report_is(collect('--grace', 0), 'and go', collected => 2, blobs => 2,
        emptied => 1);
};

# ---- nothing of a live image goes

# Push every form of content that a client knows; returns the URLs of all of it.
sub push_everything {
    my $repo = shift;
    my @urls;
    my $blob = sub {
        my ($bytes, $algorithm) = @_;
        push @urls, blob_url($repo, $client->push_blob($repo, $bytes, $algorithm));
        return $bytes;
    };
    my $manifest = sub {
        my ($reference, $document, $type) = @_;
        my $text = json_text($document);
        my $digest = $client->push_manifest($repo, $reference, $text, $type);
        push @urls, manifest_url($repo, $reference // $digest);
        return $text;
    };
    my $image = sub {
        my ($reference, $name, %more) = @_;
        return $manifest->($reference, image_manifest(
            $blob->("$name: config"), [ $blob->("$name: layer"),
                $blob->('a layer that many have') ], %more));
    };

    # An index: two platforms, an attestation, one that is absent, a nested one.
    my @children = map { $image->(undef, $_) } qw(amd64 arm64);
    push @children, $manifest->(undef, image_manifest(
        $blob->('attestation: config'), [], layers => [ descriptor(
            $blob->('attestation: layer'), 'application/vnd.in-toto+json') ]));
    my $index = image_index(\@children);
    push @{ $index->{manifests} }, descriptor('absent', IMAGE_MANIFEST),
        descriptor($blob->('a blob in an index'), 'text/plain');
    my $nested = $manifest->(undef, $index);
    $manifest->('index', image_index([$nested]));

    # Referrers, of a subject that is there and of one that is not.
    my $subject = $image->('subject', 'subject');
    $image->(undef, 'referrer', artifactType => 'application/x-sbom',
        subject => descriptor($subject, IMAGE_MANIFEST));
    $image->(undef, 'early', artifactType => 'application/x-sbom',
        subject => descriptor('not pushed yet', IMAGE_MANIFEST));
    $image->((digest_of($subject) =~ s/:/-/r) . '.sig', 'signature');

    # Docker's forms, under a tag and without one.
    my $docker = 'application/vnd.docker.distribution.manifest';
    my $old = $manifest->(undef, { schemaVersion => 2,
        mediaType => "$docker.v2+json",
        config => descriptor($blob->('docker: config'),
            'application/vnd.docker.container.image.v1+json'),
        layers => [ descriptor($blob->('docker: layer'),
            'application/vnd.docker.image.rootfs.diff.tar.gzip') ] });
    $manifest->('docker', { schemaVersion => 2,
        mediaType => "$docker.list.v2+json",
        manifests => [ descriptor($old, "$docker.v2+json") ] });

    # SHA-512: of a blob, and of a manifest.
    my $bytes = $blob->('long', 'sha512');
    my $text = json_text(image_manifest($blob->('long: config'), [], layers =>
        [ { %{ descriptor($bytes, IMAGE_LAYER) },
            digest => digest_of($bytes, 'sha512') } ]));
    status_is($client->put(manifest_url($repo, digest_of($text, 'sha512')),
        $text, 'Content-Type' => IMAGE_MANIFEST), 201);
    push @urls, manifest_url($repo, digest_of($text, 'sha512'));
    return @urls;
}

subtest 'nothing of a live image goes' => sub {
    my $repo = repo();
    my @urls = push_everything($repo);
    cmp_ok(scalar @urls, '>', 30, 'there is much content');
    my $get = sub { $client->get($_[0], Accept => '*/*')->body };
    my %before = map { $_ => $get->($_) } @urls;
    report_is(collect('--grace', 0), "run $_", condemned => 0, waiting => 0,
        collected => 0, blobs => 0, bytes => 0, emptied => 0, skipped => 0)
        for 1, 2;
    is_deeply([ grep { $get->($_) ne $before{$_} } @urls ], [],
        'all of it is served');
    my @digests = map { $client->head($_, Accept => '*/*')
        ->header('Docker-Content-Digest') } grep { m{/manifests/} } @urls;
    status_is($client->delete(manifest_url($repo, $_)), 202) for @digests;
    my $blobs = grep { m{/blobs/} } keys %before;
    report_is(collect('--grace', 0), 'without manifests all of it goes',
        collected => $blobs, blobs => $blobs, emptied => 1);
};

# ---- deletions, and content that several need

subtest 'a deleted manifest frees its own blobs, and no others' => sub {
    my $repo = repo();
    my $shared = "shared in $repo";
    my ($gone, $kept) = map { $client->push_image($repo, $_,
        config => "config of $_ in $repo", layers => [ "own layer of $_", $shared ])
    } qw(gone kept);
    status_is($client->delete(manifest_url($repo, $gone->{digest})), 202);
    report_is(collect('--grace', 0), 'two blobs go', collected => 2, blobs => 2,
        bytes => length("config of gone in $repo") + length('own layer of gone'),
        emptied => 0);
    error_is($client->get(blob_url($repo, digest_of($_))), 404, 'BLOB_UNKNOWN')
        for "config of gone in $repo", 'own layer of gone';
    is($client->get(blob_url($repo, digest_of($_)))->body, $_, "'$_' is served")
        for "config of kept in $repo", 'own layer of kept', $shared;
    is($client->get(manifest_url($repo, 'kept'))->body, $kept->{text},
        'the other image is whole');
    status_is($client->delete(manifest_url($repo, 'kept')), 202,
        'a deleted tag');
    report_is(collect('--grace', 0), 'frees nothing', collected => 0);
    status_is($client->delete(manifest_url($repo, $kept->{digest})), 202);
    report_is(collect('--grace', 0), 'its manifest does', collected => 3,
        blobs => 3, emptied => 1);
};

subtest 'a blob of two repositories' => sub {
    my ($from, $to) = (repo(), repo());
    my $bytes = "layer of $from and $to";
    my $digest = digest_of($bytes);
    my $first = $client->push_image($from, 'v1', config => "config of $from",
        layers => [$bytes]);
    status_is($client->post(
        "/v2/$to/blobs/uploads/?mount=$digest&from=$from"), 201, 'a mount');
    $client->push_blob($to, "config of $to");
    my $second = $client->push_manifest($to, 'v1',
        image_manifest("config of $to", [$bytes]));

    $client->delete(manifest_url($from, $first->{digest}));
    report_is(collect('--grace', 0), 'one of them goes', collected => 2,
        blobs => 1, emptied => 1);
    error_is($client->get(blob_url($from, $digest)), 404, 'BLOB_UNKNOWN');
    is($client->get(blob_url($to, $digest))->body, $bytes,
        'the other one is whole');
    $client->delete(manifest_url($to, $second));
    report_is(collect('--grace', 0), 'the other one goes', collected => 2,
        blobs => 2, emptied => 1);
    stored($digest, 0, 'the bytes are gone');
};

subtest 'a deleted blob' => sub {
    my @repos = (repo(), repo());
    my $bytes = "in @repos";
    my $digest = digest_of($bytes);
    $client->push_blob($_, $bytes) for @repos;
    status_is($client->delete(blob_url($repos[0], $digest)), 202);
    report_is(collect(), 'stays while a repository holds it', blobs => 0);
    stored($digest, 1, 'its bytes are there');
    status_is($client->delete(blob_url($repos[1], $digest)), 202);
    $client->push_blob($repos[0], $bytes);
    report_is(collect(), 'and when it is pushed again', blobs => 0);
    is($client->get(blob_url($repos[0], $digest))->body, $bytes, 'it is served');
    status_is($client->delete(blob_url($repos[0], $digest)), 202);
    report_is(collect(), 'but goes with the last deletion, without a grace',
        blobs => 1, bytes => length $bytes);
    stored($digest, 0, 'its bytes are gone');
};

# ---- uploads

# The path of an upload's bytes.
sub upload_file { $_[0] =~ m{([^/?]+)(?:\?|\z)}; return "$store/uploads/$1" }

sub make_old { utime 1, 1, upload_file($_[0]) or die "$_[0]: $!\n"; return }

# The location of an upload with these bytes.
sub upload_of {
    my ($repo, $bytes) = @_;
    my $location = $client->start_upload($repo);
    status_is($client->patch($location, $bytes,
        'Content-Type' => 'application/octet-stream'), 202);
    return $location;
}

subtest 'uploads' => sub {
    plan(skip_all => 'the age of an object cannot be set')
        if $server->blobs ne 'fs';
    my $repo = repo();
    my ($old, $new) = map { upload_of($repo, "$_ bytes") } qw(old new);
    make_old($old);
    report_is(collect('--dry-run'), 'a dry run counts the idle one',
        uploads => 1, bytes => 9);
    ok(-e upload_file($old), 'and leaves it');
    report_is(collect(), 'the idle one ends', uploads => 1, bytes => 9);
    ok(!-e upload_file($old), 'its bytes are gone');
    error_is($client->get($old), 404, 'BLOB_UPLOAD_UNKNOWN');
    error_is($client->patch($old, 'more'), 404, 'BLOB_UPLOAD_UNKNOWN');
    error_is($client->put(with_query($old, 'digest=' . digest_of('old bytes')),
        ''), 404, 'BLOB_UPLOAD_UNKNOWN');
    report_is(collect(), 'the other one stays', uploads => 0);
    status_is($client->put(with_query($new, 'digest=' . digest_of('new bytes')),
        ''), 201, 'and can be finished');
    my $third = upload_of($repo, 'third');
    age_uploads($store);
    report_is(collect('--upload-expiry', 60), '--upload-expiry 60',
        uploads => 1, bytes => 5);
    collect('--grace', 0);
};

subtest 'an upload that is being written' => sub {
    plan(skip_all => 'the age of an object cannot be set')
        if $server->blobs ne 'fs';
    my $repo = repo();
    my $location = upload_of($repo, 'first ');
    my $writer = OCI::Client->new($server);
    $writer->send(join "\r\n", "PATCH $location HTTP/1.1", 'Host: ' . $server->host,
        'Content-Type: application/octet-stream', 'Content-Length: 11', '',
        'second');
    my $end = time + 120;
    sleep 0.05
        while -s upload_file($location) < length 'first second' && time < $end;
    make_old($location);
    report_is(collect(), 'stays', uploads => 0);
    report_is(collect('--upload-expiry', 60), 'in any case', uploads => 0);
    $writer->send('third');
    status_is($writer->receive, 202, 'its request succeeds');
    status_is($client->put(
        with_query($location, 'digest=' . digest_of('first secondthird')), ''),
        201, 'and so does the push');
    report_is(collect('--grace', 0), 'the blob goes without a manifest',
        blobs => 1);
};

# ---- the numbers of a dry run, and all that is left

subtest 'a dry run tells what a run does' => sub {
    my $repo = repo();
    $client->push_blob($repo, "unnamed $_") for 1 .. 300;
    my $image = $client->push_image($repo, 'v1', config => "config of $repo");
    my @numbers = qw(repositories condemned waiting collected blobs uploads bytes
        skipped);
    for my $grace (86400, 0) {
        my %told = %{ collect('--dry-run', '--grace', $grace) };
        my $told = collect('--dry-run', '--grace', $grace);
        is_deeply([ @told{@numbers} ], [ @$told{@numbers} ], 'twice the same');
        ok($told{dryRun}, 'it says that it was dry');
        my $done = collect('--grace', $grace);
        is_deeply([ @told{@numbers} ], [ @$done{@numbers} ],
            "grace $grace: it said what is done");
        is($grace ? $done->{condemned} : $done->{blobs}, 300, '300 blobs');
    }
    $client->delete(manifest_url($repo, $image->{digest}));
    collect('--grace', 0);
};

my @left = $server->blobs eq 'fs'
    ? grep { -f } glob "$store/blobs/sha*/*/* $store/uploads/*"
    : grep { m{/} } keys %{ $server->{blobs}->objects($store) };
is("@left", '', 'no bytes are left in the end');
is_deeply($client->get('/v2/_catalog')->json->{repositories}, [],
    'and no repository');

$server->stop;
done_testing;
