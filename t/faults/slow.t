# SPDX-License-Identifier: Apache-2.0

# Timeouts end silent requests, not long ones; and a client that is refused
# early can read the error even if it writes its whole body first.

use OCI::Test;

use IO::Select;
use Time::HiRes qw(sleep time);

my $MIB = 1 << 20;

# The bytes that follow a response on a connection: '' if it was closed in
# order.
sub rest_of {
    my $client = shift;
    my $socket = $client->{socket} or return '';
    IO::Select->new($socket)->can_read(30) or return 'silence';
    my $n = sysread $socket, my $rest, 1000;
    return defined $n ? $rest : "an error: $!";
}

# ---- steady clients, and silent clients

my $server = OCI::Server->start(modules => ['reqtimeout'],
    extra => "Timeout 6\nRequestReadTimeout header=6 body=6,MinRate=500");
my $client = OCI::Client->new($server);

subtest 'a steady upload that takes longer than any limit' => sub {
    my $bytes = random_bytes(170_000, 'steady');
    my $location = $client->start_upload('steady');
    my $slow = OCI::Client->new($server)->connect;
    $slow->send($slow->head_of('PATCH', $location,
        { 'Content-Length' => length $bytes }, undef));
    my $start = time;
    for my $piece (unpack '(a4096)*', $bytes) {
        $slow->send($piece) or last;
        sleep 0.15;
    }
    cmp_ok(time - $start, '>', 6, 'it takes longer');
    my $res = $slow->receive('PATCH');
    ok($res, 'it gets a response') and status_is($res, 202);
    my $digest = digest_of($bytes);
    status_is($client->put(with_query($location, "digest=$digest")), 201);
    ok($client->get("/v2/steady/blobs/$digest")->body eq $bytes,
       'the bytes are right');
};

subtest 'clients that fall silent' => sub {
    my $location = $client->start_upload('silent');
    my $digest = digest_of('x' x 100_000);
    my %request = (
        'before a body' => [ PATCH => $location, {}, '' ],
        'in a closing PUT' => [
            PUT => with_query($client->start_upload('silent'),
                              "digest=$digest"), {}, 'x' x 50_000 ],
        'in a POST' => [
            POST => "/v2/silent/blobs/uploads/?digest=$digest", {}, 'x' ],
        'in a manifest' => [
            PUT => '/v2/silent/manifests/v1',
            { 'Content-Type' => IMAGE_MANIFEST }, '{' ],
    );
    my %silent;
    for my $name (sort keys %request) {
        my ($method, $path, $headers, $bytes) = @{ $request{$name} };
        $silent{$name} = OCI::Client->new($server)->connect;
        $silent{$name}->send($silent{$name}->head_of($method, $path,
            { 'Content-Length' => 100_000, %$headers }, undef) . $bytes);
    }
    my $half = OCI::Client->new($server)->connect;
    $half->send("PUT $location HTTP/1.1\r\nHost: a\r\nX-Half: ");
    for my $name (sort keys %silent) {
        my $res = $silent{$name}->receive($request{$name}[0]);
        ok($res, "$name: it gets a response")
            and error_is($res, 408, 'UNSUPPORTED', undef, "$name: 408");
        is(rest_of($silent{$name}), '', 'and the connection is closed');
    }
    my $res = $half->receive('PUT');
    ok(!$res || $res->status == 408, 'in the head: 408, or no response');
    is(rest_of($half), '', 'and the connection is closed');
    status_is($client->get($location), 204, 'the session still exists');
};

# The response is larger than the system's socket buffers.  If the client does
# not read, httpd waits for it no longer than Timeout.
subtest 'a client that never reads' => sub {
    my $bytes = "\0" x (32 * $MIB);
    my $digest = $client->push_blob('unread', $bytes);
    my $deaf = OCI::Client->new($server)->connect;
    $deaf->send("GET /v2/unread/blobs/$digest HTTP/1.1\r\nHost: a\r\n\r\n");
    my $end = time + 120;
    until (OCI::Server::slurp($server->access_log)
           =~ m{GET /v2/unread/blobs/}) {
        last if time > $end;
        sleep 0.1;
    }
    ok(time <= $end, 'its request ends');
    my ($got, $n) = (0);
    $got += $n while $n = sysread $deaf->socket, my $some, 1 << 18;
    cmp_ok($got, '<', length $bytes, 'its response is incomplete');
    ok($client->get("/v2/unread/blobs/$digest")->body eq $bytes,
       'other clients get the complete blob');
};

$server->stop;

# ---- early refusals

# Requests that are refused, for each configuration: method, target, status,
# code, headers.
my %refused = (
    '' => [
        [ PATCH => 'absent', 404, 'BLOB_UPLOAD_UNKNOWN', {} ],
        [ PUT => 'absent', 404, 'BLOB_UPLOAD_UNKNOWN', {} ],
        [ PATCH => 'session', 416, 'BLOB_UPLOAD_INVALID',
          { 'Content-Range' => '5-' . (4 + 8 * $MIB) } ],
        [ PATCH => 'session', 400, 'BLOB_UPLOAD_INVALID',
          { 'Content-Range' => 'bytes */*' } ],
        [ PUT => 'nodigest', 400, 'DIGEST_INVALID', {} ],
        [ PUT => 'manifest', 413, 'MANIFEST_INVALID',
          { 'Content-Type' => IMAGE_MANIFEST } ],
        [ PUT => 'name', 400, 'NAME_INVALID', {} ],
        [ PUT => 'tags', 405, 'UNSUPPORTED', {} ],
        [ PUT => 'nothing', 404, 'UNSUPPORTED', {} ],
    ],
    "OCIMaxUploadChunkSize $MIB" => [
        [ PATCH => 'session', 413, 'SIZE_INVALID', {} ],
        [ PUT => 'session', 413, 'SIZE_INVALID', {} ],
        [ POST => 'post', 413, 'SIZE_INVALID', {} ],
    ],
    "LimitRequestBody $MIB" => [
        [ PATCH => 'session', 413, 'SIZE_INVALID', {} ],
        [ POST => 'post', 413, 'SIZE_INVALID', {} ],
    ],
    '<Limit PATCH PUT>
        Require all denied
    </Limit>
    <LimitExcept PATCH PUT>
        Require all granted
    </LimitExcept>' => [
        [ PATCH => 'session', 403, 'DENIED', {} ],
        [ PUT => 'manifest', 403, 'DENIED', {} ],
    ],
);

# Write a whole request before anything is read; true if that worked.
sub write_all {
    my ($writer, $method, $path, $headers, $body) = @_;
    my $chunked = ref $body;
    $writer->send($writer->head_of($method, $path, { %$headers,
        $chunked ? ('Transfer-Encoding' => 'chunked')
                 : ('Content-Length' => length $body) }, undef)) or return;
    return $writer->send($body) if !$chunked;
    for my $piece (@$body) {
        $writer->send(sprintf "%x\r\n%s\r\n", length $piece, $piece)
            or return;
    }
    return $writer->send("0\r\n\r\n");
}

for my $config (sort keys %refused) {
    my ($title) = ($config || 'no limit') =~ /\A(.*)/;
    subtest "a refusal is read after the body was written: $title" => sub {
        my $server = OCI::Server->start(config => $config);
        my $client = OCI::Client->new($server);
        my $body = 'x' x (8 * $MIB);
        my @pieces = unpack '(a1048576)*', $body;
        my $digest = digest_of($body);
        for my $case (@{ $refused{$config} }) {
            my ($method, $what, $status, $code, $headers) = @$case;
            my $location = $client->start_upload('early');
            my $path = {
                absent   => with_query('/v2/early/blobs/uploads/01234567-89ab-'
                          . '4def-8123-456789abcdef', "digest=$digest"),
                session  => with_query($location, "digest=$digest"),
                nodigest => $location,
                post     => "/v2/early/blobs/uploads/?digest=$digest",
                manifest => '/v2/early/manifests/v1',
                name     => '/v2/Early/manifests/v1',
                tags     => '/v2/early/tags/list',
                nothing  => '/v2/early/nothing/here',
            }->{$what};
            for my $bytes ($body, \@pieces) {
                my $name = "$method of $what, $status"
                    . (ref $bytes ? ', chunked' : '');
                my $writer = OCI::Client->new($server)->connect;
                ok(write_all($writer, $method, $path, $headers, $bytes),
                   "$name: the request is written");
                my $res = $writer->receive($method);
                ok($res, "$name: it gets a response") or next;
                error_is($res, $status, $code, undef, "$name: the right error");
                if ($res->keeps) {
                    is($writer->get('/v2/')->status, 200,
                       "$name: the connection can be reused");
                }
                else {
                    is(rest_of($writer), '', "$name: the connection is closed");
                }
                is($client->get($location)->header('Range'), '0-0',
                   "$name: no bytes were stored");
            }
        }
        $server->allows(qr/AH01630|client denied/);
        $server->stop;
    };
}

# A short body is skipped instead, and the connection can be reused.
subtest 'a refused short body' => sub {
    my $server = OCI::Server->start;
    my $client = OCI::Client->new($server);
    my $socket = $client->socket;
    my $absent = '/v2/early/blobs/uploads/'
        . '01234567-89ab-4def-8123-456789abcdef';
    for my $method (qw(PATCH PUT)) {
        error_is($client->request($method,
            with_query($absent, 'digest=' . digest_of('')), {}, 'GET / ' x 99),
            404, 'BLOB_UPLOAD_UNKNOWN');
        status_is($client->get('/v2/'), 200, 'the next request is understood');
    }
    is($client->{socket}, $socket, 'all on one connection');
    $server->stop;
};

done_testing;
