# SPDX-License-Identifier: Apache-2.0

# Small file systems for tests (only for root), and checks of a server's
# response and log when a disk fails.
#
#     use OCI::Disk;
#     my $dir = small_disk('tmpfs', 'size=12m') or ... skip ...;
#     fill($dir);
#     has_journal($dir)       # as the fs providers see it
#
# They are unmounted when the script ends.

package OCI::Disk;

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use OCI::Server;
use OCI::Test;

our @EXPORT = qw(small_disk fill fill_inodes fails has_journal);

my ($top, @mounted);

END {
    my $status = $?;
    system "umount -l '$_' 2>/dev/null" for @mounted;
    undef $top;
    $? = $status;
}

# The directory of a new file system, or undef if it cannot be mounted.  httpd's
# children own it, and the directory "store" in it.
sub small_disk {
    my ($kind, $options) = @_;
    return if $>;
    $top //= File::Temp->newdir('mod_oci-disk-XXXXXX', TMPDIR => 1);
    chmod 0755, "$top";
    my $dir = "$top/" . @mounted;
    my ($uid, $gid) = (getpwnam OCI::Server::user())[ 2, 3 ];
    mkdir $dir or die "$dir: $!\n";
    if ($kind eq 'tmpfs') {
        system "mount -t tmpfs -o $options,uid=$uid,gid=$gid tmpfs '$dir' "
            . '2>/dev/null';
    }
    else {
        system "truncate -s $options '$dir.img' && "
            . "mkfs.$kind -q -m 0 '$dir.img' 2>/dev/null && "
            . "mount -o loop '$dir.img' '$dir' 2>/dev/null";
    }
    return if $?;
    push @mounted, $dir;
    mkdir "$dir/store" or die "$dir/store: $!\n";
    chown $uid, $gid, "$dir/store";
    return $dir;
}

# Whether one sync makes earlier changes of all directories durable.
sub has_journal {
    my $dir = shift;
    my ($kind, $number) =
        `findmnt -n -o FSTYPE,MAJ:MIN -T '$dir'` =~ /^(\S+)\s+(\S+)/;
    my ($device) = (readlink("/sys/dev/block/$number") // '') =~ m{([^/]+)\z};
    return $kind eq 'xfs' || $kind eq 'ext4' && $device && OCI::Server::slurp(
        "/sys/fs/ext4/$device/journal_task") =~ /^\d/;
}

# Fill a file system completely.
sub fill {
    my $dir = shift;
    open my $file, '>:raw', "$dir/filler" or die "$dir/filler: $!\n";
    for my $size (1 << 16, 4096, 512, 1) {
        1 while syswrite $file, 'x' x $size;
    }
    close $file;
    return;
}

# Create files until no further file can be created.
sub fill_inodes {
    my $dir = shift;
    mkdir "$dir/many";
    my $n = 0;
    $n++ while open my $file, '>', "$dir/many/$n";
    return;
}

# The error lines that the server logs while this code runs.
sub errors_of {
    my ($server, $code) = @_;
    my $before = length $server->log;
    $code->();
    return grep { /\[oci:(?:error|crit)\]/ } split /\n/,
        substr $server->log, $before;
}

# Two tests: the response is this error, and one line of the log names the path
# and the cause.
sub fails {
    my ($server, $path, $cause, $status, $name, $code) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res;
    my @lines = errors_of($server, sub { $res = $code->() });
    error_is($res, $status, 'UNKNOWN', undef, "$name: $status");
    ok(@lines == 1 && $lines[0] =~ /\Q$path\E/ && $lines[0] =~ $cause,
       "$name: one log line names path and cause") or diag(@lines);
    return;
}

1;
