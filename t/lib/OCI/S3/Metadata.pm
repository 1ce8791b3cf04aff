# SPDX-License-Identifier: Apache-2.0

# Temporary keys of the strict S3 server, and the services that hand them out.
# Each is off until a test sets it by PUT /.control/credentials:
#
#     lifetime   seconds for which a new key is valid (3600)
#     instance   the name of a role: IMDSv2, at /latest/
#     container  the value of Authorization that is demanded ("": none): the
#                endpoint of containers, /v2/credentials/
#     web        the identity token that is demanded: AssumeRoleWithWebIdentity
#                of STS, at /
#
# Each answer has a new key.

package OCI::S3::Metadata;

use strict;
use warnings;

use JSON::PP ();
use OCI::S3::Listing;
use OCI::S3::Reply;
use OCI::S3::Request;
use OCI::S3::XML qw(document node tag);

my $JSON = JSON::PP->new->canonical->utf8;
my %KNOWN = map { $_ => 1 } qw(lifetime instance container web);

sub new { bless { made => 0, keys => {}, tokens => {}, set => {} }, $_[0] }

sub set {
    my ($self, $value) = @_;
    return 'the settings are not an object' if ref $value ne 'HASH';
    for my $name (keys %$value) {
        return "there is no setting '$name'" if !$KNOWN{$name};
    }
    $self->{set} = { lifetime => 3600, %$value };
    return {};
}

# All temporary keys expire.
sub revoke { $_->{expires} = 0 for values %{ $_[0]{keys} }; return }

# A temporary key: a hash of secret, token and expires, or undef.
sub key { $_[0]{keys}{ $_[1] } }

sub new_key {
    my ($self, $now) = @_;
    my $id = sprintf 'ASIA%08dTEMPORARY', ++$self->{made};
    my $expires = $now + $self->{set}{lifetime};
    $self->{keys}{$id} = { secret => random_text(40), expires => $expires,
        token => random_text(120) . '+/=' };
    return ($id, $self->{keys}{$id},
        OCI::S3::Listing::timestamp($expires) =~ s/\.000//r);
}

sub random_text {
    my $length = shift;
    my @characters = ('A' .. 'Z', 'a' .. 'z', 0 .. 9);
    return join '', map { $characters[ rand @characters ] } 1 .. $length;
}

# ---- the services

# The function that answers a request, or undef if it is not for a service.
sub service {
    my ($self, $request) = @_;
    my $path = $request->path;
    return \&instance if $path =~ m{\A/latest/} && $self->{set}{instance};
    return \&container if $path =~ m{\A/v2/credentials/}
        && defined $self->{set}{container};
    return \&web if $path eq '/' && $self->{set}{web}
        && !defined $request->header('authorization');
    return undef;
}

sub perform {
    my ($self, $request, $server) = @_;
    return $self->service($request)->($self, $request, $server->now);
}

sub json { OCI::S3::Reply::text(200, $JSON->encode($_[0]), 'application/json') }

sub instance {
    my ($self, $request, $now) = @_;
    my $path = $request->path;
    return OCI::S3::Reply::text(403, '')
        if defined $request->header('x-forwarded-for');
    return $self->instance_token($request, $now)
        if $path eq '/latest/api/token';
    return OCI::S3::Reply::text(405, '') if $request->method ne 'GET';
    my $token = $request->header('x-aws-ec2-metadata-token') // '';
    return OCI::S3::Reply::text(401, '')
        if ($self->{tokens}{$token} // 0) <= $now;
    my $role = $self->{set}{instance};
    my $roles = '/latest/meta-data/iam/security-credentials';
    return OCI::S3::Reply::text(200, $role) if $path =~ m{\A$roles/?\z};
    return OCI::S3::Reply::text(404, '') if $path ne "$roles/$role";
    my ($id, $key, $expires) = $self->new_key($now);
    return json({ Code => 'Success', Type => 'AWS-HMAC', AccessKeyId => $id,
        SecretAccessKey => $key->{secret}, Token => $key->{token},
        Expiration => $expires, LastUpdated => $expires });
}

sub instance_token {
    my ($self, $request, $now) = @_;
    return OCI::S3::Reply::text(405, '') if $request->method ne 'PUT';
    my $name = 'x-aws-ec2-metadata-token-ttl-seconds';
    my $seconds = $request->header($name) // '';
    return OCI::S3::Reply::text(400, '')
        if $seconds !~ /\A[1-9]\d{0,4}\z/ || $seconds > 21_600;
    my $token = random_text(54) . '==';
    $self->{tokens}{$token} = $now + $seconds;
    my $reply = OCI::S3::Reply::text(200, $token);
    $reply->{headers}{$name} = $seconds;
    return $reply;
}

sub container {
    my ($self, $request, $now) = @_;
    return OCI::S3::Reply::text(405, '') if $request->method ne 'GET';
    return OCI::S3::Reply::text(401, '')
        if ($request->header('authorization') // '') ne $self->{set}{container};
    my ($id, $key, $expires) = $self->new_key($now);
    return json({ AccessKeyId => $id, SecretAccessKey => $key->{secret},
        Token => $key->{token}, Expiration => $expires,
        RoleArn => 'arn:aws:iam::123456789012:role/registry' });
}

# ---- STS

sub web {
    my ($self, $request, $now) = @_;
    my $body = $request->{body};
    my $text = $request->method eq 'POST' ? $body->read(0, $body->size)
        : $request->{query};
    my %form = map { map { OCI::S3::Request::decode(tr/+/ /r) }
        split /=/, $_, 2 } split /&/, $text;
    return sts_error(400, 'InvalidAction')
        if ($form{Action} // '') ne 'AssumeRoleWithWebIdentity'
        || ($form{Version} // '') ne '2011-06-15';
    return sts_error(400, 'ValidationError')
        if ($form{RoleArn} // '') !~ m{\Aarn:aws:iam::\d{12}:role/.}
        || ($form{RoleSessionName} // '') !~ /\A[\w+=,.@-]{2,64}\z/
        || ($form{DurationSeconds} // 900) !~ /\A(?:9\d\d|[1-9]\d{3,4})\z/;
    return sts_error(400, 'InvalidIdentityToken')
        if ($form{WebIdentityToken} // '') ne $self->{set}{web};
    my ($id, $key, $expires) = $self->new_key($now);
    return OCI::S3::Reply::xml(document('AssumeRoleWithWebIdentityResponse',
        node('AssumeRoleWithWebIdentityResult', node('Credentials',
            tag(AccessKeyId => $id), tag(SecretAccessKey => $key->{secret}),
            tag(SessionToken => $key->{token}), tag(Expiration => $expires)))));
}

sub sts_error {
    my ($status, $code) = @_;
    my $reply = OCI::S3::Reply::xml(document('ErrorResponse', node('Error',
        tag(Type => 'Sender'), tag(Code => $code), tag(Message => $code))));
    return { %$reply, status => $status, code => $code };
}

1;
