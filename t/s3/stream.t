# SPDX-License-Identifier: Apache-2.0

# Pulls that go through httpd: ranges, HTTP/2, slow clients, and an S3 server
# whose connections break.  A pull that breaks is continued where it broke; if
# that is not possible, the client sees that bytes are missing.

use OCI::Test;

use List::Util qw(uniq);
use OCI::Crowd;
use OCI::S3::Registry;
use Time::HiRes qw(sleep);

my ($curl) = grep { -x } map { "$_/curl" } split /:/, $ENV{PATH};
my $http2 = $curl && `$curl -V` =~ /\bHTTP2\b/;
my ($s3, $server, $client) = s3_registry(
    modules => [qw(env http2 ratelimit substitute)],
    extra => 'Protocols h2c http/1.1', config => 'OCIRedirect Off',
    after => <<'CONF',
<If "-n req('X-Slow')">
SetOutputFilter RATE_LIMIT
SetEnv rate-limit 4000
</If>
<If "-n req('X-Filter')">
SetOutputFilter SUBSTITUTE
Substitute "s/these bytes do not occur/in any blob/n"
</If>
CONF
    settings => { OCIS3PartSize => '5M' });
my $size = 12 * MIB + 345;
my $bytes = random_bytes($size, 'stream');
my $digest = $client->push_blob('a/b', $bytes);
my $path = "/v2/a/b/blobs/$digest";
my $KEY = 'store/blobs/';

# Let httpd wait for the S3 server as long as a busy machine needs, or a second
# while the server is silent.
sub wait_for_s3 {
    $server->{blobs}{settings}{OCIS3Timeout} = shift;
    $server->set;
    $server->graceful;
    $client->close;
    return;
}

# The ranges of the requests for the blob.
sub ranges_asked {
    return map { $_->{headers}{range} // 'all' }
        grep { $_->{method} eq 'GET' && $_->{key} =~ m{\b$KEY} } $s3->log;
}

# ---- ranges

$s3->forget;
my $res = $client->get($path);
status_is($res, 200, 'GET');
ok($res->body eq $bytes, 'the bytes');
header_is($res, 'Content-Length', $size);
is(scalar(() = ranges_asked()), 1, 'one request');

sub range_is {
    my ($range, $first, $length) = @_;
    $s3->forget;
    my $res = $client->get($path, Range => "bytes=$range");
    status_is($res, 206, "Range $range");
    header_is($res, 'Content-Range',
        "bytes $first-@{[ $first + $length - 1 ]}/$size");
    ok($res->body eq substr($bytes, $first, $length), 'the bytes');
    is((ranges_asked())[-1], "bytes=$first-@{[ $first + $length - 1 ]}",
        'no other bytes are read');
    return ($s3->log)[-1]{connection};
}

my %connections = map { $_ => 1 } range_is('0-0', 0, 1),
    range_is('5-1000000', 5, 999_996), range_is('-10', $size - 10, 10),
    range_is($size - 1 . '-', $size - 1, 1),
    range_is('8000000-', 8_000_000, $size - 8_000_000);
cmp_ok(keys %connections, '<=', 2, 'connections are used again');

$s3->forget;
$res = $client->get($path, Range => 'bytes=10000000-10000009,0-4,-3');
status_is($res, 206, 'three ranges');
my ($boundary) = $res->header('Content-Type')
    =~ m{\Amultipart/byteranges; boundary=(\S+)\z};
my @parts = map { s/\A.*?\r\n\r\n//sr } grep { /Content-Range/ }
    split /\r\n--\Q$boundary\E/, "\r\n" . $res->body;
is_deeply(\@parts, [ substr($bytes, 10_000_000, 10), substr($bytes, 0, 5),
    substr $bytes, -3 ], 'their bytes, in the order of the request');
is_deeply([ ranges_asked() ], [ 'bytes=10000000-10000009', 'bytes=0-4',
    "bytes=@{[ $size - 3 ]}-@{[ $size - 1 ]}" ], 'no other bytes are read');
is(scalar(uniq map { $_->{connection} } $s3->log), 1, 'by one connection');

status_is($client->get($path, Range => 'bytes=1-2',
    'If-Range' => qq("$digest")), 206, 'If-Range holds');
$res = $client->get($path, Range => 'bytes=1-2', 'If-Range' => '"other"');
ok($res->status == 200 && $res->body eq $bytes, 'If-Range does not hold');
$res = $client->get($path, Range => "bytes=$size-");
error_is($res, 416, 'SIZE_INVALID', undef, 'a range behind the end');
header_is($res, 'Content-Range', "bytes */$size");
status_is($client->get($path, 'If-None-Match' => qq("$digest")), 304,
    'If-None-Match');

# ---- a slow client

# It reads nothing for longer than OCIS3Timeout: the S3 server waits, and may
# close the connection.
wait_for_s3(1);
for my $breaks (0, 1) {
    $s3->faults($breaks ? { fault => 'reset-body', key => $KEY,
        at => 3 * MIB } : ());
    my $slow = OCI::Client->new($server);
    $slow->send("GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    sysread $slow->socket, my $head, 1000;
    sleep 2.5;
    my ($got, $piece) = ($head, '');
    $got .= $piece while sysread $slow->socket, $piece, 1 << 18;
    ok($got =~ s/\A.*?\r\n\r\n//s && $got eq $bytes,
        'a slow client gets all bytes' . ' of a broken connection' x $breaks);
}

# ---- broken connections

wait_for_s3(undef);

sub is_whole {
    my ($name, @faults) = @_;
    $s3->forget;
    $s3->faults(@faults);
    my $res = $client->get($path);
    ok($res->status == 200 && !$res->cut && $res->body eq $bytes, $name)
        or diag($res->status, ' ', length $res->body);
    is_deeply([ grep { $_->{count} } @{ $s3->faults_left } ], [],
        'the faults have occurred');
    return ranges_asked();
}

for my $fault (qw(reset-body truncate)) {
    my @ranges = is_whole("$fault in the middle", { fault => $fault,
        key => $KEY, at => 4_000_000 });
    is_deeply([ @ranges[ 1 .. $#ranges ] ],
        [ "bytes=4000000-@{[ $size - 1 ]}" ], 'continued where it broke');
    like(($s3->log)[-1]{headers}{'if-match'}, qr/\A"/, 'in the same object');
}
is(scalar(() = is_whole('five times', { fault => 'truncate', key => $KEY,
    at => 1_000_000, count => 5 })), 6, 'six requests');
is_whole('behind the first bytes', { fault => 'truncate', key => $KEY,
    at => 100, count => 4 });
is_whole('behind the head, six times', { fault => 'truncate', key => $KEY,
    at => 0, count => 6 });
is_whole('no answer to the first request', { fault => 'reset', key => $KEY });
is_whole('500 at first', { fault => 'status', key => $KEY, count => 2 });
is_whole('overloaded at first, and broken', { fault => 'slowdown',
    key => $KEY }, { fault => 'truncate', key => $KEY, at => 100 },
    { fault => 'slowdown', key => $KEY });
wait_for_s3(1);
is_whole('silence in the middle', { fault => 'silence', key => $KEY,
    at => 6_000_000 });
$s3->faults;
wait_for_s3(undef);

# ---- a filter that splits buckets

my $slowly = OCI::Client->new($server);
$s3->forget;
$res = $slowly->get($path, Range => 'bytes=0-4,2000000-6999999',
    'X-Slow' => 1);
ok($res->status == 206
    && index($res->body, substr $bytes, 2_000_000, 5_000_000) > 0,
    'mod_ratelimit: two ranges');
is_deeply([ ranges_asked() ], [ 'bytes=0-4', 'bytes=2000000-6999999' ],
    'one request for each');
$s3->forget;
$s3->faults({ fault => 'reset-body', key => $KEY, at => 3_000_000 });
$res = $slowly->get($path, 'X-Slow' => 1);
ok($res->status == 200 && $res->body eq $bytes,
    'mod_ratelimit: a broken connection');
is_deeply([ ranges_asked() ], [ 'all', "bytes=3000000-@{[ $size - 1 ]}" ],
    'one request for the rest');
$s3->faults;

# ---- for good

my @broken = ({ fault => 'truncate', key => $KEY, at => 3_000_000 },
    { fault => 'denied', key => $KEY, count => 100 });
$s3->faults(@broken);
$res = one_log_line($server,
    qr/response ends at byte \d+ .*GET of .*do not allow/, 'HTTP/1.1', sub {
        OCI::Client->new($server)->get($path)
    });
ok($res->cut, 'HTTP/1.1: the response is cut');
my $got = length $res->body;
cmp_ok($got, '>', 0, 'it had begun');
ok($res->body eq substr($bytes, 0, $got), 'its bytes are right');

SKIP: {
    skip 'curl knows no HTTP/2', 4 if !$http2;
    my $file = $server->dir . '/got';
    my $pull = sub {
        unlink $file;
        system $curl, '-s', '--http2-prior-knowledge', '--max-time', 300, '-o',
            $file, $server->url . $path;
        return $? >> 8;
    };
    $s3->faults({ fault => 'reset-body', key => $KEY, at => 5_000_000 });
    is($pull->(), 0, 'HTTP/2: continued');
    ok(OCI::Server::slurp($file) eq $bytes, 'the bytes');
    $s3->faults(@broken);
    my $status = one_log_line($server, qr/response ends at byte/, 'HTTP/2',
        $pull);
    isnt($status, 0, "HTTP/2: curl reports an error, $status");
    my $got = OCI::Server::slurp($file);
    ok(length $got < $size && $got eq substr($bytes, 0, length $got),
        'its bytes are right');
}
$s3->faults;
$res = $client->get($path);
ok($res->status == 200 && $res->body eq $bytes, 'afterwards it works');

# A response breaks, and every later one brings no byte, until the time for a
# read is over.  All pulls wait at the same time, each for a blob of its own.
my $BROKEN_AT = 3_000_000;
my %seen = map { $_->{key} => 1 } $s3->objects;
my @pulls = map { { fault => $_->[0], name => "$_->[0], $_->[1]",
    first => $_->[2], ask => $_->[3] } } (
    [ truncate => 'all bytes', 0, \&whole ],
    [ 'reset-body' => 'all bytes', 0, \&whole ],
    [ truncate => 'a range', 70_000,
        sub { whole(@_, Range => 'bytes=70000-') } ],
    [ 'reset-body' => 'two ranges', undef,
        sub { whole(@_, Range => 'bytes=0-3999999,4000005-4000009') } ],
    [ truncate => 'chunks', 0, sub { whole(@_, 'X-Filter' => 1) } ],
    $http2 ? ([ truncate => 'HTTP/2', 0, \&by_http2 ],
        [ truncate => 'HTTP/2 without a length', 0,
            sub { by_http2(@_, '-H', 'X-Filter: 1') } ]) : ());

# Whether a response is complete, and its body.
sub whole {
    my ($client, $path, %headers) = @_;
    my $res = $client->get($path, %headers);
    return ($res->cut ? 0 : 1, $res->body);
}

sub by_http2 {
    my ($client, $path, @options) = @_;
    open my $pipe, '-|', $curl, '-s', '--http2-prior-knowledge', '--max-time',
        300, @options, $server->url . $path or die "curl: $!";
    local $/;
    my $body = <$pipe>;
    return (1, $body) if close $pipe;
    return ($? >> 8 == 92 ? 0 : 'no reset of the stream', $body);
}

for my $pull (@pulls) {
    $pull->{bytes} = random_bytes(4 * MIB, $pull->{name});
    $pull->{path} = '/v2/a/b/blobs/'
        . $client->push_blob('a/b', $pull->{bytes});
    ($pull->{key}) = grep { !$seen{$_}++ } map { $_->{key} } $s3->objects;
}
$s3->faults(map { my %fault = (fault => $_->{fault}, key => $_->{key});
    ({ %fault, at => $BROKEN_AT }, { %fault, at => 0, count => 1000 }) }
    @pulls);
wait_for_s3(1);
my $from = -s $server->error_log;
my @ended = at_once([$server], scalar @pulls, sub {
    my ($own, $n) = @_;
    my $pull = $pulls[$n];
    my ($complete, $body) = $pull->{ask}->($own, $pull->{path});
    return ($complete, length $body, defined $pull->{first}
        ? index($pull->{bytes}, $body) - $pull->{first} : 0);
});
my @lines = log_lines($server, $from);
$server->allows(map { qr/\Q$_\E/ } @lines);
is(scalar @lines, scalar @pulls, 'one line for each pull that is given up')
    or diag(map { "$_\n" } @lines);
$s3->faults;
wait_for_s3(undef);
for my $n (0 .. $#pulls) {
    my $pull = $pulls[$n];
    my ($complete, $length, $shift) = @{ $ended[$n] };
    is($complete, 0, "$pull->{name}: the client sees that bytes are missing");
    cmp_ok($length, '>', 0, 'the response had begun');
    cmp_ok($length, '<', 3.5 * MIB, 'and ended where it broke');
    is($shift, 0, 'its bytes are right');
    my ($end, $key) = (($pull->{first} // 0) + $BROKEN_AT, $pull->{key});
    my $line = qr/after \d+ attempts .* ends at byte $end of .*\Q$key\E/;
    is(scalar(grep { $_ =~ $line } @lines), 1, 'the log says so');
    ok($client->get($pull->{path})->body eq $pull->{bytes},
        'the next pull works');
}

# Before the response has begun, the client gets an error.
$s3->faults({ fault => 'truncate', key => $KEY, at => 0, count => 100 });
$res = one_log_line($server, qr/GET of .* after \d+ attempts/, 'no bytes', sub {
    $client->get($path)
});
error_is($res, 503, 'UNAVAILABLE', undef, 'a pull that breaks each time');
$s3->faults({ fault => 'denied', key => $KEY, count => 100 });
$res = one_log_line($server, qr/GET of .*do not allow/, 'refused', sub {
    $client->get($path)
});
error_is($res, 500, 'UNKNOWN', undef, 'a pull that is refused');

# The text of an earlier response is not taken for that of a later one.
my %status = (fault => 'status', key => $KEY);
$s3->faults({ %status, status => 503, code => 'x' x 500 . 'HTTPS' },
    { %status, status => 400, code => '' });
$res = one_log_line($server, qr/GET of (?!.*expects TLS)/, 'two errors', sub {
    $client->get($path)
});
error_is($res, 500, 'UNKNOWN', undef, 'an error after another one');
$s3->faults;

$server->stop;
done_testing;
