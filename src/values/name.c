/* SPDX-License-Identifier: Apache-2.0 */

/* Repository names and tags (distribution-spec, "Pulling manifests"). */

#include "values/name.h"

#include <string.h>

#define TAG_CHARACTERS           \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "abcdefghijklmnopqrstuvwxyz0123456789_.-"

static int is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Return the length of the separator at the start of text, in bytes. */
static size_t separator_length(const char *text)
{
    switch (*text) {
    case '/':
    case '.':
        return 1;
    case '_':
        return text[1] == '_' ? 2 : 1;
    default:
        return strspn(text, "-");
    }
}

/*
 *   name      = component *( "/" component )
 *   component = run *( separator run )
 *   run       = 1*( lower-case letter / digit )
 *   separator = "." / "_" / "__" / 1*"-"
 *
 * So a slash is allowed wherever a separator is.  Any other byte after a run
 * has the length 0 and cannot begin the next run, so the loop ends.
 */
int oci_name_valid(const char *text)
{
    const char *p = text;
    const char *component = text;

    while (is_alphanumeric(*p)) {
        do {
            p++;
        } while (is_alphanumeric(*p));

        if ((!*p || *p == '/') && p - component > OCI_COMPONENT_MAX) {
            return 0;
        }
        if (!*p) {
            return p - text <= OCI_NAME_MAX;
        }
        p += separator_length(p);
        if (p[-1] == '/') {
            component = p;
        }
    }
    return 0;
}

int oci_tag_valid(const char *text)
{
    size_t length = strspn(text, TAG_CHARACTERS);

    return length >= 1 && length <= OCI_TAG_MAX && !text[length] && *text != '.'
        && *text != '-';
}
