/* SPDX-License-Identifier: Apache-2.0 */

/* Headers of tar archives: what is made is parsed again, and what is not valid
 * is refused. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "admin/layout/tar_header.h"

#define GIB ((apr_off_t)1024 * 1024 * 1024)

/* A field of a header that is replaced, and what is parsed then. */
static const struct {
    const char *name;
    int offset;
    const char *bytes;
    int length;
    const char *error; /* how the message begins; NULL: it is valid */
    const char *parsed;
    char kind;
    apr_off_t size;
} headers[] = {
    { "a file", 0, "", 0, NULL, "a/b", OCI_TAR_FILE, 5 },
    { "an ancient file", 156, "\0", 1, NULL, "a/b", OCI_TAR_FILE, 5 },
    { "a contiguous file", 156, "7", 1, NULL, "a/b", OCI_TAR_FILE, 5 },
    { "blanks in the size", 124, "         12 ", 12, NULL, "a/b", OCI_TAR_FILE,
      10 },
    { "no size", 124, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, NULL, "a/b", OCI_TAR_FILE,
      0 },
    { "the largest octal size", 124, "777777777777", 12, NULL, "a/b",
      OCI_TAR_FILE, 64 * GIB - 1 },
    { "a size in base 256", 124, "\x80\0\0\0\0\0\0\x02\0\0\0\1", 12, NULL,
      "a/b", OCI_TAR_FILE, 8 * GIB + 1 },
    { "a negative size", 124,
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
      "the size of a member", NULL, 0, 0 },
    { "a size of 95 bits", 124,
      "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
      "the size of a member", NULL, 0, 0 },
    { "a size with a word", 124, "0000000001x", 11, "the size of a member",
      NULL, 0, 0 },
    { "a size with a digit 8", 124, "00000000018", 11, "the size of a member",
      NULL, 0, 0 },
    { "a prefix", 345, "x/y", 3, NULL, "x/y/a/b", OCI_TAR_FILE, 5 },
    { "a directory with content", 156, "5", 1, "a link, a directory", NULL, 0,
      0 },
    { "an ancient directory with content", 0, "a/b/", 4, "a link, a directory",
      NULL, 0, 0 },
    { "a hard link with content", 156, "1", 1, "a link, a directory", NULL, 0,
      0 },
    { "another kind", 156, "Z", 1, NULL, "a/b", 'Z', 5 },
};

static const struct {
    const char *data;
    int length;        /* 0: of the string */
    const char *error; /* how the message begins */
    const char *path;
    apr_off_t size;
    int is_sparse;
} records[] = {
    { "", 0, NULL, NULL, -1, 0 },
    { "8 path=\n", 0, NULL, "", -1, 0 },
    { "10 path=x\n", 0, NULL, "x", -1, 0 },
    { "10 path=x\n10 path=y\n", 0, NULL, "y", -1, 0 },
    { "14 path=a\nb=c\n", 0, NULL, "a\nb=c", -1, 0 },
    { "11 size=12\n12 mtime=.5\n", 0, NULL, NULL, 12, 0 },
    { "22 GNU.sparse.major=1\n", 0, NULL, NULL, -1, 1 },
    { "6 a=b\n", 0, NULL, NULL, -1, 0 },
    { "7 a=b\n", 0, "the length of a pax", NULL, 0, 0 },
    { "5 a=b\n", 0, "the length of a pax", NULL, 0, 0 },
    { "2 \n", 0, "the length of a pax", NULL, 0, 0 },
    { "1\n", 0, "the length of a pax", NULL, 0, 0 },
    { "a=b\n", 0, "the length of a pax", NULL, 0, 0 },
    { " 6 a=b\n", 0, "the length of a pax", NULL, 0, 0 },
    { "99999999999999999999 a=b\n", 0, "the length of a pax", NULL, 0, 0 },
    { "6 a=b", 0, "the length of a pax", NULL, 0, 0 },
    { "5 ab\n", 0, "a pax record has no", NULL, 0, 0 },
    { "12 path=a\0b\n", 12, "a pax record has a name", NULL, 0, 0 },
    { "8 size=\n", 0, "a pax record has a size", NULL, 0, 0 },
    { "10 size=-\n", 0, "a pax record has a size", NULL, 0, 0 },
    { "12 size=1 2\n", 0, "a pax record has a size", NULL, 0, 0 },
    { "29 size=99999999999999999999\n", 0, "a pax record has a size", NULL, 0,
      0 },
};

/* Write the sum of a header, as programs do. */
static void set_sum(char *block)
{
    unsigned sum = 0;
    int i;

    memset(block + 148, ' ', 8);
    for (i = 0; i < OCI_TAR_BLOCK; i++) {
        sum += (unsigned char)block[i];
    }
    snprintf(block + 148, 8, "%06o", sum & 0777777);
}

static int begins(const char *text, const char *with)
{
    return text && with ? !strncmp(text, with, strlen(with)) : text == with;
}

static void test_headers(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i, length;

    for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        char *block = apr_pmemdup(pool,
                                  oci_tar_header_make(&length, "a/b",
                                                      OCI_TAR_FILE, 5, pool),
                                  OCI_TAR_BLOCK);
        oci_tar_header_t header;
        const char *error;

        memcpy(block + headers[i].offset, headers[i].bytes, headers[i].length);
        set_sum(block);
        error = oci_tar_header_parse(&header, block);
        tap_ok(tap,
               begins(error, headers[i].error)
                   && (error
                       || (!strcmp(header.name, headers[i].parsed)
                           && header.kind == headers[i].kind
                           && header.size == headers[i].size)),
               "%s: %s", headers[i].name, error ? error : "valid");
        block[200]++;
        tap_ok(tap,
               begins(oci_tar_header_parse(&header, block), "the checksum"),
               "%s, with another sum", headers[i].name);
    }
}

static void test_records(tap_t *tap, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(records) / sizeof(*records); i++) {
        apr_size_t size = records[i].length ? (apr_size_t)records[i].length
                                            : strlen(records[i].data);
        oci_tar_pax_t pax;
        const char *error = oci_tar_pax_parse(&pax, records[i].data, size,
                                              pool);

        tap_ok(tap, begins(error, records[i].error), "records %d: %s", (int)i,
               error ? error : "valid");
        if (!error) {
            tap_is(tap, pax.name, records[i].path, "the name");
            tap_ok(tap,
                   pax.size == records[i].size
                       && pax.is_sparse == records[i].is_sparse,
                   "the size");
        }
    }
}

/* A header that is made says what was asked for. */
static void test_make(tap_t *tap, const char *name, char kind, apr_off_t size,
                      apr_pool_t *pool)
{
    apr_size_t length;
    const char *blocks = oci_tar_header_make(&length, name, kind, size, pool);
    const char *last = blocks + length - OCI_TAR_BLOCK;
    oci_tar_pax_t pax = { NULL, -1, 0 };
    oci_tar_header_t header;
    const char *error = NULL;

    if (last != blocks) {
        error = oci_tar_header_parse(&header, blocks);
        tap_ok(tap, !error && header.kind == OCI_TAR_PAX, "records come first");
        error = error ? error
                      : oci_tar_pax_parse(&pax, blocks + OCI_TAR_BLOCK,
                                          header.size, pool);
    }
    error = error ? error : oci_tar_header_parse(&header, last);
    tap_ok(tap,
           !error && header.kind == kind && !(length % OCI_TAR_BLOCK)
               && !strcmp(pax.name ? pax.name : header.name, name)
               && (pax.size < 0 ? header.size : pax.size) == size,
           "%.40s of %" APR_OFF_T_FMT " bytes: %s", name, size,
           error ? error : "the same");
}

int main(void)
{
    static const apr_off_t sizes[] = { 0, 1, 8 * GIB - 1, 8 * GIB, 1000 * GIB };
    apr_pool_t *pool = start_pool();
    tap_t tap = { 0, 0 };
    char zeros[OCI_TAR_BLOCK] = "";
    int i;

    test_headers(&tap, pool);
    test_records(&tap, pool);
    for (i = 0; i < 5; i++) {
        test_make(&tap, "index.json", OCI_TAR_FILE, sizes[i], pool);
    }
    test_make(&tap, "blobs/", OCI_TAR_DIRECTORY, 0, pool);
    for (i = 80; i < 1010; i++) { /* the length of a record gets a digit more */
        char *name = apr_pcalloc(pool, i + 1);

        memset(name, 'x', i);
        test_make(&tap, name, OCI_TAR_FILE, 7, pool);
    }
    tap_ok(&tap, oci_tar_is_end(zeros), "zeros are the end");
    zeros[OCI_TAR_BLOCK - 1] = 1;
    tap_ok(&tap, !oci_tar_is_end(zeros), "others are not");
    tap_ok(&tap,
           oci_tar_padding(0) == 0 && oci_tar_padding(1) == 511
               && oci_tar_padding(512) == 0 && oci_tar_padding(513) == 511,
           "the padding");
    return tap_done(&tap);
}
