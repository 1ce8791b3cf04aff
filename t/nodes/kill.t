# SPDX-License-Identifier: Apache-2.0

# One of two httpds is killed in mid-push, again and again.  The other goes on,
# finishes what the killed one had begun, and both have all that either
# acknowledged.

use OCI::Test;

use OCI::Judge;
use OCI::Nodes;
use OCI::Writer;
use Time::HiRes qw(sleep time);

my $SECONDS = 8;    # for rounds of killing; four rounds at least

my @nodes = nodes(extra => 'MaxConnectionsPerChild 30');
my $end = time + $SECONDS;
my ($rounds, $steps, $finished, @faults) = (0, 0, 0);

while ((time < $end || $rounds < 4) && !@faults) {
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
    my @judges = map { OCI::Judge->new($_) } @both;
    for my $judge (@judges) {
        $finished += keys %{ $judge->{sessions} };
        $judge->sessions($other);
        $judge->facts($other);
    }
    $steady->wait;
    $victim->again;
    push @judges, my $last = OCI::Judge->new($steady);
    $last->sessions($victim);
    $last->fault('the other failed:', $last->ended // 'killed')
        if ($last->ended // 'killed') ne '';
    for my $judge (@judges) {
        $judge->facts($_) for @nodes;
        $steps += $judge->steps;
        push @faults, $judge->faults;
    }
}
is_deeply(\@faults, [], 'nothing is lost, and nothing is there by halves');
cmp_ok($steps, '>', 10 * $rounds, "$rounds rounds, $steps steps");
cmp_ok($finished, '>', 0, "$finished sessions were finished by the other");
is_deeply(map({ OCI::Client->new($_)->get('/v2/_catalog')->json } @nodes),
    'both have one catalog');

$_->stop for @nodes;
done_testing;
