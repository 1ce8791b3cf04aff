# SPDX-License-Identifier: Apache-2.0

# Faults of the strict S3 server.  A rule is a hash:
#
#     fault      see below
#     method, key, query    regular expressions, which match anything if absent
#     count      how many matching requests have the fault (1)
#     skip       how many matching requests pass before (0)
#     performed  whether the operation is performed all the same (false)
#     early      whether the fault comes when "at" (0) bytes of the request's
#                body have arrived, or with its head if it has none, instead of
#                after the request (false)
#
# The first rule that matches and is not used up counts.  The faults:
#
#     status       an error: code (InternalError), status (that of the code),
#                  retry_after (seconds)
#     slowdown, denied, quota    "status" with SlowDown, AccessDenied, or
#                  QuotaExceeded
#     error-200    an error inside a 200: code
#     body         a 200 with a body of its own: text ('')
#     reset        the connection is reset instead of an answer
#     close        the connection is closed instead of an answer
#
# In the following ones, which are never early, the operation is performed:
#
#     silence      no byte for some seconds, or, without "seconds", until the
#                  rules are set again; before the answer, or after "at" bytes
#                  of its body
#     reset-body   the connection is reset after "at" bytes of the body
#     truncate     it is closed there
#     corrupt      the byte at "at" (0) of the body is changed
#     ignore       without a parameter of the query: parameter

package OCI::S3::Faults;

use strict;
use warnings;

use OCI::S3::Reply;

my %FAULT = (
    status       => \&with_status,
    slowdown     => sub { with_status({ code => 'SlowDown', %{ $_[0] } }) },
    denied       => sub { with_status({ code => 'AccessDenied', %{ $_[0] } }) },
    quota        =>
        sub { with_status({ code => 'QuotaExceeded', %{ $_[0] } }) },
    'error-200'  => sub { with_status({ %{ $_[0] }, status => 200 }) },
    body         => sub { OCI::S3::Reply::text(200, $_[0]{text} // '') },
    reset        => sub { { nothing => 1, before => [ { reset => 1 } ] } },
    close        => sub { { nothing => 1, before => [ { close => 1 } ] } },
    silence      => \&with_silence,
    'reset-body' => sub { split_body(@_, sub { ({ reset => 1 }) }) },
    truncate     => sub { split_body(@_, sub { ({ close => 1 }) }) },
    corrupt      => sub { split_body(@_, \&corrupted) },
    ignore       => sub { $_[1] },
);
my %PERFORMS = map { $_ => 1 } qw(silence reset-body truncate corrupt ignore);

sub new { bless { rules => [] }, $_[0] }

# Replace the rules.  Returns what is wrong with them, or undef.
sub set {
    my ($self, $rules) = @_;
    return 'the rules are not a list' if ref $rules ne 'ARRAY';
    for my $rule (@$rules) {
        return 'a rule is not an object' if ref $rule ne 'HASH';
        return "there is no fault '" . ($rule->{fault} // '') . "'"
            if !$FAULT{ $rule->{fault} // '' };
        return "the fault '$rule->{fault}' is never early"
            if $rule->{early} && $PERFORMS{ $rule->{fault} };
        for my $name (grep { defined $rule->{$_} } qw(method key query)) {
            return "'$rule->{$name}' is not a regular expression"
                if !defined eval { qr/$rule->{$name}/ };
        }
    }
    $self->{rules} = [ map { { count => 1, skip => 0, %$_ } } @$rules ];
    return undef;
}

# The rules, with the counts that are left.
sub rules { $_[0]{rules} }

# The rule for a request, or undef.  It is used up by one.  Early rules and the
# others are asked for separately.
sub take {
    my ($self, $request, $early) = @_;
    my %value = (method => $request->method, query => $request->{query},
        key => $request->{key} // $request->path);
    for my $rule (@{ $self->{rules} }) {
        next if $rule->{count} < 1 || ($early xor $rule->{early});
        next if grep { defined $rule->{$_} && $value{$_} !~ /$rule->{$_}/ }
            keys %value;
        next if $rule->{skip}-- > 0;
        $rule->{count}--;
        return $rule;
    }
    return undef;
}

# The reply with a fault.  $perform, which is not called for early faults,
# returns the reply to the request without some of its parameters.
sub reply {
    my ($rule, $perform) = @_;
    my $reply = $rule->{performed} || $PERFORMS{ $rule->{fault} }
        ? $perform->($rule->{parameter} // ()) : undef;
    return $FAULT{ $rule->{fault} }->($rule, $reply);
}

sub with_status {
    my $rule = shift;
    my $reply = OCI::S3::Reply::error($rule->{code} // 'InternalError',
        defined $rule->{status} ? (status => $rule->{status}) : ());
    $reply->{headers}{'Retry-After'} = $rule->{retry_after}
        if defined $rule->{retry_after};
    return $reply;
}

sub with_silence {
    my ($rule, $reply) = @_;
    my $pause = { pause => $rule->{seconds} // 0, held => !$rule->{seconds} };
    return { %$reply, before => [$pause] } if !defined $rule->{at};
    return split_body($rule, $reply, sub { ($pause, @_) });
}

# Replace what follows "at" bytes of a body.  Its length stays as announced.
sub split_body {
    my ($rule, $reply, $change) = @_;
    my ($before, $after) = OCI::S3::Reply::cut($rule->{at} // 0,
        @{ $reply->{body} });
    return { %$reply, body => [ @$before, $change->(@$after) ],
        length => OCI::S3::Reply::length_of(@{ $reply->{body} }) };
}

sub corrupted {
    my ($byte, $rest) = OCI::S3::Reply::cut(1, @_);
    my ($piece) = @$byte or return;
    my $bytes = $piece->{file} ? $piece->{file}->read($piece->{offset}, 1)
        : $piece->{bytes};
    return ({ bytes => chr(ord($bytes) ^ 1) }, @$rest);
}

1;
