/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file index_mod_dbd.h
 * @brief The index "dbd" in the database of mod_dbd
 */

#ifndef OCI_INDEX_MOD_DBD_H
#define OCI_INDEX_MOD_DBD_H

#include "httpd.h"

#include "mod_oci.h"

/** Like oci_index_dbd; without a type it uses the database of mod_dbd. */
extern const oci_index_provider_t oci_index_mod_dbd;

/**
 * Find the database that "OCIIndex dbd" uses in a server's sections.
 * @param text Set to the arguments of an OCIIndex that names it: "dbd:DRIVER
 *        PARAMS"
 * @return NULL, or a sentence that says why there is none
 */
const char *oci_index_mod_dbd_text(const char **text, const server_rec *server,
                                   apr_pool_t *pool);

#endif /* OCI_INDEX_MOD_DBD_H */
