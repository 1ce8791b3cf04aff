# SPDX-License-Identifier: Apache-2.0

# A response of an HTTP/1.1 server, parsed while it arrives.

package OCI::Response;

use strict;
use warnings;

use JSON::PP ();

# sink: a function that is called with each piece of the body; ->body is then
# empty.
sub new {
    my ($class, $method, $sink) = @_;
    return bless { method => $method, sink => $sink, body => '', got => 0,
                   interim => [], headers => {} }, $class;
}

sub status { $_[0]{status} }
sub reason { $_[0]{reason} }
sub version { $_[0]{version} }
sub body   { $_[0]{body} }

# All values of a header as one, or undef.
sub header {
    my ($self, $name) = @_;
    my $values = $self->{headers}{ lc $name } or return;
    return join ', ', @$values;
}

sub headers { @{ $_[0]{headers}{ lc $_[1] } // [] } }

# Whether the body ended before its announced length, or without its last chunk.
sub cut { $_[0]{cut} }

# Whether the server responded before the whole request was sent.
sub unsent { $_[0]{unsent} }

sub json {
    my $self = shift;
    my $value = eval { JSON::PP->new->utf8->decode($self->{body}) };
    return $value;
}

# The response as text for diagnostics.
sub text {
    my $self = shift;
    return "$self->{status} $self->{reason}: " . substr $self->{body}, 0, 600;
}

# Whether the connection can be reused.
sub keeps {
    my $self = shift;
    return !$self->{until_close} && $self->{version} eq '1.1'
        && lc($self->header('Connection') // '') ne 'close';
}

# Parse and remove the complete parts of the input; true at the response's end.
sub parse {
    my ($self, $input) = @_;
    while (!$self->{status}) {
        $$input =~ s/\A(.*?\r?\n)\r?\n//s or return 0;
        $self->parse_head($1);
    }
    return $self->parse_body($input);
}

sub parse_head {
    my ($self, $head) = @_;
    my ($first, @lines) = split /\r?\n/, $head;
    my ($version, $status, $reason) =
        $first =~ m{\AHTTP/(\d\.\d) (\d{3}) ?(.*)\z}
        or die "not a response: $first\n";
    if ($status < 200 && $status != 101) {
        push @{ $self->{interim} }, $status;
        return;
    }
    @$self{qw(version status reason)} = ($version, $status, $reason);
    for my $line (@lines) {
        my ($name, $value) = $line =~ /\A([^:\s]+):\s*(.*?)\s*\z/
            or die "not a header: $line\n";
        push @{ $self->{headers}{ lc $name } }, $value;
    }
    $self->{raw_head} = $head;
    $self->{chunked} = lc($self->header('Transfer-Encoding') // '') eq 'chunked';
    my $length = $self->header('Content-Length');
    $self->{left} = $self->{method} eq 'HEAD' || $status =~ /\A(?:101|204|304)\z/
        ? 0 : $self->{chunked} ? undef : $length;
    $self->{chunked} = 0 if defined $self->{left};
    $self->{until_close} = !$self->{chunked} && !defined $self->{left};
    return;
}

sub parse_body {
    my ($self, $input) = @_;
    return $self->parse_chunks($input) if $self->{chunked};
    my $take = length $$input;
    $take = $self->{left} if defined $self->{left} && $self->{left} < $take;
    $self->take($input, $take);
    return 0 if $self->{until_close};
    $self->{left} -= $take;
    return $self->{left} == 0;
}

sub parse_chunks {
    my ($self, $input) = @_;
    while (1) {
        if (defined $self->{left}) {
            my $take = $self->{left} < length $$input
                ? $self->{left} : length $$input;
            $self->take($input, $take);
            $self->{left} -= $take;
            return 0 if $self->{left} || $$input !~ s/\A\r\n//;
            $self->{left} = undef;
        }
        if ($self->{last}) {
            while ($$input =~ s/\A(.*?)\r\n//) {
                return 1 if $1 eq '';
            }
            return 0;
        }
        $$input =~ s/\A([0-9A-Fa-f]+)[^\r\n]*\r\n// or return 0;
        my $size = hex $1;
        if ($size) {
            $self->{left} = $size;
        }
        else {
            $self->{last} = 1;
        }
    }
}

sub take {
    my ($self, $input, $count) = @_;
    return if !$count;
    my $piece = substr $$input, 0, $count, '';
    $self->{got} += $count;
    $self->{sink} ? $self->{sink}->($piece) : ($self->{body} .= $piece);
    return;
}

# The peer has closed: the response if its head is complete, otherwise undef.
sub ended {
    my $self = shift;
    return if !$self->{status};
    $self->{cut} = 1 if !$self->{until_close};
    return $self;
}

1;
