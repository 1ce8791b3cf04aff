# SPDX-License-Identifier: Apache-2.0

# httpd's memory use does not grow with the bytes that it transfers.

use OCI::Crowd;
use OCI::Test;

use Time::HiRes qw(sleep);

plan(skip_all => 'sanitizers need additional memory')
    if OCI::Server->sanitized;
plan(skip_all => '/proc does not show the memory of processes')
    if !defined memory_of($$);

my $MIB = 1 << 20;
my $BOUND = 64 * $MIB;

# The private memory of a process in bytes; undef if the system does not show
# it.
sub memory_of {
    my $status = OCI::Server::slurp("/proc/$_[0]/status");
    return $status =~ /^RssAnon:\s+(\d+) kB/m ? $1 * 1024 : undef;
}

sub memory {
    my $server = shift;
    my $sum = 0;
    $sum += memory_of($_) // 0 for $server->pid, $server->children;
    return $sum;
}

# A single child with enough threads, so that no other child is started.
my $server = OCI::Server->start(extra => join "\n", 'StartServers 1',
    'ServerLimit 1', 'ThreadLimit 80', 'ThreadsPerChild 80',
    'MaxRequestWorkers 80', 'MinSpareThreads 1', 'MaxSpareThreads 80');
my $client = OCI::Client->new($server);
my $piece = random_bytes(64 * 1024, 'memory');

# Warm up: buffers that httpd keeps do not count as growth.
$client->push_image('warm', "v$_") for 1 .. 10;
my $idle = memory($server);
my $highest = $idle;

sub watch {
    my $now = memory($server);
    $highest = $now if $now > $highest;
    return;
}

sub grew_little {
    my $name = shift;
    my $growth = $highest - $idle;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return cmp_ok($growth, '<=', $BOUND,
        sprintf '%s: at most %.1f MiB more', $name, $growth / $MIB);
}

subtest '32 uploads of 8 MiB at the same time' => sub {
    my $bytes = $piece x 128;
    my @uploads = map {
        my $location = $client->start_upload("many/$_");
        my $upload = OCI::Client->new($server)->connect;
        $upload->send($upload->head_of('PATCH', $location,
            { 'Content-Length' => length $bytes }, undef));
        { client => $upload, location => $location }
    } 1 .. 32;
    for my $part (0 .. 127) {
        $_->{client}->send($piece) for @uploads;
        watch() if $part % 4 == 0;
    }
    my @answers = map { $_->{client}->receive('PATCH') } @uploads;
    watch();
    is(scalar(grep { $_ && $_->status == 202 } @answers), 32,
       'all are accepted');
    grew_little('uploads');
    status_is($client->put(with_query($uploads[0]{location},
        'digest=' . digest_of($bytes))), 201, 'one is finished');
    $client->delete($_->{location}) for @uploads[1 .. 31];
};

subtest 'pulls of 256 MiB by slow readers' => sub {
    my $sha = Digest::SHA->new(256);
    my $left = 4096;
    my $location = $client->start_upload('large');
    my $res = $client->request(PATCH => $location, {}, sub {
        return if !$left--;
        $sha->add($piece);
        watch() if $left % 512 == 0;
        return $piece;
    });
    status_is($res, 202, 'it is pushed');
    my $digest = 'sha256:' . $sha->hexdigest;
    status_is($client->put(with_query($location, "digest=$digest")), 201);
    grew_little('push');

    my $request = "GET /v2/large/blobs/$digest HTTP/1.1\r\nHost: a\r\n";
    my @pulls = map { OCI::Client->new($server)->connect } 1 .. 16;
    $_->send("$request\r\n") for @pulls[0 .. 11];
    $_->send($request . 'Range: bytes='
        . join(',', map { $_ * 1000000 . '-' . ($_ * 1000000 + 799_999) }
               0 .. 199) . "\r\n\r\n") for @pulls[12 .. 15];
    for my $round (1 .. 40) {
        for my $pull (@pulls) {
            sysread $pull->socket, my $some, 100_000;
        }
        watch() if $round % 4 == 0;
    }
    grew_little('pulls');
    $_->close for @pulls;
};

subtest 'manifests of the maximal size' => sub {
    $client->push_blob('big', '{}');
    my $text = json_text(image_manifest('{}', []));
    $text =~ s/\}\z/' ' x (4_194_304 - length $text) . '}'/e;
    my $digest = digest_of($text);
    status_is($client->put("/v2/big/manifests/$_", $text,
        'Content-Type' => IMAGE_MANIFEST), 201) for 1 .. 20;
    for my $n (1 .. 20) {
        $client->get("/v2/big/manifests/$n");
        watch();
    }
    grew_little('manifests');
};

# The peak memory of a server's single child, in bytes.
sub peak_of {
    my ($child) = shift->children;
    my ($kib) = OCI::Server::slurp("/proc/$child/status")
        =~ /^VmHWM:\s+(\d+) kB/m;
    return $kib * 1024;
}

subtest 'a long list of errors' => sub {
    my $count = 4000;
    my $text = json_text(image_manifest('{}', [ 1 .. $count ]));
    my $before = peak_of($server);
    my $res = $client->put('/v2/big/manifests/none', $text,
        'Content-Type' => IMAGE_MANIFEST);
    error_is($res, 404, 'MANIFEST_BLOB_UNKNOWN');
    is(scalar @{ $res->json->{errors} }, $count, 'each layer is named');
    cmp_ok(peak_of($server) - $before, '<=', $BOUND, 'in little memory');
};

$server->stop;

# A manifest of the maximal size with a member that repeats a part of JSON.
sub junk {
    my ($name, $first, $part, $last) = @_;
    my $text = json_text(image_manifest('{}', []));
    $text =~ s/\}\z/,"$name":$first/ or die 'no object';
    my $room = 4_194_304 - length("$text$last}");
    return $text . $part x int($room / length $part) . "$last}";
}

subtest 'JSON of many small values, four at the same time' => sub {
    my @cases = (
        [ 'objects', 201, junk('x', '[{}', ',{}', ']') ],
        [ 'numbers', 201, junk('x', '[0', ',0', ']') ],
        [ 'strings', 201, junk('x', '[""', ',""', ']') ],
        [ 'nested objects', 201, junk('x', '[0', ',{"a":{"b":[]}}', ']') ],
        [ 'one name', 400, junk('x', '{"":0', ',"":0', '}') ],
        [ 'annotations', 400, junk('annotations', '{"":""', ',"":""', '}') ],
        [ 'open arrays', 400, junk('x', '', '[', '') ],
        [ 'layers', 400, junk('manifests', '[{}', ',{}', ']') ],
    );
    for my $case (@cases) {
        my ($name, $status, $text) = @$case;
        my $one = OCI::Server->start(extra => join "\n", 'StartServers 1',
            'ServerLimit 1', 'ThreadLimit 8', 'ThreadsPerChild 8',
            'MaxRequestWorkers 8', 'MinSpareThreads 1', 'MaxSpareThreads 8');
        OCI::Client->new($one)->push_image('junk', 'warm');
        my $before = peak_of($one);
        my @seen = map { @$_ } at_once([$one], 4, sub {
            my ($user, $n) = @_;
            return $user->put("/v2/junk/manifests/$n", $text,
                'Content-Type' => IMAGE_MANIFEST)->status;
        });
        is("@seen", join(' ', ($status) x 4), "$name: $status");
        my $growth = peak_of($one) - $before;
        cmp_ok($growth, '<=', 4 * 8 * 4 * $MIB,
            sprintf '%s: at most %.1f MiB more', $name, $growth / $MIB);
        $one->stop;
    }
};

subtest 'many manifests of the maximal size in one request' => sub {
    my $few = OCI::Server->start(extra => join "\n", 'StartServers 1',
        'ServerLimit 1', 'ThreadLimit 2', 'ThreadsPerChild 2',
        'MaxRequestWorkers 2', 'MinSpareThreads 1', 'MaxSpareThreads 2');
    my $user = OCI::Client->new($few);
    $user->push_blob('big', '{}');
    my @texts = map {
        json_text(image_manifest('{}', [], annotations =>
            { $_ => 'x' x 4_000_000 })) } 1 .. 40;
    # With the type given, JSON::PP need not parse these texts, which is slow.
    $user->push_manifest('big', undef, $_, IMAGE_MANIFEST) for @texts;
    my @descriptors = map { descriptor($_, IMAGE_MANIFEST) } @texts;
    my $subject = $descriptors[0];
    for my $n (1 .. 40) {
        $user->push_manifest('big', undef, json_text(image_manifest('{}', [],
            subject => $subject, annotations => { $n => 'y' x 4_000_000 })),
            IMAGE_MANIFEST);
    }
    my $before = peak_of($few);
    my $path = "/v2/big/referrers/$subject->{digest}";
    my $seen = 0;
    for (my $next = $path; $next; ) {
        my $res = $user->get($next);
        $seen += () = $res->body =~ /"digest"/g;
        ($next) = ($res->header('Link') // '') =~ /<(.+?)>/;
    }
    is($seen, 40, 'all its referrers are listed');
    status_is($user->get("$path?artifactType=none"), 200);
    cmp_ok(peak_of($few) - $before, '<=', $BOUND, 'pages of referrers');

    $before = peak_of($few);
    $user->push_manifest('big', 'all', json_text({ schemaVersion => 2,
        mediaType => IMAGE_INDEX, manifests => \@descriptors }));
    cmp_ok(peak_of($few) - $before, '<=', $BOUND, 'an index that names them');
    $few->stop;
};

done_testing;
