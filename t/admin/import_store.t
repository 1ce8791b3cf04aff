# SPDX-License-Identifier: Apache-2.0

# ociadmin import --from-registry: how the bytes get into the store, runs that
# are killed or interrupted, and what is refused.  The trees are made here, so
# that they are large; t/admin/import.t has one of a real distribution.

use OCI::Test;

use File::Path qw(make_path);
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::Disk;
use OCI::Library;
use Time::HiRes qw(sleep);

my $IMAGES = 150;

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $TOP = File::Temp->newdir('mod_oci-import-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
my $tree = "$TOP/tree";
my $v2 = "$tree/docker/registry/v2";

sub spew {
    my ($path, $bytes) = @_;
    make_path($path =~ s{/[^/]+\z}{}r);
    return OCI::Server::spew($path, $bytes);
}

# Write a blob into the tree; returns its digest without the algorithm.
sub blob {
    my $bytes = shift;
    my $hex = substr digest_of($bytes), 7;
    spew("$v2/blobs/sha256/" . substr($hex, 0, 2) . "/$hex/data", $bytes);
    return $hex;
}

# Write an image into the tree.
sub image {
    my ($repo, $tag, @layers) = @_;
    my $dir = "$v2/repositories/$repo";
    my $hex = blob(json_text(OCI::Client::image_manifest('{}', \@layers)));
    for my $path ("revisions/sha256/$hex", "tags/$tag/current",
        "tags/$tag/index/sha256/$hex") {
        spew("$dir/_manifests/$path/link", "sha256:$hex");
    }
    spew("$dir/_layers/sha256/" . blob($_) . '/link', digest_of($_))
        for '{}', @layers;
    return;
}

image('r' . $_ % 3, "t$_", 'shared', "layer $_") for 1 .. $IMAGES;

# The arguments that name the stores of a server.
sub stores_of {
    my $server = shift;
    return ('fs ' . $server->store,
        $server->{index}->argument($server->store));
}

sub import_into {
    my ($server, @options) = @_;
    my $run = ociadmin('import', '--json', '--from-registry', $tree, @options,
        stores_of($server));
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# The tags that a server has, each checked with its layers.
sub tags_of {
    my $server = shift;
    my $client = OCI::Client->new($server);
    my $count = 0;
    for my $repo (qw(r0 r1 r2)) {
        for my $tag (@{ ($client->get("/v2/$repo/tags/list")->json // {})
                ->{tags} // [] }) {
            my $document = $client->get("/v2/$repo/manifests/$tag")->json;
            $count += $document && !grep {
                my $res = $client->get("/v2/$repo/blobs/$_->{digest}");
                digest_of($res->body) ne $_->{digest};
            } @{ $document->{layers} };
        }
    }
    return $count;
}

my $blobs = $IMAGES + 2;

# A run that is ended in its middle by this signal, and the next run.
sub ends {
    my ($signal, $name) = @_;
    my ($server, $run);
    for my $try (1 .. 20) {
        $server = used_server();
        my $store = $server->store;
        $run = OCI::Process->start(
            command => [ tool(), 'import', '--from-registry', $tree,
                stores_of($server) ], output => "$TOP/out");
        $run->wait_for(sub {
            scalar(() = glob "$store/index/repo/*/_tag/*");
        });
        $run->signal($signal);
        $run->wait_for(sub { 0 });
        last if $run->{status};
        $server->stop;
    }
    ok($run->{status}, "$name ends the import");
    my $count = scalar(my @tags = glob $server->store . '/index/repo/*/_tag/*');
    cmp_ok($count, '<', $IMAGES, 'in its middle');
    is(tags_of($server), $count, 'every tag that is there is complete');
    my $next = import_into($server);
    run_is($next, 0, qr/\A\z/, 'the next run succeeds',
        tags => $IMAGES - $count, skipped => 0);
    cmp_ok($next->{report}{blobs}, '<', $blobs, 'with the rest');
    is(tags_of($server), $IMAGES, 'all tags are there');
    gc($server, '--grace', 0);
    is(tags_of($server), $IMAGES, 'and stay');
    $server->stop;
    return OCI::Server::slurp("$TOP/out");
}

SKIP: {
    skip('the facts are looked at as files', 1)
        if OCI::Index->new->name ne 'fs';
    ends('KILL', 'a kill');
    like(ends('INT', 'an interrupt'),
        qr/^ociadmin: interrupted; run the same command again/m,
        'an interrupt is reported');
}

# Garbage collection runs beside an import.
my $server = used_server();
collects_beside($server, "$TOP/out2", 'import', '--from-registry', $tree,
    stores_of($server));
import_into($server) for 1 .. 2;
is(tags_of($server), $IMAGES, 'all tags are there');

# The report for people.
my $report = ociadmin('import', '--quiet', '--from-registry', $tree,
    stores_of($server));
like($report->{out}, qr/\A3 repositories read in [\d.]+ s
0 tags set, 0 manifests and 0 blobs imported
0 bytes in blobs: 0 linked, 0 cloned, 0 copied
\d+ tags, manifests and layers were there already\n\z/, 'the report');

# What is refused.
sub refuses {
    my ($status, $sentence, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return run_is(ociadmin('import', @words), $status, $sentence,
        "import @words");
}
my @stores = stores_of($server);
refuses(2, qr/import expects an image layout, DIR or FILE.tar/);
refuses(2, qr/import takes a blob store/, 'DIR');
refuses(2, qr/cannot use the option '--all'/, '--all', @stores);
refuses(2, qr/import takes a blob store/, '--from-registry', $tree);
refuses(1, qr/cannot read \S+none: No such file/, '--from-registry',
    "$TOP/none", @stores);
refuses(1, qr/is not a directory of distribution's filesystem driver/,
    '--from-registry', "$TOP", @stores);
symlink "$tree/docker", "$TOP/docker";
refuses(1, qr/is not a directory of .* symbolic links are not followed/,
    '--from-registry', "$TOP", @stores);
is(ociadmin('import', '--help')->{status}, 0, '--help');
$server->stop;

# The import by clones into a new store.
sub clones {
    my $dir = shift;
    my $library = "$TOP/clones.so";
    my $built = !OCI::Server->sanitized
        && OCI::Library::build($library, <<'CODE');
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/fs.h>
int ioctl(int fd, unsigned long request, ...)
{
    char buffer[4096];
    ssize_t n, offset = 0;
    va_list values;
    long value;
    va_start(values, request);
    value = va_arg(values, long);
    va_end(values);
    if (request != FICLONE) {
        return syscall(SYS_ioctl, fd, request, value);
    }
    if (getenv("CLONE_TOUCHES")) {
        /* another program changes the file, and hides it */
        struct timespec times[2];
        struct stat st;
        char path[32];
        int writer;
        fstat((int)value, &st);
        snprintf(path, sizeof(path), "/proc/self/fd/%ld", value);
        times[0] = st.st_atim;
        times[1] = st.st_mtim;
        writer = open(path, O_WRONLY);
        pwrite(writer, "X", 1, 0);
        futimens(writer, times);
        close(writer);
    }
    while ((n = pread((int)value, buffer, sizeof(buffer), offset)) > 0) {
        offset += write(fd, buffer, n);
    }
    return n;
}
CODE
    SKIP: {
        skip('the library cannot be used', 5) if !$built;
        mkdir $dir;
        give_to_httpd($dir);
        my $server = used_server(store => $dir);
        local $ENV{LD_PRELOAD} = $library;
        run_is(import_into($server), 0, qr/\A\z/, 'by clones', linked => 0,
            cloned => $blobs, copied => 0, skipped => 0);
        is(tags_of($server), $IMAGES, 'all tags are there');
        is((stat((glob "$dir/blobs/sha256/*/*")[0]))[4],
            (getpwnam(OCI::Server::user()))[2], 'they belong to the user');
        $server->stop;

        # The owner of a file changes it when its digest has been verified.
        my $hex = substr digest_of('shared'), 7;
        my $file = "$v2/blobs/sha256/" . substr($hex, 0, 2) . "/$hex/data";
        give_to_httpd($file);
        mkdir "$dir.changed";
        give_to_httpd("$dir.changed");
        $server = used_server(store => "$dir.changed");
        local $ENV{CLONE_TOUCHES} = 1;
        like(import_into($server)->{err},
            qr/blob sha256:$hex: the file was changed while it was read$/m,
            'a file that is changed is not cloned');
        is(join(' ', glob $server->store . "/blobs/sha256/*/$hex"), '',
            'its bytes are not in the store');
        unlink $file;
        blob('shared');
        delete $ENV{LD_PRELOAD};
        $server->stop;
    }
    return;
}

SKIP: {
    skip('needs root', 1) if $>;

    # By links: root owns the files, and httpd's user can only read them.
    $server = used_server();
    run_is(import_into($server), 0, qr/\A\z/, 'files of root',
        linked => $blobs, copied => 0);
    my ($file) = glob $server->store . '/blobs/sha256/*/'
        . substr digest_of('shared'), 7;
    is((stat $file)[4], 0, 'are still files of root');
    is((stat $file)[3], 2, 'with another name');
    is(scalar(my @left = glob $server->store . '/uploads/{.adopt,}*'), 0,
        'no temporary is left');
    $server->stop;

    # A tree that only root can enter is opened by root.
    chmod 0700, "$TOP";
    my $private = used_server();
    run_is(import_into($private), 0, qr/\A\z/, 'in a directory of root',
        linked => $blobs);
    run_is(ociadmin('import', '--from-registry', "$TOP", stores_of($private)), 1,
        qr/is not a directory of distribution's .* name the directory/,
        'a wrong directory that only root can enter');
    chmod 0755, "$TOP";
    $private->stop;

    # What httpd's user may not read is skipped, and not read by root.
    my ($secret) = glob "$v2/blobs/sha256/*/"
        . substr(digest_of('layer 7'), 7) . '/data';
    chmod 0600, $secret;
    $server = used_server();
    run_is(import_into($server), 1, qr/blob \S+: Permission denied$/m,
        'a file of root that others cannot read', skipped => 3);
    chmod 0644, $secret;
    chmod 0700, $v2;
    run_is(import_into($server), 1,
        qr/the user of the blob store may not read .* setfacl/,
        'a tree that others cannot read');
    chmod 0755, $v2;
    $server->stop;

    # Files that a third user, or a group, can change are copied.
    for my $case ([ 'of a third user', sub { chown 12_345, 12_345, $secret } ],
        [ 'of a group', sub { chown 0, 0, $secret; chmod 0664, $secret } ]) {
        my ($name, $change) = @$case;
        $change->();
        $server = used_server();
        my $run = ociadmin('import', '--from-registry', $tree,
            stores_of($server));
        like($run->{out}, qr/:\ @{[ $blobs - 1 ]}\ linked,\ (?:1\ cloned|0\ cloned,\ 1\ copied
            [^@]*\n1\ blob\ copied\ because\ of\ the\ owner)/x,
            "a file $name is not linked");
        is(tags_of($server), $IMAGES, 'all is there');
        $server->stop;
    }
    chmod 0644, $secret;

    # Another file system.
    my $disk = small_disk('tmpfs', 'size=64m') or skip('cannot mount', 1);
    $server = used_server(store => "$disk/store");
    run_is(import_into($server), 0, qr/\A\z/, 'from another file system',
        linked => 0, cloned => 0, copied => $blobs, skipped => 0);
    is(tags_of($server), $IMAGES, 'all tags are there');
    $server->stop;

    # One that can clone files, as a library pretends.
    clones("$disk/clones");

    # One that is too small for the facts, too.
    skip('the index is elsewhere', 1) if OCI::Index->new->name ne 'fs';
    $disk = small_disk('tmpfs', 'size=1m,nr_inodes=400')
        or skip('cannot mount', 1);
    $server = used_server(store => "$disk/store");
    $server->allows(qr/No space left/);
    run_is(import_into($server), 1, qr/No space left on device/,
        'a full disk ends the import');
    is(tags_of($server), scalar(my @tags
            = glob $server->store . '/index/repo/*/_tag/*'),
        'what is there is complete');
    $server->stop;
}

# ---- a tag that is damaged here

SKIP: {
    my $server = used_server();
    if ($server->{index}->name ne 'fs') {
        $server->stop;
        skip('the damage is for the index fs', 2);
    }
    import_into($server);
    set_fact($server->store, 'repo/r0/_tag/t3', 'garbage');
    run_is(import_into($server), 0, qr/^ociadmin: r0, tag t3: kept as it is/m,
        'a damaged tag is kept');
    is(facts_of($server->store)->{'repo/r0/_tag/t3'}, 'garbage', 'as it is');
    $server->stop;
}

done_testing;
