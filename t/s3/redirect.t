# SPDX-License-Identifier: Apache-2.0

# Pulls are redirected to the bucket, unless the configuration or a variable
# says otherwise.  HEAD and refusals need no request to the S3 server.

use OCI::Test;

use OCI::S3::Registry;

my ($s3, $server, $client) = s3_registry(modules => ['setenvif'],
    extra => 'SetEnvIf User-Agent old no-oci-redirect');
my $plain = OCI::Client->new($s3);
my $bytes = random_bytes(300_000, 'redirect');
my $digest = $client->push_blob('a/b', $bytes);
my $path = "/v2/a/b/blobs/$digest";
$s3->forget;

# The path and the query of a URL at the server, and its parameters.
sub url_of {
    my ($res, $host) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    status_is($res, 307, 'it is redirected');
    my ($target) = ($res->header('Location') // '')
        =~ m{\Ahttp://\Q@{[ $host // $s3->host ]}\E(/.*)\z};
    ok($target, 'to the bucket') or diag($res->header('Location'));
    my %query = map { split /=/, $_, 2 } split /&/,
        ($target // '') =~ s/.*\?//r;
    return ($target // '/', \%query);
}

# ---- a redirect

my $res = $client->get($path);
my ($target, $query) = url_of($res);
header_is($res, 'Cache-Control', 'private, no-store', 'it must not be cached');
header_is($res, 'Content-Length', 0);
header_is($res, 'Docker-Content-Digest', $digest);
header_is($res, $_, undef, "no $_")
    for qw(ETag Content-Range Accept-Ranges Content-Type);
is_deeply([ requests($s3) ], [], 'nothing was asked of the S3 server');
is($query->{'X-Amz-Expires'}, 1200, 'it is valid for 20 minutes');
is($query->{'X-Amz-SignedHeaders'}, 'host', 'only the host is signed');
like($target, qr{\A/registry/.*/blobs/}, 'the path has bucket and prefix');
unlike($res->header('Location'), qr/\Q@{[ $s3->secret ]}\E/, 'no secret');

$res = $plain->get($target);
status_is($res, 200, 'a client without credentials');
ok($res->body eq $bytes, 'gets the bytes');
status_is($plain->get($target, Range => 'bytes=5-9'), 206, 'or a range');
my ($entry) = $s3->log;
is($entry->{presigned}, 1, 'the URL has the signature');
$res = $plain->get($target =~ s/(Signature=)(.)/$1 . ($2 eq '0' ? 1 : 0)/er);
status_is($res, 403, 'another signature is refused');

$s3->clock(1300);
status_is($plain->get($target), 403, 'it has expired after 20 minutes');
$s3->clock(0);
my ($again) = url_of($client->get($path, Range => 'bytes=0-3'));
status_is($plain->get($again, Range => 'bytes=0-3'), 206, 'a range');

# ---- what needs no request

$s3->forget;
$res = $client->head($path);
status_is($res, 200, 'HEAD');
header_is($res, 'Content-Length', length $bytes);
header_is($res, 'Docker-Content-Digest', $digest);
header_is($res, 'Location', undef, 'it is not redirected');
status_is($client->$_($path, 'If-None-Match' => qq("$digest")), 304,
    "$_, If-None-Match") for qw(get head);
error_is($client->$_("/v2/a/b/blobs/sha256:" . '0' x 64), 404, 'BLOB_UNKNOWN')
    for qw(get head);
error_is($client->get("/v2/other/blobs/$digest"), 404, 'BLOB_UNKNOWN');
status_is($client->post("/v2/c/blobs/uploads/?mount=$digest&from=a/b"), 201,
    'a mount');
is_deeply([ requests($s3) ], [], 'all of this without the S3 server');
url_of($client->get("/v2/c/blobs/$digest"));

# ---- streams instead

sub is_streamed {
    my ($name, %headers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $s3->forget;
    my $res = $client->get($path, %headers);
    status_is($res, 200, "$name: no redirect");
    ok($res->body eq $bytes, "$name: the bytes");
    header_is($res, 'ETag', qq("$digest"));
    is_deeply([ map { $_->{presigned} } grep { $_->{key} =~ m{/blobs/} }
        $s3->log ], [0], "$name: httpd has asked for them");
}

is_streamed('no-oci-redirect', 'User-Agent' => 'very old');
url_of($client->get($path, 'User-Agent' => 'new'));
$server->set(config => 'OCIRedirect Off');
$server->graceful;
is_streamed('OCIRedirect Off');
$server->set(config => '', after => <<'CONF');
<Location "/v2/c/">
    OCIRedirect Off
</Location>
CONF
$server->graceful;
url_of($client->get($path));
status_is($client->get("/v2/c/blobs/$digest"), 200, 'off in a subsection');
$server->stop;

# ---- another endpoint for clients, another lifetime

($s3, $server, $client) = s3_registry();
my $public = 'localhost:' . $s3->port;
$server->stop;
($s3, $server, $client) = s3_registry(s3 => $s3, settings => {
    OCIS3PublicEndpoint => "http://$public", OCIS3RedirectExpiry => 60 });
$plain = OCI::Client->new($s3);
$client->push_blob('a/b', $bytes);
($target, $query) = url_of($client->get($path), $public);
is($query->{'X-Amz-Expires'}, 60, 'OCIS3RedirectExpiry');
$res = $plain->get($target, Host => $public);
status_is($res, 200, 'OCIS3PublicEndpoint');
ok($res->body eq $bytes, 'the bytes');
status_is($plain->get($target), 403, 'the name of the host is signed');
$s3->clock(61);
status_is($plain->get($target, Host => $public), 403, 'it has expired');
$s3->clock(0);
status_is($client->head($path), 200, 'HEAD is answered here');

# A redirect does not ask whether the S3 server works.
$s3->stop;
url_of($client->get($path), $public);
status_is($client->head($path), 200, 'HEAD, too');
$server->stop;

# ---- the bucket in the name of the host

SKIP: {
    my $s3 = OCI::S3->start('strict');
    my $host = 'localhost:' . $s3->port;
    # Without a resolver's help, libcurl knows the names below "localhost".
    my ($minor) = `pkg-config --modversion libcurl` =~ /\A7\.(\d+)/;
    skip('libcurl does not know registry.localhost', 1)
        if defined $minor && $minor < 85 && !gethostbyname 'registry.localhost';
    my ($same, $server, $client) = s3_registry(s3 => $s3, settings => {
        OCIS3Endpoint => "http://$host", OCIS3PathStyle => 'Off' });
    $client->push_blob('a/b', $bytes);
    my ($target) = url_of($client->get($path), "registry.$host");
    like($target, qr{\A/(?!registry/).*/blobs/}, 'the path is only the key');
    my $res = OCI::Client->new($s3)->get($target, Host => "registry.$host");
    ok($res->status == 200 && $res->body eq $bytes, 'the bytes');
    $server->stop;
}

done_testing;
