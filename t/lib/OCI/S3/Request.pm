# SPDX-License-Identifier: Apache-2.0

# A request of an S3 client, taken apart.  All its parts are bytes.

package OCI::S3::Request;

use strict;
use warnings;

# The head of a request without its last empty line; undef if it is malformed.
sub parse {
    my ($class, $head) = @_;
    my ($first, @lines) = split /\r\n/, $head;
    my ($method, $target) = ($first // '')
        =~ m{\A([A-Z]+) (/[^\s#]*) HTTP/1\.1\z} or return;
    my %headers;
    for my $line (@lines) {
        my ($name, $value) = $line =~ /\A([!-9;-~]+):[ \t]*(.*?)[ \t]*\z/
            or return;
        push @{ $headers{ lc $name } }, $value;
    }
    my ($path, $query) = split /\?/, $target, 2;
    my @parameters = map { [ map { decode(tr/+/ /r) } /\A([^=]*)=?(.*)\z/s ] }
        grep { length } split /&/, $query // '';
    return bless { method => $method, path => $path, query => $query // '',
        headers => \%headers, parameters => \@parameters }, $class;
}

# Text with its percent-encodings decoded, and bytes as S3's signature encodes
# them.
sub decode { $_[0] =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }
sub encode { $_[0] =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger }

sub method { $_[0]{method} }
sub path   { $_[0]{path} }

# All values of a header as one, or undef.
sub header {
    my ($self, $name) = @_;
    my $values = $self->{headers}{$name} or return undef;
    return join ',', @$values;
}

sub header_names { sort keys %{ $_[0]{headers} } }

# The first value of a parameter of the query, or undef.
sub parameter {
    my ($self, $name) = @_;
    my ($first) = grep { $_->[0] eq $name } @{ $self->{parameters} };
    return $first ? $first->[1] : undef;
}

sub parameters { @{ $_[0]{parameters} } }

sub ignore {
    my ($self, $name) = @_;
    @{ $self->{parameters} } = grep { $_->[0] ne $name } $self->parameters;
    return;
}

# Set the bucket and the key, both undef if there is none.  A host BUCKET.ANY
# names the bucket, otherwise the first segment of the path does.
sub locate {
    my ($self, $bucket) = @_;
    my $path = $self->{path};
    if (($self->header('host') // '') =~ /\A\Q$bucket\E\./) {
        $self->{bucket} = $bucket;
    }
    elsif ($path =~ s{\A/([^/]+)}{}) {
        $self->{bucket} = decode($1);
    }
    $self->{key} = decode(substr $path, 1) if length $path > 1;
    return;
}

1;
