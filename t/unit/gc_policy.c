/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of OCIRetain and OCIUntagged, and what they are made of. */

#include "start_pool.h"
#include "tap.h"

#include <string.h>

#include "apr_strings.h"

#include "gc/gc_policy.h"
#include "values/duration.h"
#include "values/tag_pattern.h"

static const struct {
    const char *text;
    int seconds; /* -1: not valid */
} durations[] = {
    { "0", 0 },
    { "90", 90 },
    { "90s", 90 },
    { "2m", 120 },
    { "12h", 43200 },
    { "30d", 2592000 },
    { "2w", 1209600 },
    { "3650d", 315360000 },
    { "3651d", -1 },
    { "", -1 },
    { "d", -1 },
    { "-1", -1 },
    { " 1", -1 },
    { "1 d", -1 },
    { "1dd", -1 },
    { "1y", -1 },
    { "1.5d", -1 },
    { "99999999999999999999", -1 },
    { "9223372036854775807w", -1 },
};

static const struct {
    const char *pattern;
    const char *tag;
    int match; /* -1: not valid */
} patterns[] = {
    { "v[0-9]+", "v12", 1 },  { "v[0-9]+", "v12-rc", 0 },
    { "v[0-9]+", "xv12", 0 }, { "a|b", "b", 1 },
    { "a|b", "ab", 0 },       { "", "", -1 },
    { "a)|(b", "ab", -1 },    { "v1\\.2", "v1.2", 1 },
    { "v1\\.2", "v1x2", 0 },  { "\\d+", "1", -1 },
    { "(a)\\1", "aa", -1 },   { "\\\\d", "x", 0 },
    { "(?i)a", "A", -1 },     { "a(", "a", -1 },
    { "[a", "a", -1 },
};

static const struct {
    const char *tag;
    const char *end; /* of the digest, after "sha256:" and 60 zeros; or NULL */
} subjects[] = {
    { "1234", "1234" },      { "1234.sig", "1234" }, { "1234.att", "1234" },
    { "1234.sbom", "1234" }, { "1234.sigs", NULL },  { "1234.", NULL },
    { "123", NULL },         { "123G", NULL },       { "1234.sig.sig", NULL },
    { "1234-sig", NULL },
};

static const struct {
    const char *words[5];
    int valid;
} retains[] = {
    { { "**" }, 1 },
    { { "ci/**", "last=3" }, 1 },
    { { "ci/**", "tags=v[0-9]+", "last=3", "pushed=30d", "pulled=12h" }, 1 },
    { { NULL }, 0 },
    { { "ci/**", "last" }, 0 },
    { { "ci/**", "last=" }, 0 },
    { { "ci/**", "last=0" }, 0 },
    { { "ci/**", "last=-1" }, 0 },
    { { "ci/**", "last=3x" }, 0 },
    { { "ci/**", "last=1000001" }, 0 },
    { { "ci/**", "pushed=soon" }, 0 },
    { { "ci/**", "pulled=" }, 0 },
    { { "ci/**", "tags=[" }, 0 },
    { { "ci/**", "older=3d" }, 0 },
    { { "ci/**", "=3d" }, 0 },
    { { "ci/**", "tags=" }, 0 },
    { { "ci/**", "last=3", "last=4" }, 0 },
    { { "ci/**", "tags=a", "tags=b" }, 0 },
    { { "last=3" }, 0 },
};

static tap_t tap;

static int count_words(const char *const *words)
{
    int count = 0;

    while (count < 5 && words[count]) {
        count++;
    }
    return count;
}

static void test_durations(void)
{
    size_t i;
    int seconds;

    for (i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
        seconds = -1;
        if (oci_duration_parse(&seconds, durations[i].text) != APR_SUCCESS) {
            seconds = -1;
        }
        tap_ok(&tap, seconds == durations[i].seconds, "the duration \"%s\"",
               durations[i].text);
    }
}

static void test_patterns(apr_pool_t *pool)
{
    oci_tag_pattern_t *pattern;
    size_t i;

    for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        const char *text = patterns[i].pattern;
        int match = oci_tag_pattern_compile(&pattern, text, pool)
            ? -1
            : oci_tag_pattern_matches(pattern, patterns[i].tag);

        tap_ok(&tap, match == patterns[i].match,
               "the pattern \"%s\" for \"%s\"", text, patterns[i].tag);
    }
}

static void test_subjects(apr_pool_t *pool)
{
    const char *zeros = "000000000000000000000000000000000000000000000000000000"
                        "000000";
    size_t i;

    for (i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
        const char *tag = apr_pstrcat(pool, "sha256-", zeros, subjects[i].tag,
                                      NULL);
        const char *wanted = subjects[i].end
            ? apr_pstrcat(pool, "sha256:", zeros, subjects[i].end, NULL)
            : "";
        const char *subject = oci_tag_subject(tag, pool);

        tap_ok(&tap, !strcmp(subject ? subject : "", wanted),
               "the subject of %s", subjects[i].tag);
    }
    tap_ok(&tap, !oci_tag_subject("latest", pool), "a tag without a dash");
    tap_ok(&tap, !oci_tag_subject("md5-1234.sig", pool), "another algorithm");
}

static void test_retain(apr_pool_t *pool)
{
    oci_gc_policy_t *policy = oci_gc_policy_make(pool);
    const oci_retain_t *rule;
    size_t i;

    for (i = 0; i < sizeof(retains) / sizeof(*retains); i++) {
        const char *const *words = retains[i].words;
        int before = policy->retain->nelts;
        const char *error = oci_gc_policy_retain(policy, count_words(words),
                                                 words, pool);

        tap_ok(&tap,
               (error == NULL) == retains[i].valid
                   && policy->retain->nelts - before == retains[i].valid,
               "rule %d of OCIRetain", (int)i);
    }
    rule = &APR_ARRAY_IDX(policy->retain, 2, oci_retain_t);
    tap_ok(&tap,
           rule->last == 3 && rule->pushed == 2592000 && rule->pulled == 43200
               && oci_tag_pattern_matches(rule->tags, "v1"),
           "a rule has its conditions");
    tap_ok(&tap,
           !strcmp(rule->text,
                   "ci/** tags=v[0-9]+ last=3 pushed=30d pulled=12h"),
           "and its text");
}

static void test_untagged(apr_pool_t *pool)
{
    static const char *const first[] = { "keep", "release/**" };
    static const char *const second[] = { "7d", "ci/**", "dev/*" };
    static const char *const third[] = { "1h" };
    static const char *const wrong[] = { "never" };
    oci_gc_policy_t *policy = oci_gc_policy_make(pool);
    oci_gc_policy_t *outer = oci_gc_policy_make(pool);

    tap_ok(&tap,
           oci_gc_policy_seconds(NULL, "a", pool) == -1
               && oci_gc_policy_seconds(policy, "a", pool) == -1,
           "without a rule everything is kept");
    tap_ok(&tap,
           !oci_gc_policy_untagged(policy, 2, first, pool)
               && !oci_gc_policy_untagged(policy, 3, second, pool)
               && !oci_gc_policy_untagged(outer, 1, third, pool),
           "rules are added");
    tap_ok(&tap,
           oci_gc_policy_untagged(policy, 1, wrong, pool)
               && oci_gc_policy_untagged(policy, 0, wrong, pool),
           "a rule that is not valid is refused");
    policy = oci_gc_policy_join(policy, outer, pool);
    tap_ok(&tap,
           oci_gc_policy_seconds(policy, "release/a", pool) == -1
               && oci_gc_policy_seconds(policy, "ci/a/b", pool) == 604800
               && oci_gc_policy_seconds(policy, "dev/a", pool) == 604800
               && oci_gc_policy_seconds(policy, "dev/a/b", pool) == 3600,
           "the first rule that matches decides");
}

int main(void)
{
    apr_pool_t *pool = start_pool();

    test_durations();
    test_patterns(pool);
    test_subjects(pool);
    test_retain(pool);
    test_untagged(pool);
    return tap_done(&tap);
}
