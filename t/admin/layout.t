# SPDX-License-Identifier: Apache-2.0

# ociadmin export, and import of what it wrote: image layouts in both forms,
# with tags, referrers, indexes and several repositories.
# t/admin/layout_bad.t has bad layouts, t/admin/layout_clients.t other programs.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Layout;

# The commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

umask 022;
my $dir = File::Temp->newdir('mod_oci-layout-XXXXXX', TMPDIR => 1);
chmod 0755, "$dir";
my @ACCEPT = (Accept => join ', ', IMAGE_MANIFEST, IMAGE_INDEX);
my ($from, $to) = map { OCI::Server->start(config => "OCISparse Index\n"
        . 'OCIGCInterval 0') } 1, 2;
my ($source, $target) = map { OCI::Client->new($_, headers => \@ACCEPT) }
    $from, $to;
status_is($target->get('/v2/'), 200);

sub export { return report_of($from, 'export', @_) }
sub import_from { return report_of($to, 'import', @_) }

# One test: the message of a command that fails.
sub refuses {
    my ($status, $sentence, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return run_is(report_of($from, @words), $status, $sentence, "@words");
}

# One test: a manifest and its blobs are the same in both registries.
sub same_ok {
    my ($old, $new) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($one, $other) = ($source->get("/v2/$old"), $target->get("/v2/$new"));
    my @wrong = $one->body ne $other->body || $one->status != 200
        || $one->header('Content-Type') ne $other->header('Content-Type')
        ? $other->text : ();
    for my $blob (grep { $_ } map { ($_->{config}, @{ $_->{layers} // [] }) }
        $one->json) {
        my $path = $new =~ s{/manifests/.*}{/blobs/$blob->{digest}}r;
        my $body = $target->get("/v2/$path")->body;
        push @wrong, $path if $blob->{digest}
            ne digest_of($body, $blob->{digest} =~ s/:.*//r);
    }
    return ok(!@wrong, "$new is the same") || diag("@wrong");
}

# ---- what is exported

my $repo = 'team/app';
my %image = map { $_ => $source->push_image($repo, $_,
    layers => [ 'shared', "layer $_" x 1000 ]) } 'v1', 'v2';
my $bare = $source->push_image($repo, undef, annotations => { a => 'bare' });
my $index = json_text(image_index([ map { $_->{text} } $image{v1}, $bare ]));
$source->push_manifest($repo, 'all', $index);
$source->push_manifest($repo, 'again', $image{v1}{text});
my $signed = $source->push_image($repo, undef, annotations => { is => 'signed' },
    subject => descriptor($index, IMAGE_INDEX), artifactType => 'a/sbom');
my $countersigned = $source->push_image($repo, undef,
    annotations => { is => 'countersigned' },
    subject => descriptor($signed->{text}, IMAGE_MANIFEST));
my %digest = ((map { $_ => $image{$_}{digest} } keys %image),
    again => $image{v1}{digest}, all => digest_of($index));
my @referrers = map { $_->{digest} } $signed, $countersigned;
my @blobs = map { digest_of($_) } '{}', 'shared', 'layer v1' x 1000,
    'layer v2' x 1000, "layer of $repo";

for my $path ("$dir/all", "$dir/all.tar") {
    my $run = export($repo, $path);
    run_is($run, 0, qr/\A\z/, "export to $path", tags => 4, manifests => 6,
        blobs => 5, absent => 0);
    my $files = read_layout($path);
    is_deeply([ names_of($files) ], [ sort @referrers,
            map { "$_ $digest{$_}" } keys %digest ], 'the names in index.json');
    is_deeply([ sort keys %$files ], [ sort 'oci-layout', 'index.json',
            map { blob_path($_) } @blobs, @referrers, digest_of($index),
            map { $_->{digest} } values %image, $bare ], 'the files');
    is(join(' ', grep { m{/} && $_ ne blob_path(digest_of($files->{$_})) }
            keys %$files), '', 'each has its digest');
    my $into = $path =~ /tar/ ? 'copies/tar' : 'copies/dir';
    run_is(import_from($path, $into), 0, qr/\A\z/, 'import', repositories => 1,
        tags => 4, manifests => 6, skipped => 0);
    same_ok("$repo/manifests/$_", "$into/manifests/$_") for sort keys %digest,
        $bare->{digest}, @referrers;
    for my $pair ([ digest_of($index), $signed ],
        [ $signed->{digest}, $countersigned ]) {
        is_deeply([ map { $_->{digest} } @{ $target->get(
            "/v2/$into/referrers/$pair->[0]")->json->{manifests} } ],
            [ $pair->[1]{digest} ], 'the referrer is listed');
    }
    run_is(import_from($path, $into), 0, qr/\A\z/, 'a second import',
        tags => 0, manifests => 0, blobs => 0, skipped => 0, kept => 0);
    run_is(report_of($to, 'export', $into, $path =~ s/all/back/r), 0, qr/\A\z/,
        'export it again');
    is_deeply(read_layout($path =~ s/all/back/r), $files, 'the same layout');
}
is(OCI::Server::slurp("$dir/all.tar"), OCI::Server::slurp("$dir/back.tar"),
    'the same archive');
is(join(' ', map { sprintf '%04o', 07777 & (stat "$dir/$_")[2] } 'all',
        'all/index.json', 'all.tar'), '0755 0644 0644', 'the modes');
is((stat "$dir/$_")[4], $>, "$_ belongs to the caller") for 'all', 'all/blobs',
    'all/oci-layout', 'all.tar';
is(join(' ', map { s{.*/}{}r } grep { !/\.tar\z|(?:all|back)\z/ } glob "$dir/*"),
    '', 'no other file is left');
gc($to, '--grace', 0);
same_ok("$repo/manifests/$_", "copies/dir/manifests/$_") for sort keys %digest;

# One tag, one digest, and an empty directory.
mkdir "$dir/one";
run_is(export("$repo:v1", "$repo:v1", "$dir/one"), 0, qr/\A\z/, 'one tag',
    tags => 1, manifests => 1, blobs => 3);
is_deeply([ names_of(read_layout("$dir/one")) ], ["v1 $digest{v1}"], 'its name');
run_is(export("$repo\@$bare->{digest}", "$dir/bare/"), 0, qr/\A\z/, 'a digest',
    tags => 0, manifests => 1, blobs => 2);
is_deeply([ names_of(read_layout("$dir/bare")) ], [ $bare->{digest} ],
    'has no name');
run_is(import_from("$dir/bare", 'bare'), 0,
    qr/^ociadmin: bare, manifest $bare->{digest}: the layout gives it no tag; to/,
    'an image without a tag', manifests => 1, tags => 0);
run_is(import_from("$dir/bare", 'bare:named'), 0, qr/\A\z/, 'a tag for it',
    manifests => 0, tags => 1);
same_ok("$repo/manifests/$bare->{digest}", 'bare/manifests/named');
run_is(import_from("$dir/one.tar", 'one'), 1, qr/cannot read \S+one.tar: No such/,
    'a file that does not exist');
run_is(import_from("$dir/all", 'one:two'), 1,
    qr/^ociadmin: the layout has several images, which one tag cannot name/,
    'one tag for several images');
run_is(import_from("$dir/one"), 1, qr/^ociadmin: the layout does not say to whic/,
    'a layout without a repository');
is($target->get('/v2/one/tags/list')->status, 404, 'nothing was imported');

# The referrers of a single image come along, and do not take its tag.
run_is(export("$repo:all", "$dir/signed.tar"), 0, qr/\A\z/, 'a signed index',
    tags => 1, manifests => 5);
run_is(import_from("$dir/signed.tar", 'signed:new'), 0, qr/\A\z/,
    'under another tag', tags => 1, manifests => 5);
same_ok("$repo/manifests/all", 'signed/manifests/new');

run_is(export("$repo\@$signed->{digest}", "$dir/referrer"), 0, qr/\A\z/,
    'a referrer', manifests => 2);
run_is(import_from("$dir/referrer", 'referrer:new'), 1, qr/has several images/,
    'two referrers under one tag');
run_is(export("$repo\@$countersigned->{digest}", "$dir/last"), 0, qr/\A\z/,
    'the last referrer', manifests => 1);
run_is(import_from("$dir/last", 'referrer:new'), 0, qr/\A\z/, 'under a tag');

# Several repositories; one whose name looks like that of a host.
$source->push_image('host.example/app', 'v1');
my @several = ($repo, 'host.example/app:v1');
run_is(export(@several, "$dir/several.tar"), 0, qr/\A\z/, 'several repositories',
    tags => 5, manifests => 7);
is_deeply([ grep { /^(?:local|.*@)/ } names_of(read_layout("$dir/several.tar")) ],
    [ sort 'localhost/host.example/app:v1 '
        . digest_of($source->get('/v2/host.example/app/manifests/v1')->body),
        map { "$repo\@$_ $_" } @referrers ], 'their names');
run_is(import_from("$dir/several.tar"), 0, qr/\A\z/, 'import all of them',
    repositories => 2, tags => 5);
same_ok("$repo/manifests/$_", "$repo/manifests/$_") for sort keys %digest;
same_ok(("host.example/app/manifests/v1") x 2);
run_is(import_from("$dir/several.tar", 'into/one'), 1,
    qr/^ociadmin: the layout gives the tag v1 of into\/one to two manifests, /,
    'into one repository');

# A manifest whose media type is only said by its push.
my %bare = %{ image_manifest('{}', ['untyped']) };
delete $bare{mediaType};
$source->push_blob('untyped', $_) for '{}', 'untyped';
my $untyped = json_text(\%bare);
my $docker = 'application/vnd.docker.distribution.manifest.v2+json';
$source->push_manifest('untyped', 'image', $untyped, $docker);
$source->push_manifest('untyped', 'index', image_index([], manifests => [
    descriptor($untyped, $docker) ]));
for my $tag ('image', 'index') {
    run_is(export("untyped:$tag", "$dir/untyped-$tag"), 0, qr/\A\z/, "the $tag");
    run_is(import_from("$dir/untyped-$tag", "untyped-$tag"), 0, qr/\A\z/,
        'is imported');
    same_ok("untyped/manifests/image", "untyped-$tag/manifests/"
        . digest_of($untyped));
}

# Digests of SHA-512.
my $wide = json_text(image_manifest('{}', [], layers => [
    { mediaType => IMAGE_LAYER, digest => $source->push_blob('wide', 'wide',
        'sha512'), size => 4 } ]));
$source->push_blob('wide', '{}');
my $long = digest_of($wide, 'sha512');
status_is($source->put("/v2/wide/manifests/$long?tag=t", $wide,
    'Content-Type' => IMAGE_MANIFEST), 201);
for my $path ("$dir/wide", "$dir/wide.tar") {
    run_is(export('wide', $path), 0, qr/\A\z/, 'SHA-512', manifests => 1);
    my $into = $path =~ /tar/ ? 'wide/tar' : 'wide/dir';
    run_is(import_from($path, $into), 0, qr/\A\z/, 'is imported', tags => 1);
    same_ok('wide/manifests/t', "$into/manifests/t");
    is($target->get("/v2/$into/manifests/t")->header('Docker-Content-Digest'),
        $long, 'with its digest');
}

# An index of what has no type of a manifest: it is one if its bytes are one.
my $own = json_text(image_manifest('{}', ['own layer'],
    mediaType => 'application/vnd.example.manifest.v1+json'));
my $other = json_text(image_manifest('{}', ['other layer']));
my $cache = '{"layers":[{"blob":"sha256:ab"}],"records":[]}';
$source->push_blob('mixed', $_)
    for '{}', 'own layer', 'other layer', 'bytes', $cache;
$source->push_manifest('mixed', undef, $_) for $own, $other;
$source->push_manifest('mixed', 'index', image_index([], manifests => [
    descriptor($own, 'application/vnd.example.manifest.v1+json'),
    descriptor($other, IMAGE_MANIFEST =~ s/manifest/Manifest/r),
    descriptor('bytes', IMAGE_LAYER),
    descriptor($cache, 'application/vnd.buildkit.cacheconfig.v0') ]));
for my $path ("$dir/mixed", "$dir/mixed.tar") {
    my $into = $path =~ /tar/ ? 'mixed/tar' : 'mixed/dir';
    run_is(export('mixed', $path), 0, qr/\A\z/, 'an index of anything',
        manifests => 3, blobs => 5);
    run_is(import_from($path, $into), 0, qr/\A\z/, 'is imported', tags => 1,
        manifests => 3);
    same_ok("mixed/manifests/$_", "$into/manifests/$_")
        for 'index', digest_of($own), digest_of($other);
    is($target->get("/v2/$into/blobs/" . digest_of($_))->body, $_, 'a blob in it')
        for 'bytes', $cache;
}

# An index that lacks a manifest.
my $absent = json_text(image_manifest('{}', ['absent']));
my $sparse = json_text(image_index([ $image{v1}{text}, $absent ]));
$source->push_image('sparse', 'v1', layers => [ 'shared', 'layer v1' x 1000 ]);
$source->push_manifest('sparse', 'index', $sparse);
my $lacks = digest_of($absent);
run_is(export('sparse:index', "$dir/sparse"), 0,
    qr/^ociadmin: incomplete: sparse, manifest $lacks: left out, because/,
    'an index that lacks a manifest', absent => 1, manifests => 2);
run_is(import_from("$dir/sparse", 'sparse'), 1,
    qr/^ociadmin: skipped: sparse, manifest $lacks: it is missing: neither the l/,
    'is not imported', tags => 0, manifests => 0, blobs => 0);
is($target->get('/v2/sparse/tags/list')->status, 404, 'nothing of it');
run_is(import_from('--sparse', "$dir/sparse", 'sparse'), 0,
    qr/^ociadmin: incomplete: sparse, manifest \S+: imported without the manifest/,
    'unless that is asked for', tags => 1, manifests => 2, skipped => 0);
same_ok('sparse/manifests/index', 'sparse/manifests/index');
$source->push_image('sparse', 'later', layers => ['absent']);
run_is(export('sparse:later', "$dir/later"), 0, qr/\A\z/, 'the absent one');
run_is(import_from("$dir/later", 'sparse'), 0, qr/\A\z/, 'is imported');
run_is(import_from("$dir/sparse", 'sparse'), 0, qr/\A\z/,
    'and then the index, as the repository has what the layout lacks');

# Tags move, and a line says from where.
my $moved = $target->push_image('copies/dir', 'v1', annotations => { is => 'new' });
run_is(import_from("$dir/one", 'copies/dir'), 0,
    qr/\Aociadmin: copies\/dir, tag v1: moved from $moved->{digest}\n\z/,
    'a tag moves', tags => 1);
same_ok("$repo/manifests/v1", 'copies/dir/manifests/v1');

# The report for people.
my $run = ociadmin('export', "$repo:v1", "$dir/people", store_options($from));
like("$run->{status}$run->{err}$run->{out}",
    qr/\A01 tag, 1 manifest and 3 blobs exported in [\d.]+ s, \d+ bytes\n\z/,
    'the report');
is(report_of($from, $_, '--help')->{status}, 0, "$_ --help")
    for 'export', 'import';

# ---- what is refused

refuses(2, qr/export expects one or more images, such as/, 'export', $_)
    for $repo, "$dir/x";
refuses(2, qr/is not a valid repository name/, 'export', 'A', "$dir/x");
refuses(2, qr/cannot use the option '--all'/, 'export', '--all', 'a', "$dir/x");
refuses(2, qr{'\Q$_\E' has a host or a protocol: write only the repository and},
    'export', $_, "$dir/x")
    for 'localhost:5000/a/b:v1', 'docker://h/a', 'h:5000/a@' . digest_of('');
refuses(1, qr/\Q$_\E is not written: archives are not compressed, and/, 'export',
    $repo, "$dir/$_")
    for 'x.tar.gz', 'x.tgz';
refuses(1, qr/there is no repository none$/, 'export', $_, "$dir/x")
    for 'none', 'none:v1', 'none@' . digest_of('');
refuses(1, qr/the repository $repo has no manifest v3$/, 'export', "$repo:v3",
    "$dir/x");
refuses(1, qr/the repository blobs has no tags: name a manifest/, 'export',
    'blobs', "$dir/x") if $source->push_blob('blobs', 'a blob');
refuses(1, qr/one exists, and is not an empty directory: write to a new/, 'export',
    $repo, "$dir/one");
refuses(1, qr/all.tar exists: remove it first/, 'export', $repo, "$dir/all.tar");
refuses(1, qr/cannot write \S+: No such file or directory/, 'export', $repo, $_)
    for "$dir/no/x", "$dir/no/x.tar";
refuses(2, qr/import expects an image layout, DIR or FILE.tar, and perhaps/,
    'import', @$_) for [], [ "$dir/one", 'a', 'b' ];
refuses(2, qr/import expects a name without a digest/, 'import', "$dir/one",
    'a@' . digest_of(''));
refuses(2, qr/--sparse is for an image layout/, 'import', '--sparse',
    '--from-registry', "$dir");
ok(!-e "$dir/x", 'nothing was written');

# Facts about referrers that do not exist.
SKIP: {
    skip('the facts are files', 4) if $from->index ne 'fs';
    my $one = $source->push_image('dangling', 'v1')->{digest};
    my $none = digest_of('none');
    set_fact($from->store, "repo/dangling/_referrer/$one/$_", "a\n{}")
        for $none, 'sha256:x';
    run_is(export('dangling', "$dir/dangling"), 0,
        qr/^ociadmin: incomplete: dangling, manifest $none: left out, because the/,
        'a referrer that does not exist', absent => 1, manifests => 1);
    is_deeply([ names_of(read_layout("$dir/dangling")) ], ["v1 $one"],
        'is not in index.json');

    # A manifest that was not pushed, with a name that a terminal would obey.
    my $twice = qq({"schemaVersion":2,"\xc2\x9b31m":1,"\xc2\x9b31m":2});
    my $key = 'repo/dangling/_manifest/' . digest_of($twice);
    set_fact($from->store, $key, IMAGE_MANIFEST . "\n$twice");
    refuses(1, qr/a duplicate member, "\\u\{9b\}31m"$/, 'export',
        'dangling@' . digest_of($twice), "$dir/twice");
    like(gc($from)->{err}, qr/a duplicate member, "\\u\{9b\}31m"$/m, 'gc');
    unlink $from->store . "/index/$key";
}

# Lost and damaged blobs.
my ($lost) = glob $from->store . '/blobs/sha256/*/'
    . digest_of('layer v2' x 1000) =~ s/.*://r;
my $bytes = OCI::Server::slurp($lost);
sub spew {
    open my $file, '>:raw', $lost or die "$lost: $!\n";
    print $file $_[0];
    return close $file;
}
for my $path ("$dir/lost", "$dir/lost.tar") {
    spew('L' . substr $bytes, 1);
    refuses(1, qr/ of $repo is damaged: its bytes .*; nothing was exported, and "oci/,
        'export', $repo, $path);
    unlink $lost;
    refuses(1, qr/^ociadmin: .*nothing was exported, and "ociadmin check" says what/,
        'export', $repo, $path);
    ok(!-e $path, 'nothing is left');
}
is(join(' ', glob "$dir/lost*"), '', 'nor under another name');

# A layout restores what is lost here.
spew($bytes);
rename $lost, "$lost.away";
run_is(report_of($from, 'import', "$dir/all.tar", $repo), 0, qr/\A\z/,
    'import of a lost blob', blobs => 1, tags => 0, manifests => 0);
is(digest_of($source->get("/v2/$repo/blobs/" . digest_of($bytes))->body),
    digest_of($bytes), 'it is there again');
unlink "$lost.away";

$from->stop;
$to->stop;
done_testing;
