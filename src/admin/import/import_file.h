/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import_file.h
 * @brief The files that an import reads
 *
 * Functions that return a status return APR_SUCCESS or an errno; ENOENT, ELOOP
 * and ENOTDIR mean that the file is not there.
 */

#ifndef OCI_IMPORT_FILE_H
#define OCI_IMPORT_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "apr_errno.h"
#include "apr_pools.h"

#include "values/digest.h"

/** The bytes of a blob: a file in its directory, or a part of a file. */
typedef struct oci_import_file_t {
    int dir;          /* its directory, open; -1 for a part of a file */
    const char *name; /* its name there, or NULL */
    int fd;           /* open for reading */
    apr_off_t offset; /* where the blob begins in the file, bytes */
    apr_off_t size;   /* of the blob, bytes */
    apr_off_t read;   /* of these, how many were read */
    struct stat st;
} oci_import_file_t;

/**
 * Opens the bytes of a blob.
 * @param file Set to the bytes; to be closed if this succeeds
 * @param source What is being imported, such as an oci_import_tree_t
 * @param digest Valid; must live as long as file
 * @return ENOENT if the source does not have it
 */
typedef apr_status_t oci_import_open_t(oci_import_file_t *file,
                                       const void *source, const char *digest);

/**
 * Read the next bytes of a blob.
 * @param buffer Receives them
 * @param size The most bytes to read
 * @return Their number, 0 at the end, or -1 with errno set
 */
ssize_t oci_import_file_read(oci_import_file_t *file, char *buffer,
                             size_t size);

/** Begin to read a blob from its first byte again. */
void oci_import_file_rewind(oci_import_file_t *file);

/**
 * Compute the digest of a blob's bytes, from the first one; they can be read
 * again afterwards.
 * @param digest Set to the digest, from pool
 * @return APR_EINTR if a signal is pending
 */
apr_status_t oci_import_file_digest(const char **digest,
                                    oci_import_file_t *file,
                                    oci_algorithm_e algorithm,
                                    apr_pool_t *pool);

/** Close the bytes of a blob. */
void oci_import_file_close(const oci_import_file_t *file);

/**
 * Open a path below a directory, name by name.
 * @param result Set to the descriptor
 * @param dir The directory, open
 * @param flags For the last name; the others are directories
 */
apr_status_t oci_import_path_open(int *result, int dir, const char *path,
                                  int flags);

/**
 * Open a regular file below a directory.
 * @param fd Set to the descriptor
 * @param st Set to its properties
 * @return ENOENT if it is of another kind
 */
apr_status_t oci_import_regular_open(int *fd, struct stat *st, int dir,
                                     const char *path);

/** Say what a status means for a file, as the end of a sentence. */
const char *oci_import_fault(apr_status_t rv, apr_pool_t *pool);

#endif /* OCI_IMPORT_FILE_H */
