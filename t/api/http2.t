# SPDX-License-Identifier: Apache-2.0

# HTTP/2 without TLS, by prior knowledge and by Upgrade, with curl.

use OCI::Test;

my ($curl) = grep { -x } map { "$_/curl" } split /:/, $ENV{PATH};
plan(skip_all => 'curl knows no HTTP/2')
    if !$curl || `$curl -V` !~ /\bHTTP2\b/;
my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};
my $server = OCI::Server->start(modules => ['http2'],
    extra => 'Protocols h2c http/1.1', config => 'OCIMaxUploadChunkSize 2000000',
    after => "<Location \"/v2/closed/\">\nRequire all denied\n</Location>");
$server->allows(qr/AH01630: client denied/);
my $client = OCI::Client->new($server);
my $dir = $server->dir;
my $url = $server->url;
my $bytes = random_bytes(1_500_000, 'http2');
spew('blob', $bytes);
spew('small', substr $bytes, 0, 5000);
spew('large', 'x' x 30_000_000);
spew('empty', '');

sub spew {
    my ($name, $content) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$name: $!\n";
    print $file $content;
    return close $file || die "$name: $!\n";
}

# Send one request with curl, and return the answer.
sub curl {
    my @command = ($curl, '-sS', '--max-time', 300, '-D', "$dir/head",
        '-o', "$dir/body", '-w', '%{http_version} %{http_code}', @_);
    my $pid = open(my $output, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        open STDIN, '<', "$dir/blob";
        exec @command or POSIX::_exit(127);
    }
    my %answer;
    @answer{qw(version status)} = split ' ', <$output> // '';
    close $output;
    my $head = OCI::Server::slurp("$dir/head") =~ s/.*\n(?=HTTP)//sr;
    $answer{header} = { map { /^([\w-]+): (.*?)\r?$/ ? (lc $1, $2) : () }
        split /\n/, $head };
    $answer{body} = OCI::Server::slurp("$dir/body");
    unlink "$dir/head", "$dir/body";
    return \%answer;
}

# Send a request with a large body twice over one connection with nghttp, which
# prints the frames: for each stream its status, its codes and its end.
sub refused {
    my ($method, $path) = @_;
    my $pid = open(my $output, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec $nghttp, '-v', '--no-dep', '-d', "$dir/large", '-H',
            ":method: $method", "$url$path", "$url$path?again"
            or POSIX::_exit(127);
    }
    my $text = join '', <$output>;
    close $output;
    my $connections = () = $text =~ /\] Connected/g;
    my %status = $text =~ /recv \(stream_id=(\d+)\) :status: (\d+)/g;
    my @codes = $text =~ /"code":"(\w+)"/g;
    my @resets = $text =~ /recv RST_STREAM.*\n\s*\(error_code=(\w+)/g;
    my @ends = $text =~ /recv GOAWAY.*\n\s*\(last_stream_id=\d+, error_code=(\w+)/g;
    return {
        connections => $connections,
        answers     => join(' ', sort values %status),
        codes       => "@codes",
        errors      => join(' ', grep { $_ ne 'NO_ERROR' } @resets, @ends),
    };
}

sub says {
    my ($answer, $status, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $json = eval { JSON::PP::decode_json($answer->{body}) };
    return is(join(' ', $answer->{status}, $json->{errors}[0]{code} // 'no code',
        $answer->{header}{'content-type'} // 'no type'),
        "$status $code application/json", $name);
}

my @POST = (qw(-X POST -d), '');
for my $protocol ('--http2-prior-knowledge', '--http2') {
    (my $repo = "h2$protocol") =~ tr/-/./s;
    my $base = "$url/v2/$repo";
    my $start = sub { $url . curl($protocol, @POST, "$base/blobs/uploads/")
        ->{header}{location} };

    my $answer = curl($protocol, "$url/v2/");
    is("$answer->{version} $answer->{status} $answer->{body}", '2 200 {}',
        "$protocol: GET /v2/");
    is($answer->{header}{'docker-distribution-api-version'}, 'registry/2.0',
        'its header');

    # Bodies with and without a length, and no body.
    # Some versions of curl cannot read an answer of more than 32 KiB to an
    # Upgrade.
    for my $name ($protocol eq '--http2' ? 'small' : 'blob', 'empty') {
        my $content = OCI::Server::slurp("$dir/$name");
        my $digest = digest_of($content);
        $answer = curl($protocol, '-T', "$dir/$name",
            with_query($start->(), "digest=$digest"));
        is($answer->{status}, 201, "$protocol: PUT of $name");
        my $get = curl($protocol, "$base/blobs/$digest");
        my $head = curl($protocol, '-I', "$base/blobs/$digest");
        is($get->{status}, 200, 'GET');
        ok($get->{body} eq $content, 'the same bytes');
        is($head->{status}, 200, 'HEAD');
        is($get->{header}{'content-length'}, length $content, "GET's length");
        is($head->{header}{'content-length'}, length $content, "HEAD's length");
        is($head->{header}{'docker-content-digest'}, $digest, "HEAD's digest");
    }
    my $where = $start->();
    $answer = curl($protocol, qw(-X PATCH -T -), $where);
    is("$answer->{status} $answer->{header}{range}", '202 0-1499999',
        "$protocol: PATCH without a length");
    my $digest = digest_of($bytes);
    $answer = curl($protocol, qw(-X PUT -d), '',
        with_query($where, "digest=$digest"));
    is($answer->{status}, 201, 'PUT');
    $answer = curl($protocol, '-r', '5-9,0-1', "$base/blobs/$digest");
    is($answer->{status}, 206, 'ranges');
    is(length $answer->{body}, $answer->{header}{'content-length'}, 'their length');
    $answer = curl($protocol, '-r', '9999999-', "$base/blobs/$digest");
    says($answer, 416, 'SIZE_INVALID', 'a range that cannot be satisfied');
    is($answer->{header}{'content-range'}, 'bytes */1500000',
        'the size of the blob');
    $answer = curl($protocol, '-H', qq(If-None-Match: "$digest"),
        "$base/blobs/$digest");
    is("$answer->{status} $answer->{body}", '304 ', 'not modified');

    # Manifests
    spew('manifest', json_text(image_manifest('{}', [])));
    $client->push_blob($repo, '{}');
    $answer = curl($protocol, '-T', "$dir/manifest", '-H', 'Content-Type: '
        . IMAGE_MANIFEST, "$base/manifests/tag");
    is($answer->{status}, 201, "$protocol: PUT of a manifest");
    $answer = curl($protocol, "$base/manifests/tag");
    is($answer->{body}, OCI::Server::slurp("$dir/manifest"), 'the same bytes');
    is($answer->{header}{'content-type'}, IMAGE_MANIFEST, 'its type');

    # Errors
    says(curl($protocol, "$base/manifests/none"), 404, 'MANIFEST_UNKNOWN',
        "$protocol: 404");
    says(curl($protocol, "$url/v2/a%2Fb/tags/list"), 404, 'UNSUPPORTED',
        'an encoded slash');
    says(curl($protocol, "$url/v2/closed/tags/list"), 403, 'DENIED', 'denied');
    says(curl($protocol, '-X', 'DELETE', "$url/v2/"), 405,
        'UNSUPPORTED', 'a method');
    my $head = curl($protocol, '-I', "$base/manifests/none");
    is("$head->{status} $head->{header}{'content-type'}", '404 application/json',
        'HEAD');
}

# A request is refused before its body arrives: the answer is complete, the
# stream ends without an error, and the connection stays open.
SKIP: {
    skip('no nghttp', 1) if !$nghttp;
    my $path = $client->start_upload('refused');
    for my $case ([ 413, 'SIZE_INVALID', PATCH => $path ],
        [ 400, 'DIGEST_INVALID', PUT => $path ],
        [ 403, 'DENIED', PUT => '/v2/closed/manifests/x' ],
        [ 413, 'MANIFEST_INVALID', PUT => '/v2/refused/manifests/x' ],
        [ 405, 'UNSUPPORTED', PUT => '/v2/refused/tags/list' ],
        [ 400, 'NAME_INVALID', PUT => '/v2/UPPER/manifests/x' ],
        [ 404, 'UNSUPPORTED', PUT => '/v2/nothing' ]) {
        my ($status, $code, $method, $where) = @$case;
        is_deeply(refused($method, $where), {
            connections => 1,
            answers     => "$status $status",
            codes       => "$code $code",
            errors      => ''
        }, "$status of a large $method, twice");
    }
    header_is($client->get($path), 'Range', '0-0', 'nothing changed');
}

# An accepted stream is completed during a reload.
my $path = $client->start_upload('graceful');
my $pid = fork // die "fork: $!";
if (!$pid) {
    my $answer = curl('--http2-prior-knowledge', '-X', 'PATCH', '--limit-rate',
        '1M', '-T', "$dir/blob", "$url$path");
    POSIX::_exit($answer->{status} eq '202' ? 0 : 1);
}
select undef, undef, undef, 0.5;
$server->graceful;
waitpid $pid, 0;
is($?, 0, 'a graceful reload in the middle of an upload');
$client->close;
header_is($client->get($path), 'Range', '0-1499999', 'all of it is stored');

# A request with Upgrade headers for h2c gets its usual answer.
my @upgrade = ('Connection' => 'Upgrade, HTTP2-Settings', 'Upgrade' => 'h2c',
    'HTTP2-Settings' => 'AAMAAABkAAQCAAAAAAIAAAAA');
my $where = $client->start_upload('upgraded');
my $own = OCI::Client->new($server);
my $res = $own->request(PATCH => $where, [@upgrade], 'some bytes');
ok($res->status == 202 || $res->status == 101, 'PATCH with Upgrade');
$own->close;
header_is($client->get($where), 'Range', '0-9', 'its bytes are stored once');

$server->stop;
done_testing;
