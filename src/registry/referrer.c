/* SPDX-License-Identifier: Apache-2.0 */

/* Referrers: the manifests that name another manifest as their subject. */

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/referrer.h"

/* How many keys to read at once.  The values are read one by one, because they
 * may be as large as manifests. */
#define BATCH 256

/* A call of oci_referrer_list. */
typedef struct referrer_page_t {
    const oci_registry_t *registry;
    const char *artifact_type; /* to list, or NULL for all */
    apr_size_t limit;          /* stop after this many bytes of descriptors */
    apr_size_t bytes;          /* of the descriptors in the list */
    int more;                  /* whether there are further referrers */
    apr_array_header_t *referrers;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* for one value */
} referrer_page_t;

static int is_of_type(const oci_value_t *value, const char *artifact_type)
{
    apr_size_t length;

    if (!artifact_type) {
        return 1;
    }
    length = strlen(artifact_type);
    return value->size > length && value->data[length] == '\n'
        && !memcmp(value->data, artifact_type, length);
}

/* Add a referrer to the list if it has the requested artifact type. */
static oci_error_t *add_if_matching(referrer_page_t *list, const char *key,
                                    const char *digest)
{
    oci_referrer_t *referrer;
    oci_value_t value;
    oci_error_t *error;
    const char *line;
    apr_size_t size;

    apr_pool_clear(list->scratch);
    error = oci_fact_get(&value, list->registry, key, list->scratch);
    if (error || !value.data) {
        return error;
    }
    line = memchr(value.data, '\n', value.size);
    if (!line || !is_of_type(&value, list->artifact_type)) {
        return NULL;
    }
    size = value.size - (line + 1 - value.data);
    if (list->referrers->nelts && list->bytes + size > list->limit) {
        list->more = 1;
        return NULL;
    }
    referrer = apr_array_push(list->referrers);
    referrer->digest = apr_pstrdup(list->pool, digest);
    referrer->descriptor = apr_pstrmemdup(list->pool, line + 1, size);
    list->bytes += size + 1;
    return NULL;
}

/* Add all matching referrers after a digest, batch by batch. */
static oci_error_t *add_matching(referrer_page_t *list, const char *prefix,
                                 const char *after, apr_pool_t *batch)
{
    oci_scan_t scan = { prefix, after, BATCH, 0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error;
    int i;

    do {
        apr_pool_clear(batch);
        error = oci_facts_scan(&entries, list->registry, &scan, batch);
        for (i = 0; !error && !list->more && i < entries->nelts; i++) {
            const char *key = APR_ARRAY_IDX(entries, i, oci_entry_t).key;

            scan.after = oci_key_suffix(batch, key, prefix);
            error = add_if_matching(list, key, scan.after);
        }
        scan.after = apr_pstrdup(list->pool, scan.after);
    } while (!error && !list->more && entries->nelts == BATCH);
    return error;
}

oci_error_t *oci_referrer_list(apr_array_header_t **referrers, int *more,
                               const oci_repository_t *repository,
                               const oci_referrer_query_t *query,
                               apr_pool_t *pool)
{
    referrer_page_t list = { .registry = repository->registry,
                             .artifact_type = query->artifact_type,
                             .limit = query->bytes,
                             .pool = pool };
    apr_pool_t *batch;
    apr_status_t rv = apr_pool_create(&list.scratch, pool);
    oci_error_t *error;

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&batch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot list referrers");
    }
    list.referrers = apr_array_make(pool, 8, sizeof(oci_referrer_t));
    error = add_matching(&list,
                         oci_key_referrer(pool, repository->name,
                                          query->subject, NULL),
                         query->after, batch);
    *referrers = list.referrers;
    *more = list.more;
    return error;
}

void oci_referrer_put(apr_array_header_t *changes, const char *name,
                      const oci_document_t *document,
                      const oci_manifest_t *manifest, apr_pool_t *pool)
{
    const char *type = document->artifact_type ? document->artifact_type : "";
    const char *value = apr_pstrcat(pool, type, "\n",
                                    oci_document_descriptor(document,
                                                            manifest->digest,
                                                            manifest->size,
                                                            pool),
                                    NULL);

    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_referrer(pool, name, document->subject->digest,
                                    manifest->digest),
                   value, strlen(value));
}

void oci_referrer_delete(apr_array_header_t *changes, const char *name,
                         const char *subject, const char *digest,
                         apr_pool_t *pool)
{
    oci_change_delete(changes, oci_key_referrer(pool, name, subject, digest));
}
