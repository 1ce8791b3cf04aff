# SPDX-License-Identifier: Apache-2.0

# httpd is killed at random moments of pushes and deletes, again and again:
# what was acknowledged is there afterwards, what was not is whole or absent,
# and uploads go on where they stood.  And where it is reloaded instead, or
# its children come and go, nobody notices.
#
# Several writers work at once, each in a repository of its own, and each
# keeps a journal: what it is about to do, and what was acknowledged.

use OCI::Test;

use OCI::Judge;
use OCI::Writer;
use Time::HiRes qw(sleep time);

# For rounds of killing; three rounds at least.
my $SECONDS = OCI::Index::named() ? 5 : 10;
my $WRITERS = 4;

# What a registry that goes on lacks of what these writers did.
sub judge {
    my ($server, @writers) = @_;
    my @judges = map { OCI::Judge->new($_) } @writers;
    for my $judge (@judges) {
        $judge->sessions($server);
        $judge->facts($server);
    }
    return @judges;
}

# ---- killed

subtest 'httpd is killed, again and again' => sub {
    my $server = OCI::Server->start(extra => 'MaxConnectionsPerChild 30');
    my $end = time + $SECONDS;
    my ($rounds, $steps, @faults) = (0, 0);
    while ((time < $end || $rounds < 3) && !@faults) {
        $rounds++;
        my @writers = map { OCI::Writer->start([$server], "round$rounds/w$_",
            time + 60) } 1 .. $WRITERS;
        sleep 0.1 + rand 0.7;
        $server->kill9;
        $_->wait for @writers;
        $server->again;
        for my $judge (judge($server, @writers)) {
            $steps += $judge->steps;
            push @faults, $judge->faults;
        }
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

# What a deletion leaves that is killed before its last step.
for my $what (qw(blob manifest)) {
    subtest "killed between the last $what and the catalog" => sub {
        my $server = OCI::Server->start(config => "OCISparse All\nOCISync Off");
        plan(skip_all => 'knows the files of the index fs alone')
            if $server->index ne 'fs';
        my $client = OCI::Client->new($server);
        my $digest = $what eq 'blob' ? $client->push_blob('gone', 'bytes')
            : $client->push_manifest('gone', undef, image_manifest());
        my $path = "/v2/gone/${what}s/$digest";
        my $fact = $server->store . "/index/repo/gone/_$what/$digest";
        unlink $fact or die "$fact: $!\n";
        is_deeply($client->get('/v2/_catalog')->json->{repositories},
            ['gone'], 'the catalog still has it');
        status_is($client->delete($path), 404, 'it is deleted once more');
        is_deeply($client->get('/v2/_catalog')->json->{repositories}, [],
            'and is no longer in the catalog');
        $server->stop;
    };
}

# ---- reloaded

for my $mpm (qw(event prefork)) {
    subtest "reloads, and children that come and go: $mpm" => sub {
        my $server = OCI::Server->start(mpm => $mpm,
            extra => 'MaxConnectionsPerChild 5');
        my $end = time + 3;
        my @writers = map { OCI::Writer->start([$server], "reload/w$_", $end) }
            1 .. $WRITERS;
        while (time < $end) {
            sleep 0.4;
            $server->graceful;
        }
        $_->wait for @writers;
        for my $judge (judge($server, @writers)) {
            is($judge->ended, '', 'no request was lost');
            is_deeply([ $judge->faults ], [], 'all that was pushed is there');
            cmp_ok($judge->steps, '>', 0, $judge->steps . ' steps');
        }
        $server->stop;
    };
}

done_testing;
