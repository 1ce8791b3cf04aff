/* SPDX-License-Identifier: Apache-2.0 */

/* The errors of a registry: how they are made. */

#include <errno.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "registry/error.h"

oci_error_t *oci_error_make(apr_pool_t *pool, oci_error_e code, const char *key,
                            const char *value, const char *format, ...)
{
    oci_error_t *error = apr_pcalloc(pool, sizeof(*error));
    va_list ap;

    error->code = code;
    error->key = key;
    error->value = value;
    va_start(ap, format);
    error->message = apr_pvsprintf(pool, format, ap);
    va_end(ap);
    return error;
}

/* Add the sentence that the provider left.  It has the cause, and the text of
 * the status would mislead: "Connection refused" for a wrong password, or
 * "Internal error".  Only a full disk is as the status says. */
static void add_reason(oci_error_t *error, apr_pool_t *pool)
{
    apr_status_t status = error->status;
    void *reason;

    apr_pool_userdata_get(&reason, OCI_REASON, pool);
    if (!reason) {
        return;
    }
    apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
    error->note = APR_STATUS_IS_ECONNREFUSED(status)
        ? apr_psprintf(pool, "no connection to storage: %s (%s)",
                       (const char *)reason, error->note)
        : apr_pstrcat(pool, error->note, ": ", reason, NULL);
    if (!APR_STATUS_IS_ENOSPC(status) && status != EDQUOT
        && !APR_STATUS_IS_EEXIST(status)) {
        error->status = APR_SUCCESS;
    }
}

/* Make the error for a blob that is too large.  The provider may have left its
 * limit. */
static oci_error_t *make_too_large(apr_pool_t *pool)
{
    void *limit;

    apr_pool_userdata_get(&limit, OCI_LIMIT, pool);
    if (!limit) {
        return oci_error_make(pool, OCI_E_TOO_LARGE, NULL, NULL,
                              "the registry's storage has no room for a blob "
                              "of this size");
    }
    apr_pool_userdata_setn(NULL, OCI_LIMIT, NULL, pool);
    return oci_error_make(pool, OCI_E_TOO_LARGE, "limit", limit,
                          "the blob is larger than the %s bytes that the "
                          "registry's storage allows",
                          (const char *)limit);
}

oci_error_t *oci_error_storage(apr_pool_t *pool, apr_status_t status,
                               const char *format, ...)
{
    oci_error_t *error;
    va_list ap;

    if (APR_STATUS_IS_ENOSPC(status) || status == EDQUOT) {
        error = oci_error_make(pool, OCI_E_STORAGE_FULL, NULL, NULL,
                               "the registry's storage is full");
    }
    else if (status == EFBIG) {
        error = make_too_large(pool);
    }
    else if (APR_STATUS_IS_ECONNREFUSED(status)) {
        error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                               "the registry's storage cannot be reached");
    }
    else if (APR_STATUS_IS_TIMEUP(status)) {
        error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                               "the registry's storage did not answer in time");
    }
    else {
        error = oci_error_make(pool, OCI_E_INTERNAL, NULL, NULL,
                               "the registry's storage failed");
    }
    error->status = status;
    va_start(ap, format);
    error->note = apr_pvsprintf(pool, format, ap);
    va_end(ap);
    add_reason(error, pool);
    return error;
}

const char *oci_error_text(const oci_error_t *error, apr_pool_t *pool)
{
    char reason[120];

    if (error->status == APR_SUCCESS || error->status == APR_EGENERAL) {
        return error->note ? error->note : error->message;
    }
    apr_strerror(error->status, reason, sizeof(reason));
    return apr_psprintf(pool, "%s: %s", error->note, reason);
}
