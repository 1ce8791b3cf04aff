/* SPDX-License-Identifier: Apache-2.0 */

/* A registry in a temporary directory; its stores count their calls. */

#ifndef OCI_REGISTRY_TEST_H
#define OCI_REGISTRY_TEST_H

#include "../store/contract.h"

#include "registry/registry.h"
#include "values/digest.h"
#include "store/fs/fs_blobs.h"
#include "store/fs/fs_index.h"

#define BOOT  "0123456789abcdef0123456789abcdef"
#define LATER "fedcba9876543210fedcba9876543210"

typedef struct counts_t {
    int reads;  /* of an upload's bytes */
    int syncs;  /* of an upload's bytes */
    int gets;   /* of facts */
    int locked; /* gets while a lock of the index is held */
    int locks;  /* that are held */
} counts_t;

static counts_t counts;

/* Called before each get, unless NULL. */
static void (*before_get)(const char *key);

static inline apr_status_t count_read(oci_blob_writer_t *writer,
                                      apr_off_t offset, char *buffer,
                                      apr_size_t *length)
{
    counts.reads++;
    return oci_blob_fs.upload_read(writer, offset, buffer, length);
}

static inline apr_status_t count_close(const char **state,
                                       oci_blob_writer_t *writer, int durable,
                                       apr_pool_t *pool)
{
    counts.syncs += durable;
    return oci_blob_fs.upload_close(state, writer, durable, pool);
}

static inline apr_status_t count_get(oci_value_t *value, oci_index_t *index,
                                     const char *key, apr_pool_t *pool)
{
    counts.gets++;
    counts.locked += counts.locks > 0;
    if (before_get) {
        before_get(key);
    }
    return oci_index_fs.get(value, index, key, pool);
}

static inline apr_status_t count_lock(oci_lock_t **lock, oci_index_t *index,
                                      const char *name, oci_lock_e kind,
                                      apr_pool_t *pool)
{
    counts.locks++;
    return oci_index_fs.lock(lock, index, name, kind, pool);
}

static inline apr_status_t count_unlock(oci_lock_t *lock)
{
    counts.locks--;
    return oci_index_fs.unlock(lock);
}

static inline void open_registry(oci_registry_t *registry, run_t *run)
{
    static oci_blob_store_provider_t blobs;
    static oci_index_provider_t index;
    oci_store_config_t config = { .location = run->dir, .base = run->dir };

    memset(registry, 0, sizeof(*registry));
    if (oci_blob_fs.create(&registry->blobs, &config, run->pool)
        || oci_blob_fs.start(registry->blobs, getuid(), getgid(), run->pool)
        || oci_index_fs.create(&registry->index, &config, run->pool)
        || oci_index_fs.start(registry->index, getuid(), getgid(), run->pool)) {
        abort();
    }
    blobs = oci_blob_fs;
    blobs.upload_read = count_read;
    blobs.upload_close = count_close;
    registry->blobs->provider = &blobs;
    index = oci_index_fs;
    index.get = count_get;
    index.follow = NULL; /* so that get is called instead */
    index.lock = count_lock;
    index.unlock = count_unlock;
    registry->index->provider = &index;
    registry->durable = 1;
    registry->boot = BOOT;
}

/* Return the number of facts with a prefix, or -1. */
static inline int count_facts(const oci_registry_t *registry,
                              const char *prefix)
{
    oci_scan_t scan = { prefix, NULL, 0, 0, 0 };
    apr_array_header_t *entries;
    apr_pool_t *pool = make_pool();
    int count = oci_facts_scan(&entries, registry, &scan, pool)
        ? -1
        : entries->nelts;

    apr_pool_destroy(pool);
    return count;
}

/* Report one result: an error with this code, or no error if code is
 * OCI_E_COUNT. */
static inline int is_error(run_t *run, const oci_error_t *error,
                           oci_error_e code, const char *name)
{
    int same = error ? error->code == code : code == OCI_E_COUNT;

    if (!tap_ok(&run->tap, same, "%s", name)) {
        printf("# %s; %s\n", error ? error->message : "no error",
               error && error->note ? error->note : "");
    }
    return same;
}

#endif /* OCI_REGISTRY_TEST_H */
