# SPDX-License-Identifier: Apache-2.0

# Garbage collection when a disk is full, fails, or cannot be written, and when
# the clock jumps: it says what is wrong, nothing that is needed goes, and a
# later run does the rest.

use OCI::Test;

use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::Disk;
use OCI::Garbage;
use OCI::Library;
use POSIX ();

my $INDEX = OCI::Index::named() // 'fs';
plan(skip_all => "not for $INDEX") if $INDEX !~ /^(?:fs|dbm:|dbd:sqlite3)/;

my $MIB = 1 << 20;

# A registry with an image that must stay, and another one.
sub push_images {
    my ($server) = @_;
    my $client = OCI::Client->new($server);
    my %kept = (config => 'kept config', layers => [ random_bytes($MIB, 'kept') ]);
    my $image = $client->push_image('a', 'kept', %kept);
    my $gone = $client->push_image('a', 'gone', config => 'gone config',
        layers => [ random_bytes($MIB, 'gone'), $kept{layers}[0] ]);
    return ([ $image, $kept{config}, $kept{layers}[0] ],
        "/v2/a/manifests/$gone->{digest}");
}

# A registry with an image that must stay, and garbage: blobs and an upload.
sub make_registry {
    my ($server) = @_;
    my $client = OCI::Client->new($server);
    my ($kept, $gone) = push_images($server);
    $client->delete($gone);
    my $location = $client->start_upload('a');
    $client->patch($location, random_bytes($MIB, 'idle'));
    my ($file) = glob $server->store . '/uploads/*';
    utime 1, 1, $file or die "$file: $!\n";
    return $kept;
}

# One test: the image is complete.
sub is_kept {
    my ($server, $kept, $name) = @_;
    my $client = OCI::Client->new($server);
    my ($image, @blobs) = @$kept;
    my @lost = grep { $client->get('/v2/a/blobs/' . digest_of($_))->body ne $_ }
        @blobs;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(!@lost && $client->get('/v2/a/manifests/kept')->body
        eq $image->{text}, $name);
}

# ---- a full disk

# A full disk, with garbage to collect.
sub full {
    my ($kind, $late) = @_;
    my $dir = small_disk(@$kind)
        or plan(skip_all => "$kind->[0] cannot be mounted");
    my $server = OCI::Server->start(store => "$dir/store");
    my $client = OCI::Client->new($server);
    my ($kept, $gone) = $late ? push_images($server) : make_registry($server);
    gc($server) if $late;    # no directory for notes is left
    fill($dir);
    fill_inodes($dir);
    status_is($client->delete($gone), 202, 'a manifest can be deleted')
        if $late;
    my $run = gc($server, '--grace', 0);
    is("$run->{status}$run->{err}", 0, 'garbage can be collected');
    is_deeply([ @{ $run->{report} }{qw(blobs uploads)} ], [ 2, $late ? 0 : 1 ],
        'it is deleted') or diag($run->{out});
    cmp_ok($run->{report}{bytes}, '>', $MIB, 'and frees space');
    is_kept($server, $kept, 'the image is complete');
    system 'rm', '-rf', "$dir/many";
    ok(eval { $client->push_blob('b', random_bytes($MIB / 2, 'new')) },
        'there is room for a push') or diag($@);
    unlink "$dir/filler";
    is(join("\n", clean($server)), '', 'the next run finds the store right');
    is_kept($server, $kept, 'with the image');
    $server->stop;
    return;
}

for my $kind ([ 'tmpfs', 'size=8m,nr_inodes=300' ], [ 'ext4', '24M' ]) {
    subtest "a full $kind->[0]" => sub { full($kind, 0) };
    subtest "a full $kind->[0], and a late deletion" => sub { full($kind, 1) };
}

subtest 'HEAD on a full disk' => sub {
    my $dir = small_disk('tmpfs', 'size=8m,nr_inodes=300')
        or plan(skip_all => 'tmpfs cannot be mounted');
    my $server = OCI::Server->start(store => "$dir/store");
    my $client = OCI::Client->new($server);
    my $digest = $client->push_blob('a', 'condemned');
    is(gc($server)->{report}{condemned}, 1, 'a blob is condemned');
    fill($dir);
    fill_inodes($dir);
    $server->allows(qr/garbage collection may delete this content although/);
    status_is($client->head("/v2/a/blobs/$digest"), 200,
        'HEAD succeeds, although the blob cannot be released');
    $server->stop;
};

subtest 'a disk that cannot be written' => sub {
    plan(skip_all => 'httpd has the database open') if $INDEX =~ /sqlite/;
    my $dir = small_disk('tmpfs', 'size=12m')
        or plan(skip_all => 'tmpfs cannot be mounted');
    my $server = OCI::Server->start(store => "$dir/store");
    my $kept = make_registry($server);
    is(system("mount -o remount,ro '$dir'"), 0, 'read-only now');
    my $run = gc($server, '--grace', 0);
    is($run->{status}, 1, 'the run fails');
    like($run->{err}, qr/Read-only file system|cannot (?:write|open) \Q$dir\E/i,
        'and says why');
    unlike($run->{err}, qr/Sanitizer|runtime error/, 'without a crash');
    is_kept($server, $kept, 'the image is served');
    is(system("mount -o remount,rw '$dir'"), 0, 'writable again');
    is(join("\n", clean($server)), '', 'the next run does the work');
    is_kept($server, $kept, 'the image is complete');
    $server->stop;
};

# ---- a library that makes calls fail, or moves the clock

my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";
my $library = "$tmp/faults.so";
my $built = OCI::Library::build($library, <<'END');
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#define REAL(name) dlsym(RTLD_NEXT, name)
static int fails(const char *what, const char *path)
{
    const char *word = getenv(what);

    if (!word || !strstr(path, word)) {
        return 0;
    }
    errno = EIO;
    return 1;
}
int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = REAL("rename");

    return fails("OCI_RENAME", from) ? -1 : real(from, to);
}
int unlink(const char *path)
{
    int (*real)(const char *) = REAL("unlink");

    return fails("OCI_UNLINK", path) ? -1 : real(path);
}
DIR *opendir(const char *path)
{
    DIR *(*real)(const char *) = REAL("opendir");

    return fails("OCI_OPENDIR", path) ? NULL : real(path);
}
int gettimeofday(struct timeval *tv, void *zone)
{
    int (*real)(struct timeval *, void *) = REAL("gettimeofday");
    const char *hours = getenv("OCI_HOURS");
    int result = real(tv, zone);

    tv->tv_sec += hours ? atoi(hours) * 3600 : 0;
    return result;
}
END

# Run ociadmin gc with the library.
sub gc_with {
    my ($server, $env, @options) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        local %ENV = (%ENV, LD_PRELOAD => $library, %$env);
        open STDOUT, '>', "$tmp/out";
        open STDERR, '>', "$tmp/err";
        exec "$OCI::Server::TOP/.build/mod/ociadmin", 'gc', '--json', '--quiet',
            @options, 'fs ' . $server->store,
            $server->{index}->argument($server->store) or POSIX::_exit(126);
    }
    waitpid $pid, 0;
    return { status => $? >> 8, err => OCI::Server::slurp("$tmp/err"),
        report => eval { JSON::PP::decode_json(
            OCI::Server::slurp("$tmp/out")) } // {} };
}

for my $fault (
    [ OCI_RENAME => '/blobs/sha', 'cannot delete' ],
    [ OCI_UNLINK => '/blobs/sha', 'cannot delete' ],
    [ OCI_UNLINK => '/uploads/', 'cannot delete the upload' ],
    [ OCI_OPENDIR => '/uploads', 'cannot list the uploads' ],
    [ OCI_OPENDIR => '/blobs/sha256', 'cannot list the blobs' ],
) {
    my ($call, $path, $sentence) = @$fault;
    subtest "a disk that fails: $call of $path" => sub {
        plan(skip_all => 'gcc cannot build a library') if !$built;
        my $server = OCI::Server->start;
        my $kept = make_registry($server);
        my $run = gc_with($server, { $call => $path }, '--grace', 0);
        is($run->{status}, 1, 'the run fails');
        like($run->{err}, qr{\Q$sentence\E.*\Q@{[ $server->store ]}\E
            .*Input/output[ ]error}x, 'and says why');
        is_kept($server, $kept, 'the image is complete');
        is(join("\n", clean($server)), '', 'the next run does the rest');
        is_kept($server, $kept, 'the image is complete');
        $server->stop;
    };
}

subtest 'a clock that jumps' => sub {
    plan(skip_all => 'gcc cannot build a library') if !$built;
    my $server = OCI::Server->start;
    my $kept = make_registry($server);
    my $client = OCI::Client->new($server);
    my $location = $client->start_upload('a');
    $client->patch($location, 'young');
    for my $step (
        [ 0,   'now',               1, [ 2, 0, 0 ] ],
        [ -24, 'a day back',        0, [ 2, 0, 0 ] ],
        [ 24,  'a day ahead',       1, [ 0, 0, 2 ] ],
        [ 0,   'now',               0, [ 0, 0, 0 ] ],
    ) {
        my ($hours, $name, $uploads, $numbers) = @$step;
        my $run = gc_with($server, { OCI_HOURS => $hours }, '--grace', 7200,
            '--upload-expiry', 7200);
        is("$run->{status}$run->{err}", 0, "a run: $name");
        is_deeply([ @{ $run->{report} }{qw(condemned waiting collected)} ],
            $numbers, 'condemned, waiting and collected blobs')
            or diag(explain($run->{report}));
        is($run->{report}{uploads}, $uploads, 'uploads');
        is_kept($server, $kept, 'the image is complete');
    }

    # Marks from a clock that was ahead.
    $client->push_blob('a', 'new garbage');
    gc_with($server, { OCI_HOURS => 24 }, '--grace', 7200);
    $client->push_manifest('a', 'late', image_manifest('new garbage', []));
    is(join("\n", clean($server)), '', 'a manifest saves a blob in any case');
    is($client->get('/v2/a/blobs/' . digest_of('new garbage'))->body,
        'new garbage', 'it is served');
    is_kept($server, $kept, 'the image is complete');
    $server->stop;
};

done_testing;
