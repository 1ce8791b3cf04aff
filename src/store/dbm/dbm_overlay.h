/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_overlay.h
 * @brief The changes since a snapshot: sorted keys, with the positions of their
 *        values in the logs
 */

#ifndef OCI_DBM_OVERLAY_H
#define OCI_DBM_OVERLAY_H

#include "apr_file_io.h"
#include "apr_pools.h"

/** The position of a key's value. */
typedef struct oci_dbm_position_t {
    int deleted;      /* a tombstone: all other fields are 0, except log */
    apr_uint64_t log; /* the number of the log */
    apr_off_t offset; /* in the log, bytes */
    apr_size_t size;  /* bytes */
} oci_dbm_position_t;

/** A changed key. */
typedef struct oci_dbm_overlay_entry_t {
    const char *key;
    oci_dbm_position_t position;
} oci_dbm_overlay_entry_t;

typedef struct oci_dbm_overlay_t oci_dbm_overlay_t;

/** Create an empty overlay, which lives in pool with its keys. */
oci_dbm_overlay_t *oci_dbm_overlay_make(apr_pool_t *pool);

/** Return the number of keys. */
int oci_dbm_overlay_count(const oci_dbm_overlay_t *overlay);

/**
 * Set a key's position, replacing an earlier one.
 * @param key Is copied; need not end with a NUL, and ends at the first one
 * @param length Bytes of key
 */
void oci_dbm_overlay_set(oci_dbm_overlay_t *overlay, const char *key,
                         apr_size_t length, const oci_dbm_position_t *position);

/** Return the entry of a key, or NULL. */
const oci_dbm_overlay_entry_t *oci_dbm_overlay_find(
    const oci_dbm_overlay_t *overlay, const char *key);

/** Return the entry of the first key that is greater than key, or NULL. */
const oci_dbm_overlay_entry_t *oci_dbm_overlay_after(
    const oci_dbm_overlay_t *overlay, const char *key);

/** Return the next entry, or NULL. */
const oci_dbm_overlay_entry_t *oci_dbm_overlay_next(
    const oci_dbm_overlay_entry_t *entry);

#endif /* OCI_DBM_OVERLAY_H */
