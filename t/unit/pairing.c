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

static apr_status_t fail_identity(const char **id, oci_blob_store_t *store,
                                  int make, apr_pool_t *pool)
{
    return failures > 0 && failures--
        ? APR_EGENERAL
        : oci_blob_fs.identity(id, store, make, pool);
}

int main(void)
{
    run_t run;
    oci_registry_t registry;
    oci_index_provider_t index;
    oci_blob_store_provider_t blobs;
    void *checked = NULL;

    begin(&run);
    open_registry(&registry, &run);
    registry.checked = &checked;
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
             "a blob store that does not answer");
    failures = 1;
    is_error(&run, oci_pairing_check(&registry, 0, run.pool), OCI_E_COUNT,
             "requests that change nothing are served");
    tap_ok(&run.tap, !checked, "neither is remembered as a pair");
    is_error(&run, oci_pairing_check(&registry, 1, run.pool), OCI_E_COUNT,
             "both answer");
    failures = 1;
    is_error(&run, oci_pairing_check(&registry, 1, run.pool), OCI_E_COUNT,
             "a pair is not compared again");
    tap_ok(&run.tap, checked == registry.blobs && failures == 1,
           "because it is remembered");
    return finish(&run);
}
