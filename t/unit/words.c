/* SPDX-License-Identifier: Apache-2.0 */

/* Splitting text into words: the results are those of ap_getword_conf. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/words.h"

/* The words are joined by "|". */
static const struct {
    const char *text;
    const char *words;
} cases[] = {
    { "", "" },
    { " \t ", "" },
    { "a", "a" },
    { "  a\t b  ", "a|b" },
    { "ci/** last=10 pushed=30d", "ci/**|last=10|pushed=30d" },
    { "ci/** tags=v[0-9]+\\.[0-9]+", "ci/**|tags=v[0-9]+\\.[0-9]+" },
    { "dev/** pushed=7d pulled=14d", "dev/**|pushed=7d|pulled=14d" },
    { "7d ci/** dev/**", "7d|ci/**|dev/**" },
    { "tags=v\\d+", "tags=v\\d+" },
    { "a\\\\b", "a\\b" },
    { "a\\ b", "a\\|b" },
    { "\"a b\" c", "a b|c" },
    { "'a \"b' c", "a \"b|c" },
    { "\"a\\\"b\" c", "a\"b|c" },
    { "\"a\\'b\\.\" c", "a\\'b\\.|c" },
    { "a\"b c\"", "a\"b|c\"" },
    { "\"a\"b", "a|b" },
    { "\"a b", "a b" },
    { "'' a", "|a" },
    { "a\\", "a\\" },
};

int main(void)
{
    tap_t tap = { 0 };
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        apr_array_header_t *words = oci_words_split(cases[i].text, pool);

        tap_is(&tap, apr_array_pstrcat(pool, words, '|'), cases[i].words,
               *cases[i].text ? cases[i].text : "no words");
    }
    return tap_done(&tap);
}
