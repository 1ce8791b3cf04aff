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
 * @file dbd.h
 * @brief The index "dbd" in the database of mod_dbd
 */

#ifndef OCI_DBD_H
#define OCI_DBD_H

#include "mod_oci.h"

/** As oci_index_dbd, but without a type it uses the database of mod_dbd. */
extern const oci_index_provider_t oci_index_mod_dbd;

#endif /* OCI_DBD_H */
