# SPDX-License-Identifier: Apache-2.0

# A blob store and an index that do not belong together, for example because a
# disk is not mounted: every request is refused until the right store is back.

use OCI::Test;

use File::Path ();
use OCI::Admin;
use OCI::Database;

my $ID = qr/[0-9a-f]{32}/;

# The location of an index of this kind; undef if its database server is not
# installed.  An index on the disk is checked when httpd starts.
sub location {
    my ($kind, $dir) = @_;
    return $dir if $kind eq 'fs';
    return "$dir/facts" if $kind !~ /pgsql|mysql/;
    my $database = OCI::Database->start($kind =~ s/.*://r);
    return $database && $database->params;
}

# The pair is refused with this message: when httpd starts, or by each request.
sub is_refused {
    my ($server, $kind, $sentence, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $server->expects($sentence);
    if ($kind !~ /pgsql|mysql/) {
        ok(!eval { $server->again; 1 }, "$name: httpd does not start");
        like($server->log, qr/oci:emerg\].*$sentence/, "$name: it says why");
        return;
    }
    $server->again;
    my $client = OCI::Client->new($server);
    error_is($client->get('/v2/a/manifests/v1'), 503, 'UNAVAILABLE',
        qr/blob store is not available/, "$name: a pull");
    error_is($client->post('/v2/a/blobs/uploads/'), 503, 'UNAVAILABLE',
        qr/blob store is not available/, "$name: a push");
    like($server->log, qr/oci:error\].*$sentence/, "$name: it says why");
    $server->halt;
    return;
}

sub empty_store {
    my $store = shift;
    mkdir $store or die "$store: $!\n";
    give_to_httpd($store);
    return;
}

sub spew {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file;
    give_to_httpd($path);
    return;
}

for my $kind (qw(fs dbm:gdbm dbm:db dbd:sqlite3 dbd:pgsql dbd:mysql)) {
    my $server = OCI::Server->start(location => '');
    $server->halt;
    $server->allows(qr/^AH00016: Configuration Failed/);
    my $dir = $server->dir;
    my $facts = "$dir/facts";
    empty_store($facts);
    my $location = location($kind, $facts);
    if (!$location) {
        pass("# SKIP there is no server for $kind");
        next;
    }
    my $store = $server->store;
    $server->set(location => "SetHandler oci-registry\nRequire all granted\n"
        . "OCIBlobStore fs $store\nOCIIndex $kind \"$location\"");
    $server->again;
    my $image = OCI::Client->new($server)->push_image('a', 'v1');
    my $pull = sub {
        my $name = shift;
        my $client = OCI::Client->new($server);
        is($client->get('/v2/a/manifests/v1')->body, $image->{text},
            "$kind, $name: a pull");
        $client->push_image('b', 'v1');
    };
    like(OCI::Server::slurp("$store/blobs/.id"), qr/\A$ID\n\z/,
        "$kind: a new store has an id");
    $server->graceful;
    $pull->('after a reload');
    $server->halt;

    # The disk is not mounted: an empty directory is in its place.
    rename $store, "$store.away" or die "$store: $!\n";
    empty_store($store);
    is_refused($server, $kind, qr/\Q$store\E has no id: is its disk mounted/,
        "$kind, no disk");
    is_deeply([ glob "$store/*" ], [], "$kind: nothing is created there")
        if $kind !~ /pgsql|mysql/;

    # The blob store of another registry.
    File::Path::make_path("$store/blobs", "$store/uploads");
    spew("$store/blobs/.version", "mod_oci blob store 1\n");
    spew("$store/blobs/.id", 'f' x 32 . "\n");
    give_to_httpd($store);
    is_refused($server, $kind, qr/has the id f{32}: configure a pair/,
        "$kind, another store");

    # The procedure of README for a pair that is combined on purpose.
    my $id = OCI::Server::slurp("$store.away/blobs/.id");
    spew("$store/blobs/.id", $id);
    $server->again;
    status_is(OCI::Client->new($server)->get('/v2/a/manifests/v1'), 200,
        "$kind: it is served after its id was written to the store");
    $server->halt;

    # The right one is back.
    File::Path::remove_tree($store);
    rename "$store.away", $store or die "$store: $!\n";
    $server->again;
    $pull->('with the right store');
    $server->halt;

    # An empty index is in the place of the right one.  Garbage collection would
    # take the blobs of the right one for garbage.
    my $empty = "$dir/empty";
    empty_store($empty);
    my $other = location($kind, $empty);
    $server->set(location => $server->{location} =~ s/\Q$location/$other/r);
    is_refused($server, $kind, qr/\Q$store\E\ holds\ blobs\ of\ another\ index,\ and
        \ the\ index\ .*\ is\ empty:\ configure\ the\ index\ that\ belongs/x,
        "$kind, an empty index");

    # The procedure for an index that is lost for good.
    unlink "$store/blobs/.id";
    $server->again;
    my $client = OCI::Client->new($server);
    error_is($client->get('/v2/a/manifests/v1'), 404, 'MANIFEST_UNKNOWN',
        undef, "$kind: an empty index, and a store without its id");
    is($client->push_image('a', 'v1')->{digest}, $image->{digest},
        "$kind: content is pushed again");
    $server->halt;
    $server->stop;
}

# A registry without an id, as older versions made it, gets one, but not if its
# blobs are missing.
my $server = OCI::Server->start(config => 'OCIIndex fs @DIR@/facts');
$server->allows(qr/^AH00016: Configuration Failed/);
my $client = OCI::Client->new($server);
my $image = $client->push_image('a', 'v1');
$server->halt;
my $store = $server->store;
my @marks = ("$store/blobs/.id", $server->dir . '/facts/index/store');
is(scalar(grep { -e || -l } @marks), 2, 'both stores have the id');
unlink @marks;
rename $store, "$store.away" or die "$store: $!\n";
empty_store($store);
is_refused($server, 'fs', qr/\Q$store\E has none of them: is its disk mounted/,
    'an old registry without its disk');
is_deeply([ glob "$store/*" ], [], 'nothing is created there');
rmdir $store;
rename "$store.away", $store or die "$store: $!\n";
$server->again;
$client = OCI::Client->new($server);
is($client->get('/v2/a/manifests/v1')->body, $image->{text}, 'it is served');
is(scalar(grep { -e || -l } @marks), 2, 'and has an id now');
$server->stop;

done_testing;
