/* SPDX-License-Identifier: Apache-2.0 */

/* Signed requests to a bucket, repeated while they may yet succeed. */

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "apr_base64.h"
#include "apr_strings.h"

#include "s3/s3_credentials.h"
#include "s3/s3_request.h"

#define DELAY_FIRST apr_time_from_msec(100)
#define DELAY_MAX   apr_time_from_sec(4)
#define DELAY_LEAST apr_time_from_msec(20)

/* The time that an attempt has at least: a shorter one would only hide why the
 * one before it has failed. */
#define ATTEMPT_LEAST apr_time_from_sec(1)

#define MIB (1024 * 1024)

apr_time_t oci_s3_request_deadline(const oci_s3_call_t *call, apr_off_t size)
{
    return call->deadline
        ? call->deadline
        : oci_s3_now() + OCI_S3_WAIT + apr_time_from_sec(size / MIB);
}

const char *oci_s3_request_path(const oci_s3_endpoint_t *endpoint,
                                const oci_s3_settings_t *settings,
                                const char *key, apr_pool_t *pool)
{
    if (!key) {
        return *endpoint->path ? endpoint->path : "/";
    }
    return apr_pstrcat(pool, endpoint->path, "/",
                       oci_s3_encode(settings->prefix, 1, pool),
                       oci_s3_encode(key, 1, pool), NULL);
}

/* How long to wait before the next attempt, in microseconds. */
static apr_interval_time_t delay_after(const oci_s3_exchange_t *exchange,
                                       int attempts)
{
    apr_interval_time_t most = DELAY_FIRST;
    const char *asked = exchange->received
        ? apr_table_get(exchange->received, "Retry-After")
        : NULL;
    apr_interval_time_t delay;
    unsigned int random = 0;

    while (--attempts > 0 && most < DELAY_MAX) {
        most *= 2;
    }
    RAND_bytes((unsigned char *)&random, sizeof(random));
    delay = DELAY_LEAST + random % (most < DELAY_MAX ? most : DELAY_MAX);
    if (asked && atoi(asked) > 0 && apr_time_from_sec(atoi(asked)) > delay) {
        delay += apr_time_from_sec(atoi(asked));
    }
    return delay;
}

/* A busy machine may wait for longer than it was told to. */
int oci_s3_request_wait(const oci_s3_exchange_t *exchange, int attempts,
                        apr_time_t deadline)
{
    apr_interval_time_t delay = delay_after(exchange, attempts);
    apr_time_t latest = deadline - ATTEMPT_LEAST;

    if (oci_s3_now() + delay >= latest) {
        return 0;
    }
    apr_sleep(delay);
    return oci_s3_now() < latest;
}

apr_status_t oci_s3_request_prepare(oci_s3_exchange_t *exchange,
                                    oci_s3_keys_t *keys,
                                    const oci_s3_call_t *call,
                                    const oci_s3_request_t *request,
                                    apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    const oci_s3_endpoint_t *endpoint = &settings->endpoint;
    const char *path = oci_s3_request_path(endpoint, settings, request->key,
                                           pool);
    oci_s3_signer_t signer = { keys, settings->region, "s3", apr_time_now() };
    apr_table_t *headers = request->headers
        ? apr_table_copy(pool, request->headers)
        : apr_table_make(pool, 8);
    oci_s3_signable_t signable = { request->method, path, request->query,
                                   headers, request->sha256 };
    const char *query = oci_s3_canonical_query(request->query, pool);
    apr_status_t rv;
    char *signature;

    rv = oci_s3_credentials_get(keys, oci_s3_client_credentials(call->client),
                                call->deadline, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_table_setn(headers, "Host", endpoint->host);
    apr_table_setn(headers, "x-amz-date", oci_s3_date(signer.now, pool));
    apr_table_setn(headers, "x-amz-content-sha256", request->sha256);
    if (keys->token) {
        apr_table_setn(headers, "x-amz-security-token", keys->token);
    }
    signature = oci_s3_sign(&signable, &signer, pool);
    if (!signature) {
        return APR_EGENERAL;
    }
    apr_table_setn(headers, "Authorization", signature);
    exchange->method = request->method;
    exchange->url = apr_pstrcat(pool, endpoint->origin, path, *query ? "?" : "",
                                query, NULL);
    exchange->headers = headers;
    exchange->body = request->body;
    exchange->count = request->count;
    exchange->deadline = call->deadline;
    exchange->limit = request->limit ? request->limit : OCI_S3_RESPONSE_LIMIT;
    return APR_SUCCESS;
}

const char *oci_s3_request_base64(const char *hash, apr_pool_t *pool)
{
    apr_size_t size = strlen(hash) / 2, i;
    unsigned char *bytes = apr_palloc(pool, size + 1);
    char *text = apr_palloc(pool, apr_base64_encode_len((int)size));

    for (i = 0; i < size; i++) {
        char digits[] = { hash[2 * i], hash[2 * i + 1], '\0' };

        bytes[i] = (unsigned char)strtol(digits, NULL, 16);
    }
    apr_base64_encode_binary(text, bytes, (int)size);
    return text;
}

void oci_s3_request_encrypt(apr_table_t *headers,
                            const oci_s3_settings_t *settings)
{
    if (settings->encryption == OCI_S3_ENCRYPTION_DEFAULT) {
        return;
    }
    apr_table_setn(headers, "x-amz-server-side-encryption",
                   settings->encryption == OCI_S3_ENCRYPTION_KMS ? "aws:kms"
                                                                 : "AES256");
    if (settings->kms_key) {
        apr_table_setn(headers, "x-amz-server-side-encryption-aws-kms-key-id",
                       settings->kms_key);
    }
}

void oci_s3_request_checksum(apr_table_t *headers,
                             const oci_s3_settings_t *settings,
                             const char *sha256, apr_pool_t *pool)
{
    if (settings->checksums) {
        apr_table_setn(headers, "x-amz-checksum-sha256",
                       oci_s3_request_base64(sha256, pool));
    }
}

/* Whether a response says that the request was carried out. */
static int succeeded(const oci_s3_failure_t *failure)
{
    return failure->result == APR_SUCCESS && failure->exchange->status >= 200
        && failure->exchange->status < 300 && !*failure->error.code;
}

/* Whether a request that failed may have been carried out. */
static int is_unclear(const oci_s3_failure_t *failure)
{
    int status = failure->exchange->status;

    return failure->result != APR_SUCCESS ? !failure->exchange->unsent
                                          : status == 500 || status == 502
            || status == 504 || !strcmp(failure->error.code, "InternalError");
}

/* Send a request once; APR_SUCCESS if the result is in failure.  The answer to
 * a POST may begin well, and then be an error document. */
static apr_status_t attempt(oci_s3_failure_t *failure, oci_s3_keys_t *keys,
                            const oci_s3_call_t *call,
                            const oci_s3_request_t *request, apr_pool_t *pool)
{
    oci_s3_exchange_t *exchange = apr_pcalloc(pool, sizeof(*exchange));
    apr_status_t rv = oci_s3_request_prepare(exchange, keys, call, request,
                                             pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    failure->exchange = exchange;
    failure->attempts++;
    failure->result = oci_s3_transport_run(oci_s3_client_transport(
                                               call->client),
                                           exchange, pool);
    failure->error = (oci_s3_error_t){ "", "", NULL };
    if (failure->result == APR_SUCCESS
        && (exchange->status >= 300 || !strcmp(request->method, "POST"))) {
        oci_s3_error_read(&failure->error, exchange, pool);
    }
    return APR_SUCCESS;
}

static void fill_reply(oci_s3_reply_t *reply, const oci_s3_failure_t *failure)
{
    const oci_s3_exchange_t *exchange = failure->exchange;

    reply->status = exchange->status;
    reply->headers = exchange->received;
    reply->data = exchange->data;
    reply->size = exchange->size;
    reply->code = failure->error.code;
    reply->lost |= exchange->repeated;
}

apr_status_t oci_s3_request(oci_s3_reply_t *reply, const oci_s3_call_t *call,
                            const oci_s3_request_t *request, apr_pool_t *pool)
{
    oci_s3_failure_t failure = { oci_s3_client_settings(call->client),
                                 request->method,
                                 request->key,
                                 0,
                                 APR_SUCCESS,
                                 NULL,
                                 { "", "", NULL } };
    oci_s3_request_t full = *request;
    oci_s3_call_t until = *call;
    apr_off_t size = 0;
    int i, renewed = 0;

    memset(reply, 0, sizeof(*reply));
    reply->code = "";
    for (i = 0; i < request->count; i++) {
        size += request->body[i].iov_len;
    }
    until.deadline = oci_s3_request_deadline(call, size);
    if (!full.sha256) {
        full.sha256 = oci_s3_sha256(request->body, request->count, pool);
    }
    for (;;) {
        oci_s3_keys_t keys;
        apr_status_t rv = attempt(&failure, &keys, &until, &full, pool);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        fill_reply(reply, &failure);
        if (succeeded(&failure)) {
            return APR_SUCCESS;
        }
        if (!renewed && keys.token && oci_s3_error_expired(&failure)) {
            renewed = 1;
            oci_s3_credentials_discard(oci_s3_client_credentials(call->client),
                                       keys.id);
            continue;
        }
        reply->lost |= is_unclear(&failure);
        if (!oci_s3_error_transient(&failure) || (full.once && reply->lost)
            || !oci_s3_request_wait(failure.exchange, failure.attempts,
                                    until.deadline)) {
            return oci_s3_error_explain(&failure, pool);
        }
    }
}
