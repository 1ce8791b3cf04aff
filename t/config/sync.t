# SPDX-License-Identifier: Apache-2.0

# OCISync: whether a change is flushed to disk before it succeeds.  A preloaded
# library counts httpd's calls of fsync and fdatasync.

use OCI::Test;

use File::Temp ();
use OCI::Library;

plan skip_all => 'the sanitizers are loaded in this place'
    if OCI::Server->sanitized;

my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";
my $counter = "$tmp/counter.so";
OCI::Library::build($counter, <<'CODE')
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static void note(const char *what)
{
    int fd = open(getenv("OCI_SYNCS"), O_WRONLY | O_APPEND);
    if (fd >= 0) {
        (void)!write(fd, what, 1);
        close(fd);
    }
}
int fsync(int fd)     { note("f"); return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { note("d"); return syscall(SYS_fdatasync, fd); }
CODE
    or plan skip_all => 'gcc cannot build a library';

open my $file, '>', "$tmp/syncs" or die "syncs: $!";
close $file;
chmod 0666, "$tmp/syncs";
my $server = OCI::Server->start(
    env   => { LD_PRELOAD => $counter, OCI_SYNCS => "$tmp/syncs" },
    after => <<'CONF');
<Location "/v2/fast/">
    OCISync Off
</Location>
CONF
my $client = OCI::Client->new($server);

# Count the flushes to disk during an action.
sub syncs {
    my $what = shift;
    my $before = -s "$tmp/syncs";
    $what->();
    return (-s "$tmp/syncs") - $before;
}

my %does = (
    'a blob'     => sub { $client->push_blob($_[0], $_[0]) },
    'a manifest' => sub { $client->push_manifest($_[0], 'v1',
        { schemaVersion => 2, mediaType => IMAGE_INDEX, manifests => [] }) },
    'deleting a tag' => sub { $client->delete("/v2/$_[0]/manifests/v1") }
);
for my $what ('a blob', 'a manifest', 'deleting a tag') {
    cmp_ok(syncs(sub { $does{$what}->('safe/a') }), '>', 0, "$what by default");
    is(syncs(sub { $does{$what}->('fast/a') }), 0, "$what with OCISync Off");
}
$server->stop;
done_testing;
