# SPDX-License-Identifier: Apache-2.0

# A process that pushes and deletes at random in its own repository.  It keeps a
# journal for OCI::Verifier: each step that it begins, and each step that the
# server acknowledged.
#
#     my $writer = OCI::Writer->start([$server], 'repo', time + 5);
#     $writer->wait;
#     $writer->journal       # a list of [ event, ... ]
#
# If there are several servers, each request goes to a random one.  With the
# option once, no request is sent a second time.  With least, it works on until
# this many steps were acknowledged.  The last entry is [ended => ''], or
# [ended => REASON] if the writer ended early.  A 503 ends it early; any other unexpected
# status is also recorded as wrong.

package OCI::Writer;

use strict;
use warnings;

use JSON::PP ();
use OCI::Client;
use OCI::Server;
use POSIX qw(_exit);
use Time::HiRes qw(time);

my $JSON = JSON::PP->new->canonical;
my @STEPS = ((\&push_blob) x 3, (\&push_manifest) x 4, \&delete_tag,
    \&delete_manifest, \&delete_blob, \&mount_blob);

# Start a writer that works until a time, or until a request fails.
sub start {
    my ($class, $servers, $repo, $until, %option) = @_;
    my $path = $servers->[0]->dir . '/' . $repo =~ tr{/}{-}r;
    my $self = bless { least => 0, done => 0, %option, repo => $repo,
        path => $path }, $class;
    $self->{pid} = fork // die "fork: $!\n";
    return $self if $self->{pid};
    srand($$ ^ time);
    open $self->{journal}, '>', $path or _exit(2);
    $self->{clients} = [ map { OCI::Client->new($_, once => $self->{once}) }
        @$servers ];
    my $ended = eval {
        $self->work while time < $until || $self->{done} < $self->{least};
        1;
    };
    $self->record(ended => $ended ? '' : $@);
    _exit(0);
}

sub wait { waitpid $_[0]{pid}, 0 }
sub repo { $_[0]{repo} }

sub journal {
    my $self = shift;
    return map { $JSON->decode($_) } split /\n/,
        OCI::Server::slurp($self->{path});
}

sub work {
    my $self = shift;
    $STEPS[ rand @STEPS ]->($self);
    $self->client->close if rand() < 0.3;
    return;
}

sub client { $_[0]{clients}[ rand @{ $_[0]{clients} } ] }

# Write an entry to the journal.
sub record {
    my ($self, $event, @what) = @_;
    $self->{done}++ if $event eq 'done';
    syswrite $self->{journal}, $JSON->encode([ $event, @what ]) . "\n";
    return;
}

# Run one request between two entries of the journal.
sub act {
    my ($self, $status, $what, $method, $path, $headers, $body) = @_;
    $self->record(begin => @$what);
    my $res = $self->client->request($method, $path, $headers, $body);
    if ($res->status != $status) {
        $self->record(wrong => "$method $path: " . $res->text)
            if $res->status != 503;
        die $res->status . "\n";
    }
    $self->record(done => @$what);
    return $res;
}

# The content of a push, [seed, size].  Some of it is shared with other writers,
# which push it at the same time.
sub new_content {
    my $self = shift;
    return rand() < 0.2 ? [ 'shared-' . int rand 5, 50_000 ]
        : [ "$self->{repo}-" . ++$self->{count}, 1 + int rand 150_000 ];
}

sub bytes_of { OCI::Client::random_bytes(@{ $_[0] }[ 1, 0 ]) }

sub push_blob {
    my $self = shift;
    my $content = $self->new_content;
    my $bytes = bytes_of($content);
    my $digest = OCI::Client::digest_of($bytes);
    if (rand() < 0.3) {
        $self->act(201, [ blob => $digest ], POST =>
            "/v2/$self->{repo}/blobs/uploads/?digest=$digest", {}, $bytes);
    }
    else {
        $self->push_in_parts($content, $bytes, $digest) or return;
    }
    $self->{size}{$digest} = length $bytes;
    $self->{blobs}{$digest} = 1 if $content->[0] !~ /^shared/;
    return $digest;
}

# False if it leaves the session for the verifier to finish.
sub push_in_parts {
    my ($self, $content, $bytes, $digest) = @_;
    my $location = $self->client->start_upload($self->{repo});
    $self->record(session => $location, $content);
    my $offset = 0;
    for my $part (1 .. int rand 4) {
        my $length = int rand(length($bytes) - $offset);
        $self->act(202, [ patch => $location, $offset + $length ],
            PATCH => $location, {}, substr $bytes, $offset, $length);
        $offset += $length;
    }
    return 0 if rand() < 0.2;
    $self->act(201, [ close => $location, $digest ], PUT =>
        OCI::Client::with_query($location, "digest=$digest"), {},
        substr $bytes, $offset);
    return 1;
}

sub push_manifest {
    my $self = shift;
    my @blobs = map { $self->push_blob // () } 1, 2;
    return if @blobs < 2;
    delete @{ $self->{blobs} }{@blobs};    # these must not be deleted
    my %document = %{ OCI::Client::image_manifest() };
    @document{qw(config layers)} = (
        { mediaType => OCI::Client::IMAGE_CONFIG, digest => $blobs[0],
          size => $self->{size}{ $blobs[0] } },
        [ { mediaType => OCI::Client::IMAGE_LAYER, digest => $blobs[1],
            size => $self->{size}{ $blobs[1] } } ]);
    $document{annotations} = { n => "n" . ++$self->{count} };
    my $text = OCI::Client::json_text(\%document);
    my $digest = OCI::Client::digest_of($text);
    my %tags = map { ('t' . int rand 6) => 1 } 1 .. 1 + rand 3;
    my @tags = sort keys %tags;
    $self->act(201, [ manifest => $digest, \@tags ], PUT =>
        "/v2/$self->{repo}/manifests/"
        . (@tags > 1 ? "$digest?" . join '&', map { "tag=$_" } @tags
                     : $tags[0]),
        { 'Content-Type' => OCI::Client::IMAGE_MANIFEST }, $text);
    $self->{tags}{$_} = $digest for @tags;
    $self->{manifests}{$digest} = 1;
    return;
}

sub delete_tag {
    my $self = shift;
    my ($tag) = keys %{ $self->{tags} } or return;
    $self->act(202, [ untag => $tag ], DELETE =>
        "/v2/$self->{repo}/manifests/$tag", {});
    delete $self->{tags}{$tag};
    return;
}

sub delete_manifest {
    my $self = shift;
    my ($digest) = keys %{ $self->{manifests} } or return;
    $self->act(202, [ gone => $digest ], DELETE =>
        "/v2/$self->{repo}/manifests/$digest", {});
    delete $self->{manifests}{$digest};
    delete $self->{tags}{$_}
        for grep { $self->{tags}{$_} eq $digest } keys %{ $self->{tags} };
    return;
}

sub delete_blob {
    my $self = shift;
    my ($digest) = keys %{ $self->{blobs} } or return;
    $self->act(202, [ noblob => $digest ], DELETE =>
        "/v2/$self->{repo}/blobs/$digest", {});
    delete $self->{blobs}{$digest};
    return;
}

sub mount_blob {
    my $self = shift;
    my ($digest) = keys %{ $self->{blobs} } or return;
    $self->act(201, [ mount => $digest ], POST => "/v2/$self->{repo}/mounted/"
        . "blobs/uploads/?mount=$digest&from=$self->{repo}", {}, '');
    return;
}

1;
