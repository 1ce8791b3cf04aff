# SPDX-License-Identifier: Apache-2.0

# The operations of the strict S3 server: the table of them, and what holds for
# all of them.

package OCI::S3::Operations;

use strict;
use warnings;

use MIME::Base64 qw(decode_base64 encode_base64);
use OCI::S3::Listing;
use OCI::S3::Multipart;
use OCI::S3::Objects;
use OCI::S3::Reply;

use constant { LARGEST => 5 * 1024**3, LONGEST_KEY => 1024 };

*error = \&OCI::S3::Reply::error;

# Method, whether for a key or the bucket, the parameters of the query that must
# be there, those that may be, and the function.
my @OPERATIONS = (
    [ GET    => 'key', '', 'response-content-type',
        \&OCI::S3::Objects::get ],
    [ HEAD   => 'key', '', '', \&OCI::S3::Objects::get ],
    [ PUT    => 'key', '', '', \&OCI::S3::Objects::put ],
    [ DELETE => 'key', '', '', \&OCI::S3::Objects::remove ],
    [ POST   => 'key', 'uploads', '', \&OCI::S3::Multipart::create ],
    [ PUT    => 'key', 'partNumber uploadId', '',
        \&OCI::S3::Multipart::upload_part ],
    [ POST   => 'key', 'uploadId', '', \&OCI::S3::Multipart::complete ],
    [ DELETE => 'key', 'uploadId', '', \&OCI::S3::Multipart::abort ],
    [ GET    => 'key', 'uploadId', 'max-parts part-number-marker',
        \&OCI::S3::Multipart::list_parts ],
    [ GET    => 'bucket', 'list-type', 'prefix start-after continuation-token '
        . 'max-keys encoding-type', \&OCI::S3::Listing::objects ],
    [ GET    => 'bucket', 'uploads', 'prefix key-marker upload-id-marker '
        . 'max-uploads encoding-type', \&OCI::S3::Listing::uploads ],
    [ GET    => 'bucket', 'location', '', \&OCI::S3::Objects::location ],
    [ HEAD   => 'bucket', '', '', \&OCI::S3::Objects::head_bucket ],
    [ POST   => 'bucket', 'delete', '', \&OCI::S3::Objects::remove_all ],
);

# ---- before the body

# The error of a request whose signature is right, or undef.  Then the request
# has "operation".
sub admit {
    my ($request, $server) = @_;
    return error('MethodNotAllowed') if !defined $request->{bucket};
    return error('NoSuchBucket', BucketName => $request->{bucket})
        if $request->{bucket} ne $server->{bucket};
    my $key = $request->{key};
    if (defined $key) {
        my $copy = $key;
        return error('InvalidURI') if !utf8::decode($copy);
        return error('KeyTooLongError') if length $key > LONGEST_KEY;
    }
    return error('NotImplemented', Header => 'x-amz-copy-source')
        if defined $request->header('x-amz-copy-source');
    return refuse_encodings($request) // check_length($request)
        // find_operation($request);
}

# Bodies in chunks, with trailers or without a signed hash.
sub refuse_encodings {
    my $request = shift;
    my $sha256 = $request->header('x-amz-content-sha256') // '';
    return error('NotImplemented', Header => 'x-amz-content-sha256')
        if $sha256 =~ /\ASTREAMING-/;
    return error('AccessDenied', Message => 'The payload must be signed')
        if $sha256 eq 'UNSIGNED-PAYLOAD';
    return error('InvalidArgument', Message => 'x-amz-content-sha256')
        if !$request->{presigned} && $sha256 !~ /\A[0-9a-f]{64}\z/;
    for my $name (qw(transfer-encoding x-amz-trailer
        x-amz-decoded-content-length x-amz-sdk-checksum-algorithm)) {
        return error('NotImplemented', Header => $name)
            if defined $request->header($name);
    }
    return error('NotImplemented', Header => 'content-encoding')
        if ($request->header('content-encoding') // '') =~ /aws-chunked/;
    return undef;
}

sub check_length {
    my $request = shift;
    my $length = $request->header('content-length');
    return error('MissingContentLength')
        if !defined $length && $request->method =~ /\AP/;
    return error('EntityTooLarge', MaxSizeAllowed => LARGEST)
        if ($length // 0) > LARGEST;
    return undef;
}

sub find_operation {
    my $request = shift;
    my $level = defined $request->{key} ? 'key' : 'bucket';
    my %given = map { $_->[0] => 1 }
        grep { $_->[0] !~ /\A(?:X-Amz-.*|x-id)\z/ } $request->parameters;
    for my $operation (@OPERATIONS) {
        my ($method, $where, $required, $optional, $function) = @$operation;
        next if $method ne $request->method || $where ne $level;
        my %left = %given;
        next if grep { !delete $left{$_} } split / /, $required;
        delete @left{ split / /, $optional };
        next if %left;
        $request->{operation} = $function;
        return undef;
    }
    return error('NotImplemented', Message => 'There is no such operation');
}

# ---- after the body

sub perform {
    my ($request, $server) = @_;
    return check_body($request, $server)
        // $request->{operation}->($request, $server);
}

sub check_body {
    my ($request, $server) = @_;
    my $body = $request->{body};
    return error('XAmzContentSHA256Mismatch',
        ClientComputedContentSHA256 => $request->{payload},
        S3ComputedContentSHA256 => unpack 'H*', $body->sha256)
        if $request->{payload} =~ /\A[0-9a-f]{64}\z/
        && $request->{payload} ne unpack 'H*', $body->sha256;
    for my $check ([ 'content-md5', $body->md5 ],
        [ 'x-amz-checksum-sha256', $body->sha256 ]) {
        my ($name, $digest) = @$check;
        my $given = $request->header($name) // next;
        next if $name =~ /\Ax-/ && ref $request->{operation}
            && $request->{operation} == \&OCI::S3::Multipart::complete;
        return error('InvalidDigest', Header => $name)
            if encode_base64(decode_base64($given), '') ne $given
            || length decode_base64($given) != length $digest;
        return error('BadDigest', Header => $name)
            if decode_base64($given) ne $digest;
    }
    return error('NotImplemented', Header => 'x-amz-checksum-*')
        if grep { /\Ax-amz-checksum-(?!sha256\z|algorithm\z|type\z)/ }
        $request->header_names;
    return undef;
}

1;
