# SPDX-License-Identifier: Apache-2.0

# A disk that keeps only what was synced, to see what a loss of power leaves.
#
#     my $power = OCI::Power->new($store) or skip ...   # an empty directory
#     my $power = OCI::Power->new($store, 'journal');   # or 'plain'
#     OCI::Server->start(store => $store, env => { $power->environment });
#     my $place = $power->place;                # a place in the log of the disk
#     for my $point ($power->points('strict')) {
#         ... $point->{place}, $point->{event} ...
#         OCI::Power::build($point, $directory);    # what the disk would hold
#     }
#
# A library for LD_PRELOAD writes a log of what programs do to the names in the
# store and of what they sync.  A sync of a file keeps a copy of its bytes, a
# sync of a directory its list of names; nothing is really synced.  A file is
# known by its inode and its time of birth, since inodes are used again.
# msync(2), syncfs(2) and O_SYNC count for nothing, so that a real disk may keep
# more than is assumed here.
#
# A point of the log is a state of the disk after an event.  Of a file, a disk
# has the bytes at the last sync.  Six kinds of disks differ in names.  Programs
# take the first two for ext4 with and without a journal, if the disk was made
# so, and the others for btrfs:
#
#     journal has the names of all directories at the last change of a directory
#             that was synced after it
#     plain   as strict, without symbolic links and files that were not synced
#     strict  has the names of a directory at its last sync
#     names   has all changes of names at once
#     blobs   two disks: names for the blob store, and strict for the index
#     index   two disks: strict for the blob store, and names for the index
#
# The programs are told of a boot that is not this machine's.

package OCI::Power;

use strict;
use warnings;

use File::Find ();
use File::Temp ();
use OCI::Library;
use OCI::Server;

# undef if the library cannot be built.
sub new {
    my ($class, $store, $ext4) = @_;
    my $dir = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$dir";
    my $self = bless { dir => $dir, store => $store }, $class;
    OCI::Library::build("$dir/power.so", OCI::Server::slurp(
        "$OCI::Server::TOP/t/lib/OCI/Power.c")) or return;
    mkdir "$dir/copies" or die "$dir/copies: $!\n";
    chmod 01777, "$dir/copies";
    write_file("$dir/log", '');
    chmod 0666, "$dir/log";
    write_file("$dir/boot", "01234567-89ab-cdef-0123-456789abcdef\n");
    write_file("$dir/journal", $ext4 eq 'journal' ? "1\n" : "<none>\n")
        if $ext4;
    return $self;
}

sub environment {
    my $self = shift;
    return (LD_PRELOAD => "$self->{dir}/power.so", OCI_POWER => "$self->{dir}",
        OCI_POWER_STORE => $self->{store});
}

sub write_file {
    my ($path, $bytes) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $bytes;
    return close $file;
}

sub place { -s "$_[0]{dir}/log" }

# ---- the log

# The events in their order: { place, text, call, names, copy }.  Each name is
# [path below the store, kind, id or target].  For a sync, copy is the path of
# what it kept.
sub events {
    my $self = shift;
    my ($place, @events) = 0;
    for my $line (split /^/, OCI::Server::slurp("$self->{dir}/log")) {
        my ($call, @fields) = split /\t/, $line =~ s/\n\z//r;
        my (@names, $copy);
        $copy = "$self->{dir}/copies/$place" if $call eq 'sync';
        while (my @name = splice @fields, 0, 3) {
            $name[0] =~ s{\A\Q$self->{store}\E/?}{};
            push @names, \@name;
        }
        $place += length $line;
        push @events, { place => $place, call => $call, names => \@names,
            copy => $copy, text => join ' ', $call, map { $_->[0] } @names };
    }
    return @events;
}

# A directory's list at its sync: name to [kind, id or target].
sub list_of {
    my $event = shift;
    return { map { my ($name, @what) = split /\t/; $name => \@what }
        split /\n/, OCI::Server::slurp($event->{copy}) };
}

# ---- points

# For disks without a journal: the paths whose names each kind has at once.
my %AT_ONCE = (
    strict => qr{\A(?!)},
    names  => qr{\A},
    blobs  => qr{\A(?:blobs|uploads)\b},
    index  => qr{\A(?!(?:blobs|uploads)\b)},
);

# The states of a disk of this kind, in their order.  An event that changes
# nothing on the disk belongs to the point before it.  A point has place (in the
# log, after its last event), event (the text of its first one), and files: a
# list of [path, kind, what], where what is the target of a link or [id, copy].
sub points {
    my ($self, $kind) = @_;
    my $disk = { root => undef, lists => {}, bytes => {}, names => {},
        changed => {}, journal => { names => {} } };
    my ($last, @points) = '';
    for my $event ($self->events) {
        note_event($disk, $event);
        my @strict = strict_files($disk, '', $disk->{root} // '');
        my @files = sort { $a->[0] cmp $b->[0] }
            $kind eq 'journal' ? named_files($disk, $disk->{journal}{names})
            : $kind eq 'plain' ? grep({ is_written($_) } @strict)
            : (grep({ $_->[0] !~ $AT_ONCE{$kind} } @strict),
               grep({ $_->[0] =~ $AT_ONCE{$kind} }
                   named_files($disk, $disk->{names})));
        my $text = join "\n", map { join ' ', $_->[0], $_->[1],
            ref $_->[2] ? map { $_ // '' } @{ $_->[2] } : $_->[2] } @files;
        if (@points && $text eq $last) {
            $points[-1]{place} = $event->{place};
            next;
        }
        $last = $text;
        push @points, { kind => $kind, place => $event->{place},
            event => $event->{text}, files => \@files };
    }
    return @points;
}

# Whether ext4 without a journal has written what a name stands for.
sub is_written {
    my (undef, $kind, $what) = @{ $_[0] };
    return $kind eq 'd' || $kind eq 'f' && defined $what->[1];
}

sub note_event {
    my ($disk, $event) = @_;
    if ($event->{call} ne 'sync') {
        for my $name (@{ $event->{names} }) {
            my ($path, @what) = @$name;
            delete $disk->{names}{$path};
            $disk->{names}{$path} = \@what if $what[0] ne '-';
        }
        note_changed($disk, $event);
        return;
    }
    my ($path, $kind, $id) = @{ $event->{names}[0] };
    $disk->{root} = $id if $path eq '';
    if ($kind eq 'd') {
        $disk->{lists}{$id} = list_of($event);
        my $changed = $disk->{changed}{$path};
        $disk->{journal} = $changed
            if $changed && $changed->{place} > ($disk->{journal}{place} // 0);
    }
    else {
        $disk->{bytes}{$id} = $event->{copy};
    }
    return;
}

# What a journal keeps if one of the changed directories is synced.
sub note_changed {
    my ($disk, $event) = @_;
    # A rename of a file over its other name does nothing.
    return if $event->{call} eq 'rename' && $event->{names}[0][1] ne '-';
    my $all = { place => $event->{place}, names => { %{ $disk->{names} } } };
    for my $name (@{ $event->{names} }) {
        my ($dir) = $name->[0] =~ m{\A(?:(.*)/)?[^/]*\z};
        $disk->{changed}{ $dir // '' } = $all;
    }
    return;
}

sub strict_files {
    my ($disk, $path, $id) = @_;
    my $list = $disk->{lists}{$id} // {};
    return map {
        my ($kind, $what) = @{ $list->{$_} };
        my @entry = file_of($disk, "$path$_", $kind, $what);
        $kind eq 'd' ? (@entry, strict_files($disk, "$path$_/", $what)) : @entry
    } keys %$list;
}

sub named_files {
    my ($disk, $names) = @_;
    return map { file_of($disk, $_, @{ $names->{$_} }) } keys %$names;
}

sub file_of {
    my ($disk, $path, $kind, $what) = @_;
    return [ $path, $kind,
        $kind eq 'f' ? [ $what, $disk->{bytes}{$what} ] : $what ];
}

# Make what the disk holds at a point in a new directory.
sub build {
    my ($point, $dir) = @_;
    mkdir $dir or die "$dir: $!\n";
    my %link;    # inode to path: several names may be one file
    for my $file (@{ $point->{files} }) {
        my ($path, $kind, $what) = ("$dir/$file->[0]", @$file[ 1, 2 ]);
        if ($kind eq 'd') {
            mkdir $path, 0750 or die "$path: $!\n";
        }
        elsif ($kind eq 'l') {
            symlink $what, $path or die "$path: $!\n";
        }
        elsif ($link{ $what->[0] }) {
            link $link{ $what->[0] }, $path or die "$path: $!\n";
        }
        else {
            write_file($path,
                defined $what->[1] ? OCI::Server::slurp($what->[1]) : '');
            $link{ $what->[0] } = $path;
        }
    }
    return;
}

# The names that the log and the store do not have in common.
sub missed {
    my $self = shift;
    my $disk = { lists => {}, bytes => {}, names => {} };
    note_event($disk, $_) for $self->events;
    my %there;
    File::Find::find({ no_chdir => 1, wanted => sub {
        $there{$1} = 1 if m{\A\Q$self->{store}\E/(.+)};
    } }, $self->{store});
    return sort grep { !$there{$_} || !$disk->{names}{$_} }
        keys %{ { %there, %{ $disk->{names} } } };
}

1;
