/* SPDX-License-Identifier: Apache-2.0 */

/* SIGINT and SIGTERM, polled at the points where work can be stopped. */

#include <signal.h>
#include <stddef.h>

#include "admin/interrupt.h"

void oci_interrupt_block(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int oci_interrupt_pending(void)
{
    sigset_t set;

    return !sigpending(&set)
        && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM));
}
