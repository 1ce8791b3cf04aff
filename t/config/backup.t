# SPDX-License-Identifier: Apache-2.0

# The chapter "Backup" of the manual: its commands back up a registry that
# clients push to, and what they restore is complete.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Pusher;
use Time::HiRes qw(sleep time);

my $SECONDS = 3;

# ociadmin ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
$ENV{OCIADMIN} = tool();

# The pushers delete images that an index names.
$ENV{SPARSE} = 'Index';

my ($chapter) = OCI::Server::slurp("$OCI::Server::TOP/conf/README")
    =~ /^Backup\n-+\n(.*?)^A damaged store\n/ms;

# The manual's command that has a word, for other directories.
sub command {
    my ($word, %place) = @_;
    my ($line) = grep { /\Q$word\E/ }
        ($chapter =~ s/ \\\n +/ /gr) =~ /^ {4,}((?:sudo )?\w.*conf\/backup\.sh.*)$/mg;
    ok($line, "the manual has the command $word") or return 'false';
    $line =~ s/^sudo //;
    $line =~ s{\Q$_\E(?=['\s])}{$place{$_}} for reverse sort keys %place;
    return $line;
}

# Run a command in the top directory; returns its status and its output.
sub run {
    my $line = shift;
    my $output = `cd $OCI::Server::TOP && $line 2>&1`;
    return { status => $? >> 8, output => $output };
}

sub run_ok {
    my ($line, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = run($line);
    is($run->{status}, 0, $name) or diag("$line\n$run->{output}");
    return $run->{output};
}

# Wait until pushers have given a repository some tags.
sub wait_for_tags {
    my ($client, $repo) = @_;
    my $end = time + 120;
    until (time > $end) {
        my $json = $client->get("/v2/$repo/tags/list")->json;
        return if @{ $json->{tags} // [] } > 1;
        sleep 0.1;
    }
    return;
}

for my $index (qw(fs dbm:gdbm dbd:pgsql)) {
    my $database = $index =~ /pgsql/ ? OCI::Database->start('pgsql') : undef;
    if ($index =~ /pgsql/ && !$database) {
        pass("# SKIP there is no server for $index");
        next;
    }
    subtest $index => sub {
        my $server = OCI::Server->start(index => $index, database => $database,
            config => "OCIGCInterval 1");
        my $client = OCI::Client->new($server);
        my $top = File::Temp->newdir('mod_oci-backup-XXXXXX', TMPDIR => 1);
        chmod 0755, "$top";
        give_to_httpd("$top");
        my @pushers = map { OCI::Pusher->start([$server], $_, time + $SECONDS,
            others => [qw(busy/a busy/b)], least => 20,
            repeats => 1) } qw(busy/a busy/b);

        # The second backup brings what was pushed after the first one.
        my $argument = $server->{index}->argument($server->store);
        $argument = 'fs ' . $server->store if !defined $argument;
        my %from = ('/srv/backup' => "$top/backup",
            '/var/lib/mod_oci' => $server->store);
        my (%pushed, $n);
        for my $run (1 .. 3) {
            wait_for_tags($client, 'busy/a') if $run == 3;
            for (1 .. 5) {
                my $repo = 'team/' . ++$n % 3;
                $pushed{"$repo/manifests/v$n"} = $client->push_image($repo,
                    "v$n", config => qq({"n":$n}), layers => [ "layer $n" ]);
            }
            run_ok("INDEX='$argument' " . command('backup.sh backup', %from),
                "backup $run beside pushes");
        }
        $_->wait for @pushers;
        prune_ok($server, $top, \%from, $argument) if $index eq 'fs';
        is_deeply([ map { @$_ > 2 ? @$_ : () }
            grep { $_->[0] eq 'wrong' } map { $_->journal } @pushers ], [],
            'no push failed');
        $server->halt;
        restore_ok($server, $top, $index, \%pushed);
        $server->stop;
    };
}

# Delete what the registry has deleted from the backup, too.
sub prune_ok {
    my ($server, $top, $from, $argument) = @_;
    my $client = OCI::Client->new($server);
    my $digest = $client->push_blob('gone', 'deleted soon');
    my $path = "$top/backup/blobs/sha256/" . substr($digest, 7, 2) . '/'
        . substr $digest, 7;
    my $backup = "INDEX='$argument' " . command('backup.sh backup', %$from);
    run_ok($backup, 'another backup');
    ok(-e $path, 'it has a blob');
    status_is($client->delete("/v2/gone/blobs/$digest"), 202,
        'the blob is deleted');
    run_ok($backup, 'another backup');
    ok(-e $path, 'the blob stays in the backup');
    my ($prune) = $chapter =~ /`(ociadmin gc [^`]*)`/;
    $prune =~ s{/srv/backup}{$top/backup};
    run_ok("PATH=" . tool() =~ s{/[^/]+\z}{}r . ":\$PATH; $prune", 'gc');
    ok(!-e $path, 'frees its space');
    unlink "$top/backup/blobs/.index";
    return run_ok($backup, 'the backup goes on');
}

# Restore to a new place, and pull everything that was pushed.
sub restore_ok {
    my ($server, $top, $index, $pushed) = @_;
    mkdir "$top/new";
    give_to_httpd("$top/new");
    my $database = $index =~ /pgsql/ ? OCI::Database->start('pgsql') : undef;
    my $new = OCI::Server->start(index => $index, database => $database,
        store => "$top/new");
    $new->halt;
    my $argument = $new->{index}->argument("$top/new") // "fs $top/new";
    system "rm -rf $top/new/*";
    my $said = run_ok("INDEX='$argument' " . command('backup.sh restore',
        '/srv/backup' => "$top/backup", '/var/lib/mod_oci' => "$top/new"),
        'the backup is restored');
    like($said, qr/^0 findings: [^\n]*\n\z/m, 'check finds nothing');
    $new->again;
    my $client = OCI::Client->new($new);
    my @lost;
    for my $path (sort keys %$pushed) {
        my $image = $pushed->{$path};
        my ($repo) = $path =~ m{(.*)/manifests/};
        push @lost, $path if $client->get("/v2/$path")->body ne $image->{text};
        push @lost, map { $_->{digest} } grep { digest_of($client->get(
            "/v2/$repo/blobs/$_->{digest}")->body) ne $_->{digest} }
            $image->{document}{config}, @{ $image->{document}{layers} };
    }
    is("@lost", '', 'everything that was pushed before is there');
    my $busy = $client->get('/v2/busy/a/tags/list')->json->{tags};
    cmp_ok(scalar @{ $busy // [] }, '>', 0, 'and some of what was pushed then');
    ok($client->push_image('team/0', 'new'), 'the registry goes on');
    $new->stop;
    return;
}

done_testing;
