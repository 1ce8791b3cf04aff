# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# A store that is full, can't be written or is not there: each request is
# answered in JSON, what was stored is still served, the log says which path
# and why, and all goes on when the cause is gone.

use OCI::Test;

use File::Temp ();
use Time::HiRes qw(sleep);

plan(skip_all => 'mounting needs root') if $>;

my $MIB = 1 << 20;
my $OWNER = join ',', map { sprintf '%s=%d', @$_ }
    [ uid => (getpwnam OCI::Server::user())[2] ],
    [ gid => (getpwnam OCI::Server::user())[3] ];
my @mounted;
my $TOP = File::Temp->newdir('mod_oci-disk-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";

# What is left after an early end goes before the folder does.
END {
    my $status = $?;
    system "umount -l '$_' 2>/dev/null" for @mounted;
    $? = $status;
}

# A small file system of its own; its folder, or undef.
sub mount {
    my ($name, $kind, $options) = @_;
    my $dir = "$TOP/$name";
    mkdir $dir or die "$dir: $!\n";
    if ($kind eq 'tmpfs') {
        system "mount -t tmpfs -o $options,$OWNER tmpfs '$dir' 2>/dev/null";
    }
    else {
        system "truncate -s $options '$TOP/$name.img' && "
            . "mkfs.$kind -q -m 0 '$TOP/$name.img' 2>/dev/null && "
            . "mount -o loop '$TOP/$name.img' '$dir' 2>/dev/null";
    }
    return if $?;
    push @mounted, $dir;
    mkdir "$dir/store" or die "$dir/store: $!\n";
    chown((getpwnam OCI::Server::user())[2, 3], "$dir/store");
    return $dir;
}

# Leave no room in a file system.
sub fill {
    my $dir = shift;
    open my $file, '>:raw', "$dir/filler" or die "$dir/filler: $!\n";
    for my $size (1 << 16, 4096, 512, 1) {
        1 while syswrite $file, 'x' x $size;
    }
    close $file;
    return;
}

# Leave no room for a further file.
sub fill_inodes {
    my $dir = shift;
    mkdir "$dir/many";
    my $n = 0;
    $n++ while open my $file, '>', "$dir/many/$n";
    return;
}

sub range_of { ($_[0]->header('Range') // '') =~ /\A0-(\d+)\z/ ? $1 + 1 : -1 }

# Lines of the log that are errors and came with this piece of code.
sub errors_of {
    my ($server, $code) = @_;
    my $before = length $server->log;
    $code->();
    return grep { /\[oci:(?:error|crit)\]/ } split /\n/,
        substr $server->log, $before;
}

# Two tests: an answer, and one line of the log that names path and cause.
sub fails {
    my ($server, $path, $cause, $status, $name, $code) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res;
    my @lines = errors_of($server, sub { $res = $code->() });
    error_is($res, $status, 'UNKNOWN', undef, "$name: $status");
    ok(@lines == 1 && $lines[0] =~ /\Q$path\E/ && $lines[0] =~ $cause,
       "$name: one line names path and cause") or diag(@lines);
    return;
}

# ---- a full disk

my $FULL = qr/No space left on device/;

for my $kind (['tmpfs', 'size=12m'], ['ext4', '24M']) {
    subtest "a full $kind->[0]" => sub {
        my $dir = mount("full-$kind->[0]", @$kind)
            or plan(skip_all => "$kind->[0] can't be mounted");
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
        status_is($after, 204, 'its session is still there');
        status_is($client->delete($other), 204, 'and can be cancelled');
        is_deeply([ grep { -s > $MIB } glob "$where/uploads/*" ], [],
                  'which makes room');
        fails($server, $where, $FULL, 507, 'monolithic POST', sub {
            $client->post('/v2/full/blobs/uploads/?digest='
                . digest_of($big), $big) });
        is_deeply([ grep { -s > $MIB } glob "$where/uploads/*" ], [],
                  'of which nothing is left');
        $other = $client->start_upload('full');
        fails($server, $where, $FULL, 507, 'monolithic PUT', sub {
            $client->put(with_query($other, 'digest=' . digest_of($big)),
                         $big) });
        status_is($client->delete($other), 204);

        fill($dir);
        fails($server, $where, $FULL, 507, 'PATCH on', sub {
            $client->patch($session, substr $kept, 300_000) });
        my $stands = range_of($client->get($session));
        ok($stands >= 300_000 && $stands <= $MIB, "the session: $stands");
        my $text = json_text({ %{ $image->{document} },
            annotations => { note => 'x' x 20_000 } });
        fails($server, $where, $FULL, 507, 'a manifest', sub {
            $client->put('/v2/full/manifests/v2', $text,
                         'Content-Type' => IMAGE_MANIFEST) });
        error_is($client->get('/v2/full/manifests/v2'), 404,
                 'MANIFEST_UNKNOWN');
        error_is($client->get('/v2/full/manifests/' . digest_of($text)), 404,
                 'MANIFEST_UNKNOWN');
        is_deeply($client->get('/v2/full/tags/list')->json->{tags}, ['v1'],
                  'no tag was made');
        is($client->get('/v2/full/manifests/v1')->body, $image->{text},
           'pulls of manifests go on');
        ok($client->get("/v2/full/blobs/$digest")->body eq $old,
           'and of blobs');
        status_is($client->delete("/v2/full/blobs/$digest"), 202,
                  'blobs can be deleted');
        status_is($client->delete('/v2/full/manifests/v1'), 202,
                  'so can tags');
        status_is($client->delete("/v2/full/manifests/$image->{digest}"), 202,
                  'and manifests');
        error_is($client->get("/v2/full/blobs/$digest"), 404, 'BLOB_UNKNOWN');

        unlink "$dir/filler" or die $!;
        $stands = range_of($client->get($session));
        status_is($client->patch($session, substr($kept, $stands, 100_000),
            'Content-Range' => "$stands-" . ($stands + 99_999)), 202,
            'the session goes on');
        status_is($client->put(
            with_query($session, 'digest=' . digest_of($kept)),
            substr $kept, $stands + 100_000), 201, 'and is finished');
        ok($client->get('/v2/full/blobs/' . digest_of($kept))->body eq $kept,
           'the bytes are right');
        status_is($client->put('/v2/full/manifests/v2', $text,
                               'Content-Type' => IMAGE_MANIFEST), 201);
        is($client->get('/v2/full/manifests/v2')->body, $text);
        $server->stop;
    };
}

# The blob was committed and its record could not be written: the upload's
# bytes are the blob's then, which another repository serves already.
subtest 'a full index beside a blob store with room' => sub {
    my $dir = mount('index', 'tmpfs', 'size=1m,nr_inodes=200')
        or plan(skip_all => "tmpfs can't be mounted");
    my $server = OCI::Server->start(config => "OCIIndex fs $dir/store");
    $server->allows(qr/\[oci:error\].*No space left on device/);
    my $client = OCI::Client->new($server);
    my $bytes = random_bytes(500_000, 'both');
    my $digest = digest_of($bytes);
    my $blob = "/v2/first/blobs/$digest";
    my ($one, $two) = map { $client->start_upload($_) } 'second', 'third';
    status_is($client->patch($_, substr $bytes, 0, 200_000), 202)
        for $one, $two;
    $client->push_blob('first', $bytes);
    fill($dir);
    fill_inodes($dir);
    my $put = sub {
        $client->put(with_query($_[0], "digest=$digest"), substr $bytes, $_[1])
    };
    error_is($put->($one, 200_000), 507, 'UNKNOWN');
    error_is($put->($two, 200_000), 507, 'UNKNOWN');
    ok($client->get($blob)->body eq $bytes, 'who held the blob serves it');
    is(range_of($client->get($one)), 200_000, 'the session stands');
    error_is($put->($one, 200_000), 507, 'UNKNOWN', undef, 'once more');
    error_is($client->patch($two, 'other bytes'), 507, 'UNKNOWN');
    ok($client->get($blob)->body eq $bytes, 'the blob is the same');
    error_is($client->get("/v2/second/blobs/$digest"), 404, 'BLOB_UNKNOWN');
    unlink "$dir/filler";
    unlink glob "$dir/many/*";
    status_is($client->patch($one, substr $bytes, 200_000, 1000), 202,
              'there is room: a session goes on');
    ok($client->get($blob)->body eq $bytes, 'the blob is the same');
    status_is($put->($one, 201_000), 201, 'and is finished');
    status_is($put->($two, 200_000), 201, 'so is the other');
    ok($client->get("/v2/$_/blobs/$digest")->body eq $bytes, "all in $_")
        for qw(first second third);
    is_deeply([ glob $server->store . '/uploads/*' ], [], 'none is left');
    $server->stop;
};

subtest 'no room for another file' => sub {
    my $dir = mount('inodes', 'tmpfs', 'size=16m,nr_inodes=200')
        or plan(skip_all => "tmpfs can't be mounted");
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
       'pulls go on');
    status_is($client->get($session), 204, 'the session is there');
    status_is($client->delete('/v2/inodes/manifests/v1'), 202,
              'deletes go on');
    unlink glob "$dir/many/*";
    status_is($client->put(with_query($session, 'digest='
        . digest_of('abc'))), 201, 'there is room: the session is finished');
    is($client->get('/v2/inodes/blobs/' . digest_of('abc'))->body, 'abc');
    status_is($client->put('/v2/inodes/manifests/v2', $image->{text},
                           'Content-Type' => IMAGE_MANIFEST), 201);
    $server->stop;
};

# ---- a disk that can't be written, or read

# Pushes of each kind fail so; pulls go on.
sub writes_fail {
    my ($server, $image, $session, $cause) = @_;
    my $client = OCI::Client->new($server);
    my $where = $server->store;
    fails($server, $where, $cause, 500, 'monolithic POST', sub {
        $client->post('/v2/there/blobs/uploads/?digest='
            . digest_of('new'), 'new') });
    fails($server, $where, $cause, 500, 'PATCH', sub {
        $client->patch($session, 'more') });
    fails($server, $where, $cause, 500, 'PUT of a manifest', sub {
        $client->put('/v2/there/manifests/v2', $image->{text},
                     'Content-Type' => IMAGE_MANIFEST) });
    fails($server, $where, $cause, 500, 'DELETE of a tag', sub {
        $client->delete('/v2/there/manifests/v1') });
    fails($server, $where, $cause, 500, 'DELETE of a blob', sub {
        $client->delete('/v2/there/blobs/' . digest_of('{}')) });
    return;
}

sub reads_fail {
    my ($server, $image, $session, $cause) = @_;
    my $client = OCI::Client->new($server);
    my $where = $server->store;
    for my $method (qw(get head)) {
        for my $path ('/v2/there/manifests/v1', '/v2/_catalog',
                      "/v2/there/manifests/$image->{digest}", $session,
                      '/v2/there/blobs/' . digest_of('{}'),
                      "/v2/there/referrers/$image->{digest}",
                      '/v2/there/tags/list', '/v2/absent/tags/list',
                      '/v2/absent/blobs/' . digest_of('absent')) {
            fails($server, $where, $cause, 500, "$method of $path", sub {
                $client->$method($path) });
        }
    }
    return;
}

sub reads_go_on {
    my ($server, $image) = @_;
    my $client = OCI::Client->new($server);
    is($client->get('/v2/there/manifests/v1')->body, $image->{text},
       'manifests are served');
    is($client->get('/v2/there/blobs/' . digest_of('{}'))->body, '{}',
       'blobs are served');
    is_deeply($client->get('/v2/there/tags/list')->json->{tags}, ['v1'],
              'tags are listed');
    return;
}

# All is as before: the session is finished.
sub all_goes_on {
    my ($server, $image, $session) = @_;
    my $client = OCI::Client->new($server);
    reads_go_on($server, $image);
    my $res = $client->put(with_query($session, 'digest='
        . digest_of('session')), 'ion');
    status_is($res, 201, 'the session is finished');
    is($client->get('/v2/there/blobs/' . digest_of('session'))->body,
       'session', 'its bytes are right');
    status_is($client->put('/v2/there/manifests/v3', $image->{text},
        'Content-Type' => IMAGE_MANIFEST), 201, 'pushes go on');
    return;
}

sub begin {
    my $server = OCI::Server->start(@_);
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('there', 'v1');
    my $session = $client->start_upload('there');
    status_is($client->patch($session, 'sess'), 202);
    return ($server, $image, $session);
}

subtest 'a disk that was made read-only' => sub {
    my $dir = mount('readonly', 'tmpfs', 'size=4m')
        or plan(skip_all => "tmpfs can't be mounted");
    my ($server, $image, $session) = begin(store => "$dir/store");
    my $remounted;
    for (1 .. 50) {
        $remounted = !system "mount -o remount,ro '$dir' 2>/dev/null";
        last if $remounted;
        sleep 0.1;
    }
    ok($remounted, 'it is read-only') or return;
    $server->expects(qr/\[oci:error\].*Read-only file system/);
    writes_fail($server, $image, $session, qr/Read-only file system/);
    reads_go_on($server, $image);
    system "mount -o remount,rw '$dir'";
    all_goes_on($server, $image, $session);
    $server->stop;
};

subtest 'folders that may not be used' => sub {
    my ($server, $image, $session) = begin();
    my $store = $server->store;
    my $cause = qr/Permission denied/;
    $server->expects(qr/\[oci:error\].*Permission denied/);
    my %mode = map { $_ => (stat)[2] & 07777 } $store, "$store/blobs",
        "$store/uploads", "$store/index";
    my %owner = map { $_ => [ (stat)[4, 5] ] } keys %mode;
    my $deny = sub {
        my ($folder, $mode) = @_;
        chown 0, 0, $folder;
        chmod $mode, $folder;
    };
    my $allow = sub {
        my $folder = shift;
        chown @{ $owner{$folder} }, $folder;
        chmod $mode{$folder}, $folder;
    };
    my $client = OCI::Client->new($server);
    my $blob = '/v2/there/blobs/' . digest_of('{}');

    $deny->($store, 0700);
    reads_fail($server, $image, $session, $cause);
    writes_fail($server, $image, $session, $cause);
    $allow->($store);

    $deny->("$store/index", 0700);
    reads_fail($server, $image, $session, $cause);
    writes_fail($server, $image, $session, $cause);
    $allow->("$store/index");

    $deny->("$store/blobs", 0700);
    fails($server, $store, $cause, 500, "$_ of a blob", sub {
        $client->$_($blob) }) for qw(get head);
    is($client->get('/v2/there/manifests/v1')->body, $image->{text},
       'manifests are served');
    fails($server, $store, $cause, 500, 'PUT of a blob', sub {
        $client->put(with_query($session, 'digest=' . digest_of('session')),
                     'ion') });
    fails($server, $store, $cause, 500, 'a mount', sub {
        $client->post('/v2/other/blobs/uploads/?from=there&mount='
            . digest_of('{}')) });
    fails($server, $store, $cause, 500, 'a manifest', sub {
        $client->put('/v2/there/manifests/v2', $image->{text},
                     'Content-Type' => IMAGE_MANIFEST) });
    $allow->("$store/blobs");

    $deny->("$store/uploads", 0755);
    $client->close;
    my $other = $client->start_upload('there');
    fails($server, $store, $cause, 500, 'PATCH', sub {
        $client->patch($other, 'x') });
    reads_go_on($server, $image);
    $allow->("$store/uploads");

    all_goes_on($server, $image, $session);
    $server->stop;
};

# ---- a store that is not there

my %gone = (
    'moved away' => sub { },
    'moved away, and an empty folder in its place' => sub {
        mkdir $_[0] or die $!;
        chmod 0777, $_[0];
    },
);

for my $kind (sort keys %gone) {
    subtest "a store that was $kind" => sub {
        my ($server, $image, $session) = begin();
        my $store = $server->store;
        my $cause = qr/No such file or directory/;
        $server->expects(qr/\[oci:error\].*No such file or directory/);
        rename $store, "$store.away" or die $!;
        $gone{$kind}->($store);
        reads_fail($server, $image, $session, $cause);
        writes_fail($server, $image, $session, $cause);
        my $client = OCI::Client->new($server);
        fails($server, $store, $cause, 500, 'POST', sub {
            $client->post('/v2/there/blobs/uploads/') });
        fails($server, $store, $cause, 500, 'PUT of a blob', sub {
            $client->put(with_query($session, 'digest='
                . digest_of('session')), 'ion') });
        is_deeply([ glob "$store/*" ], [], 'nothing was made there');
        rmdir $store;
        rename "$store.away", $store or die $!;
        all_goes_on($server, $image, $session);
        $server->stop;
    };
}

subtest 'only the blobs were moved away' => sub {
    my ($server, $image, $session) = begin();
    my $store = $server->store;
    my $cause = qr/No such file or directory/;
    $server->expects(qr/\[oci:error\].*No such file or directory/);
    rename "$store/blobs", "$store/away" or die $!;
    my $client = OCI::Client->new($server);
    my $blob = '/v2/there/blobs/' . digest_of('{}');
    fails($server, "$store/blobs", $cause, 500, "$_ of a blob", sub {
        $client->$_($blob) }) for qw(get head);
    fails($server, $store, $cause, 500, 'PUT of a blob', sub {
        $client->put(with_query($session, 'digest=' . digest_of('session')),
                     'ion') });
    ok(!-e "$store/blobs", 'no new one was begun');
    is($client->get('/v2/there/manifests/v1')->body, $image->{text},
       'manifests are served');
    rename "$store/away", "$store/blobs" or die $!;
    all_goes_on($server, $image, $session);
    $server->stop;
};

done_testing;
