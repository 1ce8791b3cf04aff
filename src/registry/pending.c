/* SPDX-License-Identifier: Apache-2.0 */

/* Pushes whose children are checked before the repository is locked. */

#include "registry/keys.h"
#include "registry/pending.h"
#include "registry/random.h"
#include "registry/repository.h"

oci_error_t *oci_pending_mark(const char **mark,
                              const oci_repository_t *repository,
                              apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *token;
    oci_lock_t *lock;
    oci_error_t *error = oci_random_stamp(&token, pool);

    if (error) {
        return error;
    }
    *mark = oci_key_pending(pool, repository->name, token);
    oci_change_put(changes, OCI_CHANGE_PUT, *mark, NULL, 0);

    /* The lock waits for a deletion that has already read the marks. */
    error = oci_repository_lock(&lock, repository, OCI_LOCK_SHARED, pool);
    if (error) {
        return error;
    }
    error = oci_facts_apply(repository->registry, changes, 0, pool);
    oci_repository_unlock(repository, lock);
    return error;
}

oci_error_t *oci_pending_cancel(apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_pending(pool, repository->name, NULL), NULL, 0,
                        0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, repository->registry, &scan,
                                        pool);
    int i;

    for (i = 0; !error && i < entries->nelts; i++) {
        oci_change_delete(changes, APR_ARRAY_IDX(entries, i, oci_entry_t).key);
    }
    return error;
}
