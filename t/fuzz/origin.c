/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the text that says when and by whom.  Input: the text. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"

#include "values/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oci_origin_t origin, back;
    const char *text;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    oci_origin_parse(&origin, (const char *)data, size, ';', pool);
    assert(origin.seconds >= 0);
    assert(!origin.user || strlen(origin.user) <= OCI_ORIGIN_USER_MAX);

    /* What was read can be written and read again. */
    text = oci_origin_format(&origin, '\t', pool);
    oci_origin_parse(&back, text, strlen(text), '\t', pool);
    assert(back.seconds == origin.seconds);
    assert(!back.user == !origin.user
           && (!back.user || !strcmp(back.user, origin.user)));
    assert(oci_origin_is_same(&back, &origin));

    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
