# SPDX-License-Identifier: Apache-2.0

# ThreadSanitizer finds no two threads of httpd that use the same memory, pool
# or connection at the same time, and no locks that are taken in different
# orders, while the server collects garbage again and again beside requests of
# all kinds.  The target "threads" runs this for several indexes.
#
# OCI_THREADS_SECONDS is how long the load on each MPM lasts.

use OCI::Test;

use File::Temp ();
use OCI::Auth;
use OCI::Crowd;
use OCI::Pusher;
use OCI::Threads;
use OCI::Writer;
use Time::HiRes qw(time);

plan(skip_all => 'for the build of the target "threads"')
    if OCI::Server->sanitized ne 'thread';

my $SECONDS = $ENV{OCI_THREADS_SECONDS} // 30;
my $LARGE = 12 << 20;    # bytes: two threads read, write and hash them
my $TAGS = 100;          # enough for a listing that is kept in memory
my @REPOS = map { "race/p$_" } 1 .. 4;
my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";
my $http2 = `curl -V` =~ /\bHTTP2\b/;
my $environment = OCI::Threads::environment("$tmp");

# All threads in one process; a run of the garbage collection each second, with
# rules; and a second host with the same stores, which wants tokens.
my $RULES = <<'END';
StartServers        1
ServerLimit         4
ThreadsPerChild     32
MaxRequestWorkers   64
OCIGCInterval       1
OCIGCGrace          0
OCIRetain           ** tags=[ti][0-9]
OCIUntagged         1s
OCIPullTime         On
OCIImmutable        fixed/** tags=one
Protocols           h2c http/1.1
END

sub second_host {
    my $token = OCI::Auth::token_endpoint(OCI::Auth::file_login());
    my $policy = OCI::Auth::policy(0, sub { "Require user @_" });
    return <<"END";
<VirtualHost *:\@PORT2\@>
    $token
    <Location "/v2/">
        SetHandler oci-registry
        OCIBlobStore fs \@STORE\@
        $policy
    </Location>
</VirtualHost>
END
}

# ---- clients: each function makes some requests, and returns the responses

my ($count, $large) = (0, random_bytes($LARGE, 'large'));

# A large blob, in a session of two bodies; then some of it is pulled.
sub push_large {
    my $client = shift;
    substr $large, 0, 20, sprintf '%20s', "$$ " . ++$count;
    my $digest = digest_of($large);
    my $location = $client->start_upload('large');
    my $cut = int rand $LARGE;
    my @all = ($client->patch($location, substr $large, 0, $cut),
        $client->put(with_query($location, "digest=$digest"),
            substr $large, $cut),
        $client->get("/v2/large/blobs/$digest", Range => 'bytes=1000-900000'),
        $client->get("/v2/large/blobs/$digest"));
    return (@all, $client->delete("/v2/large/blobs/$digest"));
}

# Tags that move, in a repository with many of them.  The manifests are large,
# so that an index "dbm" has to merge its log.
sub move_tags {
    my $client = shift;
    my $blob = $client->put(with_query($client->start_upload('many/tags'),
        'digest=' . digest_of('{}')), '{}');
    my @all = ($blob);
    for my $n (map { int rand $TAGS } 1 .. 5) {
        my $text = json_text(OCI::Client::image_manifest('{}', [],
            annotations => { n => "$$ " . ++$count, x => 'x' x rand 60_000 }));
        my $path = 'many/tags/manifests/t' . ($n < 10 ? $n : "mp-$n");
        push @all, put($client, $path, $text),
            put($client, 'fixed/a/manifests/one', $text);
        push @all, $client->delete("/v2/$path") if rand() < 0.2;
    }
    return @all;
}

# Lists, whole or in pages.
sub list {
    my $client = shift;
    my $repo = ('many/tags', @REPOS)[ rand 5 ];
    my $tag = $client->get("/v2/$repo/manifests/t" . int rand 6);
    my $digest = $tag->header('Docker-Content-Digest') // digest_of('none');
    return ($tag, map { $client->get("/v2/$_") } '_catalog', '_catalog?n=2',
        "$repo/tags/list", "$repo/tags/list?n=7&last=t3",
        "$repo/referrers/$digest", "$repo/manifests/$digest");
}

# Get a token for all clients at times, and use the latest one, or a wrong one.
sub use_tokens {
    my ($client, $server) = @_;
    if (rand() < 0.2 || !-e "$tmp/token") {
        my $auth = OCI::Auth->new($server, 'admin');
        $auth->{client} = $client;
        my $token = $auth->token_for(map { "repository:$_:pull,push" } @REPOS);
        open my $file, '>', "$tmp/token.$$" or die "$tmp/token.$$: $!\n";
        print $file $token;
        close $file;
        rename "$tmp/token.$$", "$tmp/token";
    }
    my $token = OCI::Server::slurp("$tmp/token");
    $token =~ s/..\z/AA/ if rand() < 0.1;
    return map { $client->get("/v2/$_", Authorization => "Bearer $token") }
        '_catalog', ("$REPOS[0]/tags/list") x 3;
}

# Requests at the same time over one connection with HTTP/2, which has threads
# of its own.
sub use_http2 {
    my $client = shift;
    my $digest = digest_of('{}');
    my @urls = map { ('-o', '/dev/null', "http://$client->{host}/v2/$_") }
        '_catalog', "many/tags/blobs/$digest", (map { ("$_/tags/list",
        "$_/manifests/t3") } 'many/tags', @REPOS);
    my $push = "many/h2/blobs/uploads/?digest=$digest";
    my @curl = ('sh', '-c', 'exec curl "$@" 2>/dev/null', 'sh',
        qw(-m 60 --http2-prior-knowledge -w), '%{http_code} ');
    my $codes = '';
    for my $more ([ '-Z', @urls ], [ '--data-binary', '{}', '-o', '/dev/null',
        "http://$client->{host}/v2/$push" ]) {
        open my $out, '-|', @curl, @$more or die "curl: $!\n";
        $codes .= <$out> // '';
        close $out;
    }
    # 000: the connection ended, as at a reload
    return map { bless { status => $_ }, 'OCI::Response' }
        grep { $_ ne '000' } split ' ', $codes;
}

# The statuses of a function's responses until a time; in the middle of it one
# client asks httpd to reload.
sub repeat {
    my ($client, $server, $until, $reload, $function) = @_;
    my ($half, %seen) = (time + ($until - time) / 2);
    while (time < $until) {
        $seen{ $_->status }++ for $function->($client, $server);
        if ($reload && time > $half) {
            kill 'USR1', $server->pid;
            $reload = 0;
        }
    }
    return sort keys %seen;
}

# ---- the load

sub start_server {
    my $mpm = shift;
    my $server = OCI::Server->start(mpm => $mpm, ports => 2, extra => $RULES,
        env => $environment, after => second_host(),
        modules => [ $http2 ? 'http2' : (),
            qw(watchdog auth_basic authn_core authn_file authz_user) ]);
    OCI::Auth::passwords($server);
    return $server;
}

# The clients that keep no journal.  Returns the statuses of the responses.
sub crowd {
    my ($server, $until) = @_;
    my @functions = ((\&list, \&push_large, \&move_tags) x 2,
        (\&use_tokens) x 4, $http2 ? \&use_http2 : ());
    my @results = at_once([$server], scalar @functions, sub {
        my ($client, $n) = @_;
        $client = OCI::Client->new($server->host(2))
            if $functions[$n] == \&use_tokens;
        return repeat($client, $server, $until, !$n, $functions[$n]);
    });
    return map { @$_ } @results;
}

for my $mpm (qw(worker event)) {
    my $server = start_server($mpm);
    my $until = time + $SECONDS;
    my @pushers = map { OCI::Pusher->start([$server], $_, $until,
        others => \@REPOS, repeats => 1) } @REPOS;
    my $writer = OCI::Writer->start([$server], 'chunks', $until);
    my %seen = map { $_ => 1 } crowd($server, $until);
    $_->wait for @pushers, $writer;

    my @odd = grep { !/^(?:20[0126]|401|404|409)\z/ } sort keys %seen;
    is("@odd", '', "$mpm: no odd status");
    my ($pushes, @faults) = (0);
    for my $pushed (map { OCI::Pushed->new($_) } @pushers) {
        $pushed->check($server, 1);
        push @faults, $pushed->faults;
        $pushes += $pushed->pushes;
    }
    is(join("\n", @faults), '', "$mpm: nothing is lost");
    cmp_ok($pushes, '>', 20, "$mpm: $pushes pushes");
    my $runs = () = $server->log =~ /oci: garbage collection of .* reviewed/g;
    cmp_ok($runs, '>', 0, "$mpm: $runs runs");
    $server->stop("$mpm: no report");
}

done_testing;
