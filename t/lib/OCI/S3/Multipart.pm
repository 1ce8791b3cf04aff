# SPDX-License-Identifier: Apache-2.0

# Multipart uploads of the strict S3 server.

package OCI::S3::Multipart;

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use MIME::Base64 qw(encode_base64);
use OCI::S3::Listing;
use OCI::S3::Objects;
use OCI::S3::Reply;
use OCI::S3::XML qw(document node tag children child_text);

use constant MOST_PARTS => 10_000;

*error = \&OCI::S3::Reply::error;

# The upload that a request names, or undef.
sub upload_of {
    my ($request, $server) = @_;
    return $server->{store}->upload($request->parameter('uploadId'),
        $request->{key});
}

sub create {
    my ($request, $server) = @_;
    return error('InvalidRequest', Message => 'There is a body')
        if $request->{body}->size;
    my $checksum = $request->header('x-amz-checksum-algorithm');
    return error('NotImplemented', Header => 'x-amz-checksum-algorithm')
        if ($checksum // 'SHA256') ne 'SHA256';
    my $headers = OCI::S3::Objects::kept_headers($request);
    return $headers if $headers->{status};
    my $upload = $server->{store}->create_upload($request->{key}, $server->now,
        $headers, checksum => $checksum);
    return OCI::S3::Reply::xml(document('InitiateMultipartUploadResult',
        tag(Bucket => $server->{bucket}), tag(Key => $request->{key}),
        tag(UploadId => $upload->{id})),
        OCI::S3::Objects::encryption_of($headers));
}

sub upload_part {
    my ($request, $server) = @_;
    my $upload = upload_of($request, $server) or return error('NoSuchUpload');
    my $number = $request->parameter('partNumber');
    return error('InvalidArgument', ArgumentName => 'partNumber')
        if $number !~ /\A[1-9]\d{0,4}\z/ || $number > MOST_PARTS;
    return error('InvalidRequest', Message => 'The part needs its checksum')
        if $upload->{checksum}
        && !defined $request->header('x-amz-checksum-sha256');
    return error('InvalidArgument', Message => 'Encryption belongs to Create')
        if grep { /\Ax-amz-server-side-encryption/ } $request->header_names;
    my $body = $request->{body};
    my $part = $upload->{parts}{$number} = { number => $number, body => $body,
        etag => unpack('H*', $body->md5), modified => $server->now };
    return OCI::S3::Reply::empty(200, ETag => qq("$part->{etag}"),
        $upload->{checksum} ? ('x-amz-checksum-sha256' =>
            encode_base64($body->sha256, '')) : (),
        OCI::S3::Objects::encryption_of($upload->{headers}));
}

sub complete {
    my ($request, $server) = @_;
    my $upload = upload_of($request, $server) or return error('NoSuchUpload');
    my $root = OCI::S3::Objects::request_xml($request,
        'CompleteMultipartUpload') or return error('MalformedXML');
    my @listed = children($root, 'Part') or return error('MalformedXML');
    my ($wrong, @parts) = chosen_parts($upload, @listed);
    $wrong //= wrong_size($server, @parts)
        // OCI::S3::Objects::check_conditions($request, $server);
    return $wrong if $wrong;
    my $etag = md5_hex(map { $_->{body}->md5 } @parts) . '-' . @parts;
    $server->{store}->put($request->{key}, $etag, $server->now,
        $upload->{headers}, map { $_->{body} } @parts);
    $server->{store}->end_upload($upload);
    return OCI::S3::Reply::xml(document('CompleteMultipartUploadResult',
        tag(Bucket => $server->{bucket}), tag(Key => $request->{key}),
        tag(ETag => qq("$etag"))),
        OCI::S3::Objects::encryption_of($upload->{headers}));
}

# An error or undef, and the parts of the upload that a document lists.
sub chosen_parts {
    my ($upload, @listed) = @_;
    my @parts;
    for my $listed (@listed) {
        my ($number, $etag, $sha256) = map { child_text($listed, $_) }
            qw(PartNumber ETag ChecksumSHA256);
        return error('MalformedXML')
            if !defined $etag || ($number // '') !~ /\A\d{1,9}\z/;
        return error('InvalidPartOrder')
            if @parts && $number <= $parts[-1]{number};
        my $part = $upload->{parts}{$number};
        return error('InvalidPart', PartNumber => $number)
            if !$part || $etag =~ s/\A"(.*)"\z/$1/r ne $part->{etag};
        return error('InvalidPart', PartNumber => $number,
            Message => 'The checksum is missing or wrong')
            if $upload->{checksum} || defined $sha256
            ? ($sha256 // '') ne encode_base64($part->{body}->sha256, '') : 0;
        push @parts, $part;
    }
    return (undef, @parts);
}

# All parts but the last have one size, and none of them is too small.
sub wrong_size {
    my ($server, @parts) = @_;
    my $last = pop @parts;
    return undef if !@parts;
    my $size = $parts[0]{body}->size;
    for my $part (@parts) {
        return error('EntityTooSmall', PartNumber => $part->{number},
            ProposedSize => $part->{body}->size,
            MinSizeAllowed => $server->{minimum})
            if $part->{body}->size < $server->{minimum};
        return error('InvalidPart', PartNumber => $part->{number},
            Message => 'All parts but the last must have the same size')
            if $part->{body}->size != $size;
    }
    return error('InvalidPart', PartNumber => $last->{number},
        Message => 'The last part is larger than the others')
        if $last->{body}->size > $size;
    return undef;
}

sub abort {
    my ($request, $server) = @_;
    my $upload = upload_of($request, $server) or return error('NoSuchUpload');
    $server->{store}->end_upload($upload);
    return OCI::S3::Reply::empty(204);
}

sub list_parts {
    my ($request, $server) = @_;
    my $upload = upload_of($request, $server) or return error('NoSuchUpload');
    my $limit = OCI::S3::Listing::limit($request, 'max-parts');
    my $after = $request->parameter('part-number-marker') // 0;
    return error('InvalidArgument') if !$limit || $after !~ /\A\d{1,9}\z/;
    my @parts = grep { $_->{number} > $after }
        sort { $a->{number} <=> $b->{number} } values %{ $upload->{parts} };
    my $more = @parts > $limit;
    splice @parts, $limit if $more;
    return OCI::S3::Reply::xml(document('ListPartsResult',
        tag(Bucket => $server->{bucket}), tag(Key => $upload->{key}),
        tag(UploadId => $upload->{id}), tag(PartNumberMarker => $after),
        tag(MaxParts => $limit), tag(IsTruncated => $more ? 'true' : 'false'),
        $more ? tag(NextPartNumberMarker => $parts[-1]{number}) : (),
        map { node('Part', tag(PartNumber => $_->{number}),
            tag(LastModified => OCI::S3::Listing::timestamp($_->{modified})),
            tag(ETag => qq("$_->{etag}")), tag(Size => $_->{body}->size)) }
            @parts));
}

1;
