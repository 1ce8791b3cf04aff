/* SPDX-License-Identifier: Apache-2.0 */

/* Token scopes and their actions. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/json.h"
#include "values/scope.h"

/* What a parameter comes to: type, name and actions, of each scope. */
static const struct {
    const char *text;
    const char *scopes;
} cases[] = {
    { "repository:a:pull", "repository|a|pull;" },
    { "repository:a/b:pull,push", "repository|a/b|pull,push;" },
    { "repository:a:push,pull", "repository|a|pull,push;" },
    { "repository:a:*", "repository|a|pull,push,delete;" },
    { "repository:a:pull,other,delete", "repository|a|pull,delete;" },
    { "repository:a:pull repository:b:push",
      "repository|a|pull;repository|b|push;" },
    { "repository:a:pull repository:a:push", "repository|a|pull,push;" },
    { "  repository:a:pull  ", "repository|a|pull;" },
    { "registry:catalog:*", "registry|catalog|pull,push,delete;" },
    { "repository(plugin):a:pull", "repository|a|pull;" },
    { "repository(plugin):a:pull repository:a:push",
      "repository|a|pull,push;" },
    { "repository):a:pull", "repository)|a|pull;" },
    { "():a:pull", "|a|pull;" },
    { "repository:host:5000/a:pull", "repository|host:5000/a|pull;" },
    { "repository:a:", "repository|a|;" },
    { "repository:a:PULL,pul,pulll", "repository|a|;" },
    { "repository::pull", "repository||pull;" },
    { ":a:pull", "|a|pull;" },
    { "repository:a", "" },
    { "openid", "" },
    { ":", "" },
    { "", "" },
};

static const struct {
    const char *access;
    const char *scopes;
} claims[] = {
    { "[]", "" },
    { "[{\"type\":\"repository\",\"name\":\"a\",\"actions\":[\"pull\"]}]",
      "repository|a|pull;" },
    { "[{\"type\":\"repository\",\"name\":\"a\",\"actions\":[\"*\"]}]",
      "repository|a|pull,push,delete;" },
    { "[{\"type\":\"repository\",\"name\":\"a\",\"actions\":\"pull\"}]",
      "repository|a|;" },
    { "[{\"type\":\"repository\",\"name\":\"a\",\"actions\":[1,\"push\"]}]",
      "repository|a|push;" },
    { "[{\"type\":\"repository\",\"name\":\"a\"}]", "repository|a|;" },
    { "[{\"type\":\"repository\",\"actions\":[\"pull\"]}]", "" },
    { "[{\"name\":\"a\",\"actions\":[\"pull\"]}, 7, null]", "" },
    { "{\"type\":\"repository\"}", "" },
    { "\"repository:a:pull\"", "" },
};

/* Lists of actions. */
static const struct {
    const char *words;
    unsigned actions;
} lists[] = {
    { "pull", OCI_PULL },
    { "pull,push", OCI_PULL | OCI_PUSH },
    { "delete,*", OCI_ALL },
    { "", 0 },
    { ",", 0 },
    { "pull,", 0 },
    { ",pull", 0 },
    { "pull,,push", 0 },
    { "pull, push", 0 },
    { "pull,read", 0 },
};

static const char *text_of(const apr_array_header_t *scopes, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < scopes->nelts; i++) {
        const oci_scope_t *scope = &APR_ARRAY_IDX(scopes, i, oci_scope_t);

        text = apr_pstrcat(pool, text, scope->type, "|", scope->name, "|",
                           oci_actions_text(scope->actions, pool), ";", NULL);
    }
    return text;
}

static apr_array_header_t *parse(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *scopes = apr_array_make(pool, 2, sizeof(oci_scope_t));

    oci_scopes_parse(scopes, text);
    return scopes;
}

static void test_claims(tap_t *tap, apr_pool_t *pool)
{
    json_t *access;
    size_t i;

    for (i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        access = json_loads(claims[i].access, JSON_DECODE_ANY, NULL);
        tap_is(tap, text_of(oci_scopes_of_access(access, pool), pool),
               claims[i].scopes, claims[i].access);
        json_decref(access);
    }
    access = oci_scopes_to_access(parse("repository:a:pull,push "
                                        "repository:b:none registry:catalog:*",
                                        pool));
    tap_is(tap, oci_json_text(access, pool),
           "[{\"type\":\"repository\",\"name\":\"a\",\"actions\":[\"pull\","
           "\"push\"]},{\"type\":\"registry\",\"name\":\"catalog\","
           "\"actions\":[\"pull\",\"push\",\"delete\",\"*\"]}]",
           "a claim has the granted scopes");
    tap_is(tap, text_of(oci_scopes_of_access(access, pool), pool),
           "repository|a|pull,push;registry|catalog|pull,push,delete;",
           "the claim is read back");
    json_decref(access);
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_array_header_t *scopes;
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        tap_ok(&tap, oci_actions_parse(lists[i].words) == lists[i].actions,
               apr_psprintf(pool, "the actions \"%s\"", lists[i].words));
    }
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tap_is(&tap, text_of(parse(cases[i].text, pool), pool), cases[i].scopes,
               cases[i].text);
    }
    test_claims(&tap, pool);

    scopes = parse("repository:a:pull,push registry:b:pull", pool);
    tap_ok(&tap, oci_scopes_allow(scopes, "repository", "a", OCI_PULL),
           "an allowed action");
    tap_ok(&tap,
           oci_scopes_allow(scopes, "repository", "a", OCI_PULL | OCI_PUSH),
           "both allowed actions");
    tap_ok(&tap, !oci_scopes_allow(scopes, "repository", "a", OCI_DELETE),
           "another action");
    tap_ok(&tap, !oci_scopes_allow(scopes, "repository", "a", OCI_ALL),
           "all actions, of which one is not allowed");
    tap_ok(&tap, !oci_scopes_allow(scopes, "repository", "b", OCI_PULL),
           "another type");
    tap_ok(&tap, !oci_scopes_allow(scopes, "repository", "a/b", OCI_PULL),
           "another name");
    tap_ok(&tap, !oci_scopes_allow(scopes, "repository", "A", OCI_PULL),
           "names are case-sensitive");
    return tap_done(&tap);
}
