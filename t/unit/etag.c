/* SPDX-License-Identifier: Apache-2.0 */

/* Matching entity tags, as for If-Match and If-None-Match. */

#include "tap.h"

#include "values/etag.h"

static const struct {
    const char *list;
    const char *value; /* or NULL for no entity */
    int strong;        /* whether it matches without weak tags */
    int weak;          /* whether it matches with weak tags */
} cases[] = {
    { "*", "sha256:ab", 1, 1 },
    { " * ", "sha256:ab", 1, 1 },
    { "*", NULL, 0, 0 },
    { "\"sha256:ab\"", "sha256:ab", 1, 1 },
    { " \"sha256:ab\" ", "sha256:ab", 1, 1 },
    { "sha256:ab", "sha256:ab", 1, 1 },
    { "sha256:cd, sha256:ab", "sha256:ab", 1, 1 },
    { "\"x\",\"sha256:ab\"", "sha256:ab", 1, 1 },
    { "\"x\" ,\t\"sha256:ab\"", "sha256:ab", 1, 1 },
    { ",,\"x\",,\"sha256:ab\",", "sha256:ab", 1, 1 },
    { "\"a,b\", \"sha256:ab\"", "sha256:ab", 1, 1 },
    { "\"a,b\"", "a,b", 1, 1 },
    { "\"\"", "", 1, 1 },
    { "W/\"sha256:ab\"", "sha256:ab", 0, 1 },
    { "W/\"x\", W/\"sha256:ab\"", "sha256:ab", 0, 1 },
    { "W/\"sha256:ab\", \"sha256:ab\"", "sha256:ab", 1, 1 },
    { "\"sha256:ab\"", NULL, 0, 0 },
    { "sha256:ab", NULL, 0, 0 },
    { "", "sha256:ab", 0, 0 },
    { "", "", 0, 0 },
    { ",", "sha256:ab", 0, 0 },
    { "\"sha256:a\"", "sha256:ab", 0, 0 },
    { "\"sha256:abc\"", "sha256:ab", 0, 0 },
    { "\"SHA256:AB\"", "sha256:ab", 0, 0 },
    { "\" sha256:ab\"", "sha256:ab", 0, 0 },
    { "\"x,sha256:ab\"", "sha256:ab", 0, 0 },
    { "\"x, *, y\"", "sha256:ab", 0, 0 },
    { "\"*\"", "sha256:ab", 0, 0 },
    { "*x", "sha256:ab", 0, 0 },
    { "\"sha256:ab", "sha256:ab", 0, 0 },
    { "\"", "sha256:ab", 0, 0 },
    { "\"", "", 0, 0 },
    { "W/", "sha256:ab", 0, 0 },
    { "W/\"", "sha256:ab", 0, 0 },
    { "w/\"sha256:ab\"", "sha256:ab", 0, 0 },
    { "Tue, 24 Nov 2026 10:00:00 GMT", "sha256:ab", 0, 0 },
};

int main(void)
{
    tap_t tap = { 0, 0 };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tap_ok(&tap,
               oci_etag_match(cases[i].list, cases[i].value, 0)
                   == cases[i].strong,
               "strong: %s", cases[i].list);
        tap_ok(&tap,
               oci_etag_match(cases[i].list, cases[i].value, 1)
                   == cases[i].weak,
               "weak: %s", cases[i].list);
    }
    return tap_done(&tap);
}
