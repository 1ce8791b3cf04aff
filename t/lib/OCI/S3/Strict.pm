# SPDX-License-Identifier: Apache-2.0

# A small S3 server that refuses what any of the real ones refuses: a wrong or
# missing signature, another region, a body of unknown length or in chunks, a
# hash that does not match, parts of unequal sizes, and more.  It has one
# process and an event loop.  It has faults on demand (OCI::S3::Faults), tells
# what it was sent (OCI::S3::Control), and hands out temporary keys
# (OCI::S3::Metadata).
#
#     perl -It/lib -MOCI::S3::Strict -e 'OCI::S3::Strict::serve(@ARGV)' NAME
#         VALUE...
#
# The names: port, dir (an empty directory), bucket, region, key, secret, and
# minimum, the least size of a part that is not the last one.

package OCI::S3::Strict;

use strict;
use warnings;

use IO::Socket::INET;
use OCI::S3::Connection;
use OCI::S3::Control;
use OCI::S3::Faults;
use OCI::S3::Metadata;
use OCI::S3::Operations;
use OCI::S3::Signature;
use OCI::S3::Store;
use Time::HiRes qw(time);

sub serve {
    my %option = @_;
    my $self = bless { minimum => 5 * 1024**2, offset => 0, generation => 1,
        log => [], faults => OCI::S3::Faults->new,
        metadata => OCI::S3::Metadata->new,
        store => OCI::S3::Store->new($option{dir}), %option }, __PACKAGE__;
    my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$self->{port}",
        Listen => 100, ReuseAddr => 1) or die "port $self->{port}: $!\n";
    $listener->blocking(0);
    $SIG{PIPE} = 'IGNORE';
    my ($number, @connections) = (0);
    while (1) {
        my ($readable, $writable) = wait_for($listener, @connections);
        if (vec $readable, fileno $listener, 1) {
            while (my $socket = $listener->accept) {
                push @connections,
                    OCI::S3::Connection->new($self, $socket, ++$number);
            }
        }
        for my $connection (@connections) {
            my $fileno = fileno $connection->socket;
            $connection->read if vec $readable, $fileno, 1;
            $connection->advance;
        }
        @connections = grep { !$_->closed } @connections;
    }
}

# Wait until something can be done; the bits of what can be read and written.
sub wait_for {
    my ($listener, @connections) = @_;
    my ($readable, $writable) = ('', '');
    vec($readable, fileno $listener, 1) = 1;
    my $alarm;
    for my $connection (@connections) {
        my $fileno = fileno $connection->socket;
        vec($readable, $fileno, 1) = 1 if $connection->wants_input;
        vec($writable, $fileno, 1) = 1 if $connection->wants_output;
        my $at = $connection->alarm;
        $alarm = $at if defined $at && (!defined $alarm || $at < $alarm);
    }
    my $seconds = !defined $alarm ? undef
        : $alarm > time ? $alarm - time : 0;
    my $n = select $readable, $writable, undef, $seconds;
    return $n < 0 ? ('', '') : ($readable, $writable);
}

# Seconds since 1970 by the server's clock, which a test may set wrong.
sub now { int(time) + $_[0]{offset} }

sub key {
    my ($self, $id) = @_;
    return $id eq $self->{key} ? { secret => $self->{secret} }
        : $self->{metadata}->key($id);
}

sub is_control { $_[0]->path =~ m{\A/\.control/} }

# The error of a request that need not be read further, or undef.
sub admit {
    my ($self, $request) = @_;
    return undef
        if is_control($request) || $self->{metadata}->service($request);
    $request->locate($self->{bucket});
    my $wrong = OCI::S3::Signature::check($request, { now => $self->now,
        region => $self->{region}, key => sub { $self->key(@_) } })
        // OCI::S3::Operations::admit($request, $self);
    $request->{early} = $self->{faults}->take($request, 1) if !$wrong;
    return $wrong;
}

# The reply of a fault that does not wait for the whole request.
sub answer_early {
    my ($self, $request, $rule) = @_;
    my $reply = OCI::S3::Faults::reply({ %$rule, performed => 0 });
    $self->note($request, $reply, $rule);
    return $reply;
}

# The reply to a request, which is logged.
sub answer {
    my ($self, $request) = @_;
    return OCI::S3::Control::reply($request, $self) if is_control($request);
    my $perform = sub {
        $request->ignore($_) for @_;
        return $request->{operation}
            ? OCI::S3::Operations::perform($request, $self)
            : $self->{metadata}->perform($request, $self);
    };
    my $rule = $request->{refusal} ? undef : $self->{faults}->take($request);
    my $reply = $request->{refusal}
        // ($rule ? OCI::S3::Faults::reply($rule, $perform) : $perform->());
    $self->note($request, $reply, $rule);
    return $reply;
}

# An entry of the log.
sub note {
    my ($self, $request, $reply, $rule) = @_;
    my ($key, $bucket) = map { OCI::S3::Control::characters($_) }
        @$request{qw(key bucket)};
    push @{ $self->{log} }, {
        method     => $request->method,
        path       => $request->path,
        query      => $request->{query},
        bucket     => $bucket,
        key        => $key,
        access     => $request->{access},
        headers    => { map { $_ => $request->header($_) }
            grep { !/\A(?:authorization|x-amz-security-token)\z/ }
            $request->header_names },
        presigned  => $request->{presigned} ? 1 : 0,
        connection => $request->{connection},
        bytes      => $request->{received} // 0,
        status     => $reply->{status},
        code       => $reply->{code},
        sent       => OCI::S3::Reply::length_of(@{ $reply->{body} // [] }),
        fault      => $rule ? $rule->{fault} : undef,
    };
    return;
}

1;
