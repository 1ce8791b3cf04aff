/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file listing.h
 * @brief Sorted listings of directories; those of large ones are remembered
 */

#ifndef OCI_LISTING_H
#define OCI_LISTING_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"

/** What one process remembers; for all of its threads. */
typedef struct oci_listings_t oci_listings_t;

/** A part of a directory's names. */
typedef struct oci_listing_range_t {
    const char *path;      /* the directory; ends with "/" */
    const char *after;     /* names from this one on; NULL for all */
    int         past;      /* whether after itself is left out */
    int         limit;     /* no more names than this are wanted; 0: all */
} oci_listing_range_t;

/** Begin to remember, as long as pool lives. */
apr_status_t oci_listings_create(oci_listings_t **listings, apr_pool_t *pool);

/**
 * List a part of a directory as it is now, without names that begin with
 * ".".  The rest of a part that comes in pieces is asked for with after set
 * to the last name, and past to 1.
 * @param names Set to an array of const char *, in bytewise order; those of
 *        directories end with "/"
 * @param more Set to whether other names may follow, even within limit
 * @return APR_SUCCESS, or what the system said
 */
apr_status_t oci_listing_read(apr_array_header_t **names, int *more,
                              oci_listings_t *listings,
                              const oci_listing_range_t *range,
                              apr_pool_t *pool);

#endif /* OCI_LISTING_H */
