# SPDX-License-Identifier: Apache-2.0

# No request waits without a limit for a database that does not answer, for a
# lock that another process holds, or for a second connection.  Each gets 503
# before its client gives up, and later requests succeed.

use OCI::Test;

use File::Temp ();
use OCI::Auth;
use OCI::Crowd;
use OCI::Database;
use OCI::Nodes;
use Time::HiRes qw(sleep time);

my $GIVES_UP = 30;      # seconds after which clients give up

# One test: the log has one line for each request that was refused.
sub one_line_each {
    my ($node, $count, $name) = @_;
    my $lines = () = $node->log =~ /\[oci:error\]/g;
    is($lines, $count, $name);
    return;
}

# A database server that does not answer, though it is there.
sub frozen {
    my ($index, $database, $store) = @_;
    my $node = OCI::Server->start(index => $index, database => $database,
        store => $store, extra => "Timeout 60\nKeepAliveTimeout 60");
    $node->expects(qr/\[oci:error\]/);
    my $client = OCI::Client->new($node);
    my $image = $client->push_image('there', 'v1');
    my $before = () = $node->log =~ /\[oci:error\]/g;

    $database->server->freeze;
    my $start = time;
    my @results = at_once([$node], 3, sub {
        my ($client, $n) = @_;
        my $res = $n == 0 ? $client->get('/v2/there/manifests/v1')
            : $n == 1 ? $client->put('/v2/there/manifests/v2', $image->{text},
                'Content-Type' => IMAGE_MANIFEST)
            : $client->delete("/v2/there/manifests/$image->{digest}");
        return $res->status;
    });
    is_deeply(\@results, [ ([503]) x 3 ], 'each request is answered');
    cmp_ok(time - $start, '<', $GIVES_UP, 'before a client gives up');
    $database->server->thaw;
    one_line_each($node, $before + 3, 'one line in the log for each');

    my $res;
    for (1 .. 1200) {
        $res = $client->get('/v2/there/manifests/v1');
        last if $res->status == 200;
        sleep 0.1;
    }
    status_is($res, 200, 'later pulls work');
    status_is($client->put('/v2/there/manifests/v3', $image->{text},
        'Content-Type' => IMAGE_MANIFEST), 201, 'and pushes');
    $node->stop;
    return;
}

# A database server that is away while a client pauses.  Only the end of the body
# needs it.
sub away_in_pause {
    my ($index, $database, $store) = @_;
    my $node = OCI::Server->start(index => $index, database => $database,
        store => $store);
    my $client = OCI::Client->new($node);
    my $location = $client->start_upload('paused');
    my $bytes = 'paused' x 10_000;
    my $push = OCI::Client->new($node)->connect;
    $push->send($push->head_of('PATCH', $location,
        { 'Content-Length' => length $bytes }, undef) . substr $bytes, 0, 5000);
    sleep 0.5;    # less than a pause
    $database->server->kill9;
    sleep 2;
    $database->server->again;
    $push->send(substr $bytes, 5000);
    status_is($push->receive('PATCH'), 202, 'the request succeeds');
    status_is($client->put(with_query($location, 'digest='
        . digest_of($bytes)), ''), 201, 'and so does the upload');
    $node->stop;
    return;
}

# Create a table of users in a SQLite file, as httpd's user.
sub make_users {
    my ($file, $sql) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my ($uid, $gid) = (getpwnam OCI::Server::user())[ 2, 3 ];
        ($(, $)) = ($gid, "$gid $gid") if !$>;
        ($<, $>) = ($uid, $uid) if !$>;
        exec 'python3', '-c', 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])', $file, $sql;
    }
    waitpid $pid, 0;
    is($?, 0, 'the table of users is created');
    return;
}

# Requests whose login holds a connection of mod_dbd.
sub logins {
    my ($kind, $database, $store) = @_;
    my $password = '{SHA}' . Digest::SHA::sha1_base64('secret') . '=';
    my $sql = "CREATE TABLE people (name VARCHAR(100), password VARCHAR(100));"
        . "INSERT INTO people VALUES ('reader', '$password');";
    if ($database) {
        $database->sql($sql);
    }
    else {
        mkdir $store;
        chown((getpwnam(OCI::Server::user()))[ 2, 3 ], $store) if !$>;
        make_users("$store/facts", $sql);
    }
    my $server = OCI::Server->start(index => "mod_dbd:$kind", store => $store,
        database => $database, modules => [qw(auth_basic authn_core authn_dbd
            authz_user)], extra => "DBDMin 1\nDBDKeep 1\nDBDMax 4",
        config => <<'END');
AuthType Basic
AuthName registry
AuthBasicProvider dbd
AuthDBDUserPWQuery "SELECT password FROM people WHERE name = %s"
Require valid-user
END
    # A child of httpd may start while another one creates our table.  mod_dbd
    # does not wait then, and tries again with the first login.
    $server->allows(qr/AH00632.*database is locked/);
    my @login = (Authorization => OCI::Auth::basic('reader', 'secret'));
    my @results = at_once([$server], 16, sub {
        my ($client, $n) = @_;
        return statuses(6, sub {
            $_[0] % 2 ? $client->get('/v2/', @login)
                : $client->get("/v2/none$n/tags/list", @login) });
    });
    is_deeply(\@results, [ ([ 200, 404 ]) x 16 ],
        "mod_dbd:$kind: 16 concurrent logins with four connections");
    $server->stop;
    return;
}

# The statements of DBDInitSQL hold for the index's own connections.
sub init_sql {
    my ($database, $store) = @_;
    $database->sql('CREATE SCHEMA registry');
    my $server = OCI::Server->start(index => 'mod_dbd:pgsql', store => $store,
        database => $database,
        extra => 'DBDInitSQL "SET search_path TO registry"');
    OCI::Client->new($server)->push_image('there', 'v1');
    $server->stop;
    like($database->sql('SELECT name FROM registry.oci_facts2') // '',
        qr/\.version/, 'the table is where DBDInitSQL wants it');
    return;
}

# A process that holds a lock and does not continue, and requests that wait for
# the lock.
sub held {
    my ($index, $database, $store) = @_;
    my @nodes = nodes(index => $index, database => $database, store => $store);
    $_->allows(qr/\[oci:error\].*timed out after/) for @nodes;
    my $client = OCI::Client->new($nodes[1]);
    my $image = $client->push_image('held', 'v1');
    $client->push_image('other', 'v1');
    my $number = lock_number('repo/held');
    my $holder = open my $pipe, '|-' // die "fork: $!";
    if (!$holder) {
        open STDOUT, '>', '/dev/null';
        exec $database->server->{ask}->($database->server, $database->{name});
    }
    $pipe->autoflush(1);
    print $pipe "SELECT pg_advisory_lock($number);\n";
    my $end = time + 120;
    sleep 0.05 until time > $end || $database->sql("SELECT count(*) FROM
        pg_locks WHERE locktype = 'advisory' AND granted
        AND (classid::bigint << 32 | objid::bigint) = $number") > 0;
    my $start = time;
    my @results = at_once([ $nodes[1] ], 40, sub {
        my ($client, $n) = @_;
        return $client->delete("/v2/held/manifests/$image->{digest}")->status
            if $n == 0;
        return $client->put("/v2/held/manifests/t$n", $image->{text},
            'Content-Type' => IMAGE_MANIFEST)->status if $n < 36;
        return statuses(5, sub { $client->get('/v2/other/manifests/v1') });
    });
    is_deeply([ @results[ 36 .. 39 ] ], [ ([200]) x 4 ],
        'pulls work while 36 requests wait for a lock');
    is(join(' ', do { my %s = map { $_->[0] => 1 } @results[ 0 .. 35 ];
            sort keys %s }),
        '503', 'the waiting requests get 503');
    cmp_ok(time - $start, '<', $GIVES_UP, 'before clients give up');
    close $pipe;
    my $res;
    for (1 .. 1200) {
        $res = $client->put('/v2/held/manifests/t1', $image->{text},
            'Content-Type' => IMAGE_MANIFEST);
        last if $res->status == 201;
        sleep 0.1;
    }
    status_is($res, 201, 'later pushes work');
    $_->stop for @nodes;
    return;
}

# The number that dbd_lock.c computes for a name.
sub lock_number {
    my $hex = substr Digest::SHA::sha256_hex($_[0]), 0, 15;
    no warnings 'portable';    # perl's integers have 64 bits here
    return hex $hex;
}

# Another program writes to an SQLite database: pulls work, and pushes wait.
sub sqlite_writer {
    my $node = OCI::Server->start(index => 'dbd:sqlite3', mpm => 'event',
        extra => "StartServers 1\nServerLimit 1\nThreadsPerChild 64\n"
        . "MinSpareThreads 1\nMaxSpareThreads 64\nMaxRequestWorkers 64");
    my $client = OCI::Client->new($node);
    my $image = $client->push_image('a', 'v1');
    my @pushes;
    for (1 .. 3) {    # a busy machine may end the program too late
        my ($writer, $said) =
            OCI::Database::write_to_sqlite($node->store . '/facts');
        is($said, "begun\n", 'another program writes');
        my @results = at_once([$node], 28, sub {
            my ($client, $n) = @_;
            return $client->put("/v2/a/manifests/t$n", $image->{text},
                'Content-Type' => IMAGE_MANIFEST)->status if $n < 24;
            sleep 1;
            my @statuses = statuses(5, sub {
                $client->get('/v2/a/manifests/v1') });
            kill 'TERM', $writer if $n == 24;
            return @statuses;
        });
        waitpid $writer, 0;
        is_deeply([ splice @results, 24 ], [ ([200]) x 4 ],
            'pulls work while another program writes');
        @pushes = @results;
        last if !grep { "@$_" ne '201' } @pushes;
        $node->allows(qr/\[oci:error\]/);
    }
    is_deeply(\@pushes, [ ([201]) x 24 ], 'pushes wait for it');
    $node->stop;
    return;
}

subtest 'dbd:sqlite3: another program writes' => \&sqlite_writer;
my $directory = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$directory";
logins('sqlite3', undef, "$directory/store");
for my $kind (qw(pgsql mysql)) {
    SKIP: {
        my $database = OCI::Database->start($kind, own => 1)
            or skip("there is no server for $kind", 1);
        my $top = File::Temp->newdir(TMPDIR => 1);
        chmod 0755, "$top";
        subtest "dbd:$kind: a frozen server" =>
            sub { frozen("dbd:$kind", $database, "$top/store") };
        subtest "dbd:$kind: a server that is away in a pause" =>
            sub { away_in_pause("dbd:$kind", $database, "$top/store") };
        subtest "mod_dbd:$kind: logins" =>
            sub { logins($kind, $database, "$top/store") };
        subtest 'mod_dbd:pgsql: DBDInitSQL' =>
            sub { init_sql($database, "$top/other") } if $kind eq 'pgsql';
        subtest "dbd:$kind: a lock that is held" =>
            sub { held("dbd:$kind", $database, "$top/store") }
            if $kind eq 'pgsql';
        $database->server->stop;
    }
}
done_testing;
