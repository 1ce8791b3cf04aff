# SPDX-License-Identifier: Apache-2.0

# The S3 server is down, and comes back: what works without it, what clients are
# told meanwhile, and that they can go on.

use OCI::Test;

use OCI::Crowd;
use OCI::S3;
use OCI::S3::Registry;

my $s3 = OCI::S3->start('versitygw')
    or plan(skip_all => OCI::S3->missing('versitygw'));
my $server = OCI::Server->start(blobs => 's3:versitygw:stream', s3 => $s3,
    s3_settings => { OCIS3PartSize => '5M' }, extra => ONE_PROCESS);
my $client = OCI::Client->new($server);
my $layer = random_bytes(6 * MIB, 'layer');
my $digest = digest_of($layer);
my $image = $client->push_image('a/b', 'v1', layers => [$layer]);
my $more = random_bytes(11 * MIB, 'more');
my $location = $client->start_upload('a/b');
status_is($client->patch($location, substr $more, 0, 6 * MIB), 202, 'PATCH');
$s3->kill9;

# ---- what needs no blobs

is($client->get('/v2/a/b/manifests/v1')->body, $image->{text}, 'a manifest');
status_is($client->head("/v2/a/b/blobs/$digest"), 200, 'HEAD of a blob');
is_deeply($client->get('/v2/a/b/tags/list')->json->{tags}, ['v1'], 'tags');
header_is($client->get($location), 'Range', '0-' . (6 * MIB - 1),
    'the state of an upload');
status_is($client->post("/v2/c/blobs/uploads/?from=a/b&mount=$digest"), 201,
    'a mount');

# ---- what needs them, at the same time

my %request = (
    pull  => sub { $_[0]->get("/v2/a/b/blobs/$digest") },
    range => sub { $_[0]->get("/v2/a/b/blobs/$digest", Range => 'bytes=5-9') },
    push  => sub { $_[0]->post('/v2/a/b/blobs/uploads/?digest='
        . digest_of('small'), 'small') },
    patch => sub { $_[0]->patch($location, substr($more, 6 * MIB),
        'Content-Range' => 6 * MIB . '-' . (11 * MIB - 1)) },
);
my @names = sort keys %request;
my $from = -s $server->error_log;
my $ask = sub {
    my ($own, $n) = @_;
    my $res = $request{ $names[$n] }->($own);
    return ($res->status, $res->header('Retry-After') // 'none');
};
my @answers = at_once([$server], scalar @names, $ask);
is($answers[$_][0], 503, "$names[$_]: 503"),
    like($answers[$_][1], qr/\A\d+\z/, "$names[$_]: Retry-After")
    for 0 .. $#names;
my @lines = log_lines($server, $from);
is(scalar @lines, scalar @names, 'one line for each')
    or diag(map { "$_\n" } @lines);
my $host = $s3->host;
is(scalar(grep { /no connection to storage: .*\Q$host\E/ } @lines),
    scalar @lines, 'it names the server');
$server->allows(map { qr/\Q$_\E/ } @lines);

# ---- processes that start meanwhile

$server->graceful;
is($client->get('/v2/a/b/manifests/v1')->body, $image->{text},
    'httpd starts without the S3 server, and serves manifests');
status_is($client->head("/v2/a/b/blobs/$digest"), 200, 'and HEAD of a blob');

# A process that has asked the S3 server in vain does not ask it again for each
# request.
$from = -s $server->error_log;
my $known = qr/did not answer an earlier request of this process/;
my %refused;
ok(wait_until(sub {
    my $res = $client->post('/v2/a/b/blobs/uploads/');
    $refused{ join ' ', $res->status,
        defined $res->header('Retry-After') ? 'later' : '' }++;
    return grep { /$known/ } log_lines($server, $from);
}), 'a push gets its answer without a request to the S3 server');
is_deeply([ keys %refused ], ['503 later'], '503, with Retry-After');
is($client->get('/v2/a/b/manifests/v1')->body, $image->{text},
    'a manifest is served');
$server->allows($known, qr/no connection to storage: .*\Q$host\E/);

# ---- it is back

$s3->again;
@answers = at_once([$server], scalar @names, sub {
    my ($own, $n) = @_;
    my @answer;
    wait_until(sub { @answer = $ask->($own, $n); $answer[0] != 503 });
    return @answer;
});
is_deeply({ map { $names[$_] => $answers[$_][0] } 0 .. $#names },
    { pull => 200, range => 206, push => 201, patch => 202 },
    'the same requests succeed');
status_is($client->put(with_query($location, 'digest=' . digest_of($more)), ''),
    201, 'the upload is finished');
ok($client->get('/v2/a/b/blobs/' . digest_of($more))->body eq $more,
    'and whole');

$server->stop;
done_testing;
