# SPDX-License-Identifier: Apache-2.0

# The lists for pages and scripts, /v2/<name>/_mod_oci/..., tell a caller nothing
# that the paths of the specification would refuse it.

use OCI::Test;
use OCI::Auth;

my $config = json_text({ os => 'linux' });
my $image = json_text(image_manifest($config, []));
my $other = json_text(image_manifest('{}', []));
my $index = json_text(image_index([ $image, $other ]));
my $signature = json_text(image_manifest('{}', [],
    subject => descriptor($image, IMAGE_MANIFEST)));
my ($image_digest, $other_digest, $config_digest) = map { digest_of($_) }
    $image, $other, $config;
(my $tag = $image_digest) =~ s/:/-/;

# Lines that keep everybody but admin from a path.
my $guards = join "\n", map { <<"END" } "^/v2/team/.*/manifests/secret",
<LocationMatch "$_">
    Require user admin
</LocationMatch>
END
    "^/v2/team/image/manifests/$tag", "^/v2/team/image/manifests/$other_digest",
    "^/v2/team/image/blobs/$config_digest", '^/v2/team/closed/tags/list',
    "^/v2/team/hidden/referrers/";

sub fill {
    my $client = shift;
    for my $repo (qw(team/image team/closed team/hidden private/image)) {
        $client->push_blob($repo, $_) for $config, '{}';
        $client->push_manifest($repo, undef, $_) for $other, $signature;
        $client->push_manifest($repo, $_, $image) for qw(v1 secret);
        $client->push_manifest($repo, 'index', $index);
        $client->push_manifest($repo, "$tag.sig", $signature);
    }
    return;
}

sub flags { [ map { $_ ? 1 : 0 } @{ $_[0]{mayDelete} }{qw(tag digest)} ] }

for my $mode ('Basic only', 'tokens') {
    my $server = OCI::Server->start(OCI::Auth::setup($mode), after => $guards);
    OCI::Auth::passwords($server);
    $server->allows(qr/AH016(?:17|30|31)/);
    my %caller = map { $_ => OCI::Auth->new($server, $_) }
        qw(anonymous reader writer admin);
    my $admin = OCI::Client->new($server, headers => [ Authorization =>
        $mode eq 'tokens'
            ? 'Bearer ' . $caller{admin}->token_for(map {
                "repository:$_:pull,push,delete" } qw(team/image team/closed
                team/hidden private/image))
            : $caller{admin}{basic} ]);
    fill($admin);
    my $get = sub {
        my ($name, $path) = @_;
        return $caller{$name}->request(GET => "/v2/$path");
    };
    my $row = sub {
        my ($res, $name) = @_;
        return (grep { $_->{tag} eq $name } @{ $res->json->{tags} })[0];
    };

    # Tags.
    my $res = $get->(reader => 'team/image/_mod_oci/tags');
    status_is($res, 200, "$mode: a reader");
    is($row->($res, 'v1')->{digest}, $image_digest, 'sees what a tag names');
    is($res->json->{sort}, 'name', 'not when a tag was pushed');
    is_deeply($row->($res, 'secret'), { tag => 'secret' },
        'sees of a tag that it may not pull the name');
    is($row->($res, 'v1')->{platforms}, undef,
        'no platform from a config that it may not pull');
    $res = $admin->get('/v2/team/image/_mod_oci/tags');
    is_deeply($row->($res, 'v1')->{platforms}, ['linux/?'],
        'admin sees the platform');
    is($row->($res, 'secret')->{digest}, $image_digest, 'admin sees all');
    like($row->($res, 'secret')->{user}, qr/\Aadmin\z/, 'and who pushed it');
    for my $path (qw(private/image/_mod_oci/tags team/closed/_mod_oci/tags
        private/image/_mod_oci/manifests/v1
        team/image/_mod_oci/manifests/secret)) {
        $res = $get->(reader => $path);
        ok($res->status == 403 || $mode eq 'tokens' && $res->status == 401,
            "a reader is refused: $path") || diag $res->text;
        status_is($get->(anonymous => $path), 401, 'an anonymous client, too');
        status_is($admin->get("/v2/$path"), 200, 'admin is not');
    }

    # A manifest.
    my $json = $get->(reader => 'team/image/_mod_oci/manifests/v1')->json;
    is($json->{digest}, $image_digest, 'a reader gets details');
    is_deeply($json->{tags}, ['v1'], 'without a tag that it may not pull');
    ok(!exists $json->{config}, 'without a config that it may not pull');
    is_deeply([ map { $_->{tag} // 'listed' } @{ $json->{referrers} } ],
        ['listed'], 'without a signature that it may not pull');
    is_deeply(flags($json), [ 0, 0 ], 'and may delete nothing');
    $json = $admin->get('/v2/team/image/_mod_oci/manifests/v1')->json;
    is_deeply($json->{tags}, [qw(secret v1)], 'admin sees all tags');
    is_deeply($json->{config}, { os => 'linux' }, 'and the config');
    is(scalar @{ $json->{referrers} }, 2, 'and the signature');
    is_deeply(flags($json), [ 1, 1 ], 'and may delete both');
    $json = $get->(reader => 'team/image/_mod_oci/manifests/index')->json;
    is_deeply([ map { exists $_->{present} ? 1 : 0 } @{ $json->{children} } ],
        [ 1, 0 ], 'a child that a reader may not pull');
    ok(!exists $json->{children}[1]{totalSize}, 'its size is not told');
    my $whole = $admin->get('/v2/team/image/_mod_oci/manifests/index')->json;
    cmp_ok($json->{totalSize}, '<', $whole->{totalSize}, 'nor by the total');
    ok($json->{incomplete} && !$whole->{incomplete}, 'which is incomplete');
    $json = $get->(reader => 'team/hidden/_mod_oci/manifests/v1')->json;
    is_deeply([ map { $_->{tag} } @{ $json->{referrers} } ], ["$tag.sig"],
        'referrers that a reader may not list');

    if ($mode eq 'tokens') {
        my $with = sub {
            return $caller{admin}{client}->get(
                '/v2/team/image/_mod_oci/manifests/v1', Authorization =>
                'Bearer ' . $caller{admin}->token_for("repository:$_[0]"));
        };
        is_deeply(flags($with->('team/image:pull')->json), [ 0, 0 ],
            'a token to pull deletes nothing');
        is_deeply(flags($with->('team/image:pull,delete')->json), [ 1, 1 ],
            'a token to delete');
        status_is($with->('team/closed:pull'), 401, 'a token for another name');
    }
    $server->stop;
}

# The tag of a digest that cannot be deleted.
my $server = OCI::Server->start(config => 'Require all granted',
    after => qq(<LocationMatch "/manifests/keep">\nOCITagDelete Off\n)
        . "</LocationMatch>\n");
my $client = OCI::Client->new($server);
fill($client);
my $json = $client->get('/v2/team/image/_mod_oci/manifests/v1')->json;
is_deeply(flags($json), [ 1, 1 ], 'tags that may be deleted');
$client->push_manifest('team/image', 'keep', $image);
$json = $client->get('/v2/team/image/_mod_oci/manifests/v1')->json;
is_deeply(flags($json), [ 1, 0 ], 'a tag that may not be deleted');
$server->stop;
done_testing;
