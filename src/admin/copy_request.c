/* SPDX-License-Identifier: Apache-2.0 */

/* The users as whom the command "copy" works. */

#include <stdio.h>

#include "apr_strings.h"
#include "apr_user.h"

#include "admin/copy_request.h"

const char *oci_copy_find_owners(oci_copy_owners_t *owners,
                                 const oci_copy_request_t *request,
                                 const char *from, const char *to,
                                 apr_pool_t *pool)
{
    if (apr_uid_current(&owners->from.uid, &owners->from.gid, pool)
        != APR_SUCCESS) {
        return "cannot determine the user that runs this command";
    }
    if (from) {
        oci_owner_of_path(&owners->from, from);
    }
    owners->to = owners->from;
    if (request->user) {
        return apr_uid_get(&owners->to.uid, &owners->to.gid, request->user,
                           pool)
                == APR_SUCCESS
            ? NULL
            : apr_psprintf(pool, "--user: there is no user '%s' on this system",
                           request->user);
    }
    if (owners->to.uid == 0 && to) {
        oci_owner_of_path(&owners->to, to);
    }
    return NULL;
}

void oci_copy_warn_of_root(const oci_owner_t *owner, const char *name)
{
    if (owner->uid == 0) {
        printf("root owns %s, so httpd's User cannot use it: change its owner "
               "with chown before httpd starts\n",
               name);
    }
}
