# SPDX-License-Identifier: Apache-2.0

# ociadmin check, again and again, beside pushes, mounts, pulls, deletions and
# garbage collection: nothing is ever found that a request or a collection under
# way explains.  Pushers also delete manifests that an index names, as clients
# may, and such an index is not whole: --sparse Index lets it pass.
#
# OCI_GC_SECONDS is how long each of the races takes.

use OCI::Test;

use OCI::Admin;
use OCI::Garbage;
use OCI::Pusher;
use Time::HiRes qw(time);

my $SECONDS = $ENV{OCI_GC_SECONDS} // 4;
my @RULES = ('--retain', '** tags=[ti][0-9]', '--untagged', '0s');

for my $race (
    [ 'check', '--grace', 0 ],
    [ 'check --digests', '--grace', 0, @RULES ],
    [ 'check --repair', '--grace', 1 ],
) {
    my ($name, @options) = @$race;
    my (undef, @check) = split / /, "$name --sparse Index";
    subtest "$name, beside gc @options" => sub {
        my $server = OCI::Server->start;
        my @repos = map { "race/p$_" } 1 .. 4;
        my $end = time + $SECONDS;
        my @pushers = map { OCI::Pusher->start([$server], $_, $end,
            others => \@repos, repeats => 1) } @repos;
        my $runner = OCI::Garbage->start($server, @options);
        my ($runs, @found) = (0);
        while (time < $end) {
            my $run = check($server, @check);
            $runs++;
            push @found, "status $run->{status}: $run->{err}$run->{out}"
                if $run->{status} || length $run->{err};
        }
        my @collections = $runner->finish;
        $_->wait for @pushers;
        is(join("\n", @found), '', "$runs checks beside " . @collections
            . ' collections found nothing');
        my @pushed = map { OCI::Pushed->new($_) } @pushers;
        my @faults = map { $_->check($server, @options > 2);
            (length($_->ended // 'killed') ? $_->ended // 'killed' : ()),
            $_->faults } @pushed;
        is(join("\n", @faults), '', 'no push failed, and nothing is lost');
        is(join("\n", clean($server)), '', 'in the end exactly the garbage is '
            . 'gone');
        is(check($server, @check, '--digests')->{out} =~ s/^(?!\d+ findings).*\n//mgr,
            "0 findings: 0 of damage, 0 of harmless leftovers\n",
            'and check agrees');
        $server->stop;
    };
}

done_testing;
