/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy_sides.h
 * @brief The two blob stores and the index of "copy --blobs"
 */

#ifndef OCI_COPY_SIDES_H
#define OCI_COPY_SIDES_H

#include "admin/copy_blob.h"

/**
 * Create FROM and TO from the names in the request, with nothing of --config.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_sides_parse(oci_blob_copy_t *copy);

/**
 * Create those of FROM and TO again that the configuration of --config has,
 * with what it says of them.  Does nothing without --config.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_sides_configure(oci_blob_copy_t *copy);

/**
 * Find out as whom to use FROM and TO, as oci_copy_find_owners does.  A TO that
 * would belong to root, and is not remote, is for httpd's User of --config.  A
 * remote store is used as the owner of the other one; if both are remote, as
 * the owner of the index.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_sides_own(oci_blob_copy_t *copy);

/**
 * Read the id of a store.
 * @param side Its id is set; NULL if it has none
 * @return A status of the store; APR_ENOTIMPL if its provider has no ids
 */
apr_status_t oci_copy_side_read_id(oci_copy_side_t *side, apr_pool_t *pool);

/**
 * Check that FROM is a complete blob store, and set its id.  Nothing is
 * changed.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_side_check_source(oci_blob_copy_t *copy);

/**
 * Open the index of --index as its owner, and check that it is complete.
 * @param name Set to its name for messages
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_open_index(const char **name, oci_blob_copy_t *copy);

/**
 * Call a step as the owner of a store.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_copy_call_as_owner(const char *(*step)(oci_blob_copy_t *copy),
                                   oci_blob_copy_t *copy,
                                   const oci_copy_side_t *side);

#endif /* OCI_COPY_SIDES_H */
