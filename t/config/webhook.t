# SPDX-License-Identifier: Apache-2.0

# conf/webhook.pl: events reach a receiver, in order, whatever ends meanwhile.

use OCI::Test;

use Cwd ();
use File::Temp ();
use JSON::PP qw(decode_json);
use OCI::Process;
use POSIX ();
use Time::HiRes qw(sleep time);

my $PROGRAM = Cwd::getcwd() . '/conf/webhook.pl';

# A receiver of notifications.  It answers with the status in the file "status",
# 200 without it.  It appends what it accepts to the file "got".
my $RECEIVER = <<'END';
use strict;
use IO::Socket::INET;
my ($dir, $port) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
    Listen => 5, ReuseAddr => 1) or die "listen: $!";
while (my $socket = $listener->accept) {
    my ($size, $head) = (0, '');
    while (my $line = <$socket>) {
        $head .= $line;
        $size = $1 if $line =~ /^content-length: (\d+)/i;
        last if $line =~ /^\r?$/;
    }
    read $socket, my $body, $size;
    my $status = 200;
    if (open my $file, '<', "$dir/status") {
        chomp($status = <$file>);
    }
    if ($status < 300) {
        open my $heads, '>>', "$dir/heads";
        print $heads $head;
        open my $got, '>>', "$dir/got";
        print $got "$body\n";
    }
    print $socket "HTTP/1.1 $status X\r\nContent-Length: 0\r\n"
        . "Connection: close\r\n\r\n";
}
END

sub start_receiver {
    my ($dir, $port) = @_;
    return OCI::Process->start(command => [ $^X, '-e', $RECEIVER, "$dir",
        $port ], output => "$dir/receiver");
}

# The notifications that were accepted.
sub got {
    my $dir = shift;
    return map { @{ decode_json($_)->{events} } }
        split /\n/, -e "$dir/got" ? OCI::Server::slurp("$dir/got") : '';
}

sub ids { return map { $_->{id} } got(@_) }

sub wait_for {
    my $code = shift;
    my $end = time + 90;
    sleep 0.05 while !$code->() && time < $end;
    return $code->();
}

sub queued { return scalar grep { !m{/refused$} } glob "$_[0]/queue/*" }

# Start the program with a pipe to its input.
sub start_program {
    my ($dir, $port) = @_;
    mkdir "$dir/queue";
    pipe my $from, my $to or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $to;
        open STDIN, '<&', $from;
        open STDERR, '>>', "$dir/errors";
        exec $^X, $PROGRAM, '--queue', "$dir/queue", '--url',
            "http://127.0.0.1:$port/hook", '--headers', "$dir/headers"
            or POSIX::_exit(126);
    }
    $to->autoflush(1);
    return { pid => $pid, to => $to };
}

sub end_program {
    my $program = shift;
    close $program->{to};
    waitpid $program->{pid}, 0;
    return $?;
}

my $number = 0;

sub write_event {
    my $program = shift;
    $number++;
    print { $program->{to} } json_text({ id => "id$number",
        time => '2026-11-28T15:00:00.000Z', action => 'tag.push',
        repository => 'team/app', tag => "v$number",
        digest => digest_of("$number"), size => 10, actor => 'alice' }), "\n";
    return;
}

like(`$^X $PROGRAM --help`, qr/^usage: webhook\.pl --queue DIR .*--registry/s,
    '--help');
is($?, 0, 'which is no error');
like(`$^X $PROGRAM --queue /tmp 2>&1`, qr/\Ausage: .*\n\z/, 'a missing option');
isnt($?, 0, 'is an error');

my $dir = File::Temp->newdir('mod_oci-hook-XXXXXX', TMPDIR => 1);
OCI::Server::spew("$dir/headers", "Authorization: Bearer secret\n");
my $port = OCI::Server::free_port();
my $program = start_program($dir, $port);

subtest 'a receiver that is down' => sub {
    for (1 .. 5) {
        write_event($program);
        sleep 0.05;
    }
    ok(wait_for(sub { queued($dir) && -s "$dir/errors" }),
        'events wait in the queue');
    like(OCI::Server::slurp("$dir/errors"),
        qr{does not accept events\.  They wait in }, 'and the log says so');
    my $sender;
    ok(wait_for(sub { ($sender) = split ' ', `pgrep -P $program->{pid}` }),
        'a process sends them') or return;
    kill 'KILL', $sender;
    my $receiver = start_receiver($dir, $port);
    write_event($program);
    ok(wait_for(sub { got($dir) >= 6 }), 'they arrive when it is up again');
    is_deeply([ ids($dir) ], [ map { "id$_" } 1 .. 6 ],
        'in order, although the sender was killed');
    ok(wait_for(sub { !queued($dir) }), 'and leave the queue');
    like(OCI::Server::slurp("$dir/heads"), qr/^authorization: Bearer secret/im,
        'with the headers of the file');
    my ($event) = got($dir);
    is($event->{action}, 'push', 'the action');
    is($event->{target}{repository}, 'team/app', 'the repository');
    is($event->{target}{tag}, 'v1', 'the tag');
    is($event->{target}{length}, 10, 'the length');
    is($event->{actor}{name}, 'alice', 'the actor');

    OCI::Server::spew("$dir/status", "503\n");
    write_event($program);
    ok(wait_for(sub { queued($dir) }), 'a receiver that fails');
    kill 'TERM', $program->{pid};
    write_event($program);
    is(end_program($program), 0, 'the program ends with its input');
    is(scalar(ids($dir)), 6, 'the events wait');
    unlink "$dir/status";
    $program = start_program($dir, $port);
    ok(wait_for(sub { got($dir) >= 8 }), 'for the next start');
    is_deeply([ ids($dir) ], [ map { "id$_" } 1 .. 8 ], 'in order');

    OCI::Server::spew("$dir/status", "400\n");
    write_event($program);
    ok(wait_for(sub { scalar(() = glob "$dir/queue/refused/*") }),
        'what it refuses is moved aside');
    unlink "$dir/status";
    print { $program->{to} } qq({"action":"repository.create"}\ntorn\n);
    write_event($program);
    ok(wait_for(sub { got($dir) >= 9 && !queued($dir) }), 'the rest goes on');
    is((ids($dir))[-1], 'id10', 'in order');
    is(end_program($program), 0, 'the program ends');
    $receiver->stop;
};

subtest 'what a killed program left, in a path with a space' => sub {
    my $own = "$dir/with space";
    mkdir $own or die "mkdir: $!\n";
    mkdir "$own/queue";
    OCI::Server::spew("$own/headers", '');
    my $gone = fork // die "fork: $!\n";
    POSIX::_exit(0) if !$gone;
    waitpid $gone, 0;
    OCI::Server::spew("$own/queue/.1795895145.682837-$gone-0", json_text({
        id => 'left', action => 'tag.push', repository => 'a' }) . "\n");
    my $receiver = start_receiver($own, $port);
    my $program = start_program($own, $port);
    ok(wait_for(sub { got($own) }), 'is sent');
    is((ids($own))[0], 'left', 'as it was');
    is(end_program($program), 0, 'the program ends');
    $receiver->stop;
};

subtest 'with httpd' => sub {
    my $receiver = start_receiver($dir, $port);
    unlink "$dir/got";
    my $server = OCI::Server->start(config => 'OCIEventLog "|' . $PROGRAM
        . " --queue $dir/queue --url http://127.0.0.1:$port/hook "
        . '--registry https://registry.example.org"');
    my $image = OCI::Client->new($server)->push_image('a/b', 'v1');
    my @tags;
    ok(wait_for(sub { @tags = grep { $_->{target}{tag} } got($dir) }),
        'a push arrives');
    my $target = $tags[0]{target};
    is($target->{tag}, 'v1', 'its tag');
    is($target->{digest}, $image->{digest}, 'its digest');
    is($target->{mediaType}, IMAGE_MANIFEST, 'its media type');
    is($target->{url}, 'https://registry.example.org/v2/a/b/manifests/'
        . $image->{digest}, 'its URL');
    is($tags[0]{request}{addr}, '127.0.0.1', 'the address of the client');
    $server->stop;
    $receiver->stop;
};

done_testing;
