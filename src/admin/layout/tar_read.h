/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tar_read.h
 * @brief Finds the members of a tar archive that an image layout consists of
 */

#ifndef OCI_TAR_READ_H
#define OCI_TAR_READ_H

#include "apr_pools.h"

/** The members that are not blobs. */
typedef enum {
    OCI_TAR_OCI_LAYOUT,
    OCI_TAR_INDEX,
    OCI_TAR_DOCKER_MANIFEST, /* manifest.json, of docker save */
    OCI_TAR_DOCUMENTS
} oci_tar_document_e;

/** Where the content of a member is. */
typedef struct oci_tar_extent_t {
    apr_off_t offset; /* in the archive, bytes; 0: there is no such member */
    apr_off_t size;   /* bytes */
} oci_tar_extent_t;

/** The members of an archive. */
typedef struct oci_tar_t oci_tar_t;

/**
 * Read the headers of an archive.  Refused are archives with a member whose
 * name leads out of its directory, with a link, a device or a sparse file in
 * place of a member that matters, and with two such members of one name.
 * Members that do not matter are ignored.
 * @param tar Set to the members
 * @param fd The archive, open; a regular file
 * @param size Its size in bytes
 * @param pool For the result and the sentence
 * @return NULL, or what is wrong, as the end of a sentence
 */
const char *oci_tar_read(oci_tar_t **tar, int fd, apr_off_t size,
                         apr_pool_t *pool);

/** Return where a document is; its offset is 0 if the archive does not have
 * it. */
const oci_tar_extent_t *oci_tar_document(const oci_tar_t *tar,
                                         oci_tar_document_e document);

/** Return where a blob is.
 * @param digest Valid
 * @return NULL if the archive does not have it */
const oci_tar_extent_t *oci_tar_blob(const oci_tar_t *tar, const char *digest);

#endif /* OCI_TAR_READ_H */
