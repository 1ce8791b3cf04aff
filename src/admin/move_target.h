/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file move_target.h
 * @brief The blob store TO of a copy that gives the blobs other names
 *
 * The functions are called as the owner of TO.  Those that return a sentence
 * return NULL if nothing is wrong.
 */

#ifndef OCI_MOVE_TARGET_H
#define OCI_MOVE_TARGET_H

#include "admin/move_switch.h"

/** Find out which store TO is, without changing anything.  Its id is set if it
 * has one, and move->begun. */
const char *oci_move_target_find(oci_move_t *move);

/** Start TO, which creates what is missing, and make it belong to the index. It
 * must have no blobs if the copy has not begun.  Its id is set. */
const char *oci_move_target_claim(oci_move_t *move);

/** Note in move->present that TO has the blob of a record.
 * @param pool For temporary data */
void oci_move_target_add(oci_move_t *move, const char *record,
                         apr_pool_t *pool);

/** Note all blobs that TO has in move->present, which is made by the caller. */
const char *oci_move_target_note(oci_move_t *move);

/** Abort the uploads that a killed copy has left in a remote TO. */
const char *oci_move_target_clean(oci_move_t *move);

/**
 * Find out whether it is noted in move->present that TO has the blob of a
 * record.
 * @return 1 or 0
 */
int oci_move_target_has(const oci_move_t *move, const char *record,
                        apr_pool_t *pool);

#endif /* OCI_MOVE_TARGET_H */
