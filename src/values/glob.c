/* SPDX-License-Identifier: Apache-2.0 */

/* Patterns of repository names. */

#include "values/glob.h"

#include <string.h>

/* reached[i] says whether the pattern so far matches the first i bytes. */
static void pass_star(char *reached, const char *name, apr_size_t length,
                      int across)
{
    apr_size_t i;

    for (i = 1; i <= length; i++) {
        if (reached[i - 1] && (across || name[i - 1] != '/')) {
            reached[i] = 1;
        }
    }
}

static void pass_byte(char *reached, const char *name, apr_size_t length,
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
            int across = p[1] == '*';

            pass_star(reached, name, length, across);
            p += across ? 2 : 1;
            continue;
        }
        if (*p == '\\' && p[1]) {
            p++;
        }
        pass_byte(reached, name, length, *p++);
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
