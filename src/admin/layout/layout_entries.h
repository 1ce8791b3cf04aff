/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file layout_entries.h
 * @brief The images that index.json of a layout names
 *
 * The annotation org.opencontainers.image.ref.name is a tag, or a reference
 * [HOST/]NAME:TAG or [HOST/]NAME@DIGEST.  Docker and containerd write the
 * reference as io.containerd.image.name.  The first component of a reference is
 * a host if it has a dot or a colon, or is "localhost".
 */

#ifndef OCI_LAYOUT_ENTRIES_H
#define OCI_LAYOUT_ENTRIES_H

#include "apr_tables.h"

#include "admin/layout/layout.h"
#include "values/document.h"

/** An entry of index.json. */
typedef struct oci_layout_entry_t {
    oci_descriptor_t descriptor;
    const char *name;  /* the repository, valid; NULL if it is not said */
    const char *tag;   /* valid; NULL: the image has none */
    const char *wrong; /* a name that is neither a tag nor a reference; or
                          NULL */
} oci_layout_entry_t;

/**
 * Read the entries of a layout that was checked.
 * @param entries Set to an array of oci_layout_entry_t, in their order
 * @param pool For the result
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_layout_entries(apr_array_header_t **entries,
                               const oci_layout_t *layout, apr_pool_t *pool);

/** Return whether the first component of a repository's name would be taken for
 * a host in a reference. */
int oci_layout_has_host(const char *name);

#endif /* OCI_LAYOUT_ENTRIES_H */
