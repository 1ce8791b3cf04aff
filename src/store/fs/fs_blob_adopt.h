/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blob_adopt.h
 * @brief Makes blobs of an "fs" blob store from files of another program
 */

#ifndef OCI_FS_BLOB_ADOPT_H
#define OCI_FS_BLOB_ADOPT_H

#include <sys/stat.h>

#include "apr_tables.h"

#include "store/fs/fs_blobs.h"

/** The files that were adopted, until they are synced. */
typedef struct oci_fs_adopter_t oci_fs_adopter_t;

/** A file of another program. */
typedef struct oci_fs_original_t {
    int dir;            /* its directory, open */
    const char *name;   /* its name there */
    int fd;             /* open for reading */
    struct stat st;     /* as it was before its digest was verified */
    const char *digest; /* that was verified */
} oci_fs_original_t;

/** How a file was adopted. */
typedef enum {
    OCI_FS_LINKED, /* the blob is another name of the file */
    OCI_FS_CLONED  /* the blob shares the file's blocks until one changes */
} oci_fs_adopted_e;

/**
 * Begin to adopt files.
 * @param adopter Set to the adopter; NULL for a store of another kind
 * @param pool For the adopter
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_fs_adopter_open(oci_fs_adopter_t **adopter,
                                 const oci_blob_store_t *store,
                                 apr_pool_t *pool);

/**
 * Check whether it makes sense to try oci_fs_blob_adopt: it does not if a file
 * can be neither linked nor cloned, as far as earlier attempts have shown.
 * @param adopter May be NULL
 * @return 1 or 0
 */
int oci_fs_blob_adoptable(const oci_fs_adopter_t *adopter,
                          const struct stat *st);

/**
 * Check whether a file cannot be linked because of its owner or its mode: users
 * other than root and the effective user could change it, or the system does
 * not let the effective user link it.
 * @param adopter May be NULL
 * @return 1 or 0
 */
int oci_fs_blob_foreign(const oci_fs_adopter_t *adopter, const struct stat *st);

/**
 * Make a blob of a file whose digest was verified, without copying it: by a
 * link, or if that is not possible by a clone.  Its bytes are synced, but its
 * name is not before oci_fs_adopter_sync.
 * @param how Set to how it was adopted
 * @param locator Set to the blob's locator
 * @param pool For the locator and temporary data
 * @return APR_ENOTIMPL if neither is possible: copy it; APR_EBUSY if the file
 *         has changed since its digest was verified; an errno
 */
apr_status_t oci_fs_blob_adopt(oci_fs_adopted_e *how, const char **locator,
                               oci_fs_adopter_t *adopter,
                               const oci_fs_original_t *original,
                               apr_pool_t *pool);

/**
 * Sync the names of all blobs that were adopted so far.
 * @param adopter May be NULL
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_fs_adopter_sync(oci_fs_adopter_t *adopter);

#endif /* OCI_FS_BLOB_ADOPT_H */
