/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file move_blobs.h
 * @brief Copies a blob store to one that gives the blobs other names
 */

#ifndef OCI_MOVE_BLOBS_H
#define OCI_MOVE_BLOBS_H

#include "admin/copy_blob.h"

/**
 * Copy the blobs that the index of the request records, note their locators in
 * TO in this index, and with --switch make the index belong to TO.  Print a
 * report.
 * @param copy Its stores are created, and not started
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_move_blobs(oci_blob_copy_t *copy);

#endif /* OCI_MOVE_BLOBS_H */
