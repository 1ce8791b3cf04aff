/* SPDX-License-Identifier: Apache-2.0 */

/* Tells ociadmin which stores and rules the configuration has. */

#include <stdio.h>
#include <stdlib.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_main.h"
#include "unixd.h"
#include "apr_strings.h"
#include <jansson.h>

#include "httpd/config.h"
#include "httpd/gc_job.h"
#include "httpd/index_mod_dbd.h"
#include "httpd/stores_dump.h"
#include "values/immutable.h"

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

static int add_option(void *object, const char *name, const char *value)
{
    return set(object, name, value);
}

/* Add what the blob store's own directives say, if its provider has any. */
static void add_options(json_t *object, oci_blob_store_t *blobs,
                        apr_pool_t *pool)
{
    const apr_table_t *options = NULL;
    json_t *members;
    const char *problem;

    if (!blobs->provider->options) {
        return;
    }
    problem = blobs->provider->options(&options, blobs, pool);
    if (problem) {
        set(object, "problem", problem);
        return;
    }
    members = json_object();
    if (options && !apr_table_do(add_option, members, options, NULL)) {
        set(object, "problem",
            "the arguments of the blob store's directives are not in UTF-8");
    }
    json_object_set_new(object, "options", members);
}

/* Return a line of a directive as an array of words; NULL if that is not
 * possible. */
static json_t *line_of(const apr_array_header_t *words)
{
    json_t *line = json_array();
    int failed = 0;
    int i;

    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);

        failed |= json_array_append_new(line, json_string(word));
    }
    if (failed) {
        json_decref(line);
        return NULL;
    }
    return line;
}

static int add_retain(json_t *lines, const oci_gc_policy_t *policy)
{
    int failed = 0;
    int i;

    for (i = 0; policy && i < policy->retain->nelts; i++) {
        const oci_retain_t *rule = &APR_ARRAY_IDX(policy->retain, i,
                                                  oci_retain_t);

        failed |= json_array_append_new(lines, line_of(rule->words));
    }
    return failed;
}

static int add_untagged(json_t *lines, const oci_gc_policy_t *policy)
{
    int failed = 0;
    int i;

    for (i = 0; policy && i < policy->untagged->nelts; i++) {
        const oci_untagged_t *rule = &APR_ARRAY_IDX(policy->untagged, i,
                                                    oci_untagged_t);

        failed |= json_array_append_new(lines, line_of(rule->words));
    }
    return failed;
}

static int add_immutable(json_t *lines, const apr_array_header_t *rules,
                         apr_pool_t *pool)
{
    int failed = 0;
    int i;

    for (i = 0; rules && i < rules->nelts; i++) {
        const oci_immutable_t *rule = &APR_ARRAY_IDX(rules, i, oci_immutable_t);
        apr_array_header_t *words = apr_array_make(pool, 2, sizeof(char *));

        APR_ARRAY_PUSH(words, const char *) = rule->glob;
        if (rule->condition) {
            APR_ARRAY_PUSH(words, const char *) = rule->condition;
        }
        failed |= json_array_append_new(lines, line_of(words));
    }
    return failed;
}

/* Add an empty array to an object, and return it. */
static json_t *add_array(json_t *object, const char *key)
{
    json_t *array = json_array();

    json_object_set_new(object, key, array);
    return array;
}

/* Add the rules: OCISparse of the section, and what counts for the garbage
 * collection of its stores. */
static void add_rules(json_t *object, const oci_config_t *config,
                      const oci_config_t *gc, apr_pool_t *pool)
{
    oci_registry_t registry;

    oci_config_set_registry(&registry, config);
    json_object_set_new(object, "sparse", json_integer(registry.sparse));
    json_object_set_new(object, "grace", json_integer(oci_config_gc_grace(gc)));
    json_object_set_new(object, "uploadExpiry",
                        json_integer(oci_config_upload_expiry(gc)));
    if (add_retain(add_array(object, "retain"), gc->gc_policy)
        || add_untagged(add_array(object, "untagged"), gc->gc_policy)
        || add_immutable(add_array(object, "immutable"), gc->immutable, pool)) {
        set(object, "problem",
            "the arguments of OCIRetain, OCIUntagged or OCIImmutable are not "
            "in UTF-8");
    }
}

static void print_section(const oci_config_t *config, const server_rec *s,
                          server_rec *main_server, apr_pool_t *pool)
{
    const ap_directive_t *line = config->blobs_line->directive;
    json_t *object = json_object();
    char *text;

    set(object, "file", line->filename);
    json_object_set_new(object, "line", json_integer(line->line_num));
    set(object, "base", ap_server_root);
    json_object_set_new(object, "uid", json_integer(ap_unixd_config.user_id));
    json_object_set_new(object, "gid", json_integer(ap_unixd_config.group_id));
    set(object, "blobs", arguments_of(config->blobs_line, pool));
    add_options(object, config->blobs, pool);
    if (config->index_line) {
        add_index(object, config, s, pool);
    }
    else {
        json_object_set_new(object, "index", json_null());
    }
    add_rules(object, config, oci_gc_job_section(config, main_server, pool),
              pool);
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

    if (!ap_exists_config_define(OCI_STORES_DUMP)) {
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
                print_section(config, s, main_server, pool);
            }
        }
    }
}
