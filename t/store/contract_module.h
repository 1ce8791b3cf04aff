/* SPDX-License-Identifier: Apache-2.0 */

/* Providers that are asked to keep the contract: those of our own, and those
 * that a module registers, which is named by its file and by the name of its
 * record, as in LoadModule.  There is no httpd: the only function of it that
 * such a module finds is ap_register_provider (t/setup/contract.sh has
 * stand-ins for the others).
 */

#ifndef OCI_CONTRACT_MODULE_H
#define OCI_CONTRACT_MODULE_H

#include <dlfcn.h>

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"

#include "contract.h"
#include "store/builtin.h"

static inline const char *key_of(apr_pool_t *pool, const char *group,
                                 const char *name, const char *version)
{
    return apr_pstrcat(pool, group, " ", name, " ", version, NULL);
}

/* What is registered stays with the pool that the module was given. */
apr_status_t ap_register_provider(apr_pool_t *pool, const char *group,
                                  const char *name, const char *version,
                                  const void *provider)
{
    return apr_pool_userdata_setn(provider, key_of(pool, group, name, version),
                                  NULL, pool);
}

/* A module's provider, or NULL. */
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
    found->register_hooks(pool);
    apr_pool_userdata_get(&provider,
                          key_of(pool, group, name, OCI_PROVIDER_VERSION),
                          pool);
    return provider;
}

/* One of our own, or NULL. */
static inline const void *find_builtin(const char *group, const char *name)
{
    const oci_builtin_t *each;

    for (each = oci_builtins; each->name; each++) {
        if (!strcmp(each->group, group) && !strcmp(each->name, name)) {
            return each->provider;
        }
    }
    return NULL;
}

/* What a program's arguments name: a store, and its provider or NULL.
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
    config->base = run->folder;
    printf("# %s\n", argv[1]);
    provider = argc > 4
        ? load_provider(argv[3], argv[4], group, name, run->pool)
        : find_builtin(group, name);
    tap_ok(&run->tap, provider != NULL, "%s is a provider", name);
    return provider;
}

#endif /* OCI_CONTRACT_MODULE_H */
