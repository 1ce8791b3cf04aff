/* SPDX-License-Identifier: Apache-2.0 */

/* Validating names of repositories and tags. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/name.h"

static const struct {
    const char *text;
    int valid;
} names[] = {
    { "a", 1 },
    { "0", 1 },
    { "library/nginx", 1 },
    { "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", 1 },
    { "blobs/uploads/manifests/tags/list/referrers", 1 },
    { "a.b", 1 },
    { "a_b", 1 },
    { "a__b", 1 },
    { "a-b", 1 },
    { "a------b", 1 },
    { "a.b_c__d-e--f/0-0", 1 },
    { "my.de", 1 },
    { "", 0 },
    { "/", 0 },
    { "/a", 0 },
    { "a/", 0 },
    { "a//b", 0 },
    { "a/./b", 0 },
    { "a/../b", 0 },
    { "..", 0 },
    { "a..b", 0 },
    { "a___b", 0 },
    { "a._b", 0 },
    { "a_-b", 0 },
    { "a-.b", 0 },
    { ".a", 0 },
    { "_a", 0 },
    { "-a", 0 },
    { "a.", 0 },
    { "a_", 0 },
    { "a__", 0 },
    { "a-", 0 },
    { "a/-b", 0 },
    { "a-/b", 0 },
    { "A", 0 },
    { "aB", 0 },
    { "a b", 0 },
    { "a:b", 0 },
    { "a@b", 0 },
    { "a%2fb", 0 },
    { "a\\b", 0 },
    { "a\nb", 0 },
    { "a\n", 0 },
    { "\xc3\xa4", 0 },
    { "a\xff", 0 },
};

static const struct {
    const char *text;
    int valid;
} tags[] = {
    { "latest", 1 }, { "a", 1 },   { "Z", 1 },      { "0", 1 },
    { "_", 1 },      { "_x", 1 },  { "1.2.3", 1 },  { "v1.0-rc_1", 1 },
    { "a..b", 1 },   { "a.", 1 },  { "a-", 1 },     { "sha256-e3b0.sig", 1 },
    { "", 0 },       { ".a", 0 },  { "-a", 0 },     { ".", 0 },
    { "..", 0 },     { "a+b", 0 }, { "a b", 0 },    { "a/b", 0 },
    { "a:b", 0 },    { "a\n", 0 }, { "a\r\nb", 0 }, { "\xc3\xa4", 0 },
};

/* A string of length times "a". */
static const char *run_of(int length, apr_pool_t *pool)
{
    return memset(apr_pcalloc(pool, length + 1), 'a', length);
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        tap_ok(&tap, oci_name_valid(names[i].text) == names[i].valid,
               "name %d is %svalid", (int)i, names[i].valid ? "" : "not ");
    }
    for (i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
        tap_ok(&tap, oci_tag_valid(tags[i].text) == tags[i].valid,
               "tag %d is %svalid", (int)i, tags[i].valid ? "" : "not ");
    }

    tap_ok(&tap, oci_name_valid(run_of(254, pool)), "a component of 254 bytes");
    tap_ok(&tap, !oci_name_valid(run_of(255, pool)),
           "not a component of 255 bytes");
    tap_ok(&tap,
           oci_name_valid(apr_pstrcat(pool, run_of(127, pool), "/",
                                      run_of(127, pool), NULL)),
           "a name of 255 bytes in two components");
    tap_ok(&tap,
           !oci_name_valid(apr_pstrcat(pool, run_of(127, pool), "/",
                                       run_of(128, pool), NULL)),
           "not a name of 256 bytes in two components");
    tap_ok(&tap, oci_tag_valid(run_of(128, pool)), "a tag of 128 bytes");
    tap_ok(&tap, !oci_tag_valid(run_of(129, pool)), "not a tag of 129 bytes");
    return tap_done(&tap);
}
