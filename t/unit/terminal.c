/* SPDX-License-Identifier: Apache-2.0 */

/* Text for a terminal, and JSON in ASCII: nothing passes that a terminal might
 * act on, and no text leaves its room. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "admin/terminal.h"
#include "values/timestamp.h"

static const struct {
    const char *text;
    const char *shown; /* in a locale of UTF-8 */
    const char *ascii; /* in another one; NULL: the same */
    const char *json;
} cases[] = {
    { "", "", NULL, "\"\"" },
    { "a b~", "a b~", NULL, "\"a b~\"" },
    { "a\\b\"", "a\\\\b\"", NULL, "\"a\\\\b\\\"\"" },
    { "\033[31m", "\\x1b[31m", NULL, "\"\\u001b[31m\"" },
    { "\r\n\t", "\\x0d\\x0a\\x09", NULL, "\"\\u000d\\u000a\\u0009\"" },
    { "\177", "\\x7f", NULL, "\"\\u007f\"" },
    { "\302\233m", "\\u{9b}m", NULL, "\"\\u009bm\"" },
    { "\303\251", "\303\251", "\\u{e9}", "\"\\u00e9\"" },
    { "\342\200\256x", "\\u{202e}x", NULL, "\"\\u202ex\"" },
    { "\357\273\277", "\\u{feff}", NULL, "\"\\ufeff\"" },
    { "\360\237\220\263", "\360\237\220\263", "\\u{1f433}",
      "\"\\ud83d\\udc33\"" },
    { "\364\217\277\277", "\364\217\277\277", "\\u{10ffff}",
      "\"\\udbff\\udfff\"" },
    { "\363\240\200\201", "\\u{e0001}", NULL, "\"\\udb40\\udc01\"" },
    { "\233\377", "\\x9b\\xff", NULL, "\"??\"" },
    { "\300\233", "\\xc0\\x9b", NULL, "\"??\"" },
    { "\355\240\200", "\\xed\\xa0\\x80", NULL, "\"???\"" },
    { "\342\200", "\\xe2\\x80", NULL, "\"??\"" },
};

static const struct {
    char last;
    const char *text;
    int would_act; /* in a locale of UTF-8 */
} chunks[] = {
    { 0, "{\n\t\"a\": 1\r\n}", 0 },
    { 0, "\033", 1 },
    { 0, "a\177", 1 },
    { 0, "\303\251", 0 },
    { 0, "\302\233", 1 },
    { (char)0302, "\233", 1 },
    { (char)0302, "\240", 0 },
    { 0, "\b", 1 },
};

/* A text of many such characters is cut, and not in the middle of one. */
static void test_length(tap_t *tap, const char *character, apr_pool_t *pool)
{
    int size = (int)strlen(character), i;
    char *text = apr_pcalloc(pool, 3000 * size + 1);
    const char *shown, *end = apr_psprintf(pool, "... (%d bytes)", 3000 * size);

    for (i = 0; i < 3000; i++) {
        memcpy(text + i * size, character, size);
    }
    shown = oci_terminal_text(text, pool);
    tap_ok(tap,
           strlen(shown) < 10 * (OCI_TERMINAL_TEXT_MAX + 4)
               && !strcmp(shown + strlen(shown) - strlen(end), end)
               && !strncmp(shown + strlen(shown) - strlen(end) - size,
                           oci_terminal_text(character, pool), size),
           "%d bytes are cut", 3000 * size);
}

int main(void)
{
    tap_t tap = { 0 };
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        setenv("LC_ALL", "C.UTF-8", 1);
        tap_is(&tap, oci_terminal_text(cases[i].text, pool), cases[i].shown,
               cases[i].shown);
        setenv("LC_ALL", "C", 1);
        tap_is(&tap, oci_terminal_text(cases[i].text, pool),
               cases[i].ascii ? cases[i].ascii : cases[i].shown,
               "without UTF-8");
        tap_is(&tap, oci_terminal_quote(cases[i].text, pool), cases[i].json,
               "as JSON");
    }
    tap_is(&tap, oci_terminal_quote(NULL, pool), "null", "no text");
    setenv("LC_ALL", "C.UTF-8", 1);
    for (i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
        tap_ok(&tap,
               oci_terminal_would_act(chunks[i].last, chunks[i].text,
                                      strlen(chunks[i].text))
                   == chunks[i].would_act,
               "bytes %d", (int)i);
    }
    tap_ok(&tap, oci_terminal_would_act(0, "a\0b", 3), "a NUL");
    test_length(&tap, "x", pool);
    test_length(&tap, "\303\251", pool);
    test_length(&tap, "\360\237\220\263", pool);
    tap_is(&tap, oci_terminal_size(0, pool), "0B", "no bytes");
    tap_is(&tap, oci_terminal_size(972, pool), "972B", "some bytes");
    tap_is(&tap, oci_terminal_size(1536, pool), "1.5K", "some KiB");
    tap_is(&tap, oci_terminal_size((apr_uint64_t)-1, pool), "8.0E",
           "very many");
    tap_is(&tap, oci_terminal_count(0, "blob", pool), "0 blobs", "no blobs");
    tap_is(&tap, oci_terminal_count(1, "blob", pool), "1 blob", "a blob");
    tap_is(&tap, oci_terminal_count(1, "repository", pool), "1 repository",
           "a repository");
    tap_is(&tap, oci_terminal_count(2, "empty repository", pool),
           "2 empty repositories", "two repositories");
    tap_is(&tap, oci_timestamp_format(1, pool), "1970-01-01T00:00:01Z",
           "a time");
    tap_is(&tap, oci_timestamp_format(253402300799, pool),
           "9999-12-31T23:59:59Z", "the last time");
    tap_is(&tap, oci_timestamp_format(253402300800, pool), NULL, "a later one");
    tap_is(&tap, oci_timestamp_format(0, pool), NULL, "no time");
    tap_is(&tap, oci_timestamp_format(-1, pool), NULL, "an earlier one");
    return tap_done(&tap);
}
