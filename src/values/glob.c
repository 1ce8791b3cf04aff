/* SPDX-License-Identifier: Apache-2.0 */

/* Matching repository names against patterns with "*" and "**". */

#include "values/glob.h"

#include <string.h>

/* In these functions, reached[i] is 1 if the pattern so far matches the first i
 * bytes of the name. */
static void match_star(char *reached, const char *name, apr_size_t length,
                       int crosses_slash)
{
    apr_size_t i;

    for (i = 1; i <= length; i++) {
        if (reached[i - 1] && (crosses_slash || name[i - 1] != '/')) {
            reached[i] = 1;
        }
    }
}

static void match_byte(char *reached, const char *name, apr_size_t length,
                       char byte)
{
    apr_size_t i;

    for (i = length; i > 0; i--) {
        reached[i] = reached[i - 1] && name[i - 1] == byte;
    }
    reached[0] = 0;
}

int oci_glob_match(const char *pattern, const char *name, apr_pool_t *pool)
{
    apr_size_t length = strlen(name);
    char *reached = apr_pcalloc(pool, length + 1);
    const char *p = pattern;

    reached[0] = 1;
    while (*p) {
        if (*p == '*') {
            int crosses_slash = p[1] == '*';

            match_star(reached, name, length, crosses_slash);
            p += crosses_slash ? 2 : 1;
            continue;
        }
        if (*p == '\\' && p[1]) {
            p++;
        }
        match_byte(reached, name, length, *p++);
    }
    return reached[length];
}

const char *oci_glob_escape(const char *value, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 2 * strlen(value) + 1);
    char *p = escaped;

    for (; *value; value++) {
        if (*value == '*' || *value == '\\') {
            *p++ = '\\';
        }
        *p++ = *value;
    }
    *p = '\0';
    return escaped;
}

const char *oci_glob_explain_useless(const char *part, int is_first,
                                     int is_last)
{
    if (part[strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789._-/*\\")]) {
        return "repository names have only lowercase letters, digits and the "
               "characters . _ - /";
    }
    if ((is_first && *part == '/')
        || (is_last && *part && part[strlen(part) - 1] == '/')
        || strstr(part, "//")) {
        return "a repository name neither begins nor ends with a slash, nor "
               "has two in a row; \"team/**\" stands for everything below team";
    }
    return NULL;
}
