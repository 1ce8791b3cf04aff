# SPDX-License-Identifier: Apache-2.0

# ociadmin check: nothing is found in a healthy store; every kind of damage is
# found, named, and mended if that is possible; and what cannot be mended is all
# that a second check finds.

use OCI::Test;

use File::Path qw(make_path remove_tree);
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::Process;

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $base = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$base";
my $ABSENT = 'sha256:' . 'f' x 64;

# ---- checks

sub copy_store {
    my ($from, $to) = @_;
    remove_tree($to);
    system('cp', '-a', $from, $to) == 0 or die "cannot copy $from\n";
    return $to;
}

# Run check with --json.  Adds findings, the names of what was found, and
# totals.
sub examine {
    my ($stores, @options) = @_;
    my $run = ociadmin('check', '--json', '--quiet', @options, @$stores);
    my @lines = map { JSON::PP::decode_json($_) } split /\n/, $run->{out};
    $run->{totals} = pop @lines;
    $run->{lines} = \@lines;
    $run->{findings} = join ' ', sort map { $_->{finding} } @lines;
    $run->{mended} = join ' ', sort map { $_->{finding} }
        grep { $_->{mended} } @lines;
    return $run;
}

# One test: the exit status, and the names of what is found.
sub finds {
    my ($run, $findings, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = is("$run->{status}: $run->{findings}",
        ($findings ? 1 : 0) . ": $findings", $name);
    diag("$run->{err}$run->{out}") if !$ok || length $run->{err};
    return $ok;
}

# One test: a check of these stores finds nothing, even in the bytes.
sub is_whole {
    my ($name, @stores) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return finds(examine(\@stores, '--digests'), '', $name);
}

# ---- content of all kinds

my %made;    # names to digests

sub fill {
    my $client = shift;
    my %image = map { $_ => $client->push_image($_, 'v1') }
        qw(a a/b a-b a/0 z.y__x/w);
    $made{image} = $image{a}{digest};
    $made{text} = $image{a}{text};
    $made{config} = $image{a}{document}{config}{digest};
    $made{layer} = $image{a}{document}{layers}[0]{digest};
    $client->push_manifest('a', $_, $image{a}{text}) for qw(v2 latest);
    my @children = map { $client->push_image('multi', undef,
        config => "{\"os\":\"$_\"}", layers => ["layer $_"])->{text} } 1, 2;
    $made{child} = digest_of($children[1]);
    $made{leaf} = digest_of('layer 2');
    $made{index} = $client->push_manifest('multi', 'v1',
        image_index(\@children));
    $client->push_manifest('multi', 'nested', image_index(
        [ json_text(image_index(\@children)) ]));
    my $referrer = $client->push_image('a', undef, layers => ['sbom'],
        artifactType => 'application/x-sbom', annotations => { a => 'b' },
        subject => descriptor($image{a}{text}, IMAGE_MANIFEST));
    $made{referrer} = $referrer->{digest};
    $client->push_image('a', undef, layers => ['early'],
        subject => { mediaType => IMAGE_MANIFEST, size => 1,
            digest => $ABSENT });
    my $bytes = random_bytes(300_000, 'long');
    $client->push_blob('long', $bytes, 'sha512');
    my $config = $client->push_blob('long', '{}');
    $client->push_manifest('long', 'v1', { %{ image_manifest('{}') },
        layers => [ { mediaType => IMAGE_LAYER, size => 300_000,
            digest => digest_of($bytes, 'sha512') },
            { mediaType => 'application/vnd.docker.image.rootfs.foreign.diff'
                . '.tar.gzip', size => 5, digest => $ABSENT,
                urls => ['http://example.com/'] } ],
        mediaType => 'application/vnd.docker.distribution.manifest.v2+json' });
    $client->post("/v2/mounts/blobs/uploads/?mount=$made{layer}&from=a");
    $client->patch($client->start_upload('a'), 'the first bytes');
    $client->push_blob('garbage', 'no manifest names this');
    $client->push_image('gone', 'v1', layers => ['gone']);
    $client->delete("/v2/gone/manifests/v1");
    return;
}

# Start a server with this index, fill it, and stop it.  Returns the stores as
# ociadmin takes them.
sub make_store {
    my $index = shift;
    my $server = OCI::Server->start(index => $index, config => 'OCISync Off');
    my $client = OCI::Client->new($server);
    fill($client);
    gc($server, '--quiet');    # condemns
    my @stores = ('fs ' . $server->store,
        $server->{index}->argument($server->store));
    is_whole("$index: nothing is found while the server runs", @stores);
    return ($server, @stores);
}

my ($server, @stores) = make_store('fs');
my $run = examine(\@stores);
is(join(' ', map { $run->{totals}{$_} } qw(manifests tags damage leftovers)),
    '13 10 0 0', 'everything is counted');
my $text = ociadmin('check', @stores);
like($text->{out}, qr/\A\d+ repositories, 13 manifests, 10 tags and \d+ blobs /,
    'the totals as text');
like($text->{out}, qr/^0 findings: 0 of damage, 0 of harmless leftovers\n\z/m,
    'and the findings');
like(ociadmin('check', '--digests', @stores)->{out}, qr/^\d.* read$/m,
    'and the bytes');
copy_store($server->store, "$base/whole");
$server->stop;

# ---- damage

my $copy;    # the store that is damaged

sub fact_file { return "$copy/index/$_[0]" }

sub remove {
    unlink fact_file($_[0]) or die "$_[0]: $!\n";
    return;
}

sub blob_file {
    my ($algorithm, $hex) = split /:/, shift;
    return "$copy/blobs/$algorithm/" . substr($hex, 0, 2) . "/$hex";
}

sub overwrite {
    my ($path, $bytes) = @_;
    unlink $path;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $bytes;
    return close $file;
}

# The key of a holder.
sub holder {
    my ($digest, $name) = @_;
    return 'holder/' . substr($digest, 7, 2) . "/$digest,"
        . substr digest_of($name), 7, 32;
}

# The image a:v1, and what leads to it.
my @IMAGE = ('tag-broken') x 3;
my $OLD = '0' x 24;    # a stamp

# Each kind of damage: a name, what plants it, what is found, what is left after
# it was mended, and a line.
my @damage = (
    [ 'a tag that names no digest' => sub {
            set_fact($copy, 'repo/a/_tag/v1', 'nowhere') },
        'tag-invalid tagged-stale', 'tag-invalid',
        qr/^a:v1: the tag does not name a digest; pulls .* delete the tag/m ],
    [ 'a tag that names no manifest' => sub {
            set_fact($copy, 'repo/a/_tag/v9', $ABSENT);
            set_fact($copy, "repo/a/_tagged/$ABSENT/v9", '') },
        'tag-without-manifest', 'tag-without-manifest',
        qr/^a:v9: .* $ABSENT, which does not exist; .* push a:v9 again$/m ],
    [ 'a tag that its manifest does not know' => sub {
            remove("repo/a/_tagged/$made{image}/v1") },
        'tagged-missing', '',
        qr/^a:v1: it is not among the tags of $made{image}; .*--repair adds/m ],
    [ 'a manifest that knows a tag too many' => sub {
            set_fact($copy, "repo/a/_tagged/$made{image}/v7", '') },
        'tagged-stale', '', qr/^a:v7: it is among .* no user notices; --repair/m ],
    [ 'a manifest that is lost' => sub {
            remove("repo/a/_manifest/$made{image}") },
        join(' ', ('tag-without-manifest') x 3),
        join(' ', ('tag-without-manifest') x 3), qr/^a:latest: / ],
    [ 'a manifest with other bytes' => sub {
            set_fact($copy, "repo/a/_manifest/$made{image}",
                IMAGE_MANIFEST . "\n{ }") },
        join(' ', 'manifest-damaged', @IMAGE),
        join(' ', ('tag-without-manifest') x 3),
        qr/^a\@$made{image}: the bytes .* skips the repository; --repair/m ],
    [ 'a manifest of one line' => sub {
            set_fact($copy, "repo/a/_manifest/$made{referrer}", 'x') },
        'manifest-damaged', '', qr/^a\@$made{referrer}: / ],
    [ 'a child of an index that is damaged' => sub {
            set_fact($copy, "repo/multi/_manifest/$made{child}", "x\ny") },
        'content-missing manifest-damaged tag-broken tag-broken',
        'content-missing tag-broken tag-broken',
        qr/^multi:v1: .* $made{child}, which is damaged; .*manifests\/v1 and .*manifests\/$made{child}, then push multi:v1 again$/m ],
    [ 'a wrong media type' => sub {
            my $file = fact_file("repo/a/_manifest/$made{image}");
            overwrite($file, OCI::Server::slurp($file)
                =~ s/\A[^\t\n]*/text\/plain/r) },
        'media-type-wrong', '', qr/^a\@.* 'text\/plain' instead of '.*\+json';/m ],
    [ 'a document that is not valid' => sub {
            my $document = '{"schemaVersion":2}';
            set_fact($copy, 'repo/a/_manifest/' . digest_of($document),
                IMAGE_MANIFEST . "\n$document") },
        'manifest-invalid', 'manifest-invalid', qr/^a\@.*delete the manifest/m ],
    [ 'an entry of a blob that is lost' => sub {
            remove("repo/a/_blob/$made{layer}") },
        join(' ', 'content-missing', @IMAGE), '',
        qr/^a\@$made{image}: the manifest names $made{layer}, and the repository does not hold it; .*--repair adds it/m ],
    [ 'a blob that is not held at all' => sub {
            remove("repo/a/_blob/$made{layer}");
            remove(holder($made{layer}, 'a')) },
        join(' ', 'content-missing', @IMAGE),
        join(' ', 'content-missing', @IMAGE),
        qr{^a:v2: .*; to bring it back, curl -X DELETE https://HOST/v2/a/manifests/v2, then push a:v2 again$}m ],
    [ 'a damaged entry of a blob' => sub {
            set_fact($copy, "repo/a/_blob/$made{layer}", 'x') },
        join(' ', 'content-missing', 'held-invalid', @IMAGE), '',
        qr/^a\@$made{layer}: the repository's entry .* is damaged; pulls/m ],
    [ 'a condemned blob that a manifest names' => sub {
            set_fact($copy, "repo/a/_blob/$made{layer}", ';1') },
        'held-condemned', '', qr/^a\@$made{layer}: .* has condemned the blob, which the manifest $made{image}/m ],
    [ 'a holder that is not listed' => sub {
            remove(holder($made{layer}, 'a')) },
        'holder-missing', '', qr/^a\@$made{layer}: .*could delete the blob; --repair adds/m ],
    [ 'a holder with another name' => sub {
            set_fact($copy, holder($made{layer}, 'a'), 'other') },
        'holder-missing key-foreign', '', qr/^a\@$made{layer}: .*is damaged/m ],
    [ 'a holder that does not hold' => sub {
            set_fact($copy, holder($made{layer}, 'other'), 'other') },
        'holder-stale', '', qr/^other\@$made{layer}: /m ],
    [ 'a record that cannot be parsed' => sub {
            set_fact($copy, "blob/$made{layer}", 'x') },
        join(' ', 'content-missing', 'record-invalid', @IMAGE), '',
        qr/^$made{layer}: its record cannot be parsed \(a blob of .*a.*\); .*; --repair corrects it$/m ],
    [ 'a record with a wrong size' => sub {
            my $value = OCI::Server::fact(fact_file("blob/$made{layer}"));
            set_fact($copy, "blob/$made{layer}", $value =~ s/^\d+/3/r) },
        join(' ', 'content-missing', 'record-invalid', @IMAGE), '',
        qr/^$made{layer}: .* bytes instead of 3 \(a blob of/m ],
    [ 'a record that leads out' => sub {
            set_fact($copy, "blob/$made{layer}", '10;../../../etc/hostname') },
        join(' ', 'content-missing', 'record-invalid', @IMAGE), '',
        qr/^a:v1: .* its bytes are missing .*; --repair restores the blob$/m ],
    [ 'a record that is lost' => sub { remove("blob/$made{layer}") },
        join(' ', 'content-missing', 'record-missing', @IMAGE), '',
        qr/^$made{layer}: the bytes at .* have no record, but the blob is held/m ],
    [ 'a record whose blob nobody holds' => sub {
            my $digest = digest_of('abandoned');
            make_path(blob_file($digest) =~ s{/[^/]*\z}{}r);
            overwrite(blob_file($digest), 'abandoned');
            set_fact($copy, "blob/$digest", '9;blobs/sha256/'
                . substr($digest, 7, 2) . '/' . substr $digest, 7) },
        'record-unheld', '', qr/: no repository holds the blob; it wastes/ ],
    [ 'bytes that are lost' => sub { unlink blob_file($made{layer}) or die },
        join(' ', 'bytes-lost', 'content-missing', @IMAGE),
        join(' ', 'content-missing', @IMAGE),
        qr/^$made{layer}: .* is missing or cannot be read \(a blob of (?:a,mounts|mounts,a)\); pulls of the blob fail; --repair removes/m ],
    [ 'bytes that are cut short' => sub {
            truncate blob_file($made{config}), 1 or die },
        undef, undef, qr/^$made{config}: .* has 1 bytes instead of 2 /m ],
    [ 'bytes without record and holder' => sub {
            my $digest = digest_of('abandoned');
            make_path(blob_file($digest) =~ s{/[^/]*\z}{}r);
            overwrite(blob_file($digest), 'abandoned') },
        'bytes-unrecorded', 'bytes-unrecorded',
        qr/ have no record; they waste space; the next complete garbage/ ],
    [ 'a repository that is not listed' => sub { remove('catalog/a!') },
        'catalog-missing', '', qr/^a: the catalog does not list .*--repair adds/m ],
    [ 'an empty repository' => sub { set_fact($copy, 'catalog/empty!', '') },
        'catalog-stale', '', qr/^empty: the catalog lists/m ],
    [ 'a referrer that is not listed' => sub {
            remove("repo/a/_referrer/$made{image}/$made{referrer}") },
        'referrer-missing', '',
        qr/^a\@$made{referrer}: it is not among the referrers of $made{image};/m ],
    [ 'a referrer with a wrong descriptor' => sub {
            set_fact($copy, "repo/a/_referrer/$made{image}/$made{referrer}",
                "x\n{}") },
        'referrer-wrong', '', qr/^a\@$made{referrer}: .* is wrong;/m ],
    [ 'a referrer that is not there' => sub {
            set_fact($copy, "repo/a/_referrer/$made{image}/$ABSENT", "x\n{}") },
        'referrer-stale', '', qr/^a\@$ABSENT: .* but does not exist;/m ],
    [ 'a referrer of another subject' => sub {
            set_fact($copy, "repo/a/_referrer/$made{image}/$made{image}",
                "x\n{}") },
        'referrer-stale', '', qr/^a\@$made{image}: .* has another subject;/m ],
    [ 'the mark of an old push' => sub {
            set_fact($copy, "repo/a/_pending/$OLD", '') },
        'pending-stale', '', qr{^repo/a/_pending/$OLD: a push that did not}m ],
    [ 'an upload with a damaged record' => sub {
            my ($file) = glob "$copy/index/upload/*/*";
            overwrite($file, 'x') },
        'upload-invalid', '', qr{^upload/\d+/\w+-\w+: .*--repair ends it$}m ],
    [ 'a damaged secret' => sub { set_fact($copy, 'secret', 'x') },
        'value-invalid', '', qr/^secret: the value is damaged/m ],
    [ 'a damaged queue' => sub { set_fact($copy, 'review/a!', 'x') },
        'value-invalid', '', qr{^review/a!: the value is damaged}m ],
    [ 'a damaged note of a copy' => sub {
            set_fact($copy, 'moving', 'a;b');
            set_fact($copy, "moved/$made{layer}", 'x') },
        'value-invalid', '', qr{^moved/$made{layer}: the value is damaged}m ],
    [ 'keys of somebody else' => sub {
            set_fact($copy, $_, 'x') for qw(other new/thing repo/a/_new/x
                blob/sha256:12 repo/a/_manifest/x repo/a/_tag/-
                repo/a/_referrer/x/y holder/ab/x catalog/A! orphan/x
                review/x upload/1/x repo/A/_tag/x repo/x moved/x) },
        join(' ', ('key-foreign') x 15), join(' ', ('key-foreign') x 15),
        qr{^repo/a/_new/x: this is not a fact of a registry; .* by hand$}m ],
);

for my $case (@damage) {
    my ($name, $plant, $found, $left, $line) = @$case;
    subtest $name => sub {
        $copy = copy_store("$base/whole", "$base/damaged");
        $plant->();
        give_to_httpd($copy);
        my $text = ociadmin('check', '--quiet', "fs $copy")->{out};
        like($text, $line, 'a line says so');
        my $run = examine(["fs $copy"]);
        finds($run, $found, 'it is found') if defined $found;
        my $mending = examine(["fs $copy"], '--repair');
        is($mending->{status}, 1, 'check --repair says that something was found');
        my $after = examine(["fs $copy"], '--digests');
        finds($after, $left, 'what cannot be mended is left') if defined $left;
        my %named = map { $_ => 1 } map { "$_->{finding} " . ($_->{tag} // '')
            . ($_->{digest} // $_->{key} // '') } @{ $mending->{lines} };
        is(join(' ', grep { !$named{$_} } map { "$_->{finding} "
            . ($_->{tag} // '') . ($_->{digest} // $_->{key} // '') }
            @{ $after->{lines} }), '', 'and was named');
        is($after->{totals}{mended}, 0, 'a check mends nothing');
    };
}

# ---- wrong bytes, and how all of it is brought back

# Wrong bytes of the right number: only --digests finds them.
sub spoil {
    my $digest = shift;
    my $file = blob_file($digest);
    overwrite($file, 'x' x -s $file);
    return give_to_httpd($copy);
}

subtest 'bytes that are wrong' => sub {
    $copy = copy_store("$base/whole", "$base/damaged");
    spoil($made{leaf});
    spoil($made{layer});
    my @stores = ("fs $copy");
    finds(examine(\@stores), '', 'without --digests they are not read');
    my $text = ociadmin('check', '--quiet', '--digests', @stores)->{out};
    like($text, qr/^$made{layer}: the bytes of \S+ have another digest \(a blob of (?:a,mounts|mounts,a)\); clients refuse the blob; --repair deletes/m,
        'a line names the digest and the repositories');
    like($text, qr/^$_: the tag leads to \S+, which names sha\S+, and its bytes are wrong; .* bring it back/m,
        "a line names the tag $_")
        for qw(a:v1 a:v2 a:latest multi:v1 multi:nested);
    my $found = join ' ', ('bytes-wrong') x 2, ('content-missing') x 2,
        ('tag-broken') x 5;
    finds(examine(\@stores, '--digests'), $found, 'they are found');
    my $run = examine(\@stores, '--digests', '--repair');
    is($run->{mended}, 'bytes-wrong bytes-wrong', 'and mended');
    ok(!-e blob_file($made{layer}), 'the bytes are gone');
    finds(examine(\@stores), join(' ', ('content-missing') x 2,
        ('tag-broken') x 5), 'what cannot be mended is found again');

    my $server = OCI::Server->start(store => $copy);
    my $client = OCI::Client->new($server);
    status_is($client->head("/v2/$_"), 404, "$_ is not served")
        for "a/blobs/$made{layer}", "mounts/blobs/$made{layer}";
    $client->push_blob('a', 'layer of a');
    $client->push_blob('multi', 'layer 2');
    finds(examine(\@stores, '--digests'), '', 'the next push restores all');
    is($client->get("/v2/multi/blobs/$made{leaf}")->body, 'layer 2',
        'and it is served');
    $server->stop;
};

# The index is any: the damage is in the bytes.
for my $index (qw(dbm:gdbm dbm:db dbd:sqlite3 dbd:pgsql dbd:mysql)) {
    subtest "the index $index" => sub {
        plan(skip_all => "there is no $1 server")
            if $index =~ /(pgsql|mysql)/ && !OCI::Database->start($1);
        my ($server, @stores) = make_store($index);
        $copy = $server->store;
        unlink blob_file($made{layer}) or die;
        spoil($made{leaf});
        my $run = examine(\@stores, '--digests', '--repair');
        finds($run, join(' ', 'bytes-lost', 'bytes-wrong',
            ('content-missing') x 2, ('tag-broken') x 5), 'it is found');
        is($run->{mended}, 'bytes-lost bytes-wrong', 'and mended');
        finds(examine(\@stores), join(' ', ('content-missing') x 2,
            ('tag-broken') x 5), 'the rest is found again');
        my $client = OCI::Client->new($server);
        $client->push_blob('a', 'layer of a');
        $client->push_blob('multi', 'layer 2');
        is_whole('a push restores all', @stores);
        $server->stop;
    };
}

# ---- marks, sparse content, and what cannot be checked

subtest 'marks of manifests that are gone' => sub {
    $copy = copy_store("$base/whole", "$base/damaged");
    set_fact($copy, "repo/a/_$_/$ABSENT", 1) for qw(pulled untagged);
    give_to_httpd($copy);
    finds(examine(["fs $copy"]), '', 'they are not reported');
    my $run = examine(["fs $copy"], '--repair');
    finds($run, '', 'nor when they are removed');
    is($run->{totals}{marks}, 2, 'but counted');
    is(examine(["fs $copy"], '--repair')->{totals}{marks}, 0, 'they are gone');
};

subtest 'content that OCISparse allows to be absent' => sub {
    my $server = OCI::Server->start(config => 'OCISparse All');
    my $client = OCI::Client->new($server);
    my $image = json_text(image_manifest('{}', ['nobody has this']));
    $client->push_blob('sparse', '{}');
    $client->push_manifest('sparse', 'image', $image);
    $client->push_manifest('sparse', 'index', image_index(
        [ json_text(image_manifest('absent')) ]));
    my @stores = ('fs ' . $server->store,
        $server->{index}->argument($server->store));
    finds(examine(\@stores), join(' ', ('content-missing') x 2,
        ('tag-broken') x 2), 'without the option it is missing');
    finds(examine(\@stores, '--sparse', 'Index'), 'content-missing tag-broken',
        'an index may lack a manifest');
    finds(examine(\@stores, '--sparse', 'all'), '', 'an image may lack a blob');
    $client->push_blob('other', 'nobody has this');
    my $run = examine(\@stores, '--repair');
    is($run->{mended}, '', 'no repository gets the blob of another one');
    error_is($client->get('/v2/sparse/blobs/' . digest_of('nobody has this')),
        404, 'BLOB_UNKNOWN');
    $server->stop;
};

for my $wrong (
    [ 2, qr/check takes a blob store/ ],
    [ 2, qr/check takes a blob store/, 'fs /a', 'fs /b', 'fs /c' ],
    [ 2, qr/cannot use the option '--force': check expects/, '--force', 'fs /' ],
    [ 2, qr/--sparse: 'x' is not None, Index or All/, '--sparse', 'x', 'fs /' ],
    [ 2, qr/unknown provider/, '/a' ],
    [ 1, qr/is not a blob store that a registry has used/, "fs $base" ],
) {
    my ($status, $sentence, @words) = @$wrong;
    my $run = ociadmin('check', @words);
    is($run->{status}, $status, "check @words: status");
    like($run->{err}, $sentence, "check @words: message");
}

subtest 'what cannot be examined' => sub {
    $copy = copy_store("$base/whole", "$base/damaged");
    my $tag = fact_file('repo/a/_tag/v1');
    unlink $tag;
    mkdir $tag or die;
    overwrite("$tag/x", 'x');
    give_to_httpd($copy);
    finds(examine(["fs $copy"]), 'key-foreign tagged-stale',
        'a fact that is a directory');
    overwrite("$copy/index/.version", "mod_oci index 9\n");
    like(ociadmin('check', "fs $copy")->{err}, qr/newer/, 'a newer index');
    $copy = copy_store("$base/whole", "$base/damaged");
    set_fact($copy, 'store', 'f' x 32);
    my $run = ociadmin('check', "fs $copy");
    is($run->{status}, 1, 'an index of another blob store: status');
    is($run->{out}, '', 'and nothing is reported');
};

# Reading a blob of 256 GiB takes minutes.
subtest 'an interruption' => sub {
    $copy = copy_store("$base/whole", "$base/damaged");
    my $size = 1 << 38;
    my $value = OCI::Server::fact(fact_file("blob/$made{layer}"));
    set_fact($copy, "blob/$made{layer}", $value =~ s/^\d+/$size/r);
    truncate blob_file($made{layer}), $size or die "truncate: $!\n";
    give_to_httpd($copy);
    my $run = OCI::Process->start(output => "$base/out",
        command => [ tool(), 'check', '--digests', "fs $copy" ]);
    $run->wait_for(sub { (() = glob '/proc/' . $run->pid . '/task/*') > 1 });
    ok($run->alive, 'it reads');
    $run->signal('INT');
    $run->wait_for(sub { 0 }, 60);
    is($run->{status} >> 8, 1, 'the exit status');
    is(OCI::Server::slurp("$base/out"),
        "ociadmin: interrupted; the check is not complete\n", 'the message');
};

done_testing;
