/* SPDX-License-Identifier: Apache-2.0 */

/* Questions: asking httpd whether a caller may make another request.
 *
 * A question is a request that stops before the handler.  httpd must decide it
 * exactly like the real request.  So it has the headers, the user and the
 * claims of the request that asks (the asker), but its own request line and
 * environment.  httpd creates it as a sub-request; it is then detached from its
 * main request, because mod_rewrite ([NS], IS_SUBREQ) and other modules treat
 * sub-requests differently.  It is completed in these hooks:
 *
 *   create_request      sets the asker's headers as received, and an empty
 *                       environment with the token's claims
 *   translate_name      runs the hooks that set variables when a request has
 *                       been read, such as the server's SetEnvIf
 *   force_authn         requires authentication if the asker has a user
 *                       (authn.c)
 *   check_user_id       sets the asker's user, and the variables that
 *                       authentication set (authn.c)
 *   fixups              refuses if a line needed a login and there is no user
 *                       (authn.c)
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/guards.h"
#include "httpd/question.h"

APLOG_USE_MODULE(oci);

#define CLAIM "OCI_CLAIM_"

/* The pool key under which a question keeps its asker. */
#define ASKER "mod_oci asker"

/* httpd logs a refusal as an error.  A refused question is not an error: for
 * the catalog, there would be one log line for each name. */
static void silence(request_rec *r)
{
    static const char *const names[] = { "core.c", "mod_authz_core.c" };
    struct ap_logconf *quiet = ap_new_log_config(r->pool,
                                                 r->log ? r->log
                                                        : &r->server->log);
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const module *each = ap_find_linked_module(names[i]);

        if (each
            && !APLOG_R_MODULE_IS_LEVEL(r, each->module_index, APLOG_DEBUG)) {
            ap_set_module_loglevel(r->pool, quiet, each->module_index,
                                   APLOG_CRIT);
        }
    }
    r->log = quiet;
}

request_rec *oci_question_asker(const request_rec *r)
{
    void *asker;

    apr_pool_userdata_get(&asker, ASKER, r->pool);
    return asker;
}

/* Drop the headers about the asker's body and response.  Content-Type stays:
 * the push of a further tag has the same one, and a policy may depend on it. */
static void drop_headers(apr_table_t *headers)
{
    static const char *const names[] = {
        "Content-Length",    "Content-Range",
        "Transfer-Encoding", "Expect",
        "If-Match",          "If-None-Match",
        "If-Modified-Since", "If-Unmodified-Since",
        "If-Range",          "Range",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        apr_table_unset(headers, names[i]);
    }
}

static int copy_claim(void *env, const char *name, const char *value)
{
    if (!strncmp(name, CLAIM, strlen(CLAIM))) {
        apr_table_set(env, name, value);
    }
    return 1;
}

/* httpd has copied the asker's environment, much of which is about the asker's
 * URL, and set the protocol to INCLUDED. */
static int create_question(request_rec *r)
{
    request_rec *asker = r->main;
    const oci_context_t *context = asker ? oci_context_get(asker) : NULL;

    if (!context || !context->asking) {
        return OK;
    }
    apr_pool_userdata_setn(asker, ASKER, NULL, r->pool);
    r->main = NULL;
    r->protocol = asker->protocol;
    r->headers_in = apr_table_copy(r->pool,
                                   context->headers ? context->headers
                                                    : asker->headers_in);
    drop_headers(r->headers_in);
    r->subprocess_env = apr_table_make(r->pool, 8);
    apr_table_do(copy_claim, r->subprocess_env, asker->subprocess_env, NULL);
    return OK;
}

/* Run the post_read_request hooks, which httpd does not run for sub-requests.
 * Of httpd's own modules, only mod_setenvif sets variables there; the others
 * work on the connection, so they are skipped. */
static int run_post_read_hooks(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_post_read_request();
    int i;

    for (i = 0; hooks && i < hooks->nelts; i++) {
        const ap_LINK_post_read_request_t
            *hook = &APR_ARRAY_IDX(hooks, i, ap_LINK_post_read_request_t);
        int status;

        if (oci_guards_know_module(hook->szName)
            && strcmp(hook->szName, "mod_setenvif.c")) {
            continue;
        }
        status = hook->pFunc(r);
        if (status != OK && status != DECLINED) {
            return status;
        }
    }
    return DECLINED;
}

static int complete_question(request_rec *r)
{
    if (!oci_question_asker(r)) {
        return DECLINED;
    }
    r->the_request = apr_psprintf(r->pool, "%s %s %s", r->method,
                                  r->unparsed_uri, r->protocol);
    return run_post_read_hooks(r);
}

static int silence_question(request_rec *r)
{
    if (oci_question_asker(r)) {
        silence(r);
    }
    return DECLINED;
}

/* Make a question. */
static request_rec *ask(request_rec *r, const char *method, const char *path)
{
    oci_context_t *context = oci_context_get(r);
    request_rec *rr;

    context->asking = 1;
    rr = ap_sub_req_method_uri(method, path, r, NULL);
    context->asking = 0;
    return rr;
}

/* Whether the request that a question stands for would be allowed. */
static int passes(const request_rec *rr, const char *name)
{
    const oci_context_t *asked = oci_context_get(rr);

    return rr->status == HTTP_OK && asked && !asked->is_token
        && (!name
            || (asked->route.name && !strcmp(asked->route.name, name)
                && oci_config_allows_name(oci_config_of(rr), name)));
}

int oci_question_passes(request_rec *r, const char *method, const char *path,
                        const char *name)
{
    request_rec *rr = ask(r, method, path);
    int allowed = passes(rr, name);

    ap_destroy_sub_req(rr);
    return allowed;
}

/* The status of a refusal, see oci_authn_correct_error. */
static int status_of(const request_rec *rr)
{
    const oci_context_t *asked = oci_context_get(rr);

    if (rr->status == HTTP_OK) {
        return HTTP_FORBIDDEN;
    }
    return rr->status == HTTP_FORBIDDEN && asked && asked->refused
        ? HTTP_UNAUTHORIZED
        : rr->status;
}

int oci_question_ask(oci_tag_policy_t *policy, request_rec *r,
                     const char *method, const char *path, const char *name)
{
    request_rec *rr = ask(r, method, path);
    int status = HTTP_OK;

    if (passes(rr, name)) {
        oci_config_tag_policy(policy, oci_config_of(rr), name,
                              oci_context_get(rr)->route.reference, rr->pool);
    }
    else {
        status = status_of(rr);
    }
    ap_destroy_sub_req(rr);
    return status;
}

void oci_question_register(void)
{
    ap_hook_create_request(create_question, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_translate_name(complete_question, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_post_perdir_config(silence_question, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);
}
