# SPDX-License-Identifier: Apache-2.0

# A provider of OpenID Connect for mod_auth_openidc.  Everybody who comes is
# logged in, without a question.
#
#     my $provider = OCI::OpenID->start(client => 'registry',
#         secret => 'of 32 bytes or more', user => 'alice');
#     $provider->url     # the issuer; its /metadata names the endpoints

package OCI::OpenID;

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP ();
use OCI::Auth;
use OCI::Process;
use OCI::Server;

sub start {
    my ($class, %self) = @_;
    my $self = bless { %self, port => OCI::Server::free_port() }, $class;
    $self->{process} = OCI::Process->start(command => [ $^X,
        "-I$OCI::Server::TOP/t/lib", '-MOCI::OpenID', '-e',
        'OCI::OpenID::serve(@ARGV)', $self->{port}, @self{qw(client secret
        user)} ]);
    $self->{process}->wait_for(sub { IO::Socket::INET->new(
        PeerAddr => "127.0.0.1:$self->{port}") }) or die "no provider\n";
    return $self;
}

sub url  { "http://127.0.0.1:$_[0]{port}" }
sub stop { $_[0]{process}->stop; return }

# The program: it answers one request at a time.
sub serve {
    my ($port, @who) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
        Listen => 10, ReuseAddr => 1) or die "port $port: $!\n";
    while (my $socket = $listener->accept) {
        my $head = '';
        while (defined(my $line = <$socket>)) {
            $head .= $line;
            last if $line eq "\r\n";
        }
        my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
        read $socket, my $body, $length // 0;
        print $socket answer("http://127.0.0.1:$port", $head, $body, @who);
        close $socket;
    }
    return;
}

sub parameters {
    return map { s/\+/ /gr =~ s/%(..)/chr hex $1/ger } map { split /=/, $_, 2 }
        split /&/, shift;
}

# The code is the nonce, so that nothing needs to be kept.
sub answer {
    my ($url, $head, $body, $client, $secret, $user) = @_;
    if ($head =~ m{\AGET /authorize\?(\S+)}) {
        my %query = parameters($1);
        return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n"
            . "Location: $query{redirect_uri}?code=$query{nonce}"
            . "&state=$query{state}\r\n\r\n";
    }
    return json({ issuer => $url, jwks_uri => "$url/keys",
        authorization_endpoint => "$url/authorize",
        token_endpoint => "$url/token", response_types_supported => ['code'] })
        if $head =~ m{\AGET /metadata };
    return json({ keys => [] }) if $head !~ m{\APOST /token };
    my %form = parameters($body);
    return json({ access_token => 'none',
        token_type => 'Bearer', expires_in => 3600,
        id_token => OCI::Auth::jwt_hmac($secret, { alg => 'HS256',
            typ => 'JWT' }, { iss => $url, sub => $user, aud => $client,
            nonce => $form{code}, iat => time, exp => time + 3600 }) });
}

sub json {
    my $text = JSON::PP::encode_json($_[0]);
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . "Connection: close\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
}

1;
