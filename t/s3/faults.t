# SPDX-License-Identifier: Apache-2.0

# An S3 server that fails: what clients get, what the log says, and that nothing
# that was acknowledged is lost.

use OCI::Test;

use File::Temp ();
use IO::Socket::INET;
use OCI::Crowd;
use OCI::Library;
use OCI::Process;
use OCI::S3::Client;
use OCI::S3::Registry;

my $secrets = qr/a secret|AWS4-HMAC|Signature=|aws_secret/;

# The registries' logs have no secrets, although they are at level debug.
sub has_no_secrets {
    my ($server, $s3) = @_;
    my $log = $server->log . OCI::Server::slurp($server->access_log);
    ok($log !~ $secrets && $log !~ /\Q@{[ $s3->secret ]}\E/,
        'no credentials are in the logs');
    return;
}

my @limits = (OCIS3Timeout => 1, OCIS3PartSize => '5M');
my ($s3, $server, $client) = s3_registry(level => 'debug',
    config => 'OCIRedirect Off', settings => {@limits});
my $count = 0;
my %content;    # what was acknowledged

# A push with these faults: its answer.
sub push_with {
    my ($size, @faults) = @_;
    my $bytes = random_bytes($size, 'pushed ' . ++$count);
    my $digest = digest_of($bytes);
    $s3->faults(@faults);
    my $res = $client->put(with_query($client->start_upload('a/b'),
        "digest=$digest"), $bytes);
    $content{$digest} = $bytes if $res->status == 201;
    return $res;
}

# ---- faults that pass

my @small = map { [ 50_000, @$_ ] } (
    [ '500' => { fault => 'status', count => 2 } ],
    [ '503' => { fault => 'status', code => 'ServiceUnavailable',
        status => 503, count => 2 } ],
    [ 'SlowDown' => { fault => 'slowdown', count => 3 } ],
    [ 'SlowDown with Retry-After' => { fault => 'slowdown',
        retry_after => 1 } ],
    [ 'a reset' => { fault => 'reset' } ],
    [ 'a closed connection' => { fault => 'close' } ],
    [ 'an early answer' => { fault => 'slowdown', early => 1, at => 1000 } ],
    [ 'a lost answer' => { fault => 'reset', performed => 1 } ],
    [ 'a 500 after the work' => { fault => 'status', performed => 1 } ],
    [ 'silence' => { fault => 'silence' } ],
);
my @large = map { [ 11 * MIB, @$_ ] } (
    [ 'no answer to create' => { fault => 'reset', query => '^uploads',
        performed => 1 } ],
    [ 'SlowDown for create' => { fault => 'slowdown', query => '^uploads' } ],
    [ 'a part is lost' => { fault => 'reset', query => 'partNumber=2' } ],
    [ 'the answer to a part is lost' => { fault => 'reset', performed => 1,
        query => 'partNumber=2' } ],
    [ 'a part is reset in its middle' => { fault => 'reset', early => 1,
        at => 2_000_000, query => 'partNumber=1' } ],
    [ 'an error in the 200 of complete' => { fault => 'error-200',
        method => 'POST', query => 'uploadId' } ],
    [ 'the answer to complete is lost' => { fault => 'reset',
        method => 'POST', query => 'uploadId', performed => 1 } ],
    [ 'a 500 for complete, which was done' => { fault => 'status',
        method => 'POST', query => 'uploadId', performed => 1 } ],
    [ 'an empty answer to complete' => { fault => 'body', method => 'POST',
        query => 'uploadId' } ],
    [ 'blanks for complete, which was done' => { fault => 'body',
        method => 'POST', query => 'uploadId', text => "  \n ",
        performed => 1 } ],
    [ 'half an answer to complete' => { fault => 'body', method => 'POST',
        query => 'uploadId', performed => 1,
        text => '<CompleteMultipartUploadResult><Bucket>regi' } ],
    [ 'another document for complete' => { fault => 'body', method => 'POST',
        query => 'uploadId', text => '<html/>' } ],
    [ 'complete is denied, but was done' => { fault => 'denied',
        method => 'POST', query => 'uploadId', performed => 1 } ],
    [ 'silence instead of the answer to complete' => { fault => 'silence',
        method => 'POST', query => 'uploadId' } ],
);
for my $case (@small, @large) {
    my ($size, $name, $fault) = @$case;
    my $res = push_with($size, { method => 'PUT|POST', %$fault });
    status_is($res, 201, "$name: the push succeeds");
    is_deeply([ grep { $_->{count} } @{ $s3->faults_left } ], [],
        "$name: the fault occurred");
}
$s3->faults;
is(stored($s3)->{blobs}, 1 + keys %content, 'each blob is stored once')
    or diag(explain(stored($s3)));
is(stored($s3)->{tails}, undef, 'nothing else is');
is_deeply([ log_lines($server) ], [], 'nothing is logged as an error');

# ---- faults that stay: those that are repeated for as long as a client waits

my %forever = (
    '500'   => { fault => 'status' },
    slow    => { fault => 'slowdown' },
    reset   => { fault => 'reset' },
    silence => { fault => 'silence' },
);
my @names = sort keys %forever;
my @bytes = map { random_bytes(70_000, "forever $_") } @names;
my @location = map { $client->start_upload('a/b') } @names;
my $put = sub {
    my ($own, $n) = @_;
    my $digest = digest_of($bytes[$n]);
    my $res = $own->put(with_query($location[$n], "digest=$digest"),
        $bytes[$n]);
    return ($res->status, $res->header('Retry-After') // 'none',
        eval { $res->json->{errors}[0]{code} } // 'none');
};
$s3->faults(map { my ($id) = $location[$_] =~ m{/uploads/([^/?]+)};
    +{ %{ $forever{ $names[$_] } }, key => quotemeta $id, count => 10_000 }
} 0 .. $#names);
my $from = -s $server->error_log;
my @answers = at_once([$server], scalar @names, $put);
for my $n (0 .. $#names) {
    my ($status, $retry, $code) = @{ $answers[$n] };
    is("$status $code", '503 UNAVAILABLE', "$names[$n], for good");
    like($retry, qr/\A\d+\z/, "$names[$n]: Retry-After");
}
my @lines = log_lines($server, $from);
is(scalar @lines, scalar @names, 'one line for each')
    or diag(map { "$_\n" } @lines);
is(scalar(grep { /PUT of '\S+blobs\/\S+' in the bucket 'registry' at http/ }
    @lines), scalar @lines, 'it says what failed');
$server->allows(map { qr/\Q$_\E/ } @lines);
$s3->faults;
@answers = at_once([$server], scalar @names, $put);
is_deeply([ map { $_->[0] } @answers ], [ (201) x @names ],
    'afterwards the same requests succeed');
$content{ digest_of($_) } = $_ for @bytes;

# ---- faults that nobody can repeat away

for my $case (
    [ quota  => { fault => 'quota' }, 507, qr/quota is used up/ ],
    [ denied => { fault => 'denied' }, 500, qr/credentials do not allow it/ ],
    [ 'no such bucket' => { fault => 'status', code => 'NoSuchBucket',
        status => 404 }, 500, qr/bucket does not exist/ ],
    [ 'a strange error' => { fault => 'status', code => 'Strange',
        status => 400 }, 500, qr/Strange/ ],
) {
    my ($name, $fault, $status, $line) = @$case;
    for my $size (50_000, 6 * MIB) {
        my $res = one_log_line($server, $line, "$name, $size bytes", sub {
            push_with($size, { %$fault, method => 'PUT|POST', count => 100 })
        });
        status_is($res, $status, "$name, $size bytes: $status");
        $s3->faults;
    }
}

# A PATCH that fails keeps what was acknowledged before.
my $whole = random_bytes(13 * MIB, 'whole');
my $where = $client->start_upload('a/b');
status_is($client->patch($where, substr $whole, 0, 6 * MIB), 202, 'PATCH');
$s3->faults({ fault => 'quota', query => 'partNumber=2', count => 100 });
my $res = one_log_line($server, qr/quota/, 'a later part', sub {
    $client->patch($where, substr $whole, 6 * MIB)
});
status_is($res, 507, 'a part that finds no space');
$s3->faults;
$client->close;
header_is($client->get($where), 'Range', '0-' . (6 * MIB - 1),
    'the session is where it was');
status_is($client->patch($where, substr($whole, 6 * MIB), 'Content-Range' =>
    6 * MIB . '-' . (length($whole) - 1)), 202, 'it goes on');
status_is($client->put(with_query($where, 'digest=' . digest_of($whole)), ''),
    201, 'and is finished');
$content{ digest_of($whole) } = $whole;

# ---- the upload is not what it was

# A session with these bytes, of which all parts but the last are put.
sub session_with {
    my $bytes = shift;
    my $location = $client->start_upload('a/b');
    status_is($client->patch($location, $bytes), 202, 'PATCH');
    my ($upload) = grep { $location =~ m{/\Q@{[ $_->{key} =~ m{([^/!]*)!} ]}\E} }
        $s3->uploads;
    return ($location, $upload);
}

my $lost = random_bytes(11 * MIB, 'lost');
for my $code (qw(InvalidPart InvalidPartOrder NoSuchUpload)) {
    my ($location) = session_with($lost);
    $s3->faults({ fault => 'status', code => $code, method => 'POST',
        query => 'uploadId', status => $code eq 'NoSuchUpload' ? 404 : 400 });
    my $from = -s $server->error_log;
    my $res = $client->put(with_query($location, 'digest=' . digest_of($lost)),
        '');
    error_is($res, 404, 'BLOB_UPLOAD_UNKNOWN');
    is(scalar(grep { $_->{count} } @{ $s3->faults_left }), 0,
        "$code: the fault occurred");
    $server->allows(map { qr/\Q$_\E/ } log_lines($server, $from));
    status_is($client->head('/v2/a/b/blobs/' . digest_of($lost)), 404,
        "$code: there is no blob");
}
$s3->faults;

# Another client completes the upload, with other bytes of the same size, or
# with the same ones.
my $own = OCI::S3::Client->new($s3);
for my $case ([ 'other bytes' => 'y', 400 ], [ 'the same bytes' => 'x', 201 ]) {
    my ($name, $end, $status) = @$case;
    my $bytes = random_bytes(10 * MIB, $name) . 'x' x 1000;
    my ($location, $upload) = session_with($bytes);
    my ($key, $id) = @$upload{qw(key id)};
    my $part = $own->part($key, $id, 3, $end x 1000);
    status_is($own->complete($key, $id, [
        (map { [ $_->{number}, $_->{etag} ] } @{ $upload->{parts} }),
        [ 3, $part->header('ETag') ] ]), 200, "$name: it is completed");
    my $from = -s $server->error_log;
    my $digest = digest_of($bytes);
    status_is($client->put(with_query($location, "digest=$digest"), ''), $status,
        "$name: the closing PUT");
    $server->allows(map { qr/\Q$_\E/ } log_lines($server, $from));
    my $res = $client->get("/v2/a/b/blobs/$digest");
    is($res->status == 200 ? $res->body eq $bytes : 'none',
        $status == 201 ? 1 : 'none', "$name: the blob");
    $content{$digest} = $bytes if $status == 201;
}

# ---- a server that does not delete several objects at once

for my $code (qw(InvalidArgument MalformedXML NotImplemented)) {
    my $location = $client->start_upload('a/b');
    my ($id) = $location =~ m{/uploads/([^/?]+)};
    for my $n (0 .. 2) {
        $s3->faults({ fault => 'status', code => $code, method => 'POST',
            query => '^delete', status => $code eq 'NotImplemented' ? 501 : 400 })
            if $n == 2;
        status_is($client->patch($location, 'x' x 1000, 'Content-Range' =>
            $n * 1000 . '-' . ($n * 1000 + 999)), 202, 'PATCH');
    }
    is_deeply([ grep { $_->{count} } @{ $s3->faults_left } ], [],
        "$code: the fault occurred");
    is(scalar(grep { $_->{key} =~ /\Q$id\E!/ } $s3->objects), 2,
        "$code: the oldest object was deleted");
    status_is($client->delete($location), 204, "$code: cancelled");
}
$s3->faults;

# ---- many faults, many pushes

my @random = map {
    my $fault = (qw(status slowdown reset close error-200))[ $_ % 5 ];
    { fault => $fault, method => 'PUT|POST|HEAD|DELETE', skip => $_ % 4,
        performed => $_ % 2 && $fault ne 'error-200',
        $fault eq 'error-200' ? (method => 'POST', query => 'uploadId') : () }
} 1 .. 60;
$s3->faults(@random);
my @all = at_once([$server], 6, sub {
    my ($own, $n) = @_;
    my @acknowledged;
    for my $round (1 .. 4) {
        my $bytes = random_bytes($round == 4 ? 6 * MIB : 30_000, "$n $round");
        my $res = eval { $own->put(with_query($own->start_upload('many'),
            'digest=' . digest_of($bytes)), $bytes) } or next;
        push @acknowledged, "$n $round" if $res->status == 201;
    }
    return @acknowledged;
});
$s3->faults;
my @acknowledged = map { @$_ } @all;
cmp_ok(scalar @acknowledged, '>', 12, @acknowledged . ' were acknowledged');
my @lost = grep {
    my $bytes = random_bytes(/ 4\z/ ? 6 * MIB : 30_000, $_);
    $client->get('/v2/many/blobs/' . digest_of($bytes))->body ne $bytes;
} @acknowledged;
is_deeply(\@lost, [], 'none of them is lost');
@lost = grep { $client->get("/v2/a/b/blobs/$_")->body ne $content{$_} }
    sort keys %content;
is_deeply(\@lost, [], 'and nothing else');
$server->allows(map { qr/\Q$_\E/ } log_lines($server));

# ---- the server's clock, and the wrong credentials or region

$s3->clock(3600);
$res = one_log_line($server, qr/clock of this host is 3\d{3} seconds behind/,
    'the clock', sub { push_with(1000) });
status_is($res, 500, 'a clock that is wrong');
$s3->clock(0);
status_is(push_with(1000), 201, 'the clock is right again');
has_no_secrets($server, $s3);
$server->stop;

for my $case (
    [ 'the region' => { OCIS3Region => 'eu-south-9' },
        qr/is in the region 'us-east-1', not in 'eu-south-9': set OCIS3Region/ ],
    [ 'the secret' => { OCIS3Credentials => 'environment' },
        qr/secret key does not belong to the access key/,
        { AWS_ACCESS_KEY_ID => $s3->key, AWS_SECRET_ACCESS_KEY => 'wrong' } ],
    [ 'the access key' => { OCIS3Credentials => 'environment' },
        qr/does not know the access key/,
        { AWS_ACCESS_KEY_ID => 'AKIAOTHER', AWS_SECRET_ACCESS_KEY => 'wrong' } ],
) {
    my ($name, $settings, $line, $env) = @$case;
    my $other = OCI::Server->start(blobs => 's3:strict', s3 => $s3,
        s3_settings => $settings, env => $env // {}, level => 'debug');
    my $res = one_log_line($other, $line, "$name is wrong", sub {
        OCI::Client->new($other)->post('/v2/a/blobs/uploads/?digest='
            . digest_of('x'), 'x')
    });
    status_is($res, 500, "$name is wrong: 500");
    has_no_secrets($other, $s3);
    $other->stop;
}

# ---- http to a server for TLS, and https to another one

# A server that reads some bytes of each connection, and gives this answer.
sub answer_with {
    my $answer = shift;
    my $port = OCI::Server::free_port();
    my $process = OCI::Process->start(command => [ $^X, '-MIO::Socket::INET',
        '-e', <<'CODE', $port, unpack 'H*', $answer ]);
my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]",
    Listen => 9, ReuseAddr => 1) or die;
while (my $client = $socket->accept) {
    sysread $client, my $bytes, 65536;
    syswrite $client, pack 'H*', $ARGV[1];
}
CODE
    $process->wait_for(sub {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
    }) or die "no server at $port\n";
    return "http://127.0.0.1:$port";
}

my $page = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an "
    . "HTTPS server.\n";
my @cases = (
    [ 'https to a server without TLS', answer_with($page) =~ s/http/https/r, 503,
        sub { qr/; the server at $_[0], or a proxy before it, did not answer w/ } ],
    [ 'http to a server that hangs up', answer_with(''), 503,
        sub { qr/; if the server at $_[0] expects TLS, its URL must begin / } ],
    [ 'http to a server that sends an alert',
        answer_with("\x15\x03\x03\x00\x02\x02\x16"), 500,
        sub { qr/; if the server at $_[0] expects TLS, its URL must begin / } ],
    [ 'http to a server that explains it', answer_with($page), 500,
        sub { qr/: the server expects TLS: write https:\/\/ in OCIS3Endpoint/ } ],
);

# On a busy machine the waits between attempts take longer than they should: the
# log has the last failure all the same.
my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";
push @cases, [ 'waits that outlast the time', answer_with(''), 503, $cases[1][3],
    sanitize => 0, env => { LD_PRELOAD => "$tmp/late.so" } ]
    if OCI::Library::build("$tmp/late.so", <<'END');
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
void apr_sleep(long microseconds)
{
    usleep(microseconds);
    if (microseconds > 100000 && syscall(SYS_gettid) != getpid()) {
        sleep(4);
    }
}
END
my @servers = map {
    my (undef, $url, undef, undef, @option) = @$_;
    OCI::Server->start(blobs => 's3:strict', s3 => $s3,
        s3_settings => { OCIS3Endpoint => $url }, @option)
} @cases;
@answers = at_once(\@servers, scalar @servers, sub {
    $_[0]->post('/v2/a/blobs/uploads/?digest=' . digest_of('x'), 'x')->status
});
for my $n (0 .. $#cases) {
    my ($name, $url, $status, $line) = @{ $cases[$n] };
    is_deeply($answers[$n], [$status], "$name: $status");
    $line = $line->(quotemeta $url =~ s{\A\w+://}{}r);
    my @lines = log_lines($servers[$n]);
    ok(@lines == 1 && $lines[0] =~ $line, "$name: advice")
        or diag(map { "$_\n" } @lines);
    $servers[$n]->allows($line);
    $servers[$n]->stop;
}

done_testing;
