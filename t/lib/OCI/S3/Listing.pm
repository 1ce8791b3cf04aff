# SPDX-License-Identifier: Apache-2.0

# The listings of a bucket by the strict S3 server.

package OCI::S3::Listing;

use strict;
use warnings;

use MIME::Base64 qw(decode_base64url encode_base64url);
use OCI::S3::Reply;
use OCI::S3::Request;
use OCI::S3::XML qw(document node tag);
use POSIX qw(strftime);

*error = \&OCI::S3::Reply::error;

sub timestamp { strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $_[0]) }

# A number of the query from 0 to 1,000, or undef if it is not one.
sub limit {
    my ($request, $name) = @_;
    my $limit = $request->parameter($name) // 1000;
    return undef if $limit !~ /\A\d{1,9}\z/;
    return $limit > 1000 ? 1000 : $limit;
}

# A function that encodes keys as the request wants it, or undef.  AWS encodes
# them as forms do: a space is "+".
sub encoder {
    my $request = shift;
    my $type = $request->parameter('encoding-type') // return sub { $_[0] };
    return $type eq 'url' ? sub {
        return OCI::S3::Request::encode($_[0]) =~ s/%2F/\//gr =~ s/%20/+/gr;
    } : undef;
}

# The element that says so.
sub encoding_tag {
    my $type = $_[0]->parameter('encoding-type');
    return defined $type ? tag(EncodingType => $type) : '';
}

sub objects {
    my ($request, $server) = @_;
    my $limit = limit($request, 'max-keys')
        // return error('InvalidArgument', ArgumentName => 'max-keys');
    my $encode = encoder($request)
        or return error('InvalidArgument', ArgumentName => 'encoding-type');
    return error('InvalidArgument', ArgumentName => 'list-type')
        if $request->parameter('list-type') ne '2';
    my $token = $request->parameter('continuation-token');
    my $after = $request->parameter('start-after') // '';
    if (defined $token) {
        return error('InvalidArgument', ArgumentName => 'continuation-token')
            if $token !~ m{\A/[\w-]+=\z};
        $after = decode_base64url(substr $token, 1, -1);
    }
    my $prefix = $request->parameter('prefix') // '';
    my @keys = $server->{store}->keys_after($prefix, $after);
    my $more = $limit && @keys > $limit;
    splice @keys, $limit if @keys > $limit;
    return OCI::S3::Reply::xml(document('ListBucketResult',
        tag(Name => $server->{bucket}), tag(Prefix => $encode->($prefix)),
        tag(KeyCount => scalar @keys), tag(MaxKeys => $limit),
        encoding_tag($request),
        tag(IsTruncated => $more ? 'true' : 'false'),
        $more ? tag(NextContinuationToken =>
            '/' . encode_base64url($keys[-1]) . '=') : (),
        map { entry($server->{store}->object($_), $encode) } @keys));
}

sub entry {
    my ($object, $encode) = @_;
    return node('Contents', tag(Key => $encode->($object->{key})),
        tag(LastModified => timestamp($object->{modified})),
        tag(ETag => qq("$object->{etag}")), tag(Size => $object->{size}),
        tag(StorageClass => 'STANDARD'));
}

sub uploads {
    my ($request, $server) = @_;
    my $limit = limit($request, 'max-uploads');
    return error('InvalidArgument', ArgumentName => 'max-uploads') if !$limit;
    my $encode = encoder($request)
        or return error('InvalidArgument', ArgumentName => 'encoding-type');
    my ($prefix, $key, $id) = map { $request->parameter($_) // '' }
        qw(prefix key-marker upload-id-marker);
    my @uploads = grep { index($_->{key}, $prefix) == 0
        && ($_->{key} gt $key
            || $_->{key} eq $key && $id ne '' && $_->{id} gt $id) }
        $server->{store}->uploads;
    my $more = @uploads > $limit;
    splice @uploads, $limit if $more;
    return OCI::S3::Reply::xml(document('ListMultipartUploadsResult',
        tag(Bucket => $server->{bucket}), tag(Prefix => $encode->($prefix)),
        tag(KeyMarker => $encode->($key)), tag(UploadIdMarker => $id),
        tag(MaxUploads => $limit), encoding_tag($request),
        tag(IsTruncated => $more ? 'true' : 'false'),
        $more ? (tag(NextKeyMarker => $encode->($uploads[-1]{key})),
            tag(NextUploadIdMarker => $uploads[-1]{id})) : (),
        map { node('Upload', tag(Key => $encode->($_->{key})),
            tag(UploadId => $_->{id}),
            tag(Initiated => timestamp($_->{started}))) } @uploads));
}

1;
