# SPDX-License-Identifier: Apache-2.0

# Certificates for a server and its clients, and callers that use them with
# curl.

package OCI::Certificates;

use strict;
use warnings;

use File::Temp ();
use OCI::Auth;
use OCI::Response;
use POSIX ();

my $EC = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

# False if openssl or curl is not installed.
sub new {
    my $class = shift;
    my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
    my $self = bless { dir => $dir }, $class;
    return if !grep { -x "$_/curl" } split /:/, $ENV{PATH};
    for my $name (qw(server ca other)) {
        system("openssl req -x509 -days 2 $EC -subj /CN=$name "
            . '-addext subjectAltName=DNS:localhost,IP:127.0.0.1 '
            . "-keyout $dir/$name.key -out $dir/$name.pem 2>/dev/null") == 0
            or return;
    }
    for my $user (sort keys %OCI::Auth::PASSWORD) {
        $self->issue($user, 'ca') or return;
    }
    $self->issue('wrong', 'other') or return;
    return $self;
}

sub dir { "$_[0]{dir}" }

sub issue {
    my ($self, $user, $ca) = @_;
    my $dir = $self->{dir};
    return system("openssl req $EC -subj /CN=$user -keyout $dir/$user.key "
        . "-out $dir/$user.csr 2>/dev/null && openssl x509 -req -days 2 "
        . "-in $dir/$user.csr -CA $dir/$ca.pem -CAkey $dir/$ca.key "
        . "-CAcreateserial -out $dir/$user.pem 2>/dev/null") == 0;
}

# Configuration: the server requests certificates, which contain the user name.
sub extra {
    my $dir = $_[0]{dir};
    return <<"END";
SSLEngine On
SSLCertificateFile "$dir/server.pem"
SSLCertificateKeyFile "$dir/server.key"
SSLCACertificateFile "$dir/ca.pem"
SSLVerifyClient optional
SSLUserName SSL_CLIENT_S_DN_CN
END
}

sub caller {
    my ($self, $server, $name) = @_;
    my $dir = $self->{dir};
    my @certificate = $name eq 'anonymous' ? ()
        : ('--cert', "$dir/$name.pem", '--key', "$dir/$name.key");
    return bless {
        url     => 'https://' . $server->host,
        options => [ '--cacert', "$dir/server.pem", @certificate ]
    }, 'OCI::Certificates::Caller';
}

package OCI::Certificates::Caller;

# Returns an OCI::Response; its status is 0 if there was no response.
sub request {
    my ($self, $method, $path, $headers, $body) = @_;
    my @headers = map { ('-H', "$_: $headers->{$_}") } keys %{ $headers // {} };
    my @body = defined $body ? ('--data-binary', $body)
        : $method eq 'POST' ? ('-d', '') : ();
    my $pid = open my $pipe, '-|' // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec('curl', '-s', '-i', '--http1.1', '-X', $method, @headers, @body,
            @{ $self->{options} }, $self->{url} . $path) or POSIX::_exit(127);
    }
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    my $response = OCI::Response->new($method);
    $response->{status} = 0 if !$response->parse(\$output);
    return $response;
}

1;
