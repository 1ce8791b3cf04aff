/* SPDX-License-Identifier: Apache-2.0 */

/* Checking JSON, and reading values in place. */

#include "start_pool.h"
#include "tap.h"

#include <stdlib.h>

#include "apr_strings.h"

#include "values/json_check.h"
#include "values/json_span.h"

/* Texts, and the expected problem; NULL for none. */
static const struct {
    const char *text;
    const char *problem;
} texts[] = {
    { "{}", NULL },
    { " [ ] ", NULL },
    { "\t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : null }\n", NULL },
    { "true", NULL },
    { "-0", NULL },
    { "-0.0e+00", NULL },
    { "1E5", NULL },
    { "123456789012345678901234567890e999999", NULL },
    { "\"\\u0000\\ud800\\uDC00\\udfff\\\"\\\\\\/\\b\\f\\n\\r\\t\"", NULL },
    { "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", NULL },
    { "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}", NULL },
    { "{\"a\":1,\"A\":2,\"a\\u0000\":3,\"\":4}", NULL },
    { "{\"\\ud800\":1,\"\\udc00\":2,\"\\ud800\\udc00\":3}", NULL },

    { "", "line 1: the text ends too early" },
    { "\n\n ", "line 3: the text ends too early" },
    { "{", "line 1: the text ends too early" },
    { "[1,", "line 1: the text ends too early" },
    { "{\"a\"", "line 1: a member's name is not followed by ':'" },
    { "{\"a\" 1}", "line 1: a member's name is not followed by ':'" },
    { "{\"a\":}", "line 1: a value is expected here" },
    { "{a:1}", "line 1: a member's name in double quotes is expected here" },
    { "{\"a\":1,}", "line 1: a member's name in double quotes is expected" },
    { "[1,]", "line 1: a value is expected here" },
    { "[,]", "line 1: a value is expected here" },
    { "[1 2]", "line 1: ',' or ']' is expected here" },
    { "[1}", "line 1: ',' or ']' is expected here" },
    { "{\"a\":1]", "line 1: ',' or '}' is expected here" },
    { "{}\n{}", "line 2: there is more text after the end of the JSON value" },
    { "}", "line 1: a value is expected here" },
    { "nul", "line 1: a value is expected here" },
    { "nulls", "line 1: there is more text after the end" },
    { "'a'", "line 1: a value is expected here" },
    { "NaN", "line 1: a value is expected here" },
    { "01", "line 1: a number is not valid JSON" },
    { "-", "line 1: a number is not valid JSON" },
    { "+1", "line 1: a value is expected here" },
    { ".5", "line 1: a value is expected here" },
    { "1.", "line 1: a number is not valid JSON" },
    { "1.e5", "line 1: a number is not valid JSON" },
    { "1e", "line 1: a number is not valid JSON" },
    { "1e+", "line 1: a number is not valid JSON" },
    { "\"a", "line 1: the text ends within a string" },
    { "\"a\nb\"", "line 1: a string has a control character" },
    { "\"a\\",
      "line 1: a string has a backslash that does not begin a valid escape" },
    { "\"\\x\"",
      "line 1: a string has a backslash that does not begin a valid escape" },
    { "\"\\u12\"", "line 1: \\u in a string is not followed by four hex" },
    { "\"\\u12", "line 1: \\u in a string is not followed by four hex" },
    { "\"\\u12g4\"", "line 1: \\u in a string is not followed by four hex" },
    { "\"\xc3", "line 1: a string is not valid UTF-8" },
    { "\"\xc0\xaf\"", "line 1: a string is not valid UTF-8" },
    { "\"\xed\xa0\x80\"", "line 1: a string is not valid UTF-8" },
    { "\"\xf4\x90\x80\x80\"", "line 1: a string is not valid UTF-8" },
    { "\xef\xbb\xbf{}", "line 1: the text begins with a byte order mark" },
    { "{\"a\":1,\n\"b\":2,\n\"a\":3}", "line 3: a duplicate member, \"a\"" },
    { "{\"a\":1,\"\\u0061\":2}", "line 1: a duplicate member, \"\\u0061\"" },
    { "[{\"b\":{\"\":1,\"\":2}}]", "line 1: a duplicate member, \"\"" },
    { "{\"\\u0000\":1,\"\\u0000\":2}", "line 1: a duplicate member" },
    { "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
      "line 1: a duplicate member" },
};

/* Strings in the order of their characters. */
static const char *const ordered[] = {
    "\"\"",
    "\"\\u0000\"",
    "\" \"",
    "\"a\"",
    "\"a\\u0000\"",
    "\"a\\u0062\"",
    "\"abc\"",
    "\"\\u0061bcd\"",
    "\"b\"",
    "\"\\u007f\"",
    "\"\\u00e4\"",
    "\"\xc3\xb6\"",
    "\"\\ud7ff\"",
    "\"\\ud800\"",
    "\"\\udfff\"",
    "\"\xee\x80\x80\"",
    "\"\\uffff\"",
    "\"\\ud800\\udc00\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\\udbff\\udfff\"",
};

/* Values: their text, their number ("" if they are not a number), and their
 * compact form. */
static const struct {
    const char *json;
    const char *text;
    const char *number;
    const char *compact;
} values[] = {
    { " \"a\\u0062\\n\" ", "ab\n", "", "\"ab\\n\"" },
    { "\"\\u0000\"", NULL, "", "\"\\u0000\"" },
    { "\"\\uDFFF\\uD800\"", NULL, "", "\"\\uDFFF\\uD800\"" },
    { "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", "", "\"\xf0\x9f\x98\x80\"" },
    { " -12 ", NULL, "-12", "-12" },
    { "9223372036854775807", NULL, "9223372036854775807",
      "9223372036854775807" },
    { "-9223372036854775808", NULL, "-9223372036854775808",
      "-9223372036854775808" },
    { "9223372036854775808", NULL, "", "9223372036854775808" },
    { "-9223372036854775809", NULL, "", "-9223372036854775809" },
    { "1.0", NULL, "", "1.0" },
    { "1e2", NULL, "", "1e2" },
    { "null", NULL, "", "null" },
    { "{ \"a\" : [ \" x\\/ \" , { } ] }", NULL, "", "{\"a\":[\" x/ \",{}]}" },
};

static void check_texts(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        /* In a block of exactly its size, so that an overrun is detected. */
        apr_size_t size = strlen(texts[i].text);
        char *text = memcpy(malloc(size + !size), texts[i].text, size);
        const char *problem = oci_json_check(text, size, pool);
        const char *wanted = texts[i].problem;

        tap_ok(tap,
               wanted ? problem && !strncmp(problem, wanted, strlen(wanted))
                      : !problem,
               "text %d: %s", (int)i, problem ? problem : "accepted");
        free(text);
    }
    tap_ok(tap, oci_json_check("1\0", 2, pool) != NULL, "a NUL is refused");
}

/* Arrays and objects, nested depth levels deep. */
static void check_depth(tap_t *tap, int depth, int good, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 6 * depth + 1), *end = text;
    int i;

    for (i = 0; i < depth; i++) {
        end = strcpy(end, i % 2 ? "[" : "{\"\":") + (i % 2 ? 1 : 4);
    }
    if (depth % 2) {
        *end++ = '0';
    }
    while (i--) {
        *end++ = i % 2 ? ']' : '}';
    }
    tap_ok(tap, (oci_json_check(text, end - text, pool) == NULL) == good,
           "%d levels", depth);
}

static void check_order(tap_t *tap)
{
    int count = sizeof(ordered) / sizeof(*ordered), i, j, bad = 0;

    for (i = 0; i < count; i++) {
        for (j = 0; j < count; j++) {
            int order = oci_span_compare(ordered[i], ordered[j]);

            bad |= (order > 0) - (order < 0) != (i > j) - (i < j);
        }
    }
    tap_ok(tap, !bad, "strings have the order of their characters");
}

static void check_values(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        oci_span_t span = oci_span_of(values[i].json, strlen(values[i].json));
        apr_int64_t number;

        tap_is(tap, oci_span_text(span, pool), values[i].text, "its text");
        tap_is(tap,
               oci_span_integer(&number, span)
                   ? apr_psprintf(pool, "%" APR_INT64_T_FMT, number)
                   : "",
               values[i].number, "its number");
        tap_is(tap, oci_span_compact(span, pool), values[i].compact,
               "its compact form");
    }
}

static void check_members(tap_t *tap)
{
    static const char text[] = "{\"x\":{\"a\":1},\"\\u0061\":[2],\"b\":null,"
                               "\"c\":\"}\\\"\",\"ab\":3}";
    static const char *const names[] = { "a", "b", "c", "d" };
    oci_span_t values[4], root = oci_span_of(text, strlen(text));

    oci_span_members(values, root, names, 4);
    tap_ok(tap, oci_span_is_array(values[0]) && values[0].size == 3,
           "a member whose name has escapes");
    tap_ok(tap, !values[1].text && !values[3].text, "null counts as absence");
    tap_ok(tap, oci_span_is_string(values[2]) && values[2].size == 5,
           "a string with a bracket and a quote");
    oci_span_members(values, values[0], names, 4);
    tap_ok(tap, !values[0].text, "an array has no members");
    tap_ok(tap,
           !oci_span_all_strings(root)
               && oci_span_all_strings(oci_span_of("[\"a\",\"]\"]", 9))
               && oci_span_all_strings(oci_span_of("{ \"a\" : \"b\" }", 13))
               && oci_span_all_strings(oci_span_of("[ ]", 3))
               && !oci_span_all_strings(oci_span_of("[\"a\",1]", 7)),
           "whether all values are strings");
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();

    check_texts(&tap, pool);
    check_depth(&tap, OCI_JSON_DEPTH, 1, pool);
    check_depth(&tap, OCI_JSON_DEPTH + 1, 0, pool);
    check_depth(&tap, 100000, 0, pool);
    check_order(&tap);
    check_values(&tap, pool);
    check_members(&tap);
    return tap_done(&tap);
}
