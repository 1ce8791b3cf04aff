# SPDX-License-Identifier: Apache-2.0

# OCIEventLog: exactly one line for each change, in a file or to a program.

use OCI::Test;

use File::Temp ();
use JSON::PP qw(decode_json);
use OCI::Admin;
use OCI::Disk;
use OCI::Pusher;
use POSIX ();
use Time::HiRes qw(sleep time);

# The lines of a log, decoded.
sub events_in {
    my $path = shift;
    return map { decode_json($_) }
        split /\n/, -e $path ? OCI::Server::slurp($path) : '';
}

# What changed, in one word each: "tag.push a/b:v1".
sub summary {
    return map {
        my $e = $_;
        "$e->{action} $e->{repository}" . (defined $e->{tag} ? ":$e->{tag}"
            : defined $e->{digest} ? '@' . substr $e->{digest}, 7, 6 : '')
    } @_;
}

sub short { return substr $_[0], 7, 6 }

# A server with an event log, and a function that returns the events since its
# last call.
sub serve {
    my %options = @_;
    my $format = delete $options{format} // '';
    my $server = OCI::Server->start(%options,
        config => "OCIEventLog \@DIR\@/events $format\n"
            . ($options{config} // ''));
    my $seen = 0;
    return ($server, sub {
        my @all = events_in($server->dir . '/events');
        my @new = @all[ $seen .. $#all ];
        $seen = @all;
        return @new;
    });
}

subtest 'each kind of change' => sub {
    my ($server, $new) = serve();
    my $client = OCI::Client->new($server);
    my $layer = digest_of('layer');
    my $push = sub { $client->put("/v2/a/b/manifests/$_[0]", $_[1],
        'Content-Type' => IMAGE_MANIFEST)->status };

    $client->push_blob('a/b', 'layer');
    is_deeply([ summary($new->()) ], [ 'repository.create a/b',
        'blob.push a/b@' . short($layer) ], 'a blob in a new repository');
    $client->push_blob('a/b', '{}');
    my ($event) = $new->();
    is($event->{size}, 2, 'the size of a blob');
    is(digest_of('{}'), $event->{digest}, 'its digest');
    like($event->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time');
    is($event->{address}, '127.0.0.1', 'address');
    ok(!exists $event->{actor}, 'nobody logged in');

    my @text = map { json_text(image_manifest('{}', ['layer'],
        annotations => { n => "$_" })) } 1, 2;
    my @digest = map { digest_of($_) } @text;
    is($push->('v1', $text[0]), 201, 'a manifest');
    my @events = $new->();
    is_deeply([ summary(@events) ], [ 'manifest.push a/b@' . short($digest[0]),
        'tag.push a/b:v1' ], 'a manifest and its tag');
    is($events[0]{mediaType}, IMAGE_MANIFEST, 'its media type');
    is($events[0]{size}, length $text[0], 'its size');
    is($events[1]{digest}, $digest[0], 'what the tag names');
    is($events[1]{$_}, $events[0]{$_}, "its $_") for qw(mediaType size);
    isnt($events[0]{id}, $events[1]{id}, 'each event has an id of its own');

    $push->('v1', $text[1]);
    @events = $new->();
    is($events[1]{previousDigest}, $digest[0], 'what a tag named before');
    $push->('v1', $text[1]);
    @events = $new->();
    is_deeply([ summary(@events) ], [ 'manifest.push a/b@' . short($digest[1]),
        'tag.push a/b:v1' ], 'the same push again');
    ok(!exists $events[1]{previousDigest}, 'which moved nothing');
    $client->put("/v2/a/b/manifests/$digest[1]?tag=x&tag=y", $text[1],
        'Content-Type' => IMAGE_MANIFEST);
    is_deeply([ sort(summary($new->())) ], [ 'manifest.push a/b@'
        . short($digest[1]), 'tag.push a/b:x', 'tag.push a/b:y' ], 'two tags');

    $client->post("/v2/c/blobs/uploads/?mount=$layer&from=a/b");
    is_deeply([ summary($new->()) ], [ 'repository.create c',
        'blob.mount c@' . short($layer) ], 'a mount');
    $client->delete("/v2/c/blobs/$layer");
    is_deeply([ summary($new->()) ], [ 'blob.delete c@' . short($layer),
        'repository.delete c' ], 'the last blob of a repository');
    $client->delete('/v2/a/b/manifests/x');
    @events = $new->();
    is_deeply([ summary(@events) ], ['tag.delete a/b:x'], 'a tag');
    is($events[0]{digest}, $digest[1], 'what it named');
    $client->delete("/v2/a/b/manifests/$digest[1]");
    @events = $new->();
    is_deeply([ summary(@events) ], [ 'tag.delete a/b:v1', 'tag.delete a/b:y',
        'manifest.delete a/b@' . short($digest[1]) ], 'a digest and its tags');
    is_deeply([ map { $_->{digest} } @events ], [ ($digest[1]) x 3 ],
        'which all name it');

    is($push->('v2', '{'), 400, 'a push that fails');
    is($client->delete('/v2/a/b/manifests/none')->status, 404, 'no such tag');
    $client->get("/v2/a/b/manifests/$digest[0]");
    $client->start_upload('a/b');
    is_deeply([ $new->() ], [], 'no change, no event');

    gc($server, '--grace', 0);
    is_deeply([ $new->() ], [], 'ociadmin writes none');
    $server->stop;
};

subtest 'CloudEvents, and texts of strangers' => sub {
    my ($server, $new) = serve(format => 'CloudEvents');
    my $client = OCI::Client->new($server);
    $client->post('/v2/a/blobs/uploads/?digest=' . digest_of('x'), 'x',
        'User-Agent' => "quo\"te\\ \xff\xc3\xa4 " . 'y' x 5000);
    my @events = $new->();
    is_deeply([ map { $_->{type} } @events ], [ 'mod_oci.repository.create',
        'mod_oci.blob.push' ], 'the types');
    my $event = $events[1];
    is($event->{specversion}, '1.0', 'specversion');
    is($event->{subject}, 'a@' . digest_of('x'), 'subject');
    is($event->{datacontenttype}, 'application/json', 'datacontenttype');
    like($event->{source}, qr{^//127\.0\.0\.1/v2/$}, 'source');
    is($event->{data}{repository}, 'a', 'the event is its data');
    like($event->{data}{userAgent}, qr/^quo"te\\ \?\x{e4} y{50,}$/,
        'the name of a client is escaped, and cut');
    my @lines = split /\n/, OCI::Server::slurp($server->dir . '/events');
    cmp_ok(length $lines[1], '<', 4096, 'the line is not too long for a pipe');

    my $long = join '/', ('x' x 63) x 3, 'y' x 63;    # 255 bytes
    $client->post("/v2/$long/blobs/uploads/?digest=" . digest_of('x'), 'x',
        'User-Agent' => "\t\"" x 2000);
    ($event) = grep { $_->{type} =~ /push/ } $new->();
    is($event->{subject}, "$long@" . digest_of('x'), 'the longest subject');
    @lines = split /\n/, OCI::Server::slurp($server->dir . '/events');
    cmp_ok(length $lines[-1], '<', 4096, 'is not too long either');
    $server->stop;
};

subtest 'garbage collection in the server' => sub {
    my ($server, $new) = serve(modules => ['watchdog'],
        extra => "OCIGCInterval 1\nOCIGCGrace 0\nOCIRetain ** tags=keep");
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('a', 'old', layers => ['l']);
    my (@events, $end);
    for ($end = time + 60; time < $end; sleep 0.1) {
        push @events, grep { $_->{by} } $new->();
        last if grep { $_->{action} eq 'tag.delete' } @events;
    }
    is_deeply([ summary(@events) ], ['tag.delete a:old'], 'a rule');
    is($events[0]{by}, 'garbage collection', 'who did it');
    is($events[0]{digest}, $image->{digest}, 'and what the tag named');
    $server->stop;
};

subtest 'a program' => sub {
    my $server = OCI::Server->start(
        config => 'OCIEventLog "|$exec cat >> @DIR@/events"');
    my $client = OCI::Client->new($server);
    $client->push_image('a', 'v1');
    my ($end, @events) = time + 60;
    sleep 0.05 while (@events = events_in($server->dir . '/events')) < 5
        && time < $end;
    is($events[-1]{action}, 'tag.push', 'gets all events');
    $server->stop;
};

my $daemon;    # its process id

END {
    my $status = $?;
    kill 'TERM', $daemon->{pid}
        if $daemon && $daemon->{owner} == $$ && kill 0, $daemon->{pid};
    $? = $status;
}

subtest 'a program that dies, and a daemon' => sub {
    plan(skip_all => 'once is enough, without the sanitizers')
        if OCI::Server->sanitized;
    my $server = OCI::Server->start(
        config => 'OCIEventLog "|$exec cat >> @DIR@/events"');
    $server->halt;
    unlink $server->dir . '/httpd.pid';
    system join ' ', $server->command, '-k start';
    my $pid_file = $server->dir . '/httpd.pid';
    my ($end, $pid) = time + 60;
    sleep 0.05 while !-s $pid_file && time < $end;
    ($pid) = OCI::Server::slurp($pid_file) =~ /(\d+)/;
    ok($pid, 'a daemon runs') or return;
    $daemon = { pid => $pid, owner => $$ };
    my $client = OCI::Client->new($server);
    my $image;
    sleep 0.1 while !($image = eval { $client->push_image('a', 'v1') })
        && time < $end;
    my $program;
    sleep 0.05 until (($program) = `pgrep -P $pid -x cat` =~ /(\d+)/)
        || time > $end;
    ok($program, 'the program is a child of the daemon');
    kill 'KILL', $program if $program;
    my $n = 0;
    do {
        $client->push_manifest('a', 't' . $n++, $image->{text});
        sleep 0.1;
    } while (!grep({ ($_->{tag} // '') =~ /^t/ }
        events_in($server->dir . '/events')) && time < $end);
    ok(time < $end, 'it is started again');
    my %tags = map { ($_->{tag} // '') => 1 } events_in($server->dir
        . '/events');
    ok($tags{t0}, 'and gets the events that waited');
    kill 'TERM', $pid;
    sleep 0.1 while kill(0, $pid) && time < $end;
    $server->stop_quietly;
};

subtest 'a program that does not read' => sub {
    my $server = OCI::Server->start(
        config => 'OCIEventLog "|/bin/sleep 300"');
    $server->allows(qr/OCIEventLog .* does not take this event/);
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('a', 'v1');
    my $pushes = 0;
    while ($pushes < 1000 && $server->log !~ /does not take/) {
        $client->push_manifest('a', "t$_", $image->{text}) for 1 .. 20;
        $pushes += 20;
    }
    like($server->log, qr/does not take this event: \{\\?"id\\?":/,
        'the error log gets what the pipe does not take');
    is($client->push_manifest('a', 'last', $image->{text}), $image->{digest},
        'and pushes go on');
    like($server->log, qr/does not take this event: .*last/, 'each of them');
    $server->stop;
};

subtest 'a full disk' => sub {
    my $disk = small_disk('tmpfs', 'size=1m')
        or plan(skip_all => 'only root can mount a small disk');
    my $server = OCI::Server->start(config => "OCIEventLog $disk/events");
    $server->allows(qr/OCIEventLog .* does not take this event/);
    my $client = OCI::Client->new($server);
    $client->push_blob('a', 'one');
    fill($disk);
    my $image = $client->push_image('a', 'v1');
    my $i = 0;    # the last page of the file may have had room
    $client->push_manifest('a', 't' . $i++, $image->{text})
        while $i < 100 && $server->log !~ /does not take/;
    like($server->log, qr/does not take this event: \{/,
        'a push succeeds, and the error log gets the event');
    unlink glob "$disk/f*";
    $client->push_manifest('a', 'later', $image->{text});
    my @lines = split /\n/, OCI::Server::slurp("$disk/events");
    is(decode_json($lines[-1])->{tag}, 'later', 'a line is a line again');
    $server->stop;
};

for my $target ('@DIR@/events', '"|$exec cat >> @DIR@/events"') {
    subtest "nothing is lost over graceful restarts, $target" => sub {
        my $server = OCI::Server->start(config => "OCIEventLog $target");
        $server->allows(qr/OCIEventLog .* does not take this event/,
            qr/AH00488/);    # httpd is surprised that the old program ends
        my ($most, @done) = time + 120;
        for (my $n = 0; @done <= 5 && time < $most; $n++) {
            my $pusher = OCI::Pusher->start([$server], "r$n", time + 4,
                others => []);
            for (1 .. 3) {
                sleep 0.7;
                $server->graceful;
            }
            $pusher->wait;
            push @done, map { $_->[2] } grep { $_->[0] eq 'done'
                && $_->[1] eq 'manifest' } $pusher->journal;
        }
        cmp_ok(scalar @done, '>', 5, scalar(@done) . ' pushes');
        my ($end, @lost) = time + 120;
        do {
            my %logged = map { $_ => 1 } $server->log =~ /(sha256:\w{64})/g,
                map { $_->{digest} // '' } events_in($server->dir . '/events');
            @lost = grep { !$logged{$_} } @done;
        } while (@lost && time < $end && sleep 0.1);
        is_deeply(\@lost, [], 'each has its event');
        $server->stop;
    };
}

subtest 'the directive' => sub {
    my $among = qr/it would be among the files of the/;
    my $dangling = File::Temp->newdir(TMPDIR => 1);
    symlink 'no/such', "$dangling/link" or die "symlink: $!\n";
    for (['events xml', qr/OCIEventLog: unknown format 'xml': expected json or /],
         ['/no/such/directory/events', qr{conf\ line\ \d+:\ OCIEventLog\ /no/such/directory/events:
            \ it\ needs\ the\ directory\ /no/such/directory/:\ No\ such}x],
         ['@DIR@/httpd.conf/events', qr{httpd.conf/: Not a directory}],
         ['@STORE@/events', qr/$among blob store .*store; choose a directory/],
         ['@DIR@/htdocs/../store/events', $among],
         ['@STORE@/blobs/events', $among],
         ['"|/no/such/program x"',
            qr{it needs the program /no/such/program: No such file}],
         ['"|| /no/such/program x"', qr{it needs the program /no/such/program}],
         ['"|/etc/passwd"', qr{it needs the program /etc/passwd: Permission}],
         ['"|/etc"', qr{it needs the program /etc: Is a directory}],
         ['"|no/such x"',
            qr{it needs the program /.*/no/such: No such file}],
         ['"| "', qr{it names no program}],
         ['"|$ "', qr{it names no program}],
         ['@DIR@/htdocs', qr{it is not a regular file, .* use a program}],
         ['/dev/zero', qr{it is not a regular file}],
         ["$dangling/link",
            qr{it needs the directory $dangling/no/: No such file}]) {
        my ($words, $error) = @$_;
        my $test = OCI::Server->configtest(config => "OCIEventLog $words");
        isnt($test->{status}, 0, "httpd -t: $words");
        like($test->{output}, $error, 'says why');
        like(OCI::Server->refuses(config => "OCIEventLog $words"), $error,
            'httpd does not start');
    }
    my $link = File::Temp->newdir(TMPDIR => 1);
    my $linked = OCI::Server->start(config => 'OCIEventLog @DIR@/events');
    symlink $linked->store, "$link/link" or die "symlink: $!\n";
    $linked->set(config => "OCIEventLog $link/link/events");
    like($linked->configtest->{output}, $among, 'a link to the store');
    $linked->allows(qr/OCIEventLog .* does not take this event/);
    $linked->expects(qr/$among.*; its events go to the error log/);
    $linked->graceful;
    OCI::Client->new($linked)->push_blob('a', 'x');
    like($linked->log, qr/does not take this event: .*blob.push/,
        'at a reload its events go to the error log');
    symlink $linked->store . '/new', "$link/new" or die "symlink: $!\n";
    $linked->set(config => "OCIEventLog $link/new");
    like($linked->configtest->{output}, $among, 'a link to a file to be made');
    $linked->set(config => 'OCIEventLog "|$"');
    $linked->expects(qr/it names no program; its events go to the error log/);
    $linked->graceful;
    OCI::Client->new($linked)->push_blob('a', 'y');
    like($linked->log, qr/does not take this event: .*@{[ digest_of('y') ]}/,
        'a reload without a program');
    ok(!-e $linked->store . "/$_", "no file is made: $_") for qw(events new);
    $linked->stop;
    my $index = "OCIIndex dbm:gdbm \@DIR\@/htdocs/facts\n";
    my $beside = OCI::Server->start(index => 'fs', config => $index);
    for (['events', 0], ['-events', 0], ['.log', 0], ['.1', 1], ['.new', 1]) {
        my ($end, $refused) = @$_;
        $beside->set(config => "${index}OCIEventLog \@DIR\@/htdocs/facts$end");
        my $test = $beside->configtest;
        is($test->{status} != 0, !!$refused, "beside an index: facts$end");
        like($test->{output}, $refused ? $among : qr/Syntax OK/, 'httpd says so');
    }
    $beside->stop;
    SKIP: {
        skip 'root may write anywhere', 1 if !$>;
        like(OCI::Server->configtest(config => 'OCIEventLog /events')->{output},
            qr{it cannot be created in /: Permission denied}, '/');
    }
    my $fifo = File::Temp->newdir(TMPDIR => 1);
    POSIX::mkfifo("$fifo/fifo", 0666);
    like(OCI::Server->refuses(config => "OCIEventLog $fifo/fifo"),
        qr/: it is not a regular file, .* use a program/, 'a FIFO');
    my $server = OCI::Server->start(config => 'OCIEventLog @DIR@/unused');
    is($server->configtest->{status}, 0, 'httpd -t');
    $server->stop;
};

done_testing;
