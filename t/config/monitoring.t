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

my @rules = map { s/\s+/ /gr } OCI::Server::slurp("$conf/alerts.yml")
    =~ /^ +expr: (?:>-\s+)?(.*?)\n +(?:for|annotations):/msg;
my ($section) = OCI::Server::slurp("$conf/README")
    =~ /^What to alert on\n-+\n(.*?)\n[^\n]+\n---/ms;
is_deeply(\@rules,
    [ map { s/\s+/ /gr } $section =~ /^  - `([^`]*)`$/mg ],
    'conf/alerts.yml has the rules of the manual');
for my $name (map { /\b((?:oci|registry)_\w+)/g } @rules) {
    ok($printed{$name}, "$name is printed");
}
my $promtool = `sh '$OCI::Server::TOP/t/setup/promtool.sh'`;
chomp $promtool;
SKIP: {
    skip 'promtool is not here', 2 if !-x $promtool;
    my $output = `'$promtool' check rules '$conf/alerts.yml' 2>&1`;
    is($?, 0, 'promtool accepts the rules') or diag $output;
    # The clock of such a test begins at 0, so that "never" is long before.
    my $test = OCI::Server::spew($server->dir . '/rules', <<"END");
rule_files: [ "$conf/alerts.yml" ]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - { series: 'oci_gc_failures_total{job="new"}', values: '0+0x300' }
      - { series: 'oci_gc_last_success_timestamp_seconds{job="new"}',
          values: '-1000000x60 0x240' }
      - { series: 'oci_gc_failures_total{job="once"}', values: '0x60 1x240' }
      - { series: 'registry_http_requests_total{job="good",code="200"}',
          values: '0+600x300' }
      - { series: 'registry_http_requests_total{job="good",code="503"}',
          values: '0+12x300' }
      - { series: 'oci_gc_failures_total{job="bad"}', values: '0+0.02x300' }
      - { series: 'oci_gc_last_success_timestamp_seconds{job="bad"}',
          values: '-1000000x300' }
      - { series: 'registry_http_requests_total{job="bad",code="200"}',
          values: '0+1x300' }
      - { series: 'registry_http_requests_total{job="bad",code="503"}',
          values: '0+1x300' }
    alert_rule_test: []
    promql_expr_test:
      - expr: count by (alertname, job) (ALERTS{alertstate="firing"})
        eval_time: 4h30m
        exp_samples:
          - { labels: '{alertname="RegistryGarbageCollectionFails",job="bad"}',
              value: 1 }
          - { labels: '{alertname="RegistryGarbageCollectionLate",job="bad"}',
              value: 1 }
          - { labels: '{alertname="RegistryRequestsFail",job="bad"}', value: 1 }
END
    $output = `'$promtool' test rules '$test' 2>&1`;
    is($?, 0, 'the rules fire for the bad registry only') or diag $output;
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
