/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file stored_walk.h
 * @brief Visits all blobs, or all uploads, that a blob store lists
 */

#ifndef OCI_STORED_WALK_H
#define OCI_STORED_WALK_H

#include "registry/registry.h"

/** The longest name of what a store lists, in characters: a locator. */
#define OCI_STORED_NAME_MAX 512

/** What to list in one step. */
typedef struct oci_stored_page_t {
    oci_blob_store_t *store; /* which can list */
    oci_stored_e kind;
    const char *after; /* only names behind it; NULL for all */
    int limit;         /* the most entries */
} oci_stored_page_t;

/**
 * List a page of what a store has.
 * @param entries Set to an array of oci_stored_t, in the order of the names,
 *        allocated from pool; an empty one at the end
 * @return A storage error, also if the store lists the same names again, or a
 *         name that is too long
 */
oci_error_t *oci_stored_list(apr_array_header_t **entries,
                             const oci_stored_page_t *page, apr_pool_t *pool);

typedef struct oci_stored_walk_t oci_stored_walk_t;

/**
 * Called for each of them.
 * @param stored As the store lists it
 * @param pool For temporary data of this call
 * @return An error, which ends the walk
 */
typedef oci_error_t *oci_stored_visit_t(oci_stored_walk_t *walk,
                                        const oci_stored_t *stored,
                                        apr_pool_t *pool);

/** A walk. */
struct oci_stored_walk_t {
    oci_blob_store_t *store; /* which can list */
    oci_stored_e kind;       /* what to list */
    oci_stored_visit_t *visit;
    void *baton; /* for visit */
    int stop;    /* visit may set it to end the walk */
};

/**
 * Visit what a store lists, in the order of the names.
 * @param pool For temporary data, of a page and of a call, and for an error
 * @return A storage error, or the error of visit
 */
oci_error_t *oci_stored_walk(oci_stored_walk_t *walk, apr_pool_t *pool);

#endif /* OCI_STORED_WALK_H */
