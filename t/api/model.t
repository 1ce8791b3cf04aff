# SPDX-License-Identifier: Apache-2.0

# Random requests, collections of garbage with and without rules, and restarts,
# compared with a model: plain tables of what each repository must hold.
#
# OCI_MODEL_STEPS is the number of steps (500), OCI_MODEL_SEED the seed (1).
# With OCI_MODEL_SECONDS there are games with further seeds until this time is
# over, and the first seed is a random one.

use OCI::Test;

use File::Find ();
use OCI::Admin;
use Time::HiRes qw(sleep time);

my $IMAGE = OCI::Client::IMAGE_MANIFEST;
my $INDEX = OCI::Client::IMAGE_INDEX;
my $DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
my $steps = $ENV{OCI_MODEL_STEPS} || 500;
my $seconds = $ENV{OCI_MODEL_SECONDS} || 0;
my $seed = $ENV{OCI_MODEL_SEED} || ($seconds ? int rand 1e9 : 1);

my ($server, $client);

# ---- the model

my (%held, %manifest, %tag, %listed);    # each by the name of a repository
my %pushed;    # by repository and tag: the second in which the tag was set, or
               # undef if it is not known for certain
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

# Delete the tags that no rule keeps, if there are rules for the repository.
sub retain {
    my ($repo, @rules) = @_;
    my @mine = grep { $repo =~ $_->{repos} } @rules or return;
    my $tags = $tag{$repo} // {};
    my %kept;
    for my $rule (@mine) {
        my @matched = grep { $_ =~ $rule->{tags} } keys %$tags;
        my @times = sort { $b <=> $a } map { $pushed{$repo}{$_} } @matched;
        my $least = $rule->{last} && @matched > $rule->{last}
            ? $times[ $rule->{last} - 1 ] : 0;
        $kept{$_} = 1 for grep { $pushed{$repo}{$_} >= $least } @matched;
    }
    delete @$tags{ grep { !$kept{$_} } keys %$tags };
    return;
}

# rules: those of retention; untagged: the repositories whose manifests go that
# have no tag, or undef; later: whether blobs have a grace
sub collect {
    my ($rules, $untagged, $later) = @_;
    for my $repo (keys %listed) {
        retain($repo, @$rules);
        if ($untagged && $repo =~ $untagged) {
            my $live = live($repo);
            forget_manifest($repo, $_)
                for grep { !$live->{$_} } keys %{ $manifest{$repo} // {} };
        }
        my %named = map { $_ => 1 } map { @{ $_->{children} } }
            values %{ $manifest{$repo} // {} };
        delete @{ $held{$repo} }{ grep { !$named{$_} } keys %{ $held{$repo} } }
            if $held{$repo} && !$later;
        forget_if_empty($repo);
    }
    return;
}

# ---- steps: each sends a request, changes the model, and returns the status
# with the one that the model expects

# In one request, in two, or in pieces.
sub send_blob {
    my ($repo, $digest) = @_;
    my ($bytes, $form) = ($bytes{$digest}, int rand 3);
    return $client->post("/v2/$repo/blobs/uploads/?digest=$digest", $bytes)
        if !$form;
    my $location = $client->start_upload($repo);
    while ($form == 2 && length $bytes > 4) {
        my $piece = substr $bytes, 0, 1 + int rand length $bytes, '';
        $location = $client->patch($location, $piece)->header('Location');
    }
    return $client->put(with_query($location, "digest=$digest"), $bytes);
}

sub push_blob {
    my ($repo, $digest) = (one(@repos), one(@digests));
    my $res = send_blob($repo, $digest);
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

# By a tag, by its digest, or by its digest with tags.
sub put_manifest {
    my ($repo, $type, $text, %one) = @_;
    my $digest = digest_of($text);
    my @set = rand() < 0.2 ? () : rand() < 0.8 ? one(@tags)
        : grep { rand() < 0.5 } @tags;
    my $path = "/v2/$repo/manifests/" . (@set == 1 ? $set[0]
        : join '?', $digest, (join '&', map { "tag=$_" } @set) || ());
    my $begun = int time;
    my $res = $client->put($path, $text, 'Content-Type' => $type);
    my $whole = !grep { !$held{$repo}{$_} && !$manifest{$repo}{$_} }
        @{ $one{children} };
    if ($whole) {
        $manifest{$repo}{$digest} = { %one, type => $type, text => $text };
        $tag{$repo}{$_} = $digest for @set;
        $pushed{$repo}{$_} = $begun == int time ? $begun : undef for @set;
        $listed{$repo} = 1;
    }
    return ($res->status, $whole ? 201 : 404, "push a manifest to $repo");
}

# Sometimes the subject of a new manifest: the digest and the member.
sub subject {
    my $repo = shift;
    my @there = sort keys %{ $manifest{$repo} // {} };
    return if !@there || rand() > 0.3;
    my $digest = one(@there);
    my $one = $manifest{$repo}{$digest};
    return ($digest, subject => { mediaType => $one->{type}, digest => $digest,
        size => length $one->{text} });
}

sub push_image {
    my $repo = one(@repos);
    my @mine = grep { rand() < 0.97 || $held{$repo}{$_} }
        sort keys %{ $held{$repo} // {} };
    my @parts = map { @mine && rand() < 0.95 ? one(@mine) : one(@digests) }
        0 .. int rand 4;
    my ($config, @layers) = map { $bytes{$_} } @parts;
    my ($subject, @subject) = subject($repo);
    my $type = $subject || rand() < 0.8 ? $IMAGE : $DOCKER;
    my $text = json_text(OCI::Client::image_manifest($config, \@layers,
        mediaType => $type, annotations => { number => '' . int rand 1e9 },
        @subject));
    return put_manifest($repo, $type, $text, children => \@parts,
        subject => $subject);
}

sub push_index {
    my $repo = one(@repos);
    my @there = sort keys %{ $manifest{$repo} // {} };
    my @parts = map { @there && rand() < 0.95 ? one(@there)
        : digest_of('absent') } 0 .. int rand 3;
    my ($subject, @subject) = subject($repo);
    my $text = json_text({ schemaVersion => 2, mediaType => $INDEX, @subject,
        annotations => { number => '' . int rand 1e9 },
        manifests => [ map { my $one = $manifest{$repo}{$_};
            { mediaType => $one ? $one->{type} : $IMAGE, digest => $_,
              size => $one ? length $one->{text} : 6 } } @parts ] });
    return put_manifest($repo, $INDEX, $text, children => \@parts,
        subject => $subject);
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

# Rules of OCIRetain, and what they mean.
my @RULES = (
    [ 'm/* tags=(one|two)' =>
        { repos => qr{^m/[^/]*$}, tags => qr/^(one|two)$/ } ],
    [ 'm/a/** tags=three' => { repos => qr{^m/a/}, tags => qr/^three$/ } ],
    [ '** pushed=1d' => { repos => qr/./, tags => qr/./ } ],
    [ '** last=1' => { repos => qr/./, tags => qr/./, last => 1 } ],
    [ 'm/c tags=(t.*|one) last=2' =>
        { repos => qr{^m/c$}, tags => qr/^(t.*|one)$/, last => 2 } ],
    [ 'm/c tags=four' => { repos => qr{^m/c$}, tags => qr/^four$/ } ],
);
my @UNTAGGED = ([ 0 => qr/./ ], [ '0 m/a m/c' => qr{^m/[ac]$} ],
    [ '1d' => undef ]);

# All times of the tags are known.
sub times_known {
    return !grep { my $repo = $_; grep { !defined $pushed{$repo}{$_} }
        keys %{ $tag{$repo} } } keys %tag;
}

sub collect_garbage {
    my @rules = rand() < 0.4 && times_known() ? map { one(@RULES) } 0 .. rand 2
        : ();
    my $untagged = rand() < 0.4 ? one(@UNTAGGED) : undef;
    my $grace = rand() < 0.2 ? 3600 : 0;
    my @options = ('--grace', $grace, (map { ('--retain', $_->[0]) } @rules),
        $untagged ? ('--untagged', $untagged->[0]) : ());
    my $run = gc($server, @options);
    collect([ map { $_->[1] } @rules ], $untagged && $untagged->[1], $grace);
    return ("$run->{status}$run->{err} " . stored(), '0 ' . needed(),
        "gc @options");
}

sub restart {
    my $how = one(qw(graceful restart halt kill9));
    $server->$how;
    $server->again if $how =~ /halt|kill9/;
    return (1, 1, $how);
}

my @kinds = ((\&push_blob) x 6, (\&mount) x 3, (\&push_image) x 8,
    (\&push_index) x 3, (\&delete_tag) x 3, \&delete_manifest, \&delete_blob,
    (\&read_blob) x 3, (\&read_tag) x 3, \&collect_garbage);

# ---- comparisons of everything

# The blobs that are on the disk, and those that some repository holds: their
# digests; of a bucket, whose keys do not have them, their number.
sub stored {
    return scalar grep { m{\Ablobs/} } keys %{ $server->{blobs}->objects(
        $server->store) } if $server->blobs ne 'fs';
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        push @found, $1 if m{/([0-9a-f]{64})\z};
    } }, $server->store . '/blobs');
    return join ' ', sort @found;
}

sub needed {
    my %needed = map { s/.*://r => 1 } map { keys %$_ } values %held;
    return scalar keys %needed if $server->blobs ne 'fs';
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

# ---- games

# Play a game with a seed; true if all was as the model says.
sub play {
    my $seed = shift;
    srand $seed;
    %$_ = () for \%held, \%manifest, \%tag, \%listed, \%pushed;
    $server = OCI::Server->start;
    $client = OCI::Client->new($server);
    push_blob();    # the stores belong together from the first request on
    my @wrong;
    for my $step (1 .. $steps) {
        my ($got, $want, $what) = one(@kinds)->();
        push @wrong, "step $step: $what: $got instead of $want"
            if $got ne $want;
        last if @wrong;
        compare_all($step) or last if $step % 125 == 0;
        restart() if rand() < 0.005;
        sleep 1 - (time - int time) if rand() < 0.015;    # for "last="
    }
    is("@wrong", '', "each answer is the model's (seed $seed)");
    (undef) = collect_garbage();
    return compare_all('all') & $server->stop & !@wrong;
}

my $end = time + $seconds;
1 while play($seed++) && time < $end;
done_testing;
