/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: values as text.
 *
 * Input: the rows of a value, separated by NULs; and a value. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "store/dbd/dbd_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Check that a value is decoded again from its rows. */
static void check_value(const oci_value_t *value, apr_pool_t *pool)
{
    apr_array_header_t *rows = oci_dbd_value_encode(value, pool);
    oci_value_t back;
    int i;

    assert(rows->nelts >= 1);
    for (i = 0; i < rows->nelts; i++) {
        const char *row = APR_ARRAY_IDX(rows, i, const char *);

        assert(strlen(row) <= OCI_DBD_ROW && (*row || !i));
        for (; *row; row++) {
            assert((unsigned char)*row < 0x7f);
        }
    }
    assert(oci_dbd_value_continues(APR_ARRAY_IDX(rows, 0, const char *))
           == (rows->nelts > 1));
    assert(!oci_dbd_value_decode(&back, rows, pool));
    assert(back.size == value->size && !back.data[back.size]);
    assert(!value->size || !memcmp(back.data, value->data, value->size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *rows;
    oci_value_t value = { (const char *)data, size };
    const char *text, *row;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    check_value(&value, pool);

    text = apr_pstrmemdup(pool, (const char *)data, size);
    rows = apr_array_make(pool, 4, sizeof(const char *));
    for (row = text; row <= text + size; row += strlen(row) + 1) {
        APR_ARRAY_PUSH(rows, const char *) = row;
    }
    if (!oci_dbd_value_decode(&value, rows, pool)) {
        assert(!value.data[value.size]);
        check_value(&value, pool);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
