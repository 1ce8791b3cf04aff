/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_listing.h
 * @brief Sorted listings of directories; those of large ones are remembered
 */

#ifndef OCI_FS_LISTING_H
#define OCI_FS_LISTING_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"

/** What one process remembers; for all of its threads. */
typedef struct oci_fs_listings_t oci_fs_listings_t;

/** A part of a directory's names. */
typedef struct oci_fs_listing_range_t {
    const char *path;  /* the directory; ends with "/" */
    const char *after; /* names from this one on; NULL for all */
    int past;          /* whether after itself is left out */
    int limit;         /* no more names than this are wanted; 0: all */
} oci_fs_listing_range_t;

/** Begin to remember, as long as pool lives. */
apr_status_t oci_fs_listings_create(oci_fs_listings_t **listings,
                                    apr_pool_t *pool);

/**
 * List a part of a directory as it is now, without names that begin with
 * ".".  The rest of a part that comes in pieces is asked for with after set
 * to the last name, and past to 1.
 * @param names Set to an array of const char *, in bytewise order; those of
 *        directories end with "/"
 * @param more Set to whether other names may follow, even within limit
 * @return APR_SUCCESS, or what the system said
 */
apr_status_t oci_fs_listing_read(apr_array_header_t **names, int *more,
                                 oci_fs_listings_t *listings,
                                 const oci_fs_listing_range_t *range,
                                 apr_pool_t *pool);

#endif /* OCI_FS_LISTING_H */
