/* SPDX-License-Identifier: Apache-2.0 */

/* Base64url: encoding and strict decoding. */

#include "start_pool.h"
#include "tap.h"

#include "values/base64url.h"

/* RFC 4648, 10, without the padding; and RFC 7515, appendix C. */
static const struct {
    const char *data;
    apr_size_t size;
    const char *text;
} vectors[] = {
    { "", 0, "" },
    { "f", 1, "Zg" },
    { "fo", 2, "Zm8" },
    { "foo", 3, "Zm9v" },
    { "foob", 4, "Zm9vYg" },
    { "fooba", 5, "Zm9vYmE" },
    { "foobar", 6, "Zm9vYmFy" },
    { "\x03\xec\xff\xe0\xc1", 5, "A-z_4ME" },
    { "\0\0\0", 3, "AAAA" },
    { "\xff\xff", 2, "__8" },
};

static const char *const wrong[] = {
    "Z",    "Zg=",  "Zg==", "Zh",    "Zm9",   "Zm9vY", "Zm9v YmE", "Zm9v\n",
    "Zm+v", "Zm/v", " Zg",  "Z\x80", "____1", "=",     ".",
};

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    unsigned char *data;
    apr_size_t size;
    size_t i;

    for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        tap_is(&tap,
               oci_base64url_encode(vectors[i].data, vectors[i].size, pool),
               vectors[i].text, "encoded");
        tap_ok(&tap,
               oci_base64url_decode(&data, &size, vectors[i].text,
                                    strlen(vectors[i].text), pool)
                       == APR_SUCCESS
                   && size == vectors[i].size && data[size] == '\0'
                   && !memcmp(data, vectors[i].data, size),
               "%s decoded", vectors[i].text);
    }
    for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        tap_ok(&tap,
               oci_base64url_decode(&data, &size, wrong[i], strlen(wrong[i]),
                                    pool)
                   == APR_EINVAL,
               "invalid text %d is refused", (int)i);
    }
    tap_ok(&tap,
           oci_base64url_decode(&data, &size, "Zg\0Zg", 5, pool) == APR_EINVAL,
           "a NUL is refused");
    return tap_done(&tap);
}
