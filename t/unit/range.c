/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing the Range and Content-Range headers. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/range.h"

#define UNIT "ignored"
#define BAD  "refused"

/* A header, and its ranges, each as "first+length;"; or UNIT or BAD. */
static const struct {
    const char *text;
    apr_off_t size;
    const char *ranges;
} replies[] = {
    { "bytes=0-0", 1000, "0+1;" },
    { "bytes=0-499", 1000, "0+500;" },
    { "BYTES=0-499", 1000, "0+500;" },
    { "bytes=500-", 1000, "500+500;" },
    { "bytes=999-", 1000, "999+1;" },
    { "bytes=0-999", 1000, "0+1000;" },
    { "bytes=0-1000", 1000, "0+1000;" },
    { "bytes=900-99999999999999999999999999", 1000, "900+100;" },
    { "bytes=-1", 1000, "999+1;" },
    { "bytes=-1000", 1000, "0+1000;" },
    { "bytes=-1001", 1000, "0+1000;" },
    { "bytes=-99999999999999999999999999", 1000, "0+1000;" },
    { "bytes=0-0,-1", 1000, "0+1;999+1;" },
    { "bytes=0-1,2-3,4-5", 1000, "0+2;2+2;4+2;" },
    { "bytes=500-600,0-1", 1000, "500+101;0+2;" },
    { "bytes=0-9,5-14", 1000, "0+10;5+10;" },
    { "bytes=0-9 , 20-29", 1000, "0+10;20+10;" },
    { "bytes=0-9,\t20-29", 1000, "0+10;20+10;" },
    { "bytes= 0-9", 1000, "0+10;" },
    { "bytes=,0-9,,20-29,", 1000, "0+10;20+10;" },
    { "bytes=1000-,0-9", 1000, "0+10;" },
    { "bytes=0-9,-0", 1000, "0+10;" },
    { "bytes=0-9,2000-3000,20-", 1000, "0+10;20+980;" },
    { "bytes=5000000000-5000000009", APR_INT64_C(6000000000),
      "5000000000+10;" },
    { "bytes=0-499,500-999", 1000, "0+500;500+500;" },

    { "bytes=0-500,500-999", 1000, BAD },
    { "bytes=0-,0-", 1000, BAD },
    { "bytes=0-,0-0", 1000, BAD },
    { "bytes=1000-", 1000, BAD },
    { "bytes=1000-1001,2000-", 1000, BAD },
    { "bytes=99999999999999999999999999-", 1000, BAD },
    { "bytes=-0", 1000, BAD },
    { "bytes=0-", 0, BAD },
    { "bytes=0-0", 0, BAD },
    { "bytes=-1", 0, BAD },
    { "bytes=500-0", 1000, BAD },
    { "bytes=0-9,500-0", 1000, BAD },
    { "bytes=", 1000, BAD },
    { "bytes=,", 1000, BAD },
    { "bytes=-", 1000, BAD },
    { "bytes=--1", 1000, BAD },
    { "bytes=0", 1000, BAD },
    { "bytes=a-b", 1000, BAD },
    { "bytes=0-9a", 1000, BAD },
    { "bytes=0 -9", 1000, BAD },
    { "bytes=0-9 20-29", 1000, BAD },
    { "bytes=0-9;20-29", 1000, BAD },
    { "bytes=+0-9", 1000, BAD },
    { "bytes=0x0-9", 1000, BAD },
    { "bytes=0-9-20", 1000, BAD },

    { "items=0-9", 1000, UNIT },
    { "0-9", 1000, UNIT },
    { "bytes", 1000, UNIT },
    { "bytes 0-9", 1000, UNIT },
    { "bytesx=0-9", 1000, UNIT },
    { "", 1000, UNIT },
};

static const struct {
    const char *text;
    apr_off_t first;
    apr_off_t length; /* 0 if it is refused */
} uploads[] = {
    { "0-0", 0, 1 },
    { "0-9", 0, 10 },
    { "10-19", 10, 10 },
    { "4294967296-4294967305", APR_INT64_C(4294967296), 10 },
    { "0-9223372036854775806", 0, APR_INT64_MAX },
    { "bytes 0-9/10", 0, 10 },
    { "bytes 0-9/*", 0, 10 },
    { "Bytes 5-9/100", 5, 5 },

    { "", 0, 0 },
    { "-", 0, 0 },
    { "0", 0, 0 },
    { "0-", 0, 0 },
    { "-9", 0, 0 },
    { "9-0", 0, 0 },
    { "0-9/10", 0, 0 },
    { "0-9 ", 0, 0 },
    { " 0-9", 0, 0 },
    { "0 - 9", 0, 0 },
    { "+0-9", 0, 0 },
    { "0--9", 0, 0 },
    { "0-9,10-19", 0, 0 },
    { "0x0-9", 0, 0 },
    { "bytes=0-9", 0, 0 },
    { "bytes 0-9", 0, 0 },
    { "bytes 0-9/", 0, 0 },
    { "bytes 0-9/x", 0, 0 },
    { "bytes 0-9/10x", 0, 0 },
    { "bytes 0-9/**", 0, 0 },
    { "bytes 0-9/9", 0, 0 },
    { "bytes 0-9/0", 0, 0 },
    { "bytes */10", 0, 0 },
    { "bytes  0-9/10", 0, 0 },
    { "items 0-9/10", 0, 0 },
    { "0-9223372036854775807", 0, 0 },
    { "0-99999999999999999999999", 0, 0 },
    { "99999999999999999999999-99999999999999999999999", 0, 0 },
    { "bytes 0-99999999999999999999999/*", 0, 0 },
};

static const char *text_of(const apr_array_header_t *ranges, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < ranges->nelts; i++) {
        const oci_range_t *range = &APR_ARRAY_IDX(ranges, i, oci_range_t);

        text = apr_psprintf(pool, "%s%" APR_OFF_T_FMT "+%" APR_OFF_T_FMT ";",
                            text, range->first, range->length);
    }
    return text;
}

/* As many ranges as a client that pulls lazily may ask for. */
static void many(tap_t *tap, apr_pool_t *pool)
{
    apr_array_header_t *ranges;
    const char *text = "bytes=0-0";
    int i;

    for (i = 1; i < 1000; i++) {
        text = apr_psprintf(pool, "%s,%d-%d", text, 2 * i, 2 * i);
    }
    tap_ok(tap,
           !oci_ranges_parse(&ranges, text, 2000, pool) && ranges->nelts == 1000
               && APR_ARRAY_IDX(ranges, 999, oci_range_t).first == 1998,
           "a thousand ranges");
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
        apr_array_header_t *ranges;
        apr_status_t status = oci_ranges_parse(&ranges, replies[i].text,
                                               replies[i].size, pool);

        tap_is(&tap,
               status == APR_ENOTIMPL     ? UNIT
                   : status == APR_EINVAL ? BAD
                                          : text_of(ranges, pool),
               replies[i].ranges,
               apr_psprintf(pool, "Range: %s", replies[i].text));
    }

    many(&tap, pool);

    for (i = 0; i < sizeof(uploads) / sizeof(*uploads); i++) {
        oci_range_t range;
        apr_status_t status = oci_content_range_parse(&range, uploads[i].text);

        tap_ok(&tap,
               uploads[i].length
                   ? status == APR_SUCCESS && range.first == uploads[i].first
                       && range.length == uploads[i].length
                   : status == APR_EINVAL,
               "Content-Range: %s", uploads[i].text);
    }
    return tap_done(&tap);
}
