/* SPDX-License-Identifier: Apache-2.0 */

/* The id of a store "s3", and that of its index: one line each.  A conditional
 * PUT decides between callers that write at the same time.  Few old servers
 * ignore its condition; then the last of them wins, and the others notice it at
 * their next check of the pair. */

#include <string.h>

#include "apr_strings.h"

#include "s3/s3_id.h"
#include "s3/s3_object.h"
#include "s3/s3_store.h"

#define ID    "id"
#define INDEX "index"

#define ID_BYTES  16 /* of randomness */
#define LINE_SIZE 66

/* How long to wait for a line: a new process reads the id before its first
 * request, also if that one needs nothing of the store. */
#define LINE_WAIT apr_time_from_sec(5)

/* Read a line.
 * line: set to it without its line feed; NULL if there is no such object */
static apr_status_t read_line(const char **line, const char **etag,
                              const oci_s3_store_t *store, const char *key,
                              apr_pool_t *pool)
{
    oci_s3_call_t call = oci_s3_store_call(store);
    oci_s3_content_t content;
    apr_status_t rv;
    apr_size_t i;

    call.deadline = oci_s3_now() + LINE_WAIT;
    rv = oci_s3_get(&content, &call, key, LINE_SIZE, pool);
    *line = NULL;
    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
    }
    for (i = 0; content.data[i] > ' ' && content.data[i] <= '~'; i++) {
    }
    if (!i || strcmp(content.data + i, "\n")) {
        apr_pool_userdata_setn(apr_psprintf(pool,
                                            "the object \"%s\" is damaged: it "
                                            "is not one line with an id",
                                            key),
                               OCI_REASON, NULL, pool);
        return APR_EGENERAL;
    }
    *line = apr_pstrmemdup(pool, content.data, i);
    *etag = content.info.etag;
    return APR_SUCCESS;
}

/* Write a line: over the object with this etag, or where there is none.
 * Returns APR_EEXIST if another caller has written. */
static apr_status_t write_line(const oci_s3_store_t *store, const char *key,
                               const char *line, const char *etag,
                               apr_pool_t *pool)
{
    oci_s3_call_t call = oci_s3_store_call(store);
    char *text = apr_pstrcat(pool, line, "\n", NULL);
    struct iovec body = { text, strlen(text) };
    oci_s3_put_t put = {
        .key = key,
        .body = &body,
        .count = 1,
        .if_match = etag,
        .if_none = !etag,
    };
    apr_status_t rv = oci_s3_put(NULL, &call, &put, pool);

    if (rv == APR_ENOTIMPL) { /* the server knows no conditions */
        put.if_match = NULL;
        put.if_none = 0;
        rv = oci_s3_put(NULL, &call, &put, pool);
    }
    return etag && rv == APR_NOTFOUND ? APR_EEXIST : rv;
}

apr_status_t oci_s3_identity(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool)
{
    const oci_s3_store_t *used;
    const char *etag, *made;
    apr_status_t rv = oci_s3_store_use(&used, store, pool);

    if (rv == APR_SUCCESS) {
        rv = read_line(id, &etag, used, ID, pool);
    }
    if (rv != APR_SUCCESS || *id) {
        return rv;
    }
    if (!make) {
        return APR_NOTFOUND;
    }
    rv = oci_s3_store_random(&made, ID_BYTES, pool);
    if (rv == APR_SUCCESS) {
        rv = write_line(used, ID, made, NULL, pool);
    }
    if (rv != APR_SUCCESS && rv != APR_EEXIST) {
        return rv;
    }
    rv = read_line(id, &etag, used, ID, pool); /* the first writer's */
    return rv == APR_SUCCESS && !*id ? APR_EGENERAL : rv;
}

apr_status_t oci_s3_owner(const char **owner, oci_blob_store_t *store,
                          const char *old, const char *owner_new,
                          apr_pool_t *pool)
{
    const oci_s3_store_t *used;
    const char *etag = NULL;
    apr_status_t rv = oci_s3_store_use(&used, store, pool);

    if (rv == APR_SUCCESS) {
        rv = read_line(owner, &etag, used, INDEX, pool);
    }
    if (rv != APR_SUCCESS || !owner_new || !*owner != !old
        || (old && strcmp(old, *owner))) {
        return rv;
    }
    rv = write_line(used, INDEX, owner_new, *owner ? etag : NULL, pool);
    if (rv != APR_SUCCESS && rv != APR_EEXIST) {
        return rv;
    }
    return read_line(owner, &etag, used, INDEX, pool);
}
