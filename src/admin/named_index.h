/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file named_index.h
 * @brief An index as the command line names it
 *
 *     location    = provider [ ":" type ] [ blanks location ]
 *
 * as OCIIndex has it, but in a single argument: the location is all that
 * follows, blanks included.  Quotes around all of it are left out.
 */

#ifndef OCI_NAMED_INDEX_H
#define OCI_NAMED_INDEX_H

#include "mod_oci.h"
#include "store/owner.h"

typedef struct oci_named_index_t {
    const char *name;   /* provider and type, and where the index lies:
                           nothing that is secret */
    const char *id;     /* likewise; tells this location from others */
    oci_index_t *index; /* not started */
} oci_named_index_t;

/**
 * Find the provider, and have it make the index.
 * @param text The location; a relative path begins at the working folder
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_named_index_parse(oci_named_index_t *named, const char *text,
                                  apr_pool_t *pool);

/** Whether a location is a file or a folder, and not a database elsewhere. */
int oci_named_index_has_path(const oci_named_index_t *named);

/**
 * Look for a location on the disk, before start makes what is missing.
 * @return APR_SUCCESS also where the index is no file or folder
 */
apr_status_t oci_named_index_find(const oci_named_index_t *named,
                                  apr_pool_t *pool);

/**
 * The owner of a location on the disk, as oci_owner_of_path finds it.
 * @param owner Left alone where that is root, or the location is not on the
 * disk
 */
void oci_named_index_owner(oci_owner_t *owner, const oci_named_index_t *named);

#endif /* OCI_NAMED_INDEX_H */
