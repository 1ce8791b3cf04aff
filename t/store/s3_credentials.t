# SPDX-License-Identifier: Apache-2.0

# The strict S3 server hands out temporary keys as the metadata service of
# instances, that of containers, and STS do, and accepts them until they expire.

use OCI::Test;
use OCI::Auth;
use OCI::S3;

my $s3 = OCI::S3->start('strict');
my $http = OCI::Client->new($s3);
OCI::S3::Client->new($s3)->put('a', 'bytes');

# The code of a GET with a key, or ''.
sub code_with {
    my ($id, $secret, $token) = @_;
    return OCI::S3::Client::code(OCI::S3::Client->new($s3, key => $id,
        secret => $secret, token => $token)->get('a'));
}

sub key_of { @{ $_[0]->json }{qw(AccessKeyId SecretAccessKey Token)} }

# ---- instances

my $ROLES = '/latest/meta-data/iam/security-credentials/';
my $TTL = 'X-aws-ec2-metadata-token-ttl-seconds';
status_is($http->put('/latest/api/token', '', $TTL => 60), 403,
    'the services are off at first');
$s3->credentials(instance => 'registry', lifetime => 600);
status_is($http->put('/latest/api/token', ''), 400, 'a token without a TTL');
status_is($http->put('/latest/api/token', '', $TTL => $_), 400, "TTL $_")
    for 0, 21_601;
my $res = $http->put('/latest/api/token', '', $TTL => 60);
status_is($res, 200, 'a token of IMDSv2');
my %token = ('X-aws-ec2-metadata-token' => $res->body);
status_is($http->get($ROLES), 401, 'no token: version 1 is refused');
status_is($http->get($ROLES, 'X-aws-ec2-metadata-token' => 'x'), 401,
    'a wrong token');
status_is($http->get($ROLES, %token, 'X-Forwarded-For' => '10.0.0.1'), 403,
    'through a proxy');
is($http->get($ROLES, %token)->body, 'registry', 'the role');
status_is($http->post($ROLES, '', %token), 405, 'POST');
status_is($http->get('/latest/api/token', $TTL => 60), 405, 'GET of a token');
status_is($http->get("${ROLES}other", %token), 404, 'another role');
$res = $http->get("${ROLES}registry", %token);
is($res->json->{Code}, 'Success', 'a key');
like($res->json->{Expiration}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/,
    'its time');
my ($id, $secret, $session) = key_of($res);
is(code_with($id, $secret, $session), '', 'it works');
is(code_with($id, $secret), 'InvalidAccessKeyId', 'not without its token');
is(code_with($id, $secret, 'x'), 'InvalidToken', 'nor with another one');
is(code_with($id, 'x', $session), 'SignatureDoesNotMatch', 'nor secret');
is(code_with($s3->key, $s3->secret, $session), 'InvalidToken',
    'the permanent key has no token');
my $url = OCI::S3::Client->new($s3, key => $id, secret => $secret,
    token => $session)->presign(GET => 'a', 3600);
is($http->get($url)->body, 'bytes', 'a presigned URL with it');

$s3->clock(601);
is(code_with($id, $secret, $session), 'ExpiredToken', 'it expires');
is(OCI::S3::Client::code($http->get($url)), 'ExpiredToken', 'so does the URL');
status_is($http->get("${ROLES}registry", %token), 401, 'and the token of IMDS');
$s3->clock(0);
my @next = key_of($http->get("${ROLES}registry", %token));
isnt($next[0], $id, 'each answer has a new key');
is(code_with(@next), '', 'which works');
$s3->revoke;
is(code_with(@next), 'ExpiredToken', 'all keys can be made to expire at once');
is(code_with(key_of($http->get("${ROLES}registry", %token))), '',
    'not those that come later');
$s3->faults({ fault => 'status', key => '^/latest/meta-data/' });
status_is($http->get("${ROLES}registry", %token), 500, 'a fault');
is((grep { $_->{path} eq $ROLES } $s3->log)[0]{status}, 401, 'they are logged');

# ---- containers

$s3->credentials(container => 'Bearer abc');
status_is($http->get('/v2/credentials/x'), 401, 'containers: no authorization');
$res = $http->get('/v2/credentials/x', Authorization => 'Bearer abc');
is(code_with(key_of($res)), '', 'a key of a container');
status_is($http->post('/v2/credentials/x', '', Authorization => 'Bearer abc'),
    405, 'POST');
$s3->credentials(container => '');
is(code_with(key_of($http->get('/v2/credentials/x'))), '', 'no authorization');

# ---- web identity

$s3->credentials(web => 'the.web+token');
my %form = (Action => 'AssumeRoleWithWebIdentity', Version => '2011-06-15',
    RoleArn => 'arn:aws:iam::123456789012:role/registry',
    RoleSessionName => 'registry', WebIdentityToken => 'the.web+token');

sub assume {
    my ($method, %changed) = @_;
    my %form = (%form, %changed);
    my $text = join '&', map { "$_=" . OCI::Auth::url_encode($form{$_}) }
        sort keys %form;
    return $method eq 'GET' ? $http->get("/?$text") : $http->post('/', $text,
        'Content-Type' => 'application/x-www-form-urlencoded');
}
for my $method (qw(GET POST)) {
    my $res = assume($method);
    is(code_with(map { OCI::S3::Client::element($res, $_) }
        qw(AccessKeyId SecretAccessKey SessionToken)), '', "STS by $method");
}
for my $case ([ InvalidIdentityToken => WebIdentityToken => 'x' ],
    [ ValidationError => RoleArn => 'registry' ],
    [ ValidationError => RoleSessionName => 'a b' ],
    [ ValidationError => DurationSeconds => 899 ],
    [ InvalidAction => Action => 'AssumeRole' ],
    [ InvalidAction => Version => '' ]) {
    my ($code, @changed) = @$case;
    my $res = assume(POST => @changed);
    is($res->status . OCI::S3::Client::code($res), "400$code", "@changed");
}
$s3->credentials;
is(assume('POST')->status, 403, 'off again');

done_testing;
