# SPDX-License-Identifier: Apache-2.0

# A connection to the strict S3 server: HTTP/1.1 on a socket that never blocks.
# It is in one of these states:
#
#     head      the head of a request is awaited
#     body      its body is awaited
#     answer    pieces of the reply are written
#     drain     the reply is written and the sending side closed; the client
#               may still send
#     closed

package OCI::S3::Connection;

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use OCI::S3::Reply;
use OCI::S3::Request;
use POSIX qw(strftime);
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);

use constant { PIECE => 256 * 1024, LARGEST_HEAD => 64 * 1024,
    UNSENT => 0x5411 };    # the ioctl TIOCOUTQ

my %REASON = (200 => 'OK', 204 => 'No Content', 206 => 'Partial Content',
    304 => 'Not Modified', 503 => 'Service Unavailable');

sub new {
    my ($class, $server, $socket, $number) = @_;
    $socket->blocking(0);
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return bless { server => $server, socket => $socket, number => $number,
        state => 'head', input => '', plan => [] }, $class;
}

sub socket { $_[0]{socket} }
sub closed { $_[0]{state} eq 'closed' }

# ---- when it has something to do

sub wants_input {
    my $self = shift;
    return length $self->{input} < 2 * LARGEST_HEAD;
}

sub wants_output {
    my $self = shift;
    my ($piece) = @{ $self->{plan} };
    return $piece && ($piece->{file} || defined $piece->{bytes});
}

# The time at which it goes on without input or output, or undef.
sub alarm {
    my $self = shift;
    my ($piece) = @{ $self->{plan} };
    return undef if !$piece || $self->wants_output;
    return $piece->{until} if defined $piece->{until};
    return $self->{retry} if !$piece->{held};
    return $piece->{generation} == $self->{server}{generation} ? undef : 0;
}

# ---- reading

sub read {
    my $self = shift;
    my $n = sysread $self->{socket}, $self->{input}, PIECE,
        length $self->{input};
    return $self->close if defined $n && !$n;
    return $self->close
        if !defined $n && $! != EAGAIN && $! != EINTR && $! != EWOULDBLOCK;
    return;
}

# Do everything that is possible now.
sub advance {
    my $self = shift;
    my %step = (head => \&read_head, body => \&read_body,
        answer => \&follow_plan, drain => sub { $_[0]{input} = ''; return 0 },
        closed => sub { 0 });
    1 while $step{ $self->{state} }->($self);
    return;
}

# The steps return whether another one is possible.
sub read_head {
    my $self = shift;
    if ($self->{input} !~ s/\A(?:\r\n)*(.*?)\r\n\r\n//s) {
        return $self->refuse_head if length $self->{input} > LARGEST_HEAD;
        return 0;
    }
    my $request = OCI::S3::Request->parse($1) or return $self->refuse_head;
    my $length = $request->header('content-length');
    return $self->refuse_head
        if defined $length && $length !~ /\A\d{1,15}\z/;
    $self->{request} = $request;
    $self->{left} = $length // 0;
    $request->{connection} = $self->{number};
    $request->{refusal} = $self->{server}->admit($request);
    my $expects = lc($request->header('expect') // '') eq '100-continue';
    if (defined $request->header('transfer-encoding')
        || $expects && $request->{refusal}) {
        $self->{last} = 1;
        return $self->answer;
    }
    syswrite $self->{socket}, "HTTP/1.1 100 Continue\r\n\r\n"
        if $expects && $self->{left};
    $request->{body} = $self->{server}{store}->body if !$request->{refusal};
    $self->{state} = 'body';
    return 1;
}

sub refuse_head {
    my $self = shift;
    $self->{last} = 1;
    $self->{request} = undef;
    $self->plan(OCI::S3::Reply::error('InvalidRequest',
        Message => 'The request is malformed'));
    return 1;
}

# The body of a request that is refused is only counted.
sub read_body {
    my $self = shift;
    my $request = $self->{request};
    my $bytes = substr $self->{input}, 0, $self->{left}, '';
    $self->{left} -= length $bytes;
    $request->{received} += length $bytes;
    my $rule = $request->{early};
    return $self->answer_early($rule)
        if $rule && $request->{received} >= ($rule->{at} // 0);
    $request->{body}->add($bytes) if $request->{body} && length $bytes;
    return 0 if $self->{left};
    $request->{body}->finish if $request->{body};
    return $self->answer;
}

# ---- answering

# Answer before the whole body has arrived.
sub answer_early {
    my ($self, $rule) = @_;
    $self->{last} = 1;
    $self->plan($self->{server}->answer_early($self->{request}, $rule));
    return 1;
}

sub answer {
    my $self = shift;
    my $request = $self->{request};
    $self->{last} = 1
        if lc($request->header('connection') // '') eq 'close';
    $self->plan($self->{server}->answer($request));
    return 1;
}

sub plan {
    my ($self, $reply) = @_;
    my $head = $self->{request} && $self->{request}->method eq 'HEAD';
    $self->{plan} = [ @{ $reply->{before} // [] }, $reply->{nothing} ? ()
        : ({ bytes => $self->head_of($reply) }, $head ? ()
            : map { { %$_ } } @{ $reply->{body} }) ];
    $self->{state} = 'answer';
    return;
}

sub head_of {
    my ($self, $reply) = @_;
    my $server = $self->{server};
    my $status = $reply->{status};
    my %headers = (%{ $reply->{headers} },
        Date => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $server->now),
        'x-amz-request-id' => sprintf('%016X', ++$server->{replies}),
        $self->{last} ? (Connection => 'close') : (),
        $status =~ /\A(?:204|304)\z/ ? () : ('Content-Length' =>
            $reply->{length}
            // OCI::S3::Reply::length_of(@{ $reply->{body} })));
    return "HTTP/1.1 $status " . ($REASON{$status} // 'Status') . "\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n";
}

sub follow_plan {
    my $self = shift;
    my ($piece) = @{ $self->{plan} };
    return $self->end_answer if !$piece;
    return $self->reset if $piece->{reset};
    return $self->drain if $piece->{close};
    return $self->pause($piece) if defined $piece->{pause};
    my $bytes = $piece->{bytes} // $piece->{file}->read($piece->{offset},
        $piece->{length} < PIECE ? $piece->{length} : PIECE);
    my $n = length $bytes ? syswrite $self->{socket}, $bytes : 0;
    if (!defined $n) {
        $self->close if $! != EAGAIN && $! != EINTR && $! != EWOULDBLOCK;
        return 0;
    }
    $piece->{file} ? ($piece->{offset} += $n, $piece->{length} -= $n)
        : substr $piece->{bytes}, 0, $n, '';
    my $left = OCI::S3::Reply::length_of($piece);
    shift @{ $self->{plan} } if !$left;
    return !$left;
}

sub end_answer {
    my $self = shift;
    return $self->drain if $self->{last};
    $self->{request} = undef;
    $self->{state} = 'head';
    return 1;
}

sub pause {
    my ($self, $piece) = @_;
    my $generation = $self->{server}{generation};
    my $over;
    if ($piece->{held}) {
        $piece->{generation} //= $generation;
        $over = $piece->{generation} != $generation;
    }
    else {
        $piece->{until} //= time + $piece->{pause};
        $over = time >= $piece->{until};
    }
    shift @{ $self->{plan} } if $over;
    return $over;
}

# Reset the connection when the client has received all that was written.
sub reset {
    my $self = shift;
    my $unsent = pack 'i', 0;
    ioctl $self->{socket}, UNSENT, $unsent;
    if (unpack 'i', $unsent) {
        $self->{retry} = time + 0.005;
        return 0;
    }
    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return $self->close;
}

sub drain {
    my $self = shift;
    shutdown $self->{socket}, 1;
    $self->{plan} = [];
    $self->{state} = 'drain';
    return 1;
}

sub close {
    my $self = shift;
    close $self->{socket};
    $self->{plan} = [];
    $self->{state} = 'closed';
    return 0;
}

1;
