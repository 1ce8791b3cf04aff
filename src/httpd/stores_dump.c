/* SPDX-License-Identifier: Apache-2.0 */

/* Tells ociadmin which stores the configuration names. */

#include <stdio.h>
#include <stdlib.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_main.h"
#include "apr_strings.h"
#include <jansson.h>

#include "httpd/config.h"
#include "httpd/index_mod_dbd.h"
#include "httpd/stores_dump.h"

/* The arguments of a line without their quotes: a provider and a location. */
static const char *arguments_of(const oci_config_line_t *line, apr_pool_t *pool)
{
    const char *args = line->directive->args;
    const char *provider = ap_getword_conf(pool, &args);

    return apr_pstrcat(pool, provider, " ", ap_getword_conf(pool, &args), NULL);
}

/* Set a member; return whether that is possible: JSON is in UTF-8. */
static int set(json_t *object, const char *key, const char *value)
{
    return !json_object_set_new(object, key, json_string(value));
}

static void add_index(json_t *object, const oci_config_t *config,
                      const server_rec *s, apr_pool_t *pool)
{
    const char *text = arguments_of(config->index_line, pool);
    const char *problem = NULL;

    if (!ap_cstr_casecmp(text, "dbd ")) {
        problem = oci_index_mod_dbd_text(&text, s, pool);
    }
    if (problem || !set(object, "index", text)) {
        set(object, "problem",
            problem ? problem : "the arguments of OCIIndex are not in UTF-8");
    }
}

static void print_section(const oci_config_t *config, const server_rec *s,
                          apr_pool_t *pool)
{
    const ap_directive_t *line = config->blobs_line->directive;
    json_t *object = json_object();
    char *text;

    set(object, "file", line->filename);
    json_object_set_new(object, "line", json_integer(line->line_num));
    set(object, "base", ap_server_root);
    set(object, "blobs", arguments_of(config->blobs_line, pool));
    if (config->index_line) {
        add_index(object, config, s, pool);
    }
    else {
        json_object_set_new(object, "index", json_null());
    }
    text = json_dumps(object, JSON_COMPACT);
    if (text) {
        puts(text);
    }
    free(text);
    json_decref(object);
}

void oci_stores_dump(apr_pool_t *pool, server_rec *main_server)
{
    server_rec *s;
    int i;

    if (!ap_exists_config_define("DUMP_OCI_STORES")) {
        return;
    }
    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *sections = oci_config_of_server(s)->sections;

        for (i = 0; i < sections->nelts; i++) {
            const oci_config_t
                *config = oci_config_inherit(APR_ARRAY_IDX(sections, i,
                                                           oci_config_t *),
                                             s, pool);

            if (config->blobs_line) {
                print_section(config, s, pool);
            }
        }
    }
}
