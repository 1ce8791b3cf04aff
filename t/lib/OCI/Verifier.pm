# SPDX-License-Identifier: Apache-2.0

# Checks that a registry has the content that an OCI::Writer's journal requires,
# and that all its content is complete.
#
#     my $verifier = OCI::Verifier->new($writer);
#     $verifier->finish_sessions($server);   # those that were left open
#     $verifier->check_facts($server);       # any number of times
#     $verifier->steps, $verifier->faults
#
# The last step of the journal may have been done or not.

package OCI::Verifier;

use strict;
use warnings;

use OCI::Client;
use OCI::Writer;

sub new {
    my ($class, $writer) = @_;
    my $self = bless { repo => $writer->repo, faults => [], steps => 0,
        map { $_ => {} } qw(blobs manifests tags sessions mounted open)
    }, $class;
    my @last;
    for my $entry ($writer->journal) {
        my ($event, @what) = @$entry;
        $self->{ended} = $what[0] if $event eq 'ended';
        $self->fault(@what) if $event eq 'wrong';
        $self->apply(session => @what) if $event eq 'session';
        @last = @what if $event eq 'begin';
        if ($event eq 'done') {
            $self->apply(@what);
            $self->{steps}++;
            @last = ();
        }
    }
    $self->may_apply(@last) if @last;
    return $self;
}

sub steps  { $_[0]{steps} }
sub faults { @{ $_[0]{faults} } }
sub ended  { $_[0]{ended} }     # undef if the writer was killed

sub fault {
    my ($self, @words) = @_;
    push @{ $self->{faults} }, "@words";
    return;
}

my %APPLY = (
    blob     => sub { $_[0]{blobs}{ $_[1] } = 1 },
    session  => sub { $_[0]{sessions}{ $_[1] } = { content => $_[2],
                                                   from => 0, to => 0 } },
    patch    => sub { @{ $_[0]{sessions}{ $_[1] } }{qw(from to)}
                          = ($_[2]) x 2 },
    close    => sub { delete $_[0]{sessions}{ $_[1] };
                      $_[0]{blobs}{ $_[2] } = 1 },
    manifest => sub { $_[0]{manifests}{ $_[1] } = 1;
                      $_[0]{tags}{$_} = $_[1] for @{ $_[2] } },
    untag    => sub { $_[0]{tags}{ $_[1] } = undef },
    gone     => sub { $_[0]{manifests}{ $_[1] } = 0;
                      $_[0]{tags}{$_} = undef for $_[0]->tags_of($_[1]) },
    noblob   => sub { $_[0]{blobs}{ $_[1] } = 0 },
    mount    => sub { $_[0]{mounted}{ $_[1] } = 1 },
);
my %MAY_APPLY = (
    patch    => sub { $_[0]{sessions}{ $_[1] }{to} = $_[2] },
    close    => sub { $_[0]{sessions}{ $_[1] }{closing} = $_[2];
                      $_[0]{open}{ $_[2] } = 1 },
    manifest => sub { $_[0]{open}{$_} = 1 for $_[1], @{ $_[2] } },
    gone     => sub { $_[0]{open}{$_} = 1 for $_[1],
                          $_[0]->tags_of($_[1]) },
    map { $_ => sub { $_[0]{open}{ $_[1] } = 1 } } qw(blob untag noblob mount),
);

sub apply {
    my ($self, $what, @rest) = @_;
    return $APPLY{$what}->($self, @rest);
}

sub may_apply {
    my ($self, $what, @rest) = @_;
    return $MAY_APPLY{$what}->($self, @rest);
}

sub tags_of {
    my ($self, $digest) = @_;
    my $tags = $self->{tags};
    return grep { ($tags->{$_} // '') eq $digest } keys %$tags;
}

# A blob exists and is complete; or, if its state is open, it may be absent.
sub check_blob {
    my ($self, $client, $repo, $digest, $wanted) = @_;
    my $open = !defined $wanted || $self->{open}{$digest};
    my $res = $client->get("/v2/$repo/blobs/$digest");
    my $right = $res->status == 200
        ? OCI::Client::digest_of($res->body) eq $digest : $res->status == 404;
    $self->fault("blob $digest in $repo:", $res->text) if !$right;
    $self->fault("blob $digest in $repo:", $res->status, "wanted: $wanted")
        if !$open && ($res->status == 200) != $wanted;
    return;
}

# A manifest, by tag or digest, is complete, and so is the content that it
# names.  Returns its digest.
sub check_manifest {
    my ($self, $client, $reference) = @_;
    my $repo = $self->{repo};
    my $res = $client->get("/v2/$repo/manifests/$reference");
    return if $res->status == 404;
    my $digest = $res->header('Docker-Content-Digest') // '';
    if ($res->status != 200
        || OCI::Client::digest_of($res->body) ne $digest) {
        $self->fault("manifest $reference in $repo:", $res->text);
        return;
    }
    for my $child ($res->json->{config}, @{ $res->json->{layers} }) {
        my $head = $client->head("/v2/$repo/blobs/$child->{digest}");
        $self->fault("$child->{digest} of $reference in $repo:", $head->status)
            if $head->status != 200
            || $head->header('Content-Length') != $child->{size};
    }
    return $digest;
}

# Check that the offset of a session is right, and finish the session.
sub finish_session {
    my ($self, $client, $location) = @_;
    my ($repo, $session) = ($self->{repo}, $self->{sessions}{$location});
    my $bytes = OCI::Writer::bytes_of($session->{content});
    my $digest = OCI::Client::digest_of($bytes);
    $self->{blobs}{$digest} = 1;
    delete $self->{open}{$digest};
    my $res = $client->get($location);
    return if $res->status == 404 && $session->{closing};
    my ($last) = ($res->header('Range') // '') =~ /\A0-(\d+)\z/;
    return $self->fault("session $location:", $res->text) if !defined $last;
    my $offset = $last ? $last + 1 : 0;
    my $most = $session->{closing} ? length $bytes : $session->{to};
    if ($last == 0 && $session->{from} == 1) {
        $offset = 1;    # the Range of one byte is that of an empty session
    }
    $self->fault("session $location is at offset $offset, not in "
        . "$session->{from}..$most")
        if $offset < $session->{from} || $offset > $most;
    my @range = $offset < length $bytes
        ? ('Content-Range' => "$offset-" . (length($bytes) - 1)) : ();
    $res = $client->put(OCI::Client::with_query($location, "digest=$digest"),
        substr($bytes, $offset), @range);
    $self->fault("session $location:", $res->text) if $res->status != 201;
    return;
}

sub finish_sessions {
    my ($self, $server) = @_;
    my $client = OCI::Client->new($server);
    $self->finish_session($client, $_) for sort keys %{ $self->{sessions} };
    return;
}

sub check_facts {
    my ($self, $server) = @_;
    my $client = OCI::Client->new($server);
    my ($repo, $open) = @$self{qw(repo open)};
    $self->check_blob($client, $repo, $_, $self->{blobs}{$_})
        for sort keys %{ $self->{blobs} };
    $self->check_blob($client, "$repo/mounted", $_, 1)
        for sort keys %{ $self->{mounted} };
    $self->check_blob($client, $repo, $_) for grep { /:/ } sort keys %$open;

    for my $digest (sort keys %{ $self->{manifests} }) {
        my $found = $self->check_manifest($client, $digest);
        $self->fault("manifest $digest in $repo",
            $found ? 'exists' : 'does not exist')
            if !$open->{$digest} && !$found == !!$self->{manifests}{$digest};
    }
    return $self->check_tags($client);
}

sub check_tags {
    my ($self, $client) = @_;
    my $repo = $self->{repo};
    my $list = $client->get("/v2/$repo/tags/list");
    my %listed = map { $_ => 1 } @{ ($list->json // {})->{tags} // [] };
    my %tags = (%listed, %{ $self->{tags} });
    for my $tag (sort keys %tags) {
        my $found = $self->check_manifest($client, $tag) // 'absent';
        my $wanted = $self->{tags}{$tag} // 'absent';
        $self->fault("tag $tag in $repo is listed but cannot be pulled")
            if $listed{$tag} && $found eq 'absent';
        $self->fault("tag $tag in $repo can be pulled but is not listed")
            if !$listed{$tag} && $found ne 'absent';
        $self->fault("tag $tag in $repo: $found instead of $wanted")
            if !$self->{open}{$tag} && $found ne $wanted;
    }
    return;
}

1;
