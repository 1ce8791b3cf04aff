# SPDX-License-Identifier: Apache-2.0

# conf/examples/monitoring.conf, the section on the page of mod_status, the
# dashboard conf/grafana.json, and the rules conf/alerts.yml.

use OCI::Test;

use JSON::PP ();

my $conf = "$OCI::Server::TOP/conf";
my $server = OCI::Server->start(
    modules => [qw(authz_host status)],
    after   => OCI::Server::slurp("$conf/examples/monitoring.conf")
);
my $client = OCI::Client->new($server);
$client->push_blob('a/b', 'hello');
is($client->get('/v2/')->status, 200, 'the registry answers');
is($client->get('/health')->status, 200, 'so does the health check');

my $page = $client->get('/metrics');
is($page->status, 200, 'and the metrics');
my %printed = map { $_ => 1 } $page->body =~ /^# TYPE (\S+)/mg;

my $auto = $client->get('/server-status?auto')->body;
my %line = $auto =~ /^(OCI\w+): (\d+)$/mg;
is_deeply([ @line{qw(OCIRequests OCIBytesReceived OCIUploadsStarted
    OCIUploadsCompleted OCIGCFailures)} ], [ 3, 5, 1, 1, 0 ],
    'mod_status has the numbers for programs');
like($client->get('/server-status')->body,
    qr{<h2>mod_oci</h2>\n<dl>\n<dt>Requests: 3</dt>\n}, 'and for people');

my $dashboard = JSON::PP::decode_json(OCI::Server::slurp("$conf/grafana.json"));
my @expressions = map { $_->{expr} } map { @{ $_->{targets} } }
    @{ $dashboard->{panels} };
cmp_ok(scalar @expressions, '>=', 10, 'the dashboard has panels');
for my $expression (@expressions) {
    for my $name ($expression =~ /\b((?:oci|registry)_\w+)/g) {
        ok($printed{ $name =~ s/_bytes_sum$/_bytes/r =~ s/_bucket$//r },
            "$name is printed");
    }
}

# ---- the rules, which the manual explains

my @rules = OCI::Server::slurp("$conf/alerts.yml") =~ /^ +expr: (.*)$/mg;
my ($section) = OCI::Server::slurp("$conf/README")
    =~ /^What to alert on\n-+\n(.*?)\n[^\n]+\n---/ms;
is_deeply(\@rules, [ $section =~ /^  - `(.*)`$/mg ],
    'conf/alerts.yml has the rules of the manual');
for my $name (map { /\b((?:oci|registry)_\w+)/g } @rules) {
    ok($printed{$name}, "$name is printed");
}
my $promtool = `sh '$OCI::Server::TOP/t/setup/promtool.sh'`;
chomp $promtool;
SKIP: {
    skip 'promtool is not here', 1 if !-x $promtool;
    my $output = `'$promtool' check rules '$conf/alerts.yml' 2>&1`;
    is($?, 0, 'promtool accepts the rules') or diag $output;
}
# ---- the time of the last run of garbage collection

my $last = qr/^oci_gc_last_success_timestamp_seconds \d+$/m;
like($page->body, $last, 'the time of the last run');
for my $case ([ 'OCIGCInterval 0', 'the server does not collect' ],
    [ 'OCIReadOnly On', 'the registry is read-only' ])
{
    $server->set(config => $case->[0]);
    $server->graceful;
    unlike($client->get('/metrics')->body, $last, "is not there if $case->[1]");
}
$server->stop;

# Without a handler that shows them, nothing is counted.
$server = OCI::Server->start(modules => ['status']);
is(OCI::Client->new($server)->get('/v2/')->status, 200, 'without monitoring');
$server->stop;
done_testing;
