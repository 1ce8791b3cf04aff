# SPDX-License-Identifier: Apache-2.0

# A store or key file that cannot be used: "httpd -t" reports it, the first
# start is refused, and a reload lets everything else live.

use OCI::Test;

use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use OCI::Admin;

plan skip_all => 'needs root, or User in the configuration' if $>;

my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";

sub spew {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file;
    chmod 0640, $path;
    give_to_httpd($path);
    return;
}

mkdir "$tmp/free";
mkdir "$tmp/indexes";
spew("$tmp/file", '');
spew("$tmp/indexes/damaged", 'not a database' x 1000);
spew("$tmp/key", "not a key\n");
give_to_httpd($_) for "$tmp/free", "$tmp/indexes";

my $good = "OCIBlobStore fs $tmp/free/store";
my $tokens = "OCIToken On\nOCITokenService s\nOCITokenRealm https://a.example/";
my %broken = (
    'no parent directory'   => [ "OCIBlobStore fs $tmp/no/such",
        qr{OCIBlobStore: cannot create the directory $tmp/no/such: $tmp/no } ],
    'a file in its place'   => [ "OCIBlobStore fs $tmp/file",
        qr{OCIBlobStore: $tmp/file is not a directory} ],
    'a file as its parent'  => [ "OCIBlobStore fs $tmp/file/store",
        qr{OCIBlobStore: cannot create the directory $tmp/file/store: Not a} ],
    'a damaged gdbm'        => [
        "$good\nOCIIndex dbm:gdbm $tmp/indexes/damaged",
        qr{OCIIndex: $tmp/indexes/damaged is not a gdbm database} ],
    'no directory for gdbm' => [ "$good\nOCIIndex dbm:gdbm $tmp/no/index",
        qr{OCIIndex: cannot create $tmp/no/index: the directory $tmp/no does not} ],
    'no directory for SQLite' => [ "$good\nOCIIndex dbd:sqlite3 $tmp/no/sqlite",
        qr{OCIIndex: cannot create $tmp/no/sqlite: } ],
    'a damaged key'         => [ "$good\n$tokens\nOCITokenKey $tmp/key",
        qr{OCITokenKey: $tmp/key contains no key: expected PEM} ],
);

sub section {
    my ($lines) = @_;
    return "<Location \"/v2/second/\">\nSetHandler oci-registry\n$lines\n"
        . "</Location>";
}

sub content { return `find $tmp | sort` }

my $before = content();
my $run = OCI::Server->configtest(after => section($good));
is("$run->{status} $run->{output}", "0 Syntax OK\n", 'a good configuration');
for my $name (sort keys %broken) {
    my ($lines, $message) = @{ $broken{$name} };
    $run = OCI::Server->configtest(after => section($lines));
    is($run->{status}, 1, "httpd -t: $name");
    like($run->{output}, qr{oci: \S+/httpd\.conf line \d+: $message},
        'the message');
}
is(content(), $before, 'httpd -t changes nothing');

# A SQLite database that exists, perhaps of another program.
SKIP: {
    my $sqlite = "$tmp/free/sqlite";
    skip 'needs sqlite3', 3 if system 'sqlite3', $sqlite, 'create table a(b)';
    spew("$sqlite.lock", '');
    give_to_httpd($sqlite);
    my $list = sub { join '', map { "$_ @{[ (stat)[2, 4, 7, 9] ]}\n" }
        glob "$tmp/free/*" };
    my $listed = $list->();
    $run = OCI::Server->configtest(
        after => section("$good\nOCIIndex dbd:sqlite3 $sqlite"));
    is("$run->{status} $run->{output}", "0 Syntax OK\n", 'httpd -t: SQLite');
    is($list->(), $listed, 'httpd -t changes no SQLite database');
    is(`sqlite3 $sqlite 'select name from sqlite_master'`, "a\n",
        'and creates no table');
    unlink glob "$sqlite*";
}

# A dbm index that another process is changing is not waited for.
{
    my $index = "$tmp/free/dbm";
    my $lines = section("$good\nOCIIndex dbm:gdbm $index");
    spew("$index.locks", '');
    $run = OCI::Server->configtest(after => $lines);
    is("$run->{status} $run->{output}", "0 Syntax OK\n", 'httpd -t: dbm');
    ok(!-s "$index.locks", 'httpd -t writes nothing into the file of locks');
    OCI::Server->start(after => $lines)->stop;
    open my $file, '+<', "$index.locks" or die "$index.locks: $!";
    my $all = pack 's s x4 q q l x4', F_WRLCK, SEEK_SET, 0, 0, 0;
    fcntl $file, F_SETLK, $all or die "$index.locks: $!";
    $run = OCI::Server->configtest(after => $lines);
    is("$run->{status} $run->{output}", "0 Syntax OK\n",
        'httpd -t does not wait for a lock');
    close $file;
    system 'rm', '-r', "$tmp/free/store", glob "$index*";
}

# A user who cannot look as httpd's User is told nothing of stores.
SKIP: {
    my $setpriv = `sh -c 'command -v setpriv'` or skip 'needs setpriv', 4;
    my $dir = File::Temp->newdir(TMPDIR => 1);
    $run = OCI::Server->configtest(dir => "$dir", sanitize => 0,
        after => section("OCIBlobStore fs $tmp/no/such"));
    isnt($run->{status}, 0, 'root');
    my $command = join ' ', OCI::Server::command({ dir => $dir });
    chomp $setpriv;
    $command = "$setpriv --reuid 12345 --regid 12345 --clear-groups $command -t";
    is(`$command 2>&1`, "Syntax OK\n", 'another user');
    OCI::Server->configtest(dir => "$dir", sanitize => 0,
        after => section("OCIBlobStore fs $tmp/no/such\nOCIToken On"));
    like(`$command 2>&1`, qr/oci:emerg\].*OCIToken is On, but there is no/,
        'another user is told of lines that do not fit together');
    isnt($?, 0, 'and httpd -t fails');
}

for my $name (sort keys %broken) {
    my ($lines, $message) = @{ $broken{$name} };
    like(OCI::Server->refuses(after => section($lines)),
        qr{oci:emerg\].*oci: \S+/httpd\.conf line \d+: $message},
        "the first start: $name");
}

subtest 'a reload' => sub {
    my $server = OCI::Server->start(after => section($good));
    my $client = OCI::Client->new($server);
    my $image = $client->push_image('a', 'v1');
    $client->push_image('second/a', 'v1');
    my $signal = 'graceful';
    for my $name (sort keys %broken) {
        my ($lines, $message) = @{ $broken{$name} };
        $server->set(after => section($lines));
        $server->$signal;
        $client = OCI::Client->new($server);
        is($client->get('/v2/a/manifests/v1')->body, $image->{text},
            "$name, $signal: the other registry is served");
        for (1 .. 3) {
            my $res = $client->get('/v2/second/a/manifests/v1');
            error_is($res, 503, 'UNAVAILABLE',
                qr/storage or keys cannot be used; the server's error log says/);
            unlike($res->body, qr/\Q$tmp/, 'the body has no path');
        }
        $server->expects(qr{oci:error\].*line \d+: $message});
        my @lines = $server->log =~ /oci:error\].*$message/g;
        is(scalar @lines, 1, 'one line of the error log says why')
            or diag("@lines");
        $signal = $signal eq 'graceful' ? 'restart' : 'graceful';
    }
    $server->set(after => section($good));
    $server->graceful;
    status_is(OCI::Client->new($server)->get('/v2/second/a/manifests/v1'), 200,
        'it is served again when it is repaired');
    $server->stop;
};

# A blob store that was not started is not served with another index either.
subtest 'a reload with a good index inside of a broken one' => sub {
    my $inner = "<Location \"/v2/second/in/\">\nOCIIndex fs $tmp/free/in\n"
        . "</Location>";
    my $bad = "OCIIndex dbm:gdbm $tmp/no/index";
    my $new = "OCIBlobStore fs $tmp/free/new";
    my %case = (
        'in one Location' => section("$new\n$bad") . "\n$inner",
        'at the server'   => "$bad\n" . section($new) . "\n$inner",
        'in a virtual host' => "$bad\n$new\n<VirtualHost *>\n"
            . "OCIIndex fs $tmp/free/in\n</VirtualHost>\n" . section(""),
    );
    my $server = OCI::Server->start(after => section($good));
    for my $name (sort keys %case) {
        $server->set(after => $case{$name});
        $server->graceful;
        my $client = OCI::Client->new($server);
        error_is($client->get('/v2/second/in/a/tags/list'), 503, 'UNAVAILABLE',
            qr/storage or keys cannot be used/, $name);
        error_is($client->post('/v2/second/in/a/blobs/uploads/'), 503,
            'UNAVAILABLE', qr/storage or keys cannot be used/, $name);
        $server->expects(qr{OCIIndex: cannot create $tmp/no/index});
    }
    my @lines = $server->log =~ m{oci:error\].*$tmp/no/index}g;
    is(scalar @lines, keys %case, 'each reload logs one line')
        or diag($server->log);
    ok(!-e "$tmp/free/new", 'the store was not started');
    $server->stop;
};

# A database that does not answer delays no other site.
subtest 'a reload with a database that hangs' => sub {
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        Listen => 5) or die "cannot listen: $!";
    my $port = $listener->sockport;
    my $server = OCI::Server->start(after => section($good));
    $server->set(after => section("$good\n"
        . qq{OCIIndex dbd:pgsql "host=127.0.0.1 port=$port dbname=a user=b"}));
    for my $signal (qw(graceful restart)) {
        $server->$signal;
        ok(!IO::Select->new($listener)->can_read(0),
            "$signal does not connect to the database");
    }
    status_is(OCI::Client->new($server)->get('/v2/'), 200, 'other registries');
    $server->stop;
};

# Directives that need each other.
subtest 'a reload without OCITokenKey' => sub {
    my $server = OCI::Server->start(after => section($good));
    OCI::Client->new($server)->push_image('a', 'v1');
    $server->set(after => section("$good\nOCIToken On"));
    my $told = qr/httpd\.conf line \d+: OCIToken is On, but there is no OCITokenKey; add/;
    like($server->configtest->{output}, qr/oci:emerg\].*$told/, 'httpd -t');
    $server->graceful;
    $server->expects(qr/oci:error\].*$told/,
        qr/oci:error\].*no OCITokenKey applies to/);
    my $client = OCI::Client->new($server);
    status_is($client->get('/v2/a/manifests/v1'), 200, 'the other registry');
    error_is($client->get('/v2/second/a/manifests/v1'), 500, 'UNKNOWN');
    $server->stop;
};

# An index of the main server is inherited, and its problem has one line.
{
    my $text = join "\n", "OCIIndex dbm:gdbm $tmp/indexes/damaged",
        section("OCIBlobStore fs $tmp/free/store"), '';
    for my $after ($text, join "\n", reverse split /(?=<Location)/, $text) {
        $run = OCI::Server->configtest(after => $after);
        my @lines = $run->{output} =~ /(oci: \S+ line \d+: \w+:)/g;
        is(scalar @lines, 1, 'a damaged index outside of the Location: one line');
        like($lines[0], qr/OCIIndex:$/, 'the line of OCIIndex')
            or diag($run->{output});
    }
}

# A store of the main server is inherited, and so is its problem.
subtest 'a store outside of the Location' => sub {
    my $server = OCI::Server->start(
        location => "SetHandler oci-registry\nRequire all granted",
        after    => $good
    );
    $server->set(after => "OCIBlobStore fs $tmp/no/such");
    $server->graceful;
    $server->expects(qr/oci:error\].*OCIBlobStore: cannot create/);
    error_is(OCI::Client->new($server)->get('/v2/'), 503, 'UNAVAILABLE');
    $server->stop;
};

done_testing;
