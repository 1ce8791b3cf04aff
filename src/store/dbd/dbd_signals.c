/* SPDX-License-Identifier: Apache-2.0 */

/* Signals that wait for the end of a call. */

#include "store/dbd/dbd_signals.h"

void oci_dbd_signals_hold(sigset_t *before)
{
    sigset_t ending;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ending, before);
}

void oci_dbd_signals_release(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
