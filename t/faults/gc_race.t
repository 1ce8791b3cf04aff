# SPDX-License-Identifier: Apache-2.0

# Garbage collection, again and again, beside pushes, mounts, pulls and
# deletions.  With a grace no push fails.  Without a grace a push may be told
# that a blob is missing, and succeeds when it is repeated.  In all cases nothing
# that was acknowledged is lost, and in the end exactly the garbage is gone.
#
# OCI_GC_SECONDS is how long each of the races takes.

use OCI::Test;

use OCI::Admin;
use OCI::Garbage;
use OCI::Pusher;
use Time::HiRes qw(sleep time);

my $SECONDS = $ENV{OCI_GC_SECONDS} // (OCI::Index::named() ? 3 : 4);
my $PUSHERS = 4;
my $GRACE = 20;    # seconds, more than a busy machine needs for a push

# Let pushers work while a function collects; it is called with the server.
# Returns the replayed journals.
sub race {
    my ($server, $repeats, $collect) = @_;
    my @repos = map { "race/p$_" } 1 .. $PUSHERS;
    my @pushers = map { OCI::Pusher->start([$server], $_, time + $SECONDS,
        others => \@repos, repeats => $repeats, least => 12) } @repos;
    $collect->($server);
    $_->wait for @pushers;
    return map { OCI::Pushed->new($_) } @pushers;
}

# Tests: nothing failed, nothing is lost, and no garbage is left.
sub holds {
    my ($server, $tagged_only, @pushed) = @_;
    my ($pushes, $repeats, @faults) = (0, 0);
    for my $pushed (@pushed) {
        $pushed->check($server, $tagged_only);
        push @faults, 'ended: ' . ($pushed->ended // 'killed')
            if ($pushed->ended // 'killed') ne '';
        push @faults, $pushed->faults;
        $pushes += $pushed->pushes;
        $repeats += $pushed->repeats;
    }
    is(join("\n", @faults), '', 'no push failed, and nothing is lost');
    cmp_ok($pushes, '>', 20, "$pushes pushes, of which $repeats were repeated");
    is(join("\n", clean($server)), '', 'in the end exactly the garbage is gone');
    my $run = check($server, '--digests', '--sparse', 'Index');
    is($run->{status}, 0, 'so says ociadmin check') or diag($run->{out});
    my @lost = map { $_->check($server, $tagged_only); $_->faults } @pushed;
    is(join("\n", @lost), '', 'and nothing else');
    return;
}

# Run ociadmin gc in a loop with these options.
sub loop {
    my @options = @_;
    return sub {
        my $runner = OCI::Garbage->start($_[0], @options);
        sleep $SECONDS;
        my @runs = $runner->finish;
        my @bad = grep { $_->{status} || length $_->{err} } @runs;
        is(scalar @bad, 0, @runs . ' runs') or diag($bad[0]{err});
        return;
    };
}

my @RULES = ('--retain', '** tags=[ti][0-9]', '--untagged');

for my $race (
    [ 'with a grace', 0, [ '--grace', $GRACE ] ],
    [ 'without a grace', 1, [ '--grace', 0 ] ],
    [ 'rules, with a grace', 1, [ '--grace', $GRACE, @RULES, '2s' ] ],
    [ 'rules, without a grace', 1, [ '--grace', 0, @RULES, '0s' ] ],
) {
    my ($name, $repeats, $options) = @$race;
    subtest "ociadmin gc $name" => sub {
        my $server = OCI::Server->start;
        my @pushed = race($server, $repeats, loop(@$options));
        holds($server, @$options > 2, @pushed);
        $server->stop;
    };
}

for my $grace ($GRACE, 0) {
    subtest "the server collects, with a grace of $grace s" => sub {
        my $server = OCI::Server->start(modules => ['watchdog'],
            extra => "OCIGCInterval 1\nOCIGCGrace $grace");
        my $line = qr/oci: garbage collection of .*blobs condemned/;
        my @pushed = race($server, !$grace, sub {
            $server->{process}->wait_for(sub { $server->log =~ $line }) });
        $server->set(extra => 'OCIGCInterval 0');
        $server->graceful;
        like($server->log, $line, 'it ran');
        holds($server, 0, @pushed);
        $server->stop;
    };
}

done_testing;
