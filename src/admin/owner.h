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
 * @file owner.h
 * @brief Whose a store is to be, where root works on it
 */

#ifndef OCI_OWNER_H
#define OCI_OWNER_H

#include "apr_user.h"

typedef struct oci_owner_t {
    apr_uid_t uid;
    apr_gid_t gid;
} oci_owner_t;

/**
 * Act as the owner, so that what is made is his from its first moment, and
 * nothing is that he could not do himself.  Nothing happens where the caller
 * is not root.
 * @return What the system said
 */
apr_status_t oci_owner_enter(const oci_owner_t *owner);

/** Act as the caller again. */
void oci_owner_leave(void);

#endif /* OCI_OWNER_H */
