# SPDX-License-Identifier: Apache-2.0

# The row "metrics": what it costs to count, with an httpd that counts and one
# that does not, in turn.

package Bench::Metrics;

use strict;
use warnings;

use Bench::Measure qw(wrk race);
use Bench::Rows;
use Bench::Server;
use Bench::Table qw(row);

sub row_metrics {
    my $bench = shift;
    my $counting = Bench::Server->start($bench->{root}, hosts =>
        "<Location \"/metrics\">\nSetHandler oci-metrics\n"
        . "Require all granted\n</Location>");
    my @all = map {
        Bench::Rows::image($bench, $_->host);
        Bench::Rows::getter($bench, $_, \&wrk, $_->host,
            '/v2/bench/image/manifests/latest')
    } $counting, $bench->{server};
    race($bench->{turns} // 15, @all);
    row('manifest GET, counted: CPU', ours => $all[0], beside => $all[1],
        name => 'ours, not counted', by => 'cpu', most => 1.02);
    $counting->stop;
    return;
}

1;
