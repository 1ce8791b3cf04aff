/* SPDX-License-Identifier: Apache-2.0 */

/* The clock of the time limits. */

#include <time.h>

#include "store/wait.h"

apr_time_t oci_wait_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
