# SPDX-License-Identifier: Apache-2.0

# The table of results, which is printed line by line.

package Bench::Table;

use strict;
use warnings;

use Bench::Measure ();
use Exporter 'import';

our @EXPORT_OK = qw(heading row note figure);

my $FORMAT = "%-30s %12s %12s %-13s %6s %6s %9s %-4s  %9s %9s %5s\n";

sub heading {
    printf $FORMAT, 'figure', 'ours', 'other:', '', 'ratio', 'spread', 'goal',
        '', 'our CPU', 'its CPU', 'runs';
    return;
}

# Print one figure.  ours and beside are contenders of race(); name describes
# beside; by is "cpu", "rate" or "p99", of which the ratio is printed; most or
# least is the goal for the ratio; mib (optional) is the size of one request in
# MiB.  The ratio is the median of the ratios of all turns.
sub row {
    my ($figure, %row) = @_;
    my ($ours, $beside) = @row{qw(ours beside)};
    my @ratios = map { $ours->{"$row{by}s"}[$_] / $beside->{"$row{by}s"}[$_] }
        0 .. $#{ $ours->{"$row{by}s"} };
    my $ratio = Bench::Measure::median(@ratios);
    my $spread = spread(@ratios);
    printf $FORMAT, $figure,
        (map { $row{by} eq 'p99' ? sprintf '%.0f ms', 1e3 * $_->{p99}
            : rate($_->{rate}, $row{mib}) } $ours, $beside), $row{name},
        sprintf('%.2f', $ratio), sprintf('%.2f', $spread),
        goal(@row{qw(most least)}),
        verdict($ratio, $spread, @row{qw(most least)}),
        (map { cpu($_->{cpu}) } $ours, $beside), scalar @{ $ours->{rates} };
    return;
}

# Print a figure that is not compared with another contender: its text, its
# value, and most or least, the goal for the value; perhaps other, another text
# and its name, and turns, how often it was measured.
sub figure {
    my ($figure, $text, $value, %goal) = @_;
    printf $FORMAT, $figure, $text, @{ $goal{other} // [ '', '' ] }, '', '',
        goal(@goal{qw(most least)}),
        verdict($value, 0, @goal{qw(most least)}), '', '', $goal{turns} // 1;
    return;
}

# Print a figure in MiB that is not compared with another contender.
sub note {
    my ($figure, $mib, $most, $turns) = @_;
    printf $FORMAT, $figure, sprintf('%.3f MiB', $mib), '', '', '', '',
        "<= $most", verdict($mib, 0, $most), '', '', $turns;
    return;
}

# The goal as text; empty if neither limit is given.
sub goal {
    my ($most, $least) = @_;
    return '' if !defined $most && !defined $least;
    return sprintf '%s %.2f', defined $most ? ('<=', $most) : ('>=', $least);
}

# Half the distance between the first and the third quarter of values.
sub spread {
    my @sorted = sort { $a <=> $b } @_;
    my $quarter = int(@sorted / 4);
    return ($sorted[-1 - $quarter] - $sorted[$quarter]) / 2;
}

# Whether the goal is reached; with a question mark if the spread is larger than
# the distance to the goal.
sub verdict {
    my ($value, $spread, $most, $least) = @_;
    my $goal = $most // $least // return '';
    my $good = defined $most ? $value <= $most : $value >= $least;
    return ($good ? 'yes' : 'NO') . (abs($value - $goal) < $spread ? '?' : '');
}

sub rate {
    my ($rate, $mib) = @_;
    return sprintf '%.0f MiB/s', $rate * $mib if $mib;
    return sprintf '%.0f/s', $rate;
}

# Seconds for one request.
sub cpu {
    my $seconds = shift;
    return sprintf $seconds < 0.01 ? '%.1f us' : '%.0f ms',
        $seconds * ($seconds < 0.01 ? 1e6 : 1e3);
}

1;
