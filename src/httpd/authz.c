/* SPDX-License-Identifier: Apache-2.0 */

/* Authorization: the provider of "Require oci ACTIONS REPOSITORY...", and
 * checks of what else a caller may do. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "ap_expr.h"
#include "mod_auth.h"
#include "apr_strings.h"

#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/context.h"
#include "httpd/question.h"
#include "values/glob.h"
#include "values/name.h"
#include "values/scope.h"

APLOG_USE_MODULE(oci);

/* A Require line:
 *
 *   oci ACTION[,ACTION...] GLOB [GLOB...]
 *
 * A glob is split into literal pieces and expressions ("%{...}").  The value
 * of an expression is not a pattern: it matches only itself. */
typedef struct piece_t {
    const char *text;           /* a part of the glob; NULL: an expression */
    ap_expr_info_t *expression; /* or NULL */
    int is_path;                /* the expression's value may contain "/" */
} piece_t;

typedef struct require_t {
    unsigned actions;
    apr_array_header_t *globs; /* apr_array_header_t * of piece_t */
    int negated;               /* a match refuses the request */
    int decides;               /* a match refuses whatever other lines say */
} require_t;

/* Find the end of an expression that begins with "%{".
 * @return NULL if the braces are not balanced */
static const char *expression_end(const char *text)
{
    int depth = 0;

    for (; *text; text++) {
        if (*text == '{') {
            depth++;
        }
        else if (*text == '}' && !--depth) {
            return text + 1;
        }
    }
    return NULL;
}

/* A token's claim is asserted by its issuer and may be a path.  Any other
 * value may have been chosen by a user, so it must not extend beyond one path
 * component. */
static int is_claim_expression(const char *expression)
{
    if (!ap_cstr_casecmpn(expression, "%{tolower:", 10)) {
        expression += 10;
    }
    return !ap_cstr_casecmpn(expression, "%{env:OCI_CLAIM_", 16)
        || !ap_cstr_casecmpn(expression, "%{reqenv:OCI_CLAIM_", 19);
}

static const char *parse_glob(require_t *require, cmd_parms *cmd,
                              const char *text)
{
    apr_array_header_t *pieces = apr_array_make(cmd->pool, 1, sizeof(piece_t));

    APR_ARRAY_PUSH(require->globs, apr_array_header_t *) = pieces;
    while (*text) {
        piece_t *piece = apr_array_push(pieces);
        const char *start = strstr(text, "%{");
        const char *error;

        memset(piece, 0, sizeof(*piece));
        if (start != text) {
            piece->text = start ? apr_pstrmemdup(cmd->pool, text, start - text)
                                : text;
            text += strlen(piece->text);
            continue;
        }
        text = expression_end(start);
        if (!text) {
            return apr_psprintf(cmd->pool,
                                "the expression '%s' has no closing brace",
                                start);
        }
        start = apr_pstrmemdup(cmd->pool, start, text - start);
        piece->is_path = is_claim_expression(start);
        piece->expression = ap_expr_parse_cmd(cmd, start,
                                              AP_EXPR_FLAG_STRING_RESULT,
                                              &error, NULL);
        if (error) {
            return apr_psprintf(cmd->pool,
                                "cannot parse the expression '%s': %s", start,
                                error);
        }
    }
    return NULL;
}

/* Find out why a glob cannot match any repository.
 * @return A sentence, or NULL */
static const char *explain_useless_glob(const apr_array_header_t *pieces)
{
    int last = pieces->nelts - 1;
    const char *reason = NULL;
    int i;

    for (i = 0; i <= last && !reason; i++) {
        const char *text = APR_ARRAY_IDX(pieces, i, piece_t).text;

        if (text) {
            reason = oci_glob_explain_useless(text, i == 0, i == last);
        }
    }
    return reason;
}

/* Find out whether a match of this line refuses: "not" and each enclosing
 * <RequireNone> invert it. */
static void find_polarity(require_t *require, const ap_directive_t *line)
{
    int has_not = !ap_cstr_casecmpn(line->args, "not ", 4);

    require->negated = has_not;
    require->decides = has_not
        || !ap_cstr_casecmp(line->parent->directive, "<RequireNone");
    for (line = line->parent; line; line = line->parent) {
        require->negated ^= !ap_cstr_casecmp(line->directive, "<RequireNone");
    }
}

static const char *parse_line(cmd_parms *cmd, const char *line,
                              const void **parsed)
{
    require_t *require = apr_pcalloc(cmd->pool, sizeof(*require));
    const char *word = ap_getword_conf(cmd->pool, &line);
    const char *error;

    require->actions = oci_actions_parse(word);
    if (!require->actions) {
        return apr_psprintf(cmd->pool,
                            "Require oci: '%s' is not a valid list of actions: "
                            "expected pull, push, delete or *, separated by "
                            "commas, without spaces",
                            word);
    }
    /* an alias does not know the lines that use it, and whether they refuse */
    if (ap_cstr_casecmp(cmd->directive->directive, "Require")
        || !cmd->directive->parent) {
        return "oci cannot have an alias; write \"Require oci\" and the "
               "repositories where the alias is used";
    }
    if (!*line) {
        return "Require oci: a repository name, or a glob such as **, is "
               "missing after the actions";
    }
    find_polarity(require, cmd->directive);
    require->globs = apr_array_make(cmd->pool, 1, sizeof(apr_array_header_t *));
    while (*line) {
        word = ap_getword_conf(cmd->pool, &line);
        error = parse_glob(require, cmd, word);
        if (error) {
            return apr_pstrcat(cmd->pool, "Require oci: ", error, NULL);
        }
        error = explain_useless_glob(APR_ARRAY_IDX(require->globs,
                                                   require->globs->nelts - 1,
                                                   apr_array_header_t *));
        if (error) {
            return apr_psprintf(cmd->pool,
                                "Require oci: '%s' can never match: %s", word,
                                error);
        }
    }
    *parsed = require;
    return NULL;
}

/* How a line's globs match a name, in ascending order. */
typedef enum {
    MATCH_NO,
    MATCH_UNKNOWN, /* it would match with some value for an expression
                    * whose value is unknown or cannot be used */
    MATCH_YES
} match_e;

/* Turn an expression's value into a pattern.
 * @param match Lowered if the value is empty, unknown or cannot be used
 */
static const char *expand_expression(match_e *match, request_rec *r,
                                     const piece_t *piece)
{
    const char *error = NULL;
    const char *value = ap_expr_str_exec(r, piece->expression, &error);

    if (error) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "oci: cannot evaluate an expression in a Require oci "
                      "line: %s",
                      error);
    }
    else if (!*value && (r->user || !oci_authn_possible(r))) {
        *match = MATCH_NO;
        return "";
    }
    else if (*value
             && (!ap_strchr_c(value, '/')
                 || (piece->is_path && oci_name_valid(value)))) {
        return oci_glob_escape(value, r->pool);
    }
    *match = *match == MATCH_YES ? MATCH_UNKNOWN : *match;
    return piece->is_path ? "**" : "*";
}

/* Match one glob.
 * @param name The repository.  NULL for a request without one: then the glob
 *        matches if the values of its expressions can be used */
static match_e match_glob(request_rec *r, const apr_array_header_t *pieces,
                          const char *name)
{
    const char *pattern = "";
    match_e match = MATCH_YES;
    int i;

    for (i = 0; i < pieces->nelts; i++) {
        const piece_t *piece = &APR_ARRAY_IDX(pieces, i, piece_t);

        pattern = apr_pstrcat(r->pool, pattern,
                              piece->text ? piece->text
                                          : expand_expression(&match, r, piece),
                              NULL);
    }
    return !name || oci_glob_match(pattern, name, r->pool) ? match : MATCH_NO;
}

/* Return the best match among a line's globs. */
static match_e match_name(request_rec *r, const require_t *require,
                          const char *name)
{
    match_e best = MATCH_NO;
    int i;

    for (i = 0; i < require->globs->nelts && best != MATCH_YES; i++) {
        match_e match = match_glob(r,
                                   APR_ARRAY_IDX(require->globs, i,
                                                 const apr_array_header_t *),
                                   name);

        best = match > best ? match : best;
    }
    return best;
}

/* The answer of a line whose match allows.  An anonymous caller is asked to
 * log in before the request is refused. */
static authz_status answer_allowing_line(request_rec *r, match_e match)
{
    if (match == MATCH_YES) {
        return AUTHZ_GRANTED;
    }
    return !r->user && oci_authn_possible(r) ? AUTHZ_DENIED_NO_USER
                                             : AUTHZ_DENIED;
}

/* The answer of a line whose match refuses: httpd refuses the request if the
 * line is granted, and ignores its other answers.  So httpd does not ask for a
 * login if such a line cannot decide without one, or if several lines must
 * match to refuse.  The fixups hook in authn.c asks for it, at the end of
 * authorization. */
static authz_status answer_refusing_line(const require_t *require,
                                         request_rec *r, oci_context_t *context,
                                         match_e match)
{
    if (match == MATCH_NO) {
        return AUTHZ_DENIED;
    }
    if (r->user || !oci_authn_possible(r)) {
        return AUTHZ_GRANTED;
    }
    if (require->decides && match == MATCH_YES) {
        context->refused = 1;
        return AUTHZ_GRANTED;
    }
    context->wants_login = 1;
    return AUTHZ_DENIED;
}

/* Evaluate a line.  A line whose match refuses does not apply to requests
 * without a repository. */
static authz_status check_line(request_rec *r, const char *line,
                               const void *parsed)
{
    const require_t *require = parsed;
    oci_context_t *context = oci_context_get(r);
    const char *name = context ? context->route.name : NULL;
    int applies = context
        && (name ? (require->actions & context->action) == context->action
                 : !require->negated);
    match_e match = applies ? match_name(r, require, name) : MATCH_NO;

    (void)line;
    if (context) {
        context->require_checked = 1;
    }
    return require->negated ? answer_refusing_line(require, r, context, match)
                            : answer_allowing_line(r, match);
}

static const authz_provider provider = { check_line, parse_line };

/* Choose a request that stands for all requests with an action.
 * @param method Set to its method
 * @param name The repository, or NULL for the catalog
 * @return Its path */
static const char *request_for_action(const char **method, const char *name,
                                      unsigned action, apr_pool_t *pool)
{
    const char *suffix = "/manifests/latest";

    *method = "GET";
    if (!name) {
        return "/v2/_catalog";
    }
    if (action == OCI_PUSH) {
        *method = "POST";
        suffix = "/blobs/uploads/";
    }
    else if (action == OCI_DELETE) {
        *method = "DELETE";
    }
    return apr_pstrcat(pool, "/v2/", name, suffix, NULL);
}

int oci_authz_allows(request_rec *r, const char *name, unsigned action)
{
    const char *method, *path;
    apr_pool_t *pool;
    int allowed;

    apr_pool_create(&pool, r->pool);
    path = request_for_action(&method, name, action, pool);
    allowed = oci_question_passes(r, method, path, name);
    apr_pool_destroy(pool);
    return allowed;
}

int oci_authz_ask_tag(oci_tag_policy_t *policy, request_rec *r,
                      const char *method, const char *name, const char *tag)
{
    apr_pool_t *pool;
    const char *path;
    int status;

    apr_pool_create(&pool, r->pool);
    path = apr_pstrcat(pool, "/v2/", name, "/manifests/", tag, NULL);
    status = oci_question_ask(policy, r, method, path, name);
    apr_pool_destroy(pool);
    return status;
}

int oci_authz_allows_blob(request_rec *r, const char *name, const char *digest)
{
    return oci_question_passes(r, "GET",
                               apr_pstrcat(r->pool, "/v2/", name, "/blobs/",
                                           digest, NULL),
                               name);
}

/* The provider is called for each URI: a sub-request for another repository
 * needs its own decision even if the same configuration applies. */
void oci_authz_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "oci",
                              AUTHZ_PROVIDER_VERSION, &provider,
                              AP_AUTH_INTERNAL_PER_URI);
}
