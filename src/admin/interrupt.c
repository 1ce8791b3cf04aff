/* SPDX-License-Identifier: Apache-2.0 */

/* SIGINT and SIGTERM, looked for where work can be left. */

#include <signal.h>
#include <stddef.h>

#include "admin/interrupt.h"

void oci_interrupt_hold(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int oci_interrupt_wanted(void)
{
    sigset_t set;

    return !sigpending(&set)
        && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM));
}
