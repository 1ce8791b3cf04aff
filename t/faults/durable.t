# SPDX-License-Identifier: Apache-2.0

# 201 means durable: the system calls of a request, as strace shows them.
# Before the response, each file's bytes are synced, then the file gets its
# name, and then the directory of the name is synced.  Bytes are written before
# the record with their number, and content before the facts that refer to it.

use OCI::Test;

use File::Spec ();
use OCI::Admin;
use OCI::Disk;
use Time::HiRes qw(sleep);

my ($STRACE) = grep { -x } map { "$_/strace" } split /:/, $ENV{PATH};
plan(skip_all => 'strace is not installed') if !$STRACE;

my $JOURNAL = has_journal(File::Spec->tmpdir);

my @TRACE = ($STRACE, '-f', '-qq', '-y', '-s', '16', '-e',
    'trace=openat,open,creat,write,writev,pwrite64,sendto,sendmsg,fsync,'
    . 'fdatasync,sync,syncfs,msync,rename,renameat,renameat2,link,linkat,'
    . 'symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,rmdir,ftruncate');

# A single process answers all requests, so that the order of its calls is
# defined.
sub start_traced {
    my $config = shift;
    my $server = OCI::Server->start(mpm => 'prefork', config => $config,
        extra => "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\n"
               . 'MaxRequestWorkers 1');
    my $trace = $server->dir . '/trace';
    my $process = OCI::Process->start(command => [ @TRACE, '-o', $trace,
        map { ('-p', $_) } $server->children ]);
    plan(skip_all => 'strace may not trace processes')
        if !$process->wait_for(sub {
            OCI::Client->new($server)->get('/v2/')->status == 200
                && -s $trace });
    return ($server, $trace, $process);
}

my $marks = 0;

# Make a request, and wait until its line of the access log is in the trace.
# Returns the size of the trace up to there.
sub mark {
    my ($server, $trace) = @_;
    my $query = sprintf '?%03d', ++$marks;
    OCI::Client->new($server)->get("/v2/$query");
    for (1 .. 6000) {
        my $text = OCI::Server::slurp($trace);
        return pos $text if $text =~ /"200 GET \/v2\/\Q$query\E/g;
        sleep 0.02;
    }
    die "the trace lacks a request\n";
}

# The calls of one request, in order, as [name, path, path of the new name].
sub calls_of {
    my ($server, $trace, $request) = @_;
    my $before = mark($server, $trace);
    my $client = OCI::Client->new($server);
    my $res = $request->($client);
    $client->close;
    my $text = '';
    for (1 .. 6000) {
        $text = substr OCI::Server::slurp($trace), $before;
        last if $text =~ /"HTTP\/1\.1 /;
        sleep 0.02;
    }
    return ($res, parse($server->store, $text));
}

# The calls in a trace, up to the first response.
sub parse {
    my ($store, $text) = @_;
    my @calls;
    for my $line (split /\n/, $text) {
        my ($name, $rest) = $line =~ /\A\d+ +(\w+)\((.*)/ or next;
        next if $rest =~ /\) += -1 /;
        if ($rest =~ /"HTTP\/1\.1 /) {
            push @calls, ['answer'];
            last;
        }
        if ($name =~ /\A(?:open|creat)/) {
            next if $rest !~ /O_CREAT/;
            $name = 'create';
        }
        my @paths = $rest =~ /\A\d+<([^>]*)>/ ? $1 : $rest =~ /"(\/[^"]*)"/g;
        @paths = grep { s/\A\Q$store\E\/// || $_ eq $store } @paths;
        push @calls, [ $name =~ s/(?:at2?|64)\z//r, @paths ]
            if @paths || $name =~ /sync\z/;
    }
    return @calls;
}

# A call that is not needed before later ones if there is a journal.
sub early { return $JOURNAL ? () : [@_] }

# Paths that need no sync: names and records of uploads, and temporary files.
sub passing { $_[0] =~ m{\A(?:uploads|index/upload|index/\.tmp|blobs/\.tmp)\b} }

# The directories that a sync includes, of those that changed.
sub included {
    my ($path, %changed) = @_;
    return $JOURNAL && $changed{$path} ? keys %changed : $path;
}

sub directory_of { $_[0] =~ m{\A(.*)/} ? $1 : '' }

# The faults in a request's calls, if everything has to be durable.
sub faults_of {
    my @calls = @_;
    my (%dirty, %unsynced, @faults);
    for my $call (@calls) {
        my ($name, $path, $new) = @$call;
        if ($name =~ /\A(?:p?writev?|ftruncate)\z/) {
            $dirty{$path} = 1;
        }
        elsif ($name =~ /\Af(?:data)?sync\z/) {
            delete $dirty{$path};
            delete @unsynced{ included($path, %unsynced) };
        }
        elsif ($name =~ /\A(?:rename|link)\z/) {
            push @faults, "$new has its name before its bytes are synced"
                if $dirty{$path} && !passing($new);
            $dirty{$new} = 1 if $dirty{$path};
            delete $dirty{$path} if $name eq 'rename';
            $unsynced{ directory_of($new) } = $new if !passing($new);
        }
        elsif ($name =~ /\A(?:create|symlink|mkdir|unlink|rmdir)\z/) {
            delete $unsynced{$path} if $name eq 'rmdir';
            $unsynced{ directory_of($path) } = $path if !passing($path);
        }
        elsif ($name eq 'answer') {
            push @faults, map({ "$_: its bytes were not synced" }
                              grep { !passing($_) } sort keys %dirty),
                map { "$unsynced{$_}: its directory was not synced" }
                sort keys %unsynced;
        }
    }
    push @faults, 'no response' if !@calls || $calls[-1][0] ne 'answer';
    return @faults;
}

# The position of the first call with this name and path, or -1.
sub find_call {
    my ($calls, $name, $path) = @_;
    for my $i (0 .. $#$calls) {
        return $i if $calls->[$i][0] =~ /\A$name\z/
            && ($calls->[$i][-1] // '') =~ $path;
    }
    return -1;
}

# One test: calls with these names and paths come in this order.
sub in_order {
    my ($calls, $name, @wanted) = @_;
    my @found = map { find_call($calls, @$_) } @wanted;
    my $right = !grep { $_ < 0 } @found;
    $right &&= $found[ $_ - 1 ] < $found[$_] for 1 .. $#found;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($right, $name)
        || diag("@found", map { "\n@$_" } @$calls) && 0;
}

sub durable {
    my ($calls, $name) = @_;
    my @faults = faults_of(@$calls);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(!@faults, "$name: everything is durable")
        || diag(join "\n", @faults, map { "@$_" } @$calls) && 0;
}

my $SET = '(?:create|symlink|rename|link)';
my $SYNC = 'f(?:data)?sync';
my $config = '{}';
my $bytes = random_bytes(300_000, 'durable');
my $text = json_text(image_manifest($config, [$bytes]));

# Requests that change the store, in their order; %path is filled meanwhile.
my %path;
my @requests = (
    [ PATCH => 202, sub { $_[0]->patch($path{session}, $bytes) } ],
    [ 'closing PUT' => 201, sub {
        $_[0]->put(with_query($path{session},
                              'digest=' . digest_of($bytes))) } ],
    [ 'monolithic PUT' => 201, sub {
        $_[0]->put(with_query($path{other}, 'digest=' . digest_of($config)),
                   $config) } ],
    [ 'monolithic POST' => 201, sub {
        $_[0]->post('/v2/durable/blobs/uploads/?digest='
                    . digest_of('posted'), 'posted') } ],
    [ mount => 201, sub {
        $_[0]->post('/v2/mounted/blobs/uploads/?from=durable&mount='
                    . digest_of($bytes)) } ],
    [ 'manifest' => 201, sub {
        $_[0]->put('/v2/durable/manifests/v1', $text,
                   'Content-Type' => IMAGE_MANIFEST) } ],
    [ 'tags' => 201, sub {
        $_[0]->put('/v2/durable/manifests/' . digest_of($text)
                   . '?tag=v2&tag=v3', $text,
                   'Content-Type' => IMAGE_MANIFEST) } ],
    [ 'DELETE of a tag' => 202, sub {
        $_[0]->delete('/v2/durable/manifests/v2') } ],
    [ 'DELETE of a manifest' => 202, sub {
        $_[0]->delete('/v2/durable/manifests/' . digest_of($text)) } ],
    [ 'DELETE of a blob' => 202, sub {
        $_[0]->delete('/v2/durable/blobs/' . digest_of($bytes)) } ],
);

sub run_requests {
    my $config = shift;
    my ($server, $trace, $process) = start_traced($config);
    my $client = OCI::Client->new($server);
    $client->push_blob('before', 'the file of empty values is made once');
    $path{$_} = $client->start_upload('durable') for qw(session other);
    $client->close;
    my %calls;
    for my $request (@requests) {
        my ($name, $status, $code) = @$request;
        my ($res, @calls) = calls_of($server, $trace, $code);
        status_is($res, $status, "$name: $status");
        $calls{$name} = \@calls;
    }
    $process->stop;
    $server->stop;
    return %calls;
}

subtest 'OCISync On, which is the default' => sub {
    my %calls = run_requests('');
    durable($calls{ $_->[0] }, $_->[0]) for @requests;

    in_order($calls{PATCH}, 'PATCH: bytes before the record with their number',
        [ writev => qr{^uploads/} ], [ $SET => qr{^index/upload/} ],
        ['answer', qr//]);
    is(scalar(grep { $_->[0] =~ /sync/ } @{ $calls{PATCH} }), 0,
        'PATCH: nothing is synced, because the record names the boot');
    for my $name ('closing PUT', 'monolithic PUT', 'monolithic POST') {
        in_order($calls{$name}, "$name: bytes, name, directory, record, link",
            ($name =~ /mono/ ? [ 'writev?' => qr{^uploads/} ] : ()),
            [ $SYNC => qr{^uploads/} ],
            [ $SET => qr{^blobs/sha256/../\w+$} ],
            [ $SYNC => qr{^blobs/sha256/..$} ],
            [ $SET => qr{^index/blob/sha256:} ],
            [ $SET => qr{^index/holder/} ],
            [ $SET => qr{^index/repo/durable/_blob/} ],
            [ $SYNC => qr{^index/repo/durable/_blob$} ], ['answer', qr//]);
        in_order($calls{$name}, "$name: then record and link are synced",
            early($SYNC => qr{^index/blob$}),
            [ $SYNC => qr{^index/repo/durable/_blob$} ], ['answer', qr//]);
    }
    in_order($calls{mount}, 'mount: link, directory',
        [ $SET => qr{^index/repo/mounted/_blob/} ],
        [ $SYNC => qr{^index/repo/mounted/_blob$} ], ['answer', qr//]);
    in_order($calls{manifest}, 'manifest: bytes, name, tag, directories',
        [ $SYNC => qr{^index/\.tmp/} ],
        [ $SET => qr{^index/repo/durable/_manifest/} ],
        [ $SET => qr{^index/repo/durable/_tagged/} ],
        [ $SET => qr{^index/repo/durable/_tag/v1$} ],
        early($SYNC => qr{^index/repo/durable/_manifest$}),
        [ $SYNC => qr{^index/repo/durable/_tag$} ], ['answer', qr//]);
    in_order($calls{tags}, 'tags: each, directory',
        [ $SET => qr{^index/repo/durable/_tag/v2$} ],
        [ $SET => qr{^index/repo/durable/_tag/v3$} ],
        [ $SYNC => qr{^index/repo/durable/_tag$} ], ['answer', qr//]);
    in_order($calls{'DELETE of a manifest'},
        'tags are deleted before the manifest',
        [ unlink => qr{^index/repo/durable/_tag/v} ],
        [ unlink => qr{^index/repo/durable/_manifest/} ], ['answer', qr//]);
};

subtest 'OCISync Off' => sub {
    my %calls = run_requests('OCISync Off');
    for my $request (@requests) {
        my @calls = @{ $calls{ $request->[0] } };
        my @syncs = grep { $_->[0] =~ /sync/ } @calls;
        is(scalar @syncs, 0, "$request->[0]: nothing is synced")
            or diag(map { "@$_\n" } @syncs);
        is($calls[-1][0], 'answer', 'the trace is complete');
    }
    in_order($calls{'closing PUT'}, 'the order for a blob is the same',
        [ $SET => qr{^blobs/sha256/../\w+$} ],
        [ $SET => qr{^index/blob/sha256:} ],
        [ $SET => qr{^index/repo/durable/_blob/} ], ['answer', qr//]);
    in_order($calls{manifest}, 'and for a manifest',
        [ $SET => qr{^index/repo/durable/_manifest/} ],
        [ $SET => qr{^index/repo/durable/_tag/v1$} ], ['answer', qr//]);
};

# What is deleted last must not be missing while a fact still refers to it.
subtest 'garbage collection' => sub {
    my $server = OCI::Server->start;
    my $client = OCI::Client->new($server);
    my $digest = $client->push_blob('garbage', 'the bytes');
    $client->push_image('whole', 'v1');
    $client->close;
    my $store = $server->store;
    my $trace = $server->dir . '/trace';
    # LeakSanitizer cannot examine a process that is traced.
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    is(system(@TRACE, '-o', $trace, tool(), 'gc', '--quiet', '--json',
        '--grace', 0, "fs $store"), 0, 'gc');
    my @calls = parse($store, OCI::Server::slurp($trace));
    my ($hex) = $digest =~ /:(..)/;
    my $name = $digest =~ s/.*://r;
    in_order(\@calls, 'note, link, holder, record, bytes',
        [ $SET => qr{^index/orphan/\Q$digest\E} ],
        [ unlink => qr{^index/repo/garbage/_blob/\Q$digest\E} ],
        [ unlink => qr{^index/holder/} ], early($SYNC => qr{^index/orphan$}),
        [ unlink => qr{^index/blob/\Q$digest\E} ], [ $SYNC => qr{^index/blob$} ],
        [ rename => qr{^blobs/sha256/$hex/\.$name\b} ],
        [ unlink => qr{^blobs/sha256/$hex/\.$name\b} ],
        [ unlink => qr{^index/orphan/\Q$digest\E} ]);
    my ($record) = grep { $calls[$_][0] eq 'unlink'
        && ($calls[$_][1] // '') =~ m{^index/blob/} } 0 .. $#calls;
    my %unsynced;
    for my $call (@calls[ 0 .. $record ]) {
        my ($what, $path) = @$call;
        delete @unsynced{ included($path, %unsynced) } if $what =~ /sync/;
        delete $unsynced{$path} if $what eq 'rmdir';
        $unsynced{ directory_of($path) } = $path
            if $what =~ /\A(?:unlink|rmdir)\z/ && !passing($path);
    }
    delete @unsynced{qw(index/blob index/review)};
    is_deeply(\%unsynced, {}, 'links and holders go durably before the record');
    $server->stop;
};

done_testing;
