# SPDX-License-Identifier: Apache-2.0

# Random requests and collections of garbage, compared with a model: plain
# tables of what each repository must hold.  OCI_MODEL_STEPS is the number of
# steps (500), OCI_MODEL_SEED the seed (1).

use OCI::Test;

use File::Find ();
use OCI::Admin;

my $IMAGE = OCI::Client::IMAGE_MANIFEST;
my $INDEX = OCI::Client::IMAGE_INDEX;
my $steps = $ENV{OCI_MODEL_STEPS} || 500;
my $seed = $ENV{OCI_MODEL_SEED} || 1;
srand $seed;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);

# ---- the model

my (%held, %manifest, %tag, %listed);    # each by the name of a repository
my @repos = qw(m/a m/a/b m/c);
my @tags = qw(one two three four);
my @bytes = map { "the bytes of blob $_" } 1 .. 12;
my %bytes = map { digest_of($_) => $_ } @bytes;
my @digests = sort keys %bytes;

sub one { $_[ int rand @_ ] }

# The manifests of a repository that tags lead to.
sub live {
    my $repo = shift;
    my %live;
    my @next = values %{ $tag{$repo} // {} };
    while (defined(my $digest = shift @next)) {
        my $one = $manifest{$repo}{$digest} or next;
        next if $live{$digest}++;
        push @next, @{ $one->{children} }, grep {
            ($manifest{$repo}{$_}{subject} // '') eq $digest
        } keys %{ $manifest{$repo} };
    }
    return \%live;
}

sub forget_if_empty {
    my $repo = shift;
    delete $listed{$repo}
        if !%{ $held{$repo} // {} } && !%{ $manifest{$repo} // {} };
    return;
}

sub forget_manifest {
    my ($repo, $digest) = @_;
    delete $manifest{$repo}{$digest};
    for my $name (keys %{ $tag{$repo} // {} }) {
        delete $tag{$repo}{$name} if $tag{$repo}{$name} eq $digest;
    }
    return;
}

sub collect {
    my $untagged = shift;
    for my $repo (keys %listed) {
        if ($untagged) {
            my $live = live($repo);
            forget_manifest($repo, $_)
                for grep { !$live->{$_} } keys %{ $manifest{$repo} // {} };
        }
        my %named = map { $_ => 1 } map { @{ $_->{children} } }
            values %{ $manifest{$repo} // {} };
        delete @{ $held{$repo} }{ grep { !$named{$_} } keys %{ $held{$repo} } }
            if $held{$repo};
        forget_if_empty($repo);
    }
    return;
}

# ---- steps: each sends a request, changes the model, and returns the status
# with the one that the model expects

sub push_blob {
    my ($repo, $digest) = (one(@repos), one(@digests));
    my $res = $client->put(with_query($client->start_upload($repo),
        "digest=$digest"), $bytes{$digest});
    $held{$repo}{$digest} = $listed{$repo} = 1;
    return ($res->status, 201, "push $digest to $repo");
}

sub mount {
    my ($repo, $from, $digest) = (one(@repos), one(@repos), one(@digests));
    my $res = $client->post(
        "/v2/$repo/blobs/uploads/?mount=$digest&from=$from");
    my $there = $held{$from}{$digest};
    $held{$repo}{$digest} = $listed{$repo} = 1 if $there;
    return ($res->status, $there ? 201 : 202, "mount $digest from $from");
}

sub put_manifest {
    my ($repo, $type, $text, %one) = @_;
    my $digest = digest_of($text);
    my $name = rand() < 0.8 ? one(@tags) : undef;
    my $res = $client->put("/v2/$repo/manifests/" . ($name // $digest), $text,
        'Content-Type' => $type);
    my $whole = !grep { !$held{$repo}{$_} && !$manifest{$repo}{$_} }
        @{ $one{children} };
    if ($whole) {
        $manifest{$repo}{$digest} = { %one, type => $type, text => $text };
        $tag{$repo}{$name} = $digest if $name;
        $listed{$repo} = 1;
    }
    return ($res->status, $whole ? 201 : 404, "push a manifest to $repo");
}

sub push_image {
    my $repo = one(@repos);
    my @mine = grep { rand() < 0.97 || $held{$repo}{$_} }
        sort keys %{ $held{$repo} // {} };
    my @parts = map { @mine && rand() < 0.95 ? one(@mine) : one(@digests) }
        0 .. int rand 4;
    my ($config, @layers) = map { $bytes{$_} } @parts;
    my @subjects = sort keys %{ $manifest{$repo} // {} };
    my $subject = @subjects && rand() < 0.3 ? one(@subjects) : undef;
    my $text = json_text(OCI::Client::image_manifest($config, \@layers,
        annotations => { number => '' . int rand 1e6 },
        $subject ? (subject => { mediaType => $IMAGE, digest => $subject,
            size => length $manifest{$repo}{$subject}{text} }) : ()));
    return put_manifest($repo, $IMAGE, $text, children => \@parts,
        subject => $subject);
}

sub push_index {
    my $repo = one(@repos);
    my @there = sort keys %{ $manifest{$repo} // {} };
    my @parts = map { @there && rand() < 0.95 ? one(@there)
        : digest_of('absent') } 0 .. int rand 3;
    my $text = json_text({ schemaVersion => 2, mediaType => $INDEX,
        manifests => [ map { my $one = $manifest{$repo}{$_};
            { mediaType => $one ? $one->{type} : $IMAGE, digest => $_,
              size => $one ? length $one->{text} : 6 } } @parts ] });
    return put_manifest($repo, $INDEX, $text, children => \@parts);
}

sub delete_tag {
    my ($repo, $name) = (one(@repos), one(@tags));
    my $res = $client->delete("/v2/$repo/manifests/$name");
    my $there = delete $tag{$repo}{$name};
    return ($res->status, $there ? 202 : 404, "delete $repo:$name");
}

sub delete_manifest {
    my $repo = one(@repos);
    my $digest = one(sort(keys %{ $manifest{$repo} // {} }), $digests[0]);
    my $res = $client->delete("/v2/$repo/manifests/$digest");
    my $there = $manifest{$repo}{$digest};
    forget_manifest($repo, $digest) if $there;
    forget_if_empty($repo);
    return ($res->status, $there ? 202 : 404, "delete $repo\@$digest");
}

sub delete_blob {
    my ($repo, $digest) = (one(@repos), one(@digests));
    my $res = $client->delete("/v2/$repo/blobs/$digest");
    my $there = delete $held{$repo}{$digest};
    forget_if_empty($repo);
    return ($res->status, $there ? 202 : 404, "delete $digest of $repo");
}

sub read_blob {
    my ($repo, $digest) = (one(@repos), one(@digests));
    my $res = rand() < 0.5 ? $client->head("/v2/$repo/blobs/$digest")
                           : $client->get("/v2/$repo/blobs/$digest");
    return ($res->status, $held{$repo}{$digest} ? 200 : 404,
        "read $digest of $repo");
}

sub read_tag {
    my ($repo, $name) = (one(@repos), one(@tags));
    my $res = $client->get("/v2/$repo/manifests/$name");
    my $digest = $tag{$repo}{$name};
    return ($res->status . ' ' . ($res->status == 200 ? $res->body : ''),
        $digest ? "200 $manifest{$repo}{$digest}{text}" : '404 ',
        "read $repo:$name");
}

sub collect_garbage {
    my $untagged = rand() < 0.3;
    my $run = gc($server, '--grace', 0, $untagged ? ('--untagged', 0) : ());
    collect($untagged);
    return ("$run->{status}$run->{err} " . stored(), '0 ' . needed(),
        'collect garbage');
}

sub restart {
    $server->restart;
    return (1, 1, 'restart');
}

my @kinds = ((\&push_blob) x 6, (\&mount) x 3, (\&push_image) x 8,
    (\&push_index) x 3, (\&delete_tag) x 3, \&delete_manifest, \&delete_blob,
    (\&read_blob) x 3, (\&read_tag) x 3, \&collect_garbage);

# ---- comparisons of everything

# The blobs that are on the disk, and those that some repository holds.
sub stored {
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        push @found, $1 if m{/([0-9a-f]{64})\z};
    } }, $server->store . '/blobs');
    return join ' ', sort @found;
}

sub needed {
    my %needed = map { s/.*://r => 1 } map { keys %$_ } values %held;
    return join ' ', sort keys %needed;
}

sub compare_all {
    my $step = shift;
    my (%got, %want);
    $got{catalog} = join ' ', @{ $client->get('/v2/_catalog')
        ->json->{repositories} };
    $want{catalog} = join ' ', sort keys %listed;
    for my $repo (@repos) {
        my $res = $client->get("/v2/$repo/tags/list");
        $got{"$repo tags"} = $res->status == 404 ? 'none'
            : join ' ', @{ $res->json->{tags} };
        $want{"$repo tags"} = $listed{$repo}
            ? join(' ', sort keys %{ $tag{$repo} // {} }) : 'none';
        for my $digest (@digests) {
            $got{"$repo $digest"} = $client->head(
                "/v2/$repo/blobs/$digest")->status;
            $want{"$repo $digest"} = $held{$repo}{$digest} ? 200 : 404;
        }
        my %subjects = map { $_ => [] } keys %{ $manifest{$repo} // {} };
        for my $digest (sort keys %subjects) {
            my $one = $manifest{$repo}{$digest};
            $got{"$repo $digest"} = $client->get(
                "/v2/$repo/manifests/$digest")->body;
            $want{"$repo $digest"} = $one->{text};
            push @{ $subjects{ $one->{subject} } }, $digest
                if $one->{subject};
        }
        for my $subject (keys %subjects) {
            $got{"$repo referrers $subject"} = join ' ', sort map {
                $_->{digest} } @{ $client->get("/v2/$repo/referrers/$subject")
                    ->json->{manifests} };
            $want{"$repo referrers $subject"} = join ' ',
                @{ $subjects{$subject} };
        }
    }
    return is_deeply(\%got, \%want, "everything after $step steps");
}

push_blob();    # the stores belong together from the first request on
my @wrong;
for my $step (1 .. $steps) {
    my ($got, $want, $what) = one(@kinds)->();
    push @wrong, "step $step: $what: $got instead of $want" if $got ne $want;
    last if @wrong;
    compare_all($step) or last if $step % 125 == 0;
    restart() if $step % 200 == 0;
}
is("@wrong", '', "each answer is the model's (seed $seed)");
(undef) = collect_garbage();
compare_all('all');
done_testing;
