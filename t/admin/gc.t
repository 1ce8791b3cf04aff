# SPDX-License-Identifier: Apache-2.0

# ociadmin gc: its arguments and its output, what it refuses, what it skips, and
# what happens when it is interrupted.  t/store/gc.t has what is collected.

use OCI::Test;

use File::Find ();
use File::Path qw(make_path);
use JSON::PP ();
use OCI::Admin;
use POSIX ();
use Time::HiRes qw(sleep);

my $DAY = 86_400;

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $server = OCI::Server->start(config => 'OCIIndex fs @DIR@/facts');
my $client = OCI::Client->new($server);
my $store = $server->store;
my $facts = $server->dir . '/facts';
my @stores = ("fs $store", "fs $facts");
my $uploads = 0;

# One test: these arguments are refused.
sub refuses {
    my ($status, $sentence, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return run_is(ociadmin('gc', @words), $status, $sentence, "gc @words");
}

# Run, and return what ociadmin() does, with the report in report.
sub collect {
    my $run = ociadmin('gc', '--json', '--quiet', @_, @stores);
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# Everything below a directory, with its content and times; locks are files
# whose bytes never change.
sub snapshot {
    my %found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        my @stat = lstat;
        $found{$_} = join ' ', @stat[ 1, 2, 3, 4, 5 ], -d _ ? '' : @stat[ 7, 9 ],
            -l $_ ? readlink : -f _ ? digest_of(OCI::Server::slurp($_)) : '';
    } }, @_);
    return \%found;
}

sub spew {
    my ($path, $text, $time) = @_;
    make_path($path =~ s{/[^/]+\z}{}r);
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file;
    utime $time, $time, $path if $time;
    give_to_httpd($store);
    return $path;
}

# The path of a blob's bytes.
sub blob_file {
    my $digest = shift;
    my ($algorithm, $hex) = split /:/, $digest;
    return "$store/blobs/$algorithm/" . substr($hex, 0, 2) . "/$hex";
}

# ---- the command line

refuses(2, qr/gc takes a blob store: write --store 'fs DIR', and --index INDEX/);
refuses(2, qr/gc takes a blob store/, 'fs a', 'fs b', 'fs c');
refuses(2, qr/cannot use the option '--fast': gc expects --dry-run, --change/,
    '--fast', @stores);
refuses(2, qr/--grace: 'soon' is not a number of seconds, 0 to 2147483647/,
    '--grace', 'soon', @stores);
refuses(2, qr/--grace: '$_' is not/, '--grace', $_, @stores) for -1, '';
refuses(2, qr/--upload-expiry: '1d' is not a number of seconds/,
    '--upload-expiry', '1d', @stores);
refuses(2, qr/--upload-expiry: '59' is not a number of seconds, 60 to 2147483647/,
    '--upload-expiry', 59, @stores);
refuses(2, qr/unknown provider 'mail'; known providers: [\w, ]+; see/, 'mail x');
refuses(2, qr{unknown\ provider\ '\Q$store\E';\ known\ providers:\ [\w,\ ]+;\ write\ the
    \ store\ as\ one\ argument\ such\ as\ 'fs\ DIR'}x, $store);
refuses(2, qr/unknown provider 'mail'/, 'fs x', 'mail x');
refuses(2, qr/--index needs --store/, '--index', "fs $facts");
refuses(2, qr/gc has stores after its options, and more as its last arguments/,
    '--store', @stores);
refuses(1, qr{\Q$store\E is not a blob store that a registry has used: it has no},
    @stores);
status_is($client->get('/v2/'), 200);
refuses(1, qr{\Q$store\E/blobs is not a blob store that a registry has used: },
    "fs $store/blobs");
refuses(1, qr{cannot\ use\ the\ index\ fs\ \Q$store\E/index:\ No\ such\ file\ or
    \ directory;\ name\ the\ index\ that\ belongs\ to\ the\ blob\ store}x, "fs $store");
refuses(1, qr{cannot use the index dbd:sqlite3 \Q$store\E/x: No such file},
    "fs $store", "dbd:sqlite3 $store/x");
is_deeply([ grep { !m{/(?:blobs|uploads)$} } glob "$store/*" ], [],
    'none of them creates an index');
is_deeply([ glob "$store/blobs/*/" ], [], 'nor a blob store');
like(ociadmin('help')->{out}, qr/^ociadmin gc (?:.*\n){2}.* STORES$/m,
    'help names it');
subtest 'help' => sub {
    for my $words (['--help'], [ '--dry-run', '--help', @stores ]) {
        my $run = ociadmin('gc', @$words);
        run_is($run, 0, qr/\A\z/, "gc @$words");
        like($run->{out}, qr/\Aociadmin gc /, 'prints the help of gc');
        unlike($run->{out}, qr/^ociadmin copy/m, 'and of no other command');
        my ($synopsis) = $run->{out} =~ /\A(.*? STORES\n)/s;
        for my $option ($run->{out} =~ /^      (--[-a-z]+)/mg) {
            like($synopsis // '', qr/\[\Q$option\E[ \]]/, "the synopsis has $option");
        }
    }
    like(ociadmin('copy', '--help')->{out}, qr/\Aociadmin copy /, 'copy --help');
};

SKIP: {
    skip 'only root can change users', 1 if $>;
    my ($other) = grep { $_ ne OCI::Server::user() && defined getpwnam $_ }
        qw(nobody daemon);
    my $program = tool();
    my $said = `su -s /bin/sh $other -c "$program gc 'fs $store' 'fs $facts'" 2>&1`;
    like($said, qr{\Aociadmin:\ cannot\ use\ \Q$store\E:\ Permission\ denied;\ run
        \ it\ as\ root\ or\ as\ the\ owner\ of\ \Q$store\E\n\z}x,
        'another user is told who may run it');
}

# ---- output

subtest 'the report' => sub {
    $client->push_blob('out', 'x' x 3000);
    my $run = ociadmin('gc', @stores);
    is($run->{err}, '', 'no progress of a short run');
    like($run->{out}, qr{\A1\ repository\ reviewed\ in\ \d+\.\d\ s\n
        0\ tags\ and\ 0\ manifests\ deleted\ by\ rules\n
        1\ blob\ condemned,\ 0\ condemned\ earlier\ and\ still\ waiting\n
        0\ blobs\ taken\ out\ of\ repositories\n
        0\ blobs\ and\ 0\ uploads\ deleted,\ 0[^\n]*\ freed\n
        0\ empty\ repositories\ removed\n\z}x, 'as text');
    $run = ociadmin('gc', '--dry-run', '--grace', 0, @stores);
    like($run->{out}, qr{^1\ blob\ and\ 0\ uploads\ would\ be\ deleted,
        \ \S+\ \w+\ would\ be\ freed$}mx, 'of a dry run');
    is(ociadmin('gc', '--dry-run', '--grace', 0, '--store', $stores[0], '--index',
        $stores[1])->{out} =~ s/in \S+ s$//mr, $run->{out} =~ s/in \S+ s$//mr,
        'the stores may also be written after options');
    $run = collect('--grace', 0);
    like($run->{out}, qr/\A[^\n]+\n\z/, 'as one line of JSON');
    my $seconds = delete $run->{report}{seconds};
    like($seconds, qr/^\d+\.?\d*$/, 'with the time it took');
    is_deeply($run->{report}, { dryRun => JSON::PP::false, repositories => 1,
        condemned => 0, waiting => 0, collected => 1, blobs => 1, uploads => 0,
        tags => 0, manifests => 0, emptied => 1, bytes => 3000, skipped => 0 },
        'and its numbers');
};

subtest 'a dry run changes nothing' => sub {
    $client->push_blob('dry/run', $_) for 'one', 'two';
    collect();
    $client->push_blob('dry/run', 'three');
    $client->delete('/v2/dry/run/blobs/' . digest_of('two'));
    my $location = $client->start_upload('dry/run');
    $client->patch($location, 'upload');
    spew(blob_file(digest_of('no record')), 'no record', 1);
    utime time - 120, time - 120, glob "$store/uploads/*";
    my $before = snapshot($store, $facts);
    my @told = map { collect('--dry-run', @$_) }
        [], [ '--grace', 0, '--upload-expiry', 60 ];
    run_is($told[0], 0, qr/\A\z/, 'what it tells', condemned => 1, waiting => 1,
        collected => 0, blobs => 2, bytes => 12);
    run_is($told[1], 0, qr/\A\z/, 'without a grace', collected => 2, blobs => 4,
        uploads => 1, bytes => 26);
    is_deeply(snapshot($store, $facts), $before, 'the store is the same');
    run_is(collect('--grace', 0, '--upload-expiry', 60), 0, qr/\A\z/,
        'a run does that', collected => 2, blobs => 4, uploads => 1, bytes => 26,
        emptied => 1);
};

subtest 'rules are words as in httpd' => sub {
    $client->push_image('words/a', $_) for 'v1.2', 'v1x2';
    my @run = ('gc', '--dry-run', '--quiet', '--repository', 'words/*');
    for my $rule ('words/** tags=v[0-9]+\.[0-9]+',
        qq(  "words/**"\t'tags=v[0-9]+\\.[0-9]+' )) {
        my $run = ociadmin(@run, '--retain', $rule, @stores);
        is_deeply([ $run->{out} =~ /^words\/a:(\S+) would be deleted: /mg ],
            ['v1x2'], $rule) or diag($run->{err}, $run->{out});
    }
    for my $rule ('words/** tags=v\d+', '"words/**" "tags=v\d+"') {
        my $run = ociadmin(@run, '--retain', $rule, @stores);
        run_is($run, 2, qr/--retain: .*\\d/, $rule);
        my $refusing = eval { OCI::Server->start(config => "OCIRetain $rule") };
        ok(!$refusing, 'httpd refuses it, too');
        $refusing->stop if $refusing;
    }
    $client->delete("/v2/words/a/manifests/$_") for map {
        $client->get("/v2/words/a/manifests/$_")->header('Docker-Content-Digest')
    } 'v1.2';
    collect('--grace', 0);
};

subtest '--repository' => sub {
    $client->push_blob($_, "only $_") for qw(team/a team/b/c other);
    for my $case ([ 'team/*', 1 ], [ 'team/**', 1 ], [ 'nobody', 0 ],
        [ 'other', 1 ]) {
        my ($glob, $collected) = @$case;
        run_is(collect('--grace', 0, '--repository', $glob), 0, qr/\A\z/, $glob,
            repositories => $collected, collected => $collected,
            blobs => $collected);
    }
    is_deeply($client->get('/v2/_catalog')->json->{repositories}, [],
        'all are gone');
};

# ---- what cannot be examined

subtest 'a damaged manifest' => sub {
    my %image = map {
        $_ => $client->push_image("damaged/$_", 'v1', layers => ["layer of $_"])
    } qw(a b c);
    $client->push_blob("damaged/$_", "garbage of $_") for qw(a b c);
    my $path = "$facts/index/repo/damaged/b/_manifest/$image{b}{digest}";
    my $good = OCI::Server::slurp($path);
    spew($path, substr $good, 0, -1);
    give_to_httpd($facts);
    my $run = collect('--grace', 0);
    run_is($run, 1, qr{\Aociadmin:\ skipped:\ [^\n]*damaged/b/_manifest/
        \Q$image{b}{digest}\E[^\n]*\n
        ociadmin:\ not\ everything\ could\ be\ examined\n\z}x,
        'its repository is skipped', skipped => 1, collected => 2, blobs => 2);
    status_is($client->get("/v2/damaged/b/blobs/" . digest_of($_)), 200,
        "'$_' is there") for 'layer of b', 'garbage of b';
    error_is($client->get("/v2/damaged/$_/blobs/" . digest_of("garbage of $_")),
        404, 'BLOB_UNKNOWN', undef, "damaged/$_ is done") for qw(a c);
    spew($path, $good);
    give_to_httpd($facts);
    run_is(collect('--grace', 0), 0, qr/\A\z/, 'when it is repaired, it is done',
        skipped => 0, collected => 1, blobs => 1);
    is($client->get('/v2/damaged/b/manifests/v1')->body, $image{b}{text},
        'the image is whole');
    $client->delete("/v2/damaged/$_/manifests/$image{$_}{digest}") for qw(a b c);
    run_is(collect('--grace', 0), 0, qr/\A\z/, 'the end of it', emptied => 3);
};

# ---- what killed processes and old uploads leave

# The id of an upload that was begun a number of days ago, and its key.
sub old_upload {
    my $days = shift;
    my $seconds = time - $days * $DAY;
    my $id = sprintf '%08x%016x0-%032x', $seconds, ++$uploads, 7;
    return ($id, 'upload/' . int($seconds / $DAY) . "/$id");
}

subtest 'records of uploads' => sub {
    my ($old_id, $old) = old_upload(8);
    my ($lost_id, $lost) = old_upload(8);
    my ($going_id, $going) = old_upload(8);
    my ($young_id, $young) = old_upload(6);
    set_fact($facts, $_, '') for $old, $young;
    set_fact($facts, $_, 'sha256;1;00') for $lost, $going;
    give_to_httpd($facts);
    spew("$store/uploads/$going_id", 'x');
    run_is(collect('--dry-run'), 0, qr/\A\z/, 'a dry run', uploads => 0);
    ok(exists facts_of($facts)->{$old}, 'keeps them');
    run_is(collect(), 0, qr/\A\z/, 'a run', uploads => 0);
    my $left = facts_of($facts);
    ok(!exists $left->{$old}, 'an old tombstone goes');
    ok(!exists $left->{$lost}, 'so does the record of an old upload without bytes');
    ok(exists $left->{$going}, 'an old upload that goes on stays');
    ok(exists $left->{$young}, 'and so does a young tombstone');
    utime 1, 1, "$store/uploads/$going_id";
    run_is(collect(), 0, qr/\A\z/, 'when it is idle', uploads => 1, bytes => 1);
    ok(!exists facts_of($facts)->{$going}, 'it goes without a tombstone');

    ($young_id, $young) = old_upload(1);
    set_fact($facts, $young, 'sha256;1;00');
    give_to_httpd($facts);
    spew("$store/uploads/$young_id", 'x', 1);
    run_is(collect(), 0, qr/\A\z/, 'a young one', uploads => 1);
    is(facts_of($facts)->{$young}, '', 'leaves a tombstone');
};

subtest 'temporaries' => sub {
    my ($id) = old_upload(2);
    my $temporary = spew("$store/uploads/.$id", 'x', 1);
    for (1 .. 3) {
        age_uploads($store);
        collect('--upload-expiry', 60);
    }
    is_deeply([ glob "$store/uploads/{*,.[!.]*}" ], [],
        'the temporary of an upload goes');
    my $digest = $client->push_blob('hidden', 'hidden');
    $client->push_manifest('hidden', 'v1', image_manifest('hidden'));
    my $path = blob_file($digest);
    my $hidden = $path =~ s{/([^/]+)\z}{/.$1.0123456789abcdef}r;
    rename $path, $hidden or die "$path: $!\n";
    ociadmin('check', @stores);
    ok(-e $hidden, 'check leaves a deletion alone, which may be under way');
    run_is(collect('--grace', 0), 0, qr/\A\z/, 'a killed deletion', blobs => 0);
    is($client->get("/v2/hidden/blobs/$digest")->body, 'hidden',
        'is undone for a blob that has a record');
    $digest = digest_of('nobody');
    $path = blob_file($digest) =~ s{/([^/]+)\z}{/.$1.0123456789abcdef}r;
    spew($path, 'nobody', 1);
    run_is(collect(), 0, qr/\A\z/, 'and done for another one', blobs => 1);
    is_deeply([ grep { -e } $path, blob_file($digest) ], [], 'which is gone');
};

unlink "$facts/gc";
POSIX::mkfifo("$facts/gc", 0600) or die "$facts/gc: $!\n";
give_to_httpd($facts);
alarm 60;    # nobody writes to it
run_is(collect(), 0, qr/\A\z/, 'a pipe in the place of a fact is no fact');
alarm 0;
unlink "$facts/gc";
subtest 'bytes without a record' => sub {
    my ($new, $old) = map { spew(blob_file(digest_of($_)), $_) } qw(new old);
    utime time - 7200, time - 7200, $old;
    my $other = spew("$store/blobs/sha256/ab/notes", 'of an administrator', 1);
    run_is(collect('--grace', 3600, '--repository', '**'), 0, qr/\A\z/,
        '--repository leaves them', blobs => 0);
    run_is(collect('--grace', 3600), 0, qr/\A\z/, 'they go after the grace',
        blobs => 1, bytes => 3);
    ok(!-e $old, 'the old ones are gone');
    ok(-e $new && -e $other, 'the new ones stay, and what is not a blob');
    run_is(collect('--grace', 0), 0, qr/\A\z/, 'the new ones', blobs => 1);
    unlink $other;
};

# ---- a wrong index

subtest 'a wrong or an old index' => sub {
    $client->push_image('old', "v$_", config => "config $_",
        layers => ["layer $_"]) for 1 .. 5;
    system 'cp', '-a', $facts, "$facts.old";
    $client->push_image('new', "v$_", config => "new config $_",
        layers => ["new layer $_"]) for 1 .. 10;
    my $before = snapshot("$store/blobs");
    rename $facts, "$facts.right" or die "$facts: $!\n";
    my $safe = sub {
        my $name = shift;
        is_deeply(snapshot("$store/blobs"), $before, "$name: no bytes go");
    };

    make_path("$facts/index");
    spew("$facts/index/.version", "mod_oci index 2\n");
    give_to_httpd($facts);
    run_is(collect('--grace', 0), 1, qr{the\ blob\ store\ \Q$store\E\ holds
        \ blobs\ of\ another\ index,\ and\ the\ index\ \Q$facts\E/index\ is
        \ empty:\ configure\ the\ index\ that}x, 'an empty index');
    $safe->('an empty index');
    set_fact($facts, 'store', 'f' x 32);
    give_to_httpd($facts);
    run_is(collect('--grace', 0), 1, qr/belongs to the blob store with the id f/,
        'the index of another registry');
    $safe->('the index of another registry');

    system 'rm', '-rf', $facts;
    rename "$facts.old", $facts or die "$facts: $!\n";
    for my $dry ([], ['--dry-run']) {
        run_is(collect('--grace', 0, @$dry), 1, qr{skipped:\ nothing\ is\ deleted
            \ in\ \Q$store\E:\ the\ index\ \Q$facts\E/index\ has\ no\ record\ of
            \ 20\ blobs\ there,\ and\ has\ records\ of\ 11;\ it\ may\ be\ a
            \ wrong\ or\ an\ old\ index\n}x, "an old copy @$dry", blobs => 0,
            skipped => 1);
    }
    $safe->('an old copy');
    system 'rm', '-rf', $facts;
    rename "$facts.right", $facts or die "$facts.right: $!\n";
    run_is(collect('--grace', 0), 0, qr/\A\z/, 'the right index', blobs => 0);
};

# ---- two runs, and a run that does not come to its end

# Add this many repositories, so that a run takes some time.
sub grow {
    my $count = shift;
    for my $n (1 .. $count) {
        my $digest = digest_of("grown $n");
        set_fact($facts, "catalog/grown/r$n!", '');
        set_fact($facts, "repo/grown/r$n/_blob/$digest", ';1');
        set_fact($facts, "blob/$digest", '1;blobs/none');
    }
    give_to_httpd($facts);
    return;
}

# Whether a run says that it is under way.
sub is_under_way { OCI::Server::fact("$facts/index/gc") =~ /;running/ }

# Begin a run, and stop its process in the middle of it.
sub start_and_stop {
    my @options = @_;
    for my $try (1 .. 20) {
        grow(1500);
        unlink "$store.out";
        my $run = OCI::Process->start(output => "$store.out",
            command => [ tool(), 'gc', '--quiet', @options, @stores ]);
        $run->wait_for(sub { is_under_way() });
        $run->freeze;
        return $run if $run->alive && is_under_way();
        $run->kill9;
    }
    die "no run could be stopped before its end\n";
}

subtest 'two at once' => sub {
    my $run = start_and_stop('--grace', 0);
    run_is(collect(), 1, qr/\Aociadmin: another garbage collection is under way\n\z/,
        'the second one says so');
    $run->signal('CONT');
    $run->wait_for(sub { 0 }, 120);
    is($run->{status}, 0, 'the first one finishes')
        or diag(OCI::Server::slurp("$store.out"));
    is_deeply([ grep { m{grown} } keys %{ facts_of($facts) } ], [],
        'and all is done');
};

for my $signal (qw(INT TERM KILL)) {
    subtest "SIG$signal" => sub {
        my $run = start_and_stop('--grace', 0);
        $run->signal($signal);
        $run->signal('CONT');
        $run->wait_for(sub { 0 }, 120);
        if ($signal ne 'KILL') {
            is($run->{status} >> 8, 1, 'the exit status');
            like(OCI::Server::slurp("$store.out"), qr/^ociadmin:\ interrupted;\ run
                \ the\ same\ command\ again\ to\ continue$/mx, 'the message');
        }
        ok(is_under_way(), 'the run is not over');
        run_is(collect('--grace', 0), 0, qr/\A\z/, 'the next run finishes it');
        ok(!is_under_way(), 'and says so');
        is_deeply([ grep { m{grown(?!!)|^orphan/} } keys %{ facts_of($facts) } ],
            [], 'nothing is left');
    };
}

# ---- owners

SKIP: {
    skip 'only root can change users', 1 if $>;
    my $user = getpwnam(OCI::Server::user());
    my @others;
    File::Find::find({ no_chdir => 1,
        wanted => sub { push @others, $_ if (lstat)[4] != $user } },
        $store, $facts);
    is("@others", '', 'the files still belong to the user of httpd');
}

is($client->get('/v2/old/manifests/v3')->status, 200, 'the registry serves');
$server->stop;
done_testing;
