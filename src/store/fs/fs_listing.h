/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_listing.h
 * @brief Sorted listings of directories, with a cache for large ones
 */

#ifndef OCI_FS_LISTING_H
#define OCI_FS_LISTING_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"

/** The cache of one process, shared by its threads. */
typedef struct oci_fs_listings_t oci_fs_listings_t;

/** A part of a directory's names. */
typedef struct oci_fs_listing_range_t {
    const char *path;  /* the directory; ends with "/" */
    const char *after; /* list names from this one on; NULL for all */
    int past;          /* whether to leave out after itself */
    int limit;         /* the maximum number of names; 0: no limit */
} oci_fs_listing_range_t;

/**
 * Create an empty cache, which lives as long as pool.
 * @param most How many bytes of names it may have, except that it always keeps
 *        a few listings
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_fs_listings_create(oci_fs_listings_t **listings,
                                    apr_size_t most, apr_pool_t *pool);

/**
 * List a part of a directory as it is now, without names that begin with ".".
 * To continue, set after to the last name, and past to 1.
 * @param names Set to an array of const char *, in bytewise order; the names of
 *        directories end with "/"
 * @param more Set to whether more names may follow, even if limit was not
 *        reached
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_fs_listing_read(apr_array_header_t **names, int *more,
                                 oci_fs_listings_t *listings,
                                 const oci_fs_listing_range_t *range,
                                 apr_pool_t *pool);

#endif /* OCI_FS_LISTING_H */
