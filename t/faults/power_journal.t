# SPDX-License-Identifier: Apache-2.0

# power.t for ext4 with a journal, where a sync of one directory includes the
# earlier changes of all.

use strict;
use warnings;

use FindBin;

$ENV{OCI_POWER_EXT4} = 'journal';
defined do "$FindBin::Bin/power.t" or die $@ || $!;
