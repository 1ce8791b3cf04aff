# SPDX-License-Identifier: Apache-2.0

# OCI image layouts, as directories and as tar archives, also bad ones.
#
#     my $files = layout_of({ v1 => $manifest }, @blobs);   # texts
#     write_dir($dir, $files);
#     write_tar("$dir.tar", members_of($files), ['../x', 'bytes']);
#     my $files = read_layout($path);                        # of either form

package OCI::Layout;

use strict;
use warnings;

use Exporter 'import';
use File::Find ();
use File::Path ();
use JSON::PP ();
use OCI::Client;
use OCI::Server;

our @EXPORT = qw(REF_NAME blob_path layout_of write_dir members_of tar_header
    write_tar read_layout names_of);

use constant REF_NAME => 'org.opencontainers.image.ref.name';

sub blob_path { return 'blobs/' . $_[0] =~ s/:/\//r }

# The files of a layout: a hash from name to bytes.
# names: an array of names, which may be undef, and texts of manifests
# blobs: bytes of blobs and of manifests that these name
sub layout_of {
    my ($names, @blobs) = @_;
    my @entries;
    my %files = map { blob_path(OCI::Client::digest_of($_)) => $_ } @blobs;
    while (my ($name, $text) = splice @$names, 0, 2) {
        my $type = JSON::PP::decode_json($text)->{mediaType};
        push @entries, OCI::Client::descriptor($text, $type, defined $name
            ? (annotations => ref $name ? $name : { REF_NAME, $name }) : ());
        $files{ blob_path(OCI::Client::digest_of($text)) } = $text;
    }
    $files{'oci-layout'} = '{"imageLayoutVersion":"1.0.0"}';
    $files{'index.json'} = OCI::Client::json_text(
        { schemaVersion => 2, manifests => \@entries });
    return \%files;
}

sub write_dir {
    my ($dir, $files) = @_;
    for my $name (keys %$files) {
        my $path = "$dir/$name";
        File::Path::make_path($path =~ s{/[^/]+\z}{}r);
        open my $file, '>:raw', $path or die "$path: $!\n";
        print $file $files->{$name};
        close $file or die "$path: $!\n";
    }
    return $dir;
}

# The members of an archive of a layout: arrays of a name and bytes.
sub members_of {
    my $files = shift;
    return map { [ $_, $files->{$_} ] } sort keys %$files;
}

# A header.  Options: kind, magic, prefix, link, and the text of size.
sub tar_header {
    my ($name, $size, %option) = @_;
    my $header = pack 'a100 a8 a8 a8 a12 a12 a8 a1 a100 a8 a32 a32 a8 a8 a155 x12',
        $name, '0000644', ('0000000') x 2,
        $option{size} // sprintf('%011o', $size), '00000000000', ' ' x 8,
        $option{kind} // '0', $option{link} // '', $option{magic}
        // "ustar\0" . '00', ('') x 4, $option{prefix} // '';
    my $sum = 0;
    $sum += $_ for unpack 'C*', $header;
    substr $header, 148, 7, sprintf "%06o\0", $sum;
    return $header;
}

# Write an archive.  A member is an array of a name, bytes, and options for its
# header; or bytes that are written as they are.
sub write_tar {
    my ($path, @members) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    for my $member (@members) {
        if (!ref $member) {
            print $file $member;
            next;
        }
        my ($name, $bytes, %option) = @$member;
        print $file tar_header($name, length $bytes, %option), $bytes,
            "\0" x (-length($bytes) % 512);
    }
    print $file "\0" x 1024;
    close $file or die "$path: $!\n";
    return $path;
}

# The files of a layout that a program wrote, in either form.  Archives are
# unpacked by tar(1).
sub read_layout {
    my $path = shift;
    my $dir = $path;
    my $temporary;
    if (!-d $path) {
        $dir = $temporary = File::Temp->newdir(TMPDIR => 1);
        system('tar', '-xf', $path, '-C', "$dir") == 0 or die "tar: $path\n";
    }
    my %files;
    File::Find::find({ no_chdir => 1, wanted => sub {
        $files{ s{^\Q$dir\E/}{}r } = OCI::Server::slurp($_) if -f && !-l;
    } }, "$dir");
    return \%files;
}

# The names in index.json, sorted, each with its digest; a digest alone is an
# entry without a name.
sub names_of {
    my $files = shift;
    return sort map { join ' ', $_->{annotations}{ +REF_NAME } // (),
        $_->{digest} }
        @{ JSON::PP::decode_json($files->{'index.json'})->{manifests} };
}

1;
