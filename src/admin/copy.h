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
 * @file copy.h
 * @brief The command "copy": an index, moved to another provider or place
 */

#ifndef OCI_COPY_H
#define OCI_COPY_H

#include "admin/ociadmin.h"

/** copy [--force] [--quiet] [--user NAME] FROM TO */
oci_command_t oci_copy_command;

#endif /* OCI_COPY_H */
