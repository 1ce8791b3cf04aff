/* SPDX-License-Identifier: Apache-2.0 */

/* Rules for tags that do not move once they are set: OCIImmutable. */

#include <string.h>

#include "apr_strings.h"

#include "values/glob.h"
#include "values/immutable.h"

const char *oci_immutable_add(apr_array_header_t *rules, const char *glob,
                              const char *condition, apr_pool_t *pool)
{
    oci_immutable_t rule = { glob, condition, NULL };
    oci_tag_pattern_t *tags;
    const char *error = oci_glob_explain_useless(glob, 1, 1);

    if (error) {
        return apr_psprintf(pool, "'%s' can never match: %s", glob, error);
    }
    if (condition && strncmp(condition, "tags=", 5)) {
        return apr_psprintf(pool, "'%s': expected tags=REGEX", condition);
    }
    if (condition) {
        error = oci_tag_pattern_compile(&tags, condition + 5, pool);
        if (error) {
            return error;
        }
        rule.tags = tags;
    }
    APR_ARRAY_PUSH(rules, oci_immutable_t) = rule;
    return NULL;
}

int oci_immutable_covers(const apr_array_header_t *rules, const char *name,
                         const char *tag, apr_pool_t *pool)
{
    int i;

    for (i = 0; rules && i < rules->nelts; i++) {
        const oci_immutable_t *rule = &APR_ARRAY_IDX(rules, i, oci_immutable_t);

        if ((!rule->tags || oci_tag_pattern_matches(rule->tags, tag))
            && oci_glob_match(rule->glob, name, pool)) {
            return !oci_tag_belongs_to_digest(tag, pool);
        }
    }
    return 0;
}
