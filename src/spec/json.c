/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include "spec/json.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

/* The bytes of the UTF-8 character that text begins with, or 0 where it
 * begins with none (RFC 3629, 4: no surrogates, nothing longer than need be,
 * nothing beyond U+10FFFF).
 */
static int character_length(const unsigned char *text)
{
    unsigned char least = 0x80, greatest = 0xbf;
    int length, i;

    if (*text < 0x80) {
        return 1;
    }
    if (*text < 0xc2 || *text > 0xf4) {
        return 0;
    }
    length = *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

    switch (*text) {
    case 0xe0:
        least = 0xa0;
        break;
    case 0xed:
        greatest = 0x9f;
        break;
    case 0xf0:
        least = 0x90;
        break;
    case 0xf4:
        greatest = 0x8f;
        break;
    }
    if (text[1] < least || text[1] > greatest) {
        return 0;
    }
    for (i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

const char *oci_json_quote(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)text;
    /* No byte grows to more than the six of an escape. */
    char *quoted = apr_palloc(pool, 6 * strlen(text) + 3);
    char *out = quoted;

    *out++ = '"';
    while (*p) {
        int length = character_length(p);

        if (!length) {
            *out++ = '?';
            p++;
        }
        else if (*p < 0x20) {
            memcpy(out, "\\u00", 4);
            out[4] = hex[*p >> 4];
            out[5] = hex[*p & 15];
            out += 6;
            p++;
        }
        else {
            if (*p == '"' || *p == '\\') {
                *out++ = '\\';
            }
            memcpy(out, p, length);
            out += length;
            p += length;
        }
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

const char *oci_json_text(const json_t *value, apr_pool_t *pool)
{
    char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = apr_pstrdup(pool, dump);

    free(dump);
    return text;
}
