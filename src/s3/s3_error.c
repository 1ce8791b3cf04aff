/* SPDX-License-Identifier: Apache-2.0 */

/* The meaning of a response of an S3 server, as a status and a sentence. */

#include <stdlib.h>
#include <string.h>

#include "apr_date.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "mod_oci.h"
#include "s3/s3_error.h"
#include "s3/s3_xml.h"

#define MESSAGE_MAX 200
#define SKEW_MAX    apr_time_from_sec(900)

/* The meaning of a code. */
typedef struct meaning_t {
    const char *code;
    apr_status_t status;
    int transient;
    const char *why; /* NULL: the server's own words do */
} meaning_t;

static const meaning_t meanings[] = {
    { "NoSuchKey", APR_NOTFOUND, 0, NULL },
    { "NoSuchUpload", APR_NOTFOUND, 0, NULL },
    { "PreconditionFailed", APR_EEXIST, 0, NULL },
    { "ConditionalRequestConflict", APR_EEXIST, 0, NULL },
    { "NoSuchBucket", APR_EGENERAL, 0, "the bucket does not exist" },
    { "AccessDenied", APR_EACCES, 0, "the credentials do not allow it" },
    { "AllAccessDisabled", APR_EACCES, 0, "the bucket is disabled" },
    { "AccountProblem", APR_EACCES, 0, "the account has a problem" },
    { "InvalidAccessKeyId", APR_EACCES, 0,
      "the server does not know the access key: check OCIS3Credentials" },
    { "SignatureDoesNotMatch", APR_EACCES, 0,
      "the secret key does not belong to the access key, or a proxy changes "
      "requests: check OCIS3Credentials" },
    { "ExpiredToken", APR_EACCES, 0, "the session credentials have expired" },
    { "InvalidToken", APR_EACCES, 0, "the session token is not valid" },
    { "TokenRefreshRequired", APR_EACCES, 0,
      "the session credentials must be renewed" },
    { "QuotaExceeded", APR_ENOSPC, 0, "a quota is used up" },
    { "XMinioStorageFull", APR_ENOSPC, 0, "the server has no space left" },
    { "NotImplemented", APR_ENOTIMPL, 0, "the server cannot do this" },
    { "MethodNotAllowed", APR_ENOTIMPL, 0, "the server cannot do this" },
    { "SlowDown", APR_TIMEUP, 1, "the server is overloaded" },
    { "ServiceUnavailable", APR_TIMEUP, 1, "the server is overloaded" },
    { "RequestTimeout", APR_TIMEUP, 1, "the server received it too slowly" },
    { "OperationAborted", APR_TIMEUP, 1, "another request was under way" },
    { "InternalError", APR_TIMEUP, 1, "the server failed" },
    { "XAmzContentSHA256Mismatch", APR_EGENERAL, 1,
      "the bytes were damaged on their way" },
    { "BadDigest", APR_EGENERAL, 1, "the bytes were damaged on their way" },
};

/* The meaning of a response without a known code. */
static const struct {
    int status;
    meaning_t meaning;
} status_meanings[] = {
    { 403, { "", APR_EACCES, 0, "the server refused the credentials" } },
    { 404, { "", APR_NOTFOUND, 0, NULL } },
    { 405, { "", APR_ENOTIMPL, 0, "the server cannot do this" } },
    { 412, { "", APR_EEXIST, 0, NULL } },
    { 429, { "", APR_TIMEUP, 1, "the server is overloaded" } },
    { 500, { "", APR_TIMEUP, 1, "the server failed" } },
    { 501, { "", APR_ENOTIMPL, 0, "the server cannot do this" } },
    { 502, { "", APR_TIMEUP, 1, "a proxy could not reach the server" } },
    { 503, { "", APR_TIMEUP, 1, "the server is overloaded" } },
    { 504, { "", APR_TIMEUP, 1, "a proxy could not reach the server" } },
    { 507, { "", APR_ENOSPC, 0, "the server has no space left" } },
};

static const meaning_t unknown = { "", APR_EGENERAL, 0, NULL };
static const meaning_t foreign = { "", APR_EGENERAL, 0,
                                   "the response is not from an S3 server: "
                                   "check OCIS3Endpoint" };

/* Copy a text of the server's that may be logged. */
static const char *safe_text(const char *text, apr_pool_t *pool)
{
    char *copy, *p;

    if (!text) {
        return "";
    }
    copy = apr_pstrndup(pool, text, MESSAGE_MAX);
    for (p = copy; *p; p++) {
        if (apr_iscntrl(*p)) {
            *p = ' ';
        }
    }
    return copy;
}

/* Whether a text can be a region, and may be shown as one. */
static int region_valid(const char *region)
{
    return *region && strlen(region) <= 64
        && strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")
        == strlen(region);
}

void oci_s3_error_read(oci_s3_error_t *error, const oci_s3_exchange_t *exchange,
                       apr_pool_t *pool)
{
    const apr_xml_elem *root;
    const char *region = NULL;

    error->code = "";
    error->message = "";
    if (exchange->received) {
        region = apr_table_get(exchange->received, "x-amz-bucket-region");
    }
    if (exchange->size
        && oci_s3_xml_parse(&root, exchange->data, exchange->size, pool)
            == APR_SUCCESS
        && !strcmp(root->name, "Error")) {
        const char *said = oci_s3_xml_text(root, "Region", pool);

        error->code = safe_text(oci_s3_xml_text(root, "Code", pool), pool);
        error->message = safe_text(oci_s3_xml_text(root, "Message", pool),
                                   pool);
        region = said ? said : region;
    }
    error->region = region && region_valid(region) ? region : NULL;
}

/* Look up what a response means; an error document in a 200 is one too.  S3
 * servers say what is missing, except in a response to HEAD. */
static const meaning_t *meaning_of(const oci_s3_failure_t *failure)
{
    apr_size_t i;

    for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (!strcmp(failure->error.code, meanings[i].code)) {
            return &meanings[i];
        }
    }
    if (failure->exchange->status == 404 && strcmp(failure->method, "HEAD")) {
        return &foreign;
    }
    for (i = 0; i < sizeof(status_meanings) / sizeof(status_meanings[0]); i++) {
        if (failure->exchange->status == status_meanings[i].status) {
            return &status_meanings[i].meaning;
        }
    }
    return &unknown;
}

int oci_s3_error_transient(const oci_s3_failure_t *failure)
{
    if (failure->result != APR_SUCCESS) {
        return failure->result == APR_ECONNREFUSED
            || failure->result == APR_TIMEUP;
    }
    return meaning_of(failure)->transient;
}

int oci_s3_error_expired(const oci_s3_failure_t *failure)
{
    static const char *const codes[] = { "ExpiredToken", "InvalidToken",
                                         "TokenRefreshRequired",
                                         "InvalidAccessKeyId" };
    apr_size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (!strcmp(failure->error.code, codes[i])) {
            return 1;
        }
    }
    return 0;
}

void oci_s3_error_say(const oci_s3_failure_t *failure, const char *why,
                      apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = failure->settings;
    const char *what = failure->key
        ? apr_psprintf(pool, "'%s%s' in ", settings->prefix, failure->key)
        : "";

    apr_pool_userdata_setn(apr_psprintf(pool,
                                        "%s of %sthe bucket '%s' at %s: "
                                        "%s",
                                        failure->method, what, settings->bucket,
                                        settings->endpoint.origin, why),
                           OCI_REASON, NULL, pool);
}

/* Say where a bucket is that is not where it was looked for; NULL if the
 * response is not about that. */
static const char *wrong_region(const oci_s3_failure_t *failure,
                                apr_pool_t *pool)
{
    const oci_s3_error_t *error = &failure->error;
    int status = failure->exchange->status;
    int moved = (status >= 300 && status < 400 && status != 304)
        || !strcmp(error->code, "AuthorizationHeaderMalformed")
        || !strcmp(error->code, "IllegalLocationConstraintException");

    if (error->region && strcmp(error->region, failure->settings->region)
        && (moved || status == 400)) {
        return apr_psprintf(pool,
                            "the bucket is in the region '%s', not in '%s': "
                            "set OCIS3Region %s",
                            error->region, failure->settings->region,
                            error->region);
    }
    return moved ? "the server does not serve the bucket under this endpoint "
                   "and region: check OCIS3Endpoint and OCIS3Region"
                 : NULL;
}

/* Say that the clocks differ; NULL if the response is not about that.  One to
 * HEAD does not say why it refuses. */
static const char *wrong_time(const oci_s3_failure_t *failure, apr_pool_t *pool)
{
    const oci_s3_exchange_t *exchange = failure->exchange;
    const char *date = apr_table_get(exchange->received, "Date");
    apr_time_t theirs = date ? apr_date_parse_http(date) : 0;
    apr_interval_time_t difference = theirs ? apr_time_now() - theirs : 0;
    apr_interval_time_t size = difference < 0 ? -difference : difference;

    if (strcmp(failure->error.code, "RequestTimeTooSkewed")
        && (*failure->error.code || exchange->status != 403
            || size < SKEW_MAX)) {
        return NULL;
    }
    if (!theirs) {
        return "the clock of this host differs from the server's";
    }
    return apr_psprintf(pool,
                        "the clock of this host is %" APR_TIME_T_FMT
                        " seconds %s the server's",
                        apr_time_sec(size),
                        difference < 0 ? "behind" : "ahead of");
}

/* Say that the server expects TLS; NULL if the response is not about that.  It
 * is then a sentence or a page of HTML. */
static const char *wants_tls(const oci_s3_failure_t *failure)
{
    const oci_s3_exchange_t *exchange = failure->exchange;

    return exchange->status == 400 && !*failure->error.code
            && !strncmp(failure->settings->endpoint.origin, "http:", 5)
            && strstr(exchange->data, "HTTPS")
        ? "the server expects TLS: write https:// in OCIS3Endpoint"
        : NULL;
}

/* The number of attempts, if there were several. */
static const char *attempts_of(const oci_s3_failure_t *failure,
                               apr_pool_t *pool)
{
    return failure->attempts > 1
        ? apr_psprintf(pool, ", after %d attempts", failure->attempts)
        : "";
}

apr_status_t oci_s3_error_explain(const oci_s3_failure_t *failure,
                                  apr_pool_t *pool)
{
    const oci_s3_exchange_t *exchange = failure->exchange;
    const oci_s3_error_t *error = &failure->error;
    const meaning_t *meaning = meaning_of(failure);
    const char *attempts = attempts_of(failure, pool);
    const char *why, *said;

    if (failure->result != APR_SUCCESS) {
        why = exchange->too_large ? "the response is too large"
                                  : exchange->failure;
        oci_s3_error_say(failure,
                         apr_pstrcat(pool, why, attempts, exchange->advice,
                                     NULL),
                         pool);
        return failure->result;
    }
    if (meaning->status == APR_NOTFOUND || meaning->status == APR_EEXIST) {
        return meaning->status;
    }
    why = wrong_region(failure, pool);
    if (!why) {
        why = wrong_time(failure, pool);
    }
    if (!why) {
        why = wants_tls(failure);
    }
    if (!why) {
        why = meaning->why ? meaning->why : "the server refused the request";
    }
    said = *error->code
        ? apr_psprintf(pool, "%d %s", exchange->status, error->code)
        : apr_itoa(pool, exchange->status);
    if (*error->message) {
        said = apr_pstrcat(pool, said, ": ", error->message, NULL);
    }
    oci_s3_error_say(failure,
                     apr_pstrcat(pool, why, " (", said, ")", attempts, NULL),
                     pool);
    return meaning->status;
}
