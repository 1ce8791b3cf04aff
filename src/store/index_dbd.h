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
 * @file index_dbd.h
 * @brief The index "dbd": facts in the table of a database
 */

#ifndef OCI_INDEX_DBD_H
#define OCI_INDEX_DBD_H

#include "mod_oci.h"
#include "store/dbd_source.h"

/** Connects by itself: its type is the driver, its location the parameters. */
extern const oci_index_provider_t oci_index_dbd;

/**
 * Make an index on a source of connections.
 * @param source Lives as long as pool
 * @param where What the source was made with; lives as long as pool
 */
void oci_index_dbd_create(oci_index_t **index, oci_dbd_source_t *source,
                          const oci_dbd_where_t *where, apr_pool_t *pool);

#endif /* OCI_INDEX_DBD_H */
