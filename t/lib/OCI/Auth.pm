# SPDX-License-Identifier: Apache-2.0

# Callers, policies and tokens for tests of access control.
#
#     my $server = OCI::Server->start(OCI::Auth::setup('tokens'));
#     OCI::Auth::passwords($server);
#     my $caller = OCI::Auth->new($server, 'writer');   # or 'anonymous', 'wrong'
#     my $res = $caller->request(POST => '/v2/team/new/blobs/uploads/');
#
# A caller behaves like a registry client: it sends its credentials, and if a
# 401 asks for a token it fetches one for the requested scope, once.  The modes
# of setup are the keys of %MODES.  The users are reader, writer and admin; the
# policy is that of policy().

package OCI::Auth;

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64 encode_base64url decode_base64url);
use OCI::Client;
use OCI::Server;

our %PASSWORD = (reader => 'r: %+&"', writer => 'wrïter ü', admin => 'root');

my @BASIC = qw(auth_basic authn_core authn_file authz_user);
our %MODES = (
    'open'            => { modules => [] },
    'Basic only'      => { modules => \@BASIC, basic => 1 },
    'Basic, open pull' => { modules => \@BASIC, basic => 1, anonymous => 1 },
    'tokens'          => { modules => \@BASIC, token => 1 },
    'tokens, open pull' => { modules => \@BASIC, token => 1, anonymous => 1 },
    'LDAP groups'     => { modules => [qw(auth_basic authn_core ldap
                               authnz_ldap)], basic => 1, ldap => 1 },
    'certificates'    => { modules => [qw(authn_core authz_user ssl
                               socache_shmcb)], tls => 1 },
);

# The options of OCI::Server->start for a mode.
sub setup {
    my ($name, %option) = @_;
    my $mode = $MODES{$name} or die "no mode $name\n";
    my $login = $mode->{ldap} ? $option{directory}->login : file_login();
    my $config = $name eq 'open' ? 'Require all granted' : join "\n",
        $mode->{basic} ? $login : (),
        policy($mode->{anonymous},
               $mode->{ldap} ? sub { $option{directory}->group(@_) }
                             : sub { "Require user @_" });
    return (
        config  => $config,
        modules => [ @{ $mode->{modules} }, @{ $option{modules} // [] } ],
        extra   => join("\n", $option{extra} // (), $mode->{token}
            ? token_endpoint($login, $mode->{anonymous}) : ()),
    );
}

sub file_login {
    return join "\n", 'AuthType Basic', 'AuthName registry',
        'AuthBasicProvider file', 'AuthUserFile "@DIR@/passwd"';
}

sub token_endpoint {
    my ($login, $anonymous) = @_;
    my $require = $anonymous ? 'all granted' : 'valid-user';
    return <<"END";
OCIToken On
OCITokenKey "\@DIR\@/key.pem"
<Location "/token">
    SetHandler oci-token
    $login
    Require $require
</Location>
END
}

# Everybody (or every user) may pull pub, every user may pull team, writer may
# also push to team, and admin may do everything.  $require returns the Require
# lines for some users.
sub policy {
    my ($anonymous, $require) = @_;
    my $open = $anonymous ? 'Require oci pull pub/**' : '';
    my ($users, $writer, $admin) = map { $require->(@$_) }
        [qw(reader writer admin)], ['writer'], ['admin'];
    return <<"END";
<RequireAny>
    $open
    <RequireAll>
        $users
        Require oci pull pub/** team/**
    </RequireAll>
    <RequireAll>
        $writer
        Require oci pull,push team/**
    </RequireAll>
    <RequireAll>
        $admin
        Require oci * **
    </RequireAll>
</RequireAny>
END
}

# Write the file of users, with bcrypt if a cost is given, otherwise with SHA.
sub passwords {
    my ($server, %option) = @_;
    my %password = (%PASSWORD, %{ $option{more} // {} });
    my $path = $server->dir . '/passwd';
    open my $file, '>', $path or die "$path: $!\n";
    for my $user (sort keys %password) {
        if ($option{cost}) {
            my @htpasswd = ('htpasswd', '-nbB', '-C', $option{cost}, $user,
                $password{$user});
            open my $pipe, '-|', @htpasswd or die "htpasswd: $!\n";
            chomp(my $line = <$pipe>);
            close $pipe;
            print $file "$line\n";
        }
        else {
            print $file "$user:{SHA}"
                . encode_base64(Digest::SHA::sha1($password{$user}), '') . "\n";
        }
    }
    close $file or die "$path: $!\n";
    return;
}

sub basic {
    my ($user, $password) = @_;
    return 'Basic ' . encode_base64("$user:$password", '');
}

# ---- callers

sub new {
    my ($class, $server, $name) = @_;
    my $known = $name ne 'anonymous' && $name ne 'none';
    my ($user, $password) = $name eq 'wrong' ? ('admin', 'guess')
        : ($name, $PASSWORD{$name});
    return bless {
        server => $server,
        client => OCI::Client->new($server),
        basic  => $known ? basic($user, $password) : undef,
    }, $class;
}

# Send a request as clients do, with a token if the server asks for one.
sub request {
    my ($self, $method, $path, $headers, $body) = @_;
    my %headers = %{ $headers // {} };
    my $send = sub {
        return $self->{client}->request($method, $path,
            { %headers, Authorization => $_[0] },
            $body // ($method =~ /^P/ ? '' : undef));
    };
    my $token = $self->{server}{extra} =~ /^OCIToken On/m;
    my $res = $send->($token ? undef : $self->{basic});
    my $challenge = $res->header('WWW-Authenticate') // '';
    return $res if !$token || $res->status != 401 || $challenge !~ /^Bearer /;
    my $answer = $self->token(challenge($challenge));
    return $answer if $answer->status != 200;
    $res = $send->('Bearer ' . $answer->json->{token});
    return $res;
}

# The parameters of a challenge.
sub challenge {
    my $text = shift;
    return { $text =~ /(\w+)="([^"]*)"/g };
}

sub url_encode {
    my $text = shift;
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

# The token endpoint's response.  Only the path of the realm is used.
sub token {
    my ($self, $parameters) = @_;
    my ($path) = $parameters->{realm} =~ m{^https?://[^/]+(/.*)}
        or die "no realm\n";
    my $query = join '&',
        (map { 'scope=' . url_encode($_) }
            split / /, $parameters->{scope} // ''),
        'service=' . url_encode($parameters->{service});
    return $self->{client}->get("$path?$query", Authorization => $self->{basic});
}

# A token for some scopes, requested without a challenge.
sub token_for {
    my ($self, @scopes) = @_;
    my $res = $self->{client}->get('/token?'
        . join('&', map { 'scope=' . url_encode($_) } @scopes),
        Authorization => $self->{basic});
    $res->status == 200 or die '/token: ' . $res->text;
    return $res->json->{token};
}

# ---- tokens that the test makes itself

my $JSON = JSON::PP->new->canonical->utf8;

# The header and the claims of a token.
sub claims {
    my @parts = split /\./, $_[0];
    return map { $JSON->decode(decode_base64url($_)) } @parts[ 0, 1 ];
}

sub unsigned {
    my ($header, $claims) = @_;
    return join '.', map { encode_base64url(ref $_ ? $JSON->encode($_) : $_) }
        $header, $claims;
}

# Sign with a secret, or with a private key in PEM by openssl.  The header may
# state any algorithm.
sub jwt_hmac {
    my ($secret, $header, $claims) = @_;
    my $text = unsigned($header, $claims);
    return "$text." . encode_base64url(hmac_sha256($text, $secret));
}

sub jwt_pem {
    my ($dir, $key, $header, $claims) = @_;
    my $text = unsigned($header, $claims);
    open my $file, '>', "$dir/text" or die "text: $!\n";
    print $file $text;
    close $file;
    my $signature = `openssl dgst -sha256 -sign "$key" "$dir/text"`;
    if (($header->{alg} // '') =~ /^ES/) {
        $signature = join '', map {
            my $number = $_ =~ s/^\0+//r;
            ("\0" x (32 - length $number)) . $number;
        } numbers_of_der($signature);
    }
    return "$text." . encode_base64url($signature);
}

# The two integers of a DER sequence.
sub numbers_of_der {
    my $der = shift;
    my ($first, $rest) = unpack 'x2 x C/a a*', $der;
    return ($first, unpack 'x C/a', $rest);
}

# Make a key with openssl, 'ec' or 'rsa', and the public key as PATH.pub.
sub make_key {
    my ($path, $type) = @_;
    my $options = $type eq 'rsa' ? 'RSA -pkeyopt rsa_keygen_bits:2048'
        : 'EC -pkeyopt ec_paramgen_curve:prime256v1';
    return !system "openssl genpkey -algorithm $options -out $path 2>/dev/null"
        . " && openssl pkey -in $path -pubout -out $path.pub"
        . " && chmod 644 $path";
}

1;
