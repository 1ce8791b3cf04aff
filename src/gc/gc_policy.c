/* SPDX-License-Identifier: Apache-2.0 */

/* Rules for what is garbage: OCIUntagged and OCIRetain. */

#include <string.h>

#include "apr_strings.h"

#include "gc/gc_policy.h"
#include "values/duration.h"
#include "values/glob.h"

oci_gc_policy_t *oci_gc_policy_make(apr_pool_t *pool)
{
    oci_gc_policy_t *policy = apr_palloc(pool, sizeof(*policy));

    policy->retain = apr_array_make(pool, 2, sizeof(oci_retain_t));
    policy->untagged = apr_array_make(pool, 2, sizeof(oci_untagged_t));
    return policy;
}

oci_gc_policy_t *oci_gc_policy_join(const oci_gc_policy_t *first,
                                    const oci_gc_policy_t *second,
                                    apr_pool_t *pool)
{
    oci_gc_policy_t *policy = oci_gc_policy_make(pool);

    if (first) {
        apr_array_cat(policy->retain, first->retain);
        apr_array_cat(policy->untagged, first->untagged);
    }
    if (second) {
        apr_array_cat(policy->retain, second->retain);
        apr_array_cat(policy->untagged, second->untagged);
    }
    return policy;
}

int oci_gc_policy_is_same(const oci_gc_policy_t *first,
                          const oci_gc_policy_t *second)
{
    int i;

    if (first->retain->nelts != second->retain->nelts
        || first->untagged->nelts != second->untagged->nelts) {
        return 0;
    }
    for (i = 0; i < first->retain->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(first->retain, i, oci_retain_t).text,
                   APR_ARRAY_IDX(second->retain, i, oci_retain_t).text)) {
            return 0;
        }
    }
    for (i = 0; i < first->untagged->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(first->untagged, i, oci_untagged_t).text,
                   APR_ARRAY_IDX(second->untagged, i, oci_untagged_t).text)) {
            return 0;
        }
    }
    return 1;
}

static const char *parse_last(int *last, const char *value, apr_pool_t *pool)
{
    char *end;
    apr_int64_t number = apr_strtoi64(value, &end, 10);

    if (end == value || *end || number < 1 || number > 1000000) {
        return apr_psprintf(pool,
                            "last=%s: expected a number of tags from 1 to "
                            "1000000",
                            value);
    }
    *last = (int)number;
    return NULL;
}

/* Seconds need their unit, too: who writes pushed=30 may mean days. */
static const char *parse_duration(int *seconds, const char *word,
                                  const char *value, apr_pool_t *pool)
{
    return value[strspn(value, "0123456789")]
            && oci_duration_parse(seconds, value) == APR_SUCCESS
        ? NULL
        : apr_psprintf(pool,
                       "'%s': expected a duration with its unit, such as 30d "
                       "or 12h, of ten years at most",
                       word);
}

/* Whether a rule has this condition already. */
static int is_given(const oci_retain_t *rule, const char *word,
                    apr_size_t length)
{
    return (rule->tags && length == 4 && !strncmp(word, "tags", 4))
        || (rule->last >= 0 && length == 4 && !strncmp(word, "last", 4))
        || (rule->pushed >= 0 && length == 6 && !strncmp(word, "pushed", 6))
        || (rule->pulled >= 0 && length == 6 && !strncmp(word, "pulled", 6));
}

static const char *parse_condition(oci_retain_t *rule, const char *word,
                                   apr_pool_t *pool)
{
    const char *value = strchr(word, '=');
    apr_size_t length = value ? (apr_size_t)(value++ - word) : 0;
    oci_tag_pattern_t *tags;
    const char *error;

    if (is_given(rule, word, length)) {
        return apr_psprintf(pool, "%.*s= is given twice", (int)length, word);
    }
    if (length == 4 && !strncmp(word, "tags", 4)) {
        error = oci_tag_pattern_compile(&tags, value, pool);
        rule->tags = error ? NULL : tags;
        return error;
    }
    if (length == 4 && !strncmp(word, "last", 4)) {
        return parse_last(&rule->last, value, pool);
    }
    if (length == 6 && !strncmp(word, "pushed", 6)) {
        return parse_duration(&rule->pushed, word, value, pool);
    }
    if (length == 6 && !strncmp(word, "pulled", 6)) {
        return parse_duration(&rule->pulled, word, value, pool);
    }
    return apr_psprintf(pool,
                        "'%s': expected tags=REGEX, last=NUMBER, "
                        "pushed=DURATION or pulled=DURATION",
                        word);
}

static apr_array_header_t *copy_words(int count, const char *const *words,
                                      apr_pool_t *pool)
{
    apr_array_header_t *copy = apr_array_make(pool, count, sizeof(char *));
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(copy, const char *) = words[i];
    }
    return copy;
}

static const char *check_glob(const char *glob, apr_pool_t *pool)
{
    const char *error = oci_glob_explain_useless(glob, 1, 1);

    return error ? apr_psprintf(pool, "'%s' can never match: %s", glob, error)
                 : NULL;
}

const char *oci_gc_policy_retain(oci_gc_policy_t *policy, int count,
                                 const char *const *words, apr_pool_t *pool)
{
    oci_retain_t rule = { .last = -1, .pushed = -1, .pulled = -1 };
    const char *error = NULL;
    int i;

    if (count < 1 || strchr(words[0], '=')) {
        return "expected a pattern of repositories, such as ci/**, and what "
               "to keep in them";
    }
    rule.glob = rule.text = words[0];
    error = check_glob(words[0], pool);
    for (i = 1; i < count && !error; i++) {
        error = parse_condition(&rule, words[i], pool);
        rule.text = apr_pstrcat(pool, rule.text, " ", words[i], NULL);
    }
    if (!error) {
        rule.words = copy_words(count, words, pool);
        APR_ARRAY_PUSH(policy->retain, oci_retain_t) = rule;
    }
    return error;
}

const char *oci_gc_policy_untagged(oci_gc_policy_t *policy, int count,
                                   const char *const *words, apr_pool_t *pool)
{
    oci_untagged_t rule = { .seconds = -1 };
    const char *error = NULL;
    int i;

    if (count < 1
        || (strcasecmp(words[0], "keep")
            && oci_duration_parse(&rule.seconds, words[0]) != APR_SUCCESS)) {
        return apr_psprintf(pool,
                            "'%s': expected \"keep\", or a duration such as "
                            "7d, of ten years at most",
                            count < 1 ? "" : words[0]);
    }
    rule.text = words[0];
    rule.words = copy_words(count, words, pool);
    rule.globs = apr_array_make(pool, 1, sizeof(char *));
    for (i = 1; i < count && !error; i++) {
        error = check_glob(words[i], pool);
        rule.text = apr_pstrcat(pool, rule.text, " ", words[i], NULL);
        APR_ARRAY_PUSH(rule.globs, const char *) = words[i];
    }
    if (!error) {
        APR_ARRAY_PUSH(policy->untagged, oci_untagged_t) = rule;
    }
    return error;
}

static int applies_to(const oci_untagged_t *rule, const char *name,
                      apr_pool_t *pool)
{
    int i;

    for (i = 0; i < rule->globs->nelts; i++) {
        if (oci_glob_match(APR_ARRAY_IDX(rule->globs, i, const char *), name,
                           pool)) {
            return 1;
        }
    }
    return !rule->globs->nelts;
}

int oci_gc_policy_seconds(const oci_gc_policy_t *policy, const char *name,
                          apr_pool_t *pool)
{
    int i;

    for (i = 0; policy && i < policy->untagged->nelts; i++) {
        const oci_untagged_t *rule = &APR_ARRAY_IDX(policy->untagged, i,
                                                    oci_untagged_t);

        if (applies_to(rule, name, pool)) {
            return rule->seconds;
        }
    }
    return -1;
}
