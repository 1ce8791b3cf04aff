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

#include "spec/base64url.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789-_";

const char *oci_base64url_encode(const void *data, apr_size_t size,
                                 apr_pool_t *pool)
{
    const unsigned char *p = data;
    char *text = apr_palloc(pool, (size * 4 + 2) / 3 + 1);
    char *out = text;
    unsigned bits = 0;
    int count = 0;

    while (size--) {
        bits = bits << 8 | *p++;
        for (count += 8; count >= 6; count -= 6) {
            *out++ = digits[bits >> (count - 6) & 63];
        }
    }
    if (count) {
        *out++ = digits[bits << (6 - count) & 63];
    }
    *out = '\0';
    return text;
}

apr_status_t oci_base64url_decode(unsigned char **data, apr_size_t *size,
                                  const char *text, apr_size_t length,
                                  apr_pool_t *pool)
{
    unsigned char *out = apr_palloc(pool, length * 3 / 4 + 1);
    unsigned bits = 0;
    int count = 0;

    *data = out;
    while (length--) {
        const char *digit = *text ? strchr(digits, *text++) : NULL;

        if (!digit) {
            return APR_EINVAL;
        }
        bits = bits << 6 | (unsigned)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = bits >> count & 255;
        }
    }
    /* what is left over must be less than a digit, and zero */
    if (count >= 6 || (bits & ((1u << count) - 1))) {
        return APR_EINVAL;
    }
    *out = '\0';
    *size = out - *data;
    return APR_SUCCESS;
}
