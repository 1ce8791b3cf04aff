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
 * @file overlay.h
 * @brief What changed since a snapshot: keys in order, and where the values
 *        lie
 */

#ifndef OCI_OVERLAY_H
#define OCI_OVERLAY_H

#include "apr_file_io.h"
#include "apr_pools.h"

/** Where the value of a key lies. */
typedef struct oci_place_t {
    int          deleted;  /* then all else is 0 */
    apr_uint64_t log;      /* its number */
    apr_off_t    offset;   /* in the log, bytes */
    apr_size_t   size;     /* bytes */
} oci_place_t;

/** One changed key. */
typedef struct oci_overlay_entry_t {
    const char *key;
    oci_place_t place;
} oci_overlay_entry_t;

typedef struct oci_overlay_t oci_overlay_t;

/** Make an empty overlay, which lives in pool with its keys. */
oci_overlay_t *oci_overlay_make(apr_pool_t *pool);

/** How many keys it has. */
int oci_overlay_count(const oci_overlay_t *overlay);

/**
 * Set a key's place, in the stead of any that it has.
 * @param key Is copied; need not end with a NUL, and ends at the first one
 */
void oci_overlay_set(oci_overlay_t *overlay, const char *key,
                     apr_size_t length, const oci_place_t *place);

/** A key's entry, or NULL. */
const oci_overlay_entry_t *oci_overlay_find(const oci_overlay_t *overlay,
                                            const char *key);

/** The entry with the first key that is greater than key, or NULL. */
const oci_overlay_entry_t *oci_overlay_after(const oci_overlay_t *overlay,
                                             const char *key);

/** The entry after this one, or NULL. */
const oci_overlay_entry_t *oci_overlay_next(const oci_overlay_entry_t *entry);

#endif /* OCI_OVERLAY_H */
