# SPDX-License-Identifier: Apache-2.0

# ociadmin copy: the arguments that it accepts and refuses, and that a registry
# on the copy serves what the original did.

use OCI::Test;

use File::Temp ();
use OCI::Admin;

my $TOP = File::Temp->newdir('mod_oci-copy-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
my $count = 0;

# A new path for an index.
sub place { "$TOP/" . ++$count }

# One test: the exit status, and the message on standard error.
sub ends {
    my ($run, $status, $sentence, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = ok($run->{status} eq $status && $run->{err} =~ $sentence,
        $name // "status $status: $sentence");
    diag("status $run->{status}: $run->{err}$run->{out}") if !$ok;
    return $ok;
}

# Two tests: it failed, with a message of one line.
sub fails {
    my ($run, $status, $sentence, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ends($run, $status, $sentence, $name);
    like($run->{err}, qr/\Aociadmin: [^\n]+\n\z/, '  in one line');
    return;
}

my $from = place();
make_index($from, 400);
my $facts = facts_of($from);

# ---- the command line

ends(ociadmin($_), 0, qr/\A\z/, $_) for qw(help --help --version);
like(ociadmin('help')->{out}, qr/^ociadmin copy .* FROM TO$/m, 'help names it');
is(ociadmin('--help')->{out}, ociadmin('help')->{out},
    '--help prints the same');
like(ociadmin('--version')->{out}, qr/\Aociadmin of mod_oci \d+\.\d+\.\d+, .*\n\z/,
    '--version prints one line');
fails(ociadmin({ output => '/dev/full' }, 'help'), 1, qr/standard output/);
fails(ociadmin(), 2, qr/no command given; see "ociadmin help"/);
fails(ociadmin('mail'), 2, qr/unknown command 'mail'/);
fails(ociadmin('copy', "fs $from"), 2, qr/takes two indexes/);
fails(ociadmin('copy', "fs $from", 'fs a', 'fs b'), 2, qr/takes two indexes/);
fails(ociadmin('copy', "fs $from", 'fs a', '--fast'), 2,
    qr/cannot use the option '--fast': copy expects --blobs, --config FILE, --f/);
fails(ociadmin('copy', "fs $from", 'fs a', '--user'), 2,
    qr/cannot use the option '--user': copy expects .* or --user NAME/);
for my $wrong (
    [ 'mail x', qr/unknown provider 'mail'; known providers: (?:\w+, )*fs\b/ ],
    [ '',       qr/unknown provider ''; known providers: / ],
    [ 'fs',      qr/needs a directory/ ],
    [ 'fs ',     qr/needs a directory/ ],
    [ 'fs:x y',  qr/has no types/ ],
) {
    fails(ociadmin('copy', $wrong->[0], "fs $from"), 2, $wrong->[1],
        "FROM '$wrong->[0]'");
    fails(ociadmin('copy', "fs $from", $wrong->[0]), 2, $wrong->[1],
        "TO '$wrong->[0]'");
}

# ---- a copy

my $run = ociadmin('copy', "fs $from", 'fs ' . (my $to = place()));
ends($run, 0, qr/\A\z/, 'a copy');
my $n = keys %$facts;
like($run->{out}, qr{\Acopied\ fs\ \Q$from\E/index\ to\ fs\ \Q$to\E/index:
    \ $n\ facts,\ \d+\ bytes,\ in\ [\d.]+\ s\n(root\ owns\ .*\n)?\z}x, 'its summary');
is_deeply(facts_of($to), $facts, 'the facts are the same');
is_deeply(facts_of($from), $facts, 'the source is unchanged');
like(ociadmin('copy', '--json', "fs $from", 'fs ' . place())->{out},
    qr/\A\{"facts": $n, "bytes": \d+, "seconds": [\d.]+\}\n\z/, '--json');

# ---- --online locks each repository, and frees memory after some of them

my $many = place();
make_index($many, 100);
for my $n (1 .. 2100) {
    set_fact($many, "catalog/m$n!", '');
    set_fact($many, "repo/m$n/_tag/v1", digest_of($n));
    set_fact($many, "repo/m$n/below/_tag/v1", digest_of($n)) if $n % 2;
}
ends(ociadmin('copy', '--online', "fs $many", 'fs ' . ($to = place())), 0,
    qr/\A\z/, '--online');
is_deeply(facts_of($to), facts_of($many), 'copies all facts');
unlink "$many/index/catalog/m1!", "$many/index/repo/m1/_tag/v1";
set_fact($many, "repo/m$_/_tag/v2", digest_of($_)) for 2, 1500, 2100;
fails(ociadmin('copy', '--online', "fs $many", "fs $to"), 1, qr/is not empty/);
ends(ociadmin('copy', '--online', '--force', "fs $many", "fs $to"), 0,
    qr/\A\z/, 'again, with --force');
is_deeply(facts_of($to), facts_of($many), 'copies what has changed');

mkdir "$TOP/with blanks ";
ends(ociadmin({ dir => $from }, 'copy', '--quiet', 'fs .',
    'fs   ../with blanks /b'), 0, qr/\A\z/, 'relative, with blanks');
is_deeply(facts_of("$TOP/with blanks /b"), $facts, 'to the right path');
ends(ociadmin({ dir => "$TOP" }, 'copy', "fs 'with blanks /b'",
    'fs "with blanks /c"'), 0, qr/\A\z/, 'quoted');
is_deeply(facts_of("$TOP/with blanks /c"), $facts, 'to the right path, too');

# ---- refusals

my $none = place();
fails(ociadmin('copy', "fs $none", 'fs ' . place()), 1,
    qr{cannot copy from fs \Q$none\E/index: No such file}, 'no source');
ok(!-e $none, 'it is not created');
mkdir $none;
fails(ociadmin('copy', "fs $none", 'fs ' . place()), 1,
    qr{No such file}, 'a directory without an index');
is_deeply([ glob "$none/*" ], [], 'no index is created in it');
make_index($none, 0);
fails(ociadmin('copy', "fs $none", 'fs ' . ($to = place())), 1,
    qr{cannot copy from fs \Q$none\E/index: it is empty}, 'an empty source');
ok(!-e $to, 'no target is created for it');
fails(ociadmin('copy', "fs $from", "fs $none/a/b"), 1,
    qr{cannot create the directory \Q$none\E/a/b: \Q$none\E/a does not exist});
fails(ociadmin('copy', "fs $from", "fs $from/../" . $from =~ s{.*/}{}r), 1,
    qr/the same index/, 'to itself');
symlink $from, ($to = place());
fails(ociadmin('copy', "fs $from", "fs $to"), 1, qr/is not empty/,
    'to itself by another name');
fails(ociadmin('copy', '--force', "fs $from", "fs $to"), 1,
    qr/the same index/, 'even with --force');
is_deeply(facts_of($from), $facts, 'the refusals change nothing');
fails(ociadmin('copy', '--user', 'no!body', "fs $from", 'fs ' . place()), 1,
    qr/--user: there is no user 'no!body' on this system/);

# ---- a target that is not empty

make_index($to = place(), 30);
set_fact($to, 'repo/other/_tag/v1', 'sha256:0');
set_fact($to, 'upload/1/x', 'a b');
set_fact($to, 'catalog/r1!', 'not this');
my $before = facts_of($to);
fails(ociadmin('copy', "fs $from", "fs $to"), 1,
    qr{\Q$to\E/index is not empty: use --force to replace its contents});
is_deeply(facts_of($to), $before, 'it is unchanged');
ends(ociadmin('copy', "fs $from", "fs $to", '--force'), 0, qr/\A\z/,
    'with --force');
is_deeply(facts_of($to), $facts, 'it equals the source');
ends(ociadmin('copy', '--force', "fs $from", "fs $to"), 0, qr/\A\z/,
    'a second time');
is_deeply(facts_of($to), $facts, 'it still equals the source');

# ---- marks

make_index($to = place(), 30);
set_fact($to, 'copy', "fs /elsewhere/index\nrepo/z");
fails(ociadmin('copy', "fs $from", "fs $to"), 1,
    qr{holds an unfinished copy of fs /elsewhere/index: finish that copy, or});
fails(ociadmin('copy', "fs $to", 'fs ' . place()), 1,
    qr{cannot copy from fs \Q$to\E/index: it is an unfinished copy});
ends(ociadmin('copy', '--force', "fs $from", "fs $to"), 0, qr/\A\z/,
    '--force replaces an unfinished copy of another index');
is_deeply(facts_of($to), $facts, 'from its first key on');
make_index($to = place(), 0);
set_fact($to, 'copy', "fs $from/index\n");
ends(ociadmin('copy', "fs $from", "fs $to"), 0, qr/\A\z/,
    'an index that holds only a mark');
is_deeply(facts_of($to), $facts, 'is continued like any copy');

# ---- an index of version 1 is raised, and its values stay

make_index(my $old = place(), 200, 1);
my $values = facts_of($old);
ends(ociadmin('copy', "fs $old", 'fs ' . ($to = place())), 0, qr/\A\z/,
    'an index of version 1');
is_deeply(facts_of($to), $values, 'is copied as it is');
is(OCI::Server::slurp("$_/index/.version"), "mod_oci index 2\n",
    'it has version 2') for $old, $to;
is_deeply(facts_of($old), $values, 'with the values of before');
make_index($to = place(), 0, 1);
ends(ociadmin('copy', "fs $from", "fs $to"), 0, qr/\A\z/,
    'to an index of version 1');
is(OCI::Server::slurp("$to/index/.version"), "mod_oci index 2\n",
    'it has version 2, too');

# ---- memory

SKIP: {
    skip 'sanitizers need more memory', 2 if OCI::Server->sanitized;
    make_index(my $large = place(), 0);
    my $manifests = 'index/repo/a/_manifest';
    set_fact($large, "repo/a/_manifest/v$_", '') for 1 .. 6;
    for my $value (1 .. 6) {
        open my $file, '>', "$large/$manifests/v$value" or die "$large: $!\n";
        truncate $file, 64 << 20 or die "$large: $!\n";
    }
    $to = place();
    my $tool = tool();
    my $output = `ulimit -v 200000; exec $tool copy 'fs $large' 'fs $to' 2>&1`;
    is($?, 0, 'values of 384 MiB in total are copied with 200 MB of memory')
        or diag($output);
    is((-s "$to/$manifests/v6") // 0, 64 << 20, 'the last one is complete');
    system 'rm', '-rf', $to, $large;
}

# ---- owners

SKIP: {
    skip 'only root can give files away', 7 if $>;
    my $user = OCI::Server::user();
    my ($other) = grep { $_ ne $user && defined getpwnam $_ } qw(nobody daemon);
    my $owners = sub {
        my %uid = map { (lstat)[4] => 1 } split /\n/, `find $_[0]/index`;
        return join ' ', map { scalar getpwuid $_ } sort keys %uid;
    };
    ociadmin('copy', "fs $from", 'fs ' . ($to = place()));
    is($owners->($to), 'root', "FROM's owner");
    mkdir $to = place();
    chown scalar getpwnam($other), -1, $to;
    ociadmin('copy', "fs $from", "fs $to");
    is($owners->($to), $other, "the owner of TO's directory");
    give_to_httpd($from);
    ociadmin('copy', "fs $from", 'fs ' . ($to = place()));
    is($owners->($to), $user, "FROM's owner, who is not root");
    ociadmin('copy', '--user', $other, "fs $from", 'fs ' . ($to = place()));
    is($owners->($to), $other, '--user');
    is_deeply(facts_of($to), $facts, 'with all facts');
    make_index($to = place(), 0);
    fails(ociadmin('copy', '--user', $other, "fs $from", "fs $to"), 1,
        qr{the user \S+ cannot read and change \Q$to\E/index, which has},
        'ociadmin does not write where httpd could not');
}

# ---- a registry

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my @paths = ('/v2/_catalog', '/v2/_catalog?n=2');
for my $repo (qw(a a/b c-d library/e)) {
    my $image = $client->push_image($repo, 'v1');
    $client->push_manifest($repo, $_, $image->{text}) for qw(v2 latest);
    my $subject = { mediaType => IMAGE_MANIFEST, digest => $image->{digest},
                    size => length $image->{text} };
    my @signed = map { $client->push_image($repo, undef, subject => $subject,
        artifactType => "text/$_")->{digest} } 1 .. 3;
    push @paths, "/v2/$repo/tags/list", "/v2/$repo/tags/list?n=2",
        "/v2/$repo/referrers/$image->{digest}",
        map({ "/v2/$repo/manifests/$_" } qw(v1 v2 latest none),
            $image->{digest}, @signed),
        map { "/v2/$repo/blobs/$_->{digest}" }
            @{ $client->get("/v2/$repo/manifests/v1")->json->{layers} };
}
my $bytes = random_bytes(5000, 'session');
my $session = $client->start_upload('a');
status_is($client->patch($session, substr $bytes, 0, 2000), 202);

# All responses that a client can get.
sub seen {
    my $reader = OCI::Client->new($server);
    return { map { my $res = $reader->get($_); $_ => [ $res->status,
        map({ $res->header($_) } qw(Content-Type Content-Length ETag Link
            Docker-Content-Digest)), $res->body ] } @paths };
}

my $seen = seen();
is(scalar(grep { $_->[0] == 200 } values %$seen), @paths - 4, 'a registry');
$server->halt;
$facts = facts_of($server->store);
$to = $server->dir . '/copy';
ends(ociadmin('copy', 'fs ' . $server->store, "fs $to"), 0, qr/\A\z/,
    'is copied');
is_deeply(facts_of($to), $facts, 'with all its facts');
rename $server->store . '/index', $server->dir . '/away';
$server->set(config => "OCIIndex fs $to");
$server->again;
$client = OCI::Client->new($server);
is_deeply(seen(), $seen, 'clients get the same responses');
status_is($client->patch($session, substr $bytes, 2000, 1000), 202,
    'an upload continues');
status_is($client->put(with_query($session, 'digest=' . digest_of($bytes)),
    substr $bytes, 3000), 201, 'and ends');
$client->push_image('new', 'v1');
$client->push_manifest('a', 'v3', $client->get('/v2/a/manifests/v1')->body);
is_deeply($client->get('/v2/a/tags/list')->json->{tags},
    [qw(latest v1 v2 v3)], 'new tags are listed with the old');
$server->stop;

# ---- an unfinished copy is not served

make_index($to = place(), 0);
set_fact($to, 'copy', "fs $from/index\nrepo/r1/_tag");
give_to_httpd($to);
my $id = '0123456789abcdef' x 2;
set_fact($from, 'store', $id);
$server = OCI::Server->start(config => "OCIIndex fs $to",
    store => make_blobs(place(), $id));
$server->expects(qr{oci:error\].*\Q$to\E/index\ holds\ an\ unfinished\ copy:\ run
    \ "ociadmin\ copy"\ again}x);
$client = OCI::Client->new($server);
error_is($client->get($_), 503, 'UNAVAILABLE', qr/being moved/, "GET $_")
    for '/v2/', '/v2/_catalog', '/v2/r1/tags/list', '/v2/r1/manifests/v1';
error_is($client->post('/v2/r1/blobs/uploads/'), 503, 'UNAVAILABLE');
ends(ociadmin('copy', "fs $from", "fs $to"), 0, qr/\A\z/, 'it is finished');
status_is($client->get("/v2/$_/tags/list"), 200, 'it is served') for qw(r1 r9);
$server->stop;

# ---- installed

my $root = place();
my $log = `cd $OCI::Server::TOP && env -u MAKEFLAGS -u MAKELEVEL make \\
    -f Makefile.apxs install DESTDIR=$root 2>&1`;
is($?, 0, 'make install') or diag($log);
my $installed = $root . OCI::Server::apxs('SBINDIR') . '/ociadmin';
like(`$installed --version`, qr/^ociadmin of mod_oci/, 'installs ociadmin');

done_testing;
