# SPDX-License-Identifier: Apache-2.0

# A disk that fails in a sync: what the sync was for may be missing there, and
# a later sync says nothing of it.  So nothing is acknowledged on top of it.
# A library that is loaded before the system's own fails the syncs of files
# whose path has a word in it, which a file names.

use OCI::Test;

use File::Temp ();
use OCI::Library;

plan skip_all => 'the sanitizers are loaded in this place'
    if OCI::Server->sanitized;

my $folder = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$folder";
my $library = "$folder/fails.so";
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
    or plan skip_all => 'gcc makes no library';

my $server = OCI::Server->start(
    env => { LD_PRELOAD => $library, OCI_FAILS => "$folder/word" });
my $client = OCI::Client->new($server);

# Do something while the syncs of such paths fail.
sub failing {
    my ($word, $code) = @_;
    open my $file, '>', "$folder/word" or die "$folder: $!\n";
    print $file $word;
    close $file;
    my $res = $code->();
    unlink "$folder/word";
    return $res;
}

# An upload is over when its bytes can't be kept.
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
    'a closing PUT whose sync fails');
error_is($close->($session), 404, 'BLOB_UPLOAD_UNKNOWN', qr/./,
    'once more: the upload is over');
is_deeply([ glob $server->store . '/uploads/*' ], [], 'its bytes are gone');
status_is($client->get('/v2/a/blobs/' . digest_of($bytes)), 404,
    'there is no blob');
$session = $client->start_upload('a');
status_is(failing('/uploads/', sub { $close->($session, $bytes) }), 500,
    'a single PUT whose sync fails');
error_is($close->($session, $bytes), 404, 'BLOB_UPLOAD_UNKNOWN', qr/./,
    'once more: the upload is over, too');
$session = $client->start_upload('a');
status_is($client->patch($session, $bytes), 202, 'a new upload');
status_is($close->($session), 201, 'succeeds');

# A value is not left behind, and is written anew.
$server->expects(qr/\[oci:error\].*Input\/output error:.*cannot write/);
$client->push_blob('a', '{}');
my $text = json_text(image_manifest('{}', [$bytes]));
my $put = sub { $client->put('/v2/a/manifests/v1', $text,
    'Content-Type' => IMAGE_MANIFEST) };
status_is(failing('/index/.tmp/', $put), 500, 'a manifest whose sync fails');
status_is($client->get('/v2/a/manifests/' . digest_of($text)), 404,
    'is not there');
is_deeply([ glob $server->store . '/index/.tmp/*' ], [], 'nothing is left');
status_is($put->(), 201, 'once more: it succeeds');
status_is($client->get('/v2/a/manifests/v1'), 200, 'and is there');

# A name whose folder could not be synced is synced by the next attempt.
my $tag = sub { $client->put('/v2/a/manifests/v2', $text,
    'Content-Type' => IMAGE_MANIFEST) };
status_is(failing('/_tag', $tag), 500, 'a tag whose folder fails');
status_is(failing('/_tag', $tag), 500,
    'the same, which finds its value there, waits for the folder');
status_is($tag->(), 201, 'and succeeds when the folder does');
$server->stop;

# The other indexes that sync files themselves.
for my $kind ('dbd:sqlite3', 'dbm:gdbm', 'dbm:db') {
    $server = OCI::Server->start(
        env    => { LD_PRELOAD => $library, OCI_FAILS => "$folder/word" },
        config => "OCIIndex $kind \@STORE\@/facts");
    $server->expects(qr/\[oci:error\].*cannot write/);
    $client = OCI::Client->new($server);
    $client->push_blob('a', '{}');
    $client->push_blob('a', $bytes);
    status_is(failing('/facts', $put), 500, "$kind: a change that fails");
    status_is($put->(), 201, "$kind: once more, it succeeds");
    $server->kill9;
    $server->again;
    $client = OCI::Client->new($server);
    is($client->get('/v2/a/manifests/v1')->body, $text,
        "$kind: it is there after a kill");
    $server->stop;
}
done_testing;
