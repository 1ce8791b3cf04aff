/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file move_switch.h
 * @brief Makes an index belong to the blob store to which its blobs were copied
 */

#ifndef OCI_MOVE_SWITCH_H
#define OCI_MOVE_SWITCH_H

#include "admin/copy_blob.h"
#include "values/digest_filter.h"

/** A copy to a store that gives the blobs other names. */
typedef struct oci_move_t {
    oci_blob_copy_t *copy;
    const char *index;    /* its name, for messages */
    const char *index_id; /* its id */
    const char *copy_of;  /* the id of the index of which it is a copy; NULL */
    const char *moving;   /* the value of the fact, or NULL */
    int begun;            /* whether moving says that it was begun before */
    int replacing;        /* whether its records are being replaced */
    oci_digest_filter_t *present; /* hashes of the records of what TO has */
    apr_pool_t *pool;
} oci_move_t;

/**
 * Replace the records of the index by those that lead to TO, and its store's id
 * by TO's id.  If this ends early, the index is refused until it is called
 * again.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_move_switch(oci_move_t *move);

#endif /* OCI_MOVE_SWITCH_H */
