# SPDX-License-Identifier: Apache-2.0

# Errors are JSON with the right status, also those that httpd itself raises,
# whatever ErrorDocument the configuration has.

use MIME::Base64 qw(encode_base64);
use OCI::Test;

sub base64_sha1 { Digest::SHA::sha1_base64($_[0]) . '=' }

my $documents = join "\n", map { "ErrorDocument $_ /error.html" }
    400 .. 417, 421 .. 424, 426, 428, 429, 431, 451, 500 .. 508, 510, 511;
my $texts = join "\n", map { qq(ErrorDocument $_ "a text of $_") }
    400 .. 417, 421 .. 424, 429, 431, 451, 500 .. 508, 510, 511;
my $elsewhere = join "\n", map { "ErrorDocument $_ http://127.0.0.1:1/$_" }
    400, 402 .. 417, 421 .. 424, 429, 431, 451, 500 .. 508, 510, 511;

# Locations with every kind of directive by which httpd may refuse a request.
my $after = <<'END';
<Location "/v2/guarded/">
    AuthType Basic
    AuthName "a realm"
    AuthBasicProvider file
    AuthUserFile "@DIR@/users"
    Require valid-user
</Location>
<Location "/v2/others/">
    AuthType Basic
    AuthName "a realm"
    AuthBasicProvider file
    AuthUserFile "@DIR@/users"
    Require user somebody-else
</Location>
<Location "/v2/closed/">
    Require all denied
</Location>
<Location "/v2/fixed/">
    OCIImmutable **
</Location>
<Location "/v2/small/">
    LimitRequestBody 1000
</Location>
RedirectMatch 410 ^/v2/gone/
RedirectMatch 451 ^/v2/unlawful/
RewriteEngine On
END
my @statuses = (400 .. 417, 421 .. 424, 426, 428, 429, 431, 451, 500 .. 508);
$after .= "RewriteRule ^/v2/status/$_/ - [R=$_]\n" for @statuses;
my @modules = qw(alias rewrite auth_basic authn_core authn_file authz_user authz_host reqtimeout);
my $limits = "LimitRequestFields 20\nRequestReadTimeout header=0 body=0\n"
    . 'CustomLog @DIR@/env_log "%>s %{OCI_ERROR}e %{OCI_ACTION}e '
    . '%{OCI_REPOSITORY}e %{OCI_REFERENCE}e"';
my $basic = 'Basic ' . encode_base64('user:secret', '');

sub all_errors {
    my ($title, %option) = @_;
    my $extra = "$limits\n" . ($option{extra} // '');
    my $server = OCI::Server->start(modules => \@modules, after => $after,
        %option, extra => $extra);
    my $client = OCI::Client->new($server);
    open my $users, '>', $server->dir . '/users' or die "users: $!\n";
    print $users 'user:{SHA}', base64_sha1('secret'), "\n";
    close $users or die "users: $!\n";
    open my $page, '>', $server->dir . '/htdocs/error.html' or die "page: $!\n";
    print $page "<html>an administrator's page</html>\n";
    close $page or die "page: $!\n";
    $server->allows(qr/AH01618: user nobody not found/,
        qr/AH01617: user user: authentication failure/,
        qr/AH01630: client denied by server configuration/,
        qr/AH01631: user user: authorization failure/,
        qr/AH10244: invalid URI path/);

    my $digest = digest_of('{}');
    my $text = json_text(image_manifest('{}', []));
    my $is = sub {
        my ($res, $status, $code, $name) = @_;
        local $Test::Builder::Level = $Test::Builder::Level + 1;
        return error_is($res, $status, $code, undef, "$title: $name");
    };

    # 401 and 403
    for my $path (qw(guarded/x/tags/list guarded/x/manifests/y),
        "guarded/x/blobs/$digest") {
        my $res = $client->get("/v2/$path");
        $is->($res, 401, 'UNAUTHORIZED', "GET $path");
        header_is($res, 'WWW-Authenticate', 'Basic realm="a realm"',
            'a challenge');
        header_is($res, 'Cache-Control', 'no-cache');
        $is->($client->head("/v2/$path"), 401, 'UNAUTHORIZED', "HEAD $path");
    }
    for my $who (qw(nobody:x user:wrong)) {
        my $bad = 'Basic ' . encode_base64($who, '');
        $is->($client->get('/v2/guarded/x/tags/list', Authorization => $bad),
            401, 'UNAUTHORIZED', "as $who");
    }
    $is->($client->get('/v2/guarded/x/tags/list', Authorization => $basic), 404,
        'NAME_UNKNOWN', 'the right user');
    $is->($client->post('/v2/guarded/x/blobs/uploads/', 'x' x 1000), 401,
        'UNAUTHORIZED', 'POST');
    $is->($client->put('/v2/guarded/x/manifests/y', 'x' x 1_000_000), 401,
        'UNAUTHORIZED', 'a large PUT');
    $is->($client->$_('/v2/closed/x/manifests/y'), 403, 'DENIED', "closed: $_")
        for qw(get head delete);
    $is->($client->put('/v2/closed/x/manifests/y', 'x' x 1_000_000), 403,
        'DENIED', 'closed: a large PUT');
    my $others = $client->get('/v2/others/x/tags/list', Authorization => $basic);
    ok($others->status == 401 || $others->status == 403,
        "$title: the wrong user");
    $is->($others, $others->status, $others->status == 401 ? 'UNAUTHORIZED'
        : 'DENIED', 'in JSON');

    # Errors of the module.
    $is->($client->$_('/v2/x/manifests/y'), 404, 'MANIFEST_UNKNOWN', "404 $_")
        for qw(get head delete);
    $is->($client->$_("/v2/x/blobs/$digest"), 404, 'BLOB_UNKNOWN', "404 $_")
        for qw(get head);
    $client->push_blob('fixed/x', '{}');
    $client->push_manifest('fixed/x', 'y', $text);
    $is->($client->delete('/v2/fixed/x/manifests/y'), 409, 'DENIED',
        'an immutable tag');
    $is->($client->get('/v2/x/tags/list'), 404, 'NAME_UNKNOWN', 'no repository');
    $is->($client->get('/v2/X/tags/list'), 400, 'NAME_INVALID', 'a bad name');
    $is->($client->$_('/v2/nothing'), 404, 'UNSUPPORTED', "no such path: $_")
        for qw(get head);
    for my $method (qw(POST PATCH PUT DELETE PROPFIND MKCOL LOCK FOO)) {
        my $res = $client->request($method => '/v2/_catalog', {}, 'x');
        $is->($res, 405, 'UNSUPPORTED', $method);
        header_is($res, 'Allow', 'OPTIONS, GET, HEAD');
    }
    my $res = $client->head("/v2/x/blobs/$digest");
    my $get = $client->get("/v2/x/blobs/$digest");
    header_is($res, 'Content-Length', $get->header('Content-Length'),
        "$title: HEAD has the error's length");

    # Errors that httpd raises before it calls the module.
    $is->($client->get($_), 404, 'UNSUPPORTED', $_) for '/v2/a%2Fb/tags/list',
        '/v2/a/manifests/x%2Fy';
    $is->($client->get($_), 400, 'UNSUPPORTED', $_) for '/v2/%zz/tags/list',
        '/v2/a/manifests/%';
    $is->($client->get('/v2/' . 'x' x 8200 . '/tags/list'), 414, 'UNSUPPORTED',
        'a long URL');
    $is->($client->request(GET => '/v2/', [ 'X-Long' => 'x' x 8200 ]), 400,
        'UNSUPPORTED', 'a long header');
    $is->($client->request(GET => '/v2/', [ map { ("X-$_" => 1) } 1 .. 30 ]), 400,
        'UNSUPPORTED', 'many headers');
    $is->($client->get('/v2/', Host => undef), 400, 'UNSUPPORTED', 'no Host');
    $is->($client->get('/v2/', Host => 'a b'), 400, 'UNSUPPORTED', 'a bad Host');
    $is->($client->get('/v2/', Expect => 'the unexpected'), 417, 'UNSUPPORTED',
        '417');
    for my $raw ("GET /v2/ HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "GET /v2/ HTTP/1.1\r\nHost: x\r\nbad name: y\r\n\r\n",
        "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        "GET /v2/ HTTP/1.1 more\r\nHost: x\r\n\r\n",
        "GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET  /v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "G\@T /v2/ HTTP/1.1\r\nHost: x\r\n\r\n") {
        my $own = OCI::Client->new($server);
        $own->send($raw);
        $res = $own->receive;
        my ($short) = $raw =~ /\A(.*?)\r\n\r\n/s;
        $short =~ s/[^ -~]+/ /g;
        $is->($res, 400, 'UNSUPPORTED', $short);
        header_is($res, 'Connection', 'close');
    }
    $is->($client->request(PATCH => '/v2/x/blobs/uploads/y',
        { 'Transfer-Encoding' => 'gzip' }), 400, 'UNSUPPORTED',
        'an unknown coding');

    # Errors of other modules.
    for my $status (@statuses) {
        my $code = { 401 => 'UNAUTHORIZED', 403 => 'DENIED', 413 => 'SIZE_INVALID',
            429 => 'TOOMANYREQUESTS', 503 => 'UNAVAILABLE' }->{$status}
            // ($status < 500 ? 'UNSUPPORTED' : 'UNKNOWN');
        $is->($client->get("/v2/status/$status/x"), $status, $code,
            "$status of another module");
    }
    $is->($client->get("/v2/$_->[0]/x"), $_->[1], 'UNSUPPORTED', $_->[0])
        for [ gone => 410 ], [ unlawful => 451 ];

    # Limits
    my $small = $client->start_upload('small/x');
    error_is($client->patch($small, 'x' x 1001), 413, 'SIZE_INVALID',
        qr/LimitRequestBody/, "$title: LimitRequestBody");
    error_is($client->patch($small, [ ('x' x 100) x 11 ]), 413, 'SIZE_INVALID',
        qr/LimitRequestBody/, "$title: LimitRequestBody, in chunks");
    error_is($client->put('/v2/small/x/manifests/y', ' ' x 1001, 'Content-Type' =>
        IMAGE_MANIFEST), 413, 'SIZE_INVALID', qr/LimitRequestBody/,
        "$title: LimitRequestBody, a manifest");
    header_is($client->get($small), 'Range', '0-0', 'none of it is stored');
    status_is($client->patch($small, 'x' x 1000), 202, 'at the limit');

    # Clients that stop sending.  On a busy machine others would reach this limit.
    $server->set(extra => $extra =~ s/body=0/body=1/r);
    $server->graceful;
    $client->close;
    my $slow = OCI::Client->new($server);
    my $where = $client->start_upload('slow');
    $slow->send("PATCH $where HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
        . 'abc');
    $res = $slow->receive('PATCH');
    $is->($res, 408, 'UNSUPPORTED', 'silence');
    header_is($res, 'Connection', 'close');
    header_is($client->get($where), 'Range', '0-2',
        'the received part is kept');

    my %env = map { /\A(\d+ \S+)/ ? ($1 => $_) : () }
        split /\n/, OCI::Server::slurp($server->dir . '/env_log');
    for my $line ('404 MANIFEST_UNKNOWN', '404 BLOB_UNKNOWN', '400 NAME_INVALID',
        '405 UNSUPPORTED', '413 SIZE_INVALID', '401 UNAUTHORIZED', '403 DENIED',
        '409 DENIED') {
        ok($env{$line}, "$title: logged: $line") || diag(join "\n", sort keys %env);
    }
    is($env{'404 BLOB_UNKNOWN'}, "404 BLOB_UNKNOWN pull x $digest",
        "$title: the log has all known variables");
    $server->stop("$title: httpd had no errors");
    return;
}

all_errors('plain');
all_errors('pages', extra => $documents);
all_errors('texts', extra => $texts, config => $texts);
all_errors('redirects', extra => $elsewhere, config => $elsewhere);

# A virtual host with the main server's registry and its own ErrorDocument.
my $server = OCI::Server->start(ports => 2, extra => $texts, after => <<'END');
<VirtualHost *:@PORT2@>
    OCIReadOnly On
</VirtualHost>
END
for my $case ([ 400, "G\@T /v2/ HTTP/1.1\r\nHost: x\r\n\r\n" ],
    [ 400, "GET v2/ HTTP/1.1\r\nHost: x\r\n\r\n" ],
    [ 414, 'GET /v2/' . 'x' x 8200 . " HTTP/1.1\r\nHost: x\r\n\r\n" ]) {
    for my $port (1, 2) {
        my $client = OCI::Client->new($server->host($port));
        $client->send($case->[1]);
        error_is($client->receive, $case->[0], 'UNSUPPORTED', undef,
            "host $port: " . substr $case->[1], 0, 8);
    }
}
$server->stop;

done_testing;
