/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_id.h
 * @brief The names of uploads, which prove themselves
 *
 * An upload needs no record before it has bytes: its id says when it was
 * begun and by which algorithm, and carries a code over these and the
 * repository's name, which only who knows the registry's secret can make.
 */

#ifndef OCI_UPLOAD_ID_H
#define OCI_UPLOAD_ID_H

#include "apr_time.h"

#include "registry/registry.h"
#include "values/digest.h"

/** For how long an id that has no record names a new upload, in seconds. */
#define OCI_UPLOAD_ID_LIFE (7 * 86400)

/**
 * Make the id of a new upload.
 * @param id Set to it: [0-9a-z-], at most 64
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_id_make(const char **id,
                                const oci_repository_t *repository,
                                oci_algorithm_e algorithm, apr_pool_t *pool);

/**
 * Whether an id is one that this registry made for this repository.
 * @param valid Set to whether it is; then algorithm is set too
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_upload_id_check(int *valid, oci_algorithm_e *algorithm,
                                 const oci_repository_t *repository,
                                 const char *id, apr_pool_t *pool);

/**
 * Whether a valid id is too old to name a new upload: where it has no record
 * the upload is over.  So the tombstone of such an id may be removed.
 */
int oci_upload_id_expired(const char *id, apr_time_t now);

#endif /* OCI_UPLOAD_ID_H */
