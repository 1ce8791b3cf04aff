# SPDX-License-Identifier: Apache-2.0

# ociadmin copy --blobs from a directory to a bucket and back: a copy that is
# finished, killed, interrupted or refused, and the registry that goes on.

use OCI::Test;

use File::Path ();
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::S3;

# Some commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

plan(skip_all => 'mod_oci_s3 is not built: there is no libcurl')
    if !-e OCI::Server::build_of(OCI::Server->sanitized)
    . '/.libs/mod_oci_s3.so';

my $TOP = File::Temp->newdir('mod_oci-move-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
give_to_httpd("$TOP");
my $count = 0;

sub place { "$TOP/" . ++$count }

my $s3 = OCI::S3->start('strict');
@ENV{qw(AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY)}
    = ($s3->url, $s3->region, $s3->key, $s3->secret);
sub bucket { 's3 s3://' . $s3->bucket . "/$_[0]" }

# Copy blobs with an index.  With --config, the command starts httpd.
my $server;
sub copy {
    my ($index, $from, $to, @options) = @_;
    local %ENV = (%ENV, grep({ $_ eq '--config' } @options)
        ? ($server->environment, ASAN_OPTIONS => 'detect_leaks=0') : ());
    delete @ENV{qw(AWS_ENDPOINT_URL_S3 AWS_REGION)}
        if grep { $_ eq '--config' } @options;
    my $run = ociadmin('copy', '--blobs', '--json', '--index', $index,
        @options, $from, $to);
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# The configuration of a store, and the module that it needs.
sub store_lines { "OCIBlobStore $_[0]\nOCIIndex $_[1]\nOCIRedirect Off" }
my $extra = join "\n", 'LoadModule oci_s3_module '
    . OCI::Server::build_of(OCI::Server->sanitized) . '/.libs/mod_oci_s3.so',
    'OCIS3Endpoint ' . $s3->url, 'OCIS3Credentials environment';
my %env = map { $_ => $ENV{$_} } grep { /^AWS_/ } keys %ENV;

# Whether a server has all images: their manifests, and the bytes of all blobs.
sub serves {
    my ($client, $images, $name) = @_;
    my @wrong;
    for my $n (1 .. @$images) {
        my $image = $images->[ $n - 1 ];
        push @wrong, "r$n" if $client->get("/v2/r$n/manifests/v1")->body
            ne $image->{text};
        for my $blob ($image->{document}{config},
            @{ $image->{document}{layers} }) {
            my $res = $client->get("/v2/r$n/blobs/$blob->{digest}");
            push @wrong, "r$n $blob->{digest}: " . $res->status
                if digest_of($res->body) ne $blob->{digest};
        }
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is("@wrong", '', $name);
}

# ---- a registry in a directory

$server = OCI::Server->start(extra => $extra, env => \%env);
my $client = OCI::Client->new($server);
my $dir = $server->store;
my $index = "fs $dir";
my @images = map { $client->push_image("r$_", 'v1', config => qq({"n":$_}),
    layers => [ "layer $_", random_bytes(300_000, $_) ]) } 1 .. 4;
my $other = $client->push_blob('r1', 'another algorithm', 'sha512');
$client->push_blob('r1', '');
my $large = $client->push_blob('r1', random_bytes(20_000_000, 'large'));
my $records = sub {
    my $facts = facts_of($dir);
    return { map { $_ => $facts->{$_} } grep { m{^blob/} } keys %$facts };
};
my $blobs = keys %{ $records->() };
is($blobs, 15, 'there are blobs');

# Wait until this many blobs are noted.
sub wait_for_notes {
    my ($copy, $wanted) = @_;
    return $copy->wait_for(sub {
        (() = glob "$dir/index/moved/*") >= $wanted });
}

# Begin a copy, with these options.
my @options;

sub begin_copy {
    my ($from, $to, @rest) = @_;
    my %env = @options ? ($server->environment,
        ASAN_OPTIONS => 'detect_leaks=0') : ();
    delete @env{qw(AWS_ENDPOINT_URL_S3 AWS_REGION)};
    my $copy = OCI::Process->start(output => "$TOP/output", env => \%env,
        command => [ tool(), 'copy', '--blobs', '--index', $index, @options,
            @rest, $from, $to ]);
    return $copy;
}

# ---- what is refused

my $target = bucket('a');
for my $case (
    [ [ "fs $dir", $target ], qr/needs --index INDEX/ ],
    [ [ $target, "fs $TOP/x" ], qr/needs --index INDEX/ ],
    [ [ '--index', $index, $target, bucket('a') ], qr/the same blob store/ ],
    [ [ '--index', "fs $TOP/none", "fs $dir", $target ], qr/cannot use the in/ ],
    [ [ '--index', $index, "fs $TOP/none", $target ], qr/cannot copy from/ ],
    [ [ '--index', $index, $target, "fs $TOP/x" ],
        qr{cannot copy from s3://registry/a: it has no id} ],
    [ [ '--index', $index, "fs $dir", 's3 s3://missing' ],
        qr/the bucket 'missing'|NoSuchBucket|does not exist/ ],
) {
    my ($words, $sentence) = @$case;
    run_is(ociadmin('copy', '--blobs', @$words), 1,
        qr/\Aociadmin: [^\n]*$sentence[^\n]*\n\z/, "refused: $sentence");
}
run_is(ociadmin('copy', '--switch', 'fs a', 'fs b'), 2,
    qr/--switch, --config and --httpd need --blobs/, '--switch without --blobs');
run_is(copy($index, "fs $dir", 'fs ' . place(), '--switch'), 1,
    qr/--switch are for a copy from or to a remote store/,
    '--switch from directory to directory');
{
    local $ENV{AWS_SECRET_ACCESS_KEY} = 'wrong';
    run_is(copy($index, "fs $dir", $target), 1, qr/credential|signature|key/i,
        'wrong credentials');
}
is_deeply([ $s3->objects ], [], 'nothing was put');
ok(!-e "$TOP/x", 'no TO was made');

# ---- to the bucket, beside the server

my $run = copy($index, "fs $dir", $target);
run_is($run, 0, qr/\A\z/, 'all blobs are copied beside the server',
    blobs => $blobs, present => 0, gone => 0, skipped => 0, switched => 0);
my @objects = grep { $_->{key} =~ m{^a/blobs/} } $s3->objects;
is(scalar @objects, $blobs, 'there is an object for each');
is_deeply([ $s3->uploads ], [], 'and no upload is left');
serves($client, \@images, 'the server goes on');
run_is(copy($index, "fs $dir", $target), 0, qr/\A\z/, 'a second run',
    blobs => 0, present => $blobs);
push @images, $client->push_image('r5', 'v1', layers => ['layer 5']);
like(ociadmin('copy', '--blobs', '--index', $index, "fs $dir", $target)->{out},
    qr{\Acopied\ \S+\ to\ s3://registry/a:\ 2\ blobs,\ .*\n
    15\ blobs\ there\ already\n
    .*\ still\ belongs\ to\ \Q$dir\E:\ .*\ --switch\n\z}x, 'what is new is copied');

# Objects that vanish from the bucket are copied again.
my $s3_client = OCI::S3::Client->new($s3);
$s3_client->delete($objects[3]{key});
run_is(copy($index, "fs $dir", $target), 0, qr/\A\z/, 'a lost object',
    blobs => 1, present => 16);

# A blob that is deleted after it was copied leaves nothing behind.
my $gone = $client->push_blob('gone', 'deleted later');
run_is(copy($index, "fs $dir", $target), 0, qr/\A\z/, 'one more', blobs => 1);
is($client->delete("/v2/gone/blobs/$gone")->status, 202, 'it is deleted');
is(gc($server, '--grace', 0, '--repository', 'gone')->{report}{blobs}, 1,
    'and collected');

# Another store is refused, unless the first copy is forgotten.
run_is(copy($index, "fs $dir", bucket('b')), 1,
    qr/notes an unfinished copy to another blob store/, 'another TO');
is_deeply([ grep { $_->{key} =~ m{^b/} } $s3->objects ], [],
    'nothing was put there');
run_is(check($server), 0, qr/\A\z/, 'check knows the notes');

# A store with blobs is refused, and is not changed.
my $there = 'used/blobs/a!' . '0' x 16;
my $used = make_blobs(place(), 'the id of another');
my $blob = "$used/blobs/sha256/aa/" . 'a' x 64;
File::Path::make_path($blob =~ s{/[^/]+\z}{}r);
OCI::Server::spew($blob, 'x');
OCI::Server::spew("$used/blobs/.version", "mod_oci blob store 1\n");
$s3_client->put($_, "x\n") for 'used/id', $there;
give_to_httpd($used);
run_is(copy($index, "fs $dir", bucket('used'), '--force'), 1,
    qr/it has blobs; name a new directory or prefix/, 'a prefix with blobs');
is_deeply([ map { $_->{key} } grep { $_->{key} =~ m{^used/} } $s3->objects ],
    [ $there, 'used/id' ], 'it is as before');

# ---- the switch

$server->halt;
my $before = $records->();

# A push to an httpd that was not stopped: while the deletion of the blob that is
# gone gets no answer, another blob is recorded.
$s3->forget;
$s3->faults({ fault => 'silence', method => 'DELETE' });
my $switch = begin_copy("fs $dir", $target, '--switch');
ok($switch->wait_for(sub { grep { $_->{method} eq 'DELETE' } $s3->log }),
    'the command is in the middle of the switch');
my $late = digest_of('late');
my $path = 'blobs/sha256/' . substr($late, 7, 2) . '/' . substr $late, 7;
File::Path::make_path("$dir/$path" =~ s{/[^/]+\z}{}r);
OCI::Server::spew("$dir/$path", 'late');
set_fact($dir, "blob/$late", "4;$path");
set_fact($dir, "orphan/$late", '');
give_to_httpd($dir);
$s3->faults;
$switch->wait_for(sub { 0 });
like(OCI::Server::slurp("$TOP/output"),
    qr/an httpd has changed the index \S+ \S+ meanwhile: stop all/,
    'it notices that');
is(facts_of($dir)->{store} =~ s/move to .*//r, 'unfinished ',
    'and does not end the switch');
run_is(copy($index, "fs $dir", $target, '--switch'), 0, qr/\A\z/,
    'the same command copies the blob', blobs => 1, present => 17,
    switched => 1);
$before = $records->();
my $facts = facts_of($dir);
is_deeply([ grep { m{^(?:moved/|moving|stray/)} } keys %$facts ], [],
    'no note is left');
is_deeply([ sort keys %{ $records->() } ], [ sort keys %$before ],
    'the same blobs are recorded');
is_deeply([ grep { !m{;blobs/[^/]+![0-9a-f]+\z} } values %{ $records->() } ], [],
    'with other locators');
is(scalar(grep { $_->{key} =~ m{^a/blobs/} } $s3->objects), 18,
    'the deleted blob has no object any more');
run_is(copy($index, "fs $dir", $target), 1, qr/does not belong to \Q$dir\E/,
    'the old store is no FROM any more');

$server->set(config => store_lines("fs $dir", $index));
$server->expects(qr/configure a pair that belongs together/);
$server->allows(qr/^AH00016: Configuration Failed/);
ok(!eval { $server->again; 1 }, 'httpd refuses the old store');
$server->set(config => store_lines($target, $index));
$server->again;
$client = OCI::Client->new($server);
serves($client, \@images, 'httpd serves from the bucket');
is(digest_of($client->get("/v2/r1/blobs/$large")->body), $large,
    'also a blob of several parts');
push @images, $client->push_image('r6', 'v1', layers => ['layer 6']);
run_is(ociadmin('check', '--digests', '--quiet', '--store', $target, '--index',
    $index), 0, qr/\A\z/, 'check finds nothing');

# ---- back to a directory, with a configuration

my $config = $server->dir . '/httpd.conf';
my $back = place();
my $total = keys %{ $records->() };
run_is(copy($index, $target, "fs $back", '--config', "$TOP/none"), 1,
    qr/cannot use/, 'no configuration');
run_is(copy($index, $target, "fs $back", '--config',
    OCI::Server::spew("$TOP/other.conf", OCI::Server::slurp($config)
        =~ s{s3://registry/a}{s3://registry/other}r)), 1,
    qr/has no registry with the blob store FROM or TO/, 'another configuration');
@options = ('--config', $config);

run_is(copy($index, $target, "fs $used", @options), 1,
    qr/it has blobs; name a new directory or prefix/, 'a directory with blobs');
ok(!-e "$used/blobs/.index", 'it is as before');

# --force forgets a copy to another store.  Root writes this one for httpd's User,
# although nothing on its path belongs to that user.
my $roots = File::Temp->newdir('mod_oci-roots-XXXXXX', TMPDIR => 1);
chmod 0755, "$roots";
my $forgotten = "$roots/to";
run_is(copy($index, $target, "fs $forgotten", @options), 0, qr/\A\z/, 'a copy',
    blobs => $total);
my %owners = map { (stat)[4] => 1 } split /\n/, `find $forgotten`;
is(join(' ', keys %owners), $> || scalar getpwnam(OCI::Server::user()),
    'its files are for the User of the configuration');
SKIP: {
    skip 'only root leaves files of root', 1 if $>;
    like(ociadmin('copy', '--blobs', '--force', '--index', $index, $target,
        "fs $roots/mine")->{out}, qr{^root owns \Q$roots\E/mine, so .* chown}m,
        'without a configuration they are of root, and a line says so');
}
run_is(copy($index, $target, "fs $back", @options), 1, qr/use --force to forget/,
    'a second one');
$s3->faults({ fault => 'denied', method => 'GET', key => 'a/blobs/',
    count => 1000 });
run_is(copy($index, $target, "fs $back", '--force', @options), 1,
    qr/skipped: .* it cannot be read: .*not every blob could be copied/s,
    '--force begins it', blobs => 0, present => 0, skipped => $total);
$s3->faults;
is(scalar(() = glob "$dir/index/moved/*"), 0, 'the notes of the first are gone');

for my $signal (qw(KILL TERM)) {
    my $noted = () = glob "$dir/index/moved/*";
    $s3->faults({ fault => 'silence', method => 'GET', key => 'a/blobs/',
        skip => 3, count => 1000 });
    my $copy = begin_copy($target, "fs $back");
    ok(wait_for_notes($copy, $noted + 3), 'some blobs are copied');
    $copy->signal($signal);
    $copy->wait_for(sub { 0 }) if $signal eq 'KILL';
    $s3->faults;
    $copy->wait_for(sub { 0 });
    like(OCI::Server::slurp("$TOP/output"),
        qr/interrupted; run the same command/, 'a sentence says how to go on')
        if $signal ne 'KILL';
    serves($client, \@images, "SIG$signal: the registry goes on");
    run_is(copy($index, $target, "fs $dir", @options), 1,
        qr/it has blobs; name a new directory|unfinished copy to another/,
        'the old store is no TO as long as it has blobs');
}
my $noted = () = glob "$dir/index/moved/*";

# If the server is down, one sentence says so.
$s3->faults({ fault => 'reset', method => 'GET', key => 'a/blobs/',
    count => 1_000_000 });
run_is(copy($index, $target, "fs $back", @options), 1,
    qr{\Aociadmin: [^\n]*cannot read from s3://registry/a[^\n]*\n\z},
    'a server that fails', skipped => 0);
$s3->faults;

# Bytes that are damaged on the way are not copied.
$s3->faults({ fault => 'corrupt', method => 'GET', key => 'a/blobs/' });
run_is(copy($index, $target, "fs $back", @options), 1,
    qr/skipped: .* its bytes have another digest; .*not every blob could be/s,
    'a damaged blob', skipped => 1, present => $noted,
    blobs => $total - $noted - 1);
is_deeply([ glob "$back/uploads/{*,.[a-z]*}" ], [], 'no part of it is left');

# ---- a switch that is killed

# Whether httpd refuses to start with stores.
sub is_refused {
    my ($lines, $sentence, $name) = @_;
    $server->set(config => $lines);
    $server->expects($sentence);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(!eval { $server->again; 1 }, $name);
}

$server->halt;
run_is(copy($index, $target, "fs $back", @options), 0, qr/\A\z/,
    'the same command finishes the copy', blobs => 1, present => $total - 1);
is_refused(store_lines("fs $back", $index),
    qr/configure a pair that belongs together/,
    'httpd refuses the new store before the switch');

# As if the command was killed after it had replaced three records.
my $moved = facts_of($dir);
my @some = (sort grep { m{^moved/} } keys %$moved)[ 0 .. 2 ];
for my $key (@some) {
    set_fact($dir, 'blob/' . $key =~ s{^moved/}{}r, $moved->{$key});
    unlink "$dir/index/$key" or die;
}
my $id = OCI::Server::slurp("$back/blobs/.id") =~ s/\n//r;
set_fact($dir, 'store', "unfinished move to $id");
give_to_httpd("$dir/index");
for my $store ("fs $back", $target) {
    is_refused(store_lines($store, $index),
        qr/are being moved: run "ociadmin copy --blobs --switch" again/,
        "httpd refuses $store in the middle of the switch");
}
run_is(copy($index, $target, "fs $back", @options), 1,
    qr/are being replaced: add --switch/, 'without --switch');
run_is(copy($index, "fs $back", $target, '--switch', @options), 1,
    qr/between other stores|cannot copy/, 'with other stores');
run_is(ociadmin('check', '--store', "fs $back", '--index', $index), 1,
    qr/are being moved/, 'check refuses it');
run_is(copy($index, $target, "fs $back", '--switch', @options), 0, qr/\A\z/,
    'the same command finishes the switch', blobs => 0, present => $total,
    switched => $total - 3);
$server->set(config => store_lines("fs $back", $index));
$server->again;
$client = OCI::Client->new($server);
serves($client, \@images, 'httpd serves from the directory');
$client->push_image('r7', 'v1', layers => ['layer 7']);
run_is(ociadmin('check', '--digests', '--quiet', '--store', "fs $back",
    '--index', $index), 0, qr/\A\z/, 'check finds nothing');
$server->halt;

# ---- to a bucket, killed while a blob of several parts is on its way

@options = ();
$s3->forget;
$s3->faults({ fault => 'silence', method => 'PUT', query => 'partNumber=2' });
my $copy = begin_copy("fs $back", bucket('c'));
ok($copy->wait_for(sub { grep { $_->{query} =~ /partNumber=2/ } $s3->log }),
    'a second part is sent');
$copy->signal('KILL');
$copy->wait_for(sub { 0 });
$s3->faults;
is(scalar(grep { $_->{key} =~ m{^c/} } $s3->uploads), 1, 'an upload is left');

# A damaged blob of several parts leaves nothing.
my $file = "$back/" . $records->()->{"blob/$large"} =~ s/^\d+;//r;
my $bytes = OCI::Server::slurp($file);
OCI::Server::spew($file, 'x' . substr $bytes, 1);
run_is(copy($index, "fs $back", bucket('c')), 1,
    qr/its bytes have another digest/, 'a damaged blob', skipped => 1);
is_deeply([ $s3->uploads ], [], 'no upload is left');
OCI::Server::spew($file, $bytes);

# With a copy of the index, the registry answers pulls all the time.
$server->set(config => store_lines("fs $back", $index) . "\nOCIReadOnly On");
$server->again;
$client = OCI::Client->new($server);
run_is(copy($index, "fs $back", bucket('c')), 0, qr/\A\z/, 'it is copied',
    skipped => 0);
is_deeply([ $s3->uploads ], [], 'the upload was aborted');
my $second = place();
run_is(ociadmin('copy', '--quiet', $index, "fs $second"), 0, qr/\A\z/,
    'the index is copied, too');
run_is(copy("fs $second", "fs $back", bucket('c'), '--switch'), 0, qr/\A\z/,
    'its records are replaced', blobs => 0, skipped => 0);
serves($client, \@images, 'the registry goes on');
$server->set(config => store_lines(bucket('c'), "fs $second"));
$server->graceful;
serves($client, \@images, 'and with the bucket');
$client->push_image('r8', 'v1', layers => ['layer 8']);
$server->halt;
run_is(ociadmin('check', '--digests', '--quiet', '--store', bucket('c'),
    '--index', "fs $second"), 0, qr/\A\z/, 'check finds nothing');
$server->stop;

# ---- other servers, and other indexes

for my $case ([ 'versitygw', 'dbm:db' ], [ 's3s-fs', 'dbd:sqlite3' ],
    [ 'strict', 'dbm:gdbm' ]) {
    my ($name, $kind) = @$case;
    SKIP: {
        my $s3 = OCI::S3->start($name) or skip(OCI::S3->missing($name), 1);
        local @ENV{qw(AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID
            AWS_SECRET_ACCESS_KEY)}
            = ($s3->url, $s3->region, $s3->key, $s3->secret);
        my $server = OCI::Server->start(index => $kind);
        OCI::Client->new($server)->push_image('a', 'v1', layers => [ 'small',
            random_bytes(20_000_000, $name) ]);
        $server->stop_quietly;
        my $index = $server->{index}->argument($server->store);
        my $back = place();
        my @stores = ('fs ' . $server->store, bucket('m'), "fs $back");
        for my $n (0, 1) {
            run_is(copy($index, @stores[ $n, $n + 1 ], '--switch'), 0, qr/\A\z/,
                "$name, $kind: copy", blobs => 3, switched => 3);
            run_is(ociadmin('check', '--digests', '--quiet', '--store',
                $stores[ $n + 1 ], '--index', $index), 0, qr/\A\z/,
                'check finds nothing');
        }
        is_deeply([ $server->faults ], [], 'httpd had no faults');
    }
}

done_testing;
