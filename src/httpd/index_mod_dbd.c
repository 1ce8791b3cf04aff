/* SPDX-License-Identifier: Apache-2.0 */

/* The index "dbd" with the database that mod_dbd's directives name.
 *
 * It does not use mod_dbd's connections, because waiting for one of them has no
 * time limit: a request that holds one for its login (mod_authn_dbd) could wait
 * forever for a second one. */

#include <stdlib.h>

#include "httpd.h"
#include "http_config.h"
#include "apr_dbd.h"
#include "apr_optional.h"
#include "apr_strings.h"
#include "mod_dbd.h"

#include "httpd/index_mod_dbd.h"
#include "store/dbd/dbd_index.h"

/* Read the directives that are directly in a section. */
static void read_section(oci_dbd_settings_t *settings,
                         const ap_directive_t *directive, apr_pool_t *pool)
{
    for (; directive; directive = directive->next) {
        const char *args = directive->args;
        const char *name = directive->directive;

        if (!ap_cstr_casecmp(name, "DBDriver")) {
            settings->driver = ap_getword_conf(pool, &args);
        }
        else if (!ap_cstr_casecmp(name, "DBDParams")) {
            settings->params = ap_getword_conf(pool, &args);
        }
        else if (!ap_cstr_casecmp(name, "DBDInitSQL")) {
            if (!settings->init) {
                settings->init = apr_array_make(pool, 2, sizeof(const char *));
            }
            APR_ARRAY_PUSH(settings->init,
                           const char *) = ap_getword_conf(pool, &args);
        }
        else if (!ap_cstr_casecmp(name, "DBDMax")) {
            settings->most = atoi(ap_getword_conf(pool, &args));
        }
        else if (!ap_cstr_casecmp(name, "DBDKeep")) {
            settings->keep = atoi(ap_getword_conf(pool, &args));
        }
    }
}

/* Find the section of a virtual host; NULL for the main server. */
static const ap_directive_t *find_section(const server_rec *server)
{
    const ap_directive_t *directive;

    for (directive = ap_conftree; directive && server->is_virtual;
         directive = directive->next) {
        if (!ap_cstr_casecmp(directive->directive, "<VirtualHost")
            && directive->line_num == (int)server->defn_line_number
            && server->defn_name && directive->filename
            && !strcmp(directive->filename, server->defn_name)) {
            return directive->first_child;
        }
    }
    return NULL;
}

/* Find the database that mod_dbd uses for a server.  A directive that the
 * virtual host does not set is taken from the main server. */
static const char *find_database(oci_dbd_settings_t *settings, apr_pool_t *pool)
{
    const server_rec *server = settings->data;

    if (!APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open)) {
        return "dbd needs mod_dbd, which is not loaded; add "
               "LoadModule dbd_module, or name a driver: OCIIndex dbd:DRIVER "
               "PARAMETERS";
    }
    read_section(settings, ap_conftree, pool);
    read_section(settings, find_section(server), pool);
    if (!settings->driver && !server->defn_name) {
        return "dbd uses the database that DBDriver names, but the server has "
               "no DBDriver; add DBDriver and DBDParams";
    }
    if (!settings->driver) {
        return apr_psprintf(
            pool,
            "dbd uses the database that DBDriver names, but neither the "
            "server at %s line %u nor the main server has DBDriver; add "
            "DBDriver and DBDParams",
            server->defn_name, server->defn_line_number);
    }
    if (!settings->params) {
        settings->params = "";
    }
    return NULL;
}

static const char *create_index(oci_index_t **index,
                                const oci_store_config_t *config,
                                apr_pool_t *pool)
{
    oci_dbd_source_t *source;
    oci_dbd_settings_t *settings;
    const char *error;

    if (config->type) {
        return oci_index_dbd.create(index, config, pool);
    }
    if (config->location) {
        return "dbd takes no location; DBDriver and DBDParams set the database";
    }
    settings = apr_pcalloc(pool, sizeof(*settings));
    settings->find = find_database;
    settings->data = config->server;
    error = oci_dbd_source_create(&source, settings, pool);
    if (!error) {
        oci_index_dbd_create(index, source, settings, pool);
    }
    return error;
}

const char *oci_index_mod_dbd_text(const char **text, const server_rec *server,
                                   apr_pool_t *pool)
{
    oci_dbd_settings_t settings = { .data = (void *)server };
    const char *error = find_database(&settings, pool);

    if (!error && settings.init) {
        error = "the database has DBDInitSQL, which ociadmin does not run";
    }
    if (!error) {
        *text = apr_pstrcat(pool, "dbd:", settings.driver, " ", settings.params,
                            NULL);
    }
    return error;
}

/* Only create is needed: the index that it makes has the provider
 * oci_index_dbd. */
const oci_index_provider_t oci_index_mod_dbd = { .create = create_index };
