# SPDX-License-Identifier: Apache-2.0

# The S3 servers that tests can start (OCI::S3): the same requests have the same
# results with each of them, and nothing is left behind.

use OCI::Test;
use Digest::MD5 qw(md5 md5_hex);
use Digest::SHA qw(sha256_hex);
use File::Temp ();
use MIME::Base64 qw(encode_base64);
use OCI::Certificates;
use OCI::Process;
use OCI::S3;

my $MINIMUM = 5 * 1024**2;

# What s3s-fs does not do: it has other codes for an unknown key, a hash that
# does not match and a missing bucket, accepts any ETag of a part, and does not
# list multipart uploads.
my %lacks = ('s3s-fs' => { map { $_ => 1 } qw(key hash bucket etag uploads) });

sub code { OCI::S3::Client::code($_[0]) }

sub exercise {
    my ($s3, $lacks) = @_;
    my $client = OCI::S3::Client->new($s3);
    my $bytes = random_bytes(300_000, 's3');
    my $key = 'blobs/sha256/with ü, $ & +';

    my $res = $client->put($key, $bytes);
    status_is($res, 200, 'PUT');
    header_is($res, 'ETag', '"' . md5_hex($bytes) . '"');
    $res = $client->get($key);
    ok($res->body eq $bytes, 'GET');
    header_is($res, 'ETag', '"' . md5_hex($bytes) . '"');
    $res = $client->get($key, Range => 'bytes=100-199');
    is($res->status . ':' . $res->body, '206:' . substr($bytes, 100, 100),
        'a range');
    header_is($res, 'Content-Range', 'bytes 100-199/300000');
    header_is($client->head($key), 'Content-Length', 300_000, 'HEAD');
    status_is($client->head('none'), 404, 'HEAD of a missing key');
    is(code($client->get('none')), 'NoSuchKey', 'GET of a missing key');
    status_is($client->get($key, Range => 'bytes=300000-'), 416,
        'a range behind the end');
    status_is($client->put($key, 'x', 'If-None-Match' => '*'), 412,
        'If-None-Match');
    status_is($client->put($key, 'x', 'If-Match' => '"x"'), 412, 'If-Match');

    # Signatures.
    my $url = $client->presign(GET => $key, 60);
    ok($client->get_url($url)->body eq $bytes, 'a presigned URL');
    status_is($client->get_url($url, 'HEAD'), 403, 'it is not for HEAD');
    status_is($client->get_url($url =~ s/(.)\z/$1 eq '0' ? 1 : 0/er), 403,
        'a wrong signature in a URL');
    status_is($client->get_url($client->presign(GET => $key, 60,
        time => time - 100)), 403, 'an expired one');
    is(code(OCI::S3::Client->new($s3, secret => 'x')->get($key)),
        'SignatureDoesNotMatch', 'a wrong secret');
    is(code(OCI::S3::Client->new($s3, key => 'NONE')->get($key)),
        'InvalidAccessKeyId', 'an unknown key') if !$lacks->{key};
    is(code($client->send(PUT => 'x', body => 'x',
        payload => sha256_hex('y'))),
        'XAmzContentSHA256Mismatch', 'another hash') if !$lacks->{hash};
    is(code(OCI::S3::Client->new($s3, bucket => 'nobucket')->get($key)),
        'NoSuchBucket', 'a missing bucket') if !$lacks->{bucket};
    multipart($client, $lacks);
    lists($client);
    return;
}

sub multipart {
    my ($client, $lacks) = @_;
    my @parts = map { $_ x $MINIMUM } qw(a b);
    push @parts, 'c' x 100;
    my $res = $client->upload('big', @parts);
    status_is($res, 200, 'a multipart upload');
    is(OCI::S3::Client::element($res, 'ETag'),
        '"' . md5_hex(map { md5($_) } @parts) . '-3"', 'its ETag');
    my $from = $MINIMUM - 1;
    is($client->get('big', Range => "bytes=$from-" . ($from + 1))->body, 'ab',
        'its bytes');
    header_is($client->head('big'), 'Content-Length', 2 * $MINIMUM + 100);
    is(code($client->upload('small', 'a', 'b')), 'EntityTooSmall',
        'a small part');
    my $id = $client->create('up');
    $client->part('up', $id, 1, 'x');
    my $upload = { uploadId => $id };
    is(OCI::S3::Client::element($client->send(GET => 'up', query => $upload),
        'Size'), 1, 'ListParts');
    is(code($client->complete('up', $id, [ [ 1, '"' . md5_hex('y') . '"' ] ])),
        'InvalidPart', 'a wrong ETag') if !$lacks->{etag};
    my $list = $client->send(GET => undef,
        query => { uploads => '', prefix => 'up' });
    is($lacks->{uploads} ? $list->status
        : OCI::S3::Client::element($list, 'UploadId'),
        $lacks->{uploads} ? 501 : $id, 'ListMultipartUploads');
    status_is($client->send(DELETE => 'up', query => $upload), 204, 'abort');
    cmp_ok($client->part('up', $id, 1, 'x')->status, '>=', 400, 'it is gone');
    return;
}

sub lists {
    my $client = shift;
    $client->put("list/$_", 'x') for qw(a b/c d e);
    my $list = sub {
        my %query = @_;
        my $res = $client->send(GET => undef,
            query => { 'list-type' => 2, prefix => 'list/', %query });
        return ($res, join ' ', OCI::S3::Client::elements($res, 'Key'));
    };
    is(($list->())[1], 'list/a list/b/c list/d list/e', 'a list');
    is(($list->('start-after' => 'list/b/c'))[1], 'list/d list/e',
        'start-after');
    my ($res, $keys) = $list->('max-keys' => 3);
    is($keys, 'list/a list/b/c list/d', 'max-keys');
    is(OCI::S3::Client::element($res, 'IsTruncated'), 'true', 'there are more');
    my $delete = '<Delete><Object><Key>list/a</Key></Object>'
        . '<Object><Key>list/d</Key></Object></Delete>';
    status_is($client->send(POST => undef, query => { delete => '' },
        body => $delete, headers => { 'Content-MD5' =>
            encode_base64(md5($delete), '') }), 200, 'DeleteObjects');
    is(($list->())[1], 'list/b/c list/e', 'the others are left');
    status_is($client->delete('list/e'), 204, 'DELETE');
    is(($list->())[1], 'list/b/c', 'it is gone');
    return;
}

for my $name (qw(strict versitygw s3s-fs)) {
    SKIP: {
        my $why = OCI::S3->missing($name);
        skip($why, 1) if $why;
        my $s3 = OCI::S3->start($name);
        my ($dir, $pid) = ($s3->dir, $s3->pid);
        subtest $name => sub { exercise($s3, $lacks{$name} // {}) };
        my $client = OCI::S3::Client->new($s3);
        if ($name ne 'strict') {
            $s3->stop;
            $s3->again;
            status_is($client->head('big'), 200, "$name: started again");
            $pid = $s3->pid;
        }
        undef $s3;
        ok(!kill(0, $pid) && !-e $dir, "$name: nothing is left behind");
    }
}

# A server that is not built.
{
    my $empty = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
    local $ENV{MOD_OCI_CACHE} = "$empty";
    is(OCI::S3->start('versitygw'), undef, 'a missing server');
    like(OCI::S3->missing('versitygw'),
        qr{^versitygw is not built: run t/setup/clients\.sh versitygw$}, 'why');
    is(OCI::S3->missing('strict'), undef, 'strict is never missing');
    ok(!eval { OCI::S3->start('none') }, 'an unknown server');
}

# Over TLS, as a client with the certificate sees it.
SKIP: {
    my $certificates = OCI::Certificates->new;
    my $s3 = $certificates && OCI::S3->start('versitygw', tls => $certificates)
        or skip('there is no versitygw, openssl or curl', 2);
    my $client = OCI::S3::Client->new($s3);
    $s3->url =~ m{\Ahttps://} or die "no TLS\n";
    my $url = $s3->url . $client->presign(GET => 'none', 60);
    my @curl = ('curl', '-s', '--cacert');
    like(`@curl @{[ $certificates->dir ]}/server.pem '$url'`,
        qr/<Code>NoSuchKey</, 'versitygw: TLS');
    is(`@curl @{[ $certificates->dir ]}/other.pem '$url'`, '',
        'with a certificate of its own');
}

done_testing;
