# SPDX-License-Identifier: Apache-2.0

# A disk that fails during a sync: the bytes to be synced may be lost, and a
# later sync does not report that.  Nothing that depends on them may be
# acknowledged.  A library for LD_PRELOAD makes the sync of a file fail if the
# file's path contains a word, which the library reads from another file.

use OCI::Test;

use File::Temp ();
use OCI::Library;

plan skip_all => 'the sanitizers already use LD_PRELOAD'
    if OCI::Server->sanitized;

my $directory = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$directory";
my $library = "$directory/fails.so";
OCI::Library::build($library, <<'CODE')
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static int fails(int fd)
{
    char link[64], path[1024] = "", word[64] = "";
    int file = open(getenv("OCI_FAILS"), O_RDONLY);
    ssize_t n = file < 0 ? 0 : read(file, word, sizeof(word) - 1);
    if (file >= 0) {
        close(file);
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (n <= 0 || readlink(link, path, sizeof(path) - 1) < 0
        || !strstr(path, word)) {
        return 0;
    }
    errno = EIO;
    return 1;
}
int fsync(int fd)
{
    return fails(fd) ? -1 : syscall(SYS_fsync, fd);
}
int fdatasync(int fd)
{
    return fails(fd) ? -1 : syscall(SYS_fdatasync, fd);
}
CODE
    or plan skip_all => 'gcc cannot build the library';

my $server = OCI::Server->start(
    env => { LD_PRELOAD => $library, OCI_FAILS => "$directory/word" });
my $client = OCI::Client->new($server);

# Run code while syncs of paths with this word fail.
sub failing {
    my ($word, $code) = @_;
    open my $file, '>', "$directory/word" or die "$directory: $!\n";
    print $file $word;
    close $file;
    my $res = $code->();
    unlink "$directory/word";
    return $res;
}

# An upload ends if its bytes cannot be synced.
my $bytes = random_bytes(70_000, 'sync');
my $close = sub {
    my ($session, $rest) = @_;
    return OCI::Client->new($server)->put(
        with_query($session, 'digest=' . digest_of($bytes)), $rest // '');
};
$server->expects(qr/\[oci:error\].*Input\/output error:.*cannot sync upload/);
my $session = $client->start_upload('a');
status_is($client->patch($session, $bytes), 202);
status_is(failing('/uploads/', sub { $close->($session) }), 500,
    'a final PUT whose sync fails');
error_is($close->($session), 404, 'BLOB_UPLOAD_UNKNOWN', qr/./,
    'a second PUT: the upload has ended');
is_deeply([ glob $server->store . '/uploads/*' ], [], 'its bytes are deleted');
status_is($client->get('/v2/a/blobs/' . digest_of($bytes)), 404,
    'the blob does not exist');
$session = $client->start_upload('a');
status_is(failing('/uploads/', sub { $close->($session, $bytes) }), 500,
    'a single PUT whose sync fails');
error_is($close->($session, $bytes), 404, 'BLOB_UPLOAD_UNKNOWN', qr/./,
    'a second PUT: the upload has ended, too');
$session = $client->start_upload('a');
status_is($client->patch($session, $bytes), 202, 'a new upload');
status_is($close->($session), 201, 'succeeds');

# A value whose sync failed is deleted, and the next attempt writes it again.
$server->expects(qr/\[oci:error\].*Input\/output error:.*cannot write/);
$client->push_blob('a', '{}');
my $text = json_text(image_manifest('{}', [$bytes]));
my $put = sub { $client->put('/v2/a/manifests/v1', $text,
    'Content-Type' => IMAGE_MANIFEST) };
status_is(failing('/index/.tmp/', $put), 500, 'a manifest whose sync fails');
status_is($client->get('/v2/a/manifests/' . digest_of($text)), 404,
    'does not exist');
is_deeply([ glob $server->store . '/index/.tmp/*' ], [],
    'no temporary file is left');
status_is($put->(), 201, 'a second attempt succeeds');
status_is($client->get('/v2/a/manifests/v1'), 200, 'and the manifest exists');

# A name whose directory could not be synced is synced by the next attempt.
my $tag = sub { $client->put('/v2/a/manifests/v2', $text,
    'Content-Type' => IMAGE_MANIFEST) };
status_is(failing('/_tag', $tag), 500, 'a tag whose directory is not synced');
status_is(failing('/_tag', $tag), 500,
    'the same tag, whose value is already written, syncs the directory again');
status_is($tag->(), 201, 'and succeeds when the sync succeeds');
$server->stop;

# The other providers that sync files.
for my $kind ('dbd:sqlite3', 'dbm:gdbm', 'dbm:db') {
    $server = OCI::Server->start(
        env    => { LD_PRELOAD => $library, OCI_FAILS => "$directory/word" },
        config => "OCIIndex $kind \@STORE\@/facts");
    $server->expects(qr/\[oci:error\].*cannot write/);
    $client = OCI::Client->new($server);
    $client->push_blob('a', '{}');
    $client->push_blob('a', $bytes);
    status_is(failing('/facts', $put), 500, "$kind: a change that fails");
    status_is($put->(), 201, "$kind: a second attempt succeeds");
    $server->kill9;
    $server->again;
    $client = OCI::Client->new($server);
    is($client->get('/v2/a/manifests/v1')->body, $text,
        "$kind: the manifest exists after a kill");
    $server->stop;
}
done_testing;
