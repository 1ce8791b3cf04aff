# SPDX-License-Identifier: Apache-2.0

# The faults that the strict S3 server has on demand.

use OCI::Test;
use OCI::S3;
use Time::HiRes qw(sleep time);

my $s3 = OCI::S3->start('strict', minimum => 1);
my $client = OCI::S3::Client->new($s3);
my $bytes = random_bytes(1_000_000, 'fault');
$client->put('a', $bytes);

# A response, '' if there was none.  Nothing is sent twice.
sub try {
    my ($method, @arguments) = @_;
    $client->close;
    return eval { $client->$method(@arguments) } // '';
}
sub code { OCI::S3::Client::code($_[0]) }
sub stored { scalar grep { $_->{key} eq $_[0] } $s3->objects }

# ---- errors

$s3->faults({ fault => 'slowdown', method => 'PUT', count => 2,
    retry_after => 7 }, { fault => 'status', status => 500, key => '^x$' });
my $res = try(put => 'x', '1');
is($res->status . code($res), '503SlowDown', 'SlowDown');
header_is($res, 'Retry-After', 7);
is(try(get => 'a')->status, 200, 'the method does not match');
is(try(put => 'x', '1')->status, 503, 'SlowDown again');
ok(!stored('x'), 'nothing was stored');
is_deeply([ map { $_->{count} } @{ $s3->faults_left } ], [ 0, 1 ],
    'the counts that are left');
is(try(put => 'y', '1')->status, 200, 'the key does not match');
$res = try(put => 'x', '1');
is($res->status . code($res), '500InternalError', 'the second rule');
is(try(put => 'x', '1')->status, 200, 'all are used up');

for my $case ([ denied => 403, 'AccessDenied' ],
    [ quota => 507, 'QuotaExceeded' ],
    [ 'error-200' => 200, 'InternalError' ]) {
    my ($fault, $status, $code) = @$case;
    $s3->faults({ fault => $fault, method => 'PUT|POST' });
    my $res = try(put => $fault, '1');
    is($res->status . code($res), "$status$code", $fault);
    ok(!stored($fault), 'nothing was stored');
}
my $id = $client->create('up');
my $etag = $client->part('up', $id, 1, 'x')->header('ETag');
for my $performed (0, 1) {
    $s3->faults({ fault => 'error-200', method => 'POST', query => 'uploadId=',
        performed => $performed });
    my $res = try(complete => 'up', $id, [ [ 1, $etag ] ]);
    is($res->status . code($res), '200InternalError',
        'Complete: an error in 200');
    is(stored('up'), $performed, 'the object');
}
$s3->faults({ fault => 'status', status => 409,
    code => 'ConditionalRequestConflict', skip => 1 });
is(try(get => 'a')->status, 200, 'the first one passes');
is(code(try(get => 'a')), 'ConditionalRequestConflict', 'the second does not');

# ---- lost answers

for my $fault (qw(reset close)) {
    for my $performed (0, 1) {
        my $key = "$fault-$performed";
        $s3->faults({ fault => $fault, performed => $performed });
        is(try(put => $key, 'x'), '', "$fault: no answer");
        is(stored($key), $performed, $performed ? 'done' : 'not done');
    }
}
is(scalar(grep { ($_->{fault} // '') eq 'reset' && !defined $_->{status} }
    $s3->log), 2, 'the log');

# ---- faults before the whole body has arrived

for my $fault (qw(reset slowdown)) {
    $s3->forget;
    $s3->faults({ fault => $fault, early => 1, at => 1000 });
    $client->close;
    my $start = $client->{http}->head_of(PUT => $client->presign(PUT => 'part',
        60), { 'Content-Length' => length $bytes }, '');
    $client->{http}->send($start . substr $bytes, 0, 999);
    is(scalar($s3->log), 0, "$fault: 999 bytes");
    $client->{http}->send('x');
    $res = eval { $client->{http}->receive('PUT') };
    is($res ? $res->status : '', $fault eq 'reset' ? '' : 503, '1,000 bytes');
    is(($s3->log)[0]{bytes}, 1000, 'the log');
    header_is($res, 'Connection', 'close') if $res;
    $s3->faults({ fault => $fault, early => 1 });
    $res = try(get => 'a');
    is($res && $res->status, $fault eq 'reset' ? '' : 503, 'without a body');
}
$client->close;
ok(!stored('part'), 'nothing was stored');

# ---- broken bodies

for my $fault (qw(truncate reset-body)) {
    $s3->faults({ fault => $fault, at => 600_000 });
    my $got = '';
    my $res = eval { $client->close; $client->{http}->request(GET =>
        $client->presign(GET => 'a', 60), {}, undef,
        sink => sub { $got .= $_[0] }) };
    ok($got eq substr($bytes, 0, 600_000), "$fault: 600,000 bytes arrive");
    ok($fault eq 'truncate' ? $res && $res->cut : 1, 'the response is cut');
    ok(try(get => 'a', Range => 'bytes=600000-')->body
        eq substr($bytes, 600_000), 'the rest on a new connection');
}
$s3->faults({ fault => 'corrupt', at => 300_000 });
$res = try(get => 'a');
is(length $res->body, length $bytes, 'corrupt: all the bytes');
my $difference = $res->body ^ $bytes;
is($difference =~ tr/\0//c, 1, 'one of them is wrong');
is(index($difference, "\1"), 300_000, 'the one that the rule names');
ok(try(get => 'a')->body eq $bytes, 'only once');

# ---- silence

$s3->faults({ fault => 'silence', seconds => 0.3 });
my $start = time;
ok(try(get => 'a')->body eq $bytes, 'silence before the answer');
cmp_ok(time - $start, '>=', 0.3, 'for that time');

# Held requests, before the answer and in its middle, until the rules are set.
$s3->faults({ fault => 'silence', method => 'PUT' },
    { fault => 'silence', at => 1000 });
my @held = map { OCI::Client->new($s3) } 1, 2;
$held[0]->connect->send($held[0]->head_of(GET =>
    $client->presign(GET => 'a', 60), {}));
$held[1]->connect->send($held[1]->head_of(PUT =>
    $client->presign(PUT => 'late', 60), {}, 'x') . 'x');
my $end = time + 120;
sleep 0.01 until time > $end
    || grep({ ($_->{fault} // '') eq 'silence' } $s3->log) == 3;
ok(stored('late'), 'a held request is performed');
ok(try(get => 'a')->body eq $bytes, 'others are served');
my $early = '';
for my $held (@held) {
    vec(my $bits = '', fileno $held->socket, 1) = 1;
    my $socket = $held->socket;
    $socket->blocking(0);
    while (length $early < 1000 && time < $end
        && select my $readable = $bits, undef, undef, 0.05) {
        sysread $socket, $early, 4096, length $early or last;
    }
    $socket->blocking(1);
}
like($early, qr/\r\n\r\n.{1000}\z/s, '1,000 bytes of one, none of the other');
$s3->faults;
$held[0]{input} = $early;
ok($held[0]->receive('GET')->body eq $bytes, 'the first one goes on');
is($held[1]->receive('PUT')->status, 200, 'and the second one');

# ---- the control

for my $case ([ 'faults', {} ], [ 'faults', [ { fault => 'none' } ] ],
    [ 'faults', [ { fault => 'reset', key => '(' } ] ], [ 'clock', {} ],
    [ 'faults', [ { fault => 'silence', early => 1 } ] ],
    [ 'credentials', { other => 1 } ]) {
    ok(!eval { $s3->control(PUT => @$case) }, "a wrong control of $case->[0]");
}
ok(!eval { $s3->control(GET => 'none') }, 'an unknown control');
is(try(get => 'a')->status, 200, 'no fault is left');

# A client that leaves in the middle of a body, and one that leaves before its
# answer, do no harm.
my $leaver = OCI::Client->new($s3);
$leaver->connect->send($leaver->head_of(PUT =>
    $client->presign(PUT => 'left', 60), { 'Content-Length' => 100 }, 'x'));
$leaver->close;
$leaver->connect->send($leaver->head_of(GET =>
    $client->presign(GET => 'a', 60), {}));
$leaver->close;
ok(try(get => 'a')->body eq $bytes, 'the server goes on');
ok(!stored('left'), 'half a body is not stored');

done_testing;
