/* SPDX-License-Identifier: Apache-2.0 */

/* Objects: put, get, head, delete, and URLs for clients. */

#include <string.h>

#include <openssl/evp.h>

#include "apr_base64.h"
#include "apr_date.h"
#include "apr_strings.h"

#include "mod_oci.h"
#include "s3/s3_credentials.h"
#include "s3/s3_object.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"

#define BATCH     1000
#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* Fill in what the headers of a response say of an object. */
static void read_info(oci_s3_info_t *info, const oci_s3_reply_t *reply)
{
    const char *size = apr_table_get(reply->headers, "Content-Length");
    const char *modified = apr_table_get(reply->headers, "Last-Modified");

    info->size = size ? apr_atoi64(size) : (apr_off_t)reply->size;
    info->etag = apr_table_get(reply->headers, "ETag");
    info->modified = modified ? apr_date_parse_http(modified) : 0;
}

static apr_off_t size_of(const oci_s3_put_t *put)
{
    apr_off_t size = 0;
    int i;

    for (i = 0; i < put->count; i++) {
        size += put->body[i].iov_len;
    }
    return size;
}

/* Whether an object has the bytes of a put. */
static int has_bytes_of(oci_s3_content_t *content, const oci_s3_call_t *call,
                        const oci_s3_put_t *put, apr_pool_t *pool)
{
    apr_off_t size = size_of(put);
    apr_size_t offset = 0;
    int i;

    if (oci_s3_get(content, call, put->key, (apr_size_t)size, pool)
            != APR_SUCCESS
        || (apr_off_t)content->size != size) {
        apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
        return 0;
    }
    for (i = 0; i < put->count; i++) {
        if (memcmp(content->data + offset, put->body[i].iov_base,
                   put->body[i].iov_len)) {
            return 0;
        }
        offset += put->body[i].iov_len;
    }
    return 1;
}

apr_status_t oci_s3_put(const char **etag, const oci_s3_call_t *call,
                        const oci_s3_put_t *put, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    apr_table_t *headers = apr_table_make(pool, 8);
    oci_s3_request_t request = { .method = "PUT",
                                 .key = put->key,
                                 .headers = headers,
                                 .body = put->body,
                                 .count = put->count,
                                 .sha256 = put->sha256 };
    oci_s3_content_t content;
    oci_s3_reply_t reply;
    apr_status_t rv;

    if (!request.sha256) {
        request.sha256 = oci_s3_sha256(put->body, put->count, pool);
    }
    if (put->if_none) {
        apr_table_setn(headers, "If-None-Match", "*");
    }
    if (put->if_match) {
        apr_table_setn(headers, "If-Match", put->if_match);
    }
    oci_s3_request_encrypt(headers, settings);
    oci_s3_request_checksum(headers, settings, request.sha256, pool);
    rv = oci_s3_request(&reply, call, &request, pool);
    if (rv == APR_EEXIST && reply.lost
        && has_bytes_of(&content, call, put, pool)) {
        rv = APR_SUCCESS;
        if (etag) {
            *etag = content.info.etag;
        }
        return rv;
    }
    if (rv == APR_SUCCESS && etag) {
        *etag = apr_table_get(reply.headers, "ETag");
    }
    return rv;
}

apr_status_t oci_s3_get(oci_s3_content_t *content, const oci_s3_call_t *call,
                        const char *key, apr_size_t limit, apr_pool_t *pool)
{
    oci_s3_request_t request = { .method = "GET",
                                 .key = key,
                                 .limit = limit ? limit : 1 };
    oci_s3_reply_t reply;
    apr_status_t rv = oci_s3_request(&reply, call, &request, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    content->data = reply.data;
    content->size = reply.size;
    read_info(&content->info, &reply);
    content->info.size = reply.size;
    return APR_SUCCESS;
}

/* Whether the bucket exists: a response to HEAD has no body that tells a
 * missing object from a missing bucket. */
static apr_status_t check_bucket(const oci_s3_call_t *call, apr_pool_t *pool)
{
    oci_s3_request_t request = { .method = "HEAD" };
    oci_s3_failure_t failure = {
        .settings = oci_s3_client_settings(call->client), .method = "HEAD"
    };
    oci_s3_reply_t reply;
    apr_status_t rv = oci_s3_request(&reply, call, &request, pool);

    if (rv == APR_NOTFOUND) {
        oci_s3_error_say(&failure, "the bucket does not exist (404)", pool);
        return APR_EGENERAL;
    }
    if (rv == APR_EACCES) {
        apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
        return APR_SUCCESS;
    }
    return rv;
}

apr_status_t oci_s3_head(oci_s3_info_t *info, const oci_s3_call_t *call,
                         const char *key, apr_pool_t *pool)
{
    oci_s3_request_t request = { .method = "HEAD", .key = key };
    oci_s3_reply_t reply;
    apr_status_t rv = oci_s3_request(&reply, call, &request, pool);

    if (rv == APR_NOTFOUND) {
        rv = check_bucket(call, pool);
        return rv == APR_SUCCESS ? APR_NOTFOUND : rv;
    }
    if (rv == APR_SUCCESS) {
        read_info(info, &reply);
    }
    return rv;
}

apr_status_t oci_s3_delete(const oci_s3_call_t *call, const char *key,
                           apr_pool_t *pool)
{
    oci_s3_request_t request = { .method = "DELETE", .key = key };
    oci_s3_reply_t reply;
    apr_status_t rv = oci_s3_request(&reply, call, &request, pool);

    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* Delete a range of objects one by one. */
static apr_status_t delete_each(const oci_s3_call_t *call,
                                const apr_array_header_t *keys, int first,
                                int end, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = first; i < end && rv == APR_SUCCESS; i++) {
        rv = oci_s3_delete(call, APR_ARRAY_IDX(keys, i, const char *), pool);
    }
    return rv;
}

/* Make the document that names a range of objects. */
static char *deletion_document(const oci_s3_settings_t *settings,
                               const apr_array_header_t *keys, int first,
                               int end, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, BATCH + 2,
                                                sizeof(char *));
    int i;

    APR_ARRAY_PUSH(pieces,
                   const char *) = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                                   "<Delete xmlns=\"" NAMESPACE
                                   "\"><Quiet>true</Quiet>";
    for (i = first; i < end; i++) {
        const char *key = apr_pstrcat(pool, settings->prefix,
                                      APR_ARRAY_IDX(keys, i, const char *),
                                      NULL);

        APR_ARRAY_PUSH(pieces,
                       const char *) = apr_pstrcat(pool, "<Object><Key>",
                                                   oci_s3_xml_escape(key, pool),
                                                   "</Key></Object>", NULL);
    }
    APR_ARRAY_PUSH(pieces, const char *) = "</Delete>";
    return apr_array_pstrcat(pool, pieces, 0);
}

/* Delete those objects again, one by one, that a response names as not
 * deleted. */
static apr_status_t delete_failed(const oci_s3_call_t *call,
                                  const oci_s3_reply_t *reply, apr_pool_t *pool)
{
    const char *prefix = oci_s3_client_settings(call->client)->prefix;
    const apr_xml_elem *root, *error;
    apr_status_t rv = APR_SUCCESS;

    if (!reply->size
        || oci_s3_xml_parse(&root, reply->data, reply->size, pool)
            != APR_SUCCESS) {
        return APR_SUCCESS;
    }
    error = oci_s3_xml_child(root, "Error");
    for (; error && rv == APR_SUCCESS; error = oci_s3_xml_next(error)) {
        const char *key = oci_s3_xml_text(error, "Key", pool);

        if (key && !strncmp(key, prefix, strlen(prefix))) {
            rv = oci_s3_delete(call, key + strlen(prefix), pool);
        }
    }
    return rv;
}

/* Add the header that servers ask for: the MD5 of the body, or where OpenSSL
 * does not offer that, the checksum. */
static void add_md5(apr_table_t *headers, const struct iovec *body,
                    apr_pool_t *pool)
{
    unsigned char md5[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char *text;

    if (!EVP_Digest(body->iov_base, body->iov_len, md5, &size, EVP_md5(),
                    NULL)) {
        apr_table_setn(headers, "x-amz-checksum-sha256",
                       oci_s3_request_base64(oci_s3_sha256(body, 1, pool),
                                             pool));
        return;
    }
    text = apr_palloc(pool, apr_base64_encode_len((int)size));
    apr_base64_encode_binary(text, md5, (int)size);
    apr_table_setn(headers, "Content-MD5", text);
}

/* Whether a server does not take the request for several deletions: some do not
 * know it, and refuse its query or its body. */
static int is_refused(const oci_s3_reply_t *reply)
{
    return reply->status == 400
        && (!strcmp(reply->code, "InvalidArgument")
            || !strcmp(reply->code, "MalformedXML"));
}

/* Delete a range of up to BATCH objects.
 * Returns APR_ENOTIMPL if the server cannot do that. */
static apr_status_t delete_batch(const oci_s3_call_t *call,
                                 const apr_array_header_t *keys, int first,
                                 int end, apr_pool_t *pool)
{
    apr_table_t *query = apr_table_make(pool, 1);
    apr_table_t *headers = apr_table_make(pool, 2);
    oci_s3_request_t request = { .method = "POST",
                                 .query = query,
                                 .headers = headers };
    struct iovec body;
    oci_s3_reply_t reply;
    apr_status_t rv;

    body.iov_base = deletion_document(oci_s3_client_settings(call->client),
                                      keys, first, end, pool);
    body.iov_len = strlen(body.iov_base);
    apr_table_setn(query, "delete", "");
    apr_table_setn(headers, "Content-Type", "application/xml");
    add_md5(headers, &body, pool);
    request.body = &body;
    request.count = 1;
    rv = oci_s3_request(&reply, call, &request, pool);
    if (rv != APR_SUCCESS) {
        return is_refused(&reply) ? APR_ENOTIMPL : rv;
    }
    return delete_failed(call, &reply, pool);
}

apr_status_t oci_s3_delete_all(const oci_s3_call_t *call,
                               const apr_array_header_t *keys, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int first, single = 0;

    for (first = 0; first < keys->nelts && rv == APR_SUCCESS; first += BATCH) {
        int end = first + BATCH < keys->nelts ? first + BATCH : keys->nelts;

        if (!single) {
            rv = delete_batch(call, keys, first, end, pool);
            single = rv == APR_ENOTIMPL;
        }
        if (single) {
            apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
            rv = delete_each(call, keys, first, end, pool);
        }
    }
    return rv;
}

apr_status_t oci_s3_presign_get(const char **url, const oci_s3_call_t *call,
                                const char *key, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    const oci_s3_endpoint_t *endpoint = &settings->public_endpoint;
    const char *path = oci_s3_request_path(endpoint, settings, key, pool);
    apr_table_t *headers = apr_table_make(pool, 1);
    oci_s3_signable_t signable = { "GET", path, NULL, headers, "" };
    oci_s3_keys_t keys;
    oci_s3_signer_t signer = { &keys, settings->region, "s3", apr_time_now() };
    const char *query;
    apr_status_t rv;

    rv = oci_s3_credentials_get(&keys, oci_s3_client_credentials(call->client),
                                oci_s3_request_deadline(call, 0), pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_table_setn(headers, "Host", endpoint->host);
    query = oci_s3_presign(&signable, &signer, settings->redirect_expiry, pool);
    if (!query) {
        return APR_EGENERAL;
    }
    *url = apr_pstrcat(pool, endpoint->origin, path, "?", query, NULL);
    return APR_SUCCESS;
}
