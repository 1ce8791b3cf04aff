# SPDX-License-Identifier: Apache-2.0

# ociadmin copy, run by root: it neither reads nor writes anything that httpd's
# User could not, whatever links that user has made.

use OCI::Test;

use File::Temp ();
use OCI::Admin;

plan skip_all => 'needs root' if $>;

my $user = OCI::Server::user();
my ($uid, $gid) = (getpwnam($user))[ 2, 3 ];
my $TOP = File::Temp->newdir('mod_oci-owners-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
my ($secret, $theirs) = ("$TOP/secret", "$TOP/theirs");

# A registry that root owns and root's group can read, with each provider.
mkdir $secret, 0750;
make_index($secret, 50);
for my $kind ('dbm:gdbm', 'dbm:db', 'dbd:sqlite3') {
    my $run = ociadmin('copy', "fs $secret", "$kind $secret/$kind");
    is($run->{status}, 0, "root copies an index to $kind") or diag($run->{err});
}
my $facts = facts_of($secret);

# A directory of httpd's User, with links to root's registry.
mkdir $theirs;
chown $uid, $gid, $theirs;

sub is_kept_out {
    my ($from, $to, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin('copy', $from, $to);
    is($run->{status}, 1, $name) or diag("$run->{out}$run->{err}");
    return;
}

sub link_to {
    my ($path, $target) = @_;
    symlink $target, $path or die "$path: $!\n";
    system 'chown', '-h', "$uid:$gid", $path;
    return;
}

link_to("$theirs/index", "$secret/index");
is_kept_out("fs $theirs", "fs $TOP/to1", 'FROM, whose index is a link');
link_to("$theirs/store", $secret);
is_kept_out("fs $theirs/store", "fs $TOP/to2",
    'FROM, whose directory is a link');
for my $kind ('dbm:gdbm', 'dbm:db', 'dbd:sqlite3') {
    link_to("$theirs/$kind", "$secret/$kind");
    link_to("$theirs/$kind.log-1", "$secret/$kind.log-1");
    is_kept_out("$kind $theirs/$kind", "fs $TOP/to-$kind", "FROM, $kind");
}
my @got = grep { %{ facts_of($_) } } grep { -d "$_/index" } glob "$TOP/to*";
is("@got", '', 'nothing was copied from it');

make_index("$TOP/from", 20);
is_kept_out("fs $TOP/from", "fs $theirs/store",
    'TO, whose directory is a link');
is_kept_out("fs $TOP/from", "fs $theirs", 'TO, whose index is a link');
is_kept_out("fs $TOP/from", "dbd:sqlite3 $theirs/dbd:sqlite3",
    'TO, whose file is a link');
is_deeply(facts_of($secret), $facts, 'root\'s registry is unchanged');

# If nothing says whom TO is for, root owns it, and ociadmin says so.
my $said = qr/^root owns \S+ \S+, so httpd's User cannot use it: change/m;
for my $to ("fs $TOP/root-fs", "dbm:gdbm $TOP/root-dbm", "dbd:sqlite3 $TOP/root-db") {
    my $run = ociadmin('copy', "fs $TOP/from", $to);
    is($run->{status}, 0, "root copies to $to");
    like($run->{out}, $said, 'and is told that httpd cannot use it');
}

# The user of --user, or of FROM, cannot write to a directory of root's.
mkdir "$TOP/owned";
make_index("$TOP/owned", 20);
give_to_httpd("$TOP/owned");
for my $to ("dbm:gdbm $TOP/theirs-dbm", "dbd:sqlite3 $TOP/theirs-db") {
    my $run = ociadmin('copy', "fs $TOP/owned", $to);
    is($run->{status}, 1, "the user may not write to $to");
    like($run->{err}, qr/the user $user cannot read and change \Q$TOP\E, which/,
        'the message names the user and the directory');
}

# TO belongs to the user even if only root can create its directory.
mkdir "$TOP/good";
make_index("$TOP/good", 20);
give_to_httpd("$TOP/good");
my $run = ociadmin('copy', "fs $TOP/good", "fs $TOP/copy");
is($run->{status}, 0, 'a copy to a directory that root creates')
    or diag($run->{err});
my %owners = map { (lstat)[4] => 1 } split /\n/, `find $TOP/copy`;
is_deeply([ keys %owners ], [$uid], 'everything in it belongs to the user');
unlike($run->{out}, $said, 'nothing is said of root');
is_deeply(facts_of("$TOP/copy"), facts_of("$TOP/good"), 'with all facts');

done_testing;
