/* SPDX-License-Identifier: Apache-2.0 */

/* What the rest of the module asks the configuration; the values that
 * directives have when they are not set. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_main.h"

#include "httpd/config.h"
#include "values/immutable.h"

static int number_or(int number, int otherwise)
{
    return number >= 0 ? number : otherwise;
}

static apr_off_t size_or(apr_off_t size, apr_off_t otherwise)
{
    return size >= 0 ? size : otherwise;
}

const oci_config_t *oci_config_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &oci_module);
}

oci_server_config_t *oci_config_of_server(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &oci_module);
}

oci_index_t *oci_config_index(const oci_config_t *config)
{
    return config->index ? config->index : config->default_index;
}

int oci_config_allows_name(const oci_config_t *config, const char *name)
{
    return !config->pattern || !ap_regexec(config->pattern, name, 0, NULL, 0);
}

void oci_config_tag_policy(oci_tag_policy_t *policy, const oci_config_t *config,
                           const char *name, const char *tag, apr_pool_t *pool)
{
    policy->read_only = config->read_only == 1;
    policy->tag_delete = config->tag_delete != 0;
    policy->manifest_delete = config->manifest_delete != 0;
    policy->immutable = tag
        && oci_immutable_covers(config->immutable, name, tag, pool);
}

int oci_config_uses_tokens(const oci_config_t *config)
{
    return config->token == 1;
}

const char *oci_config_problem(const oci_config_t *config)
{
    const char *problem = config->blobs_line ? config->blobs_line->problem
                                             : NULL;

    if (!problem && config->index_line) {
        problem = config->index_line->problem;
    }
    if (!problem && config->token_key && oci_config_uses_tokens(config)) {
        problem = config->token_key->line.problem;
    }
    return problem;
}

const oci_key_set_t *oci_config_keys(const oci_config_t *config)
{
    return config->token_key ? config->token_key->keys : NULL;
}

int oci_config_token_lifetime(const oci_config_t *config)
{
    return number_or(config->token_lifetime, 300);
}

int oci_config_has_store(const server_rec *s)
{
    /* a virtual host inherits the main server's Locations */
    return oci_config_of_server(s)->sections->nelts > 0
        || oci_config_of_server(ap_server_conf)->sections->nelts > 0;
}

apr_uint32_t *oci_config_bodies(void)
{
    return &oci_config_of_server(ap_server_conf)->bodies;
}

int oci_config_gc_interval(const oci_config_t *config)
{
    return number_or(config->gc_interval, 3600);
}

int oci_config_gc_grace(const oci_config_t *config)
{
    return number_or(config->gc_grace, 86400);
}

int oci_config_upload_expiry(const oci_config_t *config)
{
    return number_or(config->upload_expiry, 86400);
}

int oci_config_dates_pulls(const oci_config_t *config, request_rec *r)
{
    const char *error = NULL;

    return config->pull_time == 1 && config->read_only != 1
        && (!config->pull_counts
            || ap_expr_exec(r, config->pull_counts, &error) > 0);
}

void oci_config_set_registry(oci_registry_t *registry,
                             const oci_config_t *config)
{
    registry->blobs = config->blobs;
    registry->index = oci_config_index(config);
    if (oci_config_of_server(ap_server_conf)->metrics) {
        registry->blobs = config->measured_blobs;
        registry->index = config->index ? config->measured_index
                                        : config->default_measured;
    }
    registry->pairing = config->index ? config->pairing
                                      : config->default_pairing;
    registry->sparse = number_or(config->sparse, OCI_SPARSE_NONE);
    registry->durable = number_or(config->sync, 1);
    registry->boot = config->boot;
    registry->listener = NULL;
}

void oci_config_apply(oci_request_t *request, const oci_config_t *config)
{
    oci_policy_t *policy = &request->policy;

    request->bodies = oci_config_bodies();
    oci_config_set_registry(&request->registry, config);
    policy->pattern = config->pattern;
    policy->max_manifest = size_or(config->max_manifest, 4194304);
    policy->max_chunk = size_or(config->max_chunk, 0);
    policy->min_chunk = size_or(config->min_chunk, 0);
    policy->blob_delete = number_or(config->blob_delete, 1);
    policy->manifest_delete = number_or(config->manifest_delete, 1);
    policy->tag_delete = number_or(config->tag_delete, 1);
    policy->read_only = number_or(config->read_only, 0);
    policy->redirect = number_or(config->redirect, 1);
    policy->immutable = config->immutable;
}
