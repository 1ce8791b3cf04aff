/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import_tree.h
 * @brief Reads the directory tree of distribution's filesystem driver
 *
 *     DIR/docker/registry/v2/
 *         blobs/sha256/ab/ab01.../data                  a blob or a manifest
 *         repositories/NAME/_layers/sha256/ab01.../link
 *         repositories/NAME/_manifests/revisions/sha256/ab01.../link
 *         repositories/NAME/_manifests/tags/TAG/current/link
 *         repositories/NAME/_manifests/tags/TAG/index/sha256/ab01.../link
 *         repositories/NAME/_uploads/...
 *
 * A link file holds a digest.  Symbolic links below DIR are not followed.
 *
 * Functions that return a status return APR_SUCCESS or an errno; ENOENT, ELOOP
 * and ENOTDIR mean that the file is not there.
 */

#ifndef OCI_IMPORT_TREE_H
#define OCI_IMPORT_TREE_H

#include <dirent.h>

#include "admin/import/import_file.h"

/** The tree. */
typedef struct oci_import_tree_t {
    const char *path; /* DIR, for messages */
    int root;         /* DIR */
    int repositories; /* its directories of these names, open */
    int blobs;        /* blobs/sha256 */
    apr_pool_t *pool;
} oci_import_tree_t;

/** A directory that is being read. */
typedef struct oci_import_dir_t {
    DIR *dir; /* NULL if it cannot be read */
    int fd;
    apr_status_t rv; /* why its list of names ended early, or APR_SUCCESS */
} oci_import_dir_t;

/** A link file. */
typedef struct oci_import_link_t {
    const char *digest;  /* the content; a valid digest */
    apr_int64_t seconds; /* when it was written, since 1970, UTC */
} oci_import_link_t;

/** The name of a blob's file in its directory. */
#define OCI_IMPORT_DATA "data"

/**
 * Open DIR with the rights of the caller, who may be root, and check that it is
 * such a directory.
 * @param tree Its pool is set, in which the rest is allocated
 * @param path DIR
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_import_tree_open(oci_import_tree_t *tree, const char *path);

/**
 * Open the directories of a tree that is open, with the rights as which
 * everything else is read.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_import_tree_enter(oci_import_tree_t *tree);

/**
 * Begin to read a directory.
 * @param dir To be closed in any case
 * @param parent A directory that is open
 * @param path Relative to it
 */
apr_status_t oci_import_dir_open(oci_import_dir_t *dir, int parent,
                                 const char *path);

/** Return the next name, valid until the next call; NULL at the end. */
const char *oci_import_dir_next(oci_import_dir_t *dir);

/** Stop to read a directory. */
void oci_import_dir_close(oci_import_dir_t *dir);

/**
 * Read a link file.
 * @param dir A directory that is open
 * @param path Relative to it
 * @param pool For the digest
 * @return APR_EINVAL if the file is empty, or is not a digest
 */
apr_status_t oci_import_link_read(oci_import_link_t *link, int dir,
                                  const char *path, apr_pool_t *pool);

/**
 * Read the link file of a digest, which must name this digest.
 * @param hex The digest without its algorithm; the name of a directory
 * @return As oci_import_link_read
 */
apr_status_t oci_import_link_check(oci_import_link_t *link, int dir,
                                   const char *hex, apr_pool_t *pool);

/**
 * Check whether something in the tree may be in the middle of a push: it was
 * changed less than a minute ago.
 * @param dir A directory that is open
 * @param name A name in it
 * @return 1 or 0
 */
int oci_import_is_recent(int dir, const char *name);

/** Open the file of a blob; an oci_import_open_t. */
apr_status_t oci_import_tree_file(oci_import_file_t *file, const void *source,
                                  const char *digest);

#endif /* OCI_IMPORT_TREE_H */
