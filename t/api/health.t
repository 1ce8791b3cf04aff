# SPDX-License-Identifier: Apache-2.0

# SetHandler oci-health: what it answers while the stores work, and when one of
# them does not.

use OCI::Test;

use OCI::Database;
use OCI::Disk;
use Time::HiRes qw(sleep time);

my $HEALTH = "<Location \"/health\">\nSetHandler oci-health\n"
    . "Require all granted\n</Location>";
my ($server, $client);

sub serve {
    $server = OCI::Server->start(after => $HEALTH, @_);
    $server->allows(qr/\[oci:error\].*the health check fails/);
    $client = OCI::Client->new($server);
    return;
}

# The answer once the checks have this status: a result is used for a second.
sub answer {
    my $status = shift;
    my $end = time + 120;
    my $response;
    do {
        $response = $client->get('/health');
        sleep 0.2 if $response->status != $status;
    } until $response->status == $status || time > $end;
    return $response;
}

sub is_ok {
    my $name = shift;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $response = answer(200);
    status_is($response, 200, $name);
    is_deeply($response->json, { status => 'ok', checks => [
        map { { name => $_, status => 'ok' } } qw(configuration index store) ] },
        "$name: all checks passed");
    return;
}

sub fails_at {
    my ($check, $message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $response = answer(503);
    status_is($response, 503, $name);
    my %by = map { $_->{name} => $_ } @{ $response->json->{checks} // [] };
    is($by{$check}{status}, 'unavailable', "$name: the check $check");
    like($by{$check}{message} // '', $message, "$name: the message");
    unlike($response->body, qr{/}, "$name: no path is told");
    return;
}

# ---- it works

serve();
status_is($client->get('/health?live=1'), 200, 'a query with a value');
status_is($client->get('/health?alive'), 400, 'a query that is not known');
is_ok('an empty registry');
my $response = $client->get('/health');
is($response->header('Content-Type'), 'application/json', 'its type');
is($response->header('Cache-Control'), 'no-store', 'it is not kept');
my $head = $client->head('/health');
status_is($head, 200, 'HEAD');
is($head->body, '', 'HEAD has no body');
is($client->get('/health?live')->body, "{\"status\":\"ok\"}\n", 'liveness');
status_is($client->post('/health'), 405, 'POST is refused');
$client->push_image('a/b', 'v1');
is_ok('a registry with an image');
is_deeply([ glob $server->store . '/uploads/*' ], [], 'nothing is left');

# ---- the blob store is gone

my $store = $server->store;
rename "$store/blobs", "$store/gone" or die "rename: $!\n";
mkdir "$store/blobs";
chown +(getpwnam OCI::Server::user())[ 2, 3 ], "$store/blobs" if !$>;
fails_at('store', qr/is not the one that belongs/, 'a disk that is not mounted');
is($client->get('/health?live')->status, 200, 'it is alive all the same');
rmdir "$store/blobs";
rename "$store/gone", "$store/blobs" or die "rename: $!\n";
is_ok('the disk is back');
my $end = time + 120;    # each process checks
sleep 0.2 until $server->log =~ /passes again/ || time > $end
    || !OCI::Client->new($server)->get('/health');
like($server->log, qr/\[oci:notice\].*the health check passes again/,
    'the log says so');
like($server->log, qr/the health check fails: .*is its disk mounted/,
    'the log has the reason');

rename $store, "$store-away" or die "rename: $!\n";
fails_at('store', qr/cannot be used/, 'a store that is gone with its index');
is(answer(503)->json->{checks}[1]{status}, 'unavailable', 'so is its index');
rename "$store-away", $store or die "rename: $!\n";
is_ok('both are back');
like($server->log, qr/the health check fails: cannot read the id of .*: No such/,
    'the log has what the system says');

# ---- a store that nobody may write to

SKIP: {
    skip 'only root can take the rights of httpd', 1 if $>;
    my @stat = stat "$store/uploads";
    chown 0, 0, "$store/uploads";
    chmod 0555, "$store/uploads";
    fails_at('store', qr/refuses changes/, 'a store without rights');
    chown @stat[ 4, 5 ], "$store/uploads";
    chmod $stat[2] & 07777, "$store/uploads";
    is_ok('the rights are back');
    like($server->log, qr/the health check fails: .*: Permission denied/,
        'the log has the reason');
}
$server->set(config => 'OCIReadOnly On');
$server->graceful;
is_ok('a read-only registry');
$server->stop;

# ---- a full disk

SKIP: {
    my $dir = small_disk('tmpfs', 'size=12m');
    skip 'tmpfs cannot be mounted', 1 if !$dir;
    serve(store => "$dir/store");
    is_ok('a small disk');
    fill($dir);
    my $full = answer(503);
    status_is($full, 503, 'a full disk');
    like($full->body, qr/"the (?:index|blob store) is full"/, 'the message');
    $server->stop;
}

# ---- a database that hangs, one that is stopped, and one that only reads

SKIP: {
    my $database = OCI::Database->start('pgsql', own => 1);
    skip 'PostgreSQL is not installed', 1 if !$database;
    my $postgres = $database->server;
    serve(index => 'dbd:pgsql', database => $database);
    is_ok('a database');
    $postgres->freeze;
    fails_at('index', qr/no answer within 2 seconds|does not answer/,
        'a database that hangs');
    like($server->log, qr/the health check fails: /, 'the log says so');
    $postgres->thaw;
    is_ok('a database that goes on');
    $postgres->sql('postgres',
        'ALTER SYSTEM SET default_transaction_read_only = on');
    $postgres->sql('postgres', 'SELECT pg_reload_conf()');
    fails_at('index', qr/refuses changes/, 'a database that only reads');
    $postgres->stop;
    fails_at('index', qr/does not answer/, 'a database that is stopped');
    $server->allows(qr/\[oci:error\]/);
    $server->stop;
}

# ---- a virtual host without a registry

serve(location => '');
fails_at('configuration', qr/no registry is configured/, 'no registry');
$server->stop;

done_testing;
