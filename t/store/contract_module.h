/* SPDX-License-Identifier: Apache-2.0 */

/* Finds the provider to test: a built-in one, or one that a module registers.
 * A module is named by its file and its record, as in LoadModule.  There is no
 * httpd: the only function of httpd that such a module finds is
 * ap_register_provider (t/setup/contract.sh has stand-ins for the others). */

#ifndef OCI_CONTRACT_MODULE_H
#define OCI_CONTRACT_MODULE_H

#include <dlfcn.h>

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"
#include "apr_hooks.h"

#include "contract.h"
#include "store/builtin.h"

static inline const char *key_of(apr_pool_t *pool, const char *group,
                                 const char *name, const char *version)
{
    return apr_pstrcat(pool, group, " ", name, " ", version, NULL);
}

/* Providers are kept in the pool that the module was given. */
apr_status_t ap_register_provider(apr_pool_t *pool, const char *group,
                                  const char *name, const char *version,
                                  const void *provider)
{
    return apr_pool_userdata_setn(provider, key_of(pool, group, name, version),
                                  NULL, pool);
}

/* Return the provider of a module, or NULL. */
static inline const void *load_provider(const char *path, const char *record,
                                        const char *group, const char *name,
                                        apr_pool_t *pool)
{
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const module *found = file ? dlsym(file, record) : NULL;
    void *provider = NULL;

    if (!found) {
        printf("# %s\n", dlerror());
        return NULL;
    }
    apr_hook_global_pool = pool; /* as httpd does */
    found->register_hooks(pool);
    apr_pool_userdata_get(&provider,
                          key_of(pool, group, name, OCI_PROVIDER_VERSION),
                          pool);
    return provider;
}

/* Return a built-in provider, or NULL. */
static inline const void *find_builtin(const char *group, const char *name)
{
    const oci_builtin_t *builtin;

    for (builtin = oci_builtins; builtin->name; builtin++) {
        if (!strcmp(builtin->group, group) && !strcmp(builtin->name, name)) {
            return builtin->provider;
        }
    }
    return NULL;
}

/* Find the provider that the arguments name, or NULL, and configure its store.
 *
 *     program provider[:type] [location [module.so record]]
 */
static inline const void *named_provider(oci_store_config_t *config, run_t *run,
                                         const char *group, int argc,
                                         char **argv)
{
    char *name = apr_pstrdup(run->pool, argv[1]);
    char *colon = strchr(name, ':');
    const void *provider;

    if (colon) {
        *colon = '\0';
        config->type = colon + 1;
    }
    config->location = argc > 2 ? argv[2] : "named";
    config->base = run->dir;
    printf("# %s\n", argv[1]);
    provider = argc > 4
        ? load_provider(argv[3], argv[4], group, name, run->pool)
        : find_builtin(group, name);
    tap_ok(&run->tap, provider != NULL, "%s is a provider", name);
    return provider;
}

#endif /* OCI_CONTRACT_MODULE_H */
