/* SPDX-License-Identifier: Apache-2.0 */

/* What a process knows of an index and its blob store. */

#include "apr_atomic.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "registry/pairing_state.h"

/* How long a blob store that did not answer is not asked again, in seconds. */
#define PAUSE 3

int oci_pairing_is_accepted(const oci_registry_t *registry)
{
    return apr_atomic_casptr((void *)&registry->pairing->accepted, NULL, NULL)
        == registry->blobs;
}

void oci_pairing_accept(const oci_registry_t *registry)
{
    apr_atomic_xchgptr((void *)&registry->pairing->accepted, registry->blobs);
}

static apr_uint32_t seconds_now(void)
{
    return (apr_uint32_t)apr_time_sec(apr_time_now());
}

/* A time of 0 means that the store has answered, so it is never written for
 * another reason. */
static apr_uint32_t after_pause(void)
{
    apr_uint32_t until = seconds_now() + PAUSE;

    return until ? until : 1;
}

oci_error_t *oci_pairing_silence(const oci_registry_t *registry,
                                 apr_pool_t *pool)
{
    oci_pairing_state_t *state = registry->pairing;
    apr_uint32_t retry = state ? apr_atomic_read32(&state->retry) : 0;
    apr_uint32_t left = retry - seconds_now();
    oci_error_t *error;

    /* More is left if the time is over, or if the clock was set back.  Of
     * several callers one asks; the others wait for what it finds out. */
    if (!retry
        || ((!left || left > PAUSE)
            && apr_atomic_cas32(&state->retry, after_pause(), retry)
                == retry)) {
        return NULL;
    }
    error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                           "the registry's storage cannot be reached");
    error->note = apr_psprintf(pool,
                               "the blob store %s did not answer an earlier "
                               "request of this process; it is asked again %d "
                               "seconds after that",
                               registry->blobs->where, PAUSE);
    return error;
}

void oci_pairing_note_answer(const oci_registry_t *registry,
                             apr_status_t status)
{
    int silent = APR_STATUS_IS_ECONNREFUSED(status)
        || APR_STATUS_IS_TIMEUP(status);

    if (registry->pairing) {
        apr_atomic_set32(&registry->pairing->retry, silent ? after_pause() : 0);
    }
}
