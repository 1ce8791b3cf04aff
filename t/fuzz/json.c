/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the JSON functions.  Input: a JSON text.  A text that jansson accepts is
 * accepted and read in the same way.  A text that only jansson refuses is valid
 * JSON that it cannot represent.
 */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/json_check.h"
#include "values/json_span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether jansson refused a text because it cannot represent it. */
static int is_beyond_jansson(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_null_character:
    case json_error_null_byte_in_key:
    case json_error_numeric_overflow:
    case json_error_stack_overflow:
        return 1;
    default:
        return strstr(error->text, "invalid Unicode '") != NULL;
    }
}

/* Whether jansson writes a value exactly as it was read, which it does not do
 * for numbers. */
static int is_exact(const json_t *value)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)value, name, member)
    {
        if (!json_is_string(member)) {
            return 0;
        }
    }
    return json_is_object(value) || json_is_string(value);
}

/* Check that a span has the value that jansson read. */
static void compare(const json_t *value, oci_span_t span, apr_pool_t *pool)
{
    const char *compact = oci_span_compact(span, pool);
    json_t *again = json_loads(compact, JSON_DECODE_ANY, NULL);
    apr_int64_t number;

    assert(strlen(compact) <= span.size && json_equal(value, again));
    if (is_exact(value)) {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

        assert(!strcmp(compact, dump));
        free(dump);
    }
    assert(json_is_object(value) == oci_span_is_object(span));
    assert(json_is_array(value) == oci_span_is_array(span));
    if (json_is_string(value)) {
        assert(!strcmp(json_string_value(value), oci_span_text(span, pool)));
    }
    else {
        assert(!oci_span_text(span, pool));
    }
    if (json_is_integer(value)) {
        assert(oci_span_integer(&number, span));
        assert(number == json_integer_value(value));
    }
    else {
        assert(!oci_span_integer(&number, span));
    }
    json_decref(again);
}

/* Compare a value, and its members or elements, one level deep. */
static void compare_within(const json_t *value, oci_span_t span,
                           apr_pool_t *pool)
{
    oci_span_t name, part;
    oci_walk_t walk;
    apr_size_t count = 0;

    compare(value, span, pool);
    if (json_is_object(value)) {
        for (walk = oci_walk_begin(span); oci_walk_member(&name, &part, &walk);
             count++) {
            const char *text = oci_span_text(name, pool);

            compare(json_object_get(value, text), part, pool);
            assert(!oci_span_compare(name.text, name.text));
        }
        assert(count == json_object_size(value));
    }
    else if (json_is_array(value)) {
        for (walk = oci_walk_begin(span); oci_walk_element(&part, &walk);
             count++) {
            compare(json_array_get(value, count), part, pool);
        }
        assert(count == json_array_size(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *problem;
    json_error_t error;
    apr_pool_t *pool;
    json_t *value;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    problem = oci_json_check(text, size, pool);
    value = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                       &error);
    if (memchr(text ? text : "", '\0', size)) {
        /* jansson ignores a NUL after a number. */
        assert(problem);
    }
    else if (value) {
        assert(!problem);
        compare_within(value, oci_span_of(text, size), pool);
    }
    else if (!problem) {
        oci_span_t span = oci_span_of(text, size);
        const char *compact = oci_span_compact(span, pool);

        assert(is_beyond_jansson(&error));
        assert(!oci_json_check(compact, strlen(compact), pool));
        oci_span_text(span, pool);
    }
    json_decref(value);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
