# SPDX-License-Identifier: Apache-2.0

# Range on blobs: one part for each requested range, in their order.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $bytes = random_bytes(1_000_000, 'ranges');
my $size = length $bytes;
my $digest = $client->push_blob('ranges', $bytes);
my $path = "/v2/ranges/blobs/$digest";

sub get { $client->get($path, Range => $_[0], 'Accept-Encoding' => 'identity',
                       @_[ 1 .. $#_ ]) }

# The parts of a multipart/byteranges body: [first, last, size, bytes].
sub parts {
    my $res = shift;
    my ($boundary) = ($res->header('Content-Type') // '')
        =~ m{\Amultipart/byteranges; ?boundary="?([^"]+)"?\z} or return;
    my $body = $res->body;
    my @parts;
    while ($body =~ s/\A(?:\r\n)?--\Q$boundary\E\r\n//) {
        $body =~ s/\A(.*?)\r\n\r\n//s or return;
        my ($first, $last, $of) =
            $1 =~ m{^Content-Range: bytes (\d+)-(\d+)/(\d+)}mi or return;
        push @parts, [ $first, $last, $of, substr $body, 0,
            $last - $first + 1, '' ];
    }
    return $body =~ /\A\r\n--\Q$boundary\E--(?:\r\n)?\z/ ? @parts : ();
}

# One range.
for my $case (['0-0', 0, 0], ['0-1', 0, 1], ['0-', 0, $size - 1],
    ['10-19', 10, 19], [ '999999-', 999_999, 999_999 ],
    [ '999990-2000000', 999_990, 999_999 ], ['-1', 999_999, 999_999],
    ['-10', 999_990, 999_999], ['-5000000', 0, 999_999],
    ['0-999999999999999999999999', 0, 999_999], ['500000-', 500_000, 999_999],
    ['-99999999999999999999999', 0, 999_999], ['007-0008', 7, 8],
    [' 3-4 ', 3, 4], [',5-6,', 5, 6]) {
    my ($range, $first, $last) = @$case;
    my $res = get("bytes=$range");
    status_is($res, 206, "bytes=$range");
    header_is($res, 'Content-Range', "bytes $first-$last/$size");
    header_is($res, 'Content-Length', $last - $first + 1);
    header_is($res, 'Content-Type', 'application/octet-stream');
    header_is($res, 'ETag', qq("$digest"));
    header_is($res, 'Docker-Content-Digest', $digest);
    header_is($res, 'Accept-Ranges', 'bytes');
    ok($res->body eq substr($bytes, $first, $last - $first + 1), 'its bytes');
}
status_is(get('BYTES=0-1'), 206, 'the unit in capitals');

# Several ranges: none is merged, omitted or moved.
for my $list (['0-0,2-2'], ['0-9,10-19'], ['10-19,0-9'], ['5-9,5-9'], ['-5,0-4'],
    ['0-9, 5-14'], ["0-1 ,\t4-5 , 8-9"], ['0-1,,3-4,']) {
    my @asked = map { /(\d*)-(\d+)/; length $1 ? [ $1, $2 ]
        : [ $size - $2, $size - 1 ] } grep { /\d/ } split /,/, $list->[0];
    my $res = get("bytes=$list->[0]");
    status_is($res, 206, "bytes=$list->[0]");
    header_is($res, 'Content-Range', undef);
    header_is($res, 'Content-Length', length $res->body);
    is_deeply([ parts($res) ], [ map { [ @$_, $size,
        substr $bytes, $_->[0], $_->[1] - $_->[0] + 1 ] } @asked ],
        'its parts');
}
for my $count (2, 100, 200, 201, 1000) {
    my @first = map { $_ * 7 % 1000 } 1 .. $count;
    my $res = get('bytes=' . join ',', map { "$_-$_" } @first);
    my @parts = parts($res);
    is(scalar @parts, $count, "$count ranges are $count parts");
    is_deeply([ map { $_->[0] } @parts ], \@first, 'in the requested order');
    is(scalar(grep { $_->[3] ne substr $bytes, $_->[0], 1 } @parts), 0,
        'with the right bytes');
    header_is($res, 'Content-Length', length $res->body);
}

# Headers that are longer than httpd accepts, and longer ones if it does.
my @far = map { $_ * 7919 % 999 * 1000 } 1 .. 1000;
my $far = 'bytes=' . join ',', map { "$_-" . ($_ + 99) } @far;
error_is(get($far), 400, 'UNSUPPORTED', undef, 'a header over 8190 bytes');
$server->set(extra => 'LimitRequestFieldSize 32768');
$server->restart;
$client->close;
my @parts = parts(get($far));
is_deeply([ map { $_->[0] } @parts ], \@far, '1000 ranges in the entire blob');
is(scalar(grep { $_->[3] ne substr $bytes, $_->[0], 100 } @parts), 0,
    'with the right bytes');

my $res = get('bytes=0-1,2000000-,4-5');
is_deeply([ map { $_->[0] } parts($res) ], [ 0, 4 ],
    'a range beyond the end is omitted');
$res = get('bytes=2000000-,4-5');
status_is($res, 206, 'one remaining range');
ok(($res->header('Content-Range') // '') eq "bytes 4-5/$size" || parts($res) == 1,
    'is sent as a single range');

# A client that reads slowly gets all parts.
my $large = random_bytes(16_000_000, 'slow');
my $slow = '/v2/ranges/blobs/' . $client->push_blob('ranges', $large);
for my $list ('9000000-15999999,0-8999999', '8000000-,5-7,100-7000000,0-0') {
    my $own = OCI::Client->new($server);
    $own->send("GET $slow HTTP/1.1\r\nHost: x\r\nRange: bytes=$list\r\n\r\n");
    select undef, undef, undef, 0.2;
    $res = $own->receive;
    header_is($res, 'Content-Length', length $res->body, "slow: bytes=$list");
    my @asked = map { [ /(\d+)-(\d*)/ ] } split /,/, $list;
    my @parts = parts($res);
    is(join(' ', map { $_->[0] } @parts), join(' ', map { $_->[0] } @asked),
        'its parts');
    is(scalar(grep { $_->[3] ne substr $large, $_->[0], $_->[1] - $_->[0] + 1 }
        @parts), 0, 'with the right bytes');
}

# 416
for my $range ('500-0', '1000000-', '1000000-1000001', '-0', '2000000-,3000000-',
    'x', '', '-', '1', '1-2-3', '1-x', '0-1,500-0', '0-1;3-4', '0x0-0x1', '+1-2',
    '- 5', '0-1,x', '99999999999999999999-') {
    $res = get("bytes=$range");
    error_is($res, 416, 'SIZE_INVALID', qr/range/, "bytes=$range");
    header_is($res, 'Content-Range', "bytes */$size");
}

# Overlapping ranges that are larger than the blob together.
$res = get('bytes=' . join ',', ('0-') x 2);
error_is($res, 416, 'SIZE_INVALID', qr/range/, 'the entire blob twice');
header_is($res, 'Content-Range', "bytes */$size");
error_is(get('bytes=' . join ',', map { "$_-" } 0 .. 999), 416, 'SIZE_INVALID',
    qr/range/, 'a thousand ranges to the end');
status_is(get('bytes=0-499999,500000-'), 206,
    'the entire blob in two parts is accepted');

# Invalid Range headers are ignored.
for my $range ('lines=0-1', 'bytes', 'bytes 0-1', '0-1', 'seconds=1-') {
    $res = get($range);
    status_is($res, 200, "Range: $range");
    ok($res->body eq $bytes, 'the entire blob is sent');
}
$res = $client->head($path, Range => 'bytes=0-1');
status_is($res, 200, 'HEAD ignores Range');
header_is($res, 'Content-Length', $size);

# If-Range
status_is(get('bytes=0-1', 'If-Range' => qq("$digest")), 206,
    'If-Range matches');
for my $other (qq(W/"$digest"), '"sha256:' . '0' x 64 . '"', 'x',
    'Fri, 01 Jan 2100 00:00:00 GMT', '') {
    $res = get('bytes=0-1', 'If-Range' => $other);
    status_is($res, 200, "If-Range: $other");
    ok($res->body eq $bytes, 'the entire blob is sent');
}
status_is(get('bytes=500-0', 'If-Range' => '"x"'), 200,
    'an invalid Range is ignored if If-Range does not match');

# An empty blob has no range.
my $empty = '/v2/ranges/blobs/' . $client->push_blob('ranges', '');
for my $range ('0-', '0-0', '-1', '-0') {
    $res = $client->get($empty, Range => "bytes=$range");
    error_is($res, 416, 'SIZE_INVALID', qr/range/, "empty: bytes=$range");
    header_is($res, 'Content-Range', 'bytes */0');
}
status_is($client->get($empty), 200, 'it is sent without Range');

# MaxRanges is for files; applied to blobs, it would break clients.
$server->set(extra => 'MaxRanges none');
$server->graceful;
$client->close;
status_is(get('bytes=0-1'), 206, 'MaxRanges is ignored');

$server->stop;
done_testing;
