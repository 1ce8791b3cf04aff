/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file layout_import.h
 * @brief Imports the images of a layout
 */

#ifndef OCI_LAYOUT_IMPORT_H
#define OCI_LAYOUT_IMPORT_H

#include "admin/import/import_run.h"
#include "admin/layout/layout.h"

/** The names under which images are imported. */
typedef struct oci_layout_target_t {
    const char *name; /* of the repository, valid; NULL: as the layout says */
    const char *tag;  /* of the only image, valid; NULL: as the layout says */
} oci_layout_target_t;

/**
 * Import the images of a layout, until a signal is pending.  All of an image is
 * verified before any of it is imported.
 * @param problem Set to NULL, or to a sentence that says why nothing can be
 *        imported
 * @param import Its registry is open, and its source a layout that was checked
 * @param pool For temporary data and the error
 * @return An error of our stores
 */
oci_error_t *oci_layout_import(const char **problem, oci_import_t *import,
                               const oci_layout_target_t *target,
                               apr_pool_t *pool);

#endif /* OCI_LAYOUT_IMPORT_H */
