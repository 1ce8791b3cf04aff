/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_content.h
 * @brief What the command "check" asks about content: whether a repository can
 *        serve a blob or a manifest, and whether bytes have their digest
 */

#ifndef OCI_CHECK_CONTENT_H
#define OCI_CHECK_CONTENT_H

#include "admin/check/check_run.h"
#include "values/document.h"

typedef enum {
    OCI_CONTENT_WHOLE,
    OCI_CONTENT_ABSENT,     /* the repository does not hold it */
    OCI_CONTENT_UNRECORDED, /* it holds the blob, which has no valid record */
    OCI_CONTENT_LOST,       /* its bytes are missing, or have another size */
    OCI_CONTENT_WRONG       /* its bytes have another digest */
} oci_content_e;

/** What a manifest names and its repository cannot serve. */
typedef struct oci_lack_t {
    const char *manifest; /* a digest */
    const char *blob;     /* a digest; NULL: the manifest itself is damaged */
    oci_content_e state;  /* of the blob */
} oci_lack_t;

/**
 * Find out whether a repository can serve a blob.
 * @param size Set to its size in bytes, if it is whole
 * @param digest Valid
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_check_blob_state(oci_content_e *state, apr_off_t *size,
                                  oci_check_t *check,
                                  const oci_repository_t *repository,
                                  const char *digest, apr_pool_t *pool);

/**
 * Find out whether a blob that is not whole can be restored: its record was
 * found to be wrong while its bytes are right, or the repository lost its entry
 * and is still among the blob's holders.  Without the latter, a manifest could
 * give access to the blob of another repository.
 * @param possible Set to 1 or 0
 * @param lack Its blob and state
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_check_restorable(int *possible, oci_check_t *check,
                                  const oci_repository_t *repository,
                                  const oci_lack_t *lack, apr_pool_t *pool);

/**
 * Find out why a manifest cannot be pulled with all that it names.
 * @param lack Filled in; its manifest is NULL if nothing is wrong.  That
 *        manifest is this one, or one that it names
 * @param digest Of the manifest, which exists
 * @param pool For lack, and temporary data
 * @return A storage error
 */
oci_error_t *oci_check_lack(oci_lack_t *lack, oci_check_t *check,
                            const oci_repository_t *repository,
                            const char *digest, apr_pool_t *pool);

/** Say in words what is wrong with a blob, which is not whole. */
const char *oci_content_fault(oci_content_e state);

/**
 * Read the bytes of a blob, and compare their digest.  Uses no index, so that
 * any thread may call it.
 * @param hashed Filled in; not known if the bytes cannot be read to their end
 * @param locator Of the bytes
 * @param pool For temporary data
 * @return The provider's status; APR_ENOTIMPL if it gives a URL; APR_EINTR if
 *         the user interrupts the run
 */
apr_status_t oci_check_hash(oci_hashed_t *hashed, oci_blob_store_t *store,
                            const char *digest, const char *locator,
                            apr_pool_t *pool);

/** Return whether the file of a blob is the one that was read. */
int oci_check_is_same_file(const oci_hashed_t *hashed, oci_blob_store_t *store,
                           const char *locator, apr_pool_t *pool);

#endif /* OCI_CHECK_CONTENT_H */
