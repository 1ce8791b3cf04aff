/* SPDX-License-Identifier: Apache-2.0 */

/* Places in a list of tags. */

#include "start_pool.h"
#include "tap.h"

#include "values/tag_cursor.h"

static const struct {
    const char *text;
    int valid;
} cases[] = {
    { "0.v1", 1 },
    { "1732800000.v1", 1 },
    { "1.a.b", 1 },
    { "999999999999999999.v1", 1 },
    { "1.", 0 },
    { ".v1", 0 },
    { "", 0 },
    { "v1", 0 },
    { "x.v1", 0 },
    { "-1.v1", 0 },
    { "1.-v1", 0 },
    { "1.a/b", 0 },
    { "1000000000000000000.v1", 0 },
};

/* In their order. */
static const oci_tag_cursor_t order[] = {
    { 9, "b" }, { 9, "c" }, { 8, "a" }, { 0, "A" }, { 0, "a" },
};

#define COUNT(array) (int)(sizeof(array) / sizeof(array[0]))

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

int main(void)
{
    apr_pool_t *pool = start_pool();
    oci_tag_cursor_t cursor;
    tap_t tap = { 0, 0 };
    int i, j;

    for (i = 0; i < COUNT(cases); i++) {
        int valid = oci_tag_cursor_parse(&cursor, cases[i].text) == APR_SUCCESS;

        tap_ok(&tap, valid == cases[i].valid, "'%s'", cases[i].text);
        if (valid) {
            tap_is(&tap, oci_tag_cursor_format(&cursor, pool), cases[i].text,
                   "written again");
        }
    }
    for (i = 0; i < COUNT(order); i++) {
        for (j = 0; j < COUNT(order); j++) {
            tap_ok(&tap,
                   sign(oci_tag_cursor_compare(&order[i], &order[j]))
                       == sign(i - j),
                   "%d and %d", i, j);
        }
    }
    return tap_done(&tap);
}
