# SPDX-License-Identifier: Apache-2.0

# A process that pushes images, indexes and referrers beside garbage collection,
# and also deletes some, in its own repository.  Like OCI::Writer it keeps a
# journal of what it begins and of what was acknowledged.
#
#     my $pusher = OCI::Pusher->start([$server], 'repo', time + 5, %option);
#     $pusher->wait;
#     my $pushed = OCI::Pushed->new($pusher);         # replays the journal
#
# Options:
#
#     others   other repositories, from which it mounts layers
#     least    how many steps it makes at least, as for OCI::Writer
#     repeats  whether it repeats a push if a blob or a manifest was collected
#              meanwhile; otherwise that is an error, which ends the pusher
#
# Layers are shared by all pushers.  The tags tmp-... are never in the journal:
# retention may delete them.

package OCI::Pusher;

use strict;
use warnings;

use parent -norequire, 'OCI::Writer';

use OCI::Client;
use OCI::Writer;

my $LAYERS = 16;     # that are shared
my $TRIES = 200;     # of a push
my @STEPS = ((\&push_image) x 8, (\&push_index) x 3, (\&push_referrer) x 2,
    \&push_garbage, \&pull, \&delete_tag, (\&delete_manifest) x 2,
    \&delete_garbage);

sub work {
    my $self = shift;
    $STEPS[ rand @STEPS ]->($self);
    $self->client->close if rand() < 0.1;
    return;
}

# Run a request that may have one of these statuses.
sub ask {
    my ($self, $statuses, $method, $path, $headers, $body) = @_;
    my $res = $self->client->request($method, $path, $headers, $body);
    return $res if grep { $res->status == $_ } @$statuses;
    $self->record(wrong => "$method $path: " . $res->text)
        if $res->status != 503;
    die $res->status . "\n";
}

# ---- blobs

# The content of a blob, [seed, size].
sub layer { return [ 'shared-' . int(rand $LAYERS), 20_000 ] }
sub config { return [ "$_[0]{repo}-" . ++$_[0]{count}, 1 + int rand 500 ] }

# Make sure that the repository has a blob, in one of the ways of clients.
sub provide {
    my ($self, $content) = @_;
    my $bytes = OCI::Writer::bytes_of($content);
    my $digest = OCI::Client::digest_of($bytes);
    my $uploads = "/v2/$self->{repo}/blobs/uploads/";
    my $shared = $content->[0] =~ /^shared/;
    return if $shared && rand() < 0.6 && $self->ask([ 200, 404 ], HEAD =>
        "/v2/$self->{repo}/blobs/$digest", {})->status == 200;
    my $location;
    if ($shared && @{ $self->{others} } && rand() < 0.5) {
        my $from = $self->{others}[ rand @{ $self->{others} } ];
        my $res = $self->ask([ 201, 202 ], POST =>
            "$uploads?mount=$digest&from=$from", {}, '');
        return if $res->status == 201;
        $location = $res->header('Location');
    }
    elsif (rand() < 0.3) {
        $self->ask([201], POST => "$uploads?digest=$digest", {}, $bytes);
        return;
    }
    $location //= $self->ask([202], POST => $uploads, {}, '')
        ->header('Location');
    $self->ask([201], PUT =>
        OCI::Client::with_query($location, "digest=$digest"), {}, $bytes);
    return;
}

# A blob that no manifest will name.
sub push_garbage {
    my $self = shift;
    my $content = [ "$self->{repo}-" . ++$self->{count}, 5000 ];
    $self->provide($content);
    push @{ $self->{garbage} }, $content;
    return;
}

sub delete_garbage {
    my $self = shift;
    my $content = shift @{ $self->{garbage} } or return;
    my $digest = OCI::Client::digest_of(OCI::Writer::bytes_of($content));
    $self->ask([ 202, 404 ], DELETE => "/v2/$self->{repo}/blobs/$digest", {});
    return;
}

# ---- manifests

# Push a manifest with these tags, and what it names.
# push: { text, type, contents (of blobs), children (pushes), digest }
sub push_all {
    my ($self, $push, @tags) = @_;
    my ($last) = grep { !/^tmp/ } @tags;
    my @kept = grep { !/^tmp/ } @tags;
    my $path = "/v2/$self->{repo}/manifests/" . (@tags == 1 ? $tags[0]
        : join '?', $push->{digest}, (join '&', map { "tag=$_" } @tags) || ());
    for my $try (1 .. $TRIES) {
        $self->push_all($_) for $try > 1 ? @{ $push->{children} } : ();
        $self->provide($_) for @{ $push->{contents} };
        $self->record(begin => manifest => $push->{digest}, \@kept,
            $push->{names});
        my $res = $self->ask($self->{repeats} ? [ 201, 404 ] : [201],
            PUT => $path, { 'Content-Type' => $push->{type} }, $push->{text});
        if ($res->status == 404) {
            $self->record(undone => manifest => $push->{digest});
            next;
        }
        $self->record(done => manifest => $push->{digest}, \@kept,
            $push->{names});
        $self->{tags}{$_} = $push->{digest} for @kept;
        $self->{pushes}{ $push->{digest} } = $push;
        return;
    }
    $self->record(wrong => "$path: still incomplete after $TRIES pushes");
    die "incomplete\n";
}

sub manifest_of {
    my ($self, $document, %more) = @_;
    my $text = OCI::Client::json_text({ %$document,
        annotations => { n => "$self->{repo} " . ++$self->{count} } });
    return { text => $text, digest => OCI::Client::digest_of($text),
        type => $document->{mediaType}, contents => [], children => [],
        %more };
}

sub new_image {
    my ($self, %more) = @_;
    my @contents = ($self->config, map { $self->layer } 0 .. rand 3);
    my ($config, @layers) = map { OCI::Writer::bytes_of($_) } @contents;
    return $self->manifest_of(
        OCI::Client::image_manifest($config, \@layers, %more),
        contents => \@contents, names => { blobs => [
            map { OCI::Client::digest_of($_) } $config, @layers ] });
}

sub push_image {
    my $self = shift;
    my %tags = map { ('t' . int rand 6) => 1 } 1 .. rand 3;
    $tags{ 'tmp-' . int rand 20 } = 1 if rand() < 0.3;
    return $self->push_all($self->new_image, sort keys %tags);
}

sub push_index {
    my $self = shift;
    my @children = map { $self->new_image } 0 .. rand 3;
    $self->push_all($_) for @children;
    my $document = OCI::Client::image_index([ map { $_->{text} } @children ]);
    return $self->push_all($self->manifest_of($document,
        children => \@children, names => { manifests =>
            [ map { $_->{digest} } @children ] }), 'i' . int rand 6);
}

# A referrer of a manifest that has a tag, pushed without a tag.
sub push_referrer {
    my $self = shift;
    my ($tag) = keys %{ $self->{tags} } or return;
    my $subject = $self->{pushes}{ $self->{tags}{$tag} };
    my $push = $self->new_image(artifactType => 'application/x-sbom',
        subject => OCI::Client::descriptor(@$subject{qw(text type)}));
    $push->{names}{subject} = $subject->{digest};
    return $self->push_all($push);
}

# Pull something; what was replaced or collected may be gone.
sub pull {
    my $self = shift;
    my $push = (values %{ $self->{pushes} })[0] or return;
    my @gone = (200, 404);
    $self->ask(\@gone, GET => "/v2/$self->{repo}/manifests/$push->{digest}");
    $self->ask(\@gone, GET => "/v2/$self->{repo}/blobs/$_")
        for @{ $push->{names}{blobs} // [] };
    return;
}

sub delete_tag {
    my $self = shift;
    my ($tag) = keys %{ $self->{tags} } or return;
    return $self->act(202, [ untag => delete $self->{tags}{$tag}, $tag ],
        DELETE => "/v2/$self->{repo}/manifests/$tag", {});
}

# Delete a manifest.  Without a tag it may be gone already.
sub delete_manifest {
    my $self = shift;
    my ($digest) = keys %{ $self->{pushes} } or return;
    my @what = (gone => $digest);
    $self->record(begin => @what);
    $self->ask($self->{repeats} ? [ 202, 404 ] : [202], DELETE =>
        "/v2/$self->{repo}/manifests/$digest", {});
    $self->record(done => @what);
    delete $self->{pushes}{$digest};
    my $tags = $self->{tags};
    delete @$tags{ grep { $tags->{$_} eq $digest } keys %$tags };
    return;
}

# ---- what a journal requires

package OCI::Pushed;

# Replay the journal of a pusher.
sub new {
    my ($class, $pusher) = @_;
    my $self = bless { repo => $pusher->repo, tags => {}, manifests => {},
        open => {}, faults => [], pushes => 0, repeats => 0 }, $class;
    my @last;
    for my $entry ($pusher->journal) {
        my ($event, @what) = @$entry;
        if ($event eq 'ended') {
            $self->{ended} = $what[0];
        }
        elsif ($event eq 'wrong') {
            push @{ $self->{faults} }, @what;
        }
        elsif ($event eq 'begin') {
            @last = @what;
        }
        else {
            $event eq 'done' ? $self->apply(@what) : $self->{repeats}++;
            @last = ();
        }
    }
    $self->leave_open(@last) if @last;
    return $self;
}

sub ended   { $_[0]{ended} }     # undef if the pusher was killed
sub faults  { @{ $_[0]{faults} } }
sub pushes  { $_[0]{pushes} }    # manifests that were acknowledged
sub repeats { $_[0]{repeats} }

sub tags_of {
    my ($self, $digest) = @_;
    return grep { $self->{tags}{$_} eq $digest } keys %{ $self->{tags} };
}

sub apply {
    my ($self, $what, $digest, $more, $names) = @_;
    my ($tags, $manifests) = @$self{qw(tags manifests)};
    if ($what eq 'manifest') {
        $manifests->{$digest} = $names;
        $tags->{$_} = $digest for @$more;
        $self->{pushes}++;
    }
    elsif ($what eq 'untag') {
        delete $tags->{$more};
    }
    else {
        delete @$tags{ $self->tags_of($digest) };
        delete $manifests->{$digest};
    }
    return;
}

# The last step may have been done or not.
sub leave_open {
    my ($self, $what, $digest, $more) = @_;
    my @tags = $what eq 'manifest' ? @$more : $what eq 'untag' ? $more
        : $self->tags_of($digest);
    $self->{open}{$_} = 1 for $digest, @tags;
    return;
}

# The manifests that must exist: all, or those to which a tag leads.
sub required {
    my ($self, $tagged_only) = @_;
    my ($manifests, $open) = @$self{qw(manifests open)};
    return grep { !$open->{$_} } keys %$manifests if !$tagged_only;
    my (%live, %referrers);
    my @next = @{ $self->{tags} }{ grep { !$open->{$_} } keys %{ $self->{tags} } };
    push @{ $referrers{ $manifests->{$_}{subject} } }, $_
        for grep { $manifests->{$_}{subject} } keys %$manifests;
    while (defined(my $digest = shift @next)) {
        next if $open->{$digest} || !$manifests->{$digest} || $live{$digest}++;
        push @next, @{ $manifests->{$digest}{manifests} // [] },
            @{ $referrers{$digest} // [] };
    }
    return keys %live;
}

# The referrers among these that the lists of their subjects lack.
sub unlisted {
    my ($self, $client, @digests) = @_;
    my (%lists, @faults);
    for my $digest (@digests) {
        my $subject = $self->{manifests}{$digest}{subject};
        my $res = $lists{$subject} //= $client->get(
            "/v2/$self->{repo}/referrers/$subject");
        push @faults, "referrer $digest is not listed: " . $res->text
            if $res->status != 200
            || !grep { $_->{digest} eq $digest } @{ $res->json->{manifests} };
    }
    return @faults;
}

# Check that everything required is served, byte for byte.
sub check {
    my ($self, $server, $tagged_only) = @_;
    my $client = OCI::Client->new($server);
    my ($base, @lost) = ("/v2/$self->{repo}");
    my %blobs;
    for my $digest ($self->required($tagged_only)) {
        $blobs{$_} = $digest
            for @{ $self->{manifests}{$digest}{blobs} // [] };
        my $res = $client->get("$base/manifests/$digest");
        push @lost, "manifest $digest: " . $res->status
            if $res->status != 200
            || OCI::Client::digest_of($res->body) ne $digest;
    }
    push @lost, $self->unlisted($client, grep { $self->{manifests}{$_}{subject} }
        $self->required($tagged_only));
    for my $digest (sort keys %blobs) {
        my $res = $client->get("$base/blobs/$digest");
        push @lost, "blob $digest of $blobs{$digest}: " . $res->status
            if $res->status != 200
            || OCI::Client::digest_of($res->body) ne $digest;
    }
    for my $tag (grep { !$self->{open}{$_} } sort keys %{ $self->{tags} }) {
        my $found = $client->head("$base/manifests/$tag", Accept => '*/*')
            ->header('Docker-Content-Digest') // 'nothing';
        push @lost, "tag $tag: $found instead of $self->{tags}{$tag}"
            if $found ne $self->{tags}{$tag};
    }
    push @{ $self->{faults} }, map { "$self->{repo}: $_" } @lost;
    return;
}

1;
