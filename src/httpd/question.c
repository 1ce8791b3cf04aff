/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* A question is a sub-request that stops before the handler.  It is to be
 * decided as the request that it stands for would be: so it has the caller's
 * headers, user and claims, but its own request line and environment.
 *
 *   create_request      an empty environment, and what the token claims
 *   translate_name      SetEnvIf and the like of the server
 *   post_perdir_config  those of the Location
 *   force_authn         on, where the main request has a user: authn.c
 *   check_user_id       the main request's user, and what authentication set
 *                       in its environment
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
#include "httpd/question.h"

APLOG_USE_MODULE(oci);

#define CLAIM "OCI_CLAIM_"

/* httpd logs a refusal as an error.  A refused question is none: each line of
 * the catalog would be logged. */
static void silence(request_rec *r)
{
    static const char *const names[] = { "core.c", "mod_authz_core.c" };
    struct ap_logconf *quiet = ap_new_log_config(r->pool, r->log ? r->log
                                                 : &r->server->log);
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const module *each = ap_find_linked_module(names[i]);

        if (each && !APLOG_R_MODULE_IS_LEVEL(r, each->module_index,
                                             APLOG_DEBUG)) {
            ap_set_module_loglevel(r->pool, quiet, each->module_index,
                                   APLOG_CRIT);
        }
    }
    r->log = quiet;
}

/* What a request for a body would have, and what makes an answer depend on a
 * representation. */
static void drop_headers(apr_table_t *headers)
{
    static const char *const names[] = {
        "Content-Encoding", "Content-Language", "Content-Length",
        "Content-Range", "Content-Type", "Transfer-Encoding", "Expect",
        "If-Match", "If-None-Match", "If-Modified-Since",
        "If-Unmodified-Since", "If-Range", "Range"
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

/* httpd has just copied the main request's environment, much of which is about
 * the main request's URL. */
static int create_request(request_rec *r)
{
    if (oci_context_asking(r)) {
        r->headers_in = apr_table_copy(r->pool, r->main->headers_in);
        drop_headers(r->headers_in);
        r->subprocess_env = apr_table_make(r->pool, 8);
        apr_table_do(copy_claim, r->subprocess_env,
                     r->main->subprocess_env, NULL);
    }
    return OK;
}

/* httpd parses the headers of main requests alone.  mod_setenvif applies the
 * server's lines when it is called first for a request, and those of the
 * Location when it is called again. */
static int translate_name(request_rec *r)
{
    if (!oci_context_asking(r)) {
        return DECLINED;
    }
    r->the_request = apr_psprintf(r->pool, "%s %s %s", r->method,
                                  r->unparsed_uri, r->protocol);
    return ap_run_header_parser(r) == OK ? DECLINED : HTTP_FORBIDDEN;
}

static int post_perdir_config(request_rec *r)
{
    if (!oci_context_asking(r)) {
        return DECLINED;
    }
    silence(r);
    return ap_run_header_parser(r) == OK ? OK : HTTP_FORBIDDEN;
}

int oci_question_passes(request_rec *r, const char *method,
                        const char *path, const char *name)
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
              && (!name || (asked->route.name
                            && !strcmp(asked->route.name, name)
                            && oci_config_allows_name(oci_config_of(rr),
                                                      name)));
    ap_destroy_sub_req(rr);
    return allowed;
}

void oci_question_register(void)
{
    ap_hook_create_request(create_request, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(translate_name, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_post_perdir_config(post_perdir_config, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);
}
