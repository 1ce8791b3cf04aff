# SPDX-License-Identifier: Apache-2.0

# The strict S3 server: what it does, and everything that it refuses, each with
# the status and the code of S3.

use OCI::Test;
use Digest::MD5 qw(md5 md5_hex);
use Digest::SHA qw(sha256 sha256_hex);
use MIME::Base64 qw(encode_base64);
use OCI::Crowd;
use OCI::S3;
use POSIX ();

my $s3 = OCI::S3->start('strict', minimum => 10);
my $client = OCI::S3::Client->new($s3);
my $http = OCI::Client->new($s3);
my $bytes = random_bytes(100_000, 's3');
my $KEY = 'a key/with ü, $ and +';

sub base64 { encode_base64($_[0], '') }

sub refused {
    my ($res, $status, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($res->status . ' ' . OCI::S3::Client::code($res), "$status $code",
        $name // $code) or diag($res->text);
    return $res;
}

# ---- signatures

is($client->put($KEY, $bytes)->status, 200, 'PUT');
refused($http->get('/registry/x'), 403, 'AccessDenied', 'no signature');
for my $method (qw(get delete)) {
    refused(OCI::S3::Client->new($s3, secret => 'other')->$method($KEY), 403,
        'SignatureDoesNotMatch', "$method, wrong secret");
    refused(OCI::S3::Client->new($s3, key => 'OTHER')->$method($KEY), 403,
        'InvalidAccessKeyId', "$method, unknown key");
}
my $region = OCI::S3::Client->new($s3, region => 'eu-south-9');
my $res = refused($region->get($KEY), 400, 'AuthorizationHeaderMalformed');
is(OCI::S3::Client::element($res, 'Region'), 'us-east-1',
    'the error names the region');
for my $case ([ -16 => 403 ], [ 16 => 403 ], [ -14 => 200 ], [ 14 => 200 ]) {
    my ($minutes, $status) = @$case;
    my $res = $client->send(GET => $KEY, time => time + 60 * $minutes);
    refused($res, $status, $status == 403 ? 'RequestTimeTooSkewed' : '',
        "a clock that is $minutes minutes off");
}
$s3->clock(3600);
my $before = time;
$res = refused($client->get($KEY), 403, 'RequestTimeTooSkewed',
    "the server's clock");
ok(grep({ $_ eq $res->header('Date') } map {
    POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $_ + 3600)
} $before .. time), 'and its Date');
$s3->clock(0);
refused($client->send(GET => $KEY, unsigned => { 'x-amz-meta-a' => 1 }), 403,
    'AccessDenied', 'a header of AWS that is not signed');
refused($client->get($KEY, 'x-amz-date' => undef), 403, 'AccessDenied',
    'no x-amz-date');
refused($client->get($KEY, 'x-amz-content-sha256' => undef), 400,
    'InvalidRequest', 'no x-amz-content-sha256');
refused($client->send(GET => $KEY, unsigned => { Authorization => $_ }), 400,
    'AuthorizationHeaderMalformed') for 'AWS4-HMAC-SHA256 a=b',
    'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x';

# An Authorization header with a signature that is wrong, but of the right form,
# and with other parts changed.
sub authorize {
    my ($date, %changed) = @_;
    my %part = (algorithm => 'AWS4-HMAC-SHA256', key => $s3->key,
        day => substr($date, 0, 8), service => 's3', end => 'aws4_request',
        signed => 'host;x-amz-content-sha256;x-amz-date',
        signature => '0' x 64, %changed);
    return $client->send(GET => $KEY, headers => { 'x-amz-date' => $date },
        unsigned => { Authorization => "$part{algorithm} Credential=$part{key}/"
            . "$part{day}/us-east-1/$part{service}/$part{end}, SignedHeaders="
            . "$part{signed}, Signature=$part{signature}" });
}
my $now = OCI::S3::Client::date_of(time);
my $today = substr $now, 0, 8;
refused(authorize($now), 403, 'SignatureDoesNotMatch', 'another signature');
for my $case ([ algorithm => 'AWS4-HMAC-SHA512' ], [ service => 'ec2' ],
    [ end => 'aws5_request' ], [ day => '20130524' ], [ day => 'today' ],
    [ signed => 'x-amz-date;x-amz-content-sha256;host' ],
    [ signature => '0' ], [ signature => 'g' x 64 ]) {
    refused(authorize($now, @$case), 400, $case->[0] eq 'algorithm'
        ? 'InvalidRequest' : 'AuthorizationHeaderMalformed', "@$case");
}
for my $date ("${today}T000000", "${today}T006100Z", '20260231T000000Z') {
    refused(authorize($date), 400, 'AuthorizationHeaderMalformed', $date);
}
like(authorize($now, signed => 'host;range;x-amz-content-sha256;x-amz-date')
    ->body, qr/A signed header is missing/, 'a signed header that is not sent');
refused($client->send(GET => $KEY, payload => 'hash'), 400, 'InvalidArgument',
    'x-amz-content-sha256 that is no hash');

my $url = $client->presign(GET => $KEY, 60);
$res = $client->get_url($url);
is($res->body, $bytes, 'a presigned URL');
is($client->get_url($url, 'HEAD')->status, 403, 'not for HEAD');
for my $case ([ SignatureDoesNotMatch => $url =~ s/a%20key/b%20key/r ],
    [ SignatureDoesNotMatch => $url =~ s/Expires=60/Expires=61/r ],
    [ InvalidAccessKeyId => $client->presign(GET => $KEY, 60, key => 'A') ],
    [ AccessDenied => $client->presign(GET => $KEY, 60, time => time - 61) ],
    [ AccessDenied => $client->presign(GET => $KEY, 60, time => time + 3600)
    ]) {
    refused($client->get_url($case->[1]), 403, $case->[0], 'a presigned URL');
}
refused($client->get_url($_), 400, 'AuthorizationQueryParametersError')
    for $client->presign(GET => $KEY, 604_801),
    $client->presign(GET => $KEY, 60, region => 'eu-south-9'),
    map({ $url =~ s/&X-Amz-$_=[^&]+//r } qw(Date Credential Expires
        SignedHeaders)), $url =~ s/SHA256/SHA1/r,
    $url =~ s/Expires=60/Expires=0/r;
refused($http->get($url, Authorization => 'AWS4-HMAC-SHA256 x'), 400,
    'InvalidArgument', 'two signatures');

# ---- bodies

sub raw {
    my ($body, %headers) = @_;
    return $client->send(PUT => 'raw', body => $body, headers => \%headers);
}
refused(raw('', 'Content-Length' => undef), 411, 'MissingContentLength');
refused($client->send(POST => 'raw', query => { uploads => '' },
    headers => { 'Content-Length' => undef }), 411, 'MissingContentLength',
    'CreateMultipartUpload without Content-Length');
refused(raw([ 'a', 'b' ]), 501, 'NotImplemented', 'a chunked body');
$client->close;
refused(raw('x', 'Content-Encoding' => 'aws-chunked',
    'x-amz-content-sha256' => 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), 501,
    'NotImplemented', 'a body in signed chunks');
refused(raw('x', 'Content-Encoding' => 'gzip, aws-chunked'), 501,
    'NotImplemented', 'aws-chunked');
refused(raw('x', 'x-amz-trailer' => 'x-amz-checksum-crc32'), 501,
    'NotImplemented', 'a trailer');
refused(raw('x', 'x-amz-checksum-crc32' => 'AAAAAA=='), 501, 'NotImplemented',
    'another checksum');
refused($client->send(PUT => 'raw', body => 'x',
    payload => 'UNSIGNED-PAYLOAD'), 403, 'AccessDenied', 'an unsigned payload');
refused($client->send(PUT => 'raw', body => 'x',
    payload => sha256_hex('y')), 400, 'XAmzContentSHA256Mismatch');
refused(raw('x', 'x-amz-checksum-sha256' => base64(sha256('y'))), 400,
    'BadDigest');
refused(raw('x', 'Content-MD5' => base64(md5('y'))), 400, 'BadDigest', 'MD5');
refused(raw('x', 'Content-MD5' => 'short'), 400, 'InvalidDigest');
refused(raw('x', 'x-amz-copy-source' => '/registry/a'), 501, 'NotImplemented',
    'CopyObject');
refused(raw('x', 'x-amz-server-side-encryption' => 'rot13'), 400,
    'InvalidArgument', 'unknown encryption');
refused(raw('x', 'x-amz-server-side-encryption-aws-kms-key-id' => 'a'), 400,
    'InvalidArgument', 'a KMS key without KMS');
refused(raw('x', 'If-None-Match' => '"x"'), 501, 'NotImplemented',
    'If-None-Match with an ETag');
refused($client->delete('raw', 'If-Match' => '"x"'), 501, 'NotImplemented',
    'a conditional DELETE');
refused(OCI::S3::Client->new($s3, bucket => '')->get(undef), 405,
    'MethodNotAllowed', 'a list of buckets');
$http->close;
$res = $client->send(PUT => 'raw', body => 'x', headers =>
    { 'Content-Length' => 5 * 1024**3 + 1, Expect => '100-continue' });
refused($res, 400, 'EntityTooLarge');
$client->close;
is($client->head('raw')->status, 404, 'nothing was stored');
is(raw('x', 'x-amz-checksum-sha256' => base64(sha256('x')),
    'Content-MD5' => base64(md5('x')), Expect => '100-continue')->status, 200,
    'the right checksums, and Expect');
$http->close;
$res = $http->put('/registry/raw', 'x', Expect => '100-continue');
refused($res, 403, 'AccessDenied', 'Expect');
is_deeply($res->{interim}, [], 'and the body is not asked for');
$http->close;
for my $head ('GET / HTTP/1.0', "GET / HTTP/1.1\r\nno header", 'GET HTTP/1.1',
    "PUT / HTTP/1.1\r\nContent-Length: x") {
    $http->connect->send("$head\r\n\r\n");
    refused($http->receive, 400, 'InvalidRequest', $head =~ s/\s+/ /gr);
    $http->close;
}

# ---- objects

$res = $client->get($KEY);
is($res->body, $bytes, 'GET');
header_is($res, 'ETag', '"' . md5_hex($bytes) . '"');
$res = $client->head($KEY);
header_is($res, 'Content-Length', length $bytes, 'HEAD');
for my $case ([ 'bytes=10-19', 10, 10 ], [ 'bytes=99990-', 99_990, 10 ],
    [ 'bytes=-7', 99_993, 7 ], [ 'bytes=99999-200000', 99_999, 1 ]) {
    my ($range, $from, $length) = @$case;
    $res = $client->get($KEY, Range => $range);
    is($res->status, 206, $range);
    is($res->body, substr($bytes, $from, $length), 'its bytes');
    header_is($res, 'Content-Range',
        "bytes $from-" . ($from + $length - 1) . '/100000');
}
refused($client->get($KEY, Range => "bytes=$_"), 416, 'InvalidRange')
    for '100000-', '-0';
my $etag = '"' . md5_hex($bytes) . '"';
refused($client->get($KEY, 'If-Match' => '"x"'), 412, 'PreconditionFailed');
is($client->get($KEY, 'If-Match' => $etag)->status, 200, 'If-Match');
is($client->get($KEY, 'If-None-Match' => $etag)->status, 304, 'If-None-Match');
refused($client->get('none'), 404, 'NoSuchKey');
refused($client->get('k' x 1025), 400, 'KeyTooLongError');
refused($client->get("\xff"), 400, 'InvalidURI');
my $other = OCI::S3::Client->new($s3, bucket => 'other');
refused($other->$_('x'), 404, 'NoSuchBucket') for qw(get delete);
is($other->head(undef)->status, 404, 'HEAD of a missing bucket');
header_is($client->head(undef), 'x-amz-bucket-region', 'us-east-1');
refused($client->send(GET => 'x', query => { acl => '' }), 501,
    'NotImplemented', 'another operation');

refused($client->put($KEY, 'x', 'If-None-Match' => '*'), 412,
    'PreconditionFailed', 'PUT if there is none');
refused($client->put($KEY, 'x', 'If-Match' => '"x"'), 412,
    'PreconditionFailed', 'PUT if it matches');
refused($client->put('none', 'x', 'If-Match' => $etag), 404, 'NoSuchKey');
is($client->put('new', 'x', 'If-None-Match' => '*')->status, 200, 'a new one');
is($client->put('new', 'y', 'If-Match' => '"' . md5_hex('x') . '"',
    'Content-Type' => 'a/b')->status, 200, 'the one that matches');
header_is($client->get('new'), 'Content-Type', 'a/b');
is($client->get('new')->body, 'y', 'replaced');
is($client->delete($_)->status, 204, "DELETE $_") for qw(new new raw);

# ---- multipart uploads

my @parts = ('a' x 20, 'b' x 20, 'c' x 5);
is($client->upload('big', @parts)->status, 200, 'a multipart upload');
$res = $client->get('big');
is($res->body, join('', @parts), 'its bytes');
header_is($res, 'ETag', '"' . md5_hex(map { md5($_) } @parts) . '-3"');
is($client->get('big', Range => 'bytes=19-20')->body, 'ab',
    'a range over two parts');
for my $case ([ InvalidPart => 'a' x 20, 'b' x 21, 'c' ],
    [ InvalidPart => 'a' x 20, 'b' x 21 ],
    [ EntityTooSmall => 'a' x 9, 'b' x 9 ]) {
    my ($code, @sizes) = @$case;
    refused($client->upload('uneven', @sizes), 400, $code,
        join ' + ', map { length } @sizes);
}
my $create = { uploads => '' };
refused($client->send(POST => 'up', query => $create, body => 'x'), 400,
    'InvalidRequest', 'CreateMultipartUpload with a body');
refused($client->send(POST => 'up', query => $create, headers =>
    { 'x-amz-checksum-algorithm' => 'CRC32' }), 501, 'NotImplemented',
    'CreateMultipartUpload with another checksum');
my $id = $client->create('up');
like($id, qr/[+\/=]/, 'the ID needs to be encoded');
refused($client->part('up', $id, $_, 'x'), 400, 'InvalidArgument')
    for 0, 10_001;
refused($client->part('up', 'none', 1, 'x'), 404, 'NoSuchUpload');
refused($client->part('other', $id, 1, 'x'), 404, 'NoSuchUpload', 'of another');
refused($client->part('up', $id, 1, 'x', 'x-amz-server-side-encryption' =>
    'AES256'), 400, 'InvalidArgument', 'encryption of a part');
my @etags = map { $client->part('up', $id, $_, $parts[ $_ - 1 ])
    ->header('ETag') } 1 .. 3;
for my $case ([ InvalidPartOrder => [ 2, $etags[1] ], [ 1, $etags[0] ] ],
    [ InvalidPartOrder => [ 1, $etags[0] ], [ 1, $etags[0] ] ],
    [ InvalidPart => [ 1, '"x"' ] ], [ InvalidPart => [ 4, $etags[0] ] ],
    [ 'MalformedXML' ]) {
    my ($code, @list) = @$case;
    refused($client->complete('up', $id, \@list), 400, $code);
}
refused($client->complete('up', 'none', [ [ 1, $etags[0] ] ]), 404,
    'NoSuchUpload');
refused($client->send(POST => 'up', query => { uploadId => $id }, body => $_),
    400, 'MalformedXML') for 'x', '<CompleteMultipartUpload><Part><PartNumber>'
    . '1</PartNumber></Part></CompleteMultipartUpload>';
refused($client->send(GET => 'up', query => { uploadId => 'none' }), 404,
    'NoSuchUpload', 'ListParts');
refused($client->send(GET => 'up', query => { uploadId => $id, @$_ }), 400,
    'InvalidArgument', "@$_") for [ 'max-parts' => 0 ],
    [ 'part-number-marker' => 'x' ];
refused($client->complete('big', $id, [ [ 1, $etags[0] ] ]), 404,
    'NoSuchUpload', 'of another key');
$res = $client->send(GET => 'up', query => { uploadId => $id,
    'max-parts' => 2 });
is_deeply([ OCI::S3::Client::elements($res, 'Size') ], [ 20, 20 ], 'ListParts');
is(OCI::S3::Client::element($res, 'NextPartNumberMarker'), 2, 'its marker');
$res = $client->send(GET => 'up', query => { uploadId => $id,
    'part-number-marker' => 2 });
is_deeply([ OCI::S3::Client::elements($res, 'ETag') ], [ $etags[2] ], 'go on');
is(scalar(grep { $_->{id} eq $id && @{ $_->{parts} } == 3 } $s3->uploads), 1,
    'the control lists it');
refused($client->complete('big', $client->create('big'), []), 400,
    'MalformedXML', 'no parts');
my @all = map { [ $_, $etags[ $_ - 1 ] ] } 1 .. 3;
is($client->complete('up', $id, \@all)->status, 200, 'complete');
refused($client->complete('up', $id, \@all), 404, 'NoSuchUpload', 'only once');
$id = $client->create('up');
refused($client->part('up', $id, 1, 'x', 'x-amz-checksum-sha256' =>
    base64(sha256('y'))), 400, 'BadDigest', 'the checksum of a part');
my $part = $client->part('up', $id, 1, 'x');
refused($client->complete('up', $id, [ [ 1, $part->header('ETag') ] ],
    'If-None-Match' => '*'), 412, 'PreconditionFailed', 'Complete');
is($client->send(DELETE => 'up', query => { uploadId => $id })->status, 204,
    'abort');
refused($client->send(DELETE => 'up', query => { uploadId => $id }), 404,
    'NoSuchUpload', 'abort again');

$id = $client->create('sums', 'x-amz-checksum-algorithm' => 'SHA256');
refused($client->part('sums', $id, 1, 'x'), 400, 'InvalidRequest',
    'a part needs the checksum that Create announced');
$part = $client->part('sums', $id, 1, 'x', 'x-amz-checksum-sha256' =>
    base64(sha256('x')));
refused($client->complete('sums', $id, [ [ 1, $part->header('ETag') ] ]), 400,
    'InvalidPart', 'and so does Complete');
$client->send(DELETE => 'sums', query => { uploadId => $id });

# ---- lists

$client->put("list/$_", 'x') for 'a', 'b c', 'd&', 'e';
sub list {
    my %query = @_;
    my $res = $client->send(GET => undef,
        query => { 'list-type' => 2, %query });
    return ($res, join ' ', OCI::S3::Client::elements($res, 'Key'));
}
is((list(prefix => 'list/'))[1], 'list/a list/b c list/d& list/e', 'a list');
is((list(prefix => 'list/', 'start-after' => 'list/b c'))[1], 'list/d& list/e',
    'start-after');
is((list(prefix => 'list/', 'encoding-type' => 'url'))[1],
    'list/a list/b+c list/d%26 list/e', 'encoded');
($res, my $keys) = list(prefix => 'list/', 'max-keys' => 3);
is($keys, 'list/a list/b c list/d&', 'max-keys');
is(OCI::S3::Client::element($res, 'IsTruncated'), 'true', 'there are more');
is((list(prefix => 'list/', 'continuation-token' => OCI::S3::Client::element(
    $res, 'NextContinuationToken')))[1], 'list/e', 'the rest');
refused((list(@$_))[0], 400, 'InvalidArgument', "@$_")
    for [ 'continuation-token' => 'list/a' ], [ 'max-keys' => 'x' ],
    [ 'encoding-type' => 'x' ], [ 'list-type' => 1 ];
refused($client->send(GET => undef, query => { prefix => 'list/' }), 501,
    'NotImplemented', 'a list of version 1');

my @ids = map { $client->create($_) } qw(up/a up/b up/b up/c);
sub uploads {
    my %query = @_;
    my $res = $client->send(GET => undef, query => { uploads => '', %query });
    return ($res, OCI::S3::Client::elements($res, 'UploadId'));
}
($res, my @found) = uploads(prefix => 'up/', 'max-uploads' => 2);
is("@found", "@ids[ 0, 1 ]", 'ListMultipartUploads');
($res, @found) = uploads(prefix => 'up/', map { s/^Next//r eq 'KeyMarker'
    ? 'key-marker' : 'upload-id-marker', OCI::S3::Client::element($res, $_) }
    qw(NextKeyMarker NextUploadIdMarker));
is("@found", "@ids[ 2, 3 ]", 'the rest');
is(OCI::S3::Client::element($res, 'IsTruncated'), 'false', 'there are no more');

refused((uploads(@$_))[0], 400, 'InvalidArgument', "@$_")
    for [ 'max-uploads' => 0 ], [ 'encoding-type' => 'x' ];

my $delete = '<Delete><Object><Key>list/a</Key></Object>'
    . '<Object><Key>list/d&amp;</Key></Object>'
    . '<Object><Key>none</Key></Object></Delete>';
sub delete_all {
    my ($body, %headers) = @_;
    return $client->send(POST => undef, query => { delete => '' },
        headers => \%headers, body => $body);
}
refused(delete_all($delete), 400, 'InvalidRequest', 'no Content-MD5');
refused(delete_all($_, 'Content-MD5' => base64(md5($_))), 400, 'MalformedXML')
    for '<Delete>', '<Delete></Delete>', '<Other/>', '<Delete>&x;</Delete>',
    'x';
$res = delete_all($delete, 'Content-MD5' => base64(md5($delete)));
is(join(' ', OCI::S3::Client::elements($res, 'Key')), 'list/a list/d& none',
    'DeleteObjects');
is((list(prefix => 'list/'))[1], 'list/b c list/e', 'they are gone');

# ---- many clients

# Each of them uploads a large object of its own, and all try to create one
# object and to complete one upload.
$id = $client->create('shared');
$etag = $client->part('shared', $id, 1, 'x')->header('ETag');
my @results = at_once([$s3], 8, sub {
    my (undef, $n) = @_;
    my $client = OCI::S3::Client->new($s3);
    my @parts = map { random_bytes(300_000, "$n $_") } 1 .. 5;
    $client->upload("many/$n", @parts);
    return join ' ', $client->get("many/$n")->body eq join('', @parts) ? 1 : 0,
        $client->put('many/one', $n, 'If-None-Match' => '*')->status,
        $client->complete('shared', $id, [ [ 1, $etag ] ])->status;
});
is(join(' ', sort { $a <=> $b } map { split } map { @$_ } @results),
    join(' ', (1) x 8, (200) x 2, (404) x 7, (412) x 7),
    'many clients: all objects are whole, and one of them creates each');

# ---- what the control tells

my @log = $s3->log;
is_deeply([ @{ (grep { ($_->{key} // '') eq 'big' && $_->{method} eq 'PUT' }
    @log)[1] }{qw(bytes status presigned)} ], [ 20, 200, 0 ], 'the log');
is((grep { ($_->{headers}{range} // '') eq 'bytes=10-19' } @log)[0]{status},
    206, 'its headers');
cmp_ok(scalar(grep { $_->{presigned} } @log), '>', 5, 'presigned requests');
is((grep { ($_->{code} // '') eq 'BadDigest' } @log)[0]{method}, 'PUT',
    'and errors');
$s3->forget;
is(scalar($s3->log), 0, 'an empty log');
my ($object) = grep { $_->{key} eq 'big' } $s3->objects;
is($object->{size}, 45, 'the objects');
my $dir = $s3->dir;
my $pid = $s3->pid;
undef $_ for $s3, $client, $http, $other, $region;
ok(!-e $dir, 'nothing is left of it');
ok(!kill(0, $pid), 'it has ended');

done_testing;
