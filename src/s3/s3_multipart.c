/* SPDX-License-Identifier: Apache-2.0 */

/* Multipart uploads: objects that are put in parts. */

#include <string.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "s3/s3_list.h"
#include "s3/s3_multipart.h"
#include "s3/s3_object.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"

#define NAMESPACE   "http://s3.amazonaws.com/doc/2006-03-01/"
#define UPLOADS_MAX "1000"

static void say(const oci_s3_call_t *call, const char *key, const char *why,
                apr_pool_t *pool)
{
    oci_s3_failure_t failure = { .settings = oci_s3_client_settings(
                                     call->client),
                                 .method = "multipart upload",
                                 .key = key };

    oci_s3_error_say(&failure, why, pool);
}

apr_status_t oci_s3_multipart_create(oci_s3_multipart_t *upload,
                                     const oci_s3_call_t *call,
                                     apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    apr_table_t *query = apr_table_make(pool, 1);
    apr_table_t *headers = apr_table_make(pool, 4);
    oci_s3_request_t request = {
        .method = "POST", .key = upload->key, .query = query, .headers = headers
    };
    const apr_xml_elem *root;
    oci_s3_reply_t reply;
    apr_status_t rv;

    apr_table_setn(query, "uploads", "");
    oci_s3_request_encrypt(headers, settings);
    if (settings->checksums) {
        apr_table_setn(headers, "x-amz-checksum-algorithm", "SHA256");
    }
    rv = oci_s3_request(&reply, call, &request, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    upload->id = oci_s3_xml_parse(&root, reply.data, reply.size, pool)
            == APR_SUCCESS
        ? oci_s3_xml_text(root, "UploadId", pool)
        : NULL;
    if (!upload->id || !*upload->id) {
        say(call, upload->key, "the answer has no upload id", pool);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

apr_status_t oci_s3_multipart_put(const char **etag, const oci_s3_call_t *call,
                                  const oci_s3_multipart_t *upload,
                                  const oci_s3_part_t *part, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    apr_table_t *query = apr_table_make(pool, 2);
    apr_table_t *headers = apr_table_make(pool, 2);
    oci_s3_request_t request = { .method = "PUT",
                                 .key = upload->key,
                                 .query = query,
                                 .headers = headers,
                                 .body = part->body,
                                 .count = part->count,
                                 .sha256 = part->sha256 };
    oci_s3_reply_t reply;
    apr_status_t rv;

    if (!request.sha256) {
        request.sha256 = oci_s3_sha256(part->body, part->count, pool);
    }
    apr_table_setn(query, "partNumber", apr_itoa(pool, part->number));
    apr_table_setn(query, "uploadId", upload->id);
    oci_s3_request_checksum(headers, settings, request.sha256, pool);
    rv = oci_s3_request(&reply, call, &request, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *etag = apr_table_get(reply.headers, "ETag");
    if (!*etag) {
        say(call, upload->key, "the answer to a part has no ETag", pool);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* Make the document that names all parts. */
static char *completion_document(const apr_array_header_t *parts, int checksums,
                                 apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, parts->nelts + 2,
                                                sizeof(char *));
    int i;

    APR_ARRAY_PUSH(pieces,
                   const char *) = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                                   "<CompleteMultipartUpload xmlns=\"" NAMESPACE
                                   "\">";
    for (i = 0; i < parts->nelts; i++) {
        const oci_s3_part_done_t *part = &APR_ARRAY_IDX(parts, i,
                                                        oci_s3_part_done_t);
        const char *checksum = checksums && part->sha256
            ? apr_pstrcat(pool, "<ChecksumSHA256>",
                          oci_s3_request_base64(part->sha256, pool),
                          "</ChecksumSHA256>", NULL)
            : "";

        APR_ARRAY_PUSH(pieces, const char *) = apr_psprintf(
            pool, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>%s</Part>",
            i + 1, oci_s3_xml_escape(part->etag, pool), checksum);
    }
    APR_ARRAY_PUSH(pieces, const char *) = "</CompleteMultipartUpload>";
    return apr_array_pstrcat(pool, pieces, 0);
}

/* The completion of an upload. */
typedef struct completion_t {
    oci_s3_call_t call;
    const oci_s3_multipart_t *upload;
    apr_off_t size; /* of all parts, bytes */
    int lost;       /* whether an attempt may have been carried out */
} completion_t;

/* Whether a response says that an upload is complete. */
static int is_complete(const oci_s3_reply_t *reply, apr_pool_t *pool)
{
    const apr_xml_elem *root;

    return reply->size
        && oci_s3_xml_parse(&root, reply->data, reply->size, pool)
        == APR_SUCCESS
        && !strcmp(root->name, "CompleteMultipartUploadResult");
}

/* Whether a response says that parts are missing, or are others. */
static int has_lost_parts(const oci_s3_reply_t *reply)
{
    return !strcmp(reply->code, "InvalidPart")
        || !strcmp(reply->code, "InvalidPartOrder");
}

/* Look whether the object of an upload is there, with the size of the upload,
 * after an attempt whose answer was lost or said that there is no such upload.
 * status: that of the attempt; becomes that of the completion
 * Returns 0 if it may be attempted again. */
static int look_up(apr_status_t *status, const completion_t *completion,
                   apr_pool_t *pool)
{
    int missing = *status == APR_NOTFOUND;
    void *reason = NULL;
    oci_s3_info_t info;
    apr_status_t rv;

    apr_pool_userdata_get(&reason, OCI_REASON, pool);
    rv = oci_s3_head(&info, &completion->call, completion->upload->key, pool);
    if (rv == APR_SUCCESS && info.size == completion->size) {
        apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
        *status = missing && !completion->lost ? APR_EEXIST : APR_SUCCESS;
        return 1;
    }
    if (missing) {
        *status = rv == APR_SUCCESS ? APR_NOTFOUND : rv;
        return 1;
    }
    apr_pool_userdata_setn(reason, OCI_REASON, NULL, pool);
    return rv != APR_SUCCESS && rv != APR_NOTFOUND;
}

/* Send the request until the outcome is known, or the deadline has come. */
static apr_status_t complete(completion_t *completion,
                             const oci_s3_request_t *request, apr_pool_t *pool)
{
    const oci_s3_call_t *call = &completion->call;
    int attempts;

    for (attempts = 1;; attempts++) {
        oci_s3_exchange_t none = { .method = request->method };
        oci_s3_reply_t reply;
        apr_status_t rv = oci_s3_request(&reply, call, request, pool);

        if (rv == APR_SUCCESS && is_complete(&reply, pool)) {
            return APR_SUCCESS;
        }
        if (rv == APR_SUCCESS) {
            say(call, request->key,
                "the answer does not say that the upload is complete", pool);
            reply.lost = 1;
            rv = APR_TIMEUP;
        }
        if (has_lost_parts(&reply)) {
            return APR_NOTFOUND;
        }
        completion->lost |= reply.lost;
        if ((rv != APR_NOTFOUND && !reply.lost)
            || look_up(&rv, completion, pool)) {
            return rv;
        }
        if (!oci_s3_request_wait(&none, attempts, call->deadline)) {
            return rv;
        }
    }
}

apr_status_t oci_s3_multipart_complete(const oci_s3_call_t *call,
                                       const oci_s3_multipart_t *upload,
                                       const apr_array_header_t *parts,
                                       apr_off_t size, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    completion_t completion = {
        { call->client, oci_s3_request_deadline(call, 0) }, upload, size, 0
    };
    apr_table_t *query = apr_table_make(pool, 1);
    apr_table_t *headers = apr_table_make(pool, 1);
    oci_s3_request_t request = { .method = "POST",
                                 .key = upload->key,
                                 .query = query,
                                 .headers = headers,
                                 .once = 1 };
    struct iovec body;

    body.iov_base = completion_document(parts, settings->checksums, pool);
    body.iov_len = strlen(body.iov_base);
    request.body = &body;
    request.count = 1;
    apr_table_setn(query, "uploadId", upload->id);
    apr_table_setn(headers, "Content-Type", "application/xml");
    return complete(&completion, &request, pool);
}

apr_status_t oci_s3_multipart_abort(const oci_s3_call_t *call,
                                    const oci_s3_multipart_t *upload,
                                    apr_pool_t *pool)
{
    apr_table_t *query = apr_table_make(pool, 1);
    oci_s3_request_t request = { .method = "DELETE",
                                 .key = upload->key,
                                 .query = query };
    oci_s3_reply_t reply;
    apr_status_t rv;

    apr_table_setn(query, "uploadId", upload->id);
    rv = oci_s3_request(&reply, call, &request, pool);
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* Copy the uploads of a document whose keys begin with a prefix, and where the
 * next page begins: not all servers look at the prefix.
 * store: the prefix of all keys of the store */
static void read_uploads(oci_s3_uploads_t *uploads, const apr_xml_elem *root,
                         const char *store, const char *prefix,
                         apr_pool_t *pool)
{
    const char *truncated = oci_s3_xml_text(root, "IsTruncated", pool);
    const apr_xml_elem *element = oci_s3_xml_child(root, "Upload");
    apr_size_t length = strlen(store);

    for (; element; element = oci_s3_xml_next(element)) {
        const char *key = oci_s3_list_key(root, element, "Key", pool);
        const char *id = oci_s3_xml_text(element, "UploadId", pool);
        oci_s3_pending_t *pending;

        if (!key || !id || strncmp(key, store, length)
            || strncmp(key + length, prefix, strlen(prefix))) {
            continue;
        }
        pending = apr_array_push(uploads->uploads);
        pending->upload.key = key + length;
        pending->upload.id = id;
        pending->started = oci_s3_xml_time(
            oci_s3_xml_text(element, "Initiated", pool));
    }
    if (truncated && !strcmp(truncated, "true")) {
        uploads->next_key = oci_s3_list_key(root, root, "NextKeyMarker", pool);
        uploads->next_id = oci_s3_xml_text(root, "NextUploadIdMarker", pool);
    }
}

/* Whether a page says that it ends where it was to begin. */
static int ends_at(const oci_s3_uploads_t *uploads, const char *key,
                   const char *id)
{
    return key && uploads->next_key && !strcmp(uploads->next_key, key)
        && !strcmp(uploads->next_id ? uploads->next_id : "", id ? id : "");
}

apr_status_t oci_s3_multipart_list(oci_s3_uploads_t *uploads,
                                   const oci_s3_call_t *call,
                                   const char *prefix, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(call->client);
    apr_table_t *query = apr_table_make(pool, 8);
    oci_s3_request_t request = { .method = "GET", .query = query };
    const char *key = uploads->next_key, *id = uploads->next_id;
    const apr_xml_elem *root;
    oci_s3_reply_t reply;
    apr_status_t rv;

    apr_table_setn(query, "uploads", "");
    apr_table_setn(query, "encoding-type", "url");
    apr_table_setn(query, "max-uploads", UPLOADS_MAX);
    apr_table_setn(query, "prefix",
                   apr_pstrcat(pool, settings->prefix, prefix, NULL));
    if (key) {
        apr_table_setn(query, "key-marker", key);
    }
    if (key && id) {
        apr_table_setn(query, "upload-id-marker", id);
    }
    uploads->uploads = apr_array_make(pool, 16, sizeof(oci_s3_pending_t));
    uploads->next_key = NULL;
    uploads->next_id = NULL;
    rv = oci_s3_request(&reply, call, &request, pool);
    if (rv == APR_ENOTIMPL) {
        apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (oci_s3_xml_parse(&root, reply.data, reply.size, pool) != APR_SUCCESS
        || strcmp(root->name, "ListMultipartUploadsResult")) {
        say(call, NULL, "the answer is not a listing of uploads", pool);
        return APR_EGENERAL;
    }
    read_uploads(uploads, root, settings->prefix, prefix, pool);
    if (ends_at(uploads, key, id)) {
        say(call, NULL,
            "the listing of uploads does not advance: the server ignores "
            "key-marker",
            pool);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}
