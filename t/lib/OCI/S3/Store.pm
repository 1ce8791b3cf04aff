# SPDX-License-Identifier: Apache-2.0

# The objects and the multipart uploads of the strict S3 server.  Their bytes
# are in files, which are removed when nothing refers to them any more.

package OCI::S3::Store;

use strict;
use warnings;

use Digest::MD5 ();
use Digest::SHA ();
use MIME::Base64 qw(encode_base64);

sub new {
    my ($class, $dir) = @_;
    return bless { dir => $dir, files => 0, made => 0, objects => {},
        uploads => {} }, $class;
}

# ---- bodies, which are hashed while they arrive

sub body {
    my $self = shift;
    return bless { path => "$self->{dir}/" . ++$self->{files}, size => 0,
        md5 => Digest::MD5->new, sha256 => Digest::SHA->new(256) },
        'OCI::S3::Store::Body';
}

# ---- objects

sub object { $_[0]{objects}{ $_[1] } }

# Enter an object: its key, ETag, and the bodies that it consists of.
sub put {
    my ($self, $key, $etag, $now, $headers, @bodies) = @_;
    my $size = 0;
    $size += $_->size for @bodies;
    return $self->{objects}{$key} = { key => $key, etag => $etag,
        size => $size, modified => $now, headers => $headers,
        bodies => [ grep { $_->size } @bodies ] };
}

sub remove { delete $_[0]{objects}{ $_[1] } }

# The keys with a prefix that come after another one, sorted.
sub keys_after {
    my ($self, $prefix, $after) = @_;
    return grep { $_ gt $after && index($_, $prefix) == 0 }
        sort keys %{ $self->{objects} };
}

# The pieces of an object, for a reply.
sub pieces {
    my $object = shift;
    return map { { file => $_, offset => 0, length => $_->size } }
        @{ $object->{bodies} };
}

# ---- multipart uploads

# The ID has characters that must be encoded in a query, and sorts by age.
sub create_upload {
    my ($self, $key, $now, $headers, %more) = @_;
    my $id = sprintf '%06d+%s', ++$self->{made},
        encode_base64(pack('N*', map { rand 2**32 } 1 .. 4), '');
    return $self->{uploads}{$id} = { id => $id, key => $key, started => $now,
        headers => $headers, parts => {}, %more };
}

# The upload of a key, or undef.
sub upload {
    my ($self, $id, $key) = @_;
    my $upload = $self->{uploads}{$id} or return undef;
    return $upload->{key} eq $key ? $upload : undef;
}

sub end_upload { delete $_[0]{uploads}{ $_[1]{id} } }

# All uploads, by key and then by age.
sub uploads {
    my $self = shift;
    return sort { $a->{key} cmp $b->{key} || $a->{id} cmp $b->{id} }
        values %{ $self->{uploads} };
}

package OCI::S3::Store::Body;

sub add {
    my ($self, $bytes) = @_;
    if (!$self->{handle}) {
        open $self->{handle}, '>:raw', $self->{path}
            or die "$self->{path}: $!\n";
    }
    print { $self->{handle} } $bytes or die "$self->{path}: $!\n";
    $self->{$_}->add($bytes) for qw(md5 sha256);
    $self->{size} += length $bytes;
    return;
}

# No more bytes will come.
sub finish {
    my $self = shift;
    if (my $handle = delete $self->{handle}) {
        close $handle or die "$self->{path}: $!\n";
    }
    $self->{$_} = $self->{$_}->digest for qw(md5 sha256);
    return;
}

sub size   { $_[0]{size} }
sub md5    { $_[0]{md5} }
sub sha256 { $_[0]{sha256} }

sub read {
    my ($self, $offset, $length) = @_;
    return '' if !$length;
    open my $file, '<:raw', $self->{path} or die "$self->{path}: $!\n";
    seek $file, $offset, 0;
    my $bytes;
    my $got = read $file, $bytes, $length;
    die "$self->{path} is short\n" if $got != $length;
    return $bytes;
}

sub DESTROY { unlink $_[0]{path} }

1;
