# SPDX-License-Identifier: Apache-2.0

# A full disk: each request that needs space gets an error in JSON, existing
# content is served and can be deleted, and pushes work again when there is
# space.

use OCI::Test;

use OCI::Disk;

my $MIB = 1 << 20;
my $INDEX = OCI::Index::named() // 'fs';

# Database servers have their own disk, and mod_dbd does not report the path of
# its file.
plan(skip_all => "not for $INDEX") if $INDEX !~ /^(?:fs|dbm:|dbd:sqlite3)/;

sub range_of { ($_[0]->header('Range') // '') =~ /\A0-(\d+)\z/ ? $1 + 1 : -1 }

my $FULL = qr/No space left on device/;

for my $kind (['tmpfs', 'size=12m'], ['ext4', '24M']) {
    subtest "a full $kind->[0]" => sub {
        my $dir = small_disk(@$kind)
            or plan(skip_all => "$kind->[0] cannot be mounted");
        my $server = OCI::Server->start(store => "$dir/store");
        $server->expects(qr/\[oci:error\].*No space left on device/);
        my $client = OCI::Client->new($server);
        my $image = $client->push_image('full', 'v1');
        my $old = random_bytes($MIB, 'old');
        my $digest = $client->push_blob('full', $old);
        my $kept = random_bytes($MIB, 'kept');
        my $session = $client->start_upload('full');
        status_is($client->patch($session, substr $kept, 0, 300_000), 202);
        my $other = $client->start_upload('full');
        my $big = 'x' x (32 * $MIB);
        my $where = $server->store;

        fails($server, $where, $FULL, 507, 'PATCH', sub {
            $client->patch($other, $big) });
        my $after = $client->get($other);
        status_is($after, 204, 'its session still exists');
        status_is($client->delete($other), 204, 'and can be cancelled');
        is_deeply([ grep { -s > $MIB } glob "$where/uploads/*" ], [],
                  'which frees the space');
        fails($server, $where, $FULL, 507, 'monolithic POST', sub {
            $client->post('/v2/full/blobs/uploads/?digest='
                . digest_of($big), $big) });
        is_deeply([ grep { -s > $MIB } glob "$where/uploads/*" ], [],
                  'its bytes are deleted');
        $other = $client->start_upload('full');
        fails($server, $where, $FULL, 507, 'monolithic PUT', sub {
            $client->put(with_query($other, 'digest=' . digest_of($big)),
                         $big) });
        status_is($client->delete($other), 204);

        fill($dir);
        fails($server, $where, $FULL, 507, 'PATCH on', sub {
            $client->patch($session, substr $kept, 300_000) });
        my $offset = range_of($client->get($session));
        ok($offset >= 300_000 && $offset <= $MIB,
            "the session has the offset $offset");
        my $text = json_text({ %{ $image->{document} },
            annotations => { note => 'x' x 200_000 } });
        fails($server, $where, $FULL, 507, 'a manifest', sub {
            $client->put('/v2/full/manifests/v2', $text,
                         'Content-Type' => IMAGE_MANIFEST) });
        error_is($client->get('/v2/full/manifests/v2'), 404,
                 'MANIFEST_UNKNOWN');
        error_is($client->get('/v2/full/manifests/' . digest_of($text)), 404,
                 'MANIFEST_UNKNOWN');
        is_deeply($client->get('/v2/full/tags/list')->json->{tags}, ['v1'],
                  'no tag was created');
        is($client->get('/v2/full/manifests/v1')->body, $image->{text},
           'manifests can be pulled');
        ok($client->get("/v2/full/blobs/$digest")->body eq $old,
           'and blobs');
        status_is($client->delete("/v2/full/blobs/$digest"), 202,
                  'blobs can be deleted');
        status_is($client->delete('/v2/full/manifests/v1'), 202,
                  'so can tags');
        status_is($client->delete("/v2/full/manifests/$image->{digest}"), 202,
                  'and manifests');
        error_is($client->get("/v2/full/blobs/$digest"), 404, 'BLOB_UNKNOWN');

        unlink "$dir/filler" or die $!;
        $offset = range_of($client->get($session));
        status_is($client->patch($session, substr($kept, $offset, 100_000),
            'Content-Range' => "$offset-" . ($offset + 99_999)), 202,
            'the session continues');
        status_is($client->put(
            with_query($session, 'digest=' . digest_of($kept)),
            substr $kept, $offset + 100_000), 201, 'and is finished');
        ok($client->get('/v2/full/blobs/' . digest_of($kept))->body eq $kept,
           'the bytes are right');
        status_is($client->put('/v2/full/manifests/v2', $text,
                               'Content-Type' => IMAGE_MANIFEST), 201);
        is($client->get('/v2/full/manifests/v2')->body, $text);
        $server->stop;
    };
}

# When space runs out, uploads that nobody continues go first.
subtest 'idle uploads' => sub {
    my $dir = small_disk('tmpfs', 'size=12m')
        or plan(skip_all => 'tmpfs cannot be mounted');
    my $server = OCI::Server->start(store => "$dir/store", after =>
        "<Location /metrics>\nSetHandler oci-metrics\n"
        . "Require all granted\n</Location>");
    $server->expects(qr/\[oci:error\].*No space left on device/);
    $server->expects(qr/\[oci:warn\].*storage is full: idle uploads were ended/);
    my $client = OCI::Client->new($server);
    my %session = map { $_ => $client->start_upload('full') } 1 .. 3;
    my $part = random_bytes(3 * $MIB, 'part');
    status_is($client->patch($session{$_}, $part), 202) for 1 .. 3;
    my $bytes = random_bytes(4 * $MIB, 'whole');
    my $push = sub { $client->put(with_query($client->start_upload('full'),
        'digest=' . digest_of($bytes)), $bytes) };
    error_is($push->(), 507, 'UNKNOWN', undef, 'the disk is full');
    unlink grep { -s == 0 } glob "$dir/store/uploads/*";
    my @parts = map { my ($id) = $session{$_} =~ m{/([^/?]+)(?:\?|\z)};
        "$dir/store/uploads/$id" } 1 .. 3;
    is(scalar(grep { -e } @parts), 3, 'uploads of this minute stay');
    utime time - 120, time - 120, @parts[ 0, 1 ];
    error_is($push->(), 507, 'UNKNOWN', undef, 'the next push fails, too');
    is(join(' ', map { -e $_ ? 1 : 0 } @parts), '0 0 1',
        'but those that were idle for longer are gone');
    like($client->get('/metrics')->body, qr/^oci_uploads_abandoned_total 2$/m,
        'they count as abandoned');
    status_is($push->(), 201, 'so the one after it succeeds');
    error_is($client->patch($session{1}, 'x'), 404, 'BLOB_UPLOAD_UNKNOWN');
    status_is($client->put(with_query($session{3}, 'digest='
        . digest_of($part))), 201, 'the upload of this minute goes on');
    $server->stop;
};

# A blob is committed, but its record cannot be written.  The upload's file is
# then also the file of the blob, which another repository already serves.
subtest 'a full index, and a blob store with space' => sub {
    my $dir = small_disk('tmpfs', 'size=1m,nr_inodes=200')
        or plan(skip_all => "tmpfs cannot be mounted");
    my $place = "$dir/store" . ($INDEX eq 'fs' ? '' : '/facts');
    my $server = OCI::Server->start(config => "OCIIndex $INDEX $place");
    $server->allows(qr/\[oci:error\].*No space left on device/);
    my $client = OCI::Client->new($server);
    my $bytes = random_bytes(500_000, 'both');
    my $digest = digest_of($bytes);
    my $blob = "/v2/first/blobs/$digest";
    my ($one, $two) = map { $client->start_upload($_) } 'second', 'third';
    status_is($client->patch($_, substr $bytes, 0, 200_000), 202)
        for $one, $two;
    $client->push_blob('first', $bytes);
    my $idle = $client->start_upload('idle');
    status_is($client->patch($idle, 'idle'), 202);
    my ($id) = $idle =~ m{/([^/?]+)(?:\?|\z)};
    utime time - 120, time - 120, $server->store . "/uploads/$id";
    fill($dir);
    fill_inodes($dir);
    for (1 .. 1000) {    # use up the space that an index keeps in reserve
        last if $client->post("/v2/m$_/blobs/uploads/?mount=$digest&from=first")
            ->status == 507;
    }
    my $put = sub {
        $client->put(with_query($_[0], "digest=$digest"), substr $bytes, $_[1])
    };
    error_is($put->($one, 200_000), 507, 'UNKNOWN');
    error_is($put->($two, 200_000), 507, 'UNKNOWN');
    error_is($client->post('/v2/new/blobs/uploads/?digest='
        . digest_of('new'), 'new'), 507, 'UNKNOWN');
    my ($hex) = digest_of('new') =~ /:(.*)/;
    ok(!-e $server->store . '/blobs/sha256/' . substr($hex, 0, 2) . "/$hex",
        'bytes without a record do not stay');
    ok(-e $server->store . "/uploads/$id",
        'no upload ends for the index: it would not get its space');
    ok($client->get($blob)->body eq $bytes,
        'the first repository still serves the blob');
    is(range_of($client->get($one)), 200_000, 'the session keeps its offset');
    error_is($put->($one, 200_000), 507, 'UNKNOWN', undef, 'a second time');
    error_is($client->patch($two, 'other bytes'), 507, 'UNKNOWN');
    ok($client->get($blob)->body eq $bytes, 'the blob is the same');
    error_is($client->get("/v2/second/blobs/$digest"), 404, 'BLOB_UNKNOWN');
    unlink "$dir/filler";
    unlink glob "$dir/many/*";
    status_is($client->patch($one, substr $bytes, 200_000, 1000), 202,
              'when there is space, a session continues');
    ok($client->get($blob)->body eq $bytes, 'the blob is the same');
    status_is($put->($one, 201_000), 201, 'and is finished');
    status_is($put->($two, 200_000), 201, 'so is the other');
    ok($client->get("/v2/$_/blobs/$digest")->body eq $bytes,
        "the blob is complete in $_") for qw(first second third);
    status_is($client->delete($idle), 204);
    is_deeply([ glob $server->store . '/uploads/*' ], [],
        'no upload is left');
    $server->stop;
};

subtest 'no space for another file' => sub {
    plan(skip_all => 'only fs has a file for each fact') if $INDEX ne 'fs';
    my $dir = small_disk('tmpfs', 'size=16m,nr_inodes=200')
        or plan(skip_all => "tmpfs cannot be mounted");
    my $server = OCI::Server->start(store => "$dir/store");
    $server->expects(qr/\[oci:error\].*No space left on device/);
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('inodes', 'v1');
    my $session = $client->start_upload('inodes');
    status_is($client->patch($session, 'abc'), 202);
    my $where = $server->store;
    fill_inodes($dir);
    fails($server, $where, $FULL, 507, 'monolithic POST', sub {
        $client->post('/v2/inodes/blobs/uploads/?digest='
            . digest_of('new'), 'new') });
    fails($server, $where, $FULL, 507, 'PUT of a tag', sub {
        $client->put('/v2/inodes/manifests/v2', $image->{text},
                     'Content-Type' => IMAGE_MANIFEST) });
    fails($server, $where, $FULL, 507, 'PUT of a blob', sub {
        $client->put(with_query($session, 'digest=' . digest_of('abc'))) });
    is_deeply($client->get('/v2/inodes/tags/list')->json->{tags}, ['v1']);
    is($client->get('/v2/inodes/manifests/v1')->body, $image->{text},
       'pulls still work');
    status_is($client->get($session), 204, 'the session still exists');
    status_is($client->delete('/v2/inodes/manifests/v1'), 202,
              'deletes still work');
    unlink glob "$dir/many/*";
    status_is($client->put(with_query($session, 'digest='
        . digest_of('abc'))), 201,
        'when there is space, the session can be finished');
    is($client->get('/v2/inodes/blobs/' . digest_of('abc'))->body, 'abc');
    status_is($client->put('/v2/inodes/manifests/v2', $image->{text},
                           'Content-Type' => IMAGE_MANIFEST), 201);
    $server->stop;
};

done_testing;
