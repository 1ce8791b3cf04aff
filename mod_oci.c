/* SPDX-License-Identifier: Apache-2.0 */

/**
 * mod_oci: an OCI registry as a module of Apache httpd
 *
 * This file declares the module: its directives, hooks and providers.  A
 * request passes through
 *   src/httpd     configuration, hooks, authorization, httpd's own errors
 *   src/api       HTTP: one file for each URL segment
 *   src/registry  repositories, manifests, blobs, uploads, tags, referrers
 *   src/store     the providers that store blobs and the index
 * All of them use src/values: digests, names and other values without I/O.
 */

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"

#include "httpd/config.h"
#include "httpd/index_mod_dbd.h"
#include "httpd/hooks.h"
#include "store/builtin.h"
#include "store/dbd/dbd_index.h"

static void register_hooks(apr_pool_t *pool)
{
    const oci_builtin_t *each;

    for (each = oci_builtins; each->name; each++) {
        const void *provider = each->provider;

        /* In httpd the index "dbd" can use the database of mod_dbd as well. */
        if (provider == &oci_index_dbd) {
            provider = &oci_index_mod_dbd;
        }
        ap_register_provider(pool, each->group, each->name,
                             OCI_PROVIDER_VERSION, provider);
    }
    oci_hooks_register(pool);
}

AP_DECLARE_MODULE(oci) = {
    STANDARD20_MODULE_STUFF,
    oci_config_create_dir,
    oci_config_merge_dir,
    oci_config_create_server,
    NULL,
    oci_directives,
    register_hooks,
    0,
};
