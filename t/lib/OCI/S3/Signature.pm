# SPDX-License-Identifier: Apache-2.0

# The check of AWS Signature Version 4, in a header or in a presigned query.

package OCI::S3::Signature;

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use OCI::S3::Request;
use OCI::S3::Reply;
use Time::Local qw(timegm);

use constant { ALGORITHM => 'AWS4-HMAC-SHA256', SKEW => 15 * 60,
    LONGEST => 7 * 24 * 3600 };

*encode = \&OCI::S3::Request::encode;
*error = \&OCI::S3::Reply::error;

# The error of a request, or undef if it is signed by a known key.  $scope is a
# hash: region; now, in seconds; and key, a function from an access key's name
# to a hash of secret, token and expires, or undef.  Then the request has
# "access", the name of the key, and "payload", the signed hash of the body.
sub check {
    my ($request, $scope) = @_;
    my $header = $request->header('authorization');
    my $presigned = grep { $_->[0] =~ /\AX-Amz-(?:Algorithm|Signature)\z/ }
        $request->parameters;
    return error('AccessDenied') if !defined $header && !$presigned;
    return error('InvalidArgument', Message => 'Two signatures')
        if defined $header && $presigned;
    my $claim = $presigned ? in_query($request) : in_header($request, $header);
    return $claim if $claim->{status};
    $request->{presigned} = $presigned ? 1 : 0;
    $request->{access} = $claim->{id};
    $request->{payload} = $claim->{payload};
    return check_key($claim, $scope) // check_time($claim, $scope)
        // check_scope($claim, $scope) // check_signed($request, $claim)
        // check_signature($request, $claim, $scope);
}

# ---- the parts of a signature

# The signature in the header Authorization, or an error.
sub in_header {
    my ($request, $header) = @_;
    my ($algorithm, $rest) = $header =~ /\A(\S+)\s+(.*)\z/s;
    return error('InvalidRequest', Message => 'Use ' . ALGORITHM)
        if ($algorithm // '') ne ALGORITHM;
    my %part = map { /\A\s*(\w+)=(.*?)\s*\z/s } split /,/, $rest;
    return error('AuthorizationHeaderMalformed')
        if grep { !defined $part{$_} } qw(Credential SignedHeaders Signature);
    my $time = $request->header('x-amz-date') or return error('AccessDenied',
        Message => 'A signed request needs x-amz-date');
    my $payload = $request->header('x-amz-content-sha256')
        // return error('InvalidRequest',
            Message => 'x-amz-content-sha256 is missing');
    return claim('AuthorizationHeaderMalformed', $time,
        @part{qw(Credential SignedHeaders Signature)}, payload => $payload,
        token => $request->header('x-amz-security-token'));
}

# The signature in the query.
sub in_query {
    my $request = shift;
    my $wrong = 'AuthorizationQueryParametersError';
    my %part;
    for my $name (qw(Algorithm Credential Date Expires SignedHeaders
        Signature)) {
        $part{$name} = $request->parameter("X-Amz-$name")
            // return error($wrong, Message => "X-Amz-$name is missing");
    }
    return error($wrong, Message => 'Use ' . ALGORITHM)
        if $part{Algorithm} ne ALGORITHM;
    return error($wrong, Message => 'X-Amz-Expires is from 1 to 604800')
        if $part{Expires} !~ /\A\d{1,6}\z/ || $part{Expires} < 1
        || $part{Expires} > LONGEST;
    return claim($wrong, @part{qw(Date Credential SignedHeaders Signature)},
        payload => 'UNSIGNED-PAYLOAD', expires => $part{Expires},
        token => $request->parameter('X-Amz-Security-Token'));
}

sub claim {
    my ($wrong, $time, $credential, $signed, $signature, %more) = @_;
    my ($id, $date, $region, $service, $end) =
        $credential =~ m{\A([^/]+)/(\d{8})/([^/]*)/(\w+)/(\w+)\z}
        or return error($wrong, Message => 'The credential is malformed');
    return error($wrong, Message => 'The service is s3, the end aws4_request')
        if $service ne 's3' || $end ne 'aws4_request';
    my @time = $time =~ /\A(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\z/
        or return error($wrong, Message => 'The date is malformed');
    my $seconds = eval { timegm((reverse @time[ 3 .. 5 ]), $time[2],
        $time[1] - 1, $time[0]) }
        // return error($wrong, Message => 'There is no such date');
    return error($wrong, Message => 'The credential is of another day')
        if substr($time, 0, 8) ne $date;
    return error($wrong, Message => 'The signature is malformed')
        if $signature !~ /\A[0-9a-f]{64}\z/;
    return { id => $id, region => $region, time => $time,
        seconds => $seconds, signed => [ split /;/, $signed ], wrong => $wrong,
        signature => $signature, scope => "$date/$region/s3/aws4_request",
        %more };
}

# ---- the checks

sub check_key {
    my ($claim, $scope) = @_;
    my $key = $scope->{key}->($claim->{id});
    return error('InvalidAccessKeyId', AWSAccessKeyId => $claim->{id})
        if !$key || defined $key->{token} && !defined $claim->{token};
    $claim->{secret} = $key->{secret};
    return error('InvalidToken')
        if ($key->{token} // '') ne ($claim->{token} // '');
    return error('ExpiredToken')
        if defined $key->{expires} && $key->{expires} <= $scope->{now};
    return undef;
}

sub check_time {
    my ($claim, $scope) = @_;
    my $age = $scope->{now} - $claim->{seconds};
    if (defined $claim->{expires}) {
        return error('AccessDenied', Message => 'Request has expired')
            if $age >= $claim->{expires};
        return error('AccessDenied', Message => 'Request is not valid yet')
            if $age < -SKEW;
        return undef;
    }
    return error('RequestTimeTooSkewed', RequestTime => $claim->{time},
        MaxAllowedSkewMilliseconds => SKEW * 1000) if abs $age > SKEW;
    return undef;
}

sub check_scope {
    my ($claim, $scope) = @_;
    return undef if $claim->{region} eq $scope->{region};
    return error($claim->{wrong}, Region => $scope->{region},
        Message => "The region '$claim->{region}' is wrong; expecting "
            . "'$scope->{region}'");
}

# The host and all headers of AWS must be signed.
sub check_signed {
    my ($request, $claim) = @_;
    my %signed = map { $_ => 1 } @{ $claim->{signed} };
    my @absent = grep { !$signed{$_} } 'host',
        grep { /\Ax-amz-/ } $request->header_names;
    return error('AccessDenied', HeadersNotSigned => "@absent",
        Message => 'There are headers that are not signed') if @absent;
    return error('SignatureDoesNotMatch',
        Message => 'A signed header is missing')
        if grep { !defined $request->header($_) } @{ $claim->{signed} };
    return error($claim->{wrong}, Message => 'SignedHeaders is not sorted')
        if "@{ $claim->{signed} }" ne join ' ', sort @{ $claim->{signed} };
    return undef;
}

sub check_signature {
    my ($request, $claim, $scope) = @_;
    my $canonical = canonical($request, $claim);
    my $string = join "\n", ALGORITHM, $claim->{time}, $claim->{scope},
        sha256_hex($canonical);
    my $key = "AWS4$claim->{secret}";
    $key = hmac_sha256($_, $key) for split m{/}, $claim->{scope};
    return undef if hmac_sha256_hex($string, $key) eq $claim->{signature};
    return error('SignatureDoesNotMatch', StringToSign => $string,
        CanonicalRequest => $canonical, AWSAccessKeyId => $claim->{id},
        SignatureProvided => $claim->{signature});
}

sub canonical {
    my ($request, $claim) = @_;
    my $path = join '/', map { encode(OCI::S3::Request::decode($_)) }
        split m{/}, $request->path, -1;
    my @pairs = sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] }
        map { [ map { encode($_) } @$_ ] }
        grep { $_->[0] ne 'X-Amz-Signature' } $request->parameters;
    my @headers = map { "$_:" . $request->header($_) =~ s/\s+/ /gr . "\n" }
        @{ $claim->{signed} };
    return join "\n", $request->method, $path,
        join('&', map { "$_->[0]=$_->[1]" } @pairs), join('', @headers),
        join(';', @{ $claim->{signed} }), $claim->{payload};
}

1;
