# SPDX-License-Identifier: Apache-2.0

# ociadmin import of bad layouts: a sentence says what is wrong, and nothing is
# written.

use OCI::Test;

use File::Temp ();
use POSIX ();
use OCI::Admin;
use OCI::Layout;

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $TOP = File::Temp->newdir('mod_oci-layout-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
my $server = OCI::Server->start(config => 'OCIGCInterval 0');
my $client = OCI::Client->new($server);
status_is($client->get('/v2/'), 200);
my @stores = store_options($server);
my $count = 0;
sub path { return "$TOP/" . ++$count }

# One test: the import of a layout fails.  What stays as it is: the registry is
# empty, and the layout is not changed.
sub refuses {
    my ($sentence, $path, $name, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin('import', '--quiet', $path, @words ? @words : 'a', @stores);
    my $left = join ' ', glob $server->store . '/blobs/*/*/*';
    my $found = "@{ $client->get('/v2/_catalog')->json->{repositories} }";
    return ok($run->{status} eq 1 && $run->{err} =~ $sentence && $left eq ''
        && $found eq '', $name)
        || diag("status $run->{status}: $run->{err}$run->{out}$left $found");
}

sub imports {
    my ($path, $name, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin('import', '--quiet', $path, @words ? @words : 'a', @stores);
    return ok($run->{status} eq 0 && $run->{err} eq '', $name)
        || diag("status $run->{status}: $run->{err}$run->{out}");
}

my $manifest = json_text(image_manifest('{}', ['a layer']));
my $digest = digest_of($manifest);
my ($config, $layer) = map { blob_path(digest_of($_)) } '{}', 'a layer';
sub good { return layout_of([ v1 => $manifest ], '{}', 'a layer') }

# Both forms of a layout with these changes; undef removes a file.
sub both_refuse {
    my ($sentence, $name, %change) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $files = good();
    defined $change{$_} ? $files->{$_} = $change{$_} : delete $files->{$_}
        for keys %change;
    refuses($sentence, write_dir(path(), $files), "$name, in a directory");
    return refuses($sentence, write_tar(path(), members_of($files)),
        "$name, in an archive");
}

sub index_of { return layout_of(@_)->{'index.json'} }

# ---- what is not a layout

mkdir "$TOP/empty";
refuses(qr/empty is not an OCI image layout: cannot read oci-layout in it: there/,
    "$TOP/empty", 'an empty directory');
refuses(qr/cannot read \S+none: No such file/, "$TOP/none", 'nothing');
POSIX::mkfifo("$TOP/pipe", 0666);
refuses(qr/pipe is not an OCI image layout: it is neither a directory nor a reg/,
    "$TOP/pipe", 'a pipe');
for my $case ([ "\x1f\x8b", 'gzip' ], [ "\x28\xb5\x2f\xfd", 'zstd' ],
    [ "\xfd7zXZ\0", 'xz' ], [ 'BZh9', 'bzip2' ]) {
    my $path = path();
    write_dir($TOP, { $count => $case->[0] . 'x' x 2000 });
    refuses(qr/ is compressed with $case->[1]: .* "$case->[1] -dc '\Q$path\E' > NEW/,
        $path, $case->[1]);
}
write_dir($TOP, { text => "not an archive\n" x 100, short => 'x' });
refuses(qr/cannot be read as a tar archive: the checksum of a header is wr/,
    "$TOP/text", 'a text');
refuses(qr/cannot be read as a tar archive: it is cut off in a header/,
    "$TOP/short", 'a short file');
refuses(qr/ is an archive of "docker save", .* "skopeo copy docker-archive:'\S+':NA/,
    write_tar(path(), [ 'manifest.json', '[]' ]), 'an archive of docker save');
imports(write_tar(path(), members_of(good()), [ 'manifest.json', '[]' ]),
    'one that is a layout as well', 'docker');
status_is($client->delete("/v2/docker/manifests/$digest"), 202);
status_is($client->delete('/v2/docker/blobs/' . digest_of($_)), 202)
    for '{}', 'a layer';
gc($server, '--grace', 0);

# ---- documents that are wrong

both_refuse(qr/cannot read oci-layout in it/, 'no mark', 'oci-layout' => undef);
both_refuse(qr/oci-layout in it is not valid JSON: /, 'a bad mark',
    'oci-layout' => '{');
both_refuse(qr/its version is not supported: expected 1.0.0/, 'another version',
    'oci-layout' => $_) for '{"imageLayoutVersion":"2.0.0"}', '{}', '[]';
both_refuse(qr/oci-layout in it has more than 65536 bytes/, 'a large mark',
    'oci-layout' => ' ' x 70_000);
both_refuse(qr/cannot read index.json in it/, 'no index', 'index.json' => undef);
both_refuse(qr/index.json in it is not valid: /, 'a bad index',
    'index.json' => $_) for '', '{', '[]', '{"schemaVersion":2}',
    '{"schemaVersion":1,"manifests":[]}', '{"schemaVersion":2,"manifests":[{}]}',
    good()->{'index.json'} =~ s/sha256:/sha256:..\/../r;
both_refuse(qr/the layout has no images: index.json in it is empty/, 'no images',
    'index.json' => '{"schemaVersion":2,"manifests":[]}');
both_refuse(qr/skipped: a b: this name in the layout is neither a tag nor a ref/,
    'a bad name', 'index.json' => index_of([ 'a b' => $manifest ]));
both_refuse(qr/skipped: x\\x1b: this name/, 'a name that a terminal would obey',
    'index.json' => index_of([ "x\e" => $manifest ]));
my $twice = qq({"mediaType":"a/b","\xc2\x9b31m":1,"\xc2\x9b31m":2});
both_refuse(qr/a duplicate member, "\?\?31m"$/m, 'such a name in a manifest',
    blob_path(digest_of($twice)) => $twice, 'index.json' => index_of([ v1 => $twice ]));
both_refuse(qr/gives the tag v1 of a to two manifests, .*remove one/, 'a tag twice',
    'index.json' => index_of([ v1 => $manifest, v1 => "$manifest " ]));
both_refuse(qr/manifest $digest: index.json states a size of 9 bytes, but it has /,
    'a wrong size', 'index.json' => good()->{'index.json'}
        =~ s/"size":\d+/"size":9/r);

# ---- content that is wrong

both_refuse(qr/skipped: a, blob \S+: its bytes have the digest .*
ociadmin: skipped: a, manifest $digest: it needs \S+, which cannot be imported
ociadmin: skipped: a, tag v1: its manifest $digest was skipped$/m,
    'a layer with another digest', $layer => 'A layer');
both_refuse(qr/skipped: a, blob \S+: its bytes have/, 'a longer layer',
    $layer => 'a layer and more');
both_refuse(qr/skipped: a, blob \S+: it is missing: neither the layout nor the re/,
    'a missing layer', $layer => undef);
both_refuse(qr/skipped: a, manifest \S+: it is missing: neither the layout nor/,
    'a missing manifest', blob_path($digest) => undef);
both_refuse(qr/skipped: a, manifest \S+: its bytes have the digest/,
    'a manifest with another digest', blob_path($digest) => "$manifest ");
my $sized = $manifest =~ s/"size":7/"size":8/r;
both_refuse(qr/skipped: a, manifest \S+: it states a size of 8 bytes for \S+, which has/,
    'a manifest with a wrong size', blob_path(digest_of($sized)) => $sized,
    'index.json' => index_of([ v1 => $sized ]));
my $large = $manifest =~ s/\}\z/' ' x 67_200_000 . '}'/er;
both_refuse(qr/skipped: a, manifest \S+: it is larger than 64 MiB/,
    'a large manifest', blob_path(digest_of($large)) => $large,
    'index.json' => index_of([ v1 => $large ]));
my $text = '{"mediaType":"' . IMAGE_MANIFEST . '"}';
both_refuse(qr/skipped: a, manifest \S+: schemaVersion /, 'not a manifest',
    blob_path(digest_of($text)) => $text,
    'index.json' => index_of([ v1 => $text ]));
my ($nested, %nested) = $manifest;
for (1 .. 40) {
    $nested = json_text(image_index([ $nested ]));
    $nested{ blob_path(digest_of($nested)) } = $nested;
}
both_refuse(qr/more than 32 indexes lead to it, one through the other/,
    'a deep index', %nested, 'index.json' => index_of([ v1 => $nested ]));

# A bad image beside a good one.
my $other = json_text(image_manifest('{}', [ 'a layer', 'lost' ]));
my $files = layout_of([ good => $manifest, bad => $other ], '{}', 'a layer');
my $run = ociadmin('import', '--quiet', write_dir(path(), $files), 'two', @stores);
is($run->{status}, 1, 'a bad image beside a good one');
like($run->{err}, qr/^ociadmin: skipped: two, tag bad: its manifest \S+ was skip/m,
    'is not imported');
is_deeply($client->get('/v2/two/tags/list')->json->{tags}, ['good'],
    'the good one is');
is($client->get('/v2/two/manifests/' . digest_of($other))->status, 404,
    'not even without its tag');
status_is($client->delete("/v2/two/manifests/$digest"), 202);
status_is($client->delete('/v2/two/blobs/' . digest_of($_)), 202)
    for '{}', 'a layer';
gc($server, '--grace', 0);

# ---- directories that are wrong

for my $case ([ 'a link', sub { symlink $_[0], $_[1] } ],
    [ 'a pipe', sub { POSIX::mkfifo($_[1], 0666) } ],
    [ 'a directory', sub { mkdir $_[1] } ]) {
    my ($name, $replace) = @$case;
    for my $file ($layer, blob_path($digest), 'index.json', 'oci-layout') {
        my $dir = write_dir(path(), good());
        rename "$dir/$file", "$dir/away";
        $replace->("$dir/away", "$dir/$file");
        refuses(qr/symbolic links are not followed|there is no such file|is missing/,
            $dir, "$name in place of $file");
    }
}
for my $file ('blobs', 'blobs/sha256') {
    my $dir = write_dir(path(), good());
    rename "$dir/$file", "$dir/away";
    symlink "$dir/away", "$dir/$file";
    refuses(qr/is not an OCI .* cannot read blobs\/sha256 .* links are not followed/,
        $dir, "a link in place of $file");
}

# ---- archives that are wrong

sub tar_refuses {
    my ($sentence, $name, @members) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return refuses(qr/cannot be read as a tar archive: $sentence/,
        write_tar(path(), @members), $name);
}

my @good = members_of(good());
my $without = good();
delete $without->{$layer};
my @without = members_of($without);
tar_refuses("the member '\Q$_\E' leads out of its directory", "the name $_",
    @good, [ $_, 'x' ]) for '../x', '/etc/x', 'a/../../x', 'a/..', '..';
tar_refuses("the member '\Q$layer\E' is not a regular file", $_->[0], @without,
    [ $layer, '', kind => $_->[1], link => $_->[2] ])
    for [ 'a symbolic link', 2, 'index.json' ], [ 'a hard link', 1, '/etc/passwd' ],
    [ 'a device', 3, '' ], [ 'a pipe', 6, '' ], [ 'a directory', 5, '' ];
tar_refuses("the member '\Q$layer\E' is a sparse file", 'a sparse file', @without,
    [ $layer, 'a layer', kind => 'S' ]);
tar_refuses("the member '\Q$layer\E' is of an unknown kind", 'an unknown kind',
    @without, [ $layer, 'a layer', kind => 'V' ]);
tar_refuses('a link, a directory or a device has content', 'a link with content',
    @good, [ 'link', 'x', kind => 2 ]);
tar_refuses('the blob sha256:\w+ is there twice', 'a blob twice', @good,
    [ $layer, 'a layer' ]);
tar_refuses("the member '$_' is there twice", "$_ twice", @good, [ $_, '{}' ])
    for 'index.json', 'oci-layout';
tar_refuses("the member 'x' is cut off", 'a size beyond the end', @good,
    [ 'x', '', size => '77777777777' ]);
tar_refuses("the member 'x' is cut off", 'a size of 64 bits', @good,
    [ 'x', '', size => "\x80\0\0\0\x0f" . "\xff" x 7 ]);
tar_refuses('the size of a member is not valid', $_->[0], @good,
    [ 'x', '', size => $_->[1] ]) for [ 'a negative size', "\xff" x 12 ],
    [ 'a larger size', "\x80" . "\xff" x 11 ], [ 'a size that is a word', 'x' ];
tar_refuses('the checksum of a header is wrong', 'another sum', @good,
    tar_header('x', 0) =~ s/\Ax/y/r . "\0" x 512);

# Extended headers.
sub pax { my $text = join '', map { my $n = length($_) + 3;
        $n++ while length("$n $_\n") > $n; "$n $_\n" } @_;
    return [ 'pax', $text, kind => 'x' ] }
tar_refuses("the member '../x' leads out", 'a pax name', @good, pax('path=../x'),
    [ 'x', '' ]);
tar_refuses("the member '../x' leads out", 'a long name', @good,
    [ '././@LongLink', "../x\0", kind => 'L' ], [ 'x', '' ]);
tar_refuses("the member 'x' is a sparse file", 'a sparse file of pax', @good,
    pax('GNU.sparse.major=1'), [ 'x', '' ]);
tar_refuses('a global pax header has a name or a size', 'a global name',
    [ @{ pax('path=x') }[ 0, 1 ], kind => 'g' ], @good);
tar_refuses("the member 'x' is cut off", 'a pax size', @good,
    pax('size=1000000000000'), [ 'x', '' ]);
tar_refuses('the length of a pax record is not valid', "pax records '$_'", @good,
    [ 'pax', $_, kind => 'x' ], [ 'x', '' ]) for '9 a=b', "999 a=b\n", "0 \n", 'x',
    "-5 a=b\n", '99999999999999999999999 a=b';
tar_refuses('a pax record has no "="', 'a record without a value', @good,
    [ 'pax', "5 ab\n", kind => 'x' ], [ 'x', '' ]);
tar_refuses('a pax record has a name that is not valid', 'a NUL in a name', @good,
    pax("path=a\0b"), [ 'x', '' ]);
tar_refuses('a pax record has a size that is not valid', "the size $_", @good,
    pax("size=$_"), [ 'x', '' ]) for '-1', '', '1x';
tar_refuses('an extended header is too large', "a $_->[0]", @good,
    [ 'x', 'x' x $_->[2], kind => $_->[1] ], [ 'x', '' ])
    for [ 'long name', 'L', 5000 ], [ 'large record', 'x', 70_000 ];
tar_refuses('a member has more than 8 extended headers', 'many headers',
    @good, (pax('a=b')) x 9, [ 'x', '' ]);

# What is unusual, and right.
my @dotted = map { [ "./$_->[0]", $_->[1] ] } @good;
my %right = (
    'names that begin with a dot' => [ [ './', '', kind => 5 ], @dotted ],
    'headers of GNU tar' => [ map { [ @$_, magic => "ustar  \0" ] } @good ],
    'headers without a magic' => [ map { [ @$_, magic => '' ] } @good ],
    'names in two parts' => [ map { my ($dir, $file) = $_->[0] =~ m{(.*)/(.*)};
            $dir ? [ $file, $_->[1], prefix => $dir ] : $_ } @good ],
    'pax names' => [ map { pax("path=$_->[0]"), [ 'x', $_->[1] ] } @good ],
    'pax sizes' => [ map { pax('size=' . length $_->[1], 'mtime=1.5'),
            [ @$_, size => '00000000000' ] } @good ],
    'long names' => [ map { ([ '././@LongLink', "$_->[0]\0", kind => 'L' ],
            [ 'x', $_->[1] ]) } @good ],
    'sizes in base 256' => [ map { [ @$_, size => "\x80" . "\0" x 7
            . pack 'N', length $_->[1] ] } @good ],
    'a global header' => [ [ 'g', "8 a=b c\n", kind => 'g' ], @good ],
    'other members' => [ [ 'link', '', kind => 2, link => '../../x' ],
            [ 'blobs/sha256/', '', kind => 5 ], [ 'repositories', '{}' ], @good ],
);
imports(write_tar(path(), @{ $right{$_} }), $_, 'right/' . tr/A-Z /a-z-/r)
    for sort keys %right;
my $cut = write_tar(path(), @good);
truncate $cut, (-s $cut) - 1024;
imports($cut, 'no blocks of zeros at the end', 'cut/a');
is(scalar(() = map { $client->get("/v2/$_/manifests/v1")->status == 200 ? 1 : () }
        @{ $client->get('/v2/_catalog')->json->{repositories} }), 1 + keys %right,
    'all were imported');

# ---- names that are right

my %names = (
    'docker.io/library/app:1' => 'library/app:1', 'a/b:2' => 'a/b:2',
    'localhost/x:3' => 'x:3', 'reg.example:5000/y:4@' . $digest => 'y:4',
    'single:5' => 'single:5', 'z@' . $digest => "z:$digest",
);
for my $name (sort keys %names) {
    my $path = write_dir(path(), layout_of([ $name => $manifest ], '{}',
        'a layer'));
    my ($repo, $reference) = split /:/, $names{$name}, 2;
    ociadmin('import', '--quiet', $path, @stores);
    is($client->get("/v2/$repo/manifests/$reference")->status, 200, $name);
}
my $named = write_dir(path(), layout_of([ { REF_NAME, '7',
    'io.containerd.image.name' => 'docker.io/some/app:7' } => $manifest ], '{}',
    'a layer'));
is(ociadmin('import', '--quiet', $named, @stores)->{status}, 0, 'as Docker names');
is($client->get('/v2/some/app/manifests/7')->status, 200, 'the image');

my $mixed = write_dir(path(), layout_of([ 'a/one:1' => $manifest,
    'b/two:1' => $manifest, bare => $manifest ], '{}', 'a layer'));
like(ociadmin('import', '--quiet', $mixed, @stores)->{err},
    qr/^ociadmin: skipped: bare: the layout does not .* belongs: name one after/,
    'a tag in a layout of two repositories');
is($client->get("/v2/$_/manifests/1")->status, 200, "$_ is imported")
    for 'a/one', 'b/two';

$server->stop;
done_testing;
