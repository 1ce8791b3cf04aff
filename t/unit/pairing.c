/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the pairing check: a store that fails for a moment is not taken for
 * the right one, and a pair is compared once. */

#include "registry_test.h"

#include "registry/keys.h"
#include "registry/pairing.h"

static int failures; /* how many more calls of get and identity fail */

static apr_status_t fail_get(oci_value_t *value, oci_index_t *index,
                             const char *key, apr_pool_t *pool)
{
    return failures > 0 && failures--
        ? APR_TIMEUP
        : oci_index_fs.get(value, index, key, pool);
}

static apr_status_t failure = APR_EGENERAL; /* of identity */
static int calls;                           /* of identity */

static apr_status_t fail_identity(const char **id, oci_blob_store_t *store,
                                  int make, apr_pool_t *pool)
{
    calls++;
    return failures > 0 && failures--
        ? failure
        : oci_blob_fs.identity(id, store, make, pool);
}

/* A store that does not answer makes one request wait, not all of them. */
static void check_silence(run_t *run, oci_registry_t *registry)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());
    oci_pairing_state_t *state = registry->pairing;

    failure = APR_TIMEUP;
    failures = 1;
    calls = 0;
    is_error(run, oci_pairing_check(registry, 1, run->pool), OCI_E_UNAVAILABLE,
             "a blob store that does not answer in time");
    tap_ok(&run->tap, calls == 1 && state->silent, "is left alone");
    /* The following takes no time. */
    state->silent = (apr_uint32_t)apr_time_sec(apr_time_now());
    is_error(run, oci_pairing_check(registry, 1, run->pool), OCI_E_UNAVAILABLE,
             "the next request does not ask it");
    is_error(run, oci_pairing_check(registry, 0, run->pool), OCI_E_COUNT,
             "nor one that changes nothing, which is served");
    tap_ok(&run->tap, calls == 1 && !state->accepted, "there was no call");
    is_error(run, oci_pairing_check_owner(registry, 1, run->pool), OCI_E_COUNT,
             "garbage collection does ask it");
    state->silent = now - 10;
    calls = 0;
    is_error(run, oci_pairing_check(registry, 0, run->pool), OCI_E_COUNT,
             "one that changes nothing");
    tap_ok(&run->tap, !calls && !state->accepted, "does not ask for longer");
    failures = 1;
    calls = 0;
    is_error(run, oci_pairing_check(registry, 1, run->pool), OCI_E_UNAVAILABLE,
             "after a while a request asks it");
    tap_ok(&run->tap, calls == 1 && state->silent >= now, "in vain");
    state->silent = now + 1000;
    is_error(run, oci_pairing_check(registry, 1, run->pool), OCI_E_COUNT,
             "a clock that was set back does no harm");
    tap_ok(&run->tap, state->accepted && !state->silent, "now it answers");
}

/* Of another process, which uses the stores first; NULL if there is none. */
static oci_registry_t *other;

/* Called when the check has found that the index has no id. */
static apr_status_t be_late(const char **owner, oci_blob_store_t *store,
                            const char *old, const char *new, apr_pool_t *pool)
{
    oci_registry_t *first = other;

    other = NULL;
    if (first && oci_pairing_check(first, 1, pool)) {
        abort();
    }
    return oci_blob_fs.owner(owner, store, old, new, pool);
}

/* Two processes get the first requests of a registry.  One has given the store
 * its id, the other one finds that. */
static void check_first_requests(run_t *run, oci_registry_t *registry)
{
    oci_change_t changes[] = { { OCI_CHANGE_DELETE, oci_key_store(), {} },
                               { OCI_CHANGE_DELETE, oci_key_index(), {} } };
    oci_registry_t first;
    oci_pairing_state_t state = { 0 };
    oci_blob_store_provider_t blobs = oci_blob_fs;

    if (oci_index_fs.apply(registry->index, changes, 2, 0, run->pool)
        || unlink(at(run, "blobs/.index"))) {
        abort();
    }
    open_registry(&first, run);
    first.pairing = &state;
    other = &first;
    blobs.owner = be_late;
    registry->blobs->provider = &blobs;
    is_error(run, oci_pairing_check(registry, 1, run->pool), OCI_E_COUNT,
             "another process has just recorded the store");
    tap_ok(&run->tap, !other && state.accepted, "as its own");
}

int main(void)
{
    run_t run;
    oci_registry_t registry;
    oci_index_provider_t index;
    oci_blob_store_provider_t blobs;
    oci_pairing_state_t pairing = { 0 };

    begin(&run);
    open_registry(&registry, &run);
    registry.pairing = &pairing;
    index = *registry.index->provider;
    index.get = fail_get;
    registry.index->provider = &index;

    failures = 1;
    is_error(&run, oci_pairing_check(&registry, 1, run.pool), OCI_E_UNAVAILABLE,
             "an index that does not answer");
    blobs = *registry.blobs->provider;
    blobs.identity = fail_identity;
    registry.blobs->provider = &blobs;
    index.get = oci_index_fs.get;
    failures = 1;
    is_error(&run, oci_pairing_check(&registry, 1, run.pool), OCI_E_INTERNAL,
             "a blob store that fails");
    failures = 1;
    is_error(&run, oci_pairing_check(&registry, 0, run.pool), OCI_E_COUNT,
             "requests that change nothing are served");
    tap_ok(&run.tap, !pairing.accepted && !pairing.silent,
           "none is remembered");
    is_error(&run, oci_pairing_check(&registry, 1, run.pool), OCI_E_COUNT,
             "both answer");
    failures = 1;
    is_error(&run, oci_pairing_check(&registry, 1, run.pool), OCI_E_COUNT,
             "a pair is not compared again");
    tap_ok(&run.tap, pairing.accepted == registry.blobs && failures == 1,
           "because it is remembered");
    pairing.accepted = NULL;
    check_silence(&run, &registry);
    pairing.accepted = NULL;
    check_first_requests(&run, &registry);
    return finish(&run);
}
