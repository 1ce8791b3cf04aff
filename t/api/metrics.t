# SPDX-License-Identifier: Apache-2.0

# SetHandler oci-metrics: what it counts, over several processes and reloads,
# and the names in the documents.

use OCI::Test;

use Digest::SHA qw(sha256_hex);
use Fcntl qw(F_SETLK F_WRLCK O_RDWR SEEK_SET);
use Time::HiRes qw(sleep time);

my $top = $OCI::Server::TOP;
my $server = OCI::Server->start(
    modules => [qw(watchdog authn_core authn_file auth_basic authz_user
        authz_host)],
    extra   => 'OCIGCInterval 1',
    config  => <<'CONF',
AuthType Basic
AuthName r
AuthBasicProvider file
AuthUserFile "@DIR@/users"
<RequireAny>
    Require valid-user
    Require expr "%{REQUEST_URI} !~ m#/secret/#"
</RequireAny>
CONF
    after => <<'CONF');
<Location "/metrics">
    SetHandler oci-metrics
    Require all granted
</Location>
<Location "/closed">
    SetHandler oci-metrics
    Require all denied
</Location>
CONF
OCI::Server::spew($server->dir . '/users', '');
my $client = OCI::Client->new($server);

# The samples of a page: "name{labels}" and the value.
sub samples {
    my $response = $client->get('/metrics');
    die 'no metrics: ', $response->status, "\n" if $response->status != 200;
    return { map { /^(\S+) (\S+)$/ ? ($1 => $2) : () }
        split /\n/, $response->body };
}

# What was counted between two pages, without the values that are times.
sub added {
    my ($before, $after) = @_;
    my %added;
    for my $name (keys %$after) {
        next if $name =~ /_seconds|_bucket|^oci_gc|^registry_storage/;
        my $change = $after->{$name} - ($before->{$name} // 0);
        $added{$name} = $change if $change;
    }
    return \%added;
}

sub requests {
    my ($handler, $method, $code) = @_;
    return "registry_http_requests_total{code=\"$code\",handler=\"$handler\","
        . "method=\"$method\"}";
}

# ---- one of each

my $blob = 'hello';
my $digest = 'sha256:' . sha256_hex($blob);
my $manifest = '{"schemaVersion":2,"mediaType":'
    . '"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":'
    . '"application/vnd.oci.image.config.v1+json","digest":"' . $digest
    . '","size":5},"layers":[]}';
my %type = ('Content-Type' => 'application/vnd.oci.image.manifest.v1+json');

my $before = samples();
my $upload = $client->post('/v2/a/b/blobs/uploads/');
is($upload->status, 202, 'an upload starts');
is($client->put(
        with_query($upload->header('Location'), "digest=$digest"), $blob)
        ->status, 201, 'it ends with a blob');
my $other = $client->post('/v2/a/b/blobs/uploads/');
is($client->delete($other->header('Location'))->status, 204, 'another ends');
is($client->put('/v2/a/b/manifests/v1', $manifest, %type)->status, 201,
    'a manifest is pushed');
$client->get('/v2/a/b/manifests/v1') for 1 .. 3;
$client->head('/v2/a/b/manifests/v1');
$client->get('/v2/a/b/manifests/none');
$client->get("/v2/a/b/blobs/$digest");
$client->get('/v2/a/b/tags/list');
$client->get('/v2/_catalog');
$client->get('/v2/');
$client->get("/v2/a/b/referrers/$digest");
$client->get('/v2/a/b/c');
$client->get('/v2/secret/manifests/v1');
$client->get('/v2/secret/manifests/v1',
    Authorization => 'Basic YTpi');
my $after = samples();
my $added = added($before, $after);
my %sizes = map { $_ => delete $added->{$_} }
    grep { /_size_bytes_/ } keys %$added;
is_deeply($added, {
    requests('blob_upload', 'post', 202)         => 2,
    requests('blob_upload_chunk', 'put', 201)    => 1,
    requests('blob_upload_chunk', 'delete', 204) => 1,
    requests('manifest', 'put', 201)             => 1,
    requests('manifest', 'get', 200)             => 3,
    requests('manifest', 'head', 200)            => 1,
    requests('manifest', 'get', 404)             => 1,
    requests('manifest', 'get', 401)             => 2,
    requests('blob', 'get', 200)                 => 1,
    requests('tags', 'get', 200)                 => 1,
    requests('catalog', 'get', 200)              => 1,
    requests('base', 'get', 200)                 => 1,
    requests('referrers', 'get', 200)            => 1,
    requests('other', 'get', 404)                => 1,
    oci_uploads_started_total                    => 2,
    oci_uploads_completed_total                  => 1,
    oci_uploads_cancelled_total                  => 1,
    oci_logins_refused_total                     => 1,
}, 'each request is counted once');
is($sizes{'registry_http_request_size_bytes_sum{handler="manifest"}'},
    length $manifest, 'bytes of a pushed manifest');
is($sizes{'registry_http_request_size_bytes_sum{handler="blob_upload_chunk"}'},
    5, 'bytes of a pushed blob');
is($sizes{'registry_http_response_size_bytes_sum{handler="blob"}'}, 5,
    'bytes of a pulled blob');
my $label = 'handler="manifest",method="get"';
is($after->{"registry_http_request_duration_seconds_count{$label}"}, 6,
    'the durations of all pulls');
is($after->{"registry_http_request_duration_seconds_bucket{$label,le=\"+Inf\"}"},
    6, 'the last bucket has all of them');
cmp_ok($after->{"registry_http_request_duration_seconds_sum{$label}"}, '>', 0,
    'they took some time');
is($after->{"registry_http_in_flight_requests{$label}"} // 0, 0,
    'none is being served');

sub calls {
    my ($samples, $action) = @_;
    return $samples->{'registry_storage_action_seconds_count{action="'
        . "$action\",driver=\"fs\"}"} // 0;
}
is(calls($after, 'upload_commit'), 1, 'calls of the store are counted');
is(calls($after, $_), 2, "$_, too") for qw(upload_resume upload_abort);
my %failures = map { $after->{$_} => 1 }
    grep { /^oci_storage_failures/ } keys %$after;
is_deeply([ keys %failures ], ['0'], 'none failed');

# A client that waits for 100 Continue gets it before httpd takes its silence for
# a pause, at which the upload would be closed.
# The pause begins a second later, and on a busy machine it may be over by then.
my $pauses;
for (1 .. 5) {
    my $waits = OCI::Client->new($server);
    my $where = $client->post('/v2/a/b/blobs/uploads/')->header('Location');
    my $closed = calls(samples(), 'upload_close');
    $waits->send("PATCH $where HTTP/1.1\r\nHost: x\r\nExpect: 100-continue"
        . "\r\nContent-Length: 3\r\n\r\n");
    sysread $waits->socket, my $interim, 100;
    like($interim, qr{\AHTTP/1\.1 100 }, '100 Continue');
    $pauses = calls(samples(), 'upload_close') - $closed;
    $waits->send('abc');
    status_is($waits->receive('PATCH'), 202, 'PATCH');
    $client->delete($where);
    last if !$pauses;
}
is($pauses, 0, 'before a pause');

# ---- several processes, and reloads

$before = samples();
my @children = map {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $own = OCI::Client->new($server);
        $own->get('/v2/a/b/manifests/v1') for 1 .. 20;
        require POSIX;
        POSIX::_exit(0);
    }
    $pid;
} 1 .. 4;
waitpid $_, 0 for @children;
my $name = requests('manifest', 'get', 200);
my $end = time + 60;    # a request is counted after its answer
sleep 0.1 while samples()->{$name} - $before->{$name} < 80 && time < $end;
is(samples()->{$name} - $before->{$name}, 80, 'all processes count together');
$server->graceful;
is(samples()->{$name} - $before->{$name}, 80, 'a reload keeps the counters');
$client->get('/v2/a/b/manifests/v1');
is(samples()->{$name} - $before->{$name}, 81, 'and they go on');

# ---- a request that is being served; a process that is killed meanwhile

my $in_flight = 'registry_http_in_flight_requests{handler="blob_upload_chunk"}';
$upload = $client->post('/v2/a/b/blobs/uploads/');
my $socket = IO::Socket::INET->new(PeerAddr => $server->host)
    or die "connect: $!\n";
(my $path = $upload->header('Location')) =~ s{^https?://[^/]+}{};
print $socket "PATCH $path HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab";
$end = time + 120;
sleep 0.1 until samples()->{$in_flight} || time > $end;
is(samples()->{$in_flight}, 1, 'a request is being served');
close $socket;
$end = time + 120;
sleep 0.1 until !samples()->{$in_flight} || time > $end;
is(samples()->{$in_flight}, 0, 'it is over');

# ---- garbage collection

$end = time + 120;
sleep 0.1 until samples()->{oci_blobs} || time > $end;
my $found = samples();
cmp_ok($found->{oci_gc_runs_total}, '>', 0, 'runs are counted');
is($found->{oci_gc_failures_total}, 0, 'none failed');
is($found->{oci_repositories}, 1, 'repositories');
is($found->{oci_blobs}, 1, 'blobs');
cmp_ok(calls($found, 'visit'), '>', 0, 'the visits of the index');
cmp_ok($found->{oci_gc_last_success_timestamp_seconds}, '>', time - 3600,
    'the last run');

# ---- the page

my $page = $client->get('/metrics');
is($page->header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8',
    'its type');
is($page->header('Cache-Control'), 'no-store', 'it is not kept');
my $head = $client->head('/metrics');
is($head->status, 200, 'HEAD');
is($head->body, '', 'HEAD has no body');
is($client->post('/metrics')->status, 405, 'POST is refused');
is($client->get('/closed')->status, 403, 'Require applies');
like($page->body, qr/^oci_build_info\{version="[\d.]+"\} 1$/m, 'the version');

my $promtool = `sh '$top/t/setup/promtool.sh'`;
chomp $promtool;
SKIP: {
    skip 'promtool is not here', 1 if !-x $promtool;
    my $file = OCI::Server::spew($server->dir . '/metrics', $page->body);
    is(`'$promtool' check metrics <'$file' 2>&1`, '',
        'promtool finds nothing wrong');
}

# ---- a call that fails

rename $server->store . '/index', $server->store . '/away'
    or die "rename: $!\n";
$server->allows(qr/\[oci:error\]/, qr/garbage collection/);
status_is($client->get('/v2/a/b/manifests/v1'), 500, 'a pull fails');
cmp_ok(samples()->{'oci_storage_failures_total{action="follow",driver="fs"}'},
    '>', 0, 'its call counts as a failure');
rename $server->store . '/away', $server->store . '/index'
    or die "rename: $!\n";

# ---- the documents have the same names

my %printed = map { $_ => 1 } $page->body =~ /^# TYPE (\S+)/mg;
my $manual = OCI::Server::slurp("$top/conf/README");
my ($section) = $manual =~ /^Metrics\n-+\n(.*?)\n[^\n]+\n---/ms;
my %documented = map { $_ => 1 }
    ($section // '') =~ /^\| `((?:oci|registry)_\w+)/mg;
is_deeply([ sort keys %documented ], [ sort keys %printed ],
    'conf/README lists the metrics');

# ---- another process collects the garbage of this registry

$server->halt;
sysopen my $locks, $server->store . '/index/.locks', O_RDWR or die "open: $!\n";
my $all = pack 's s x4 q q l x4', F_WRLCK, SEEK_SET, 0, 0, 0;
fcntl $locks, F_SETLK, $all or die "fcntl: $!\n";
$server->again;
$end = time + 60;
sleep 0.1 until $server->log =~ /another garbage collection is under way/
    || time > $end;
my $meanwhile = samples();
is_deeply([ @$meanwhile{qw(oci_gc_runs_total oci_counted_timestamp_seconds
    oci_gc_last_success_timestamp_seconds)} ], [ 0, 0, 0 ],
    'a run that gives up does not count');
close $locks;
sleep 0.1 until samples()->{oci_blobs} || time > $end;
is(samples()->{oci_blobs}, 1, 'the next run is a full one');

# ---- nobody reads the counters

$server->set(after => '');
$server->graceful;
is($client->get('/v2/a/b/manifests/v1')->status, 200,
    'without the handler, requests work');
is($client->get('/metrics')->status, 404, 'and nothing is shown');

$server->expects(qr/client denied by server configuration: .*closed/,
    qr/user a not found/);
$server->stop;
done_testing;
