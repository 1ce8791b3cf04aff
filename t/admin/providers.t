# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# An index goes from provider to provider, and comes back as it was; each of
# them serves the registry, and takes up a copy that was killed.

use OCI::Test;

use File::Temp ();
use OCI::Admin;

my $TOP = File::Temp->newdir('mod_oci-copy-XXXXXX', TMPDIR => 1);
give_to_httpd("$TOP");
chmod 0755, "$TOP";

# Those that need no server, as OCIIndex has them, of the providers that this
# build has.
my ($known) = ociadmin('copy', '?', '?')->{err} =~ /known are: ([^;\n]+)/;
my %known = map { $_ => 1 } split /, /, $known;
my @kinds = grep { $known{ s/:.*//r } } 'dbm:gdbm', 'dbd:sqlite3', 'dbm:db',
    'fs';
cmp_ok(scalar @kinds, '>', 1, "they are: @kinds");

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
my $facts = facts_of($from);

my $place = "fs $from";
for my $kind (@kinds) {
    my $dir = "$TOP/$kind";
    mkdir $dir or die "$dir: $!\n";
    give_to_httpd($dir);
    my $next = "$kind $dir/place";

    # Killed twice on the way there.
    for my $try (1, 2) {
        my $copy = OCI::Process->start(command =>
            [ tool(), 'copy', $place, $next ]);
        $copy->wait_for(sub { 0 }, 0.05 + rand 0.1);
        $copy->kill9 if $copy->alive;
    }
    my $run = ociadmin('copy', '--force', $place, $next);
    is($run->{status}, 0, "to $kind") or diag($run->{err});

    # And back.
    my $back = "$dir/back";
    $run = ociadmin('copy', $next, "fs $back");
    is($run->{status}, 0, "from $kind") or diag($run->{err});
    is_deeply(facts_of($back), $facts, 'nothing has changed');

    SKIP: {
        skip 'only root can give files away', 1 if $>;
        my $user = getpwnam OCI::Server::user();
        my @others = grep { (lstat)[4] != $user } split /\n/, `find $dir`;
        is_deeply(\@others, [], "all of it is the source's owner's");
    }
    my $server = OCI::Server->start(config => qq(OCIIndex $kind "$dir/place"));
    my $client = OCI::Client->new($server);
    my $tags = $client->get('/v2/r7/tags/list')->json->{tags};
    is(scalar @$tags, scalar(grep { m{^repo/r7/_tag/} } keys %$facts),
        'httpd lists what is in it');
    $client->push_image('new', 'v1');
    $server->stop;
    $run = ociadmin('copy', "fs $from", $next);
    is($run->{status}, 1, 'a place that is in use is not overwritten');
    like($run->{err}, qr{\Q$dir/place\E\S* is not empty}, 'and named');
    $run = ociadmin('copy', '--force', "fs $from", $next);
    is($run->{status}, 0, 'unless by force') or diag($run->{err});
    $place = $next;
}

# A source that is not there is not made.
for my $kind (@kinds) {
    my $none = "$TOP/none";
    my $run = ociadmin('copy', "$kind $none", "fs $TOP/never");
    is($run->{status}, 1, "no $kind");
    like($run->{err}, qr{cannot copy from \Q$kind $none\E\S*: No such file},
        'says so');
    ok(!-e $none && !-e "$TOP/never", 'and makes nothing');
}

done_testing;
