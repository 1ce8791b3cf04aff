# SPDX-License-Identifier: Apache-2.0

# The signatures of OCI::S3: the examples in the documentation of Amazon S3, for
# the signer of the tests' client, for the check of the strict server, and as
# requests to that server, whose clock is set to the day of the examples.

use OCI::Test;
use Digest::SHA qw(sha256_hex);
use OCI::S3;
use OCI::S3::Request;
use OCI::S3::Signature;
use Time::Local qw(timegm);

my $TIME = timegm(0, 0, 0, 24, 4, 2013);
my $HOST = 'examplebucket.s3.amazonaws.com';
my %example = (bucket => 'examplebucket', region => 'us-east-1',
    key => 'AKIAIOSFODNN7EXAMPLE',
    secret => 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
my @date = ('x-amz-date' => '20130524T000000Z');

# Name, method, path, query, headers that are signed too, body, signature, and
# the status of the server's answer.
my @EXAMPLES = (
    [ 'GET of a range', GET => '/test.txt', '', { range => 'bytes=0-9' }, '',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41', 404 ],
    [ 'PUT', PUT => '/test%24file.text', '',
      { date => 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class' => 'REDUCED_REDUNDANCY' },
      'Welcome to Amazon S3.',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd', 200 ],
    [ 'the lifecycle', GET => '/', 'lifecycle=', {}, '',
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543', 501 ],
    [ 'a list', GET => '/', 'max-keys=2&prefix=J', {}, '',
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7', 501 ],
);
my $PRESIGNED =
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';

my $s3 = OCI::S3->start('strict', %example);
$s3->clock($TIME - time);
my $client = OCI::S3::Client->new($s3, host => $HOST, virtual => 1);
my $http = OCI::Client->new($s3);

# The server's check of a request, as a code or ''.
sub check {
    my ($target, $method, %headers) = @_;
    my $request = OCI::S3::Request->parse(join "\r\n",
        "$method $target HTTP/1.1",
        map { "$_: $headers{$_}" } sort keys %headers);
    my $wrong = OCI::S3::Signature::check($request, { now => $TIME,
        region => 'us-east-1', key => sub { { secret => $example{secret} } } });
    return $wrong ? $wrong->{code} : '';
}

for (@EXAMPLES) {
    my ($name, $method, $path, $query, $more, $body, $expected, $status) = @$_;
    my %headers = (host => $HOST, @date, %$more,
        'x-amz-content-sha256' => sha256_hex($body));
    my ($signature, $scope) = $client->signature({ method => $method,
        path => $path, query => $query, headers => \%headers,
        payload => sha256_hex($body) });
    is($signature, $expected, "$name: the client's signature");
    $headers{authorization} = 'AWS4-HMAC-SHA256 '
        . "Credential=$example{key}/$scope,SignedHeaders="
        . join(';', sort keys %headers) . ",Signature=$expected";
    my $target = $path . ($query ne '' && "?$query");
    is(check($target, $method, %headers), '', 'the server accepts it');
    is(check($target, $method, %headers, host => 'another'),
        'SignatureDoesNotMatch', 'but not for another host');
    is(check("$path?x=", $method, %headers), 'SignatureDoesNotMatch',
        'nor with another query');
    status_is($http->request($method, $target, \%headers, $body), $status,
        'sent to the server');
}

my $target = $client->presign(GET => 'test.txt', 86_400, time => $TIME);
my ($signature) = $target =~ /&X-Amz-Signature=(\w+)\z/;
is($signature, $PRESIGNED, 'a presigned URL: the signature of the client');
is(check($target, 'GET', host => $HOST), '', 'the server accepts it');
is(check($target, 'HEAD', host => $HOST), 'SignatureDoesNotMatch',
    'but not for HEAD');
is(check($target =~ s/86400/86401/r, 'GET', host => $HOST),
    'SignatureDoesNotMatch', 'nor for another time');
is($http->get($target, Host => $HOST)->status, 404, 'sent to the server');

# An unsorted query and one without "=" have the same signature.
for my $query ('prefix=J&max-keys=2', 'max-keys=2&prefix=%4A') {
    my %headers = (host => $HOST, @date, 'x-amz-content-sha256' =>
        sha256_hex(''), authorization => 'AWS4-HMAC-SHA256 Credential='
        . "$example{key}/20130524/us-east-1/s3/aws4_request, SignedHeaders="
        . "host;x-amz-content-sha256;x-amz-date, Signature=$EXAMPLES[3][6]");
    is(check("/?$query", 'GET', %headers), '', "the server accepts ?$query");
    $headers{authorization} =~ s/Signature=.*/Signature=$EXAMPLES[2][6]/;
    is(check('/?lifecycle', 'GET', %headers), '', '?lifecycle without "="');
}

done_testing;
