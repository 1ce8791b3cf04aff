# SPDX-License-Identifier: Apache-2.0

# Two httpds whose database is stopped, is killed, or has a full disk: clients
# get 503.  When the database works again, both httpds continue without a
# restart, and nothing is lost.

use OCI::Test;

use File::Temp ();
use OCI::Crowd;
use OCI::Database;
use OCI::Disk;
use OCI::Verifier;
use OCI::Nodes;
use OCI::Writer;
use Time::HiRes qw(sleep time);

# For rounds of restarts: until at least three of them are over, and this many
# steps were acknowledged, but two minutes longer at most.
my $SECONDS = 3;
my $STEPS = 30;
my $DISK = 256;     # MiB of a small disk
my %option = (extra => 'KeepAliveTimeout 60');

# Requests of each kind: a name, a function of a client, and the status that is
# expected when the database works.
sub requests {
    my ($image, $session) = @_;
    my $config = digest_of('{}');
    my $base = '/v2/there';
    return (
        [ 'a tag', sub { $_[0]->get("$base/manifests/v1") }, 200 ],
        [ 'a digest', sub {
            $_[0]->head("$base/manifests/$image->{digest}") }, 200 ],
        [ 'an absent tag', sub { $_[0]->get("$base/manifests/absent") }, 404 ],
        [ 'a blob', sub { $_[0]->get("$base/blobs/$config") }, 200 ],
        [ 'tags', sub { $_[0]->get("$base/tags/list") }, 200 ],
        [ 'catalog', sub { $_[0]->get('/v2/_catalog') }, 200 ],
        [ 'referrers', sub {
            $_[0]->get("$base/referrers/$image->{digest}") }, 200 ],
        [ 'a session', sub { $_[0]->get($session) }, 204 ],
        [ 'POST', sub { $_[0]->post("$base/blobs/uploads/") }, 202 ],
        [ 'PATCH', sub { $_[0]->patch($session, 'more') }, 202 ],
        [ 'POST of a blob', sub { $_[0]->post("$base/blobs/uploads/?digest="
            . digest_of('new'), 'new') }, 201 ],
        [ 'PUT of a tag', sub {
            put($_[0], 'there/manifests/v2', $image->{text}) }, 201 ],
        [ 'DELETE of a tag', sub {
            $_[0]->delete("$base/manifests/v2") }, 202 ],
        [ 'DELETE of a blob', sub {
            $_[0]->delete("$base/blobs/" . digest_of('new')) }, 202 ],
    );
}

sub all_answered {
    my ($nodes, $name, @requests) = @_;
    for my $client (map { OCI::Client->new($_) } @$nodes) {
        status_is($_->[1]->($client), $_->[2], "$name: $_->[0]")
            for @requests;
    }
    return;
}

sub all_refused {
    my ($nodes, @requests) = @_;
    for my $client (map { OCI::Client->new($_) } @$nodes) {
        for my $request (@requests) {
            # A busy machine may be late once or twice.
            my $seconds;
            for (1 .. 3) {
                my $start = time;
                error_is($request->[1]->($client), 503, 'UNAVAILABLE', undef,
                    "$request->[0]: 503");
                $seconds = time - $start;
                last if $seconds < 3;
            }
            cmp_ok($seconds, '<', 3, "$request->[0]: within 3 seconds");
        }
    }
    return;
}

# Use the connections of all threads.
sub all_at_once {
    my ($nodes, $name) = @_;
    my @results = at_once($nodes, 16, sub {
        my ($client, $n) = @_;
        return statuses(8, sub {
            $_[0] % 2 ? $client->get('/v2/there/manifests/v1')
                : $client->head('/v2/there/blobs/' . digest_of('{}')) });
    });
    is_deeply(\@results, [ ([200]) x 16 ], $name);
    return;
}

sub stopped {
    my ($index, $database, $store) = @_;
    my @nodes = nodes(%option, index => $index, database => $database,
        store => $store);
    for my $node (@nodes) {
        $node->expects(qr/\[oci:error\].*\bconnect/i);
        $node->allows(qr/\[dbd:error\]/);
    }
    my $client = OCI::Client->new($nodes[0]);
    my $image = $client->push_image('there', 'v1');
    my $session = $client->start_upload('there');
    my @requests = requests($image, $session);
    all_answered(\@nodes, 'before', @requests);
    all_at_once(\@nodes, 'many at the same time');

    for my $how (qw(stop kill9)) {
        $database->server->$how;
        all_refused(\@nodes, @requests);
        $database->server->again;
        all_answered(\@nodes, "after $how", @requests);
        all_at_once(\@nodes, "after $how: many at the same time");
        $database->server->$how;
        $database->server->again;
        all_at_once(\@nodes, "$how between requests: many at the same time");
        all_answered(\@nodes, "$how between requests", @requests);
    }
    $_->stop for @nodes;
    return;
}

sub under_load {
    my ($index, $database, $store) = @_;
    my @nodes = nodes(index => $index, database => $database,
        store => $store);
    for my $node (@nodes) {
        $node->allows(qr/\[(?:oci|dbd):error\]/);
        # libpq prints this if the server stops while libpq connects.  APR's
        # driver can silence it only on an open connection.
        $node->allows(
            qr/^FATAL:  terminating connection due to administrator command$/);
    }
    my $end = time + $SECONDS;
    my ($rounds, $steps, $interrupted, @faults) = (0, 0, 0);
    while ((time < $end || $rounds < 3 || $steps <= $STEPS)
           && time < $end + 120 && !@faults) {
        $rounds++;
        my $until = time + 1.2;
        my @writers = map { OCI::Writer->start(\@nodes, "round$rounds/w$_",
            $until) } 1 .. 4;
        sleep 0.2 + rand 0.6;
        $rounds % 2 ? $database->server->kill9 : $database->server->stop;
        $database->server->again;
        $_->wait for @writers;
        for my $verifier (map { OCI::Verifier->new($_) } @writers) {
            $verifier->finish_sessions($nodes[0]);
            $verifier->check_facts($_) for @nodes;
            $steps += $verifier->steps;
            $interrupted++ if $verifier->ended;
            push @faults, $verifier->faults;
        }
    }
    is_deeply(\@faults, [], 'all acknowledged content exists');
    cmp_ok($steps, '>', $STEPS,
        "$rounds rounds, $steps steps, $interrupted writers got 503");
    $_->stop for @nodes;
    return;
}

sub full {
    my ($index, $database, $dir) = @_;
    my @nodes = nodes(index => $index, database => $database);
    $_->allows(qr/\[(?:oci|dbd):error\]/) for @nodes;
    my @client = map { OCI::Client->new($_) } @nodes;
    my $image = $client[0]->push_image('there', 'v1');
    my ($refused, %seen, @there) = (0);
    for my $n (1 .. 300) {
        fill($dir) if $n == 20;
        my $text = json_text({ %{ $image->{document} }, annotations =>
            { note => random_bytes(60_000, $n) =~ s/[^a-zA-Z0-9]/-/gr } });
        my $res = put($client[ $n % 2 ], "there/manifests/m$n", $text);
        $seen{ $res->status }++;
        push @there, [ "m$n", $text ] if $res->status == 201;
        next if $res->status == 201;
        error_is($res, $res->status, $res->status == 507 ? 'UNKNOWN'
            : 'UNAVAILABLE');
        last if ++$refused == 10;
    }
    ok($seen{507} || $seen{503}, 'a full disk is reported: ' . join ', ',
        map { "$_: $seen{$_}" } sort keys %seen);
    if ($seen{507}) {
        is($_->get('/v2/there/manifests/v1')->body, $image->{text},
            'pulls still work') for @client;
        status_is($client[1]->delete('/v2/there/manifests/m1'), 202,
            'deletes still work');
        shift @there;
    }
    unlink "$dir/filler";
    my $res;
    for (1 .. 1200) {
        $res = put($client[1], 'there/manifests/v2', $image->{text});
        last if $res->status == 201;
        sleep 0.1;
    }
    status_is($res, 201, 'pushes work when there is space again');
    for my $client (@client) {
        is_deeply([ map { $_->[0] } grep {
            $client->get("/v2/there/manifests/$_->[0]")->body ne $_->[1] }
            @there ], [], 'all acknowledged content exists');
    }
    $_->stop for @nodes;
    return;
}

for my $kind (qw(pgsql mysql)) {
    for my $index ("dbd:$kind", "mod_dbd:$kind") {
        my $database = OCI::Database->start($kind, own => 1);
        my $top = File::Temp->newdir(TMPDIR => 1);
        chmod 0755, "$top";
        SKIP: {
            $database or skip("there is no server for $kind", 1);
            subtest "$index: stopped" =>
                sub { stopped($index, $database, "$top/store") };
            subtest "$index: restarted under load" =>
                sub { under_load($index, $database, "$top/store") };
            $database->server->stop;
        }
    }
    SKIP: {
        my $dir = small_disk('tmpfs', "size=${DISK}m")
            or skip('tmpfs cannot be mounted', 1);
        mkdir "$dir/database";
        my $database = OCI::Database->start($kind, own => 1,
            dir => "$dir/database") or skip("there is no server", 1);
        subtest "dbd:$kind: a full disk" =>
            sub { full("dbd:$kind", $database, $dir) };
        $database->server->stop;
    }
}

done_testing;
