/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration of sections: it is created, merged and inherited. */

#include "httpd.h"
#include "http_config.h"
#include "apr_strings.h"

#include "httpd/config.h"

void *oci_config_create_server(apr_pool_t *pool, server_rec *s)
{
    oci_server_config_t *server = apr_palloc(pool, sizeof(*server));

    (void)s;
    server->sections = apr_array_make(pool, 1, sizeof(oci_config_t *));
    server->keys = apr_array_make(pool, 1, sizeof(oci_token_key_t *));
    server->tokens = apr_array_make(pool, 1, sizeof(oci_config_t *));
    server->event_logs = apr_array_make(pool, 1, sizeof(oci_event_log_t *));
    server->guarded = 0;
    server->splits_tags = 0;
    server->guarded_paths = NULL;
    server->health = NULL;
    server->metrics = NULL;
    server->metrics_process = NULL;
    server->bodies = 0;
    return server;
}

void *oci_config_create_dir(apr_pool_t *pool, char *path)
{
    oci_config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)path;
    config->max_manifest = -1;
    config->max_chunk = -1;
    config->min_chunk = -1;
    config->blob_delete = -1;
    config->manifest_delete = -1;
    config->tag_delete = -1;
    config->read_only = -1;
    config->redirect = -1;
    config->sparse = -1;
    config->sync = -1;
    config->token = -1;
    config->token_lifetime = -1;
    config->gc_interval = -1;
    config->gc_grace = -1;
    config->upload_expiry = -1;
    config->pull_time = -1;
    return config;
}

/* In these three, a value that is not set is taken from base. */
static const char *merge_text(const char *over, const char *base)
{
    return over ? over : base;
}

static int merge_number(int over, int base)
{
    return over >= 0 ? over : base;
}

static apr_off_t merge_size(apr_off_t over, apr_off_t base)
{
    return over >= 0 ? over : base;
}

/* The rules of both; either may be NULL. */
static apr_array_header_t *join_rules(apr_array_header_t *over,
                                      apr_array_header_t *base,
                                      apr_pool_t *pool)
{
    if (over && base) {
        return apr_array_append(pool, over, base);
    }
    return over ? over : base;
}

/* Merge the directives of tokens. */
static void merge_tokens(oci_config_t *config, const oci_config_t *base,
                         const oci_config_t *over)
{
    if (over->token_line) {
        config->token = over->token;
        config->token_line = over->token_line;
    }
    config->token_realm = merge_text(over->token_realm, base->token_realm);
    config->token_service = merge_text(over->token_service,
                                       base->token_service);
    config->token_issuer = merge_text(over->token_issuer, base->token_issuer);
    if (over->token_key) {
        config->token_key = over->token_key;
    }
    config->token_lifetime = merge_number(over->token_lifetime,
                                          base->token_lifetime);
}

void *oci_config_merge_dir(apr_pool_t *pool, void *base_, void *over_)
{
    const oci_config_t *base = base_;
    const oci_config_t *over = over_;
    oci_config_t *config = apr_pmemdup(pool, base, sizeof(*base));

    if (over->blobs) {
        config->boot = over->boot;
        config->blobs = over->blobs;
        config->measured_blobs = over->measured_blobs;
        config->blobs_line = over->blobs_line;
        config->default_index = over->default_index;
        config->default_measured = over->default_measured;
        config->default_pairing = over->default_pairing;
    }
    if (over->index) {
        config->index = over->index;
        config->measured_index = over->measured_index;
        config->index_line = over->index_line;
        config->pairing = over->pairing;
    }
    if (over->pattern) {
        config->pattern = over->pattern;
    }
    config->max_manifest = merge_size(over->max_manifest, base->max_manifest);
    config->max_chunk = merge_size(over->max_chunk, base->max_chunk);
    config->min_chunk = merge_size(over->min_chunk, base->min_chunk);
    config->blob_delete = merge_number(over->blob_delete, base->blob_delete);
    config->manifest_delete = merge_number(over->manifest_delete,
                                           base->manifest_delete);
    config->tag_delete = merge_number(over->tag_delete, base->tag_delete);
    config->read_only = merge_number(over->read_only, base->read_only);
    config->redirect = merge_number(over->redirect, base->redirect);
    config->sparse = merge_number(over->sparse, base->sparse);
    config->sync = merge_number(over->sync, base->sync);
    merge_tokens(config, base, over);
    if (over->event_log) {
        config->event_log = over->event_log;
    }
    config->gc_interval = merge_number(over->gc_interval, base->gc_interval);
    config->gc_grace = merge_number(over->gc_grace, base->gc_grace);
    config->upload_expiry = merge_number(over->upload_expiry,
                                         base->upload_expiry);
    if (over->gc_policy) {
        config->gc_policy = oci_gc_policy_join(over->gc_policy, base->gc_policy,
                                               pool);
    }
    config->immutable = join_rules(over->immutable, base->immutable, pool);
    if (over->pull_time >= 0) {
        config->pull_time = over->pull_time;
        config->pull_counts = over->pull_counts;
    }
    return config;
}

const oci_config_t *oci_config_inherit(const oci_config_t *section,
                                       const server_rec *s, apr_pool_t *pool)
{
    return oci_config_merge_dir(pool,
                                ap_get_module_config(s->lookup_defaults,
                                                     &oci_module),
                                (void *)section);
}
