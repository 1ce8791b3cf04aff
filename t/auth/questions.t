# SPDX-License-Identifier: Apache-2.0

# A question about another path is decided like a request for that path: it has
# the caller's protocol, Content-Type and a request line of the same form.

use OCI::Test;
use OCI::Auth;

my $refuse = "RewriteRule ^ - [F]\n";

# A name; lines before <Location "/v2/">, and lines in it.
my @POLICIES = (
    [ 'the request line', 'RewriteCond %{THE_REQUEST} "^GET /v2/private/.* HTTP/1"'
        . "\n$refuse", 'Require all granted' ],
    [ 'the protocol', 'RewriteCond %{SERVER_PROTOCOL} ^HTTP/' . "\n"
        . "RewriteRule ^/v2/private/ - [F]\n", 'Require all granted' ],
    [ 'the protocol as a variable', "SetEnvIf Request_Protocol ^HTTP http\n",
        <<'END' ],
<RequireAll>
    Require all granted
    <RequireNone>
        <RequireAll>
            Require env http
            Require expr "%{REQUEST_URI} =~ m#/private/#"
        </RequireAll>
    </RequireNone>
</RequireAll>
END
    [ 'the media type', "RewriteCond %{HTTP:Content-Type} image.manifest\n"
        . "RewriteRule /private/x/manifests/v1\$ - [F]\n", 'Require all granted' ],
    [ 'a rule in the Location', '', "Require all granted\nRewriteEngine On\n"
        . "RewriteRule private/ - [F]" ],
    [ 'a variable of a rewrite', "RewriteRule ^/v2/private/ - [E=private:1]\n",
        <<'END' ],
<RequireAll>
    Require all granted
    <RequireNone>
        Require env private
    </RequireNone>
</RequireAll>
END
);

my $port = 1;
my $server = OCI::Server->start(ports => 1 + @POLICIES,
    modules => [qw(authz_host setenvif rewrite)],
    config => 'Require all granted', after => join '', map {
        my ($name, $before, $inside) = @$_;
        $port++;
        "<VirtualHost *:\@PORT$port\@>\nRewriteEngine On\n$before"
            . "<Location \"/v2/\">\n$inside\n</Location>\n</VirtualHost>\n"
    } @POLICIES);
$server->allows(qr/AH01630|AH01631/);
my $open = OCI::Client->new($server);
my $image = $open->push_image('private/x', 'v1', layers => ['a layer']);
my $digest = digest_of('a layer');
my @type = ('Content-Type' => 'application/vnd.oci.image.manifest.v1+json');

$port = 1;
for my $policy (@POLICIES) {
    my $client = OCI::Client->new($server->host(++$port));
    my $name = $policy->[0];
    my %put = map { $_ => $client->request(PUT => "/v2/private/x/manifests/$_",
        {@type}, $image->{text})->status } 'v1', "$image->{digest}?tag=v1";
    ok($put{v1} == 201 || $put{"$image->{digest}?tag=v1"} != 201, "$name: ?tag=");
    if ($client->get("/v2/private/x/blobs/$digest")->status == 200) {
        is($name, 'the media type', "$name: the blob may be pulled");
        next;
    }
    for my $from ('&from=private/x', '') {
        status_is($client->post("/v2/mine/x/blobs/uploads/?mount=$digest$from", ''),
            202, "$name: no mount $from");
        $open->delete("/v2/mine/x/blobs/$digest");
    }
    is_deeply($client->get('/v2/_catalog')->json->{repositories}, [],
        "$name: nothing in the catalog");
}
$server->stop;
done_testing;
