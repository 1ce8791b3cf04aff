# SPDX-License-Identifier: Apache-2.0

# Requests that hide another request: however a reader may interpret their
# length, the hidden request is not executed, and the connection ends.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
$server->allows(qr/AH\d+/);
my $hidden = digest_of('hidden');
my $push = "POST /v2/hidden/blobs/uploads/?digest=$hidden HTTP/1.1\r\n"
    . "Host: x\r\nContent-Length: 6\r\n\r\nhidden";
my $where;

# The state before each attempt.
sub prepare {
    $where = $client->start_upload('open');
    $client->patch($where, 'start');
    $client->delete("/v2/hidden/blobs/$hidden");
    return;
}
prepare();

# Send bytes on a new connection; return all answers until it ends.
sub talk {
    my $bytes = shift;
    my $own = OCI::Client->new($server);
    $own->send($bytes);
    $own->finish;
    my @answers;
    while (my $res = eval { $own->{socket} ? $own->receive : undef }) {
        push @answers, $res;
    }
    return @answers;
}

# One test: there is one answer with 4xx, and nothing was executed.
sub refused {
    my ($name, $head, $body, $okay) = @_;
    my @answers = talk("PATCH $where HTTP/1.1\r\nHost: x\r\n$head\r\n\r\n$body");
    my @faults;
    push @faults, scalar(@answers) . ' answers' if @answers != 1;
    push @faults, $answers[0]->text if @answers
        && ($answers[0]->status < 400 || $answers[0]->status > 501);
    push @faults, 'no JSON: ' . $answers[0]->text if @answers
        && !$answers[0]->json;
    push @faults, 'not closed' if @answers
        && ($answers[0]->header('Connection') // '') ne 'close';
    push @faults, 'the hidden blob is there'
        if $client->head("/v2/hidden/blobs/$hidden")->status != 404;
    my $range = $client->get($where)->header('Range') // 'none';
    push @faults, "the upload has $range" if $range ne '0-4';
    ok(!@faults, $name) || diag(join "\n", @faults);
    prepare() if @faults;
    return;
}

my $chunk = "5\r\nhello\r\n0\r\n\r\n";
my $n = length $chunk . $push;

# The same request, not hidden, is executed: so this test can fail.
is_deeply([ map { $_->status } talk("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
    . $push =~ s/hidden/shown/r) ], [ 200, 201 ],
    'two requests get two answers');

# Two lengths
for my $both ("Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 0\r\nContent-Length: $n", 'Content-Length: 5, 6',
    "Content-Length: 5\r\nContent-length: 50") {
    refused($both =~ s/\r\n/; /r, $both, "hello$push");
}

# Invalid lengths
for my $length ('+5', '-5', '0x5', '5x', '5 5', '', ' ', '5;', '5.0', '1e1',
    '99999999999999999999', '18446744073709551621', "5\t6", '"5"', '５', "5\r\n 0") {
    refused("Content-Length: " . $length =~ s/\s+/ /gr,
        "Content-Length: $length", "hello$push");
}

# Unknown codings, or more than one
for my $coding ('xchunked', 'chunked, identity', 'identity, chunked',
    'chunked, chunked', 'gzip, chunked', 'chunked;q=1', 'identity', 'gzip',
    "\x0bchunked", 'chunkedx', '"chunked"', 'chunked,', ',', '',
    "chunked\r\nTransfer-Encoding: identity", "x\r\nTransfer-Encoding: chunked") {
    my $name = "Transfer-Encoding: $coding" =~ s/\s+/ /gr;
    refused("$name, no length", "Transfer-Encoding: $coding", "$chunk$push");
    refused("$name, a length", "Content-Length: 5\r\nTransfer-Encoding: $coding",
        "hello$push");
}
refused("a space before the colon", "Transfer-Encoding : chunked", "$chunk$push");
refused("a space before the length's", "Content-Length : 5", "hello$push");
refused('a folded name', "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length : 5",
    "$chunk$push");

# Invalid chunks
for my $size ('g', '-5', '+5', '0x5', '5 5', '', ' ', '5,', 'fffffffffffffffff',
    '10000000000000005', '5.', "\t5", "5\r", "\0005", "5\n", '５', '8000000000000000',
    '7fffffffffffffff0') {
    refused('chunk size ' . $size =~ s/[^!-~]+/ /gr, 'Transfer-Encoding: chunked',
        "$size\r\nhello\r\n0\r\n\r\n$push");
}
refused('no line end after a chunk', 'Transfer-Encoding: chunked',
    "5\r\nhelloXX0\r\n\r\n$push");
refused('a chunk longer than its size', 'Transfer-Encoding: chunked',
    "5\r\nhello!\r\n0\r\n\r\n$push");
refused('a NUL in a length',
    "Content-Length: 5 \0", "hello$push");

# With a length and chunks, the chunks count, and the connection ends.
my $both = $client->start_upload('both');
my @answers = talk("PATCH $both HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n$chunk$push");
is(scalar @answers, 1, 'a length and chunks: one answer');
ok($answers[0]->status == 202 || $answers[0]->status == 400, '202 or 400');
header_is($answers[0], 'Connection', 'close');
error_is($client->get("/v2/hidden/blobs/$hidden"), 404, 'BLOB_UNKNOWN', undef,
    'the hidden request is not executed');

# Unexpected bodies are skipped, not executed.
for my $head ("GET /v2/ HTTP/1.1", "HEAD /v2/ HTTP/1.1",
    'GET /v2/x/manifests/y HTTP/1.1', 'DELETE /v2/x/manifests/y HTTP/1.1',
    'PUT /v2/x/tags/list HTTP/1.1', 'GET /v2/X/tags/list HTTP/1.1') {
    my $length = length $push;
    @answers = talk("$head\r\nHost: x\r\nContent-Length: $length\r\n\r\n$push");
    is(scalar @answers, 1, "$head: one answer");
}
error_is($client->get("/v2/hidden/blobs/$hidden"), 404, 'BLOB_UNKNOWN', undef,
    'the bodies are not executed');

# Lines that other readers may end at another byte
for my $head ("Host: x\nContent-Length: 5\n", "Host: x\rContent-Length: 5",
    "Host: x\r\nX: y\rZ: w\r\nContent-Length: 5", "Host: x\r\n\0: y",
    "Host: x\r\nX\0Y: z", "Host: x\r\n: y", "Host: x\r\n X: y") {
    @answers = talk("PATCH $where HTTP/1.1\r\n$head\r\n\r\nhello$push");
    my $name = $head =~ s/[^!-~]+/ /gr;
    ok(@answers <= 1 && !grep({ $_->status < 400 } @answers), $name)
        || (diag(map { $_->text } @answers), prepare());
}
error_is($client->get("/v2/hidden/blobs/$hidden"), 404, 'BLOB_UNKNOWN', undef,
    'nothing was executed');
header_is($client->get($where), 'Range', '0-4', 'the upload is unchanged');

# HTTP/1.0 has no chunks: however they are interpreted, the connection ends.
@answers = talk("PATCH $where HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "$chunk$push");
is(scalar @answers, 1, 'chunks in HTTP/1.0: one answer');
error_is($client->get("/v2/hidden/blobs/$hidden"), 404, 'BLOB_UNKNOWN', undef,
    'the hidden request is not executed');

$server->stop;
done_testing;
