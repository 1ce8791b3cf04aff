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
 * @file place.h
 * @brief An index as the command line names it
 *
 *     place    = provider [ ":" type ] [ blanks location ]
 *
 * as OCIIndex has it, but in a single argument: the location is all that
 * follows, blanks included.  Quotes around all of it are left out.
 */

#ifndef OCI_PLACE_H
#define OCI_PLACE_H

#include "mod_oci.h"
#include "store/owner.h"

typedef struct oci_place_t {
    const char  *name;     /* provider and type, and where the index lies:
                              nothing that is secret */
    const char  *id;       /* likewise; tells this place from others */
    oci_index_t *index;    /* not started */
} oci_place_t;

/**
 * Find the provider, and have it make the index.
 * @param text The place; a relative path begins at the working folder
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_place_parse(oci_place_t *place, const char *text,
                            apr_pool_t *pool);

/** Whether a place is a file or a folder, and not a database elsewhere. */
int oci_place_has_path(const oci_place_t *place);

/**
 * Look for a place on the disk, before start makes what is missing.
 * @return APR_SUCCESS also where the index is no file or folder
 */
apr_status_t oci_place_find(const oci_place_t *place, apr_pool_t *pool);

/**
 * The owner of a place on the disk, as oci_owner_of_path finds it.
 * @param owner Left alone where that is root, or the place is not on the disk
 */
void oci_place_owner(oci_owner_t *owner, const oci_place_t *place);

#endif /* OCI_PLACE_H */
