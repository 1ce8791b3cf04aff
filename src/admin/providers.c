/* SPDX-License-Identifier: Apache-2.0 */

/* The providers that ociadmin knows by name.  OCI_S3 is defined if it is linked
 * with libcurl and the objects of src/s3. */

#include <signal.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/providers.h"
#include "store/builtin.h"

#ifdef OCI_S3
#include "s3/s3_blobs.h"

/* Prepare libcurl.  Its connections must not end the process by a signal. */
static const char *find_s3(const void **provider, apr_pool_t *pool)
{
    signal(SIGPIPE, SIG_IGN);
    if (oci_s3_initialize(pool) != APR_SUCCESS) {
        return "cannot initialize libcurl";
    }
    *provider = &oci_blob_s3;
    return NULL;
}
#else
static const char *find_s3(const void **provider, apr_pool_t *pool)
{
    (void)provider;
    (void)pool;
    return "this ociadmin was built without libcurl, so that it does not have "
           "the provider 's3': install libcurl with its headers, and build "
           "it again";
}
#endif

/* Refuse a name, and list those that exist. */
static const char *refuse_name(const char *group, const char *name,
                               apr_pool_t *pool)
{
    const oci_builtin_t *each;
    const char *names = "";

    for (each = oci_builtins; each->name; each++) {
        if (!strcmp(each->group, group)) {
            names = apr_pstrcat(pool, names, *names ? ", " : "", each->name,
                                NULL);
        }
    }
    return apr_psprintf(pool, "unknown provider '%s'; known providers: %s%s%s",
                        name, names,
                        strcmp(group, OCI_BLOB_STORE_GROUP) ? "" : ", s3",
                        strchr(name, '/') ? "; write the store as one argument "
                                            "such as 'fs DIR'"
                                          : "");
}

const char *oci_provider_find(const void **provider, const char *group,
                              const char *name, apr_pool_t *pool)
{
    const oci_builtin_t *each;

    for (each = oci_builtins; each->name; each++) {
        if (!strcmp(each->group, group) && !strcmp(each->name, name)) {
            *provider = each->provider;
            return NULL;
        }
    }
    return strcmp(group, OCI_BLOB_STORE_GROUP) || strcmp(name, "s3")
        ? refuse_name(group, name, pool)
        : find_s3(provider, pool);
}
