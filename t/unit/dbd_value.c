/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of values as text that a database stores unchanged. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "store/dbd/dbd_value.h"

/* Values, and the rows of text as which they are stored. */
static const struct {
    const char *data;
    apr_size_t size;
    const char *row;
} vectors[] = {
    { NULL, 0, "" },
    { "sha256:ab", 9, "sha256:ab" },
    { "a\tb\r\nc d~", 9, "a\tb\r\nc d~" },
    { "+", 1, "=Kw==" },
    { "=", 1, "=PQ==" },
    { "a+=", 3, "a+=" },
    { "a\0b", 3, "=YQBi" },
    { "\0", 1, "=AA==" },
    { "\x7f", 1, "=fw==" },
    { "\xc3\xa4", 2, "=w6Q=" },
    { "\x01", 1, "=AQ==" },
};

/* Rows that are not an encoded value. */
static const char *const wrong[][3] = {
    { "=A", NULL },    { "=AAA", "x", NULL },  { "=A===", NULL },
    { "=AA=A", NULL }, { "=AA==AAAA", NULL },  { "=AA\x80=", NULL },
    { "+more", NULL }, { "one", "two", NULL }, { "==", NULL },
};

static apr_array_header_t *rows_of(const char *const *rows, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(char *));

    for (; *rows; rows++) {
        APR_ARRAY_PUSH(list, const char *) = *rows;
    }
    return list;
}

/* Check that a value of this size is decoded again, and that no row is too
 * long. */
static void check_size(tap_t *tap, apr_size_t size, char byte, apr_pool_t *pool)
{
    char *data = apr_palloc(pool, size + 1);
    oci_value_t value = { data, size }, back = { NULL, 0 };
    apr_array_header_t *rows;
    int i, good;

    memset(data, byte, size);
    rows = oci_dbd_value_encode(&value, pool);
    good = oci_dbd_value_continues(APR_ARRAY_IDX(rows, 0, const char *))
        == (rows->nelts > 1);
    for (i = 0; i < rows->nelts; i++) {
        good &= strlen(APR_ARRAY_IDX(rows, i, const char *)) <= OCI_DBD_ROW;
    }
    good &= oci_dbd_value_decode(&back, rows, pool) == APR_SUCCESS
        && back.size == size && !memcmp(back.data, data, size)
        && back.data[size] == '\0';
    tap_ok(tap, good, "%lu bytes %02x in %d rows", (unsigned long)size,
           (unsigned char)byte, rows->nelts);
}

int main(void)
{
    static const apr_size_t around[] = { 1, OCI_DBD_ROW / 4 * 3, OCI_DBD_ROW,
                                         2 * OCI_DBD_ROW, 4 << 20 };
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    oci_value_t value;
    size_t i;
    int off;

    for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        apr_array_header_t *rows;

        value.data = vectors[i].data;
        value.size = vectors[i].size;
        rows = oci_dbd_value_encode(&value, pool);
        tap_is(&tap, APR_ARRAY_IDX(rows, 0, const char *), vectors[i].row,
               "a value's row");
        tap_ok(&tap,
               rows->nelts == 1
                   && oci_dbd_value_decode(&value, rows, pool) == APR_SUCCESS
                   && value.size == vectors[i].size && !value.data[value.size]
                   && (!value.size
                       || !memcmp(value.data, vectors[i].data, value.size)),
               "the row is decoded, %d", (int)i);
    }
    for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        tap_ok(&tap,
               oci_dbd_value_decode(&value, rows_of(wrong[i], pool), pool)
                   == APR_EINVAL,
               "not a value: %s", wrong[i][0]);
    }
    for (i = 0; i < sizeof(around) / sizeof(*around); i++) {
        for (off = -1; off <= 1; off++) {
            check_size(&tap, around[i] + off, 'x', pool);
            check_size(&tap, around[i] + off, '+', pool);
            check_size(&tap, around[i] + off, '\0', pool);
        }
    }
    return tap_done(&tap);
}
