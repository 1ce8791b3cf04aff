# SPDX-License-Identifier: Apache-2.0

# power.t for ext4 without a journal, where symbolic links are never synced.

use strict;
use warnings;

use FindBin;

$ENV{OCI_POWER_EXT4} = 'plain';
defined do "$FindBin::Bin/power.t" or die $@ || $!;
