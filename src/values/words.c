/* SPDX-License-Identifier: Apache-2.0 */

/* Splits text into words, as ap_getword_conf of httpd does.  ociadmin has no
 * httpd, and takes rules in the syntax of its configuration. */

#include <string.h>

#include "apr_lib.h"

#include "values/words.h"

static const char *skip_blanks(const char *text)
{
    while (apr_isspace(*text)) {
        text++;
    }
    return text;
}

/* Whether text begins with a backslash and what it makes literal. */
static int is_escape(const char *text, char quote)
{
    return *text == '\\' && (text[1] == '\\' || (quote && text[1] == quote));
}

/* Take the word at the beginning of text; return what follows it. */
static const char *take_word(char **word, const char *text, apr_pool_t *pool)
{
    char quote = *text == '"' || *text == '\'' ? *text++ : '\0';
    char *end = *word = apr_palloc(pool, strlen(text) + 1);

    while (*text && (quote ? *text != quote : !apr_isspace(*text))) {
        text += is_escape(text, quote);
        *end++ = *text++;
    }
    *end = '\0';
    return quote && *text ? text + 1 : text;
}

apr_array_header_t *oci_words_split(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(const char *));
    char *word;

    for (text = skip_blanks(text); *text; text = skip_blanks(text)) {
        text = take_word(&word, text, pool);
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    return words;
}
