/* SPDX-License-Identifier: Apache-2.0 */

/* The hooks by which httpd calls the registry: the start of the server, the
 * phases of a request, and the content handler. */

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_strings.h"

#include "api/dispatch.h"
#include "api/reply.h"
#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/config.h"
#include "httpd/error_documents.h"
#include "httpd/error_filter.h"
#include "httpd/guards.h"
#include "httpd/health.h"
#include "httpd/hooks.h"
#include "httpd/page.h"
#include "httpd/metrics.h"
#include "httpd/metrics_page.h"
#include "httpd/metrics_request.h"
#include "httpd/metrics_status.h"
#include "httpd/permissions.h"
#include "httpd/question.h"
#include "httpd/start.h"
#include "httpd/stores_dump.h"
#include "httpd/token.h"

APLOG_USE_MODULE(oci);

/* Keep httpd from looking for a file with the URL's name, and, in the next
 * hook, from guessing a media type from it. */
static int map_to_storage(request_rec *r)
{
    return oci_is_ours_or_page_by_location(r) ? OK : DECLINED;
}

static int type_checker(request_rec *r)
{
    return oci_context_get(r) || oci_is_page(r) ? OK : DECLINED;
}

/* httpd may refuse a request before its URL is known, or before the
 * configuration of its location is in force. */
static int create_request(request_rec *r)
{
    if (!r->main && !r->prev && oci_config_has_store(r->server)
        && oci_error_documents_exist(r->server->lookup_defaults)) {
        oci_error_documents_mask(r);
    }
    return OK;
}

static int post_read_request(request_rec *r)
{
    if (oci_error_documents_exist(r->per_dir_config)
        && !oci_is_ours_by_location(r)) {
        oci_error_documents_unmask(r);
    }
    return DECLINED;
}

/* Whether a request would be for a registry if its path ended with a slash. */
static int lacks_slash(request_rec *r)
{
    char *uri = r->uri;
    int lacks = 0;

    if (!strcmp(uri, "/v2")) {
        r->uri = apr_pstrdup(r->pool, "/v2/");
        lacks = oci_is_ours_by_location(r);
        r->uri = uri;
    }
    return lacks;
}

/* A registry's URL is not mapped to a file, so a long URL cannot fail as a long
 * file name would. */
static int translate_name(request_rec *r)
{
    if (!oci_is_ours(r) && lacks_slash(r)) {
        apr_table_setn(r->headers_out, "Location", "/v2/");
        return HTTP_MOVED_PERMANENTLY;
    }
    if (!oci_is_ours(r)) {
        return DECLINED;
    }
    r->filename = r->uri;
    return OK;
}

/* Refuse all requests that need what a reload could not start. */
static int refuse_unstarted(request_rec *r)
{
    const char *problem = oci_config_problem(oci_config_of(r));

    if (!problem) {
        return OK;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "oci: not started: %s",
                  problem);
    return HTTP_SERVICE_UNAVAILABLE;
}

/* The configuration is final now: parse the URL, for authorization, logs and
 * the handler, and read the credentials. */
static int post_perdir_config(request_rec *r)
{
    oci_context_t *context = oci_context_create(r);
    int status;

    if (!context) {
        return DECLINED;
    }
    apr_table_setn(r->err_headers_out, "Docker-Distribution-API-Version",
                   "registry/2.0");
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
    if (oci_error_documents_exist(r->per_dir_config)) {
        oci_error_documents_mask(r);
    }
    status = refuse_unstarted(r);
    return status == OK ? oci_authn_begin(r, context) : status;
}

/* httpd's default LimitRequestBody is smaller than many layers.  Only a limit
 * that the configuration sets applies here. */
static void lift_default_body_limit(request_rec *r)
{
    core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    ap_conf_vector_t *copy;

    if (core->limit_req_body >= 0) {
        return;
    }
    copy = ap_merge_per_dir_configs(r->pool, r->per_dir_config,
                                    ap_create_per_dir_config(r->pool));
    core = apr_pmemdup(r->pool, core, sizeof(*core));
    core->limit_req_body = 0;
    ap_set_core_module_config(copy, core);
    r->per_dir_config = copy;
}

static int registry_handler(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);
    const oci_config_t *config;
    oci_request_t request;
    int status;

    if (!r->handler || strcmp(r->handler, OCI_HANDLER) || !context) {
        return DECLINED;
    }
    config = oci_config_of(r);
    memset(&request, 0, sizeof(request));
    request.r = r;
    request.route = context->route;
    request.guarded = context->require_checked || oci_config_uses_tokens(config)
        || oci_guards_cover_path(r->uri);
    request.lists_all = !oci_guards_exist();
    oci_config_apply(&request, config);
    oci_event_log_attach(&request.registry, config->event_log, r, r->server,
                         r->pool);
    oci_permissions_set(&request);
    request.dates_pulls = oci_config_dates_pulls(config, r);
    request.repository.registry = &request.registry;
    request.repository.name = request.route.name;
    if (!request.registry.blobs || !request.registry.index) {
        oci_reply_error(r,
                        oci_error_make(r->pool, OCI_E_UNAVAILABLE, NULL, NULL,
                                       "this registry has no configured "
                                       "storage"));
        return OK;
    }
    oci_authn_offer(r, context);
    if (r->method_number != M_GET) {
        lift_default_body_limit(r);
    }
    oci_metrics_in_flight(oci_metrics_label(context), 1);
    status = oci_dispatch(&request);
    oci_metrics_in_flight(oci_metrics_label(context), -1);
    context->received = request.received;
    oci_metrics_add(OCI_METRIC_UPLOADS_ABANDONED, request.ended);
    return status;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "oci: this is mod_oci/" OCI_VERSION);
    }
    ap_add_version_component(pconf, "mod_oci/" OCI_VERSION);
    /* OpenSSL looks up its algorithms at their first use; doing this here once
     * saves doing it in every child. */
    HMAC(EVP_sha256(), "", 0, (const unsigned char *)"", 0, NULL, NULL);
    return oci_start(pconf, s);
}

static int open_logs(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                     server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return oci_event_logs_open(pconf, s);
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return oci_start_test(pconf, s);
}

void oci_hooks_register(apr_pool_t *pool)
{
    oci_error_filter_register();
    oci_authn_register();
    oci_authz_register(pool);
    oci_question_register();
    oci_metrics_status_register();
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(oci_stores_dump, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_open_logs(open_logs, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_create_request(create_request, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_read_request(post_read_request, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_LAST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_perdir_config(post_perdir_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_type_checker(type_checker, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_child_init(oci_health_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(oci_health_handler, NULL, NULL, APR_HOOK_MIDDLE);
    /* before mod_watchdog's, whose thread may use a connection at once */
    ap_hook_child_init(oci_metrics_child_init, NULL, NULL,
                       APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(oci_metrics_request_end, NULL, NULL,
                            APR_HOOK_MIDDLE);
    ap_hook_handler(registry_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(oci_metrics_page_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(oci_token_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(oci_page_handler, NULL, NULL, APR_HOOK_MIDDLE);
}
