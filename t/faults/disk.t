# SPDX-License-Identifier: Apache-2.0

# A store that cannot be written, cannot be read, or is missing: each request
# gets an error in JSON, existing content is still served, the log names the
# path and the cause, and requests work again when the cause is removed.

use OCI::Test;

use OCI::Disk;
use Time::HiRes qw(sleep);

plan(skip_all => 'mounting needs root') if $>;

# ---- a disk that cannot be written or read

# Requests of each kind that write fail with this cause.
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

# Everything works as before: the session is finished.
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
        'Content-Type' => IMAGE_MANIFEST), 201, 'pushes work');
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
    my $dir = small_disk('tmpfs', 'size=4m')
        or plan(skip_all => "tmpfs cannot be mounted");
    my ($server, $image, $session) = begin(store => "$dir/store");
    my $remounted;
    for (1 .. 1200) {
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

subtest 'directories without access' => sub {
    my ($server, $image, $session) = begin();
    my $store = $server->store;
    my $cause = qr/Permission denied/;
    $server->expects(qr/\[oci:error\].*Permission denied/);
    my %mode = map { $_ => (stat)[2] & 07777 } $store, "$store/blobs",
        "$store/uploads", "$store/index";
    my %owner = map { $_ => [ (stat)[4, 5] ] } keys %mode;
    my $deny = sub {
        my ($directory, $mode) = @_;
        chown 0, 0, $directory;
        chmod $mode, $directory;
    };
    my $allow = sub {
        my $directory = shift;
        chown @{ $owner{$directory} }, $directory;
        chmod $mode{$directory}, $directory;
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

# ---- a store that is missing

my %gone = (
    'moved away' => sub { },
    'replaced by an empty directory' => sub {
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
        is_deeply([ glob "$store/*" ], [], 'nothing is created there');
        rmdir $store;
        rename "$store.away", $store or die $!;
        all_goes_on($server, $image, $session);
        $server->stop;
    };
}

subtest 'only the blobs are moved away' => sub {
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
    ok(!-e "$store/blobs", 'the directory is not created again');
    is($client->get('/v2/there/manifests/v1')->body, $image->{text},
       'manifests are served');
    rename "$store/away", "$store/blobs" or die $!;
    all_goes_on($server, $image, $session);
    $server->stop;
};

done_testing;
