# SPDX-License-Identifier: Apache-2.0

# A client that signs requests to an S3 server, and can send wrong ones.  Its
# signer shares no code with OCI::S3::Signature, and t/store/s3_signature.t
# checks both with published examples.
#
#     my $client = OCI::S3::Client->new($s3);           # an OCI::S3
#     my $res = $client->put('a/key', 'bytes', 'If-None-Match' => '*');
#     my $res = $client->send(GET => 'key', query => { uploadId => $id });
#     OCI::S3::Client::code($res)                       # of an error
#     $client->get_url($client->presign(GET => 'a/key', 60));
#
# Options of send:
#
#     query      parameters, a hash
#     headers    headers, a hash; those with the value undef are not sent, nor
#                are x-amz-date and others that the signer would add
#     unsigned   headers that are not signed, a hash
#     body       the body (for PUT and POST ''), or an array of chunks
#     payload    the value of x-amz-content-sha256 (the SHA-256 of the body)
#     time       the time of the signature, in seconds (now)
#     key, secret, region, token   replace those of the server

package OCI::S3::Client;

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 sha256_hex);
use OCI::Client;
use POSIX qw(strftime);

sub new {
    my ($class, $s3, %option) = @_;
    return bless { http => OCI::Client->new($s3), host => $s3->host,
        map({ $_ => $s3->$_ } qw(bucket key secret region)), %option }, $class;
}

# ---- requests

# A request for a key, or for the bucket if the key is undef.
sub send {
    my ($self, $method, $key, %option) = @_;
    my $body = $option{body} // ($method =~ /\AP/ ? '' : undef);
    my $path = $self->path($key);
    my %headers = (%{ $option{headers} // {} });
    my %signed = (
        host => $self->{host},
        'x-amz-date' => date_of($option{time} // time),
        'x-amz-content-sha256' => $option{payload}
            // sha256_hex(ref $body ? join '', @$body : $body // ''),
        defined($option{token} // $self->{token})
            ? ('x-amz-security-token' => $option{token} // $self->{token}) : (),
        map { lc $_ => $headers{$_} } keys %headers
    );
    delete @signed{ 'content-length',
        grep { !defined $signed{$_} } keys %signed };
    my $query = query_of($option{query});
    my ($signature, $scope) = $self->signature({ %option, method => $method,
        path => $path, query => $query, headers => \%signed,
        payload => $signed{'x-amz-content-sha256'} // '' });
    my $authorization = 'AWS4-HMAC-SHA256 Credential='
        . ($option{key} // $self->{key}) . "/$scope,SignedHeaders="
        . join(';', sort keys %signed) . ",Signature=$signature";
    my %length = map { $_ => $headers{$_} } grep { lc eq 'content-length' }
        keys %headers;
    return $self->{http}->request($method, $path . ($query ne '' && "?$query"),
        { Authorization => $authorization, %signed, %length,
          %{ $option{unsigned} // {} } }, $body);
}

sub get    { my ($s, $k, %h) = @_; $s->send(GET    => $k, headers => \%h) }
sub head   { my ($s, $k, %h) = @_; $s->send(HEAD   => $k, headers => \%h) }
sub delete { my ($s, $k, %h) = @_; $s->send(DELETE => $k, headers => \%h) }

sub put {
    my ($self, $key, $body, %headers) = @_;
    return $self->send(PUT => $key, body => $body, headers => \%headers);
}

# A target that is already signed.
sub get_url { $_[0]{http}->request($_[2] // 'GET', $_[1], {}) }

# Leave the connection, so that the next request cannot be sent twice.
sub close { $_[0]{http}->close; return }

# The path and query of a presigned URL, valid for some seconds.  The options
# are those of send that apply.
sub presign {
    my ($self, $method, $key, $seconds, %option) = @_;
    my $path = $self->path($key);
    my $date = date_of($option{time} // time);
    my $scope = scope_of($date, $option{region} // $self->{region});
    my $token = $option{token} // $self->{token};
    my $query = query_of({ %{ $option{query} // {} },
        'X-Amz-Algorithm' => 'AWS4-HMAC-SHA256', 'X-Amz-Date' => $date,
        'X-Amz-Credential' => ($option{key} // $self->{key}) . "/$scope",
        'X-Amz-Expires' => $seconds, 'X-Amz-SignedHeaders' => 'host',
        defined $token ? ('X-Amz-Security-Token' => $token) : () });
    my ($signature) = $self->signature({ %option, method => $method,
        path => $path, query => $query, payload => 'UNSIGNED-PAYLOAD',
        headers => { host => $self->{host} }, date => $date });
    return "$path?$query&X-Amz-Signature=$signature";
}

# ---- the signature

sub quote {
    my ($text, $safe) = @_;
    return join '', map { /[$safe]/ ? $_ : sprintf '%%%02X', ord }
        split //, $text;
}

sub path {
    my ($self, $key) = @_;
    my $bucket = $self->{virtual} ? '' : "/$self->{bucket}";
    return $bucket . (defined $key ? '/' . quote($key, 'A-Za-z0-9_.~/-')
        : $bucket eq '' && '/');
}

sub query_of {
    my $query = shift // {};
    my $safe = 'A-Za-z0-9_.~-';
    return join '&', sort map { quote($_, $safe) . '='
        . quote($query->{$_}, $safe) } keys %$query;
}

sub date_of  { strftime('%Y%m%dT%H%M%SZ', gmtime $_[0]) }
sub scope_of { substr($_[0], 0, 8) . "/$_[1]/s3/aws4_request" }

# The signature and its scope.  A request has method, path, query, headers (in
# lower case), payload, and date or a header x-amz-date.
sub signature {
    my ($self, $request) = @_;
    my $headers = $request->{headers};
    my $date = $request->{date} // $headers->{'x-amz-date'}
        // date_of($request->{time} // time);
    my $region = $request->{region} // $self->{region};
    my @names = sort keys %$headers;
    my $canonical = "$request->{method}\n$request->{path}\n$request->{query}\n";
    $canonical .= "$_:$headers->{$_}\n" for @names;
    $canonical .= "\n" . join(';', @names) . "\n$request->{payload}";
    my $scope = scope_of($date, $region);
    my $text = "AWS4-HMAC-SHA256\n$date\n$scope\n" . sha256_hex($canonical);
    my $day = hmac_sha256(substr($date, 0, 8),
        'AWS4' . ($request->{secret} // $self->{secret}));
    my $key = hmac_sha256('aws4_request',
        hmac_sha256('s3', hmac_sha256($region, $day)));
    return (unpack('H*', hmac_sha256($text, $key)), $scope);
}

# ---- multipart uploads

# The ID of a new upload.
sub create {
    my ($self, $key, %headers) = @_;
    my $res = $self->send(POST => $key, query => { uploads => '' },
        headers => \%headers);
    return element($res, 'UploadId') // die 'create: ' . $res->text . "\n";
}

sub part {
    my ($self, $key, $id, $number, $body, %headers) = @_;
    return $self->send(PUT => $key, body => $body, headers => \%headers,
        query => { uploadId => $id, partNumber => $number });
}

# Complete an upload from parts, each [number, ETag].
sub complete {
    my ($self, $key, $id, $parts, %headers) = @_;
    return $self->send(POST => $key, query => { uploadId => $id },
        headers => \%headers, body => '<CompleteMultipartUpload>'
            . join('', map { "<Part><PartNumber>$_->[0]</PartNumber><ETag>"
                . ($_->[1] =~ s/"/&quot;/gr) . '</ETag></Part>' } @$parts)
            . '</CompleteMultipartUpload>');
}

# Upload an object in parts: all requests, the last one's response.
sub upload {
    my ($self, $key, @bodies) = @_;
    my $id = $self->create($key);
    my $number = 0;
    my @parts = map { [ ++$number,
        $self->part($key, $id, $number, $_)->header('ETag') ] } @bodies;
    return $self->complete($key, $id, \@parts);
}

# ---- what a response says

# The text of the first element of a name, or undef; and of all of them.
sub element { (elements(@_))[0] }

sub elements {
    my ($res, $name) = @_;
    return map { plain($_) } $res->body =~ m{<\Q$name\E>([^<]*)</\Q$name\E>}g;
}

sub plain {
    my $text = shift;
    my %entity = (amp => '&', lt => '<', gt => '>', quot => '"', apos => q('));
    return $text =~ s/&(?:#(\d+)|(\w+));/defined $1 ? chr $1 : $entity{$2}/ger;
}

# The code of an error, or '' for another response.
sub code { element($_[0], 'Code') // '' }

1;
