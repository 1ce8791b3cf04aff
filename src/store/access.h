/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file access.h
 * @brief Find out whether the effective user can use the files of a store
 *
 * Nothing is changed.  The functions are for the start of a server, so that a
 * store with a wrong owner, such as one that root has restored from a backup,
 * is noticed before the first request fails.
 */

#ifndef OCI_ACCESS_H
#define OCI_ACCESS_H

#include "apr_pools.h"

/**
 * Find out whether the effective user has permissions for a path.
 * @param path Exists
 * @param mode R_OK, W_OK and X_OK, as for access(2)
 * @param top The file or directory whose owner should change; NULL if path may
 *        be a directory for other purposes, too
 * @return NULL, or a sentence with the user, the path, its owner and what to do
 */
const char *oci_access_check(const char *path, int mode, const char *top,
                             apr_pool_t *pool);

/**
 * Look at the first directories in a directory of a store, and in each of them.
 * The user must be able to read and change at least one of each, because one
 * among several may be of another program.  Names that do not begin with a
 * letter or a digit, and "lost+found", are skipped.
 * @param dir Absolute
 * @param top As for oci_access_check
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_access_check_below(const char *dir, const char *top,
                                   apr_pool_t *pool);

/**
 * Find out whether the effective user may search the directories on the way to
 * a path.
 * @param path Absolute; need not exist
 * @return NULL if it may, or if a directory does not exist; otherwise a
 *         sentence that names the directory
 */
const char *oci_access_check_way(const char *path, apr_pool_t *pool);

/** Return the sentence that a path is not a directory, and what to do. */
const char *oci_access_not_dir(const char *path, apr_pool_t *pool);

/**
 * Find out whether files can be created in a directory.
 * @param dir Absolute
 * @param file The file that needs it
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_access_check_dir(const char *dir, const char *file,
                                 apr_pool_t *pool);

/**
 * Find out whether a file can be read and changed, or created if it does not
 * exist.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_access_check_file(const char *path, apr_pool_t *pool);

/**
 * Find out whether every user of the machine can read a file.
 * @param path Absolute
 */
int oci_access_is_public(const char *path, apr_pool_t *pool);

#endif /* OCI_ACCESS_H */
