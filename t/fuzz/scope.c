/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the parsers of scopes.  Input: scopes as clients write them; or, if it
 * begins with a bracket, an "access" claim. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/glob.h"
#include "values/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Check that the claim made from scopes has the same scopes. */
static void check(const apr_array_header_t *scopes, apr_pool_t *pool)
{
    json_t *access = oci_scopes_to_access(scopes);
    apr_array_header_t *again = oci_scopes_of_access(access, pool);
    int i;

    for (i = 0; i < scopes->nelts; i++) {
        const oci_scope_t *scope = &APR_ARRAY_IDX(scopes, i, oci_scope_t);
        const char *pattern = oci_glob_escape(scope->name, pool);

        assert((scope->actions & OCI_ALL) == scope->actions);
        assert(oci_glob_match(pattern, scope->name, pool));
        assert(oci_glob_match("**", scope->name, pool));

        /* JSON text must be UTF-8 */
        assert(!scope->actions || !json_array_size(access)
               || again->nelts <= scopes->nelts);
    }
    json_decref(access);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *scopes;
    apr_pool_t *pool;
    json_t *access;
    char *text;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    scopes = apr_array_make(pool, 2, sizeof(oci_scope_t));
    oci_scopes_parse(scopes, text);
    check(scopes, pool);
    access = json_loads(text, JSON_DECODE_ANY, NULL);
    check(oci_scopes_of_access(access, pool), pool);
    json_decref(access);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
