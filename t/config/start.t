# SPDX-License-Identifier: Apache-2.0

# The start of httpd, with and without a store.

use OCI::Test;

use File::Temp ();
use OCI::Admin;

# Without OCIBlobStore there is a warning that names the line, and 503.
my $server = OCI::Server->start(
    location => "SetHandler oci-registry\nRequire all granted",
    after    => <<'CONF');
<Location "/v2/has/">
    SetHandler   oci-registry
    OCIBlobStore fs @STORE@
</Location>
CONF
$server->expects(qr/oci:warn\].*httpd\.conf[ ]line[ ]\d+:[ ]this[ ]registry[ ]
    answers[ ]503,[ ]because[ ]it[ ]has[ ]no[ ]OCIBlobStore/x);
my $client = OCI::Client->new($server);
for my $path (qw(/v2/ /v2/a/tags/list /v2/_catalog)) {
    error_is($client->get($path), 503, 'UNAVAILABLE', qr/storage/, "GET $path");
}
error_is($client->post('/v2/a/blobs/uploads/'), 503, 'UNAVAILABLE');
$client->push_image('has/a', 'v1');
my @warnings = $server->log =~ /this registry answers 503/g;
is(scalar @warnings, 1, 'one warning for the one section without a store');
$server->stop;

# A store in an enclosing section, or later in the file: no warning.
$server = OCI::Server->start(
    location => "SetHandler oci-registry\nRequire all granted",
    after    => 'OCIBlobStore fs @STORE@'
);
status_is(OCI::Client->new($server)->get('/v2/'), 200, 'the server\'s store');
$server->stop;

# A relative path is relative to ServerRoot; a missing store is created.
$server = OCI::Server->start(
    location => "SetHandler oci-registry\nRequire all granted\n"
              . 'OCIBlobStore fs made'
);
OCI::Client->new($server)->push_image('a', 'v1');
my $made = $server->dir . '/made';
is(OCI::Server::slurp("$made/blobs/.version"), "mod_oci blob store 1\n",
    'the version of the blob store');
is(OCI::Server::slurp("$made/index/.version"), "mod_oci index 2\n",
    'the version of the index');
SKIP: {
    skip 'only root can give a directory away', 2 if $>;
    my $owner = getpwnam(OCI::Server::user());
    my @others = grep { (lstat)[4] != $owner } split /\n/, `find $made`;
    is_deeply(\@others, [], 'everything belongs to httpd\'s User');
    my @open = grep { (lstat)[2] & 07 && !-l } split /\n/, `find $made`;
    is_deeply(\@open, [], 'no other user may read it');
}
$server->graceful;
status_is(OCI::Client->new($server)->get('/v2/a/manifests/v1'), 200,
    'its content is found after a reload');
$server->stop;

# Stores that cannot be used.
sub refused {
    my ($name, $prepare, $message) = @_;
    my $tmp = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$tmp";
    mkdir "$tmp/s";
    $prepare->("$tmp/s");
    give_to_httpd("$tmp/s");
    like(OCI::Server->refuses(config => "OCIBlobStore fs $tmp/s"),
        $message, $name);
    return;
}

refused('a blob store of a newer version', sub {
    mkdir "$_[0]/blobs"; OCI::Server::spew("$_[0]/blobs/.version", "mod_oci blob store 2\n")
}, qr/version 2, which a newer mod_oci wrote: this one supports up to version 1/);
refused('an index of a newer version', sub {
    mkdir "$_[0]/index"; OCI::Server::spew("$_[0]/index/.version", "mod_oci index 7\n")
}, qr/version 7, which a newer mod_oci wrote/);
refused('a directory with other content', sub {
    mkdir "$_[0]/blobs"; OCI::Server::spew("$_[0]/blobs/.version", "mail\n")
}, qr/belongs to something else/);
refused('a file instead of it', sub {
    rmdir $_[0]; OCI::Server::spew($_[0], '')
}, qr/is not a directory/);
refused('a file instead of a subdirectory', sub {
    OCI::Server::spew("$_[0]/blobs", '')
}, qr/blobs is not a directory/);
like(OCI::Server->refuses(config => 'OCIBlobStore fs /no/such/folder'),
    qr{cannot create the directory /no/such/folder: /no/such does not exist},
    'no parent');
like(OCI::Server->refuses(config => 'OCIIndex fs /no/such/folder'),
    qr{cannot create the directory /no/such/folder: /no/such does not exist},
    'no parent of an index');

# A store that root has restored, completely or in part.
sub restored {
    my ($index, $parts) = @_;
    my $tmp = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$tmp";
    my $store = "$tmp/s";
    mkdir $store;
    give_to_httpd($store);
    my %option = (store => $store, index => $index);
    my $server = OCI::Server->start(%option);
    OCI::Client->new($server)->push_image('a', 'v1');
    $server->stop;
    my $user = OCI::Server::user();
    for my $part (@$parts) {
        system 'chown', '-Rh', 'root:root', glob "$store/$part";
        my $message = qr{the[ ]user[ ]$user[ ]cannot[ ]read[ ]?[a-z ]*[ ]
            \Q$store\E\S*,[ ]which[ ]has[ ]the[ ]owner[ ]root[ ]and[ ]mode[ ]
            0\d+:[ ]run[ ]"chown[ ]-R[ ]$user[ ]\Q$store\E}x;
        like(OCI::Server->refuses(%option), $message,
            "$index: root's $part: refused");
        my $run = OCI::Server->configtest(%option);
        is($run->{status}, 1, 'by httpd -t, too');
        like($run->{output}, $message, 'with the same message');
        give_to_httpd($store);
    }
    $server = OCI::Server->start(%option);
    status_is(OCI::Client->new($server)->get('/v2/a/manifests/v1'), 200,
        "$index: the store is served when its owner is restored");
    $server->stop;
    return;
}
SKIP: {
    skip 'only root can give a directory away', 1 if $>;
    restored('fs', [ 'blobs', 'blobs/sha256', 'blobs/sha256/??', 'uploads',
        'index', 'index/*', 'index/.locks' ]);
    restored('dbm:gdbm', [ 'facts', 'facts.locks', 'facts.log-1' ]);
    restored('dbd:sqlite3', [ 'facts', 'facts.lock' ]);
}

# A store that httpd's User owns, below a directory that it may not search.
SKIP: {
    skip 'only root can close a directory to httpd\'s User', 1 if $>;
    my $tmp = File::Temp->newdir(TMPDIR => 1);
    my $closed = "$tmp/closed";
    my $store = "$closed/st";
    chmod 0755, "$tmp";
    mkdir "$tmp/blobs";
    mkdir $closed;
    mkdir $store;
    give_to_httpd($_) for $store, "$tmp/blobs";
    chmod 0700, $closed;
    my $user = OCI::Server::user();
    for my $lines ("OCIBlobStore fs $store", "OCIBlobStore fs $closed/new",
        map { "OCIBlobStore fs $tmp/blobs\nOCIIndex $_ $store/index" }
        'fs', 'dbm:gdbm', 'dbd:sqlite3') {
        my $message = qr{line[ ]\d+:[ ]\w+:[ ]the[ ]user[ ]$user[ ]cannot[ ]use[ ]
            $closed/\S+,[ ]because[ ]it[ ]may[ ]not[ ]search[ ]the[ ]directory[ ]
            $closed,[ ]which[ ]has[ ]the[ ]owner[ ]root[ ]and[ ]mode[ ]0700:[ ]
            run[ ]"chmod[ ]a\+x[ ]$closed",[ ]or[ ]configure[ ]another[ ]path}x;
        my $section = "<Location \"/v2/b/\">\nSetHandler oci-registry\n"
            . "$lines\n</Location>";
        my $run = OCI::Server->configtest(after => $section);
        is($run->{status}, 1, "a closed directory: $lines");
        like($run->{output}, $message, 'httpd -t names it');
        like(OCI::Server->refuses(after => $section), $message,
            'the start names it');
    }
    symlink $store, "$tmp/link";
    for my $dir ("$tmp/link", "$tmp/link/new") {
        my $run = OCI::Server->configtest(config => "OCIBlobStore fs $dir");
        like($run->{output}, qr{user $user cannot use $dir, .* link $tmp/link leads thr},
            "httpd -t names a link to it: $dir");
    }
}

# What may be in a store's directory without harm: files that cannot be read,
# lost+found, snapshots, and a directory of somebody else.
SKIP: {
    skip 'only root can give a directory away', 1 if $>;
    $server = OCI::Server->start;
    OCI::Client->new($server)->push_image('a', 'v1');
    my $store = $server->store;
    mkdir "$store/$_", 0700 for qw(lost+found blobs/lost+found blobs/.snapshot);
    chmod 0, my @blobs = glob "$store/blobs/sha256/*/*";
    mkdir "$store/blobs/sha256/other";
    $server->halt;
    $server->again;
    status_is(OCI::Client->new($server)->get('/v2/a/manifests/v1'), 200,
        'lost+found does not belong to the store');
    $server->stop;

    # A directory where the store has only files, or none of its own yet.
    for my $path (qw(uploads/@eaDir uploads/backup index/.tmp/backup
        blobs/@eaDir index/@eaDir), "blobs/#recycle") {
        $server = OCI::Server->start;
        $server->halt;
        mkdir $server->store . "/$path", 0700 or die "$path: $!";
        eval { $server->again; 1 } or diag($@);
        status_is(OCI::Client->new($server)->get('/v2/'), 200,
            "$path does no harm");
        $server->stop;
    }
}

# A database that does not answer: the start says so once, and requests fail.
my $closed = OCI::Server::free_port();
$server = OCI::Server->start(config =>
    qq{OCIIndex dbd:pgsql "host=127.0.0.1 port=$closed"});
$server->expects(qr/oci:warn\].*line \d+: OCIIndex: the database does not answer, so/);
@warnings = $server->log =~ /the database does not answer, .*: connection/g;
is(scalar @warnings, 1, 'one warning at the start') or diag($server->log);
error_is(OCI::Client->new($server)->get('/v2/'), 503, 'UNAVAILABLE');
$server->expects(qr/oci:error\].*cannot read/);
$server->stop;

# A SQLite database that is damaged.
{
    my $tmp = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$tmp";
    OCI::Server::spew("$tmp/facts", 'not a database' x 1000);
    give_to_httpd($_) for "$tmp", "$tmp/facts";
    $server = OCI::Server->start(config => "OCIIndex dbd:sqlite3 $tmp/facts");
    $server->expects(qr{oci:warn\].*line[ ]\d+:[ ]OCIIndex:[ ]the[ ]index[ ]cannot[ ]be[ ]
        read,[ ]so[ ]requests[ ]fail[ ]until[ ]it[ ]is[ ]repaired:[ ].*not[ ]a[ ]database}x);
    error_is(OCI::Client->new($server)->get('/v2/'), 500, 'UNKNOWN');
    $server->expects(qr/oci:error\].*not a database/);
    $server->stop;
}

# A store is not created by an httpd that has no registry.
$server = OCI::Server->start(location => 'OCIBlobStore fs @DIR@/unused');
status_is(OCI::Client->new($server)->get('/v2/'), 404, 'there is no registry');
$server->expects(qr/OCIBlobStore has no effect, because .* no SetHandler; add/);
$server->stop;

# Only SetHandler makes a registry: access control depends on it.
$server = OCI::Server->start(modules => ['rewrite'],
    location => "OCIBlobStore fs \@STORE\@\nRequire all granted",
    after => "RewriteEngine On\nRewriteRule ^/v2/ - [H=oci-registry]");
status_is(OCI::Client->new($server)->get('/v2/'), 404,
    'RewriteRule with the handler makes no registry');
$server->expects(qr/OCIBlobStore has no effect, because .* no SetHandler; add/);
$server->stop;
done_testing;
