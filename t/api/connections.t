# SPDX-License-Identifier: Apache-2.0

# SetHandler oci-metrics: the connections to the database of an index.

use OCI::Test;

use OCI::Database;
use Time::HiRes qw(sleep time);

my $ONE = "StartServers 1\nServerLimit 1\nThreadsPerChild 32\n"
    . "MinSpareThreads 1\nMaxSpareThreads 32\nMaxRequestWorkers 32\n";
my $METRICS = "<Location \"/metrics\">\nSetHandler oci-metrics\n"
    . "Require all granted\n</Location>";
my ($server, $client);

sub serve {
    my %option = @_;
    $server = OCI::Server->start(%option, after => $METRICS,
        extra => $ONE . ($option{extra} // ''));
    $client = OCI::Client->new($server);
    return;
}

# The values of the metrics of connections: "waits_total{calls}" and others.
sub samples {
    my %value = $client->get('/metrics')->body
        =~ /^oci_index_connection(\w*\{use="\w+"\}) (\S+)$/mg;
    return { map { s/^s?_?|use=|"//gr => $value{$_} } keys %value };
}

# Wait until a metric has a value; one test.
sub becomes {
    my ($metric, $value, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $end = time + 60;
    sleep 0.05 while samples()->{$metric} ne $value && time < $end;
    is(samples()->{$metric}, $value, $name);
    return;
}

# Send a request, and do not wait for its reply.
sub begin_request {
    my ($method, $path, $body, %headers) = @_;
    my $other = OCI::Client->new($server)->connect;
    $other->send($other->head_of($method, $path, \%headers, undef) . $body);
    return $other;
}

# Another program that writes to an SQLite database: a push waits for it, with
# its connection.
sub begin_writer {
    my ($writer, $said) =
        OCI::Database::write_to_sqlite($server->store . '/facts');
    is($said, "begun\n", 'another program writes');
    return $writer;
}

sub end_writer { kill 'KILL', $_[0]; waitpid $_[0], 0; return }

for my $index ('dbd:sqlite3', 'mod_dbd:sqlite3') {
    subtest $index => sub {
        my $limit = $index =~ /^mod/ ? 1 : 16;
        serve(index => $index, extra => $index =~ /^mod/ ? 'DBDMax 2' : '');
        my $image = $client->push_image('a', 'v1');
        my $before = samples();
        is($before->{'{calls}'}, 0, 'no connection is in use');
        is($before->{"limit{$_}"}, $limit, "the limit for $_")
            for qw(calls locks);
        is($before->{'waits_total{calls}'}, 0, 'no call has waited');

        my $writer = begin_writer();
        my @put = ('PUT', '/v2/a/manifests/v2', $image->{text},
            'Content-Type' => IMAGE_MANIFEST,
            'Content-Length' => length $image->{text});
        my $push = begin_request(@put);
        becomes('{calls}', 1, 'a push has a connection');
        my $pull = begin_request('GET', '/v2/a/manifests/v1', '');
        becomes('waiters{calls}', 1, 'a pull waits for it') if $limit == 1;
        end_writer($writer);
        status_is($push->receive('PUT'), 201, 'the push ends');
        status_is($pull->receive('GET'), 200, 'so does the pull');
        becomes('{calls}', 0, 'the connection is free again');
        becomes('waiters{calls}', 0, 'and nobody waits');
        my $after = samples();
        cmp_ok($after->{$_}, $limit == 1 ? '>' : '==', 0, $_)
            for 'waits_total{calls}', 'wait_seconds_total{calls}';
        is($after->{"$_\_total{calls}"}, 0, "no $_") for qw(timeouts failures);

        $writer = begin_writer();
        $push = begin_request(@put);
        becomes('{calls}', 1, 'a push has a connection');
        my ($child) = $server->children;
        kill 'KILL', $child;
        becomes('{calls}', 0, 'until its process is killed');
        is(samples()->{'limit{calls}'}, 0, 'which no longer counts');
        end_writer($writer);
        status_is($client->get('/v2/a/manifests/v1'), 200, 'a new process');
        is(samples()->{'limit{calls}'}, $limit, 'has a limit again');
        $server->stop;
    };
}

# Make another program whose process id a process of httpd had.
sub take_pid {
    my $wanted = shift;
    for (1 .. 50) {
        OCI::Server::spew('/proc/sys/kernel/ns_last_pid', $wanted - 1);
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            setpgrp;
            exec 'sleep', 60;
        }
        return $pid if $pid == $wanted;
        end_writer($pid);
    }
    return;
}

subtest 'another program has the process id of a process that ended' => sub {
    plan(skip_all => 'only root chooses process ids on Linux')
        if $> || !open my $last, '+<', '/proc/sys/kernel/ns_last_pid';
    my $two = "ThreadsPerChild 4\nServerLimit 4\nMaxRequestWorkers 8\n"
        . "MaxSpareThreads 8\n";
    serve(index => 'dbd:sqlite3', extra => "${two}StartServers 2");
    my $end = time + 60;
    OCI::Client->new($server)->get('/v2/a/manifests/v1')
        while samples()->{'limit{calls}'} < 32 && time < $end;
    is(samples()->{'limit{calls}'}, 32, 'two processes have connections');
    my @old = $server->children;
    $server->set(extra => "$ONE${two}StartServers 1");
    $server->graceful;
    sleep 0.05 while grep({ kill 0, $_ } @old) && time < $end;
    my @others = map { take_pid($_) } @old;
    SKIP: {
        skip 'others have their ids', 1 if grep { !$_ } @others;
        is(samples()->{'limit{calls}'}, 0, 'other programs have none');
    }
    end_writer($_) for grep { $_ } @others;
    $server->stop;
};

subtest 'a database that is not there' => sub {
    my $port = OCI::Server::free_port();
    eval { serve(index => 'fs', config => 'OCIIndex dbd:pgsql '
        . qq{"host=127.0.0.1 user=x dbname=x port=$port"}) };
    plan(skip_all => 'the driver for PostgreSQL is missing')
        if $@ =~ /database driver pgsql/;
    die $@ if $@;
    $server->expects(qr/\[oci:warn\].*the database does not answer/,
        qr/\[oci:error\].*Connection refused/);
    status_is($client->get('/v2/a/manifests/v1'), 503, 'a pull');
    cmp_ok(samples()->{'failures_total{calls}'}, '>', 0, 'it could not connect');
    is(samples()->{'{calls}'}, 0, 'so no connection is in use');
    $server->stop;
};

done_testing;
