# SPDX-License-Identifier: Apache-2.0

# ociadmin gc with an index that is not the blob store's, and as root: neither
# deletes what belongs to somebody else.

use OCI::Test;

use File::Find ();
use File::Temp ();
use OCI::Admin;

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

# ---- the index

# The status of these blobs of a repository, for a client.
sub blobs_are {
    my ($reader, $repo, $status, $name, @texts) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @got = map { $reader->get("/v2/$repo/blobs/" . digest_of($_))->status }
        @texts;
    return is("@got", join(' ', ($status) x @texts), $name);
}

my $FOREIGN = qr/belongs\ to\ another\ index\ than\ \S+,\ so\ nothing\ is
    \ done;\ name\ the\ index\ that\ httpd\ uses/x;

subtest 'the index from which a copy was made' => sub {
    my $first = OCI::Server->start(config => 'OCIIndex fs @DIR@/from');
    my ($from, $to) = map { $first->dir . "/$_" } qw(from to);
    my $blobs = $first->store;
    OCI::Client->new($first)->push_blob('u', 'not named yet');
    my $old = OCI::Client->new($first)->push_image('u', 'v1');
    my @run = map { ['--grace', 0, "fs $blobs", "fs $_"] } $from, $to;
    $first->halt;
    run_is(ociadmin('copy', "fs $from", "fs $to"), 0, qr/\A\z/, 'a copy');
    give_to_httpd($to);
    run_is(ociadmin('gc', @{ $run[1] }), 1, qr{the\ index\ \Q$to\E/index\ is\ a
        \ copy,\ and\ httpd\ has\ not\ served\ a\ request\ with\ it\ yet}x,
        'which httpd does not use yet');
    $first->set(config => "OCIIndex fs $to\nOCIGCInterval 0");
    $first->again;
    my $reader = OCI::Client->new($first);
    $reader->push_image('u', 'v2', layers => ['not named yet', 'fresh']);
    system "find $blobs/blobs -type f | xargs touch -d '3 days ago'";
    for my $try (1, 2) {
        my $said = ociadmin('gc', @{ $run[0] });
        run_is($said, 1, $FOREIGN, "FROM, run $try");
        is($said->{out}, '', 'prints no report');
        run_is(ociadmin('gc', '--dry-run', @{ $run[0] }), 1, $FOREIGN,
            "FROM, dry run $try");
    }
    blobs_are($reader, 'u', 200, 'the blobs are there', 'not named yet', 'fresh');
    run_is(ociadmin('gc', @{ $run[1] }), 0, qr/\A\z/, 'TO is collected');
    $first->set(config => "OCIIndex fs $from\nOCIGCInterval 0");
    $first->halt;
    $first->again;
    status_is(OCI::Client->new($first)->get('/v2/u/manifests/v1'), 200,
        'FROM is served');
    run_is(ociadmin('gc', @{ $run[0] }), 1, $FOREIGN, 'but not collected');
    $first->halt;
    unlink "$blobs/blobs/.index" or die "$blobs: $!\n";
    $first->again;
    status_is(OCI::Client->new($first)->get('/v2/'), 200, 'without .index');
    run_is(ociadmin('gc', @{ $run[1] }), 1, qr/so nothing is done/,
        'TO is not collected');
    run_is(ociadmin('gc', @{ $run[0] }), 0, qr/\A\z/, 'but FROM is');
    $first->stop;
};

subtest 'two indexes on one empty store' => sub {
    my $first = OCI::Server->start(config => 'OCIIndex fs @DIR@/first');
    my $second = OCI::Server->start(store => $first->store,
        config => 'OCIIndex fs ' . $first->dir . '/second');
    my ($one, $two) = map { OCI::Client->new($_) } $first, $second;
    $one->start_upload('a');
    $second->expects(qr/belongs to another index, and the index \S+ is empty: con/);
    error_is($two->post('/v2/b/blobs/uploads/'), 503, 'UNAVAILABLE',
        qr/blob store is not available/, 'the second one is refused');
    $second->halt;
    $second->allows(qr/^AH00016: Configuration Failed/);
    ok(!eval { $second->again; 1 }, 'and does not start again');
    $one->push_image('a', 'v1', layers => ['layer of a']);
    system 'find ' . $first->store . "/blobs -type f | xargs touch -d '3 days ago'";
    run_is(ociadmin('gc', '--grace', 0, 'fs ' . $first->store,
        'fs ' . $first->dir . '/first'), 0, qr/\A\z/, 'the first one is collected');
    blobs_are($one, 'a', 200, 'and whole', 'layer of a');
    $_->stop for $first, $second;
};

# ---- the user

# A registry whose directory belongs to root, as a mount point does, and a
# directory that belongs to root.
sub roots_registry {
    my $place = File::Temp->newdir('mod_oci-root-XXXXXX', TMPDIR => 1);
    chmod 0755, "$place";
    mkdir "$place/$_" for qw(store victim facts);
    give_to_httpd("$place/facts");
    my $registry = OCI::Server->start(store => "$place/store",
        config => "OCIGCInterval 0\n" . ($_[0] ? "OCIIndex $_[0] $place/facts/x" : ''));
    return ($place, $registry, OCI::Client->new($registry));
}

# The paths below a directory that belong to root, without the directory.
sub roots_files {
    my $dir = shift;
    my @found;
    File::Find::find({ no_chdir => 1,
        wanted => sub { push @found, $_ if $_ ne $dir && !(lstat)[4] } }, $dir);
    return "@found";
}

SKIP: {
    skip 'only root can change users', 4 if $>;
    subtest "a record that names root's file" => sub {
        my ($place, $registry, $user) = roots_registry();
        my $image = $user->push_image('p', 'v1');
        open my $file, '>', "$place/victim/shadow" or die "$place: $!\n";
        close $file;
        chmod 0700, "$place/victim";
        my $digest = digest_of('forged');
        set_fact("$place/store", "blob/$digest", '6;../victim/shadow');
        set_fact("$place/store", "orphan/$digest", '');
        give_to_httpd("$place/store/index");
        my @run = ('gc', '--quiet', '--grace', 0, "fs $place/store");
        run_is(ociadmin(@run), 0, qr/\A\z/, 'a run');
        ok(-e "$place/victim/shadow", 'leaves the file');
        is(roots_files("$place/store"), '', 'no file belongs to root');
        is($user->get('/v2/p/manifests/v1')->body, $image->{text}, 'it serves');
        chown 0, 0, "$place/store/index";
        run_is(ociadmin(@run), 1, qr{\Q$place\E/store/blobs\ belongs\ to\ the\ user
            \ \S+,\ and\ \Q$place\E/store/index\ to\ the\ user\ root:\ both\ must
            \ belong\ to\ the\ user\ of\ httpd;\ correct\ the\ owner\ with}x,
            'an index of root');
        give_to_httpd("$place/store/index");
        chown 0, 0, "$place/store/blobs";
        run_is(ociadmin(@run), 1, qr{/blobs\ belongs\ to\ the\ user\ root,\ and
            \ \S+/uploads\ to\ the\ user\ [^r]\S*:\ both}x, 'blobs of root');
        give_to_httpd("$place/store/blobs");
        $registry->stop;
    };
    for my $kind ('dbm:gdbm', 'dbd:sqlite3') {
        subtest "the directory of blobs belongs to root, index $kind" => sub {
            my ($place, $registry, $user) = roots_registry($kind);
            $user->push_blob('p', "x $_") for 1 .. 30;
            my @run = ('gc', '--quiet', '--untagged', '0', '--grace', 0,
                "fs $place/store", "$kind $place/facts/x");
            for my $n (1 .. 6) {
                my $text = json_text({ schemaVersion => 2, manifests => [],
                    mediaType => IMAGE_INDEX,
                    annotations => { n => "$n", x => 'y' x 170_000 } });
                status_is($user->put('/v2/p/manifests/' . digest_of($text), $text,
                    'Content-Type' => IMAGE_INDEX), 201);
            }
            run_is(ociadmin(@run), 0, qr/\A\z/, "run $_") for 1, 2;
            is(roots_files("$place/$_"), '', "no file in $_ belongs to root")
                for qw(store facts);
            my $image = $user->push_image('p', 'v1');
            is($user->get('/v2/p/manifests/v1')->body, $image->{text}, 'it serves');
            $registry->stop;
        };
    }
}

done_testing;
