# SPDX-License-Identifier: Apache-2.0

# httpd is killed at random moments during pushes and deletes, again and again.
# Afterwards all acknowledged content exists, all other content is complete or
# absent, and uploads continue at their offsets.  If httpd is reloaded instead,
# or its children exit and are replaced, no request fails.
#
# Several writers work at the same time, each in its own repository.  Each keeps
# a journal of the steps that it begins and of those that were acknowledged.

use OCI::Test;

use OCI::Admin;
use OCI::Verifier;
use OCI::Writer;
use Time::HiRes qw(sleep time);

# For rounds of killing: until at least three of them are over, and this many
# steps were acknowledged, but two minutes longer at most.
my $SECONDS = OCI::Index::named() ? 5 : 10;
my $STEPS = 100;
my $WRITERS = 4;

# Check the registry against the journals of these writers.
sub verify {
    my ($server, @writers) = @_;
    my @verifiers = map { OCI::Verifier->new($_) } @writers;
    for my $verifier (@verifiers) {
        $verifier->finish_sessions($server);
        $verifier->check_facts($server);
    }
    return @verifiers;
}

# ---- killed

subtest 'httpd is killed, again and again' => sub {
    my $server = OCI::Server->start(extra => 'MaxConnectionsPerChild 30');
    my $end = time + $SECONDS;
    my ($rounds, $steps, @faults) = (0, 0);
    while ((time < $end || $rounds < 3 || $steps <= $STEPS)
           && time < $end + 120 && !@faults) {
        $rounds++;
        my @writers = map { OCI::Writer->start([$server], "round$rounds/w$_",
            time + 60) } 1 .. $WRITERS;
        sleep 0.1 + rand 0.7;
        $server->kill9;
        $_->wait for @writers;
        $server->again;
        for my $verifier (verify($server, @writers)) {
            $steps += $verifier->steps;
            push @faults, $verifier->faults;
        }
    }
    ok(!@faults, 'acknowledged content exists, and all content is complete')
        or diag(join "\n", @faults);
    cmp_ok($steps, '>', $STEPS, "$rounds rounds, $steps steps");
    my %catalog = map { $_ => 1 } @{ OCI::Client->new($server)
        ->get('/v2/_catalog')->json->{repositories} };
    ok(scalar(keys %catalog), 'the catalog lists repositories');
    has_no_damage($server);
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
    has_no_damage($server);
    $server->stop;
};

# A deletion that is killed before its last step.
for my $what (qw(blob manifest)) {
    subtest "killed between the last $what and the catalog" => sub {
        my $server = OCI::Server->start(config => "OCISparse All\nOCISync Off");
        plan(skip_all => 'uses the files of the index fs')
            if $server->index ne 'fs';
        my $client = OCI::Client->new($server);
        my $digest = $what eq 'blob' ? $client->push_blob('gone', 'bytes')
            : $client->push_manifest('gone', undef, image_manifest());
        my $path = "/v2/gone/${what}s/$digest";
        my $fact = $server->store . "/index/repo/gone/_$what/$digest";
        unlink $fact or die "$fact: $!\n";
        is_deeply($client->get('/v2/_catalog')->json->{repositories},
            ['gone'], 'the catalog still lists the repository');
        status_is($client->delete($path), 404, 'the deletion is repeated');
        is_deeply($client->get('/v2/_catalog')->json->{repositories}, [],
            'the catalog no longer lists the repository');
        $server->stop;
    };
}

# ---- ended

# prefork ends a child in the handler of a signal, in the middle of a request.
# A child that waits for itself there is found in the log when httpd stops.  On a
# kept connection a writer would repeat a request that has been served.
subtest 'children are ended in the middle of requests: prefork' => sub {
    my $server = OCI::Server->start(mpm => 'prefork', extra => 'KeepAlive Off');
    my $end = time + 4;
    my ($rounds, @faults) = (0);
    while (time < $end && !@faults) {
        $rounds++;
        my @writers = map { OCI::Writer->start([$server], "ended$rounds/w$_",
            time + 20) } 1 .. $WRITERS;
        sleep 0.05 + rand 0.2;
        kill TERM => $server->children;
        $_->wait for @writers;
        push @faults, map { $_->faults } verify($server, @writers);
    }
    ok(!@faults, "acknowledged content exists: $rounds rounds")
        or diag(join "\n", @faults);
    has_no_damage($server);
    $server->stop;
};

# ---- reloaded

for my $mpm (qw(event prefork)) {
    subtest "reloads, and children that are replaced: $mpm" => sub {
        my $server = OCI::Server->start(mpm => $mpm,
            extra => 'MaxConnectionsPerChild 5');
        my $end = time + 3;
        my @writers = map { OCI::Writer->start([$server], "reload/w$_", $end,
            least => 1) } 1 .. $WRITERS;
        while (time < $end) {
            sleep 0.4;
            $server->graceful;
        }
        $_->wait for @writers;
        for my $verifier (verify($server, @writers)) {
            is($verifier->ended, '', 'no request failed');
            is_deeply([ $verifier->faults ], [], 'all pushed content exists');
            cmp_ok($verifier->steps, '>', 0, $verifier->steps . ' steps');
        }
        $server->stop;
    };
}

done_testing;
