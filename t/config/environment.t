# SPDX-License-Identifier: Apache-2.0

# The variables of a request: in logs, and in expressions of authorization.

use OCI::Test;

my $server = OCI::Server->start(modules => [qw(authz_host headers)],
    extra => 'CustomLog @DIR@/log '
        . '"%m %{OCI_ACTION}e %{OCI_REPOSITORY}e %{OCI_REFERENCE}e '
        . '%{OCI_ERROR}e %>s"',
    after => <<'CONF');
<Location "/v2/closed/">
    Require expr "reqenv('OCI_ACTION') == 'pull'"
</Location>
<Location "/v2/small/">
    LimitRequestBody 10
</Location>
<LocationMatch "^/v2/">
    Header always set X-Repository expr=%{reqenv:OCI_REPOSITORY}
</LocationMatch>
CONF
$server->allows(qr/AH01630/);    # denied
my $client = OCI::Client->new($server);
my $absent = digest_of('absent');
my @wanted;

# Send a request, and expect its log line.
sub logs {
    my ($method, $path, $line, $body) = @_;
    my $res = $client->request($method, $path,
        { 'Content-Type' => IMAGE_INDEX }, $body);
    push @wanted, "$method $line";
    return $res;
}

logs(GET => '/v2/', '- - - - 200');
logs(GET => '/v2/_catalog', '- - - - 200');
my $location = logs(POST => '/v2/a/b/blobs/uploads/', 'push a/b - - 202', '')
    ->header('Location');
my ($id) = $location =~ m{([^/]+)$};
logs(PATCH => $location, "push a/b $id - 202", 'xy');
logs(GET => $location, "push a/b $id - 204");
my $digest = digest_of('xy');
logs(PUT => "$location?digest=$absent", "push a/b $id DIGEST_INVALID 400", '');
logs(PUT => "$location?digest=$digest", "push a/b $id - 201", '');
logs(GET => "/v2/a/b/blobs/$digest", "pull a/b $digest - 200");
logs(HEAD => "/v2/a/b/blobs/$absent", "pull a/b $absent BLOB_UNKNOWN 404");
logs(DELETE => "/v2/a/b/blobs/$digest", "delete a/b $digest - 202");
my $index = json_text({ schemaVersion => 2, manifests => [],
    mediaType => IMAGE_INDEX });
logs(PUT => '/v2/a/manifests/v1', 'push a v1 - 201', $index);
logs(PUT => '/v2/a/manifests/v1', 'push a v1 MANIFEST_INVALID 400', '{');
logs(GET => '/v2/a/manifests/v1', 'pull a v1 - 200');
logs(GET => '/v2/a/tags/list', 'pull a - - 200');
logs(GET => "/v2/a/referrers/$absent", "pull a $absent - 200");
logs(DELETE => '/v2/a/manifests/v1', 'delete a v1 - 202');
logs(POST => '/v2/a/manifests/v1', '- a v1 UNSUPPORTED 405', '');
logs(GET => '/v2/Upper/tags/list', 'pull Upper - NAME_INVALID 400');
logs(GET => '/v2/nothing', '- - - UNSUPPORTED 404');

# httpd's own filters refuse a request in the middle of its body.
$location = $client->start_upload('small/a');
push @wanted, 'POST push small/a - - 202';
($id) = $location =~ m{([^/]+)$};
logs(PATCH => $location, "push small/a $id SIZE_INVALID 413", [ 'x' x 11 ]);

# httpd denies a request because of the variables' values.
my $res = logs(PUT => '/v2/closed/manifests/v1', 'push closed v1 DENIED 403',
    $index);
error_is($res, 403, 'DENIED');
$res = logs(GET => '/v2/closed/manifests/v1',
    'pull closed v1 MANIFEST_UNKNOWN 404');
error_is($res, 404, 'MANIFEST_UNKNOWN');
header_is($res, 'X-Repository', 'closed', 'other modules see the variables');

$server->stop_quietly;
my @lines = split /\n/, OCI::Server::slurp($server->dir . '/log');
is(scalar @lines, scalar @wanted, 'a line for each request');
# A connection that is closed in the middle of a body is logged late.
for my $wanted (@wanted) {
    my ($at) = grep { $lines[$_] eq $wanted } 0 .. $#lines;
    ok(defined $at, $wanted =~ s/sha256:\w+/.../r) or diag "@lines";
    splice @lines, $at, 1 if defined $at;
}
$server->stop;
done_testing;
