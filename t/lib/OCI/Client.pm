# SPDX-License-Identifier: Apache-2.0

# An HTTP/1.1 client that sends any request, well-formed or not.
#
#     my $client = OCI::Client->new($server);          # or "host:port"
#     my $res = $client->request(PUT => $path, { 'X-Y' => 1 }, $body);
#     $res->status, $res->header('Location'), $res->body, $res->json
#
# Headers are a hash, or an array of names and values if order or repetition
# matters.  A body is a string; an array of strings, sent as the chunks of a
# chunked body; or a function that returns one chunk at a time, then undef.
# Host and Content-Length are added if they are not given; a header whose value
# is undef is omitted.  Connections are kept and reused.
#
# The option once prevents that a request is sent again if a kept connection has
# been closed: the first one may have been carried out.
#
# With the option follow, a GET that is answered by 307 is repeated at the new
# location, without the headers that are meant for the first server.
#
# If the server responds early, the rest of the request is sent while the
# response is read, so that neither side waits for the other.

package OCI::Client;

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA ();
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use OCI::Response;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

our $TIMEOUT = 120;   # seconds without a byte in either direction

sub new {
    my ($class, $server, %option) = @_;
    my $host = ref $server ? $server->host : $server;
    return bless { host => $host, headers => [], %option }, $class;
}

# ---- connections, byte by byte

sub connect {
    my $self = shift;
    $self->{socket} = $self->{socket_class}
        ? $self->{socket_class}->new(PeerAddr => $self->{host},
                                     @{ $self->{socket_options} // [] })
        : IO::Socket::INET->new(PeerAddr => $self->{host});
    $self->{socket} or croak "no connection to $self->{host}: $@ $!";
    $self->{socket}->autoflush(1);
    setsockopt $self->{socket}, IPPROTO_TCP, TCP_NODELAY, 1;
    $self->{input} = '';
    return $self;
}

sub close {
    my $self = shift;
    close delete $self->{socket} if $self->{socket};
    return;
}

sub socket { $_[0]{socket} // $_[0]->connect->{socket} }

# Send these bytes; connect first if necessary.  False if the peer has closed.
sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = $self->socket;
    while (length $bytes) {
        my $n = syswrite $socket, $bytes;
        return 0 if !defined $n;
        substr $bytes, 0, $n, '';
    }
    return 1;
}

# Close the sending side of the connection.
sub finish { shutdown $_[0]->socket, 1 }

# Read one response; the method matters for HEAD.  undef if the peer closed
# without a response.
sub receive {
    my ($self, $method) = @_;
    return $self->exchange($method // 'GET', sub { undef });
}

# ---- requests

sub request {
    my ($self, $method, $path, $headers, $body, %option) = @_;
    my $head = $self->head_of($method, $path, $headers, $body);
    my $source = source($body);
    my $next = sub {
        return delete $self->{pending} if defined $self->{pending};
        return $source->();
    };
    my $reused = $self->{socket} ? 1 : 0;
    $self->connect if !$reused;
    $self->{pending} = $head;
    my $res = $self->exchange($method, $next, $option{sink});

    # The server had closed the kept connection: try again on a new one.
    if (!$res && $reused && !$self->{once} && ref $body ne 'CODE') {
        $self->close;
        return $self->request($method, $path, $headers, $body, %option);
    }
    $res or croak "$method $path: no response";
    return $self->{follow} && $method eq 'GET' && $res->status == 307
        ? follow($res, $headers, %option) : $res;
}

# Send a request to where another one was redirected.
sub follow {
    my ($res, $headers, %option) = @_;
    my $location = $res->header('Location') // '';
    my ($host, $path) = $location =~ m{\Ahttp://([^/]+)(/.*)\z}
        or croak "307 to '$location'";
    my ($range) = ref $headers eq 'HASH' ? $headers->{Range} : ();
    return OCI::Client->new($host)->request(GET => $path,
        { defined $range ? (Range => $range) : () }, undef, %option);
}

sub get    { my ($s, $p, %h) = @_; $s->request(GET    => $p, \%h) }
sub head   { my ($s, $p, %h) = @_; $s->request(HEAD   => $p, \%h) }
sub delete { my ($s, $p, %h) = @_; $s->request(DELETE => $p, \%h) }
sub post  { my ($s, $p, $b, %h) = @_; $s->request(POST  => $p, \%h, $b // '') }
sub put   { my ($s, $p, $b, %h) = @_; $s->request(PUT   => $p, \%h, $b // '') }
sub patch { my ($s, $p, $b, %h) = @_; $s->request(PATCH => $p, \%h, $b // '') }

sub head_of {
    my ($self, $method, $path, $headers, $body) = @_;
    my @pairs = (@{ $self->{headers} },
        ref $headers eq 'ARRAY' ? @$headers : %{ $headers // {} });
    my %given = map { lc $pairs[ 2 * $_ ] => 1 } 0 .. @pairs / 2 - 1;
    unshift @pairs, Host => $self->{host} if !$given{host};
    if (defined $body && !$given{'content-length'}
        && !$given{'transfer-encoding'}) {
        push @pairs, ref $body
            ? ('Transfer-Encoding' => 'chunked')
            : ('Content-Length' => length $body);
    }
    my $text = "$method $path HTTP/1.1\r\n";
    while (my ($name, $value) = splice @pairs, 0, 2) {
        $text .= "$name: $value\r\n" if defined $value;
    }
    return "$text\r\n";
}

# A function that returns the bytes of a body piece by piece.
sub source {
    my $body = shift;
    my @rest = !defined $body ? () : ref $body eq 'ARRAY' ? @$body : $body;
    return sub { shift @rest } if !ref $body;
    my $ended;
    return sub {
        return if $ended;
        my $chunk = ref $body eq 'CODE' ? $body->() : shift @rest;
        $ended = !defined $chunk;
        return $ended ? "0\r\n\r\n"
            : sprintf "%x\r\n%s\r\n", length $chunk, $chunk;
    };
}

# Write what next returns, and read one response at the same time.
sub exchange {
    my ($self, $method, $next, $sink) = @_;
    my $socket = $self->{socket};
    my $response = OCI::Response->new($method, $sink);
    my $select = IO::Select->new($socket);
    my ($output, $sending, $broken) = ('', 1, 0);
    local $SIG{PIPE} = 'IGNORE';
    $socket->blocking(0);
    while (!$response->parse(\$self->{input})) {
        if ($sending && !length $output) {
            $output = $next->() // '';
            $sending = length $output;
        }
        my $deadline = time + $TIMEOUT;
        my ($read, $write) = ([$select->can_read(0)],
            [$sending ? $select->can_write(0) : ()]);
        if (!@$read && !@$write) {
            ($read, $write) = IO::Select->select($select,
                $sending ? $select : undef, undef, $TIMEOUT);
            croak "no byte for $TIMEOUT s" if time > $deadline;
        }
        if (@{ $write // [] }) {
            my $n = syswrite $socket, $output, 1 << 18;
            if (defined $n) {
                substr $output, 0, $n, '';
            }
            elsif ($! != EAGAIN && $! != EINTR && $! != EWOULDBLOCK) {
                ($sending, $broken) = (0, 1);
            }
        }
        if (@{ $read // [] }) {
            my $n = sysread $socket, $self->{input}, 1 << 18,
                length $self->{input};
            if (!$n && (defined $n || ($! != EAGAIN && $! != EINTR))) {
                my $res = $response->ended;
                $self->close;
                return $res;
            }
        }
    }
    $socket->blocking(1);

    # After an incomplete request the connection cannot be reused.
    my $rest = $sending && (length $output || defined $next->());
    $response->{unsent} = 1 if $rest || $broken;
    $self->close if $rest || $broken || !$response->keeps;
    return $response;
}

# ---- requests to a registry

sub digest_of {
    my ($bytes, $algorithm) = @_;
    $algorithm //= 'sha256';
    return "$algorithm:" . ($algorithm eq 'sha512'
        ? Digest::SHA::sha512_hex($bytes) : Digest::SHA::sha256_hex($bytes));
}

# Add a query to a Location, which may already have one.
sub with_query {
    my ($location, $query) = @_;
    return $location . ($location =~ /\?/ ? '&' : '?') . $query;
}

# Begin an upload; returns its Location.
sub start_upload {
    my ($self, $repo, $query) = @_;
    my $res = $self->post("/v2/$repo/blobs/uploads/" . ($query // ''));
    $res->status == 202 or croak "POST: " . $res->text;
    return $res->header('Location');
}

# Push a blob with POST and PUT; returns its digest.
sub push_blob {
    my ($self, $repo, $bytes, $algorithm) = @_;
    my $digest = digest_of($bytes, $algorithm);
    my $res = $self->put(
        with_query($self->start_upload($repo), "digest=$digest"), $bytes);
    $res->status == 201 or croak "PUT of a blob: " . $res->text;
    return $digest;
}

# Push a manifest, as text or as a structure, under a tag, or under its digest
# if the reference is undef.  Returns its digest.
sub push_manifest {
    my ($self, $repo, $reference, $document, $type) = @_;
    my $text = ref $document ? json_text($document) : $document;
    $type //= JSON::PP::decode_json($text)->{mediaType};
    my $res = $self->put("/v2/$repo/manifests/"
        . ($reference // digest_of($text)), $text, 'Content-Type' => $type);
    $res->status == 201 or croak "PUT of a manifest: " . $res->text;
    return $res->header('Docker-Content-Digest');
}

# Push an image with a config and layers; returns its manifest's digest, text
# and structure.  Options: config, layers (bytes), and fields of the manifest.
sub push_image {
    my ($self, $repo, $reference, %option) = @_;
    my $config = delete $option{config} // '{}';
    my @layers = @{ delete $option{layers} // ["layer of $repo"] };
    $self->push_blob($repo, $_) for $config, @layers;
    my $document = image_manifest($config, \@layers, %option);
    my $text = json_text($document);
    my $digest = $self->push_manifest($repo, $reference, $text);
    return { digest => $digest, text => $text, document => $document };
}

# ---- documents

my $JSON = JSON::PP->new->canonical->utf8;

sub json_text { $JSON->encode($_[0]) }

use constant {
    IMAGE_MANIFEST => 'application/vnd.oci.image.manifest.v1+json',
    IMAGE_INDEX    => 'application/vnd.oci.image.index.v1+json',
    IMAGE_CONFIG   => 'application/vnd.oci.image.config.v1+json',
    IMAGE_LAYER    => 'application/vnd.oci.image.layer.v1.tar',
};

sub descriptor {
    my ($bytes, $type, %more) = @_;
    return { mediaType => $type, digest => digest_of($bytes),
             size => length $bytes, %more };
}

# The manifest of an image with this config and these layers (bytes).
sub image_manifest {
    my ($config, $layers, %more) = @_;
    return {
        schemaVersion => 2,
        mediaType     => IMAGE_MANIFEST,
        config        => descriptor($config // '{}', IMAGE_CONFIG),
        layers        => [ map { descriptor($_, IMAGE_LAYER) }
                           @{ $layers // [] } ],
        %more
    };
}

# An index of manifests given as texts.
sub image_index {
    my ($manifests, %more) = @_;
    return {
        schemaVersion => 2,
        mediaType     => IMAGE_INDEX,
        manifests     => [ map { descriptor($_,
            JSON::PP::decode_json($_)->{mediaType}) } @$manifests ],
        %more
    };
}

# Incompressible bytes, the same for the same seed.
sub random_bytes {
    my ($size, $seed) = @_;
    my $key = $seed // rand;
    my ($bytes, $n) = ('', 0);
    $bytes .= Digest::SHA::sha512($key . ':' . $n++) while length $bytes < $size;
    return substr $bytes, 0, $size;
}

1;
