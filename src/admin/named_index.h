/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file named_index.h
 * @brief An index that is named by a command-line argument
 *
 *     argument    = provider [ ":" type ] [ blanks location ]
 *
 * This is the syntax of OCIIndex, but in a single argument: the location is
 * the whole rest of the argument, including blanks.  Quotes around the whole
 * location are removed.
 */

#ifndef OCI_NAMED_INDEX_H
#define OCI_NAMED_INDEX_H

#include "mod_oci.h"

typedef struct oci_named_index_t {
    const char *name;   /* for messages: provider, type and path; holds no
                           secret */
    const char *id;     /* like name, but unique to this location */
    oci_index_t *index; /* created, not started */
    int no_raise;       /* set by the caller: as in oci_store_config_t */
    const char *base;   /* likewise; NULL: the working directory */
} oci_named_index_t;

/**
 * Parse an argument, find the provider, and create the index.
 * @param named Filled in on success, but for what the caller sets
 * @param text The argument
 * @param pool Where the index and the strings are allocated
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_named_index_parse(oci_named_index_t *named, const char *text,
                                  apr_pool_t *pool);

/**
 * Parse an argument that names a blob store, and create the store.
 * @param blobs Set to the store, which is not started
 * @param text The argument, in the same syntax
 * @param base Where a relative path starts; NULL: at the working directory
 * @param options What a configuration says in the provider's own directives, as
 *        in oci_store_config_t; or NULL
 * @param pool Where the store is allocated
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_named_blobs_parse(oci_blob_store_t **blobs, const char *text,
                                  const char *base, const apr_table_t *options,
                                  apr_pool_t *pool);

/** Return whether an index is a file or a directory, not a database server. */
int oci_named_index_has_path(const oci_named_index_t *named);

/**
 * Check that an index's file or directory exists.  Call it before start,
 * which creates whatever is missing.
 * @param pool For temporary data
 * @return APR_SUCCESS if it exists, or if the index is not a file or a
 *         directory; otherwise the error of stat, such as APR_ENOENT
 */
apr_status_t oci_named_index_stat(const oci_named_index_t *named,
                                  apr_pool_t *pool);

#endif /* OCI_NAMED_INDEX_H */
