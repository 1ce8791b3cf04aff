/* SPDX-License-Identifier: Apache-2.0 */

/* Which tags OCIImmutable covers. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/immutable.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *glob;
    const char *condition;
    const char *name;
    const char *tag;
    int covered;
} cases[] = {
    { "**", NULL, "a/b", "v1", 1 },
    { "a/*", NULL, "a/b", "v1", 1 },
    { "a/*", NULL, "a/b/c", "v1", 0 },
    { "a/*", "tags=v[0-9]+", "a/b", "v1", 1 },
    { "a/*", "tags=v[0-9]+", "a/b", "v1x", 0 },
    { "a/*", "tags=v[0-9]+", "a/b", "xv1", 0 },
    { "a/*", "tags=a|b", "a/b", "ab", 0 },
    { "a/*", "tags=a|b", "a/b", "b", 1 },
    { "a/*", "tags=v[0-9]+", "b/b", "v1", 0 },
    { "**", NULL, "a", "sha256-" HEX64, 0 },
    { "**", NULL, "a", "sha256-" HEX64 ".sig", 0 },
    { "**", NULL, "a", "sha256-" HEX64 ".att", 0 },
    { "**", NULL, "a", "sha256-" HEX64 ".sbom", 0 },
    { "**", NULL, "a", "sha512-" HEX64, 0 },
    { "**", NULL, "a", "sha512-" HEX64 ".sig", 0 },
    { "**", NULL, "a", "sha512-" HEX64 "0.sig", 1 },
    { "**", NULL, "a", "sha256-" HEX64 ".sigx", 1 },
    { "**", NULL, "a", "sha256-" HEX64 ".other", 1 },
    { "**", NULL, "a", "sha256-" HEX64 "0", 1 },
    { "**", NULL, "a", "sha256-v1", 1 },
    { "**", "tags=sha256-.*", "a", "sha256-" HEX64 ".sig", 0 },
};

int main(void)
{
    apr_pool_t *pool = start_pool();
    apr_array_header_t *rules = apr_array_make(pool, 2,
                                               sizeof(oci_immutable_t));
    tap_t tap = { 0 };
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        apr_array_clear(rules);
        tap_is(&tap,
               oci_immutable_add(rules, cases[i].glob, cases[i].condition,
                                 pool),
               NULL, "a rule");
        tap_ok(&tap,
               oci_immutable_covers(rules, cases[i].name, cases[i].tag, pool)
                   == cases[i].covered,
               "%s %s and %s:%s", cases[i].glob,
               cases[i].condition ? cases[i].condition : "", cases[i].name,
               cases[i].tag);
    }
    tap_ok(&tap, !oci_immutable_covers(NULL, "a", "v1", pool), "no rules");
    apr_array_clear(rules);
    oci_immutable_add(rules, "a", "tags=x", pool);
    oci_immutable_add(rules, "a", "tags=y", pool);
    tap_ok(&tap,
           oci_immutable_covers(rules, "a", "x", pool)
               && oci_immutable_covers(rules, "a", "y", pool)
               && !oci_immutable_covers(rules, "a", "z", pool),
           "rules add up");
    tap_is(&tap, oci_immutable_add(rules, "a", "tag=x", pool),
           "'tag=x': expected tags=REGEX", "another word");
    tap_ok(&tap, oci_immutable_add(rules, "a", "tags=(", pool) != NULL,
           "not a regular expression");
    tap_ok(&tap, oci_immutable_add(rules, "/a", NULL, pool) != NULL,
           "a pattern that matches no name");
    tap_ok(&tap, rules->nelts == 2, "wrong rules are not added");
    return tap_done(&tap);
}
