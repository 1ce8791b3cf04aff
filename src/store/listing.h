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
 * @brief Sorted listings of folders, remembered while the folders are the
 *        same
 */

#ifndef OCI_LISTING_H
#define OCI_LISTING_H

#include "apr_errno.h"
#include "apr_pools.h"

/** What one process remembers; for all of its threads. */
typedef struct oci_listings_t oci_listings_t;

/** A folder's names, which nobody changes any more. */
typedef struct oci_listing_t {
    const char **names;    /* bytewise order; those of folders end with "/" */
    int          count;
} oci_listing_t;

/** Begin to remember, as long as pool lives. */
apr_status_t oci_listings_create(oci_listings_t **listings, apr_pool_t *pool);

/**
 * List a folder as it is now, without names that begin with ".".
 * @param listing Set to it, to be given to oci_listing_release
 * @param path The folder; ends with "/"
 */
apr_status_t oci_listing_get(const oci_listing_t **listing,
                             oci_listings_t *listings, const char *path);

/** Be done with a listing. */
void oci_listing_release(oci_listings_t *listings,
                         const oci_listing_t *listing);

#endif /* OCI_LISTING_H */
