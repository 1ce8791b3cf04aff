/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_overlay.h
 * @brief What changed since a snapshot: keys in order, and where the values
 *        lie
 */

#ifndef OCI_DBM_OVERLAY_H
#define OCI_DBM_OVERLAY_H

#include "apr_file_io.h"
#include "apr_pools.h"

/** Where the value of a key lies. */
typedef struct oci_dbm_position_t {
    int deleted;      /* then all else is 0 */
    apr_uint64_t log; /* its number */
    apr_off_t offset; /* in the log, bytes */
    apr_size_t size;  /* bytes */
} oci_dbm_position_t;

/** One changed key. */
typedef struct oci_dbm_overlay_entry_t {
    const char *key;
    oci_dbm_position_t position;
} oci_dbm_overlay_entry_t;

typedef struct oci_dbm_overlay_t oci_dbm_overlay_t;

/** Make an empty overlay, which lives in pool with its keys. */
oci_dbm_overlay_t *oci_dbm_overlay_make(apr_pool_t *pool);

/** How many keys it has. */
int oci_dbm_overlay_count(const oci_dbm_overlay_t *overlay);

/**
 * Set a key's position, replacing any that it has.
 * @param key Is copied; need not end with a NUL, and ends at the first one
 */
void oci_dbm_overlay_set(oci_dbm_overlay_t *overlay, const char *key,
                         apr_size_t length, const oci_dbm_position_t *position);

/** A key's entry, or NULL. */
const oci_dbm_overlay_entry_t *oci_dbm_overlay_find(
    const oci_dbm_overlay_t *overlay, const char *key);

/** The entry with the first key that is greater than key, or NULL. */
const oci_dbm_overlay_entry_t *oci_dbm_overlay_after(
    const oci_dbm_overlay_t *overlay, const char *key);

/** The entry after this one, or NULL. */
const oci_dbm_overlay_entry_t *oci_dbm_overlay_next(
    const oci_dbm_overlay_entry_t *entry);

#endif /* OCI_DBM_OVERLAY_H */
