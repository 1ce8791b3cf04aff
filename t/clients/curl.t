# SPDX-License-Identifier: Apache-2.0

# curl over HTTP/2 without TLS (with prior knowledge, and by upgrade), and over
# HTTP/1.1 and 1.0: push, pull and delete.

use OCI::Clients;

my $curl = system_tool('curl');
plan(skip_all => 'curl does not support HTTP/2') if output_of($curl, '-V') !~ /HTTP2/;
my $registry = registry(modules => ['http2'], extra => 'Protocols h2c http/1.1');
my $dir = scratch();
spew("$dir/config", '{}');

# Send one request; returns the status, the headers and the HTTP version.  The
# body is written to a file.
sub ask {
    my ($protocol, @arguments) = @_;
    my $output = output_of($curl, '-sS', '-D', "$dir/head", '-o', "$dir/body",
        '-w', '%{http_version} %{http_code}', $protocol, @arguments);
    my ($version, $status) = split / /, $output;
    my %header = map { /^([\w-]+): (.*?)\r?$/ ? (lc $1, $2) : () }
        split /\n/, slurp("$dir/head");
    return ($status, \%header, $version);
}

# After an upgrade curl 7 fails with any server if more than 32 KiB of the
# response arrive at once.
my %size = ('--http2' => 20_000);
my %version = ('--http2-prior-knowledge' => '2', '--http2' => '2',
    '--http1.1' => '1.1', '--http1.0' => '1.1');
for my $protocol (sort keys %version) {
    (my $repo = "curl$protocol") =~ tr/./-/;
    my $base = $registry->url . "/v2/$repo";
    my $size = $size{$protocol} // 20_000_000;
    my $bytes = random_bytes(20_000) x ($size / 20_000);
    my $digest = digest_of($bytes);
    my $text = json_text(image_manifest('{}', [$bytes]));
    spew("$dir/blob", $bytes);
    spew("$dir/manifest", $text);

    my ($status, $header, $version) = ask($protocol, $registry->url . '/v2/');
    is("$version $status", "$version{$protocol} 200", "$protocol: base");

    for my $file (qw(blob config)) {
        my $of = digest_of(slurp("$dir/$file"));
        ($status, $header) = ask($protocol, '-X', 'POST', '-d', '',
            "$base/blobs/uploads/");
        is($status, 202, "$protocol: POST");
        my $where = with_query($header->{location}, "digest=$of");
        ($status) = ask($protocol, '-T', "$dir/$file",
            ($where =~ m{^/} ? $registry->url : '') . $where);
        is($status, 201, "$protocol: PUT of the $file");
    }
    ($status, $header) = ask($protocol, '-T', "$dir/manifest", '-H',
        'Content-Type: ' . IMAGE_MANIFEST, "$base/manifests/1");
    is($status, 201, "$protocol: PUT of the manifest");

    # A stream of unknown length: chunked, or without a length in HTTP/2.
    if ($protocol ne '--http1.0') {
        ($status, $header) = ask($protocol, '-X', 'POST', '-d', '',
            "$base/blobs/uploads/");
        my $where = $header->{location};
        $where = $registry->url . $where if $where =~ m{^/};
        ($status, $header) = ask($protocol, '-X', 'PATCH', '-H',
            'Content-Type: application/octet-stream', '-H',
            'Transfer-Encoding: chunked', '--data-binary', "\@$dir/blob",
            $where);
        is($status, 202, "$protocol: PATCH");
        is($header->{range}, '0-' . ($size - 1), "$protocol: all bytes");
    }

    ($status, $header) = ask($protocol, "$base/blobs/$digest");
    is($status, 200, "$protocol: GET");
    ok(slurp("$dir/body") eq $bytes, "$protocol: the same bytes");
    is($header->{'content-length'}, $size, "$protocol: its length");
    ($status) = ask($protocol, '-r', '1000-1999', "$base/blobs/$digest");
    is($status, 206, "$protocol: a range");
    ok(slurp("$dir/body") eq substr($bytes, 1000, 1000), "$protocol: of bytes");
    ($status, $header) = ask($protocol, '-I', "$base/blobs/$digest");
    is("$status $header->{'content-length'}", "200 $size",
        "$protocol: HEAD of a blob");
    ($status, $header) = ask($protocol, '-H', 'Accept: ' . IMAGE_MANIFEST,
        "$base/manifests/1");
    is(slurp("$dir/body"), $text, "$protocol: the same manifest");
    is($header->{'content-type'}, IMAGE_MANIFEST, "$protocol: its type");

    ($status) = ask($protocol, "$base/tags/list");
    is_deeply(JSON::PP::decode_json(slurp("$dir/body"))->{tags}, ['1'],
        "$protocol: tags");
    ($status) = ask($protocol, '-X', 'DELETE',
        "$base/manifests/" . digest_of($text));
    is($status, 202, "$protocol: DELETE");
    ($status, $header) = ask($protocol, "$base/manifests/1");
    is($status, 404, "$protocol: it does not exist");
    like(slurp("$dir/body"), qr/MANIFEST_UNKNOWN/, "$protocol: and said so");
}

$registry->stop;
done_testing;
