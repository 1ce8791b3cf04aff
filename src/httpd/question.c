/* SPDX-License-Identifier: Apache-2.0 */

/* A question is a request that stops before the handler.  It is decided as the
 * request that it stands for would be: so it has the caller's headers, user and
 * claims, but a request line and an environment of its own.  httpd makes it as
 * a sub-request; it is then cut off from its main request, since mod_rewrite
 * ([NS], IS_SUBREQ) and others treat sub-requests differently.
 *
 *   create_request      the caller's headers as they came, an empty
 *                       environment, and what the token claims
 *   translate_name      what is set in the environment as soon as a request is
 *                       read, such as by the server's SetEnvIf
 *   force_authn         on, where the asker has a user: authn.c
 *   check_user_id       the asker's user, and what authentication set in its
 *                       environment
 *   fixups              a login that a line wanted, and that is missing
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

/* Where a question keeps the request that asks it. */
#define ASKER "mod_oci asker"

/* httpd logs a refusal as an error.  A refused question is none: each line of
 * the catalog would be logged. */
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

/* What belongs to the body and the answer of the request at hand.
 * Content-Type stays: a push under the tag that a question is about has it
 * too, and a policy may depend on it. */
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

/* httpd has just copied the asker's environment, much of which is about the
 * asker's URL, and called the protocol INCLUDED. */
static int create_request(request_rec *r)
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

/* Let other modules see the question as they see a request that was read.  Of
 * httpd's own, mod_setenvif alone sets variables then; the others work on the
 * connection. */
static int read_question(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_post_read_request();
    int i;

    for (i = 0; hooks && i < hooks->nelts; i++) {
        const ap_LINK_post_read_request_t
            *hook = &APR_ARRAY_IDX(hooks, i, ap_LINK_post_read_request_t);
        int status;

        if (oci_guards_know(hook->szName)
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

static int translate_name(request_rec *r)
{
    if (!oci_question_asker(r)) {
        return DECLINED;
    }
    r->the_request = apr_psprintf(r->pool, "%s %s %s", r->method,
                                  r->unparsed_uri, r->protocol);
    return read_question(r);
}

static int post_perdir_config(request_rec *r)
{
    if (oci_question_asker(r)) {
        silence(r);
    }
    return DECLINED;
}

int oci_question_passes(request_rec *r, const char *method, const char *path,
                        const char *name)
{
    oci_context_t *context = oci_context_get(r);
    const oci_context_t *asked;
    request_rec *rr;
    int allowed;

    context->asking = 1;
    rr = ap_sub_req_method_uri(method, path, r, NULL);
    context->asking = 0;
    asked = oci_context_get(rr);
    allowed = rr->status == HTTP_OK && asked && !asked->is_token
        && (!name
            || (asked->route.name && !strcmp(asked->route.name, name)
                && oci_config_allows_name(oci_config_of(rr), name)));
    ap_destroy_sub_req(rr);
    return allowed;
}

void oci_question_register(void)
{
    ap_hook_create_request(create_request, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_perdir_config(post_perdir_config, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);
}
