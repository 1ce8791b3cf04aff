/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file blob.h
 * @brief The blobs that a repository holds
 */

#ifndef OCI_BLOB_H
#define OCI_BLOB_H

#include "registry/registry.h"

typedef struct oci_blob_t {
    const char *digest;
    apr_off_t size;      /* bytes */
    const char *locator; /* the blob store's */
} oci_blob_t;

/**
 * Look for a blob that a repository holds, whole.
 * @param blob Set to it
 * @param digest A valid digest
 * @return OCI_E_BLOB_UNKNOWN where the repository does not hold it, or its
 *         bytes were lost or cut short (then with a note for the log);
 *         OCI_E_INTERNAL
 */
oci_error_t *oci_blob_stat(oci_blob_t *blob, const oci_repository_t *repository,
                           const char *digest, apr_pool_t *pool);

/**
 * Open a blob that a repository holds, whole.
 * @param source Set to where to read it
 * @param blob Its digest, which is valid, says which; the rest is set
 * @param flags As for the provider's blob_open
 * @return As oci_blob_stat
 */
oci_error_t *oci_blob_open(oci_blob_source_t *source, oci_blob_t *blob,
                           const oci_repository_t *repository,
                           apr_int32_t flags, apr_pool_t *pool);

/**
 * Some repositories that hold a blob.
 * @param names Set to an array of const char *
 * @param limit At most so many
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_blob_holders(apr_array_header_t **names,
                              const oci_registry_t *registry,
                              const char *digest, int limit, apr_pool_t *pool);

/**
 * Let a repository hold a blob that another one holds (distribution-spec,
 * "Mounting a blob from another repository").
 * @param from The other repository
 * @return As oci_blob_stat
 */
oci_error_t *oci_blob_mount(const oci_repository_t *repository,
                            const char *digest, const char *from,
                            apr_pool_t *pool);

/**
 * Enter a blob whose bytes are stored, and let a repository hold it.
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_blob_enter(const oci_repository_t *repository,
                            const oci_blob_t *blob, apr_pool_t *pool);

/**
 * Let a repository hold a blob no longer (distribution-spec, "Deleting
 * Blobs").  The bytes stay for others.
 * @return OCI_E_BLOB_UNKNOWN, OCI_E_INTERNAL
 */
oci_error_t *oci_blob_delete(const oci_repository_t *repository,
                             const char *digest, apr_pool_t *pool);

#endif /* OCI_BLOB_H */
