# SPDX-License-Identifier: Apache-2.0

# The table of results, which is printed line by line.

package Bench::Table;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(heading row note);

my $FORMAT = "%-30s %12s %12s %-13s %6s %9s %-3s  %9s %9s %5s\n";

sub heading {
    printf $FORMAT, 'figure', 'ours', 'other:', '', 'ratio', 'goal',
        '', 'our CPU', 'its CPU', 'runs';
    return;
}

# Print one figure.  ours and beside are contenders of race(); name describes
# beside; by is "cpu" or "rate", of which the ratio is printed; most or least is
# the goal for the ratio; mib (optional) is the size of one request in MiB.
sub row {
    my ($figure, %row) = @_;
    my ($ours, $beside) = @row{qw(ours beside)};
    my $ratio = $ours->{ $row{by} } / $beside->{ $row{by} };
    printf $FORMAT, $figure,
        (map { rate($_->{rate}, $row{mib}) } $ours, $beside), $row{name},
        sprintf('%.2f', $ratio), goal(@row{qw(most least)}),
        verdict($ratio, @row{qw(most least)}),
        (map { cpu($_->{cpu}) } $ours, $beside), scalar @{ $ours->{rates} };
    return;
}

# Print a figure in MiB that is not compared with another contender.
sub note {
    my ($figure, $mib, $most, $turns) = @_;
    printf $FORMAT, $figure, sprintf('%.1f MiB', $mib), '', '', '',
        "<= $most", verdict($mib, $most), '', '', $turns;
    return;
}

# The goal as text; empty if neither limit is given.
sub goal {
    my ($most, $least) = @_;
    return '' if !defined $most && !defined $least;
    return sprintf '%s %.2f', defined $most ? ('<=', $most) : ('>=', $least);
}

sub verdict {
    my ($value, $most, $least) = @_;
    return '' if !defined $most && !defined $least;
    return (defined $most ? $value <= $most : $value >= $least) ? 'yes' : 'NO';
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
