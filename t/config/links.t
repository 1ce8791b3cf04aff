# SPDX-License-Identifier: Apache-2.0

# httpd starts as root, with a store that httpd's User can write to: a link that
# this user has planted there changes nothing that belongs to root.

use OCI::Test;

use File::Temp ();
use OCI::Library;

plan skip_all => 'needs root' if $>;

my ($uid, $gid) = (getpwnam(OCI::Server::user()))[ 2, 3 ];

# A clock that is two hours ahead: temporary files are removed after one hour.
my $tools = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tools";
my $clock = "$tools/clock.so";
OCI::Library::build($clock, <<'CODE') or $clock = '';
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
int gettimeofday(struct timeval *now, void *zone)
{
    int rv = syscall(SYS_gettimeofday, now, zone);
    now->tv_sec += 7200;
    return rv;
}
CODE

# A directory that belongs to root, with a file in it and a file beside it.
my $mine = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$mine";
mkdir "$mine/dir" or die "$mine: $!\n";
for my $name ('dir/file', 'file') {
    open my $file, '>', "$mine/$name" or die "$mine/$name: $!\n";
    print $file $name eq 'file' ? '' : "text\n";
    close $file;
}

# The visible state of these files.
sub state_of {
    return join "\n", map {
        my @stat = lstat;
        join ' ', $_, @stat[ 2, 4, 5, 7, 9 ], OCI::Server::slurp($_);
    } sort split /\n/, `find $mine`;
}
my $state = state_of();

# A start with a link that httpd's User has planted: it is refused, and root's
# files are unchanged.
sub refuses_link {
    my ($config, $path, $target, $message) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $top = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$top";
    my $store = "$top/store";
    my @dirs = ($store, map { "$store/$_" } qw(blobs uploads index));
    mkdir $_ for @dirs;
    open my $file, '>', "$store/index/.version" or die "$store: $!\n";
    print $file "mod_oci index 1\n";
    close $file;
    chown $uid, $gid, @dirs, "$store/index/.version";
    system 'rm', '-rf', "$store/$path";
    symlink $target, "$store/$path" or die "$store/$path: $!\n";
    system 'chown', '-h', "$uid:$gid", "$store/$path";
    my $refused = OCI::Server->refuses(
        config => "OCIBlobStore fs $store\n" . $config =~ s/\@S\@/$store/gr,
        !OCI::Server->sanitized && $clock ? (env => { LD_PRELOAD => $clock })
        : ());
    like($refused, $message, "$path as a link is refused");
    is(state_of(), $state, "$path as a link: root's files are unchanged");
    return;
}

my $LINK = qr/is a symbolic link: expected a (?:directory|file)/;
for my $path (qw(index index/.tmp blobs uploads)) {
    refuses_link('', $path, "$mine/dir", $LINK);
}
refuses_link('', "index/$_", "$mine/file", $LINK) for qw(.locks .lock);
refuses_link('', 'index/.version', "$mine/file", qr/cannot read/);
for my $type (qw(gdbm db)) {
    for my $suffix ('', '.locks', '.lock') {
        refuses_link("OCIIndex dbm:$type \@S\@/f", "f$suffix", "$mine/file",
            $LINK);
    }
    refuses_link("OCIIndex dbm:$type \@S\@/f", 'f.log-1', "$mine/file",
        qr/cannot create \S+log-1/);
}
for my $suffix ('', '.lock') {
    refuses_link('OCIIndex dbd:sqlite3 @S@/f', "f$suffix", "$mine/file",
        $LINK);
}

# The store's directory is created for httpd's User only in a directory that
# only root can write to.
my $top = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$top";
mkdir "$top/theirs" or die "$top: $!\n";
chown $uid, $gid, "$top/theirs";
mkdir "$top/theirs/mine" or die "$top: $!\n";
like(OCI::Server->refuses(config => "OCIBlobStore fs $top/theirs/mine/new"),
    qr/cannot create the directory \S+new: Permission denied; create it, and/,
    'no directory is made as root below one that httpd\'s User can write');
ok(!-e "$top/theirs/mine/new", 'the directory does not exist');
my $server = OCI::Server->start(config => "OCIBlobStore fs $top/new");
$server->stop;
is(join(' ', map { (lstat)[4] } split /\n/, `find $top/new`) =~ s/\b$uid\b//gr
    =~ s/ //gr, '', 'where only root can write it is made for the user');

# The key file is read as httpd's User if this user can change which file it is.
my $secret = "$mine/secret";
open my $file, '>', $secret or die "$secret: $!\n";
print $file '0123456789abcdef' x 4;
close $file;
chmod 0600, $secret;
symlink $secret, "$top/theirs/key" or die "$top: $!\n";
like(OCI::Server->refuses(config =>
        "OCIToken On\nOCITokenKey $top/theirs/key"),
    qr{cannot read \S+key: Permission denied; httpd's User can write},
    'a key file that is a link planted by httpd\'s User');
$server = OCI::Server->start(config =>
    "OCIToken On\nOCITokenKey $top/theirs/new");
is((stat "$top/theirs/new")[4], $uid, 'a new key there is the user\'s');
$server->expects(qr/OCIToken is On, but nothing issues tokens to clients/);
$server->stop;

done_testing;
