/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_index.h
 * @brief The index "dbm": snapshots in a DBM, and a write-ahead log
 */

#ifndef OCI_DBM_INDEX_H
#define OCI_DBM_INDEX_H

#include "mod_oci.h"

extern const oci_index_provider_t oci_index_dbm;

#endif /* OCI_DBM_INDEX_H */
