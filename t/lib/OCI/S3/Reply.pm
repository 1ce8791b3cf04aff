# SPDX-License-Identifier: Apache-2.0

# Replies of the strict S3 server: a hash of status, headers (a hash), code (of
# an error) and body.  A body is a list of pieces, each of which has bytes, or
# the file, offset and length of a part of a file.

package OCI::S3::Reply;

use strict;
use warnings;

use OCI::S3::XML qw(document tag);

# The status and the message of each error.
my %ERROR = (
    AccessDenied => [ 403, 'Access Denied' ],
    AuthorizationHeaderMalformed =>
        [ 400, 'The authorization header is malformed' ],
    AuthorizationQueryParametersError =>
        [ 400, 'The parameters of the signature are malformed' ],
    BadDigest => [ 400, 'The checksum does not match the body' ],
    EntityTooLarge => [ 400, 'The object or the part is too large' ],
    EntityTooSmall =>
        [ 400, 'A part that is not the last one is too small' ],
    ExpiredToken => [ 400, 'The provided token has expired' ],
    InternalError => [ 500, 'We encountered an internal error' ],
    InvalidAccessKeyId => [ 403, 'The access key does not exist' ],
    InvalidArgument => [ 400, 'Invalid argument' ],
    InvalidDigest => [ 400, 'The checksum is malformed' ],
    InvalidPart =>
        [ 400, 'A part is missing, or its ETag or its size is wrong' ],
    InvalidPartOrder => [ 400, 'The parts are not in ascending order' ],
    InvalidRange => [ 416, 'The requested range is not satisfiable' ],
    InvalidRequest => [ 400, 'Invalid request' ],
    InvalidToken => [ 400, 'The provided token is not the one of the key' ],
    InvalidURI => [ 400, 'The URI cannot be parsed' ],
    KeyTooLongError => [ 400, 'The key is longer than 1,024 bytes' ],
    MalformedXML => [ 400, 'The XML is not well-formed or not as expected' ],
    MethodNotAllowed => [ 405, 'The method is not allowed here' ],
    MissingContentLength => [ 411, 'Content-Length is missing' ],
    NoSuchBucket => [ 404, 'The bucket does not exist' ],
    NoSuchKey => [ 404, 'The key does not exist' ],
    NoSuchUpload => [ 404, 'The multipart upload does not exist' ],
    NotImplemented => [ 501, 'The request needs what is not implemented' ],
    PreconditionFailed => [ 412, 'A precondition of the request fails' ],
    QuotaExceeded => [ 507, 'The quota is exceeded' ],
    RequestTimeTooSkewed =>
        [ 403, 'The clocks of client and server differ too much' ],
    SignatureDoesNotMatch =>
        [ 403, 'The signature is not the one that the server computes' ],
    SlowDown => [ 503, 'Please reduce your request rate' ],
    XAmzContentSHA256Mismatch =>
        [ 400, 'x-amz-content-sha256 is not the SHA-256 of the body' ],
);

# An error.  Details become elements of the document; Message replaces the usual
# one, and status the usual status.
sub error {
    my ($code, %detail) = @_;
    my ($status, $message) = @{ $ERROR{$code} // [ 500, 'An error' ] };
    $status = delete $detail{status} // $status;
    $message = delete $detail{Message} // $message;
    return { code => $code, %{ xml(document('Error', tag(Code => $code),
        tag(Message => $message),
        map { tag($_ => $detail{$_}) } sort keys %detail)) },
        status => $status };
}

sub xml {
    my ($text, %headers) = @_;
    return { status => 200, body => [ { bytes => $text } ],
        headers => { 'Content-Type' => 'application/xml', %headers } };
}

sub text {
    my ($status, $text, $type) = @_;
    return { status => $status, body => [ { bytes => $text } ],
        headers => { 'Content-Type' => $type // 'text/plain' } };
}

sub empty {
    my ($status, %headers) = @_;
    return { status => $status, headers => \%headers, body => [] };
}

sub length_of {
    my $length = 0;
    $length += $_->{file} ? $_->{length} : length($_->{bytes} // "") for @_;
    return $length;
}

# The pieces before and from an offset.
sub cut {
    my ($offset, @pieces) = @_;
    my (@before, @after);
    for my $piece (@pieces) {
        my $length = length_of($piece);
        push @before, part($piece, 0, $offset < $length ? $offset : $length)
            if $offset > 0;
        push @after, part($piece, $offset > 0 ? $offset : 0, $length)
            if $offset < $length;
        $offset -= $length;
    }
    return (\@before, \@after);
}

# The bytes of a piece from an offset to before another one.
sub part {
    my ($piece, $from, $to) = @_;
    return { bytes => substr $piece->{bytes}, $from, $to - $from }
        if !$piece->{file};
    return { %$piece, offset => $piece->{offset} + $from,
        length => $to - $from };
}

1;
