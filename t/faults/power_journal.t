# SPDX-License-Identifier: Apache-2.0

# power.t for a file system with a journal, where a sync of one directory
# includes the earlier changes of all.

use strict;
use warnings;

use FindBin;

$ENV{OCI_POWER_JOURNAL} = 1;
defined do "$FindBin::Bin/power.t" or die $@ || $!;
