# SPDX-License-Identifier: Apache-2.0

# The operations of the strict S3 server on objects and on the bucket.

package OCI::S3::Objects;

use strict;
use warnings;

use OCI::S3::Reply;
use OCI::S3::XML qw(document node tag children child_text);
use POSIX qw(strftime);

*error = \&OCI::S3::Reply::error;

# ---- what other operations use too

# The error of a write whose conditions do not hold, or undef.
sub check_conditions {
    my ($request, $server) = @_;
    my $object = $server->{store}->object($request->{key});
    my $none = $request->header('if-none-match');
    my $match = $request->header('if-match');
    return error('NotImplemented', Header => 'If-None-Match')
        if defined $none && $none ne '*';
    return error('PreconditionFailed', Condition => 'If-None-Match')
        if defined $none && $object;
    return error('NoSuchKey', Key => $request->{key})
        if defined $match && !$object;
    return error('PreconditionFailed', Condition => 'If-Match')
        if defined $match && !same_etag($match, $object);
    return undef;
}

sub same_etag {
    my ($header, $object) = @_;
    return $header eq '*' || $header =~ s/"//gr eq $object->{etag};
}

# What an object keeps of the headers of the request that makes it, or an error.
sub kept_headers {
    my $request = shift;
    my $encryption = $request->header('x-amz-server-side-encryption');
    return error('InvalidArgument', ArgumentName =>
        'x-amz-server-side-encryption')
        if defined $encryption && $encryption !~ /\A(?:AES256|aws:kms)\z/;
    return error('InvalidArgument', Message => 'A KMS key without aws:kms')
        if ($encryption // '') ne 'aws:kms' && defined $request->header(
            'x-amz-server-side-encryption-aws-kms-key-id');
    return { map { $_ => $request->header($_) }
        grep { /\A(?:content-(?:type|disposition|encoding|language)
            |cache-control|x-amz-meta-.*|x-amz-server-side-encryption.*)\z/x }
        $request->header_names };
}

sub encryption_of {
    my $headers = shift;
    return map { $_ => $headers->{$_} }
        grep { /\Ax-amz-server-side-encryption/ } keys %$headers;
}

# The root element of a body, or undef if it is not XML of this name.
sub request_xml {
    my ($request, $name) = @_;
    my $body = $request->{body};
    return undef if $body->size > 4 * 1024**2;
    my $root = OCI::S3::XML::parse($body->read(0, $body->size));
    return $root && $root->{name} eq $name ? $root : undef;
}

# ---- single objects

sub put {
    my ($request, $server) = @_;
    my $wrong = check_conditions($request, $server);
    return $wrong if $wrong;
    my $headers = kept_headers($request);
    return $headers if $headers->{status};
    my $body = $request->{body};
    my $object = $server->{store}->put($request->{key},
        unpack('H*', $body->md5), $server->now, $headers, $body);
    return OCI::S3::Reply::empty(200, ETag => qq("$object->{etag}"),
        encryption_of($headers));
}

# Also for HEAD, whose reply is sent without its body.
sub get {
    my ($request, $server) = @_;
    my $object = $server->{store}->object($request->{key})
        or return error('NoSuchKey', Key => $request->{key});
    my $match = $request->header('if-match');
    return error('PreconditionFailed', Condition => 'If-Match')
        if defined $match && !same_etag($match, $object);
    my %headers = (ETag => qq("$object->{etag}"), 'Accept-Ranges' => 'bytes',
        'Last-Modified' => strftime('%a, %d %b %Y %H:%M:%S GMT',
            gmtime $object->{modified}),
        'content-type' => 'binary/octet-stream', %{ $object->{headers} });
    $headers{'content-type'} = $request->parameter('response-content-type')
        // $headers{'content-type'};
    my $none = $request->header('if-none-match');
    return OCI::S3::Reply::empty(304, %headers)
        if defined $none && same_etag($none, $object);
    my $reply = { status => 200, headers => \%headers,
        body => [ OCI::S3::Store::pieces($object) ] };
    my $range = $request->header('range');
    return defined $range ? ranged($reply, $range, $object->{size}) : $reply;
}

# One range of a reply; a header of another form is ignored.
sub ranged {
    my ($reply, $range, $size) = @_;
    my ($first, $last) = $range =~ /\Abytes=(\d*)-(\d*)\z/ or return $reply;
    return $reply if $first eq '' && $last eq ''
        || $first ne '' && $last ne '' && $last < $first;
    if ($first eq '') {
        return error('InvalidRange', ActualObjectSize => $size)
            if $last == 0;
        ($first, $last) = ($size > $last ? $size - $last : 0, $size - 1);
    }
    return error('InvalidRange', ActualObjectSize => $size,
        RangeRequested => $range) if $first >= $size;
    $last = $size - 1 if $last eq '' || $last >= $size;
    my ($before) = OCI::S3::Reply::cut($last + 1, @{ $reply->{body} });
    (undef, my $body) = OCI::S3::Reply::cut($first, @$before);
    return { status => 206, body => $body, headers => { %{ $reply->{headers} },
        'Content-Range' => "bytes $first-$last/$size" } };
}

sub remove {
    my ($request, $server) = @_;
    return error('NotImplemented', Header => 'If-Match')
        if defined $request->header('if-match');
    $server->{store}->remove($request->{key});
    return OCI::S3::Reply::empty(204);
}

# ---- the bucket

sub head_bucket {
    my ($request, $server) = @_;
    return OCI::S3::Reply::empty(200,
        'x-amz-bucket-region' => $server->{region});
}

sub location {
    my ($request, $server) = @_;
    return OCI::S3::Reply::xml(
        document('LocationConstraint', $server->{region}));
}

sub remove_all {
    my ($request, $server) = @_;
    return error('InvalidRequest', Message => 'Content-MD5 is missing')
        if !grep { defined $request->header($_) } qw(content-md5
        x-amz-checksum-sha256);
    my $root = request_xml($request, 'Delete') or return error('MalformedXML');
    my @keys = map { child_text($_, 'Key') } children($root, 'Object');
    return error('MalformedXML')
        if !@keys || @keys > 1000 || grep { !defined || $_ eq '' } @keys;
    my $quiet = (child_text($root, 'Quiet') // '') eq 'true';
    $server->{store}->remove($_) for @keys;
    return OCI::S3::Reply::xml(document('DeleteResult',
        map { $quiet ? () : node('Deleted', tag(Key => $_)) } @keys));
}

1;
