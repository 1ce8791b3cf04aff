/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_held.h
 * @brief The blobs that a repository holds, with their sizes, in 40 bytes each
 */

#ifndef OCI_CHECK_HELD_H
#define OCI_CHECK_HELD_H

#include "apr_pools.h"

typedef struct oci_held_table_t oci_held_table_t;

/** Make an empty table; its memory is freed with pool. */
oci_held_table_t *oci_held_table_make(apr_pool_t *pool);

/**
 * Add a blob.  Blobs are added in the order of their digests.
 * @param digest Valid.  Of a SHA-512 digest the first half counts
 * @param size Bytes; -1 if the blob may be damaged
 * @param condemned Whether garbage collection has condemned it
 */
void oci_held_table_add(oci_held_table_t *table, const char *digest,
                        apr_off_t size, int condemned);

/**
 * Look up a blob.
 * @param size Set if it is in the table; so is condemned
 * @return Whether it is
 */
int oci_held_table_find(apr_off_t *size, int *condemned,
                        const oci_held_table_t *table, const char *digest);

#endif /* OCI_CHECK_HELD_H */
