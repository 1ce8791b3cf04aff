# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# httpd is killed at random moments of pushes and deletes, again and again:
# what was acknowledged is there afterwards, what was not is whole or absent,
# and uploads go on where they stood.  And where it is reloaded instead, or
# its children come and go, nobody notices.
#
# Several writers work at once, each in a repository of its own, and each
# keeps a journal: what it is about to do, and what was acknowledged.

use OCI::Test;

use JSON::PP ();
use POSIX qw(_exit);
use Time::HiRes qw(sleep time);

my $SECONDS = 10;    # for rounds of killing; three rounds at least
my $WRITERS = 4;
my $JSON = JSON::PP->new->canonical;

# ---- a writer

# Write an entry of the journal.
sub record {
    my ($self, $event, @what) = @_;
    syswrite $self->{journal}, $JSON->encode([ $event, @what ]) . "\n";
    return;
}

# Run one request between two entries of the journal.
sub act {
    my ($self, $status, $what, $method, $path, $headers, $body) = @_;
    record($self, begin => @$what);
    my $res = $self->{client}->request($method, $path, $headers, $body);
    if ($res->status != $status) {
        record($self, wrong => "$method $path: " . $res->text);
        _exit(1);
    }
    record($self, done => @$what);
    return $res;
}

sub bytes_of { random_bytes(@{ $_[0] }[1, 0]) }    # of [seed, size]

# What pushes carry: now and then what other writers push at the same time.
sub new_content {
    my $self = shift;
    return rand() < 0.2 ? [ 'shared-' . int rand 5, 50_000 ]
        : [ "$self->{repo}-" . ++$self->{count}, 1 + int rand 150_000 ];
}

sub push_blob {
    my $self = shift;
    my $content = new_content($self);
    my $bytes = bytes_of($content);
    my $digest = digest_of($bytes);
    my $client = $self->{client};
    if (rand() < 0.3) {
        act($self, 201, [ blob => $digest ], POST =>
            "/v2/$self->{repo}/blobs/uploads/?digest=$digest", {}, $bytes);
    }
    else {
        my $location = $client->start_upload($self->{repo});
        record($self, session => $location, $content);
        my $offset = 0;
        for my $part (1 .. int rand 4) {
            my $length = int rand(length($bytes) - $offset);
            act($self, 202, [ patch => $location, $offset + $length ],
                PATCH => $location, {}, substr $bytes, $offset, $length);
            $offset += $length;
        }
        return if rand() < 0.2;    # the judge will finish it
        act($self, 201, [ close => $location, $digest ], PUT =>
            with_query($location, "digest=$digest"), {},
            substr $bytes, $offset);
    }
    $self->{size}{$digest} = length $bytes;
    $self->{blobs}{$digest} = 1 if $content->[0] !~ /^shared/;
    return $digest;
}

sub push_manifest {
    my $self = shift;
    my @blobs = map { push_blob($self) // () } 1, 2;
    return if @blobs < 2;
    delete @{ $self->{blobs} }{@blobs};    # these stay
    my %document = %{ image_manifest() };
    @document{qw(config layers)} = ({ mediaType => IMAGE_CONFIG,
        digest => $blobs[0], size => $self->{size}{ $blobs[0] } },
        [ { mediaType => IMAGE_LAYER, digest => $blobs[1],
            size => $self->{size}{ $blobs[1] } } ]);
    $document{annotations} = { n => "n" . ++$self->{count} };
    my $text = json_text(\%document);
    my $digest = digest_of($text);
    my @tags = map { 't' . int rand 6 } 1 .. 1 + rand 3;
    my %tags = map { $_ => 1 } @tags;
    @tags = sort keys %tags;
    act($self, 201, [ manifest => $digest, \@tags ], PUT =>
        "/v2/$self->{repo}/manifests/"
        . (@tags > 1 ? "$digest?" . join '&', map { "tag=$_" } @tags
                     : $tags[0]),
        { 'Content-Type' => IMAGE_MANIFEST }, $text);
    $self->{tags}{$_} = $digest for @tags;
    $self->{manifests}{$digest} = 1;
    return;
}

sub delete_tag {
    my $self = shift;
    my ($tag) = keys %{ $self->{tags} } or return;
    act($self, 202, [ untag => $tag ], DELETE =>
        "/v2/$self->{repo}/manifests/$tag", {});
    delete $self->{tags}{$tag};
    return;
}

sub delete_manifest {
    my $self = shift;
    my ($digest) = keys %{ $self->{manifests} } or return;
    act($self, 202, [ gone => $digest ], DELETE =>
        "/v2/$self->{repo}/manifests/$digest", {});
    delete $self->{manifests}{$digest};
    delete $self->{tags}{$_}
        for grep { $self->{tags}{$_} eq $digest } keys %{ $self->{tags} };
    return;
}

sub delete_blob {
    my $self = shift;
    my ($digest) = keys %{ $self->{blobs} } or return;
    act($self, 202, [ noblob => $digest ], DELETE =>
        "/v2/$self->{repo}/blobs/$digest", {});
    delete $self->{blobs}{$digest};
    return;
}

sub mount_blob {
    my $self = shift;
    my ($digest) = keys %{ $self->{blobs} } or return;
    act($self, 201, [ mount => $digest ], POST => "/v2/$self->{repo}/mounted/"
        . "blobs/uploads/?mount=$digest&from=$self->{repo}", {}, '');
    return;
}

my @STEPS = ((\&push_blob) x 3, (\&push_manifest) x 4, \&delete_tag,
    \&delete_manifest, \&delete_blob, \&mount_blob);

# Start a writer that works until a time, or until httpd is gone; its id.
sub start_writer {
    my ($server, $repo, $until) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    srand($$ ^ time);
    open my $journal, '>', $server->dir . '/' . $repo =~ tr{/}{-}r
        or _exit(2);
    my $self = { client => OCI::Client->new($server), repo => $repo,
                 journal => $journal };
    my $ended = eval {
        while (time < $until) {
            $STEPS[ rand @STEPS ]->($self);
            $self->{client}->close if rand() < 0.3;
        }
        1;
    };
    record($self, ended => $ended ? '' : $@);
    _exit(0);
}

# ---- the judge

sub journal_of {
    my ($server, $repo) = @_;
    return map { $JSON->decode($_) } split /\n/,
        OCI::Server::slurp($server->dir . '/' . $repo =~ tr{/}{-}r);
}

# What a journal says must be there, and what its last step leaves open.
sub expected {
    my @journal = @_;
    my %is = map { $_ => {} } qw(blobs manifests tags sessions mounted open);
    my %on = (
        blob     => sub { $is{blobs}{ $_[0] } = 1 },
        session  => sub { $is{sessions}{ $_[0] } = { content => $_[1],
                                                     from => 0, to => 0 } },
        patch    => sub { @{ $is{sessions}{ $_[0] } }{qw(from to)}
                              = ($_[1]) x 2 },
        close    => sub { delete $is{sessions}{ $_[0] };
                          $is{blobs}{ $_[1] } = 1 },
        manifest => sub { $is{manifests}{ $_[0] } = 1;
                          $is{tags}{$_} = $_[0] for @{ $_[1] } },
        untag    => sub { $is{tags}{ $_[0] } = undef },
        gone     => sub { $is{manifests}{ $_[0] } = 0;
                          ($_ // '') eq $_[0] and $_ = undef
                              for values %{ $is{tags} } },
        noblob   => sub { $is{blobs}{ $_[0] } = 0 },
        mount    => sub { $is{mounted}{ $_[0] } = 1 },
    );
    my %may = (
        patch    => sub { $is{sessions}{ $_[0] }{to} = $_[1] },
        close    => sub { $is{sessions}{ $_[0] }{closing} = $_[1];
                          $is{open}{ $_[1] } = 1 },
        manifest => sub { $is{open}{$_} = 1 for $_[0], @{ $_[1] } },
        gone     => sub { $is{open}{$_} = 1 for $_[0],
                              grep { ($is{tags}{$_} // '') eq $_[0] }
                              keys %{ $is{tags} } },
        map { $_ => sub { $is{open}{ $_[0] } = 1 } }
            qw(blob untag noblob mount),
    );
    my $last;
    for my $entry (@journal) {
        my ($event, @what) = @$entry;
        if ($event eq 'begin') {
            $last = \@what;
        }
        elsif ($event eq 'session') {
            $on{session}->(@what);
        }
        elsif ($event eq 'done') {
            $on{ $what[0] }->(@what[ 1 .. $#what ]);
            $last = undef;
        }
    }
    if ($last) {
        my ($what, @rest) = @$last;
        $may{$what}->(@rest);
    }
    return \%is;
}

my @faults;
sub fault { push @faults, "@_"; return }

# A blob is there, whole; or, where that is open, absent.
sub judge_blob {
    my ($client, $repo, $digest, $wanted, $open) = @_;
    my $res = $client->get("/v2/$repo/blobs/$digest");
    my $right = $res->status == 200 ? digest_of($res->body) eq $digest
        : $res->status == 404;
    fault("blob $digest in $repo: " . $res->text) if !$right;
    fault("blob $digest in $repo: ", $res->status, "wanted: $wanted")
        if !$open && ($res->status == 200) != $wanted;
    return;
}

# A manifest, by tag or digest, is whole, and so is what it names.
sub judge_manifest {
    my ($client, $repo, $reference) = @_;
    my $res = $client->get("/v2/$repo/manifests/$reference");
    return if $res->status == 404;
    my $digest = $res->header('Docker-Content-Digest') // '';
    if ($res->status != 200 || digest_of($res->body) ne $digest) {
        fault("manifest $reference in $repo: " . $res->text);
        return;
    }
    for my $child ($res->json->{config}, @{ $res->json->{layers} }) {
        my $head = $client->head("/v2/$repo/blobs/$child->{digest}");
        fault("$child->{digest} of $reference in $repo: ", $head->status)
            if $head->status != 200
            || $head->header('Content-Length') != $child->{size};
    }
    return $digest;
}

# A session stands where it should, and is finished.
sub judge_session {
    my ($client, $repo, $location, $session) = @_;
    my $bytes = bytes_of($session->{content});
    my $digest = digest_of($bytes);
    my $res = $client->get($location);
    if ($res->status == 404 && $session->{closing}) {
        judge_blob($client, $repo, $digest, 1, 0);
        return;
    }
    my ($last) = ($res->header('Range') // '') =~ /\A0-(\d+)\z/;
    return fault("session $location: " . $res->text) if !defined $last;
    my $offset = $last ? $last + 1 : 0;
    my $most = $session->{closing} ? length $bytes : $session->{to};
    if ($last == 0 && $session->{from} == 1) {
        $offset = 1;    # announced as none is
    }
    fault("session $location stands at $offset, not in "
        . "$session->{from}..$most")
        if $offset < $session->{from} || $offset > $most;
    $res = $client->put(with_query($location, "digest=$digest"),
                        substr $bytes, $offset);
    fault("session $location: " . $res->text) if $res->status != 201;
    judge_blob($client, $repo, $digest, 1, 0);
    return;
}

sub judge {
    my ($server, $repo, @journal) = @_;
    my $client = OCI::Client->new($server);
    my $is = expected(@journal);
    my $open = $is->{open};
    judge_session($client, $repo, $_, $is->{sessions}{$_})
        for sort keys %{ $is->{sessions} };
    judge_blob($client, $repo, $_, $is->{blobs}{$_}, $open->{$_})
        for sort keys %{ $is->{blobs} };
    judge_blob($client, "$repo/mounted", $_, 1, $open->{$_})
        for sort keys %{ $is->{mounted} };
    judge_blob($client, $repo, $_, 0, 1) for grep { /:/ } sort keys %$open;

    for my $digest (sort keys %{ $is->{manifests} }) {
        my $found = judge_manifest($client, $repo, $digest);
        fault("manifest $digest in $repo", $found ? 'is' : 'is not', 'there')
            if !$open->{$digest} && !$found == !!$is->{manifests}{$digest};
    }
    my $list = $client->get("/v2/$repo/tags/list");
    my %listed = map { $_ => 1 } @{ ($list->json // {})->{tags} // [] };
    my %tags = (%listed, %{ $is->{tags} });
    for my $tag (sort keys %tags) {
        my $found = judge_manifest($client, $repo, $tag);
        fault("tag $tag in $repo is listed and can't be pulled")
            if $listed{$tag} && !$found;
        fault("tag $tag in $repo can be pulled and is not listed")
            if $found && !$listed{$tag};
        fault("tag $tag in $repo: ", $found // 'absent', 'instead of',
            $is->{tags}{$tag} // 'absent')
            if !$open->{$tag} && ($found // '') ne ($is->{tags}{$tag} // '');
    }
    fault(@$_) for grep { $_->[0] eq 'wrong' } @journal;
    return scalar grep { $_->[0] eq 'done' } @journal;
}

# ---- killed

subtest 'httpd is killed, again and again' => sub {
    my $server = OCI::Server->start(extra => 'MaxConnectionsPerChild 30');
    my $end = time + $SECONDS;
    my ($rounds, $steps) = (0, 0);
    while (time < $end || $rounds < 3) {
        $rounds++;
        my @repos = map { "round$rounds/w$_" } 1 .. $WRITERS;
        my @writers = map { start_writer($server, $_, time + 60) } @repos;
        sleep 0.1 + rand 0.7;
        $server->kill9;
        waitpid $_, 0 for @writers;
        $server->again;
        $steps += judge($server, $_, journal_of($server, $_)) for @repos;
        last if @faults;
    }
    ok(!@faults, 'what was acknowledged is there, and no half of anything')
        or diag(join "\n", @faults);
    cmp_ok($steps, '>', 10 * $rounds, "$rounds rounds, $steps steps");
    my %catalog = map { $_ => 1 } @{ OCI::Client->new($server)
        ->get('/v2/_catalog')->json->{repositories} };
    ok(scalar(keys %catalog), 'the catalog is whole');
    $server->stop;
};

subtest 'killed while thousands of tags are deleted' => sub {
    my $server = OCI::Server->start(config => 'OCISync Off');
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('many', undef);
    my $path = "/v2/many/manifests/$image->{digest}";
    my @tags = map { sprintf 'tag-%04d', $_ } 1 .. 600;
    while (my @some = splice @tags, 0, 300) {
        $client->put($path . '?' . join('&', map { "tag=$_" } @some),
                     $image->{text}, 'Content-Type' => IMAGE_MANIFEST);
    }
    for my $round (1 .. 8) {
        my $gone = OCI::Client->new($server)->connect;
        $gone->send("DELETE $path HTTP/1.1\r\nHost: a\r\n\r\n");
        sleep rand 0.04;
        $server->kill9;
        $server->again;
        $client->close;
        my $res = $client->get('/v2/many/tags/list');
        my @listed = $res->status == 200 ? @{ $res->json->{tags} } : ();
        my @lost = grep {
            $client->head("/v2/many/manifests/$_")->status != 200 } @listed;
        is(scalar @lost, 0, scalar(@listed) . ' tags can all be pulled')
            or last;
        last if !@listed;
    }
    my $status = $client->delete($path)->status;
    ok($status == 202 || $status == 404, "the rest is deleted: $status");
    error_is($client->get($path), 404, 'MANIFEST_UNKNOWN');
    my $res = $client->get('/v2/many/tags/list');
    ok($res->status == 404 || !@{ $res->json->{tags} }, 'no tag is left');
    $server->stop;
};

# ---- reloaded

for my $mpm (qw(event prefork)) {
    subtest "reloads, and children that come and go: $mpm" => sub {
        @faults = ();
        my $server = OCI::Server->start(mpm => $mpm,
            extra => 'MaxConnectionsPerChild 5');
        my @repos = map { "reload/w$_" } 1 .. $WRITERS;
        my $end = time + 3;
        my @writers = map { start_writer($server, $_, $end) } @repos;
        while (time < $end) {
            sleep 0.4;
            $server->graceful;
        }
        waitpid $_, 0 for @writers;
        my $steps = 0;
        for my $repo (@repos) {
            my @journal = journal_of($server, $repo);
            $steps += judge($server, $repo, @journal);
            is_deeply($journal[-1], [ ended => '' ],
                      "$repo: no request was lost");
        }
        ok(!@faults, 'all that was pushed is there')
            or diag(join "\n", @faults);
        cmp_ok($steps, '>', 0, "$steps steps");
        $server->stop;
    };
}

done_testing;
