/* SPDX-License-Identifier: Apache-2.0 */

/* When and by whom a tag or a manifest was pushed. */

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "values/origin.h"

/* Of seconds: until the year 33658. */
#define DIGITS_MAX 12

static int is_plain(char c)
{
    return c > 0x20 && c < 0x7f && c != '%' && c != ';';
}

static const char *encode(const char *user, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *text = apr_palloc(pool, 3 * strlen(user) + 1), *to = text;

    for (; *user; user++) {
        if (is_plain(*user)) {
            *to++ = *user;
            continue;
        }
        *to++ = '%';
        *to++ = hex[(unsigned char)*user >> 4];
        *to++ = hex[(unsigned char)*user & 15];
    }
    *to = '\0';
    return text;
}

static int value_of_digit(char c)
{
    if (apr_isdigit(c)) {
        return c - '0';
    }
    return apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10 : -1;
}

/* Decode a user name; NULL if it is empty, too long or not valid. */
static const char *decode(const char *text, apr_size_t size, apr_pool_t *pool)
{
    const char *end = text + size;
    char *user, *to;

    if (!size || size > 3 * OCI_ORIGIN_USER_MAX) {
        return NULL;
    }
    user = to = apr_palloc(pool, size + 1);
    while (text < end) {
        int high, low;

        if (is_plain(*text)) {
            *to++ = *text++;
            continue;
        }
        high = *text == '%' && end - text > 2 ? value_of_digit(text[1]) : -1;
        low = high < 0 ? -1 : value_of_digit(text[2]);
        if (low < 0 || !(high | low)) {
            return NULL;
        }
        *to++ = (char)(high << 4 | low);
        text += 3;
    }
    *to = '\0';
    return to - user > OCI_ORIGIN_USER_MAX ? NULL : user;
}

void oci_origin_set(oci_origin_t *origin, apr_int64_t seconds, const char *user,
                    apr_pool_t *pool)
{
    apr_size_t length = user ? strlen(user) : 0;

    origin->seconds = seconds;
    if (length > OCI_ORIGIN_USER_MAX) {
        /* A character of UTF-8 has at most three bytes after its first. */
        for (length = OCI_ORIGIN_USER_MAX; length > OCI_ORIGIN_USER_MAX - 3
             && ((unsigned char)user[length] & 0xc0) == 0x80;
             length--) {
        }
    }
    origin->user = length ? apr_pstrmemdup(pool, user, length) : NULL;
}

const char *oci_origin_format(const oci_origin_t *origin, char separator,
                              apr_pool_t *pool)
{
    return apr_psprintf(pool, "%c%" APR_INT64_T_FMT "%c%s", separator,
                        origin->seconds, separator,
                        origin->user ? encode(origin->user, pool) : "");
}

void oci_origin_parse(oci_origin_t *origin, const char *text, apr_size_t size,
                      char separator, apr_pool_t *pool)
{
    apr_int64_t seconds = 0;
    apr_size_t i = 1;

    origin->seconds = 0;
    origin->user = NULL;
    if (!size || text[0] != separator) {
        return;
    }
    for (; i < size && i <= DIGITS_MAX && apr_isdigit(text[i]); i++) {
        seconds = 10 * seconds + (text[i] - '0');
    }
    if (i == 1 || i == size || text[i] != separator) {
        return;
    }
    origin->seconds = seconds;
    origin->user = decode(text + i + 1, size - i - 1, pool);
}

int oci_origin_is_same(const oci_origin_t *earlier, const oci_origin_t *now)
{
    apr_int64_t age = now->seconds - earlier->seconds;

    if (age < 0 || age >= OCI_ORIGIN_SAME_SECONDS) {
        return 0;
    }
    return earlier->user && now->user ? !strcmp(earlier->user, now->user)
                                      : earlier->user == now->user;
}
