/* SPDX-License-Identifier: Apache-2.0 */

/* Matching repository names against patterns. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/glob.h"

static const struct {
    const char *pattern;
    const char *name;
    int match;
} cases[] = {
    { "a", "a", 1 },
    { "a", "b", 0 },
    { "a", "ab", 0 },
    { "a", "a/b", 0 },
    { "a/b", "a/b", 1 },
    { "", "", 1 },
    { "", "a", 0 },
    { "*", "", 1 },
    { "*", "a", 1 },
    { "*", "a/b", 0 },
    { "**", "a", 1 },
    { "**", "a/b/c", 1 },
    { "a/*", "a/b", 1 },
    { "a/*", "a/b/c", 0 },
    { "a/*", "a", 0 },
    { "a/**", "a/b", 1 },
    { "a/**", "a/b/c", 1 },
    { "a/**", "a", 0 },
    { "a/**", "ab/c", 0 },
    { "a/**", "b/a/c", 0 },
    { "**/a", "b/c/a", 1 },
    { "**/a", "b/ca", 0 },
    { "**/a", "a", 0 },
    { "a/*/c", "a/b/c", 1 },
    { "a/*/c", "a/b/b/c", 0 },
    { "a/**/c", "a/b/b/c", 1 },
    { "a/**/c", "a/c", 0 },
    { "*-ci", "team-ci", 1 },
    { "team-*-ci/*", "team-a-ci/x", 1 },
    { "team-*-ci/*", "team-a/b-ci/x", 0 },
    { "a*b*c", "aXbYbZc", 1 },
    { "a*b*c", "aXcYb", 0 },
    { "***", "a/b", 1 },
    { "*a*", "bab", 1 },
    { "a?b", "axb", 0 },
    { "a?b", "a?b", 1 },
    { "[a]", "a", 0 },
    { "a.b", "axb", 0 },
    { "A", "a", 0 },
    { "\\*", "*", 1 },
    { "\\*", "a", 0 },
    { "\\*\\*", "a/b", 0 },
    { "a\\", "a\\", 1 },
    { "\\\\", "\\", 1 },
    { "\\a", "a", 1 },
};

int main(void)
{
    static const char *const values[] = {
        "*", "**", "a*b", "\\", "\\*", "a\\", "..", "plain", "",
    };
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    char stars[201], letters[1001];
    size_t i, j;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tap_ok(&tap,
               oci_glob_match(cases[i].pattern, cases[i].name, pool)
                   == cases[i].match,
               "%s and %s", cases[i].pattern, cases[i].name);
    }

    /* An escaped value matches only itself. */
    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        const char *escaped = oci_glob_escape(values[i], pool);

        for (j = 0; j < sizeof(values) / sizeof(*values); j++) {
            tap_ok(&tap, oci_glob_match(escaped, values[j], pool) == (i == j),
                   "%s escaped, and %s", values[i], values[j]);
        }
    }

    /* No pattern takes long: this one would, with backtracking. */
    for (i = 0; i < 200; i += 2) {
        memcpy(stars + i, "*a", 2);
    }
    memset(letters, 'a', 1000);
    letters[1000] = stars[200] = '\0';
    tap_ok(&tap, oci_glob_match(stars, letters, pool), "many stars match");
    letters[999] = 'b';
    tap_ok(&tap, !oci_glob_match(stars, letters, pool),
           "many stars do not match another name");

    return tap_done(&tap);
}
