# SPDX-License-Identifier: Apache-2.0

# One of two httpds is killed during pushes, again and again.  The other
# continues, and finishes the uploads that the killed one had begun.  Both have
# all content that either of them acknowledged.

use OCI::Test;

use OCI::Verifier;
use OCI::Nodes;
use OCI::Writer;
use Time::HiRes qw(sleep time);

# For rounds of killing: until at least four of them are over, and this many
# steps were acknowledged, but two minutes longer at most.
my $SECONDS = 8;
my $STEPS = 80;

my @nodes = nodes(extra => 'MaxConnectionsPerChild 30');
my $end = time + $SECONDS;
my ($rounds, $steps, $finished, @faults) = (0, 0, 0);

while ((time < $end || $rounds < 4 || $steps <= $STEPS || !$finished)
       && time < $end + 120 && !@faults) {
    $rounds++;
    my ($victim, $other) = $rounds % 2 ? @nodes : reverse @nodes;
    my @both = map { OCI::Writer->start(\@nodes, "round$rounds/both$_",
        time + 60) } 1 .. 3;
    my $time = 0.1 + rand 0.6;
    my $steady = OCI::Writer->start([$other], "round$rounds/other",
        time + $time + 0.4);
    sleep $time;
    $victim->kill9;
    $_->wait for @both;
    my @verifiers = map { OCI::Verifier->new($_) } @both;
    for my $verifier (@verifiers) {
        $finished += keys %{ $verifier->{sessions} };
        $verifier->finish_sessions($other);
        $verifier->check_facts($other);
    }
    $steady->wait;
    $victim->again;
    push @verifiers, my $last = OCI::Verifier->new($steady);
    $last->finish_sessions($victim);
    $last->fault('the other failed:', $last->ended // 'killed')
        if ($last->ended // 'killed') ne '';
    for my $verifier (@verifiers) {
        $verifier->check_facts($_) for @nodes;
        $steps += $verifier->steps;
        push @faults, $verifier->faults;
    }
}
is_deeply(\@faults, [], 'nothing is lost, and all content is complete');
cmp_ok($steps, '>', $STEPS, "$rounds rounds, $steps steps");
cmp_ok($finished, '>', 0, "$finished sessions were finished by the other");
is_deeply(map({ OCI::Client->new($_)->get('/v2/_catalog')->json } @nodes),
    'both have the same catalog');

$_->stop for @nodes;
done_testing;
