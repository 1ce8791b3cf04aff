/* SPDX-License-Identifier: Apache-2.0 */

/* How long the built-in providers wait at most: the clock of the limits. */

#include <time.h>

#include "store/wait.h"

apr_time_t oci_wait_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
