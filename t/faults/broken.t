# SPDX-License-Identifier: Apache-2.0

# Clients that disconnect, stop sending, or send an incomplete body during a
# push: the bytes that arrived are kept, and any process can continue the upload
# from there.

use OCI::Test;

use File::Temp ();
use OCI::Library;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep time);

my $MIB = 1 << 20;

# Send the head of a request and a part of its body.
sub begin_request {
    my ($server, $method, $path, $headers, $bytes) = @_;
    my $client = OCI::Client->new($server)->connect;
    $client->send($client->head_of($method, $path, $headers, undef) . $bytes);
    return $client;
}

# The next offset according to an upload's Range.  An upload without bytes has
# the same Range as an upload with a single byte.
sub offset_of {
    my ($client, $location) = @_;
    my $res = $client->get($location);
    return $res->status if $res->status != 204;
    my ($last) = $res->header('Range') =~ /\A0-(\d+)\z/ or return 'no Range';
    return $last ? $last + 1 : 0;
}

# Wait until an upload has this offset, and return its offset in the end.
sub wait_for_offset {
    my ($client, $location, $offset) = @_;
    my $end = time + 120;
    my $now;
    while (($now = offset_of($client, $location)) ne $offset && time < $end) {
        sleep 0.02;
    }
    return $now;
}

# Wait until a request has claimed an upload, or until no request has.  While it
# is claimed, an empty chunk is refused.
sub wait_for_claim {
    my ($client, $location, $claimed) = @_;
    my $end = time + 120;
    sleep 0.02
        while ($client->patch($location, '')->status == 416) != $claimed
        && time < $end;
    return;
}

# Finish an upload with the missing bytes; two tests.
sub finish {
    my ($server, $location, $bytes, $offset, $name) = @_;
    my $digest = digest_of($bytes);
    my $client = OCI::Client->new($server);
    my @range = $offset < length $bytes
        ? ('Content-Range' => "$offset-" . (length($bytes) - 1)) : ();
    status_is($client->put(with_query($location, "digest=$digest"),
        substr($bytes, $offset), @range), 201, "$name: finished");
    my ($repo) = $location =~ m{\A/v2/(.+)/blobs/uploads/};
    my $res = $client->get("/v2/$repo/blobs/$digest");
    ok($res->body eq $bytes, "$name: the bytes are right");
    return;
}

my $server = OCI::Server->start(config => 'OCIMaxUploadChunkSize 32000000');
my $client = OCI::Client->new($server);

# ---- the connection ends before the body does

subtest 'a client that disconnects' => sub {
    for my $method (qw(PATCH PUT)) {
        for my $chunked (0, 1) {
            my $name = "$method, " . ($chunked ? 'chunked' : 'with a length');
            my $bytes = random_bytes(3 * $MIB, $name);
            my $kept = $MIB + 4321;
            my $location = $client->start_upload('cut');
            my $path = $method eq 'PUT'
                ? with_query($location, 'digest=' . digest_of($bytes))
                : $location;
            my $cut = begin_request($server, $method, $path,
                $chunked ? { 'Transfer-Encoding' => 'chunked' }
                         : { 'Content-Length' => length $bytes },
                ($chunked ? sprintf "%x\r\n", length $bytes : '')
                . substr $bytes, 0, $kept);
            $cut->close;
            is(wait_for_offset($client, $location, $kept), $kept,
               "$name: all bytes that arrived are kept");
            finish($server, $location, $bytes, $kept, $name);
        }
    }
};

# From 8 MiB on, two threads process a body alternately.
subtest 'a client that disconnects late in a long body' => sub {
    my $bytes = random_bytes($MIB, 'long') x 30;
    for my $kept (8 * $MIB + 1, 9 * $MIB + 4321, 29 * $MIB) {
        my $location = $client->start_upload('long');
        begin_request($server, 'PATCH', $location,
            { 'Content-Length' => length $bytes }, substr $bytes, 0, $kept)
            ->close;
        is(wait_for_offset($client, $location, $kept), $kept,
           "all $kept bytes are kept");
        finish($server, $location, $bytes, $kept, "from $kept on");
    }
};

subtest 'a chunked body that exceeds the limit' => sub {
    my $bytes = random_bytes($MIB, 'long') x 30;
    my $location = $client->start_upload('long');
    status_is($client->patch($location, substr $bytes, 0, 1000), 202);
    my $left = 33;
    my $long = OCI::Client->new($server);
    my $res = $long->request(PATCH => $location, {}, sub {
        return $left-- ? substr $bytes, 0, $MIB : undef;
    });
    error_is($res, 413, 'SIZE_INVALID', qr/OCIMaxUploadChunkSize/);
    is(wait_for_offset($client, $location, 1000), 1000,
        'none of its bytes are kept');
    finish($server, $location, $bytes, 1000, 'within the limit');
};

subtest 'a client that disconnects several times' => sub {
    my $bytes = random_bytes(2 * $MIB, 'again');
    my $location = $client->start_upload('cut');
    my $offset = 0;
    for my $step (100, 70_000, 8000, 300_001, 131_072) {
        my $length = length($bytes) - $offset;
        my $range = "$offset-" . (length($bytes) - 1);
        begin_request($server, 'PATCH', $location,
            { 'Content-Length' => $length, 'Content-Range' => $range },
            substr $bytes, $offset, $step)->close;
        $offset += $step;
        wait_for_offset($client, $location, $offset);
        wait_for_claim($client, $location, 0);
    }
    is(offset_of($client, $location), $offset, 'each part is kept');
    finish($server, $location, $bytes, $offset, 'in parts');
};

# httpd sends 100 Continue to no client of HTTP/1.0, so it does not wait for it.
subtest 'a client of HTTP/1.0 that makes a pause' => sub {
    my $location = $client->start_upload('old');
    my $old = OCI::Client->new($server)->connect;
    $old->send("PATCH $location HTTP/1.0\r\nHost: x\r\nContent-Length: 1000\r\n"
        . "Expect: 100-continue\r\n\r\n" . 'x' x 500);
    is(wait_for_offset($client, $location, 500), 500, 'its bytes are reported');
    $old->close;
    finish($server, $location, 'x' x 1000, 500, 'the rest');
};

# Its connection stays open.  From 8 MiB on, two threads process a body.
subtest 'a client that vanishes' => sub {
    my $server = OCI::Server->start;
    my $client = OCI::Client->new($server);
    my $bytes = random_bytes($MIB, 'vanish') x 12;
    my %location;
    my @open;
    for my $kept (500_000, 9 * $MIB + 4321) {
        my $location = $location{$kept} = $client->start_upload('vanish');
        push @open, begin_request($server, 'PATCH', $location,
            { 'Content-Length' => length $bytes }, substr $bytes, 0, $kept);
        is(wait_for_offset($client, $location, $kept), $kept,
            "all $kept bytes that arrived are reported");
        my $res = $client->patch($location, substr($bytes, $kept),
            'Content-Range' => "$kept-" . (length($bytes) - 1));
        error_is($res, 416, 'BLOB_UPLOAD_INVALID', qr/another request/,
            'but they still belong to the first request');
        header_is($res, 'Range', '0-' . ($kept - 1));
    }
    $open[0]->send(substr $bytes, 500_000, 7);
    is(wait_for_offset($client, $location{500_000}, 500_007), 500_007,
        'bytes after a pause are reported in the next one');
    $client->close;
    $server->kill9;
    $server->again;
    $_->close for @open;
    for my $kept (500_000, 9 * $MIB + 4321) {
        my $offset = $kept == 500_000 ? 500_007 : $kept;
        is(offset_of($client, $location{$kept}), $offset,
            'and are kept when httpd is killed');
        finish($server, $location{$kept}, $bytes, $offset, "from $offset on");
    }
    $server->stop;
};

# The second thread writes what the first one has left, while the first one
# finds that the client makes a pause.
subtest 'a write that fails during a pause' => sub {
    my $tmp = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$tmp";
    OCI::Library::build("$tmp/slow.so", <<'CODE')
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
ssize_t writev(int fd, const struct iovec *vec, int n)
{
    if (lseek(fd, 0, SEEK_CUR) >= (9 << 20) + 262144) {
        sleep(2);
        errno = EIO;
        return -1;
    }
    return syscall(SYS_writev, fd, vec, n);
}
CODE
        or plan skip_all => 'gcc cannot build a library';
    my $server = OCI::Server->start(sanitize => 0,
        env => { LD_PRELOAD => "$tmp/slow.so" });
    $server->expects(qr/\[oci:error\].*Input\/output error/);
    my $client = OCI::Client->new($server);
    my $location = $client->start_upload('slow');
    my $bytes = random_bytes($MIB, 'slow') x 12;
    my $sent = 9 * $MIB + 262_144 + 120_000;
    my $push = begin_request($server, 'PATCH', $location,
        { 'Content-Length' => length $bytes }, substr $bytes, 0, 9 * $MIB);
    sleep 0.5;
    $push->send(substr $bytes, 9 * $MIB, $sent - 9 * $MIB);
    error_is($push->receive('PATCH'), 500, 'UNKNOWN', undef,
        'the request fails');
    my $digest = digest_of(substr $bytes, 0, $sent);
    my $res = $client->put(with_query($location, "digest=$digest"), '');
    error_is($res, 400, 'DIGEST_INVALID', undef,
        'bytes that were not written are not believed');
    $server->stop;
};

subtest 'a connection that is reset' => sub {
    my $bytes = random_bytes(2 * $MIB, 'reset');
    my $location = $client->start_upload('cut');
    my $res = $client->patch($location, substr $bytes, 0, 1000);
    status_is($res, 202);
    my $cut = begin_request($server, 'PATCH', $location,
        { 'Content-Length' => length($bytes) - 1000 },
        substr $bytes, 1000, $MIB);

    wait_for_claim($client, $location, 1);
    setsockopt $cut->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $cut->close;
    wait_for_claim($client, $location, 0);
    my $offset = offset_of($client, $location);
    ok($offset >= 1000 && $offset <= 1000 + $MIB,
        "some bytes are kept: $offset");
    finish($server, $location, $bytes, $offset, 'after a reset');
};

subtest 'a client that half-closes the connection' => sub {
    my $bytes = random_bytes(300_000, 'half');
    for my $method (qw(PATCH PUT)) {
        my $location = $client->start_upload('half');
        my $path = with_query($location, 'digest=' . digest_of($bytes));
        my $half = begin_request($server, $method, $path,
            { 'Content-Length' => length $bytes }, substr $bytes, 0, 200_000);
        $half->finish;
        my $res = $half->receive($method);
        ok($res, "an incomplete $method gets a response")
            and error_is($res, 400, 'SIZE_INVALID', undef,
                         "an incomplete $method: 400");
        is(offset_of($client, $location), 200_000,
            'the bytes that arrived are kept');
        finish($server, $location, $bytes, 200_000, $method);
    }
    my $location = $client->start_upload('half');
    my $half = begin_request($server, 'PATCH', $location,
        { 'Content-Length' => length $bytes }, $bytes);
    $half->finish;
    my $res = $half->receive('PATCH');
    ok($res, 'a complete request gets a response') and status_is($res, 202);
    finish($server, $location, $bytes, length $bytes, 'half-closed');
};

subtest 'an incomplete monolithic POST' => sub {
    my $bytes = random_bytes(300_000, 'post');
    my $digest = digest_of($bytes);
    my $half = begin_request($server, 'POST',
        "/v2/post/blobs/uploads/?digest=$digest",
        { 'Content-Length' => length $bytes }, substr $bytes, 0, 200_000);
    $half->finish;
    my $res = $half->receive('POST');
    ok($res, 'it gets a response') and error_is($res, 400, 'SIZE_INVALID');
    error_is($client->get("/v2/post/blobs/$digest"), 404, 'BLOB_UNKNOWN');
    my @left = grep { -s } glob $server->store . '/uploads/*';
    is(scalar @left, 0, 'leaves no bytes') or diag(@left);
};

subtest 'an incomplete manifest is not stored' => sub {
    my $text = json_text(image_manifest('{}', []));
    $client->push_blob('short', '{}');
    my $half = begin_request($server, 'PUT', '/v2/short/manifests/t',
        { 'Content-Type' => IMAGE_MANIFEST, 'Content-Length' => 5000 },
        $text . ' ' x 1000);
    $half->finish;
    my $res = $half->receive('PUT');
    ok($res, 'it gets a response') and error_is($res, 400, 'SIZE_INVALID');
    begin_request($server, 'PUT', '/v2/short/manifests/t',
        { 'Content-Type' => IMAGE_MANIFEST, 'Content-Length' => 5000 },
        $text)->close;
    status_is($client->put('/v2/short/manifests/u', $text,
                           'Content-Type' => IMAGE_MANIFEST), 201);
    error_is($client->get('/v2/short/manifests/t'), 404, 'MANIFEST_UNKNOWN');
};

# ---- reloads

subtest 'a steady upload during a graceful reload' => sub {
    my $bytes = random_bytes(200 * 1024, 'steady');
    my $location = $client->start_upload('steady');
    my $offset = 0;
    my $slow = begin_request($server, 'PATCH', $location,
        { 'Content-Length' => length $bytes }, '');
    while ($offset < length $bytes) {
        $slow->send(substr $bytes, $offset, 4096) or last;
        $offset += 4096;
        $server->graceful if $offset == 25 * 4096;
        sleep 0.02;
    }
    my $res = $slow->receive('PATCH');
    ok($res, 'it gets a response') and status_is($res, 202);
    finish($server, $location, $bytes, length $bytes, 'after a reload');
};

subtest 'an upload during a restart, a stop and a start' => sub {
    my $server = OCI::Server->start(mpm => 'prefork');
    my $client = OCI::Client->new($server);
    my $bytes = random_bytes($MIB, 'stall');
    my $location = $client->start_upload('stall');
    status_is($client->patch($location, substr $bytes, 0, 400_000), 202);
    my $stalled = begin_request($server, 'PATCH', $location,
        { 'Content-Length' => length($bytes) - 400_000 },
        substr $bytes, 400_000, 100_000);
    wait_for_claim($client, $location, 1);
    $client->close;
    $server->restart;
    $stalled->close;
    my $offset = offset_of($client, $location);
    ok($offset >= 400_000 && $offset <= 500_000, "its offset is $offset");
    $client->close;
    $server->halt;
    $server->again;
    is(offset_of($client, $location), $offset, 'and the same after a start');
    finish($server, $location, $bytes, $offset, 'after a start');
    $server->stop;
};

$server->stop;

# ---- any process

subtest 'each request of a session in another process' => sub {
    my $prefork = OCI::Server->start(mpm => 'prefork',
        extra => 'CustomLog @DIR@/pids "%P %m %>s"');
    for my $algorithm (qw(sha256 sha512)) {
        my $bytes = random_bytes($MIB, $algorithm);
        my @held = OCI::Client->new($prefork);
        my $location = $held[0]->start_upload('any',
            "?digest-algorithm=$algorithm");
        my @pieces = unpack '(a123456)*', $bytes;
        my $last = pop @pieces;
        for my $piece (@pieces) {
            # The open connections occupy their processes, so that the next
            # request gets another process.
            push @held, OCI::Client->new($prefork);
            status_is($held[-1]->patch($location, $piece), 202);
        }
        push @held, OCI::Client->new($prefork);
        my $digest = digest_of($bytes, $algorithm);
        status_is($held[-1]->put(with_query($location, "digest=$digest"),
                                 $last), 201, "$algorithm: finished");
        ok($held[0]->get("/v2/any/blobs/$digest")->body eq $bytes,
           "$algorithm: the bytes are right");
    }
    $prefork->stop;
};

subtest 'no byte is read again' => sub {
    my ($strace) = grep { -x } map { "$_/strace" } split /:/, $ENV{PATH};
    plan(skip_all => 'strace is not installed') if !$strace;
    my $traced = OCI::Server->start;
    my $bytes = random_bytes(3 * $MIB, 'once');
    my $part = 2 * $MIB;    # is synced when it ends
    my $client = OCI::Client->new($traced);
    my $location = $client->start_upload('once');
    begin_request($traced, 'PATCH', $location,
        { 'Content-Length' => length $bytes }, substr $bytes, 0, $part)->close;
    wait_for_offset($client, $location, $part);
    $client->close;
    $traced->halt;
    $traced->again;
    my $trace = $traced->dir . '/trace';
    my $process = OCI::Process->start(command => [ $strace, '-f', '-qq', '-y',
        '-e', 'trace=read,readv,pread64,preadv,preadv2,mmap,sendfile,'
            . 'copy_file_range,write,writev',
        '-o', $trace, map { ('-p', $_) } $traced->children ]);
    plan(skip_all => 'strace may not trace processes')
        if !$process->wait_for(sub {
            OCI::Client->new($traced)->get('/v2/')->status == 200
                && -s $trace });
    finish($traced, $location, $bytes, $part, 'traced');
    $process->stop;
    my @calls = split /\n/, OCI::Server::slurp($trace);
    ok(scalar(grep { m{writev?\(\d+<[^>]*/uploads/} } @calls),
       'the trace shows the writes');
    my @reads = grep { m{\A\d+ +(?!write)\w+\([^"]*\d<[^>"]*/uploads/} }
        @calls;
    is(scalar @reads, 0, 'and no reads') or diag(join "\n", @reads);
    $traced->stop;
};

# ---- clients that stop sending

# The limit also includes the time that httpd waits for storage.  On a busy
# machine only the silence may come near it, not what is pushed before or after.
subtest 'mod_reqtimeout' => sub {
    my $timed = OCI::Server->start(modules => ['reqtimeout'],
        extra => 'RequestReadTimeout header=0 body=0');
    my $client = OCI::Client->new($timed);
    my $bytes = random_bytes(400_000, 'timed');
    $client->push_blob('timed', '{}');
    my %location = map { $_ => $client->start_upload('timed') } qw(PATCH PUT);
    my %request = (
        PATCH => [ PATCH => $location{PATCH}, {} ],
        PUT => [ PUT => with_query($location{PUT},
                                   'digest=' . digest_of($bytes)), {} ],
        manifest => [ PUT => '/v2/timed/manifests/t',
                      { 'Content-Type' => IMAGE_MANIFEST } ],
    );
    $timed->set(extra => 'RequestReadTimeout header=0 body=1,MinRate=500');
    $timed->graceful;
    my %silent;
    for my $name (keys %request) {
        my ($method, $path, $headers) = @{ $request{$name} };
        $silent{$name} = begin_request($timed, $method, $path,
            { 'Content-Length' => length $bytes, %$headers },
            substr $bytes, 0, 500);
    }
    for my $name (sort keys %request) {
        my $res = $silent{$name}->receive($request{$name}[0]);
        ok($res, "$name: it gets a response")
            and error_is($res, 408, 'UNSUPPORTED', undef, "$name: 408");
    }
    $timed->set(extra => 'RequestReadTimeout header=0 body=0');
    $timed->graceful;
    for my $method (sort keys %location) {
        is(offset_of($client, $location{$method}), 500,
           'the bytes that arrived are kept');
        finish($timed, $location{$method}, $bytes, 500, $method);
    }
    $timed->stop;
};

# ---- a deletion whose client disconnects

subtest 'a manifest with thousands of tags' => sub {
    my $many = OCI::Server->start(config => 'OCISync Off');
    my $client = OCI::Client->new($many);
    for my $round (1, 2) {
        my $image = $client->push_image('many', undef);
        my @tags = map { sprintf 'tag-%d-%05d', $round, $_ } 1 .. 2000;
        my $path = "/v2/many/manifests/$image->{digest}";
        while (my @some = splice @tags, 0, 300) {
            status_is($client->put(
                $path . '?' . join('&', map { "tag=$_" } @some),
                $image->{text}, 'Content-Type' => IMAGE_MANIFEST), 201)
                or return;
        }
        is(scalar @{ $client->get('/v2/many/tags/list')->json->{tags} },
           2000, 'all tags exist');
        my $gone = begin_request($many, 'DELETE', $path, {}, '');
        if ($round == 2) {
            setsockopt $gone->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        }
        $gone->close;

        # Either all tags and the manifest exist, or none of them.
        my ($tags, $status, $good);
        my $end = time + 120;
        until ($good || time > $end) {
            sleep 0.2;
            my $res = $client->get('/v2/many/tags/list');
            $tags = $res->status == 404 ? 0 : scalar @{ $res->json->{tags} };
            $status = $client->get($path)->status;
            $good = $tags == 0 && $status == 404
                || $tags == 2000 && $status == 200;
        }
        ok($good, "all or nothing: $tags tags, $status");
        next if !$tags;
        $status = $client->delete($path)->status;
        ok($status == 202 || $status == 404,
           "it can be deleted, or it is deleted: $status");
    }
    $many->stop;
};

done_testing;
