# SPDX-License-Identifier: Apache-2.0

# Registries of one httpd with different users and the same key: a token of one
# is not valid for another, whatever Host a client sends.

use OCI::Test;
use OCI::Auth;

my $login = <<'END';
    SetHandler        oci-token
    AuthType          Basic
    AuthName          "registry"
    AuthBasicProvider file
    Require           valid-user
END
my $tokens = <<"END";
OCIToken    On
OCITokenKey "\@DIR\@/key.pem"
<Location "/token">
$login
    AuthUserFile "\@DIR\@/users1"
</Location>
END
my $hosts = join '', map { <<"END" } 2 .. 4;
<VirtualHost *:\@PORT$_\@>
    <Location "/token">
        AuthUserFile "\@DIR\@/users$_"
    </Location>
</VirtualHost>
END
$hosts =~ s/(?=<Location "\/token">\n.*users4)/OCITokenService registry.example\n/;
$hosts =~ s/(?=<Location "\/token">\n.*users3)/ServerName named.example\n/;

my $server = OCI::Server->start(
    ports   => 4,
    modules => [qw(auth_basic authn_core authn_file authz_user)],
    extra   => $tokens,
    config  => 'Require user boss',
    after   => $hosts
);
for my $n (1 .. 4) {
    my $path = $server->dir . "/users$n";
    open my $file, '>', $path or die "$path: $!\n";
    print $file 'boss:{SHA}', Digest::SHA::sha1_base64("password $n"), "=\n";
    close $file or die "$path: $!\n";
}

my @client = map { OCI::Client->new($server->host($_)) } 1 .. 4;
my @name = ('the main server', 'a virtual host', 'one with a name',
    'one with a service');

sub token {
    my ($n, $host) = @_;
    my $res = $client[ $n - 1 ]->get('/token?scope=repository:x:pull,push',
        Authorization => OCI::Auth::basic('boss', "password $n"), Host => $host);
    $res->status == 200 or die $res->text;
    return $res->json->{token};
}

sub push_to {
    my ($n, $token, $host) = @_;
    return $client[ $n - 1 ]->post('/v2/x/blobs/uploads/', '',
        Authorization => "Bearer $token", Host => $host);
}

for my $from (1 .. 4) {
    my $token = token($from, $server->host($from));
    status_is(push_to($from, $token, $server->host($from)), 202,
        "$name[$from - 1]: its own token");
    status_is(push_to($from, token($from, 'alias.example'), 'alias.example'), 202,
        'the same registry, by another name');
    for my $to (grep { $_ != $from } 1 .. 4) {
        for my $host ($from, $to) {
            error_is(push_to($to, $token, $server->host($host)), 401,
                'UNAUTHORIZED', undef, "at $name[$to - 1], as Host $host");
        }
        error_is(push_to($to, token($from, $server->host($to)),
            $server->host($to)), 401, 'UNAUTHORIZED', undef,
            'a token requested with its Host is refused too');
    }
}

$server->stop;
done_testing;
