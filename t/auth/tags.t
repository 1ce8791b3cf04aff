# SPDX-License-Identifier: Apache-2.0

# Tags that only some callers may push or delete are protected in ?tag=, and when
# the digest that they name is deleted, as in the path.

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
        Require expr "%{REQUEST_METHOD} !~ /^(?:PUT|DELETE)$/ \
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
            . $caller->token_for('repository:team/image:pull,push,delete')
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
    for my $path ('release-1', $digest) {
        my $what = $path eq $digest ? 'a digest that it names' : 'the tag';
        my $res = $client->delete("/v2/team/image/manifests/$path");
        error_is($res, 401, 'UNAUTHORIZED', $path eq $digest
            ? qr/: log in to delete the tag release-1$/ : undef,
            "$name: nobody deletes $what");
        like($res->header('WWW-Authenticate'), $tokens
            ? qr/^Bearer .*scope="repository:team\/image:[a-z,]*delete"/
            : qr/^Basic /, 'an anonymous caller is asked to log in');
        error_is($client->delete("/v2/team/image/manifests/$path",
            Authorization => $header{writer}), 403, 'DENIED', $path eq $digest
            ? qr/: writer may not delete the tag release-1$/
            : qr{: writer may not delete from team/image$}, 'a user is refused');
    }
    is(tags($client), 'release-1 v1 v2 v3 v4', 'nothing is deleted');
    status_is($client->delete("/v2/team/image/manifests/$digest",
        Authorization => $header{admin}), 202, 'an allowed user may delete it');
    is(tags($client), '', 'with its tags');
    $server->stop;
}
# Messages tell the names of tags, and the digests that they name, only to callers
# that may pull them.
my $server = OCI::Server->start(OCI::Auth::setup('tokens'), config => <<'END',
<RequireAny>
    Require user admin
    Require oci push,delete **
</RequireAny>
OCIImmutable ** tags=fixed-.*
END
    after => <<'END');
<LocationMatch "/manifests/secret-">
    Require user admin
</LocationMatch>
<LocationMatch "/manifests/kept-">
    OCITagDelete Off
</LocationMatch>
<LocationMatch "/manifests/closed-">
    AuthMerging And
    <LimitExcept GET HEAD PUT>
        Require all denied
    </LimitExcept>
</LocationMatch>
END
OCI::Auth::passwords($server);
$server->allows(qr/AH016(?:30|31)/);
my $client = OCI::Client->new($server);
my %token = map { $_ => 'Bearer ' . OCI::Auth->new($server, $_)
    ->token_for('repository:team/image:pull,push,delete') } qw(writer admin);
my $narrow = 'Bearer ' . OCI::Auth->new($server, 'admin')
    ->token_for('repository:team/image:push,delete');
status_is($client->post("/v2/team/image/blobs/uploads/?digest=" . digest_of('{}'),
    '{}', Authorization => $token{admin}), 201, 'a blob');
for my $case ([ 'secret-1', 403, 'DENIED', 202 ],
    [ 'kept-1', 405, 'UNSUPPORTED', 405 ], [ 'fixed-1', 409, 'DENIED', 409 ],
    [ 'closed-1', 403, 'DENIED', 403 ]) {
    my ($tag, $status, $code, $admin) = @$case;
    my $other = json_text(image_manifest('{}', [], annotations => { n => $tag }));
    my $path = '/v2/team/image/manifests/' . digest_of($other);
    status_is($client->put("$path?tag=$tag", $other, Authorization =>
        $token{admin}, 'Content-Type' => IMAGE_MANIFEST), 201, "$tag: push");
    is($client->delete("/v2/team/image/manifests/$tag",
        Authorization => $token{writer})->status, $status, "$tag: DELETE");
    my $res = $client->delete($path, Authorization => $token{writer});
    error_is($res, $status, $code, qr/a tag of this manifest/,
        "$tag: DELETE of its digest by a caller that may not pull");
    unlike($res->text, qr/$tag/, 'does not tell the tag');
    if ($admin != 202) {
        $res = $client->delete($path, Authorization => $narrow);
        error_is($res, $admin, $code, qr/a tag of this manifest/,
            'with a token that does not allow pulls');
        unlike($res->text, qr/$tag/, 'neither');
        error_is($client->delete($path, Authorization => $token{admin}), $admin,
            $code, qr/the tag $tag/, 'a caller that may pull learns the tag');
    }
    if ($tag eq 'fixed-1') {
        for my $ref ($tag, "$digest?tag=$tag") {
            my @put = ("/v2/team/image/manifests/$ref", $text,
                'Content-Type' => IMAGE_MANIFEST, 'Authorization');
            $res = $client->put(@put, $token{writer});
            error_is($res, 409, 'DENIED',
                qr/: the tag $tag is immutable and cannot be moved; push under/,
                'PUT by a caller that may not pull');
            unlike($res->text, qr/\Q@{[ digest_of($other) ]}/,
                'does not tell the digest');
            error_is($client->put(@put, $token{admin}), 409, 'DENIED',
                qr/: the tag $tag is immutable: it names \Q@{[ digest_of($other) ]} /,
                'a caller that may pull learns the digest');
        }
    }
    status_is($client->delete($path, Authorization => $token{admin}), 202,
        "$tag: an allowed user may delete it") if $admin == 202;
}
$server->stop;
done_testing;
