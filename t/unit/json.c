/* SPDX-License-Identifier: Apache-2.0 */

/* JSON text: quoting and compact output. */

#include "start_pool.h"
#include "tap.h"

#include "values/json.h"

static const struct {
    const char *text;
    const char *quoted;
} strings[] = {
    { "", "\"\"" },
    { "abc", "\"abc\"" },
    { "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
    { "\x01\t\n\r\x1f\x7f", "\"\\u0001\\u0009\\u000a\\u000d\\u001f\x7f\"" },
    { "\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\"" },
    { "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
      "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"" },
    { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
      "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
    { "\x80", "\"?\"" },
    { "\xff\xfe", "\"??\"" },
    { "\xc3", "\"?\"" },
    { "\xc3x", "\"?x\"" },
    { "\xe2\x82", "\"??\"" },
    { "\xf0\x9f\x98", "\"???\"" },
    { "\xc0\xaf\xc1\xbf", "\"????\"" },
    { "\xe0\x9f\xbf", "\"???\"" },
    { "\xf0\x8f\xbf\xbf", "\"????\"" },
    { "\xed\xa0\x80", "\"???\"" },
    { "\xf4\x90\x80\x80", "\"????\"" },
    { "\xf5\x80\x80\x80", "\"????\"" },
    { "a\x80\xc3\xa4\x80z", "\"a?\xc3\xa4?z\"" },
};

static const struct {
    const char *text;
    const char *compact;
} values[] = {
    { "{ }", "{}" },
    { "[ ]", "[]" },
    { " \"x\" ", "\"x\"" },
    { "null", "null" },
    { "{ \"z\": 1,\n\"a\": [ true, \"\\u00e4\" ] , \"m\": { \"k\": 2 } }",
      "{\"z\":1,\"a\":[true,\"\xc3\xa4\"],\"m\":{\"k\":2}}" },
};

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
        const char *quoted = oci_json_quote(strings[i].text, pool);
        json_t *value = json_loads(quoted, JSON_DECODE_ANY, NULL);

        tap_is(&tap, quoted, strings[i].quoted, "a string is quoted");
        tap_ok(&tap, json_is_string(value), "and jansson can read it");
        json_decref(value);
    }
    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        json_t *value = json_loads(values[i].text, JSON_DECODE_ANY, NULL);

        tap_is(&tap, oci_json_text(value, pool), values[i].compact,
               "the text of a value is compact");
        json_decref(value);
    }
    return tap_done(&tap);
}
