# SPDX-License-Identifier: Apache-2.0

# The configurations in conf/README work as the text describes them.

use OCI::Test;

use OCI::Auth;
use OCI::Directory;

my $manual = OCI::Server::slurp("$OCI::Server::TOP/conf/README");
my @blocks = map { s/^ {4}//gmr }
    $manual =~ /(?<=\n\n)((?: {4}.*\n|\n(?= {4}))+)/g;
my @basic = qw(auth_basic authn_core authn_file authz_user authz_groupfile);
my $text = json_text(image_manifest('{}', []));
my $digest = digest_of($text);

# Return the only block with this text, with paths of this machine.
sub block {
    my ($text, @replace) = @_;
    my @found = grep { /\Q$text\E/ } @blocks;
    is(scalar @found, 1, "one block has '$text'");
    my $block = $found[0] // '';
    @replace = ('/var/lib/mod_oci' => '@STORE@', '/etc/mod_oci.' => '@DIR@/',
        'logs/' => '@DIR@/', @replace);
    while (my ($from, $to) = splice @replace, 0, 2) {
        $block =~ s/\Q$from\E/$to/g;
    }
    return $block;
}

sub serve {
    my ($text, @option) = @_;
    my $server = OCI::Server->start(location => '', after => $text, @option);
    $server->allows(qr/AH016(?:17|18|30|31)/);
    return $server;
}

# Start a server whose users have their names as passwords.
sub serve_users {
    my ($users, $text, %option) = @_;
    my $server = serve($text, modules => [ @basic, @{ $option{modules} // [] } ],
        %option{ grep { $_ ne 'modules' } keys %option });
    local %OCI::Auth::PASSWORD = ();
    OCI::Auth::passwords($server, more => { map { $_ => $_ } @$users });
    return $server;
}

sub client {
    my ($server, $user) = @_;
    return OCI::Client->new($server, headers => $user
        ? [ Authorization => OCI::Auth::basic($user, $user) ] : []);
}

sub push_status {
    my ($server, $user, $repo) = @_;
    return client($server, $user)->post("/v2/$repo/blobs/uploads/")->status;
}

sub pull_status {
    my ($server, $user, $repo) = @_;
    return client($server, $user)->get("/v2/$repo/tags/list")->status;
}

sub put_tag {
    my ($server, $user, $reference) = @_;
    return client($server, $user)->put("/v2/blue/x/manifests/$reference", $text,
        'Content-Type' => IMAGE_MANIFEST)->status;
}

my $teams = block('Require group blue');
my $robot = block('Require user deploy');

subtest 'teams, a robot, tags and logs' => sub {
    my $location = $teams =~ s/(?=\s*<\/RequireAny>\s*<\/Location>)/\n$robot/r;
    my $server = serve_users([qw(alice bob deploy)], join("\n", $location,
        block('AuthMerging And'), block('LogFormat'), block('oci_changes')),
        modules => ['logio']);
    OCI::Server::spew($server->dir . '/groups', block('blue: alice'));
    is(push_status($server, 'alice', 'blue/x'), 202, 'alice pushes to blue');
    is(push_status($server, 'alice', 'green/x'), 403,
        'alice does not push to green');
    is(push_status($server, 'bob', 'green/x'), 202, 'bob pushes to green');
    is(push_status($server, undef, 'green/x'), 401,
        'an anonymous caller does not push');
    is(pull_status($server, 'deploy', 'blue/x'), 404, 'the robot may pull');
    is(push_status($server, 'deploy', 'blue/x'), 403, 'the robot may not push');

    client($server, 'alice')->push_blob('blue/x', '{}');
    is(put_tag($server, 'alice', 'v1'), 201, 'a tag');
    is(put_tag($server, 'alice', 'release-1'), 403, 'a protected tag');
    is(put_tag($server, 'alice', "$digest?tag=release-1"), 403,
        'a protected tag in ?tag=');
    $server->stop_quietly;
    my ($log, $changes) = map { OCI::Server::slurp($server->dir . "/$_") }
        qw(oci_log oci_changes);
    my $asked = qr{127\.0\.0\.1 alice PUT /v2/blue/x/manifests};
    like($log, qr{\] $asked/v1 push blue/x v1 201 - $digest \d+ "}m,
        'the log has an accepted push');
    like($log, qr{\] $asked/release-1 push blue/x release-1 403 DENIED - \d+ "}m,
        'the log has a refused push');
    like($changes, qr{$asked/v1 }, 'the log of changes has the accepted push');
    unlike($changes, qr{ 40\d }, 'the log of changes has no failure');
    $server->stop;
};

subtest 'anonymous pulls' => sub {
    my $lines = block('Require oci * **');
    my $server = serve_users([qw(alice ci)],
        $teams =~ s/\s*<RequireAny>.*<\/RequireAny>/\n$lines/sr);
    is(client($server)->get('/v2/')->status, 200, 'docker does not log in');
    is(pull_status($server, undef, 'x'), 404, 'anonymous callers may pull');
    is(push_status($server, 'ci', 'x'), 202, 'ci may push');
    is(push_status($server, 'alice', 'x'), 403, 'other users may not');
    $server->stop;
};

subtest 'LDAP with tokens' => sub {
    my $directory = OCI::Directory->start
        or plan skip_all => 'slapd or mod_authnz_ldap is not there';
    my $server = serve(block('Require ldap-group',
        'ldaps://ldap.example.com/dc=example,dc=org?uid' => $directory->url),
        modules => [ @basic, qw(ldap authnz_ldap) ], extra => 'OCIToken On');
    for my $case (
        [ writer    => 'lib/x' => 202, 404 ],
        [ reader    => 'lib/x' => 401, 404 ],
        [ reader    => 'home/reader/x' => 202, 404 ],
        [ anonymous => 'public/x' => 401, 404 ],
        [ anonymous => 'lib/x' => 401, 401 ],
    ) {
        my ($who, $repo, $push, $pull) = @$case;
        my $caller = OCI::Auth->new($server, $who);
        is($caller->request(POST => "/v2/$repo/blobs/uploads/")->status, $push,
            "$who: push to $repo");
        is($caller->request(GET => "/v2/$repo/tags/list")->status, $pull,
            "$who: pull from $repo");
    }
    $server->stop;
};

subtest 'an absolute Location' => sub {
    my $recipe = block('Header edit Location');
    my $place = "<Location \"/v2/\">\nSetHandler oci-registry\n"
        . "OCIBlobStore fs \@STORE\@\nRequire all granted\n</Location>\n";
    my $proxy = block('ProxyPreserveHost On', ':5000' => ':@PORT3@');
    my $server = serve("<VirtualHost *:\@PORT\@>\n$place$recipe</VirtualHost>\n"
        . "<VirtualHost *:\@PORT2\@>\n$proxy</VirtualHost>\n"
        . "<VirtualHost *:\@PORT3\@>\nServerName https://registry.example.com\n"
        . "$place$recipe</VirtualHost>\n",
        modules => [qw(headers proxy proxy_http)], ports => 3);
    for my $case ([ 1, 'http' ], [ 2, 'https' ]) {
        my ($port, $scheme) = @$case;
        my $host = $server->host($port);
        my $res = OCI::Client->new($host)->post('/v2/a/blobs/uploads/');
        status_is($res, 202, "port $port");
        like($res->header('Location') // '',
            qr{\A\Q$scheme://$host/v2/a/blobs/uploads/\E\w}, 'its Location');
    }
    $server->stop;
};

subtest 'encoded slashes' => sub {
    for my $case ([ Off => 404 ], [ On => 200 ]) {
        my ($value, $status) = @$case;
        my $server = OCI::Server->start(sanitize => 0,
            extra => "AllowEncodedSlashes $value\n");
        my $client = OCI::Client->new($server);
        $client->push_image('team/x', 'v1');
        is($client->get('/v2/team%2Fx/tags/list')->status, $status, $value);
        $server->stop;
    }
};

subtest 'behind a proxy, with tokens' => sub {
    my $tokens = OCI::Server::slurp(
        "$OCI::Server::TOP/conf/examples/tokens.conf");
    $tokens =~ s{/var/lib/mod_oci}{\@STORE\@}g;
    $tokens =~ s{/etc/mod_oci\.}{\@DIR\@/}g;
    my $proxy = block('ProxyPreserveHost On', ':5000' => ':@PORT@');
    my $behind = block('RemoteIPInternalProxy');
    ok($behind =~ s/^Listen .*\n//m, 'the block has a Listen line');
    my $server = serve_users(['ci'], "<VirtualHost *:\@PORT\@>\n$behind\n$tokens\n"
        . "</VirtualHost>\n<VirtualHost *:\@PORT2\@>\n$proxy\n</VirtualHost>\n",
        modules => [qw(proxy proxy_http remoteip)], ports => 2);
    my $front = OCI::Client->new($server->host(2));
    my $host = $server->host(2);
    header_is($front->get('/v2/'), 'WWW-Authenticate', qq{Bearer }
        . qq{realm="https://$host/token",service="$host"});
    my $res = $front->get("/token?service=$host&scope=repository:a:pull,push",
        Authorization => OCI::Auth::basic('ci', 'ci'));
    status_is($res, 200, 'a token');
    my $token = ($res->json // {})->{token} // '';
    status_is($front->post('/v2/a/blobs/uploads/', '',
        Authorization => "Bearer $token"), 202, 'a push');
    $server->stop;
};

done_testing;
