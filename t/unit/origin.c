/* SPDX-License-Identifier: Apache-2.0 */

/* When and by whom: the text that follows a digest or a media type. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/origin.h"

#define LARGE (4 * 1024 * 1024)

static const struct {
    const char *text;
    apr_int64_t seconds;
    const char *user;
} texts[] = {
    { "", 0, NULL },
    { ";", 0, NULL },
    { ";;", 0, NULL },
    { ";;ci", 0, NULL },
    { ";1", 0, NULL },
    { ";1;", 1, NULL },
    { ";1;ci", 1, "ci" },
    { ";1764307759;ci", 1764307759, "ci" },
    { ";0;ci", 0, "ci" },
    { "1;ci", 0, NULL },
    { "\t1\tci", 0, NULL },
    { ";-1;ci", 0, NULL },
    { ";+1;ci", 0, NULL },
    { "; 1;ci", 0, NULL },
    { ";1x;ci", 0, NULL },
    { ";999999999999;ci", APR_INT64_C(999999999999), "ci" },
    { ";1000000000000;ci", 0, NULL },
    { ";18446744073709551617;ci", 0, NULL },
    { ";1;a%20b%3B%25%c3%A4", 1, "a b;%\xc3\xa4" },
    { ";1;%", 1, NULL },
    { ";1;%4", 1, NULL },
    { ";1;ab%4", 1, NULL },
    { ";1;%zz", 1, NULL },
    { ";1;%4z", 1, NULL },
    { ";1;a%00b", 1, NULL },
    { ";1;a b", 1, NULL },
    { ";1;a\tb", 1, NULL },
    { ";1;a;b", 1, NULL },
    { ";1;\xff", 1, NULL },
};

static const char *const users[] = {
    "ci", "a b", "%", ";", "%41", "CN=x,O=y; z", "\xc3\xa4", "\x01\t\n\x7f\xff",
};

static void check_texts(tap_t *tap, apr_pool_t *pool)
{
    oci_origin_t origin;
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        oci_origin_parse(&origin, texts[i].text, strlen(texts[i].text), ';',
                         pool);
        tap_ok(tap, origin.seconds == texts[i].seconds, "the time of '%s'",
               texts[i].text);
        tap_is(tap, origin.user, texts[i].user, "and its user");
    }
    oci_origin_parse(&origin, ";12;ab", 2, ';', pool);
    tap_ok(tap, !origin.seconds && !origin.user, "nothing behind the end");
}

static void check_round_trips(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(users) / sizeof(*users); i++) {
        oci_origin_t origin, back;
        const char *text;

        oci_origin_set(&origin, 17, users[i], pool);
        text = oci_origin_format(&origin, i % 2 ? ';' : '\t', pool);
        oci_origin_parse(&back, text, strlen(text), i % 2 ? ';' : '\t', pool);
        tap_is(tap, back.user, users[i], text);
        tap_ok(tap, back.seconds == 17, "and its time");
    }
}

/* Return a user of so many bytes. */
static char *make_user(const char *part, apr_size_t size, apr_pool_t *pool)
{
    char *user = apr_palloc(pool, size + 1);
    apr_size_t i;

    for (i = 0; i < size; i++) {
        user[i] = part[i % strlen(part)];
    }
    user[size] = '\0';
    return user;
}

static void check_cuts(tap_t *tap, apr_pool_t *pool)
{
    static const struct {
        const char *part;
        apr_size_t kept;
    } cuts[] = { { "a", 255 },
                 { "\xc3\xa4", 254 },
                 { "\xe2\x82\xac", 255 },
                 { "\xf0\x9f\x90\xb3", 252 },
                 { "\x80", 252 } };
    oci_origin_t origin;
    apr_size_t i;

    for (i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        oci_origin_set(&origin, 1, make_user(cuts[i].part, LARGE, pool), pool);
        tap_ok(tap, strlen(origin.user) == cuts[i].kept,
               "a long name is cut at a character: %d", (int)cuts[i].kept);
    }
    oci_origin_set(&origin, 1, make_user("a", 255, pool), pool);
    tap_ok(tap, strlen(origin.user) == 255, "255 bytes are kept");
    oci_origin_set(&origin, 1, make_user("\xff", 255, pool), pool);
    tap_ok(tap, strlen(oci_origin_format(&origin, ';', pool)) == 3 + 3 * 255,
           "the text of the longest name");
    oci_origin_set(&origin, 1, "", pool);
    tap_is(tap, origin.user, NULL, "an empty name is none");
    oci_origin_parse(&origin,
                     apr_pstrcat(pool, ";1;", make_user("a", LARGE, pool),
                                 NULL),
                     LARGE + 3, ';', pool);
    tap_ok(tap, origin.seconds == 1 && !origin.user,
           "a stored name of 4 MiB is not valid");
    oci_origin_parse(&origin,
                     apr_pstrcat(pool, ";1;", make_user("a", 256, pool), NULL),
                     256 + 3, ';', pool);
    tap_is(tap, origin.user, NULL, "nor one of 256 bytes");
}

static void check_sameness(tap_t *tap)
{
    static const struct {
        oci_origin_t earlier, now;
        int same;
    } cases[] = {
        { { 100, "a" }, { 100, "a" }, 1 },  { { 100, "a" }, { 159, "a" }, 1 },
        { { 100, "a" }, { 160, "a" }, 0 },  { { 101, "a" }, { 100, "a" }, 0 },
        { { 100, "a" }, { 101, "b" }, 0 },  { { 100, NULL }, { 101, "b" }, 0 },
        { { 100, "a" }, { 101, NULL }, 0 }, { { 100, NULL }, { 101, NULL }, 1 },
        { { 0, NULL }, { 1000, NULL }, 0 },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tap_ok(tap,
               oci_origin_is_same(&cases[i].earlier, &cases[i].now)
                   == cases[i].same,
               "the same push, or not: %d", (int)i);
    }
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();

    check_texts(&tap, pool);
    check_round_trips(&tap, pool);
    check_cuts(&tap, pool);
    check_sameness(&tap);
    return tap_done(&tap);
}
