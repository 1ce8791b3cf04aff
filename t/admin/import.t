# SPDX-License-Identifier: Apache-2.0

# ociadmin import --from-registry: the content of a real distribution, which
# clients have filled, is served unchanged.

use OCI::Clients;

use File::Find ();
use JSON::PP ();
use POSIX ();
use OCI::Admin qw(ociadmin gc run_is);

my ($crane, $oras, $program) = map { tool($_) } qw(crane oras registry);
my $skopeo = system_tool('skopeo');
my @crane = ($crane, '--insecure');
my @ACCEPT = (Accept => join ', ', map { "application/vnd.$_+json" }
    qw(oci.image.manifest.v1 oci.image.index.v1 docker.distribution.manifest.v2
    docker.distribution.manifest.list.v2));

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $dir = scratch();
my $peer = OCI::Peer->start($program);
my $tree = $peer->store;
my $from = $peer->host;
my $server = OCI::Server->start;
my $ours = OCI::Client->new($server, headers => [@ACCEPT]);
my $theirs = OCI::Client->new($peer, headers => [@ACCEPT]);

# Run the import, and return what ociadmin() does, with the report in report.
sub import_from {
    my ($where, @options) = @_;
    my $run = ociadmin('import', '--json', '--from-registry', $where, @options,
        'fs ' . $server->store, $server->{index}->argument($server->store));
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# The tags of all repositories of the peer, as "repository:tag".
sub tags_of {
    my $client = shift;
    my @tags;
    for my $repo (@{ $client->get('/v2/_catalog')->json->{repositories} }) {
        push @tags, map { "$repo:$_" }
            sort @{ $client->get("/v2/$repo/tags/list")->json->{tags} // [] };
    }
    return @tags;
}

# One test: both registries have the same tags, and serve the same bytes for
# each.  Every blob has its digest here.
sub same_ok {
    my $name = shift;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @tags = tags_of($theirs);
    my @faults = "@tags" eq join(' ', tags_of($ours)) ? ()
        : "the tags are: @{[ tags_of($ours) ]}";
    for my $tag (@tags) {
        my ($repo, $reference) = split /:/, $tag;
        my ($old, $new) = map {
            $_->get("/v2/$repo/manifests/$reference")
        } $theirs, $ours;
        push @faults, "$tag differs: " . $new->text
            if $old->body ne $new->body || $old->header('Content-Type')
            ne ($new->header('Content-Type') // '');
        my (undef, @inner) = OCI::Clients::verify($server, $repo, $reference);
        push @faults, @inner;
    }
    return ok(@tags && !@faults, $name) || diag(join "\n", @faults);
}

# Everything below a directory but what a new link of a file changes.
sub snapshot {
    my %found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        my @stat = lstat;
        $found{$_} = join ' ', @stat[ 1, 2, 4, 5, 9 ], -d _ ? '' : $stat[7],
            -f _ ? digest_of(slurp($_)) : '';
    } }, @_);
    return \%found;
}

# Clients fill the other registry.
run_ok('an image', @crane, 'append', '-f', root_tar("$dir/root.tar", 100_000),
    '-t', "$from/team/one:1");
run_ok('one with the same layer and another', @crane, 'append', '-b',
    "$from/team/one:1", '-f', root_tar("$dir/more.tar", 1000), '-t',
    "$from/team/one:2");
run_ok('the same in another repository', @crane, 'copy', "$from/team/one:2",
    "$from/other:2");
run_ok('an index', @crane, 'index', 'append', '-m', "$from/team/one:1", '-m',
    "$from/team/one:2", '-t', "$from/team/one:all");
run_ok('an index of Docker\'s', @crane, 'index', 'append', '-m',
    "$from/team/one:1", '--docker-empty-base', '-t', "$from/team/one:docker");
run_ok('schema 2', $skopeo, '--insecure-policy', 'copy', '--src-tls-verify=0',
    '--dest-tls-verify=0', '-f', 'v2s2', "docker://$from/team/one:1",
    "docker://$from/a/b/c/d:v2");
spew("$dir/note.txt", "a note\n");
run_ok('a referrer', { in => $dir }, $oras, 'attach', '--plain-http',
    '--artifact-type', 'application/vnd.test.sbom', "$from/team/one:1",
    'note.txt:text/plain');
run_ok('a tag', @crane, 'tag', "$from/team/one:1", 'moves');
run_ok('that moves', @crane, 'tag', "$from/team/one:2", 'moves');
my $untyped = { %{ $theirs->push_image('plain', 'p')->{document} } };
delete $untyped->{mediaType};
$untyped = json_text($untyped);
$theirs->push_manifest('plain', 'untyped', $untyped,
    OCI::Client::IMAGE_MANIFEST());
$theirs->push_image('plain', undef, annotations => { tag => 'none' });
my $deleted = $theirs->push_image('plain', 'gone',
    annotations => { gone => 'yes' })->{digest};
status_is($theirs->delete("/v2/plain/manifests/$deleted"), 202);
$theirs->push_blob('only-a-blob', 'a blob without a manifest');

# The first import, while the other registry runs.
my $run = import_from($tree);
run_is($run, 1, qr/ has no id; .* first send a request to httpd$/,
    'a store that was never used');
status_is($ours->get('/v2/'), 200);
my $before = snapshot($tree);
$run = import_from($tree);
run_is($run, 0, qr/\A\z/, 'import', repositories => 5, tags => 10, copied => 0,
    cloned => 0, skipped => 0, kept => 0, present => 0);
is_deeply(snapshot($tree), $before, 'nothing in the tree is changed');
same_ok('every tag is served byte for byte');
is($ours->get('/v2/plain/manifests/'
        . digest_of($untyped))->status, 200, 'a manifest without its type');
my ($one) = digest_of($ours->get('/v2/team/one/manifests/1')->body);
is_deeply([ map { $_->{artifactType} }
        @{ $ours->get("/v2/team/one/referrers/$one")->json->{manifests} } ],
    ['application/vnd.test.sbom'], 'the referrer is listed');
is($ours->get('/v2/only-a-blob/blobs/'
        . digest_of('a blob without a manifest'))->status, 200, 'a blob');
my @facts = map { $server->store . "/index/repo/team/one/_tag/$_" } 1, 'moves';
is(OCI::Server::fact($facts[0]), "$one;" . (stat "$tree/docker/registry/v2/repositories"
        . '/team/one/_manifests/tags/1/current/link')[9] . ';',
    'the tag was pushed when the other registry wrote it');
my ($blob) = map { $_->{digest} =~ s/.*://r }
    @{ $ours->get('/v2/team/one/manifests/1')->json->{layers} };
my ($name) = glob $server->store . "/blobs/sha256/*/$blob";
is((stat $name)[1], (stat glob "$tree/docker/registry/v2/blobs/sha256/*/$blob/data")
        [1], 'a blob is another link of the file');

# Everything again.
$run = import_from($tree);
run_is($run, 0, qr/\A\z/, 'a second import', tags => 0, manifests => 0,
    blobs => 0, bytes => 0, skipped => 0, kept => 0);
cmp_ok($run->{report}{present}, '>', 20, 'finds what is there');
gc($server, '--grace', 0);
same_ok('garbage collection keeps all of it');

# Both registries are written to.
run_ok('a tag moves there', @crane, 'tag', "$from/team/one:1", 'moves');
run_ok('another one, twice', @crane, 'tag', "$from/team/one:all", '2');
run_ok('and back', @crane, 'tag', "$from/team/one\@"
    . digest_of($ours->get('/v2/team/one/manifests/2')->body), '2');
run_ok('a new image', @crane, 'append', '-f', "$dir/more.tar", '-t',
    "$from/team/new:1");
my $here = $ours->push_image('other', 2)->{digest};
run_ok('while the tag moves there, too', @crane, 'tag', "$from/team/one:1",
    'all');
run_ok('a push there', @crane, 'copy', "$from/team/one:1", "$from/other:2");
run_is(import_from($tree), 0,
    qr/\Aociadmin: other, tag 2: kept as it is, because it was pushed here$/,
    'what has changed', tags => 3, kept => 1, skipped => 0);
is($ours->get('/v2/other/manifests/2')->header('Docker-Content-Digest'), $here,
    'the tag that was pushed here stays');
$theirs->push_image('other', 2);
same_ok('all others are the other registry\'s');

# While clients push, nothing is reported: what is not complete yet is left to
# the next import.
my $pusher = fork // die "fork: $!\n";
if (!$pusher) {
    my $client = OCI::Client->new($peer);
    for my $n (1 .. 60) {
        my @images = map { $client->push_image('busy/' . $n % 3, "t$n$_",
            config => "{\"n\": $n}", layers => [ 'common', "$n$_" ])->{text} }
            'a', 'b';
        $client->push_manifest('busy/' . $n % 3, 'latest',
            OCI::Client::image_index(\@images));
    }
    POSIX::_exit(0);
}
my @runs;
while (!waitpid $pusher, POSIX::WNOHANG()) {
    push @runs, import_from($tree);
    last if @runs == 1000;
}
is($?, 0, 'a client pushes');
my @reports = grep { $_->{status} } @runs;
is(scalar @reports, 0, @runs . ' imports meanwhile report nothing')
    or diag(map { $_->{err} } @reports);
run_is(import_from($tree), 0, qr/\A\z/, 'the rest');
same_ok('has come over');
$peer->stop;
run_is(import_from($tree), 0, qr/\A\z/, 'the last import, of a stopped one',
    tags => 0, manifests => 0, kept => 0);
run_ok('it collects garbage', { env => { OTEL_TRACES_EXPORTER => 'none' } },
    $program, 'garbage-collect', '--delete-untagged', $peer->dir
        . '/config.yml');
run_is(import_from($tree), 0, qr/\A\z/, 'an import after that', tags => 0,
    skipped => 0);

# Its own kinds of damage, each in one repository of a copy.
my $v2 = "$dir/damaged/docker/registry/v2";
system('cp', '-a', $tree, "$dir/damaged") == 0 or die;
my $names = "$v2/repositories";
my ($lost, $wrong) = map { "$v2/blobs/sha256/" . substr($_, 7, 2) . '/'
    . substr $_, 7 } map { digest_of($_) } 'lost', 'wrong';

sub link_file {
    my ($repo, $path, $digest) = @_;
    system('mkdir', '-p', "$names/$repo/$path");
    spew("$names/$repo/$path/link", $digest);
    return;
}

sub blob_file {
    my $bytes = shift;
    my $hex = substr digest_of($bytes), 7;
    system('mkdir', '-p', "$v2/blobs/sha256/" . substr($hex, 0, 2) . "/$hex");
    spew("$v2/blobs/sha256/" . substr($hex, 0, 2) . "/$hex/data", $bytes);
    return "sha256:$hex";
}

# A manifest in a repository, with its tag and its blobs.
sub image_files {
    my ($repo, $tag, $text, @blobs) = @_;
    my $digest = blob_file($text);
    my $hex = substr $digest, 7;
    link_file($repo, "_manifests/revisions/sha256/$hex", $digest);
    link_file($repo, "_manifests/tags/$tag/current", $digest);
    link_file($repo, "_manifests/tags/$tag/index/sha256/$hex", $digest);
    link_file($repo, '_layers/sha256/' . substr(blob_file($_), 7),
        digest_of($_)) for @blobs;
    return $digest;
}

sub image_of { json_text(OCI::Client::image_manifest('{}', [@_])) }

my %skipped = (
    'empty/_manifests/tags/t/current/link' => sub {
        image_files('empty', 'good', image_of('e'), '{}', 'e');
        link_file('empty', '_manifests/tags/t/current', '');
    },
    'words/_manifests/tags/t/current/link' => sub {
        link_file('words', '_manifests/tags/t/current', 'no digest');
    },
    'never/_manifests/tags/t/current/link' => sub {
        link_file('never', '_manifests/tags/t/index/sha256/' . 'a' x 64, '');
        utime 1, 1, "$names/never/_manifests/tags/t";
    },
    'layer/_layers/sha256/' . 'a' x 64 . '/link' => sub {
        link_file('layer', '_layers/sha256/' . 'a' x 64, '');
    },
    'linked/_manifests/tags/t/current/link' => sub {
        image_files('linked', 't', image_of('e'), '{}', 'e');
        my $link = "$names/linked/_manifests/tags/t/current/link";
        rename $link, "$link.to";
        symlink 'link.to', $link;
    },
    'norevision, tag t' => sub {
        my $digest = image_files('norevision', 't', image_of('e'), '{}', 'e');
        unlink "$names/norevision/_manifests/revisions/sha256/"
            . substr($digest, 7) . '/link';
        rmdir "$names/norevision/_manifests/revisions/sha256/"
            . substr($digest, 7);
    },
    'nofile, manifest ' . digest_of(image_of('n')) => sub {
        my $hex = substr image_files('nofile', 't', image_of('n'), '{}', 'n'), 7;
        unlink glob "$v2/blobs/sha256/*/$hex/data";
    },
    'nofile, tag t' => sub { },
    'noblob, manifest ' . digest_of(image_of('lost')) => sub {
        image_files('noblob', 't', image_of('lost'), '{}', 'lost');
        unlink "$lost/data";
    },
    'noblob, tag t' => sub { },
    'wrong, blob ' . digest_of('wrong') => sub {
        image_files('wrong', 't', image_of('wrong'), '{}', 'wrong');
        spew("$wrong/data", 'right');
    },
    'wrong, manifest ' . digest_of(image_of('wrong')) => sub { },
    'wrong, tag t' => sub { },
    'schema1, manifest ' . digest_of('{"schemaVersion":1}') => sub {
        image_files('schema1', 't', '{"schemaVersion":1}');
    },
    'schema1, tag t' => sub { },
    'repositories/Upper/case' => sub {
        image_files('Upper/case', 't', image_of('e'), '{}', 'e');
    },
    'tags, tag a?b' => sub {
        image_files('tags', "a\eb", image_of('e'), '{}', 'e');
    },
    'sparse, manifest ' . digest_of(json_text(OCI::Client::image_index(
            [ image_of('n'), image_of('e') ]))) => sub {
        image_files('sparse', 'image', image_of('e'), '{}', 'e');
        image_files('sparse', 'index', json_text(OCI::Client::image_index(
            [ image_of('n'), image_of('e') ])));
    },
);
$skipped{$_}->() for sort keys %skipped;
$before = snapshot("$dir/damaged");
$run = import_from("$dir/damaged");
run_is($run, 1, qr/^ociadmin: not everything could be imported$/m,
    'what is damaged is skipped', gone => 1, skipped => scalar keys %skipped);
is(join("\n", sort map { /^ociadmin: (?:skipped|incomplete): (.*?): / ? $1 : () } split /\n/,
        $run->{err}), join("\n", sort keys %skipped), 'each in one line')
    or diag($run->{err});
is_deeply(snapshot("$dir/damaged"), $before, 'the tree stays as it is');
verify_ok($server, 'empty', 'good', 'what is beside the damage is imported');
is($ours->get("/v2/$_/manifests/t")->status, 404, "$_ has no tag")
    for qw(empty norevision nofile noblob wrong schema1);
is($ours->get('/v2/sparse/manifests/index')->status, 200, 'the sparse index');

# What was mended is imported by the next run.
spew("$lost/data", 'lost');
run_is(import_from("$dir/damaged"), 1, qr/not everything/, 'after a repair',
    tags => 1, manifests => 1, blobs => 1, gone => 0, skipped => keys(%skipped) - 2);
verify_ok($server, 'noblob', 't', 'the image is complete');
$server->stop;

done_testing;
