# SPDX-License-Identifier: Apache-2.0

# Requests that a line refuses are refused to anonymous callers too, whatever
# other lines allow.

use OCI::Test;
use OCI::Auth;

my @modules = qw(auth_basic authn_core authn_file authz_user authz_host
    access_compat setenvif rewrite alias);

sub with_policy {
    my ($policy, %option) = @_;
    my $server = OCI::Server->start(modules => \@modules,
        extra => '',
        config => OCI::Auth::file_login() . "\n$policy", %option);
    OCI::Auth::passwords($server);
    $server->allows(qr/AH01617|AH01618|AH01630|AH01631|AH01629/);
    return $server;
}

# A line after "not", or in <RequireNone>, applies to anonymous callers too.
my %refusing = (
    'not' => <<'END',
<RequireAll>
    Require all granted
    Require not oci * secret/**
</RequireAll>
END
    'RequireNone' => <<'END',
<RequireAll>
    Require all granted
    <RequireNone>
        Require oci * secret/**
    </RequireNone>
</RequireAll>
END
);
for my $form (sort keys %refusing) {
    my $server = with_policy($refusing{$form});
    my %caller = map { $_ => OCI::Auth->new($server, $_) } qw(anonymous reader);
    my $image = $caller{anonymous}{client}->push_image('open/x', 'v1');
    for my $try ([ GET => 'manifests/v1' ], [ GET => 'tags/list' ],
        [ GET => "blobs/$image->{digest}" ], [ POST => 'blobs/uploads/' ],
        [ PUT => 'manifests/v1' ], [ DELETE => 'manifests/v1' ]) {
        my ($method, $path) = @$try;
        my $res = $caller{anonymous}->request($method => "/v2/secret/x/$path");
        error_is($res, 401, 'UNAUTHORIZED', undef, "$form: anonymous $method $path");
        like($res->header('WWW-Authenticate') // '', qr/^Basic /,
            'the caller is asked to log in');
        error_is($caller{reader}->request($method => "/v2/secret/x/$path"), 403,
            'DENIED', undef, 'a user is refused');
        unlike($caller{anonymous}->request($method => "/v2/open/x/$path")->status,
            qr/^40[13]$/, 'other repositories are allowed');
    }
    status_is($caller{anonymous}->request(GET => '/v2/'), 200, "$form: /v2/");
    error_is(OCI::Auth->new($server, 'wrong')->request(GET => '/v2/open/x/tags/list'),
        401, 'UNAUTHORIZED', undef, 'a wrong password');
    $server->stop;
}

# The order of lines does not matter: if one section allows a request to all
# callers, another one that refuses it has no effect.
for my $order (0, 1) {
    my @sections = ("<RequireAll>\nRequire oci pull **\n"
        . "Require not oci pull private/**\n</RequireAll>",
        'Require oci pull private/public/**');
    @sections = reverse @sections if $order;
    my $server = with_policy(join "\n", '<RequireAny>', @sections, '</RequireAny>');
    for my $who (qw(anonymous reader)) {
        my $caller = OCI::Auth->new($server, $who);
        is($caller->request(GET => '/v2/private/public/x/tags/list')->status, 404,
            "order $order: $who may");
        is($caller->request(GET => '/v2/private/x/tags/list')->status,
            $who eq 'anonymous' ? 401 : 403,
            'the caller may not use other repositories');
    }
    $server->stop;
}

# Tokens: an anonymous token grants nothing that a line refuses.
my $server = OCI::Server->start(modules => \@modules,
    extra => OCI::Auth::token_endpoint(OCI::Auth::file_login(), 1),
    config => $refusing{not});
OCI::Auth::passwords($server);
$server->allows(qr/AH01630|AH01631|AH01629/);
my $anonymous = OCI::Auth->new($server, 'anonymous');
my $token = $anonymous->token_for('repository:secret/x:pull,push',
    'repository:open/x:pull');
is_deeply([ map { $_->{name} } @{ (OCI::Auth::claims($token))[1]{access} } ],
    ['open/x'], 'an anonymous token lists the allowed repository');
error_is($anonymous->{client}->get('/v2/secret/x/tags/list',
    Authorization => "Bearer $token"), 401, 'UNAUTHORIZED', undef,
    'it does not allow the refused one');
$server->stop;

# Satisfy Any allows an address; a token is still limited to its scopes.
$server = OCI::Server->start(modules => \@modules,
    extra => OCI::Auth::token_endpoint(OCI::Auth::file_login(), 1),
    config => "Satisfy Any\nOrder allow,deny\nAllow from 127.0.0.1\n"
        . 'Require oci * **');
OCI::Auth::passwords($server);
my $client = OCI::Client->new($server);
$token = OCI::Auth->new($server, 'reader')->token_for('repository:a/b:pull');
my @bearer = (Authorization => "Bearer $token");
status_is($client->get('/v2/a/b/tags/list', @bearer), 404, 'Satisfy Any: its scope');
for my $try ([ POST => '/v2/other/c/blobs/uploads/' ], [ GET => '/v2/other/c/tags/list' ],
    [ POST => '/v2/a/b/blobs/uploads/' ], [ GET => '/v2/_catalog' ]) {
    my ($method, $path) = @$try;
    error_is($client->request($method, $path, {@bearer},
        $method eq 'POST' ? '' : undef), 401, 'UNAUTHORIZED', undef,
        "another repository is refused: $method $path");
    error_is($client->request($method, $path, { Authorization => 'Bearer a.b.c' },
        $method eq 'POST' ? '' : undef), 401, 'UNAUTHORIZED', undef,
        'an invalid token is refused');
    error_is($client->request($method, $path,
        { Authorization => OCI::Auth::basic('reader', 'guess') },
        $method eq 'POST' ? '' : undef), 401, 'UNAUTHORIZED', undef,
        'a password that no provider can check is refused');
}
$server->stop;

# A token endpoint without a provider that can check a password.
$server = OCI::Server->start(modules => \@modules, extra => <<'END');
OCIToken On
OCITokenKey "@DIR@/key.pem"
<Location "/token">
    SetHandler oci-token
    Require all granted
</Location>
END
$client = OCI::Client->new($server);
my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
my $ask = 'grant_type=password&service=' . $server->host;
error_is($client->get('/token', Authorization => OCI::Auth::basic('reader', 'x')),
    401, 'UNAUTHORIZED', undef, 'a password in a header');
error_is($client->post('/token', "$ask&username=reader&password=x", @form), 401,
    'UNAUTHORIZED', undef, 'a password in a form');
status_is($client->post('/token', $ask, @form), 200, 'no password is accepted');
$server->stop;

# The answers to a caller that may only push do not reveal digests.
$server = with_policy(<<'END');
<RequireAny>
    Require user admin
    <RequireAll>
        Require user writer
        Require oci push,delete **
    </RequireAll>
</RequireAny>
END
my $image = do {
    my $caller = OCI::Auth->new($server, 'admin');
    my $config = '{}';
    my $digest = digest_of($config);
    status_is($caller->request(POST => "/v2/a/x/blobs/uploads/?digest=$digest", {},
        $config), 201, 'a config');
    my $text = json_text(image_manifest($config, []));
    my $type = { 'Content-Type' => 'application/vnd.oci.image.manifest.v1+json' };
    status_is($caller->request(PUT => '/v2/a/x/manifests/v1', $type, $text), 201,
        'an image');
    { digest => digest_of($text), text => $text, type => $type };
};
my $writer = OCI::Auth->new($server, 'writer');
for my $try ([ PUT => 'If-Match', '"x"' ], [ PUT => 'If-None-Match', '*' ],
    [ DELETE => 'If-Match', '"x"' ]) {
    my ($method, $header, $value) = @$try;
    my $res = $writer->request($method => '/v2/a/x/manifests/v1',
        { %{ $image->{type} }, $header => $value },
        $method eq 'PUT' ? $image->{text} : undef);
    error_is($res, 412, 'MANIFEST_INVALID', qr/\Q$header\E is not met/,
        "$method, $header");
    unlike($res->text, qr/$image->{digest}/, 'the answer has no digest');
}
$server->stop;

# A page of another site can make a browser send a POST with its passwords.
$server = OCI::Server->start;
$client = OCI::Client->new($server);
my $digest = $client->push_blob('csrf/from', 'some bytes');
for my $site (qw(cross-site same-site Cross-Site)) {
    for my $query ('', "?mount=$digest&from=csrf/from", "?digest=$digest") {
        error_is($client->post("/v2/csrf/to/blobs/uploads/$query",
            $query =~ /\?digest/ ? 'some bytes' : '', 'Content-Type' => 'text/plain',
            'Sec-Fetch-Site' => $site), 403, 'DENIED', qr/page of another site/,
            "$site: POST" . substr $query, 0, 7);
    }
}
status_is($client->head("/v2/csrf/to/blobs/$digest"), 404,
    'the blob was not mounted');
status_is($client->post('/v2/csrf/to/blobs/uploads/', '', 'Sec-Fetch-Site' => $_),
    202, "$_: POST") for qw(same-origin none);
$server->stop;
done_testing;
