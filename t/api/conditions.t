# SPDX-License-Identifier: Apache-2.0

# ETag, If-None-Match and If-Match, on pulls and on changes of a tag.

use OCI::Test;

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $repo = 'conditions';
my $base = "/v2/$repo/manifests";
my $document = image_manifest('{}', ['layer']);
my @texts = map { json_text({ %$document, annotations => { version => "$_" } }) }
    0 .. 5;
my @digests = map { digest_of($_) } @texts;
my $blob = $client->push_blob($repo, 'layer');
$client->push_blob($repo, '{}');

sub put {
    my ($reference, $n, %header) = @_;
    return $client->put("$base/$reference", $texts[$n],
        'Content-Type' => IMAGE_MANIFEST, %header);
}

sub tag_is {
    my ($tag, $n, $name) = @_;
    my $res = $client->head("$base/$tag");
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($res->header('Docker-Content-Digest'),
        defined $n ? $digests[$n] : undef, $name);
}

put('tag', 0);
put('tag', 1);

# 304
my %etag = ("$base/tag" => $digests[1], "$base/$digests[0]" => $digests[0],
    "/v2/$repo/blobs/$blob" => $blob);
my $other = 'sha256:' . '0' x 64;
for my $path (sort keys %etag) {
    my $digest = $etag{$path};
    for my $list (qq("$digest"), $digest, qq(W/"$digest"), '*', ' * ',
        qq("$other", "$digest"), qq(W/"x" ,"$digest", "y"), qq("$other",$digest),
        qq(,,"$digest",)) {
        for my $method (qw(get head)) {
            my $res = $client->$method($path, 'If-None-Match' => $list);
            status_is($res, 304, "$method, If-None-Match: $list");
            is($res->body, '', 'no body');
            header_is($res, 'ETag', qq("$digest"));
            header_is($res, 'Docker-Content-Digest', $digest);
            header_is($res, 'Content-Type', undef);
        }
    }
    for my $list (qq("$other"), $other, '"*"', '', '""', substr($digest, 7),
        qq("$digest), qq("x$digest"), qq("$digest-gzip"), uc qq("$digest")) {
        for my $method (qw(get head)) {
            my $res = $client->$method($path, 'If-None-Match' => $list);
            status_is($res, 200, "$method, If-None-Match: $list");
            header_is($res, 'ETag', qq("$digest"));
        }
    }
    my $res = $client->request(GET => $path, [ 'If-None-Match' => qq("$other"),
        'If-None-Match' => qq("$digest") ]);
    status_is($res, 304, 'If-None-Match in two headers');
    $res = $client->get($path, 'If-None-Match' => qq("$digest"),
        Range => 'bytes=0-1');
    status_is($res, 304, 'If-None-Match is evaluated before Range');
    $res = $client->get($path,
        'If-Modified-Since' => 'Fri, 01 Jan 2100 00:00:00 GMT');
    status_is($res, 200, 'If-Modified-Since is ignored');
}
status_is($client->get("$base/tag", 'If-None-Match' => qq("$digests[0]")), 200,
    'never 304 for a tag that has moved');
error_is($client->get("$base/none", 'If-None-Match' => '*'), 404,
    'MANIFEST_UNKNOWN', undef, 'no 304 for a tag that does not exist');
error_is($client->get("/v2/$repo/blobs/$other", 'If-None-Match' => "*, $other"),
    404, 'BLOB_UNKNOWN', undef, 'no 304 for a blob that does not exist');

# 412 for a pull, and for a blob that is to be deleted
for my $path (sort keys %etag) {
    my $digest = $etag{$path};
    my $code = $path =~ /blobs/ ? 'DIGEST_INVALID' : 'MANIFEST_INVALID';
    for my $method (qw(get head), $path =~ /blobs/ ? 'delete' : ()) {
        for my $list (qq("$other"), qq(W/"$digest"), '', '"*"') {
            for my $range (undef, 'bytes=0-1') {
                error_is($client->$method($path, 'If-Match' => $list,
                    Range => $range), 412, $code, qr/If-Match/,
                    "$method, If-Match: $list");
            }
        }
    }
    for my $list (qq("$digest"), $digest, '*', qq("$other", "$digest")) {
        status_is($client->$_($path, 'If-Match' => $list), 200,
            "$_, If-Match: $list") for qw(get head);
        status_is($client->get($path, 'If-Match' => $list,
            'If-None-Match' => qq("$digest")), 304, 'and If-None-Match');
    }
}
for my $list ('*', qq("$blob"), qq(W/"$blob")) {
    error_is($client->delete("/v2/$repo/blobs/$blob", 'If-None-Match' => $list),
        412, 'DIGEST_INVALID', qr/If-None-Match/, "DELETE, If-None-Match: $list");
    error_is($client->delete("/v2/$repo/blobs/$other", 'If-None-Match' => $list),
        404, 'BLOB_UNKNOWN', undef, 'a blob that does not exist');
}
error_is($client->get("$base/tag", 'If-Match' => qq("$digests[0]")), 412,
    'MANIFEST_INVALID', undef, 'a tag that has moved');
error_is($client->get("$base/none", 'If-Match' => '*'), 404, 'MANIFEST_UNKNOWN');
status_is($client->get("/v2/$repo/blobs/$blob"), 200, 'the blob still exists');

# PUT by tag
sub refused { error_is($_[0], 412, 'MANIFEST_INVALID', qr/\Q$_[1]/, $_[2]) }
refused(put('tag', 2, 'If-Match' => qq("$digests[0]")), 'If-Match',
    'PUT, If-Match: a former digest');
refused(put('tag', 2, 'If-Match' => qq(W/"$digests[1]")), 'If-Match',
    'PUT, If-Match: weak');
refused(put('tag', 2, 'If-Match' => ''), 'If-Match', 'PUT, If-Match: empty');
refused(put('new', 2, 'If-Match' => '*'), 'If-Match',
    'PUT, If-Match: *, no such tag');
refused(put('new', 2, 'If-Match' => qq("$digests[1]")), 'If-Match',
    'PUT, If-Match, no such tag');
refused(put('tag', 2, 'If-None-Match' => '*'), 'If-None-Match',
    'PUT, If-None-Match: *');
refused(put('tag', 2, 'If-None-Match' => qq("$other", W/"$digests[1]")),
    'If-None-Match', 'PUT, If-None-Match: the current digest');
tag_is('tag', 1, 'the tag did not move');
tag_is('new', undef, 'no tag was created');
error_is($client->get("$base/$digests[2]"), 404, 'MANIFEST_UNKNOWN', undef,
    'no manifest was stored');
status_is(put('tag', 2, 'If-Match' => qq("$digests[1]")), 201,
    'PUT, If-Match: the current digest');
tag_is('tag', 2, 'the tag moved');
status_is(put('tag', 3, 'If-Match' => qq("$other", $digests[2])), 201,
    'in a list, unquoted');
status_is(put('tag', 4, 'If-Match' => '*'), 201, 'PUT, If-Match: *');
status_is(put('tag', 5, 'If-None-Match' => qq("$digests[0]")), 201,
    'PUT, If-None-Match: a former digest');
status_is(put('new', 0, 'If-None-Match' => '*'), 201,
    'PUT, If-None-Match: *, no such tag');
tag_is('new', 0, 'the tag was created');
refused(put('new', 1, 'If-None-Match' => '*'), 'If-None-Match', 'once');

# By digest
refused(put($digests[5], 5, 'If-None-Match' => '*'), 'If-None-Match',
    'PUT by digest of an existing manifest');
refused($client->delete("$base/$digests[5]", 'If-Match' => qq("$other")),
    'If-Match', 'DELETE by digest');

# DELETE by tag
refused($client->delete("$base/tag", 'If-Match' => qq("$digests[4]")),
    'If-Match', 'DELETE, If-Match: a former digest');
refused($client->delete("$base/tag", 'If-None-Match' => '*'), 'If-None-Match',
    'DELETE, If-None-Match: *');
tag_is('tag', 5, 'the tag still exists');
status_is($client->delete("$base/tag", 'If-Match' => qq("$digests[5]")), 202,
    'DELETE, If-Match: the current digest');
tag_is('tag', undef, 'the tag is deleted');
error_is($client->delete("$base/tag"), 404, 'MANIFEST_UNKNOWN');

# Each writer reads a number and writes the next one, on the condition that the
# tag has not changed: each success counts, so that no update is lost.
put('counter', 0);
my ($writers, $each) = (8, 12);
pipe my $in, my $out or die "pipe: $!";
my @pids;
for my $writer (1 .. $writers) {
    my $pid = fork // die "fork: $!";
    if ($pid) {
        push @pids, $pid;
        next;
    }
    my $own = OCI::Client->new($server);
    my ($done, $lost) = (0, 0);
    while ($done < $each) {
        my $res = $own->get("$base/counter");
        my $old = $res->json;
        my $count = ($old->{annotations}{count} // 0) + 1;
        my $text = json_text({ %$document, annotations => { count => "$count",
            by => "$writer" } });
        my $put = $own->put("$base/counter", $text, 'Content-Type' =>
            IMAGE_MANIFEST, 'If-Match' => $res->header('ETag'));
        $put->status == 201 ? $done++ : $put->status == 412 ? $lost++ : last;
    }
    syswrite $out, "$done\n";
    POSIX::_exit(0);
}
close $out;
waitpid $_, 0 for @pids;
is_deeply([ map { 0 + $_ } <$in> ], [ ($each) x $writers ],
    'all writers succeed');
is($client->get("$base/counter")->json->{annotations}{count}, $writers * $each,
    'no update is lost');

$server->stop;
done_testing;
