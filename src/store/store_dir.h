/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file store_dir.h
 * @brief The directory of a store; shared by the providers that keep one
 *
 * A store has a top directory below DIR, its location.  The top directory holds
 * the file ".version", one line that says what the directory is.  It is written
 * last when a store is created; if it is missing later, the store was moved
 * away.  Files are created with mode 0640 and directories with 0750, less the
 * umask; io.h has the functions for both.
 *
 * Functions that return a status return APR_SUCCESS or an errno.
 */

#ifndef OCI_STORE_DIR_H
#define OCI_STORE_DIR_H

#include "store/io.h"
#include "values/known_set.h"

/** The paths of a store. */
typedef struct oci_store_dir_t {
    const char *root;        /* DIR, absolute */
    const char *top;         /* DIR/name */
    const char *version;     /* DIR/name/.version */
    int traits;              /* of oci_io_trait_e; 0 before the start */
    oci_known_set_t *synced; /* states of directories that were synced */
} oci_store_dir_t;

/** The form of a store's content, as its version file states it. */
typedef struct oci_store_form_t {
    const char *words; /* before the number */
    int version;       /* of a new store; older ones are accepted, too */
} oci_store_form_t;

/**
 * Resolve the location in a configuration, which is not empty, to an absolute
 * path.
 * @param path Set to the path; does not end with "/"
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_store_dir_resolve(const char **path,
                                  const oci_store_config_t *config,
                                  apr_pool_t *pool);

/**
 * Set the paths of a store from its configuration; does not access the disk.
 * @param name The name of the top directory
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_store_dir_locate(oci_store_dir_t *fs,
                                 const oci_store_config_t *config,
                                 const char *name, apr_pool_t *pool);

/**
 * Find out why oci_store_dir_start would fail, without changing anything.  The
 * parameters and the result are those of oci_store_dir_start.
 */
const char *oci_store_dir_check(const oci_store_dir_t *fs,
                                const char *const *dirs,
                                const oci_store_form_t *form, apr_pool_t *pool);

/**
 * Create the missing directories of a store and its version file, or check that
 * they are ours.  The parent of DIR must exist.  Everything is done with the
 * rights of the effective user.  If the real user is root, root helps to create
 * directories that only root may create, as oci_owner_make_dir allows.  DIR may
 * be a symbolic link; nothing below it may.
 * @param dirs Paths relative to DIR, parents first, ended by NULL; the top
 *        directory is among them, and the others hold plain files only
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_store_dir_start(oci_store_dir_t *fs, const char *const *dirs,
                                const oci_store_form_t *form, apr_pool_t *pool);

/**
 * Write the version of form into a version file that states an older one; also
 * sync the top directory then.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_store_dir_raise(const oci_store_dir_t *fs,
                                const oci_store_form_t *form, apr_pool_t *pool);

/**
 * Create the parent directories of a file below the top directory.
 * @param dirs Receives the directories that got a new entry, as
 *        oci_store_dir_note adds them; or NULL
 */
apr_status_t oci_store_dir_make_parents(const oci_store_dir_t *fs,
                                        const char *path,
                                        apr_array_header_t *dirs,
                                        apr_pool_t *pool);

/**
 * Add the directory of a path to an array of directories that must be synced,
 * unless the array has it.
 * @param changed Whether this process has just changed the directory.  With a
 *        journal, the array then keeps this directory only
 */
void oci_store_dir_note(const oci_store_dir_t *fs, apr_array_header_t *dirs,
                        const char *path, int changed, apr_pool_t *pool);

/**
 * Sync directories in their order, but none that has not changed since this
 * process synced it.  If one no longer exists, sync its nearest existing
 * ancestor, which records the removal.
 */
apr_status_t oci_store_dir_sync(const oci_store_dir_t *fs,
                                const apr_array_header_t *dirs,
                                apr_pool_t *pool);

/**
 * Decide what a failed access to a path of the store means.
 * @param rv The errno of the access
 * @return APR_NOTFOUND if rv means absence and the store is in its place, rv
 *         otherwise
 */
apr_status_t oci_store_dir_classify(const oci_store_dir_t *fs, apr_status_t rv);

#endif /* OCI_STORE_DIR_H */
