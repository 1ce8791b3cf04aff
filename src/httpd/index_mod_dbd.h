/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file index_mod_dbd.h
 * @brief The index "dbd" in the database of mod_dbd
 */

#ifndef OCI_INDEX_MOD_DBD_H
#define OCI_INDEX_MOD_DBD_H

#include "mod_oci.h"

/** Like oci_index_dbd; without a type it uses the database of mod_dbd. */
extern const oci_index_provider_t oci_index_mod_dbd;

#endif /* OCI_INDEX_MOD_DBD_H */
