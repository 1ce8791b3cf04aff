# SPDX-License-Identifier: Apache-2.0

# Errors in a Require line, and tokens that could never work, prevent httpd from
# starting, with a message that says why.

use OCI::Test;
use OCI::Auth;
use File::Temp ();

my $dir = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$dir";

sub refused {
    my ($line, $message) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return like(OCI::Server->refuses(config => $line), $message,
        $line =~ s/\n/; /gr);
}

refused($_->[0], $_->[1]) for
    [ 'Require oci', qr/Require oci: '' is not .*: expected pull, push, delete or \*/ ],
    [ 'Require oci pull', qr/Require oci: a repository.* is missing/ ],
    [ 'Require oci read **', qr/'read' is not a valid list of actions: .*, separated by commas, without sp/ ],
    [ 'Require oci pull,write **', qr/'pull,write' is not a valid list of/ ],
    [ 'Require oci pull, **', qr/'pull,' is not a valid list of/ ],
    [ 'Require oci pull,,push **', qr/'pull,,push' is not a valid list of/ ],
    [ 'Require oci PULL **', qr/'PULL' is not a valid list of/ ],
    [ 'Require oci * %{REMOTE_USER', qr/'%\{REMOTE_USER' has no closing brace/ ],
    [ 'Require oci * a/%{NO_SUCH_THING}/b', qr/'%\{NO_SUCH_THING\}': .*NO_SUCH/ ],
    [ 'Require oci * %{nofunction:x}', qr/'%\{nofunction:x\}': .*nofunction/ ];

for my $use ('', "<Location \"/v2/\">\nRequire pushers\n</Location>") {
    like(OCI::Server->refuses(extra => '<AuthzProviderAlias oci pushers '
        . "\"push ci/**\">\n</AuthzProviderAlias>\n$use"),
        qr/'Require oci push ci\/\*\*': oci cannot have an alias; write/,
        'an alias' . ($use && ' that is used'));
}

like(OCI::Server->refuses(after => "<Location \"/token\">\nSetHandler oci-token\n</Location>"),
    qr/line \d+: SetHandler oci-token needs an OCITokenKey/, 'an endpoint without a key');

sub key {
    my ($text, $message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    open my $file, '>', "$dir/key" or die "key: $!";
    print $file $text;
    close $file;
    return like(OCI::Server->refuses(config => "OCITokenKey $dir/key"), $message,
        $name);
}

key('secret: short', qr/the text after "secret:" is not a valid secret/, 'a short secret');
key('0123456789abcdef' x 3, qr/OCITokenKey: .*key contains no key: expected PEM/,
    'a secret without its prefix');
key('', qr/contains no key/, 'an empty file');
key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    qr/a key cannot be read/, 'a damaged key');
refused("OCITokenKey $dir", qr/OCITokenKey: cannot read \Q$dir\E/);
refused("OCITokenKey $dir/none/key", qr/OCITokenKey: cannot create .*none\/key/);
SKIP: {
    skip 'openssl cannot make a key', 6 if !OCI::Auth::make_key("$dir/ec", 'ec');
    like(OCI::Server->refuses(extra => "OCITokenKey $dir/ec.pub",
        after => "<Location \"/token\">\nSetHandler oci-token\n</Location>"),
        qr/needs an OCITokenKey with a private key/, 'a public key cannot sign');
    my $theirs = "OCIToken On\nOCITokenKey $dir/ec.pub\n";
    like(OCI::Server->refuses(extra => $theirs),
        qr/holds no signing key, .* there is no OCITokenService/,
        'public keys need OCITokenService');
    my $server = OCI::Server->start(extra => $theirs, after => <<'END');
<Location "/v2/named/">
    OCITokenService registry.example
</Location>
END
    my $client = OCI::Client->new($server);
    $server->expects(qr/no OCITokenService applies to \/v2\/a\/tags/);
    error_is($client->get('/v2/a/tags/list'), 500, 'UNKNOWN', undef,
        'a Location without OCITokenService answers 500');
    error_is($client->get('/v2/named/a/tags/list'), 404, 'NAME_UNKNOWN', undef,
        'a Location with OCITokenService works');
    $server->stop;
    `openssl ec -in $dir/ec -aes256 -passout pass:x -out $dir/encrypted 2>&1`;
    refused("OCITokenKey $dir/encrypted", qr/a private key is encrypted/);
}

# If the key is in another Location, the start and the first request report it.
my $server = OCI::Server->start(config => 'OCIToken On', after => <<"END");
<Location "/other/">
    OCITokenKey "$dir/made"
</Location>
<Location "/token">
    SetHandler oci-token
    Require all granted
</Location>
END
my $client = OCI::Client->new($server);
$server->expects(qr/oci: OCIToken is On, but no OCITokenKey applies to/,
    qr/OCITokenKey has no effect, because its section has no SetHandler/,
    qr/SetHandler oci-registry answers 500, because the OCITokenKey at \S+ line \d+/,
    qr/SetHandler oci-token issues no tokens, because the OCIToken at \S+ line \d+/);
error_is($client->get('/v2/a/tags/list'), 500, 'UNKNOWN');
$server->expects(qr/oci: no tokens are issued at \/token: OCIToken is not On; /);
error_is($client->get('/token'), 503, 'UNAVAILABLE',
    qr/issues no tokens; its error log says why/);
$server->stop;

# Require lines in every kind of section.
$server = OCI::Server->start(config => <<'END');
<RequireAll>
    Require oci pull,push a/** b/*-ci
    Require not oci * a/no/**
    <RequireNone>
        Require oci push b/**
        Require oci pull %{reqenv:NONE}/**
    </RequireNone>
</RequireAll>
END
$server->allows(qr/AH01630/);
$client = OCI::Client->new($server);
my %action = (pull => sub { $client->get("/v2/$_[0]/tags/list") },
    push => sub { $client->post("/v2/$_[0]/blobs/uploads/") },
    delete => sub { $client->delete("/v2/$_[0]/manifests/x") });
for my $case ([ pull => 'a/x' => 404 ], [ push => 'a/x' => 202 ],
    [ delete => 'a/x' => 403 ], [ pull => 'a/no/x' => 403 ],
    [ pull => 'b/x-ci' => 404 ], [ push => 'b/x-ci' => 403 ],
    [ pull => 'b/x' => 403 ], [ pull => 'c' => 403 ]) {
    my ($action, $repo, $status) = @$case;
    is($action{$action}->($repo)->status, $status, "$action $repo: $status");
}
status_is($client->get('/v2/'), 200, '/v2/ is allowed if anything is');
$server->stop;
done_testing;
