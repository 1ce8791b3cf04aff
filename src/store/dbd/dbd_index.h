/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_index.h
 * @brief The index "dbd": facts in a table of a database
 */

#ifndef OCI_DBD_INDEX_H
#define OCI_DBD_INDEX_H

#include "mod_oci.h"
#include "store/dbd/dbd_source.h"

/**
 * The provider that connects by itself: its type is the driver, its location
 * the parameters.
 */
extern const oci_index_provider_t oci_index_dbd;

/**
 * Create an index on a source of connections.
 * @param source Lives as long as pool
 * @param settings The parameters with which the source was created; lives as
 * long as pool
 */
void oci_index_dbd_create(oci_index_t **index, oci_dbd_source_t *source,
                          const oci_dbd_settings_t *settings, apr_pool_t *pool);

/**
 * Have an observer told how the connections of an index are used.
 * @param index Of any provider; another one than this has no connections
 */
void oci_index_dbd_observe(oci_index_t *index, oci_dbd_observer_t *observer);

/**
 * Return a text that differs between two indexes only if they are in different
 * places.  It has no password.
 * @param index Of any provider
 * @return The index's where, the path of a SQLite file, or the driver and the
 *         name of a database; NULL for a database whose name is not certain
 */
const char *oci_index_dbd_place(const oci_index_t *index, apr_pool_t *pool);

#endif /* OCI_DBD_INDEX_H */
