/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_id.h
 * @brief The ids of uploads, which are authenticated
 *
 * An upload needs no record before it has bytes.  Its id contains the time at
 * which the upload was begun and its digest algorithm, and a message
 * authentication code over both and the repository's name.  The code is
 * computed with the registry's secret, so that clients cannot forge an id.
 */

#ifndef OCI_UPLOAD_ID_H
#define OCI_UPLOAD_ID_H

#include "apr_time.h"

#include "registry/registry.h"
#include "values/digest.h"

/** How long an id without a record is valid for a new upload, in seconds. */
#define OCI_UPLOAD_ID_LIFE (7 * 86400)

/**
 * Make the id of a new upload.
 * @param id Set to at most 64 characters of [0-9a-z-], from pool
 * @param algorithm The algorithm of the upload's digest
 * @return A storage error (error.h)
 */
oci_error_t *oci_upload_id_make(const char **id,
                                const oci_repository_t *repository,
                                oci_algorithm_e algorithm, apr_pool_t *pool);

/**
 * Check whether this registry made an id for this repository.
 * @param valid Set to 1 if it did, otherwise to 0
 * @param algorithm Set to the algorithm in the id if valid is 1
 * @param id Any text
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_upload_id_check(int *valid, oci_algorithm_e *algorithm,
                                 const oci_repository_t *repository,
                                 const char *id, apr_pool_t *pool);

/**
 * Return whether a valid id is too old for a new upload.  If such an id has no
 * record, its upload has ended; its tombstone may therefore be removed.
 * @param now The current time
 */
int oci_upload_id_expired(const char *id, apr_time_t now);

/**
 * End the record of an upload: put a tombstone, or delete the record if the id
 * is too old to need one.
 * @param id Of the upload
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_upload_id_end(const oci_registry_t *registry, const char *id,
                               apr_pool_t *pool);

#endif /* OCI_UPLOAD_ID_H */
