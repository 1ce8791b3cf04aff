/* SPDX-License-Identifier: Apache-2.0 */

/* Blobs whose bytes a remote store has just made are recorded, or the bytes of
 * an earlier push stay. */

#include "registry_test.h"

#include "registry/blob_add.h"
#include "registry/keys.h"
#include "registry/repository.h"

static run_t run;
static oci_registry_t registry;
static oci_repository_t repository;
static const char *digest;

static apr_off_t stored = 5;      /* the size of all bytes in the store */
static apr_status_t store_status; /* of a question for it */
static oci_lock_e locked;         /* the last lock on the blob */
static const char *put;           /* the record of the last change */
static const char *meanwhile;     /* what another process records when the
                                     store is asked, or NULL */

/* Record the blob as another process does. */
static void record(const char *text)
{
    oci_change_t change = { OCI_CHANGE_PUT,
                            oci_key_blob(run.pool, digest),
                            { text, strlen(text) } };

    if (oci_index_fs.apply(registry.index, &change, 1, 0, run.pool)) {
        abort();
    }
}

static apr_status_t blob_size(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool)
{
    (void)store;
    (void)locator;
    (void)pool;
    *size = stored;
    if (meanwhile) {
        record(meanwhile);
        meanwhile = NULL;
    }
    return store_status;
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    const char *key = oci_key_blob(pool, digest);
    int i;

    for (i = 0; i < count; i++) {
        if (!strcmp(changes[i].key, key) && durable) {
            put = apr_pstrmemdup(run.pool, changes[i].value.data,
                                 changes[i].value.size);
        }
    }
    return oci_index_fs.apply(index, changes, count, durable, pool);
}

static apr_status_t lock(oci_lock_t **held, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    if (!strcmp(name, oci_key_blob(pool, digest))) {
        locked = kind;
    }
    return oci_index_fs.lock(held, index, name, kind, pool);
}

/* Enter the blob with the bytes "new".
 * spared: whether they are not needed; then no other push may change the record
 *         between the look at it and the change
 * recorded: what is put durably, and read afterwards */
static void check(int spared, const char *recorded, const char *name)
{
    oci_blob_t blob = { .digest = digest, .size = 5, .locator = "new" };
    oci_value_t value = { "nothing", 7 };
    int spare = -1;

    put = NULL;
    is_error(&run, oci_blob_enter(&spare, &repository, &blob, run.pool),
             OCI_E_COUNT, name);
    tap_ok(&run.tap, spare == spared, "the new bytes are%s needed",
           spared ? " not" : "");
    tap_ok(&run.tap, locked == (spared ? OCI_LOCK_EXCLUSIVE : OCI_LOCK_SHARED),
           "the record is locked");
    tap_is(&run.tap, put, recorded, "the record is made durable");
    oci_index_fs.get(&value, registry.index, oci_key_blob(run.pool, digest),
                     run.pool);
    tap_is(&run.tap, value.data, recorded, "and can be read");
}

static void check_failure(void)
{
    oci_blob_t blob = { .digest = digest, .size = 5, .locator = "new" };
    int spare;

    store_status = APR_TIMEUP;
    is_error(&run, oci_blob_enter(&spare, &repository, &blob, run.pool),
             OCI_E_UNAVAILABLE, "a store that does not answer");
    store_status = APR_SUCCESS;
}

int main(void)
{
    static oci_blob_store_provider_t blobs;
    static oci_index_provider_t index;

    begin(&run);
    open_registry(&registry, &run);
    blobs = oci_blob_fs;
    blobs.blob_size = blob_size;
    registry.blobs->provider = &blobs;
    index = oci_index_fs;
    index.apply = apply;
    index.lock = lock;
    registry.index->provider = &index;
    repository.registry = &registry;
    repository.name = "a";
    digest = oci_digest_of(OCI_SHA256, "12345", 5, run.pool);

    check(0, "5;new", "a blob without a record");
    check(0, "5;new", "a repetition");
    record("5;old");
    check(1, "5;old", "a blob with stored bytes");
    check_failure();
    stored = 4;
    check(0, "5;new", "a blob whose stored bytes have another size");
    stored = 5;
    record("5;old");
    store_status = APR_NOTFOUND;
    check(0, "5;new", "a blob whose bytes are not stored");
    store_status = APR_SUCCESS;
    record("5;old");
    meanwhile = "5;other";
    check(1, "5;other", "a record that changes meanwhile");
    return finish(&run);
}
