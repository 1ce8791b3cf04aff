# SPDX-License-Identifier: Apache-2.0

# An index is copied from provider to provider and back without a change.  Each
# provider serves the registry, and finishes a copy that was killed.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Database;

my $TOP = File::Temp->newdir('mod_oci-copy-XXXXXX', TMPDIR => 1);
give_to_httpd("$TOP");
chmod 0755, "$TOP";

# MariaDB's client library never frees its global data.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my @on_disk = ('dbm:gdbm', 'dbd:sqlite3', 'dbm:db', 'fs');
my @kinds = ('dbm:gdbm', 'dbd:pgsql', 'dbd:sqlite3', 'dbd:mysql', 'dbm:db',
    'fs');

# The location for a kind: a path, or connection parameters; undef if the
# database server is not installed.
sub location {
    my ($kind, $dir) = @_;
    return "$dir/place" if grep { $_ eq $kind } @on_disk;
    my $database = OCI::Database->start($kind =~ s/.*://r);
    return $database && $database->params;
}

my $from = "$TOP/from";
make_index($from, 1500);
set_fact($from, 'repo/x/_manifest/every', join '', map { chr } 0 .. 255);
set_fact($from, "repo/x/_manifest/size-$_", 'x' x $_)
    for 1, 1023, 1024, 1025, 7990 .. 8010, 65535, 65536, 70000;
set_fact($from, 'repo/x/_manifest/large', random_bytes(5 << 20, 'large'));
my @odd = ("\n", "a\n", "\0", "\0a", ' ', ' a', '+', '+a', '', "\\", "'", "\xff");
set_fact($from, "repo/x/_tag/odd$_", $odd[$_]) for 0 .. $#odd;
set_fact($from, 'repo/x/_tag/' . 'k' x 255, 'a long key');
set_fact($from, 'upload/1/' . join('/', ('k' x 250) x 3), 'a longer key');
set_fact($from, 'secret', '0123456789abcdef');
give_to_httpd($from);
my $id = '0123456789abcdef' x 2;
set_fact($from, 'store', $id);
give_to_httpd($from);
my $facts = facts_of($from);

my $place = "fs $from";
for my $kind (@kinds) {
    my $dir = "$TOP/$kind";
    mkdir $dir or die "$dir: $!\n";
    give_to_httpd($dir);
    my $location = location($kind, $dir);
    if (!$location) {
        pass("# SKIP there is no server for $kind");
        next;
    }
    my $next = "$kind $location";

    # Kill the copy twice.
    for my $try (1, 2) {
        my $copy = OCI::Process->start(command =>
            [ tool(), 'copy', $place, $next ]);
        $copy->wait_for(sub { 0 }, 0.05 + rand 0.1);
        $copy->kill9 if $copy->alive;
    }
    my $run = ociadmin('copy', '--force', $place, $next);
    is($run->{status}, 0, "to $kind") or diag($run->{err});

    my $back = "$dir/back";
    $run = ociadmin('copy', $next, "fs $back");
    is($run->{status}, 0, "from $kind") or diag($run->{err});
    my $there = -d $back ? facts_of($back) : {};
    my @changed = grep { !exists $there->{$_} || !exists $facts->{$_}
        || $there->{$_} ne $facts->{$_} } keys %$there, keys %$facts;
    is("@changed", '', 'nothing has changed');

    SKIP: {
        skip 'only root can give files away', 1 if $>;
        my $user = getpwnam OCI::Server::user();
        my @others = grep { (lstat)[4] != $user } split /\n/, `find $dir`;
        is_deeply(\@others, [], "all files belong to the source's owner");
    }
    my $server = OCI::Server->start(config => qq(OCIIndex $kind "$location"),
        store => make_blobs("$dir/blobs", $id));
    my $client = OCI::Client->new($server);
    my $tags = $client->get('/v2/r7/tags/list')->json->{tags};
    is(scalar @$tags, scalar(grep { m{^repo/r7/_tag/} } keys %$facts),
        'httpd lists its tags');
    $client->push_image('new', 'v1');
    $server->stop;
    $run = ociadmin('copy', "fs $from", $next);
    is($run->{status}, 1, 'an index that is in use is not overwritten');
    like($run->{err}, qr{\Aociadmin: \Q$kind\E.* is not empty},
        'the message names it');
    $run = ociadmin('copy', '--force', "fs $from", $next);
    is($run->{status}, 0, 'except with --force') or diag($run->{err});
    $place = $next;
}

# A source that does not exist is not created.
for my $kind (@on_disk) {
    my $none = "$TOP/none";
    my $run = ociadmin('copy', "$kind $none", "fs $TOP/never");
    is($run->{status}, 1, "no $kind");
    like($run->{err}, qr{cannot copy from \Q$kind $none\E\S*: No such file},
        'the message says so');
    ok(!-e $none && !-e "$TOP/never", 'nothing is created');
}

done_testing;
