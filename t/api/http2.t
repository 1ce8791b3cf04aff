# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# HTTP/2 without TLS, by prior knowledge and by Upgrade, with curl.

use OCI::Test;

chomp(my $curl = `command -v curl`);
plan(skip_all => 'curl knows no HTTP/2')
    if !$curl || `$curl -V` !~ /\bHTTP2\b/;
my $server = OCI::Server->start(modules => ['http2'],
    extra => 'Protocols h2c http/1.1', config => 'OCIMaxUploadChunkSize 2000000',
    after => "<Location \"/v2/closed/\">\nRequire all denied\n</Location>");
$server->allows(qr/AH01630: client denied/);
my $client = OCI::Client->new($server);
my $dir = $server->dir;
my $url = $server->url;
my $bytes = random_bytes(1_500_000, 'http2');
spew('blob', $bytes);
spew('large', 'x' x 30_000_000);
spew('empty', '');

sub spew {
    my ($name, $content) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$name: $!\n";
    print $file $content;
    return close $file || die "$name: $!\n";
}

# One answer for each request, in a single run of curl and so, where it can,
# on a single connection: requests are lists of arguments.
sub curl {
    my ($protocol, @requests) = @_;
    my @command = ($curl);
    for my $n (0 .. $#requests) {
        push @command, '--next' if $n;
        push @command, '-sS', $protocol, '-D', "$dir/head$n", '-o', "$dir/body$n",
            '--max-time', 60, '-w',
            '%{http_version} %{http_code} %{num_connects} %{exitcode}\n',
            @{ $requests[$n] };
    }
    pipe my $in, my $out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>&', $out;
        open STDERR, '>', '/dev/null';
        open STDIN, '<', "$dir/blob";
        exec @command or POSIX::_exit(127);
    }
    close $out;
    my @lines = <$in>;
    waitpid $pid, 0;
    return map {
        my %answer;
        @answer{qw(version status connects exit)} = split ' ', $lines[$_] // '';
        $answer{body} = OCI::Server::slurp("$dir/body$_");
        my $head = OCI::Server::slurp("$dir/head$_");
        $head =~ s/.*\n(?=HTTP)//s;
        $answer{header} = { map { /^([\w-]+): (.*?)\r?$/ ? (lc $1, $2) : () }
            split /\n/, $head };
        unlink "$dir/head$_", "$dir/body$_";
        \%answer;
    } 0 .. $#requests;
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
    my $start = sub { $url . (curl($protocol, [ @POST, "$base/blobs/uploads/" ]))
        [0]{header}{location} };

    my ($answer) = curl($protocol, ["$url/v2/"]);
    is("$answer->{version} $answer->{status} $answer->{body}", '2 200 {}',
        "$protocol: GET /v2/");
    is($answer->{header}{'docker-distribution-api-version'}, 'registry/2.0',
        'its header');

    # Bodies with a length, without one, and none.
    for my $name (qw(blob empty)) {
        my $content = OCI::Server::slurp("$dir/$name");
        my $digest = digest_of($content);
        ($answer) = curl($protocol, [ '-T', "$dir/$name",
            with_query($start->(), "digest=$digest") ]);
        is($answer->{status}, 201, "$protocol: PUT of $name");
        my ($get, $head) = curl($protocol, ["$base/blobs/$digest"],
            [ '-I', "$base/blobs/$digest" ]);
        is($get->{status}, 200, 'GET');
        ok($get->{body} eq $content, 'the same bytes');
        is($head->{status}, 200, 'HEAD');
        is($get->{header}{'content-length'}, length $content, "GET's length");
        is($head->{header}{'content-length'}, length $content, "HEAD's length");
        is($head->{header}{'docker-content-digest'}, $digest, "HEAD's digest");
    }
    my $where = $start->();
    ($answer) = curl($protocol, [ qw(-X PATCH -T -), $where ]);
    is("$answer->{status} $answer->{header}{range}", '202 0-1499999',
        "$protocol: PATCH without a length");
    my $digest = digest_of($bytes);
    ($answer) = curl($protocol, [ qw(-X PUT -d), '',
        with_query($where, "digest=$digest") ]);
    is($answer->{status}, 201, 'PUT');
    ($answer) = curl($protocol, [ '-r', '5-9,0-1', "$base/blobs/$digest" ]);
    is($answer->{status}, 206, 'ranges');
    is(length $answer->{body}, $answer->{header}{'content-length'}, 'their length');
    ($answer) = curl($protocol, [ '-r', '9999999-', "$base/blobs/$digest" ]);
    says($answer, 416, 'SIZE_INVALID', 'no such range');
    is($answer->{header}{'content-range'}, 'bytes */1500000', 'the true size');
    ($answer) = curl($protocol, [ '-H', qq(If-None-Match: "$digest"),
        "$base/blobs/$digest" ]);
    is("$answer->{status} $answer->{body}", '304 ', 'not modified');

    # Manifests
    spew('manifest', json_text(image_manifest('{}', [])));
    $client->push_blob($repo, '{}');
    ($answer) = curl($protocol, [ '-T', "$dir/manifest", '-H', 'Content-Type: '
        . IMAGE_MANIFEST, "$base/manifests/tag" ]);
    is($answer->{status}, 201, "$protocol: PUT of a manifest");
    ($answer) = curl($protocol, ["$base/manifests/tag"]);
    is($answer->{body}, OCI::Server::slurp("$dir/manifest"), 'the same bytes');
    is($answer->{header}{'content-type'}, IMAGE_MANIFEST, 'its type');

    # Errors
    says((curl($protocol, ["$base/manifests/none"]))[0], 404, 'MANIFEST_UNKNOWN',
        "$protocol: 404");
    says((curl($protocol, ["$url/v2/a%2Fb/tags/list"]))[0], 404, 'UNSUPPORTED',
        'an encoded slash');
    says((curl($protocol, ["$url/v2/closed/tags/list"]))[0], 403, 'DENIED', '403');
    says((curl($protocol, [ '-X', 'DELETE', "$url/v2/" ]))[0], 405,
        'UNSUPPORTED', '405');
    my ($head) = curl($protocol, [ '-I', "$base/manifests/none" ]);
    is("$head->{status} $head->{header}{'content-type'}", '404 application/json',
        'HEAD');

    # Refused before the body is there: a full answer, and the connection
    # goes on.
    $where = $start->();
    for my $case ([ 413, 'SIZE_INVALID', $where, 'PATCH' ],
        [ 404, 'BLOB_UPLOAD_UNKNOWN', "$where-", 'PATCH' ],
        [ 400, 'DIGEST_INVALID', with_query($where, 'digest=x'), 'PUT' ],
        [ 403, 'DENIED', "$url/v2/closed/manifests/x", 'PUT' ],
        [ 413, 'MANIFEST_INVALID', "$base/manifests/large", 'PUT' ],
        [ 405, 'UNSUPPORTED', "$base/tags/list", 'PUT' ],
        [ 400, 'NAME_INVALID', "$url/v2/UPPER/manifests/x", 'PUT' ]) {
        my ($status, $code, $path, $method) = @$case;
        my ($refused, $next) = curl($protocol, [ '-X', $method, '-T', "$dir/large",
            $path ], ["$url/v2/"]);
        says($refused, $status, $code, "$protocol: $status of a large $method");
        is($next->{status}, 200, 'a request after it');
        is($next->{connects}, 0, 'on the same connection')
            if $protocol eq '--http2-prior-knowledge';
    }
    ($answer) = curl($protocol, [$where]);
    is("$answer->{status} $answer->{header}{range}", '204 0-0', 'nothing changed');
}

# A request for h2c by Upgrade headers gets its usual answer, whatever it is.
my @upgrade = ('Connection' => 'Upgrade, HTTP2-Settings', 'Upgrade' => 'h2c',
    'HTTP2-Settings' => 'AAMAAABkAAQCAAAAAAIAAAAA');
my $where = $client->start_upload('upgraded');
my $own = OCI::Client->new($server);
my $res = $own->request(PATCH => $where, [@upgrade], 'some bytes');
ok($res->status == 202 || $res->status == 101, 'PATCH with Upgrade');
$own->close;
header_is($client->get($where), 'Range', '0-9', 'its bytes are there, once');

$server->stop;
done_testing;
