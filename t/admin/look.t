# SPDX-License-Identifier: Apache-2.0

# ociadmin ls, show and cat: what they print, that they change nothing, and that
# nothing a client has pushed reaches the terminal as it is.

use OCI::Test;

use File::Find ();
use File::Path qw(make_path);
use JSON::PP ();
use OCI::Admin;
use POSIX ();

my $TIME = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

# The commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $server = OCI::Server->start(config => 'OCISparse Index');
my $client = OCI::Client->new($server);
my $store = $server->store;
my $on_fs = $server->index eq 'fs';
my @stores = store_options($server);

# One test: the exit status and the message.  Returns what was printed.
sub prints {
    my ($status, $sentence, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin(@words);
    my $name = join ' ', grep { !/^fs / } @words;
    ok($run->{status} eq $status && $run->{err} =~ $sentence, $name)
        or diag("status $run->{status}: $run->{err}$run->{out}");
    return $run->{out};
}

sub look { return prints(0, qr/\A\z/, @_, @stores) }

# The JSON objects in these lines.
sub objects { return map { JSON::PP::decode_json($_) } split /\n/, $_[0] }

# Everything below the store, with its content and times.
sub snapshot {
    my %found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        my @stat = lstat;
        $found{$_} = join ' ', @stat[ 1, 2, 3, 4, 5 ], -d _ ? '' : @stat[ 7, 9 ],
            -l $_ ? readlink : '';
    } }, $store);
    return \%found;
}

# ---- the command line

prints(2, qr/ls takes a blob store: write --store 'fs DIR', and --index INDEX unless/,
    'ls');
prints(2, qr/--index needs --store; see "ociadmin help"/, 'ls', '--index', 'fs x');
prints(2, qr/cannot\ use\ the\ option\ '--fast':\ ls\ has\ --store\ BLOBS,
    \ --index\ INDEX,\ --config\ FILE,\ --httpd\ PROGRAM,\ --json,\ --untagged,\ --referrers;/x, 'ls', '--fast', @stores);
prints(2, qr/cannot use the option '--json': cat has --store BLOBS, .*--httpd PROGRAM;/,
    'cat', '--json', 'a', @stores);
prints(2, qr/ls does not expect the argument 'fs x'; write the stores after --st/,
    'ls', 'a', 'fs x');
prints(2, qr/$_ needs a name, such as team\/app:v1/, $_, @stores) for qw(show cat);
prints(2, qr/--untagged and --referrers need the name/, 'ls', '--untagged',
    @stores);
prints(2, qr/--untagged and --referrers cannot be used together/, 'ls', '--untagged',
    '--referrers', 'a', @stores);
prints(2, qr/ls expects the name of a repository, without a tag or digest/, 'ls',
    'a:b', @stores);
for my $name ("A", "a//b", "a\e[31m", '') {
    my $shown = quotemeta($name =~ s/\e/\\x1b/r);
    prints(2, qr/\Aociadmin: '$shown' is not a valid repository name/, $_, $name,
        @stores) for qw(ls show cat);
}
prints(2, qr/'-x' is not a valid tag/, 'show', 'a:-x', @stores);
prints(2, qr/'sha256:12' is not a valid digest: expected sha256: and 64/, 'cat',
    'a@sha256:12', @stores);
like(prints(0, qr/\A\z/, $_, '--help'), qr/\Aociadmin $_ .*STORES is --store BLOBS/s,
    'prints its help') for qw(ls show cat);
is(ociadmin(@$_)->{out}, ociadmin('ls', '--help')->{out}, "@$_")
    for [qw(help ls)], [qw(ls -h)];
is(ociadmin('-h')->{out}, ociadmin('help')->{out}, '-h');
is(ociadmin('help', 'lss')->{status}, 2, 'help of no command');

# ---- stores that cannot be read

prints(1, qr{\Q$store\E is not a blob store that a registry has used: it has no},
    'ls', @stores) if $on_fs;
status_is($client->get('/v2/'), 200);
is(look('ls'), "REPOSITORY     TAGS MANIFESTS  LAST PUSH\n", 'an empty registry');
is(look('ls', '--json'), '', 'as JSON');
prints(1, qr/there is no repository nobody$/, @$_, @stores)
    for [qw(ls nobody)], [qw(show nobody)], [qw(cat nobody:v1)];

if ($on_fs) {
    subtest 'stores of other kinds' => sub {
        my $dir = $server->dir;
        make_path("$dir/empty");
        prints(1, qr{\Q$dir\E/empty is not a blob store that a registry has used},
            'ls', '--store', "fs $dir/empty");
        prints(1, qr{\Q$dir\E/none is not a blob store}, 'ls', '--store',
            "fs $dir/none");
        make_index("$dir/other", 0);
        give_to_httpd("$dir/other");
        my $facts = facts_of("$dir/other");
        prints(1, qr/does not record to which blob store it belongs: httpd has not/,
            @$_, '--store', "fs $store", '--index', "fs $dir/other")
            for ['ls'], ['du'], [qw(rm --yes a:b)];
        is_deeply(facts_of("$dir/other"), $facts, 'nothing is recorded');
        for my $case ([ 'store', 'f' x 32, qr/belongs to the blob store with the id/ ],
            [ 'copy', "fs x\n", qr/holds an unfinished copy: run "ociadmin copy"/ ],
            [ 'index', 'e' x 32,
                qr/belongs to another index than .*, so nothing is done; name the i/ ],
            ) {
            my ($key, $value, $sentence) = @$case;
            set_fact("$dir/other", 'store',
                OCI::Server::slurp("$store/blobs/.id") =~ s/\n//r);
            set_fact("$dir/other", $key, $value);
            give_to_httpd("$dir/other");
            prints(1, $sentence, @$_, '--store', "fs $store", '--index',
                "fs $dir/other") for ['ls'], [qw(show a)], [qw(cat a)], ['du'],
                [qw(rm --yes a:b)];
            unlink "$dir/other/index/$key";
        }
        my $version = "$dir/other/index/.version";
        open my $file, '>', $version or die "$version: $!\n";
        print $file "mod_oci index 9\n";
        close $file;
        prints(1, qr/has version 9, which a newer mod_oci wrote/, 'ls', '--store', "fs $store", '--index',
            "fs $dir/other");
    };
}

# ---- content

my %image = map {
    $_ => $client->push_image('team/app', $_, config => "config $_",
        layers => [ 'shared layer', "layer $_" x 1000 ],
        annotations => { about => "image $_" })
} 'amd64', 'arm64';
my @described = map { {
    mediaType => OCI::Client::IMAGE_MANIFEST, digest => $image{$_}{digest},
    size => length $image{$_}{text},
    platform => { os => 'linux', architecture => $_,
        $_ eq 'arm64' ? (variant => 'v8') : () },
} } 'amd64', 'arm64';
my $absent = 'sha256:' . '0' x 64;
my $index = { schemaVersion => 2, mediaType => OCI::Client::IMAGE_INDEX,
    manifests => [ @described, { mediaType => OCI::Client::IMAGE_MANIFEST,
        digest => $absent, size => 7 } ] };
my $list = $client->push_manifest('team/app', 'v1', $index);
$client->push_manifest('team/app', 'latest', $index);
$client->delete("/v2/team/app/manifests/$_") for 'amd64', 'arm64';

# Push a referrer of a subject.
sub push_referrer {
    my ($repo, $subject, $type, %more) = @_;
    my $text = $client->get("/v2/$repo/manifests/$subject")->body;
    $client->push_blob($repo, $_) for '{}', "content of $type";
    return $client->push_manifest($repo, undef, image_manifest('{}',
        ["content of $type"], artifactType => $type, %more, subject => {
            mediaType => JSON::PP::decode_json($text)->{mediaType},
            digest => digest_of($text), size => length $text }));
}

my $signature = push_referrer('team/app', $list, 'application/z-signature');
my $sbom = push_referrer('team/app', $list, 'application/a-sbom');
my $scan = push_referrer('team/app', $sbom, 'application/scan');
$client->push_image('other', "v$_") for 1 .. 12;

my $layers = length('shared layer') + 2 * 1000 * length 'layer amd64';
my $total = length(json_text($index)) + $layers + 7
    + length('config amd64') + length('config arm64')
    + length($image{amd64}{text}) + length $image{arm64}{text};

subtest 'ls' => sub {
    my $text = look('ls');
    like($text, qr{\AREPOSITORY\ \ \ \ \ TAGS\ MANIFESTS\ \ LAST\ PUSH\n
        other\ +12\ +1\ \ $TIME\n
        team/app\ +2\ +6\ \ $TIME\n\z}x, 'repositories, sorted');
    my %ends = map { /^\S+ +\d+ +\d+/ ? ($+[0] => 1) : () } split /\n/, $text;
    is(scalar keys %ends, 1, 'and aligned');
    my @got = objects(look('ls', '--json'));
    is_deeply([ map { [ @$_{qw(name tags manifests)} ] } @got ],
        [ [ 'other', 12, 1 ], [ 'team/app', 2, 6 ] ], 'as JSON');
    like($_->{lastPush}, qr/\A$TIME\z/, 'with the time') for @got;
};

subtest 'ls of a repository' => sub {
    my $text = look('ls', 'team/app');
    my $size = sprintf '%.0fK', $total / 1024;
    my $type = quotemeta OCI::Client::IMAGE_INDEX;
    like($text, qr{\ATAG\ +DIGEST\ +SIZE\ +PUSHED\ +USER\ +MEDIA\ TYPE\n
        latest\ +$list\ +$size\ +$TIME\ +-\ +$type\n
        v1\ +$list\ +$size\ +$TIME\ +-\ +$type\n\z}x, 'its tags');
    my @got = objects(look('ls', '--json', 'team/app'));
    like(delete $_->{pushed}, qr/\A$TIME\z/) for @got;
    is_deeply(\@got, [ map { { tag => $_, digest => $list, size => $total,
        mediaType => OCI::Client::IMAGE_INDEX, user => undef } } 'latest', 'v1' ],
        'as JSON: layers that occur twice count once');
    @got = objects(look('ls', '--json', '--untagged', 'team/app'));
    is_deeply([ map { $_->{digest} } @got ], [ sort $image{amd64}{digest},
        $image{arm64}{digest}, $signature, $sbom, $scan ], 'untagged manifests');
    is($_->{tag}, undef) for @got;
    like(look('ls', '--untagged', 'team/app'),
        qr/^-    $sbom +\S+  $TIME  - /m, 'in columns');
    @got = objects(look('ls', '--json', '--referrers', 'team/app'));
    is_deeply([ map { join ' ', @$_{qw(subject digest artifactType)} } @got ],
        [ sort "$list $signature application/z-signature",
          "$list $sbom application/a-sbom", "$sbom $scan application/scan" ],
        'referrers');
    like(look('ls', '--referrers', 'team/app'),
        qr/^$sbom +$scan +\S+  $TIME  - +application\/scan$/m, 'in columns');
    is(scalar(() = look('ls', 'other') =~ /^v\d+ /mg), 12, 'many tags');
};

# The lines of a tree without digests, sizes, types and times.
sub outline {
    return $_[0] =~ s/ sha256:\w+ \S+ \S+| $TIME//gr;
}

subtest 'show' => sub {
    my $text = look('show', 'team/app:v1');
    is(outline($text), <<'END', 'an index');
index
  total: 23K
  pushed:
  tags: latest, v1
  manifest linux/amd64
    pushed:
    annotation about: image amd64
    config
    layer
    layer
  manifest linux/arm64/v8
    pushed:
    annotation about: image arm64
    config
    layer
    layer
  manifest (not in the repository)
  referrer application/a-sbom
    pushed:
    subject
    config
    layer
    referrer application/scan
      pushed:
      subject
      config
      layer
  referrer application/z-signature
    pushed:
    subject
    config
    layer
END
    like($text, qr{^\ {4}layer\ \Q@{[ digest_of('shared layer') ]}\E
        \ application/vnd\.oci\.image\.layer\.v1\.tar\ 12B$}mx, 'a layer');
    is(look('show', "team/app\@$list"), $text, 'by digest');
    is(look('show', 'team/app'), $text, 'the tag "latest"');
    my ($tree) = objects(look('show', '--json', 'team/app:v1'));
    is_deeply([ @$tree{qw(kind digest mediaType total)} ],
        [ 'index', $list, OCI::Client::IMAGE_INDEX, $total ], 'as JSON');
    is_deeply([ map { $_->{kind} } @{ $tree->{children} } ],
        [qw(manifest manifest manifest referrer referrer)], 'its children');
    is_deeply($tree->{children}[1]{platform},
        { os => 'linux', architecture => 'arm64', variant => 'v8' }, 'a platform');
    is_deeply($tree->{children}[1]{annotations}, { about => 'image arm64' },
        'annotations');
    is($tree->{children}[2]{note}, 'not in the repository', 'a note');
    if ($on_fs) {
        set_fact($store, "repo/team/app/_pulled/$list", '1790000000');
        like(look('show', 'team/app'),
            qr/\A.*\n.*\n  pushed: .*\n  last pull: 2026-09-21T14:13:20Z\n/,
            'the last pull');
        is((objects(look('show', '--json', 'team/app')))[0]{pulled},
            '2026-09-21T14:13:20Z', 'as JSON');
        set_fact($store, "repo/team/app/_pulled/$list", '253402300800');
        unlike(look('show', 'team/app'), qr/last pull/, 'not in the year 10000');
    }
    prints(1, qr/the repository team\/app has no tag v9$/, 'show', 'team/app:v9',
        @stores);
    prints(1, qr/the repository team\/app has no manifest $absent$/, 'show',
        "team/app\@$absent", @stores);
};

subtest 'cat' => sub {
    is(look('cat', 'team/app:v1'), json_text($index), 'a manifest by its tag');
    is(look('cat', "team/app\@$image{amd64}{digest}"), $image{amd64}{text},
        'by its digest');
    my $bytes = OCI::Client::random_bytes(300_000, 'cat') . "\0\e";
    my $digest = $client->push_blob('other', $bytes);
    ok(look('cat', "other\@$digest") eq $bytes, 'a blob');
    my $long = $client->push_blob('other', $bytes, 'sha512');
    ok(look('cat', "other\@$long") eq $bytes, 'with a digest of another kind');
    is(look('cat', 'other@' . $client->push_blob('other', '')), '', 'an empty one');
    prints(1, qr/the repository team\/app has no manifest or blob $digest$/, 'cat',
        "team/app\@$digest", @stores);
    prints(1, qr/the repository team\/app has no tag v9$/, 'cat', 'team/app:v9',
        @stores);
    my $run = ociadmin({ output => '/dev/full' }, 'cat', "other\@$digest", @stores);
    is($run->{status}, 1, 'an output that is full');
    is($run->{err}, "ociadmin: cannot write to standard output\n", 'is reported');
    $run = ociadmin({ output => '/dev/full' }, 'ls', @stores);
    is("$run->{status}$run->{err}", "1ociadmin: cannot write to standard output\n",
        'by ls, too');
};

# ---- hostile content

# One test: text has no character on which a terminal might act.
sub harmless {
    my ($text, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return unlike($text, qr/[^\n\x20-\x7e]/, "$name is harmless");
}

subtest 'hostile content' => sub {
    local $ENV{LC_ALL} = 'C';
    my $evil = "\e]0;title\a\e[31m\x{9b}31m\x{7f}\r\n\x{202e}\x{e9}\\";
    my $huge = 'x' x 1_000_000;
    my %notes = ($evil => $evil, huge => $huge, "nul\0" => "\0",
        map { ("n$_" => 'v') } 1 .. 100);
    my $bad = { %$index, annotations => \%notes, manifests => [
        { %{ $described[0] }, platform => { os => $evil, architecture => [1],
            variant => { deep => 1 }, 'os.version' => $evil } },
        { %{ $described[1] }, platform => [ $evil ] } ] };
    $client->push_manifest('team/app', 'evil', $bad);
    my $text = look('show', 'team/app:evil');
    harmless($text, 'a tree');
    like($text, qr/annotation huge: x{1000}\.\.\. \(1000000 bytes\)$/m,
        'a huge annotation is cut');
    like($text, qr/annotation\ \\x1b\]0;title\\x07\\x1b\[31m\\u\{9b\}31m\\x7f\\x0d
        \\x0a\\u\{202e\}\\u\{e9\}\\\\:\ /x, 'a control character is escaped');
    like($text, qr/and 53 more annotations$/m, 'not all of many are shown');
    my $json = look('show', '--json', 'team/app:evil');
    harmless($json, 'JSON');
    my ($tree) = objects($json);
    is_deeply($tree->{annotations}, \%notes, 'and has all that was pushed');
    is($tree->{children}[0]{platform}{os}, $evil, 'and the platform');
    push_referrer('team/app', 'evil', "evil/\x{9b}\x{e9}");
    harmless(look(@$_), "@$_") for [qw(show team/app:evil)],
        [qw(ls --referrers team/app)], [qw(ls --json --referrers team/app)];
    $ENV{LC_ALL} = 'C.UTF-8';
    like(look('show', 'team/app:evil'), qr/\\u\{202e\}\xc3\xa9\\\\/,
        'letters are shown in a locale of UTF-8');
    $client->delete("/v2/team/app/manifests/evil");
};

subtest 'deep and repeated nesting' => sub {
    my $text = $image{amd64}{text};
    $client->push_manifest('team/app', undef, $text);
    my $top;
    for my $level (1 .. 40) {
        my $document = image_index([ ($text) x 20 ]);
        $text = json_text($document);
        $top = $client->push_manifest('team/app', undef, $text);
    }
    my $shown = look('show', "team/app\@$top");
    is(scalar(() = $shown =~ /shown above/g), 19 * 30, 'each is shown once');
    like($shown, qr/nested too deeply to be shown/, 'and not too deeply');
    my ($tree) = objects(look('show', '--json', "team/app\@$top"));
    is($tree->{kind}, 'index', 'as JSON');
};

# ---- beside requests

# Push images and delete them, for some seconds.
sub push_and_delete {
    my $pusher = OCI::Client->new($server);
    my $end = time + 4;
    for (my $n = 0; time < $end || $n < 2; $n++) {
        my $image = $pusher->push_image('busy', 'v' . $n % 3,
            config => "{\"n\":$n}", layers => [ 'busy', "layer $n" ]);
        my $index = $pusher->push_manifest('busy', 'list',
            image_index([ $image->{text} ]));
        $pusher->delete("/v2/busy/manifests/$_") for $n % 4 ? () : 'list',
            $n % 3 ? () : ($image->{digest}, $index);
    }
    return;
}

subtest 'beside pushes and deletions' => sub {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $done = eval { push_and_delete(); 1 };
        POSIX::_exit($done ? 0 : 1);
    }
    my @faults;
    my ($runs, $ended, $status) = (0);
    until ($ended) {
        $ended = waitpid $pid, POSIX::WNOHANG();    # then once more
        $status = $?;
        for my $words (['ls'], [qw(ls busy)], [qw(ls --untagged busy)],
            [qw(show busy:list)], [qw(show busy:v1)], [qw(cat busy:v0)], ['du']) {
            my $run = ociadmin(@$words, @stores);
            $runs++;
            push @faults, "@$words: $run->{status} $run->{err}" if $run->{err} !~
                /\A(?:ociadmin:\ (?:there\ is\ no\ repository\ busy
                |the\ repository\ busy\ has\ no\ tag\ \w+
                |the\ tag\ \w+\ of\ busy\ was\ pushed\ meanwhile,\ .*)\n)?\z/x;
        }
    }
    is($status, 0, 'the requests succeed');
    cmp_ok($runs, '>', 0, 'and so do the commands');
    is("@faults", '', 'without a fault');
};

# ---- damage, and who pushed: what only facts can say

if ($on_fs) {
    subtest 'facts' => sub {
        my $digest = $client->push_image('facts', 'v1')->{digest};
        set_fact($store, 'repo/facts/_tag/user', "$digest;1700000000;a%20b%1b");
        set_fact($store, 'repo/facts/_tag/old', $digest);
        give_to_httpd($store);
        my $text = look('ls', 'facts');
        like($text, qr/^old +$digest +\S+  -  +-  +app/m, 'no time and no user');
        like($text, qr/^user +$digest +\S+  2023-11-14T22:13:20Z  a b\\x1b  app/m,
            'a user');
        set_fact($store, 'repo/facts/_tag/lost', "$absent;1;");
        set_fact($store, 'repo/facts/_tag/wrong', "x\ty;1;");
        give_to_httpd($store);
        my $run = ociadmin('ls', 'facts', @stores);
        is($run->{status}, 1, 'a tag without a manifest');
        like($run->{err}, qr{\Aociadmin:\ facts\@$absent:\ the\ repository\ has\ no
            \ such\ manifest\n
            ociadmin:\ facts\@x\\x09y:\ this\ is\ not\ a\ valid\ digest\n
            ociadmin:\ cannot\ read\ 2\ manifests\n\z}x, 'is reported');
        like($run->{out}, qr/^$_ /m, "$_ is listed") for qw(old lost user v1 wrong);
        prints(1, qr/the tag lost of facts names $absent, and there is no such man/,
            $_, 'facts:lost', @stores) for 'show', 'cat';
        my $path = "$store/index/repo/facts/_manifest/$digest";
        my $good = OCI::Server::slurp($path);
        set_fact($store, "repo/facts/_manifest/$digest", substr $good, 0, -1);
        give_to_httpd($store);
        prints(1, qr/_manifest\/$digest is damaged/, $_, 'facts:v1', @stores)
            for 'cat';
        like(prints(1, qr/cannot read 1 manifest/, 'show', 'facts:v1', @stores),
            qr/^manifest $digest \(.* is damaged; /, 'a damaged manifest');
        my ($hex) = digest_of('layer of facts') =~ /:(.*)/;
        my $blob = "$store/blobs/sha256/" . substr($hex, 0, 2) . "/$hex";
        open my $file, '+<', $blob or die "$blob: $!\n";
        print $file 'L';
        close $file;
        is(prints(1, qr/is damaged: its bytes, which were printed, have the digest/,
            'cat', "facts\@sha256:$hex", @stores), 'Layer of facts', 'wrong bytes');
        unlink $blob;
        prints(1, qr/\Q$hex\E is lost or cannot be read/, 'cat',
            "facts\@sha256:$hex", @stores);
    };

    subtest 'nothing is changed' => sub {
        make_path("$store/uploads");
        my $temporary = "$store/uploads/.old";
        open my $file, '>', $temporary or die "$temporary: $!\n";
        close $file;
        utime 1, 1, $temporary;
        give_to_httpd($store);
        my $before = snapshot();
        ociadmin(@$_, @stores) for ['ls'], [qw(ls team/app)], [qw(show team/app)],
            [qw(cat team/app)], ['du'], [qw(ls --untagged other)];
        is_deeply(snapshot(), $before, 'by none of them');
    };
}

# ---- a terminal

SKIP: {
    chomp(my $script = `sh -c 'command -v script'` // '');
    skip 'there is no script(1)', 1 if !$script;
    subtest 'on a terminal' => sub {
        my $on_terminal = sub {
            my $command = join ' ', map { "'$_'" } tool(), @_, @stores;
            return scalar `$script -qec "$command" /dev/null < /dev/null 2>&1`;
        };
        is($on_terminal->('cat', 'team/app:v1') =~ s/\r\n\z//r, json_text($index),
            'a manifest is printed');
        my $digest = $client->push_blob('other', "a\e[31mb");
        my $said = $on_terminal->('cat', "other\@$digest");
        like($said, qr/the content has control characters/, 'binary content');
        unlike($said, qr/\e/, 'is not');
    };
}

$server->stop;
done_testing;
