/* SPDX-License-Identifier: Apache-2.0 */

/* What a process knows of an index and its blob store. */

#include "apr_atomic.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "registry/pairing_state.h"

int oci_pairing_is_accepted(const oci_registry_t *registry)
{
    return apr_atomic_casptr((void *)&registry->pairing->accepted, NULL, NULL)
        == registry->blobs;
}

void oci_pairing_accept(const oci_registry_t *registry)
{
    apr_atomic_xchgptr((void *)&registry->pairing->accepted, registry->blobs);
}

/* How long requests do not ask a blob store that did not answer, in seconds. */
#define PAUSE            30
#define PAUSE_OF_CHANGES 3

/* The time in seconds; never 0, which means that the store has answered. */
static apr_uint32_t seconds_now(void)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());

    return now ? now : 1;
}

oci_error_t *oci_pairing_silence(const oci_registry_t *registry, int changes,
                                 apr_pool_t *pool)
{
    oci_pairing_state_t *state = registry->pairing;
    apr_uint32_t silent = state ? apr_atomic_read32(&state->silent) : 0;
    apr_uint32_t now = seconds_now();
    apr_uint32_t pause = changes ? PAUSE_OF_CHANGES : PAUSE;
    oci_error_t *error;

    /* The difference is large if the clock was set back.  Of several callers
     * one asks; the others do not wait for what it finds out. */
    if (!silent
        || (now - silent >= pause
            && apr_atomic_cas32(&state->silent, now, silent) == silent)) {
        return NULL;
    }
    error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                           "the registry's storage cannot be reached");
    error->note = apr_psprintf(pool,
                               "the blob store %s did not answer an earlier "
                               "request of this process; the process asks it "
                               "again %u seconds after that request",
                               registry->blobs->where, pause);
    return error;
}

void oci_pairing_note_answer(const oci_registry_t *registry,
                             apr_status_t status)
{
    int silent = APR_STATUS_IS_ECONNREFUSED(status)
        || APR_STATUS_IS_TIMEUP(status);

    if (registry->pairing) {
        apr_atomic_set32(&registry->pairing->silent,
                         silent ? seconds_now() : 0);
    }
}
