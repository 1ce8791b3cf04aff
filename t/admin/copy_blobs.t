# SPDX-License-Identifier: Apache-2.0

# ociadmin copy --blobs: a copy that is finished, killed, interrupted or refused,
# and a registry that goes on with the copy.

use OCI::Test;

use Fcntl qw(LOCK_EX);
use File::Find ();
use File::Path ();
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::Disk;

# Some commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $TOP = File::Temp->newdir('mod_oci-blobs-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
give_to_httpd("$TOP");
my $count = 0;
my $MANY = 800;

sub place { "$TOP/" . ++$count }

sub spew {
    my ($path, $text) = @_;
    give_to_httpd(OCI::Server::spew($path, $text));
    return;
}

sub copy {
    my ($from, $to, @options) = @_;
    my $run = ociadmin('copy', '--blobs', '--json', @options, "fs $from",
        "fs $to");
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# The blobs of a store: what their files hold, by their paths.
sub blobs_of {
    my $dir = shift;
    my %blobs;
    File::Find::find({ no_chdir => 1, wanted => sub {
        $blobs{s{^\Q$dir/\E}{}r} = OCI::Server::slurp($_)
            if -f && !m{/\.[^/]*\z};
    } }, "$dir/blobs");
    return \%blobs;
}

sub id_of { OCI::Server::slurp("$_[0]/blobs/.id") =~ s/\n\z//r }

# The path of a blob below its store.
sub locator_of {
    my ($algorithm, $hex) = split /:/, shift;
    return "blobs/$algorithm/" . substr($hex, 0, 2) . "/$hex";
}

# A blob store with blobs of these contents, which no index knows.
sub store_of {
    my $dir = make_blobs(place(), '0123456789abcdef' x 2);
    spew("$dir/blobs/.version", "mod_oci blob store 1\n");
    for my $bytes (@_) {
        my $path = "$dir/" . locator_of(digest_of($bytes));
        File::Path::make_path($path =~ s{/[^/]+\z}{}r);
        spew($path, $bytes);
    }
    give_to_httpd($dir);
    return $dir;
}

# Begin a copy in a separate process.
sub begin {
    my ($from, $to) = @_;
    return OCI::Process->start(output => "$to.out",
        command => [ tool(), 'copy', '--blobs', "fs $from", "fs $to" ]);
}

# ---- a registry

my $server = OCI::Server->start;
my $client = OCI::Client->new($server);
my $from = $server->store;
my @images = map { $client->push_image("r$_", 'v1', config => qq({"n":$_}),
    layers => [ "layer $_", random_bytes(300_000, $_) ]) } 1 .. 5;
my $other = $client->push_blob('r1', 'another algorithm', 'sha512');
$client->push_blob('r1', '');
my $session = $client->start_upload('r1');
status_is($client->patch($session, 'some bytes'), 202, 'an upload begins');

my $to = place();
my $run = copy($from, $to);
my $blobs = keys %{ blobs_of($from) };
is($blobs, 17, 'there are blobs');
run_is($run, 0, qr/\A\z/, 'all blobs are copied beside the server',
    blobs => $blobs, present => 0, gone => 0, skipped => 0);
is_deeply(blobs_of($to), blobs_of($from), 'the blobs are the same');
ok(exists blobs_of($to)->{ locator_of($other) }, 'also those of SHA-512');
is(id_of($to), id_of($from), 'the copy has the id of its original');
is_deeply([ glob "$to/uploads/{*,.[a-z]*}" ], [], 'uploads are not copied');
ok(!-e "$to/blobs/.index", 'it belongs to no index yet');

push @images, $client->push_image('r6', 'v1', layers => ['layer 6']);
like(ociadmin('copy', '--blobs', "fs $from", "fs $to")->{out}, qr{\A
    copied\ \Q$from\E\ to\ \Q$to\E:\ 2\ blobs,\ 9\ bytes,\ in\ [\d.]+\ s\n
    $blobs\ blobs\ there\ already\n\z}x, 'a second run copies what is new');
run_is(copy($from, $to), 0, qr/\A\z/, 'a third run copies nothing',
    blobs => 0, bytes => 0, present => $blobs + 2);

# A file that a power failure has cut is not taken for the blob.
my $path = locator_of($other);
spew("$to/$path", 'cut');
run_is(copy($from, $to), 0, qr/\A\z/, 'a file of another size is replaced',
    blobs => 1, bytes => 17);
is_deeply(blobs_of($to), blobs_of($from), 'the blobs are the same again');

SKIP: {
    skip 'only root can give files away', 3 if $>;
    my %uid = map { (stat)[4] => 1 } split /\n/, `find $to`;
    is(join(' ', map { scalar getpwuid $_ } keys %uid), OCI::Server::user(),
        'root gives the copy to the user of its original');
    my ($other) = grep { $_ ne OCI::Server::user() && defined getpwnam $_ }
        qw(nobody daemon);
    mkdir my $theirs = place();
    chown scalar getpwnam $other, -1, $theirs;
    run_is(copy($from, $theirs, '--user', $other), 0, qr/\A\z/, '--user');
    %uid = map { (stat)[4] => 1 } split /\n/, `find $theirs`;
    is(join(' ', map { scalar getpwuid $_ } keys %uid), $other,
        'names another user');
}

# ---- the registry goes on with the copy

# The index stays where it is.
$server->set(config => "OCIBlobStore fs $to\nOCIIndex fs $from");
$server->restart;
$client = OCI::Client->new($server);
for my $n (1 .. 6) {
    is($client->get("/v2/r$n/manifests/v1")->body, $images[ $n - 1 ]{text},
        "r$n: the manifest");
    is_deeply([ grep { digest_of($client->get("/v2/r$n/blobs/$_")->body) ne $_ }
        map { $_->{digest} } $images[ $n - 1 ]{document}{config},
            @{ $images[ $n - 1 ]{document}{layers} } ], [], "r$n: the blobs");
}
$client->push_image('new', 'v1');
error_is($client->patch($session, 'more', 'Content-Range' => '10-13'), 404,
    'BLOB_UPLOAD_UNKNOWN', undef, 'an upload begins again');
$server->allows(qr/upload/);
run_is(ociadmin('check', '--digests', '--store', "fs $to", '--index',
    "fs $from"), 0, qr/\A\z/, 'check finds nothing');
run_is(copy($from, $to), 1,
    qr/\Q$to\E: a registry has used it since it was copied; name a new dir/,
    'a copy that is in use is refused');
$server->halt;

# ---- what is refused

my $empty = place();
mkdir $empty or die;
my $used = store_of('a');
spew("$used/blobs/.id", 'another id');
my $nameless = store_of('a');
unlink "$nameless/blobs/.id";
my $unfinished = store_of();
spew("$unfinished/blobs/.id", 'unfinished copy of another');
my $newer = place();
mkdir $newer;
mkdir "$newer/blobs";
spew("$newer/blobs/.version", "mod_oci blob store 2\n");
give_to_httpd($newer);
symlink $from, (my $alias = place());
for my $case (
    [ $empty, 'x', qr/cannot copy from \S+: (?:it has no id|No such file)/ ],
    [ place(), 'x', qr/cannot copy from \S+: No such file/ ],
    [ $nameless, 'x', qr/cannot copy from \S+: it has no id, so no registry/ ],
    [ $unfinished, 'x', qr/cannot copy from \S+: it is an unfinished copy/ ],
    [ $from, $from, qr/the same blob store/ ],
    [ $from, $alias, qr/the same blob store/ ],
    [ $from, $used, qr/cannot copy to \S+: it is another blob store; name a/ ],
    [ $from, $nameless, qr/cannot copy to \S+: it has blobs and no id; name a/ ],
    [ $from, $unfinished, qr/it is an unfinished copy of another blob store/ ],
    [ $from, $newer, qr/newer/ ],
    [ $from, "$TOP/no/such/dir", qr{$TOP/no/such does not exist} ],
) {
    my ($source, $target, $sentence) = @$case;
    $target = "$TOP/$target" if $target !~ m{^/};
    my $before = -d "$target/blobs" && blobs_of($target);
    my $id = id_of($target);
    run_is(copy($source, $target), 1, qr/\Aociadmin: [^\n]*$sentence[^\n]*\n\z/,
        "refused: $sentence");
    is_deeply([ id_of($target), -d "$target/blobs" && blobs_of($target) ],
        [ $id, $before ], '  TO is as before');
}
ok(!-e "$TOP/x", 'no TO was made for a FROM that was refused');
for my $case ([ qr/copy --blobs takes two blob stores/, "fs $from" ],
    [ qr/--force and --online are for an index/, '--force', "fs $from", 'fs x' ],
    [ qr/unknown provider 'dbm'/, "fs $from", 'dbm:db x' ]) {
    my ($sentence, @words) = @$case;
    run_is(ociadmin('copy', '--blobs', @words), 2, $sentence, $sentence);
}

run_is(ociadmin('copy', '--index', 'fs a', 'fs b', 'fs c'), 2,
    qr/--index needs --blobs/, '--index without --blobs');
make_index(my $foreign = place(), 0);
set_fact($foreign, 'store', 'another id');
give_to_httpd($foreign);
for my $case ([ $foreign, qr/the index \S+ \S+ does not belong to \Q$from\E/ ],
    [ place(), qr/cannot use the index \S+ \S+: No such file/ ]) {
    my ($place, $sentence) = @$case;
    run_is(copy($from, "$TOP/x", '--index', "fs $place"), 1, $sentence,
        $sentence);
}
ok(!-e "$TOP/x", 'no TO was made for an index that was refused');

# ---- only the blobs that an index records

my $lost = "$from/" . locator_of(digest_of('lost'));
File::Path::make_path($lost =~ s{/[^/]+\z}{}r);
spew($lost, 'lost');
run_is(copy($from, place(), '--index', "fs $from"), 0, qr/\A\z/, '--index',
    blobs => 19, unnamed => 1);
unlink $lost;

# ---- a damaged blob

my $damaged = $images[0]{document}{layers}[1]{digest};
my $right = OCI::Server::slurp("$from/" . locator_of($damaged));
spew("$from/" . locator_of($damaged), 'x' . substr $right, 1);
$to = place();
$blobs = keys %{ blobs_of($from) };
$run = copy($from, $to);
run_is($run, 1, qr{skipped:\ \Q$from\E/\S+:\ its\ bytes\ have\ another\ digest;\ push
    .*stays\ an\ unfinished\ copy,\ which\ httpd\ refuses\n\z}xs,
    'a damaged blob is reported', blobs => $blobs - 1, skipped => 1);
ok(!-e "$to/" . locator_of($damaged), 'and not copied');
is_deeply([ glob "$to/uploads/{*,.[a-z]*}" ], [], 'no part of it is left');
$server->set(config => "OCIBlobStore fs $to\nOCIIndex fs $from");
$server->expects(qr/\Q$to\E is an unfinished copy: run "ociadmin copy --blobs"/);
$server->allows(qr/^AH00016: Configuration Failed/);
ok(!eval { $server->again; 1 }, 'httpd refuses an unfinished copy');
like($server->log, qr/oci:emerg\].* is an unfinished copy/, 'and says so');
for my $command (qw(gc check ls)) {
    run_is(ociadmin($command, '--store', "fs $to", '--index', "fs $from"), 1,
        qr/is an unfinished copy/, "ociadmin $command, too");
}
spew("$from/" . locator_of($damaged), $right);
run_is(copy($from, $to), 0, qr/\A\z/, 'the same command finishes the copy',
    blobs => 1, present => $blobs - 1, skipped => 0);
is_deeply(blobs_of($to), blobs_of($from), 'then it is complete');
$server->again;
is(OCI::Client->new($server)->get('/v2/r1/manifests/v1')->body,
    $images[0]{text}, 'and is served');
$server->stop;

# ---- an empty index does not take an unfinished copy for a new store

mkdir my $other_index = place();
give_to_httpd($other_index);
my $first = store_of();
spew("$first/blobs/.id", 'unfinished copy of nothing');
$server = OCI::Server->start(location => '');
$server->halt;
$server->set(location => "SetHandler oci-registry\nRequire all granted\n"
    . "OCIBlobStore fs $first\nOCIIndex fs $other_index");
$server->expects(qr/\Q$first\E is an unfinished copy/);
$server->allows(qr/^AH00016: Configuration Failed/);
ok(!eval { $server->again; 1 }, 'an empty index refuses it, too');
$server->stop_quietly;

# ---- killed and interrupted

my $many = store_of(map { "blob $_" } 1 .. $MANY);
my $all = blobs_of($many);

# Wait until some blobs are copied, and return how many.
sub wait_for_blobs {
    my ($copy, $to) = @_;
    my $found = 0;
    $copy->wait_for(sub { ($found = () = glob "$to/blobs/sha256/*/*") > 20 });
    return $found;
}

for my $signal (qw(KILL TERM)) {
    my ($to, $copy);
    for my $try (1 .. 20) {
        $to = place();
        $copy = begin($many, $to);
        wait_for_blobs($copy, $to);
        $copy->signal($signal);
        $copy->wait_for(sub { 0 });
        last if $copy->{status};    # it had not finished before the signal
    }
    my $found = keys %{ blobs_of($to) };
    cmp_ok($found, '<', $MANY, "SIG$signal ends a copy early");
    is(id_of($to), 'unfinished copy of ' . '0123456789abcdef' x 2,
        'its id says that it is unfinished');
    like(OCI::Server::slurp("$to.out"), qr/interrupted; run the same command/,
        'a sentence says how to go on') if $signal ne 'KILL';
    run_is(copy($many, $to), 0, qr/\A\z/, 'the same command finishes it',
        blobs => $MANY - $found, present => $found);
    is_deeply(blobs_of($to), $all, 'then it is complete');
    is_deeply([ glob "$to/uploads/{*,.[a-z]*}" ], [], 'nothing is left over');
}

# ---- blobs that vanish, and two copies at once

$to = place();
my $some = store_of(map { "blob $_" } 1 .. 200);
my @paths = sort keys %{ blobs_of($some) };
my $copy = begin($some, $to);
$copy->wait_for(sub { -e "$to/$paths[0]" });
$copy->freeze;
my $was_early = !-e "$to/$paths[-1]";
unlink "$some/$paths[-1]";
$copy->signal('CONT');
$copy->wait_for(sub { 0 });
is($copy->{status}, 0, 'a blob that vanishes is stepped over');
my $said = OCI::Server::slurp("$to.out");
SKIP: {
    skip 'the copy was too fast', 1 if !$was_early;
    like($said, qr/^1 blob deleted from \Q$some\E meanwhile$/m, 'and counted');
}
is(id_of($to), id_of($some), 'the copy is complete');

$to = place();
run_is(copy(store_of('first'), $to), 0, qr/\A\z/, 'a copy');
open my $claim, '>', "$to/uploads/copy" or die;
give_to_httpd("$to/uploads/copy");
flock $claim, LOCK_EX or die;
run_is(copy(store_of('first', 'second'), $to), 1,
    qr/another copy to \Q$to\E is running/, 'a second copy at the same time');
close $claim;

# ---- a full disk

SKIP: {
    my $disk = small_disk('tmpfs', 'size=1m') or skip('cannot mount', 4);
    my $large = store_of('a', random_bytes(2_000_000));
    run_is(copy($large, "$disk/store"), 1,
        qr/cannot write to \S+: No space left on device/, 'a full disk');
    is_deeply([ glob "$disk/store/uploads/{*,.[a-z]*}" ], [],
        'the space is free again');
    system "mount -o remount,size=8m $disk";
    run_is(copy($large, "$disk/store"), 0, qr/\A\z/, 'with more space');
    is_deeply(blobs_of("$disk/store"), blobs_of($large), 'it is finished');
}

done_testing;
