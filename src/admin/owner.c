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

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/owner.h"

apr_status_t oci_owner_enter(const oci_owner_t *owner)
{
    if (geteuid()) {
        return APR_SUCCESS;
    }
    if (!setegid(owner->gid) && !seteuid(owner->uid)) {
        return APR_SUCCESS;
    }
    return errno;
}

void oci_owner_leave(void)
{
    /* What was root before may be so again; else nothing is as it seems. */
    if (seteuid(getuid()) || setegid(getgid())) {
        abort();
    }
}
