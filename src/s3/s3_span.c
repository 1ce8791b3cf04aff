/* SPDX-License-Identifier: Apache-2.0 */

/* Some bytes of an object: their request, and the head of a response. */

#include <string.h>

#include "apr_date.h"
#include "apr_strings.h"

#include "s3/s3_span.h"

const char *oci_s3_span_range(const oci_s3_span_t *span, apr_pool_t *pool)
{
    if (span->until) {
        return apr_psprintf(pool, "bytes=%" APR_OFF_T_FMT "-%" APR_OFF_T_FMT,
                            span->offset, span->until - 1);
    }
    return span->offset
        ? apr_psprintf(pool, "bytes=%" APR_OFF_T_FMT "-", span->offset)
        : NULL;
}

/* Read "bytes first-last/size". */
static int parse_content_range(apr_off_t *first, apr_off_t *size,
                               const char *text)
{
    const char *slash = text ? strchr(text, '/') : NULL;

    if (!slash || strncmp(text, "bytes ", 6)) {
        return 0;
    }
    *first = apr_atoi64(text + 6);
    *size = apr_atoi64(slash + 1);
    return *size > 0 || slash[1] == '0';
}

const char *oci_s3_span_match(oci_s3_info_t *info, const oci_s3_span_t *span,
                              const oci_s3_exchange_t *exchange,
                              apr_pool_t *pool)
{
    const apr_table_t *headers = exchange->received;
    const char *length = apr_table_get(headers, "Content-Length");
    const char *etag = apr_table_get(headers, "ETag");
    const char *modified = apr_table_get(headers, "Last-Modified");
    apr_off_t first = 0, size = length ? apr_atoi64(length) : -1;

    if (exchange->status == 206
        && !parse_content_range(&first, &size,
                                apr_table_get(headers, "Content-Range"))) {
        return "the response has no valid Content-Range";
    }
    if (size < 0) {
        return "the response has no Content-Length";
    }
    if (first != span->offset) {
        return "the response begins at another byte than requested";
    }
    if (info->size >= 0
        && (size != info->size
            || (etag && info->etag && strcmp(etag, info->etag)))) {
        return "the object has changed while it was read";
    }
    if (info->size < 0) {
        info->size = size;
        info->etag = etag ? apr_pstrdup(pool, etag) : NULL;
        info->modified = modified ? apr_date_parse_http(modified) : 0;
    }
    return NULL;
}
