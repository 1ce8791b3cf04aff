# SPDX-License-Identifier: Apache-2.0

# Tags that only some callers may push are protected in ?tag= as in the path.

use OCI::Test;
use OCI::Auth;

my $locations = <<'END';
<LocationMatch "^/v2/.*/manifests/release-">
    <RequireAny>
        Require oci pull **
        Require user admin
    </RequireAny>
</LocationMatch>
END
my $expression = <<'END';
<RequireAny>
    Require user admin
    <RequireAll>
        Require oci * **
        Require expr "%{REQUEST_METHOD} != 'PUT' \
            || reqenv('OCI_REFERENCE') !~ /^release-/"
    </RequireAll>
</RequireAny>
END
my $text = json_text(image_manifest('{}', []));
my $digest = digest_of($text);

sub put {
    my ($client, $path, $header) = @_;
    return $client->put("/v2/team/image/manifests/$path", $text,
        'Content-Type' => IMAGE_MANIFEST, Authorization => $header);
}

sub tags {
    my $res = $_[0]->get('/v2/team/image/tags/list');
    return join ' ', @{ $res->json->{tags} // [] };
}

for my $case (
    [ 'a Location'    => $locations,  'Require all granted', 0 ],
    [ 'an expression' => '', $expression, 0 ],
    [ 'a Location, tokens' => $locations, 'Require all granted', 1 ]
) {
    my ($name, $after, $config, $tokens) = @$case;
    my %setup = OCI::Auth::setup($tokens ? 'tokens, open pull' : 'Basic only');
    my $server = OCI::Server->start(%setup, after => $after, config =>
        $tokens ? $config : OCI::Auth::file_login() . "\n$config");
    OCI::Auth::passwords($server);
    $server->allows(qr/AH016(?:30|31)/);
    my $client = OCI::Client->new($server);
    $client->push_blob('team/image', '{}');
    my %header = map {
        my $caller = OCI::Auth->new($server, $_);
        $_ => !$tokens ? $caller->{basic} : 'Bearer '
            . $caller->token_for('repository:team/image:pull,push')
    } qw(writer admin);

    status_is(put($client, 'v1', undef), 201,
        "$name: a tag that all callers may push");
    status_is(put($client, "$digest?tag=v2&tag=v3", undef), 201,
        'two such tags');
    for my $path ('release-1', "$digest?tag=release-1",
        "$digest?tag=v4&tag=release-1", "$digest?tag=%72elease-1&tag=v4") {
        my $res = put($client, $path, undef);
        error_is($res, 401, 'UNAUTHORIZED', undef, "nobody: $path"
            =~ s/sha256:\w+/.../r);
        like($res->header('WWW-Authenticate'),
            $tokens ? qr/^Bearer .*scope="repository:team\/image:pull,push"/
                : qr/^Basic /, 'an anonymous caller is asked to log in');
        error_is(put($client, $path, $header{writer}), 403, 'DENIED',
            $path =~ /tag=/ ? qr{: writer may not push this tag to team/image$}
                : qr{: writer may not push to team/image$}, 'a user is refused');
    }
    is(tags($client), 'v1 v2 v3', 'the refused tags do not exist');
    status_is(put($client, "$digest?tag=release-1&tag=v4", $header{admin}), 201,
        'an allowed user may push the tag');
    is(tags($client), 'release-1 v1 v2 v3 v4', 'the tag exists');
    $server->stop;
}
done_testing;
