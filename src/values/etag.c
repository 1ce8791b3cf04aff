/* SPDX-License-Identifier: Apache-2.0 */

/* Entity tags in preconditions (RFC 9110, 8.8.3 and 13.1). */

#include "values/etag.h"

#include <string.h>

#define SPACE " \t"

/*
 *   list = "*" / [ tag ] *( OWS "," OWS [ tag ] )
 *   tag  = [ "W/" ] DQUOTE *( any byte but DQUOTE ) DQUOTE
 *        / 1*( any byte but "," and OWS )
 */
int oci_etag_match(const char *list, const char *value, int weak)
{
    size_t value_length;

    if (!value) {
        return 0;
    }
    list += strspn(list, SPACE);
    if (*list == '*' && !list[1 + strspn(list + 1, SPACE)]) {
        return 1;
    }

    value_length = strlen(value);
    while (*(list += strspn(list, SPACE ","))) {
        int is_weak = !strncmp(list, "W/\"", 3);
        size_t length;

        if (is_weak) {
            list += 2;
        }
        if (*list == '"') {
            length = strcspn(++list, "\"");
            if (!list[length]) {
                return 0;
            }
        }
        else {
            length = strcspn(list, SPACE ",");
        }
        if ((weak || !is_weak) && length == value_length
            && !memcmp(list, value, length)) {
            return 1;
        }
        list += length;
        if (*list == '"') {
            list++;
        }
    }
    return 0;
}

const char *oci_etag_refusal(const char *match, const char *none_match,
                             const char *value)
{
    if (match && !oci_etag_match(match, value, 0)) {
        return "If-Match";
    }
    return none_match && oci_etag_match(none_match, value, 1) ? "If-None-Match"
                                                              : NULL;
}
