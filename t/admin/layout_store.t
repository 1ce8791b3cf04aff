# SPDX-License-Identifier: Apache-2.0

# ociadmin export and import: runs that are ended, full disks, rights, and
# garbage collection at the same time.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Disk;
use OCI::Layout;

my $IMAGES = 200;

# The commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $TOP = File::Temp->newdir('mod_oci-layout-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";

# The tags that a server has, each checked with its layers.
sub tags_of {
    my $client = OCI::Client->new(shift);
    my $res = $client->get('/v2/app/tags/list');
    return $res->status != 200 ? 0 : scalar grep {
        my $document = $client->get("/v2/app/manifests/$_")->json;
        $document && !grep {
            my $body = $client->get("/v2/app/blobs/$_->{digest}")->body;
            digest_of($body) ne $_->{digest};
        } @{ $document->{layers} };
    } @{ $res->json->{tags} };
}

# A layout with many images, in both forms.
my @images = map { json_text(image_manifest('{}', [ 'shared',
        "layer $_ " x 2000 ])) } 1 .. $IMAGES;
my $layout = layout_of([ map { ("t$_" => $images[ $_ - 1 ]) } 1 .. $IMAGES ],
    '{}', 'shared', map { "layer $_ " x 2000 } 1 .. $IMAGES);
write_dir("$TOP/layout", $layout);
write_tar("$TOP/layout.tar", members_of($layout));

# Begin a command, and end it by a signal when it has begun to write.  Returns
# whether it was ended, and did not end before.
sub is_ended {
    my ($signal, $has_begun, @words) = @_;
    my $run = OCI::Process->start(command => [ tool(), @words ],
        output => "$TOP/out");
    $run->wait_for($has_begun);
    $run->signal($signal);
    $run->wait_for(sub { 0 });
    return $run->{status};
}

# ---- an import that is ended, beside garbage collection

SKIP: {
    skip('the facts are looked at as files', 1)
        if OCI::Index->new->name ne 'fs';
    for my $case ([ 'INT', 'layout' ], [ 'KILL', 'layout.tar' ]) {
        my ($signal, $name) = @$case;
        my ($server, $ended);
        for my $try (1 .. 20) {
            $server = used_server();
            $ended = is_ended($signal, sub {
                scalar(() = glob $server->store . '/index/repo/*/_tag/*')
            }, 'import', "$TOP/$name", 'app', store_options($server));
            last if $ended;
            $server->stop;
        }
        ok($ended, "$signal ends an import of $name") or next;
        like(OCI::Server::slurp("$TOP/out"), qr/^ociadmin: interrupted; run the sam/m,
            'a line says so') if $signal eq 'INT';
        my $count = scalar(my @tags = glob $server->store . '/index/repo/*/_tag/*');
        cmp_ok($count, '<', $IMAGES, 'in its middle');
        is(tags_of($server), $count, 'every tag that is there is complete');
        run_is(report_of($server, 'import', "$TOP/$name", 'app'), 0, qr/\A\z/,
            'the next run imports the rest', tags => $IMAGES - $count, skipped => 0);
        gc($server, '--grace', 0);
        is(tags_of($server), $IMAGES, 'all tags are there');
        $server->stop;
    }
}
my $server = used_server();
collects_beside($server, "$TOP/out2", 'import', "$TOP/layout.tar", 'app',
    store_options($server));
report_of($server, 'import', "$TOP/layout", 'app');
is(tags_of($server), $IMAGES, 'all tags are there');

# ---- an export that is ended

OCI::Client->new($server)->push_image('large', 'v1',
    layers => [ 'large' x 30_000_000 ]);
for my $name ('ended', 'ended.tar') {
    my $ended;
    for my $try (1 .. 20) {
        $ended = is_ended('INT', sub { scalar(() = glob "$TOP/$name.*") },
            'export', 'app', 'large', "$TOP/$name", store_options($server));
        last if $ended;
        system 'rm', '-rf', "$TOP/$name";
    }
    ok($ended, "an interrupt ends an export to $name");
    like(OCI::Server::slurp("$TOP/out"),
        qr/^ociadmin: interrupted; nothing was exported$/m, 'a line says so');
    is(join(' ', glob "$TOP/$name*"), '', 'nothing is left');
}

# ---- full disks, and rights

SKIP: {
    my $disk = small_disk('tmpfs', 'size=1m') or skip('cannot mount', 1);
    for my $name ('full', 'full.tar') {
        run_is(report_of($server, 'export', 'app', "$disk/$name"), 1,
            qr/^ociadmin: cannot write .*: No space left on device$/,
            'a full disk ends an export');
        is(join(' ', glob "$disk/full*"), '', 'nothing is left');
    }
    run_is(report_of($server, 'export', 'app:t1', "$disk/one.tar"), 0, qr/\A\z/,
        'one image fits');
}
# More tags than an import reads.
SKIP: {
    skip('the facts are files', 1) if $server->index ne 'fs';
    my $disk = small_disk('tmpfs', 'size=200m') or skip('cannot mount', 1);
    my $full = OCI::Server->start(store => "$disk/store");
    my $name = join '/', ('n' x 125) x 2;
    OCI::Client->new($full)->push_image($_, 'v1') for 'app', $name;
    my $tags = "$disk/store/index/repo/$name/_tag";
    my $value = readlink "$tags/v1";
    symlink $value, sprintf '%s/%s%06d', $tags, 't' x 120, $_ or die "$tags: $!\n"
        for 1 .. 60_000;
    run_is(report_of($full, 'export', $name, 'app', "$TOP/many"), 1,
        qr/index.json would have more than 32 MiB, which no import reads: export f/,
        'an export of too many tags');
    is(join(' ', glob "$TOP/many*"), '', 'nothing is left');
    $full->stop;
}
SKIP: {
    skip('the rights of root', 1) if $>;

    # A directory that the user of the store cannot even enter.
    mkdir "$TOP/mine", 0700;
    run_is(report_of($server, 'export', 'app:t1', "$TOP/mine/$_"), 0, qr/\A\z/,
        "root exports to $_ in its own directory") for 'one', 'one.tar';
    system 'chmod', '-R', 'go=', "$TOP/mine";
    for my $name ('one', 'one.tar') {
        my $other = used_server();
        run_is(report_of($other, 'import', "$TOP/mine/$name", 'app'), 0, qr/\A\z/,
            "and imports $name, which nobody else can read", tags => 1, blobs => 3,
            copied => 3);
        is(tags_of($other), 1, 'httpd can read what was imported');
        $other->stop;
    }

    # The user of the store makes a link to what only root can read.
    OCI::Server::spew("$TOP/mine/secret", 'layer 1 ' x 2000);
    my ($blob) = glob $server->store . '/blobs/sha256/*/'
        . digest_of('layer 1 ' x 2000) =~ s/.*://r;
    rename $blob, "$blob.away";
    symlink "$TOP/mine/secret", $blob;
    run_is(report_of($server, 'export', 'app:t1', "$TOP/linked"), 1,
        qr/^ociadmin: .*nothing was exported, and "ociadmin check" says what/,
        'a link in the store is not followed');
    rename "$blob.away", $blob;

    # One that everybody can read is linked, unless others can write to it.
    for my $case ([ 0644, 0, 3 ], [ 0666, 3, 0 ]) {
        my ($mode, $copied, $linked) = @$case;
        my $other = used_server();
        my $dir = sprintf "$TOP/mode-%o", $mode;
        report_of($server, 'export', 'app:t1', $dir);
        chmod $mode, glob "$dir/blobs/sha256/*";
        run_is(report_of($other, 'import', $dir, 'app'), 0, qr/\A\z/,
            sprintf('files of mode %o', $mode), tags => 1, copied => $copied,
            linked => $linked);
        $other->stop;
    }
}
$server->stop;
done_testing;
