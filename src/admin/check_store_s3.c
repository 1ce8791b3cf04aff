/* SPDX-License-Identifier: Apache-2.0 */

/* What "check-store" tries with a bucket beyond what each blob store does: the
 * requests that need rights of their own, or that some servers lack. */

#include <string.h>

#include "apr_strings.h"

#include "admin/check_store_s3.h"
#include "registry/error.h"

#ifdef OCI_S3
#include "s3/s3_blobs.h"
#include "s3/s3_list.h"
#include "s3/s3_multipart.h"
#include "s3/s3_object.h"

#define DIRECTORY "check/" /* of the keys; no blob is below it */

struct oci_bucket_check_t {
    const oci_s3_settings_t *settings;
    oci_s3_call_t call;
    const char *key;
};

static const char *say(apr_status_t rv, const char *what,
                       const oci_bucket_check_t *check, const char *actions,
                       apr_pool_t *pool)
{
    const char *sentence = oci_error_text(oci_error_storage(pool, rv,
                                                            "cannot %s", what),
                                          pool);

    return oci_bucket_check_advise(check, sentence, rv, actions, pool);
}

const char *oci_bucket_check_make(oci_bucket_check_t **check,
                                  const oci_stores_t *stores, const char *name)
{
    const oci_configured_t *configured = stores->configured;
    oci_s3_configuration_t configuration = {
        .location = stores->registry.blobs->where,
        .directives = configured ? configured->options : NULL,
        .base = configured ? configured->base : NULL,
        .environment = 1,
    };
    oci_bucket_check_t *made;
    const char *error;
    apr_status_t rv;

    *check = NULL;
    if (stores->registry.blobs->provider != &oci_blob_s3) {
        return NULL;
    }
    made = apr_pcalloc(stores->pool, sizeof(*made));
    error = oci_s3_settings_make(&made->settings, &configuration, stores->pool);
    if (error) {
        return error;
    }
    rv = oci_s3_client_create(&made->call.client, made->settings, stores->pool);
    made->key = apr_pstrcat(stores->pool, DIRECTORY, name, NULL);
    *check = made;
    return rv == APR_SUCCESS
        ? NULL
        : say(rv, "prepare requests", made, "", stores->pool);
}

const char *oci_bucket_check_describe(const oci_bucket_check_t *check,
                                      apr_pool_t *pool)
{
    const oci_s3_settings_t *settings = check->settings;

    return apr_psprintf(pool, "the bucket %s at %s%s, region %s",
                        settings->bucket, settings->endpoint.origin,
                        settings->endpoint.path, settings->region);
}

const char *oci_bucket_check_conditions(const char **note,
                                        const oci_bucket_check_t *check,
                                        apr_pool_t *pool)
{
    struct iovec body[] = { { (char *)"first", 5 }, { (char *)"second", 6 } };
    oci_s3_put_t put = {
        .key = check->key, .body = &body[0], .count = 1, .if_none = 1
    };
    apr_status_t rv = oci_s3_put(NULL, &check->call, &put, pool);
    const char *problem = NULL;

    if (rv != APR_SUCCESS) {
        return say(rv, "put an object with the condition If-None-Match", check,
                   "s3:PutObject", pool);
    }
    put.body = &body[1];
    rv = oci_s3_put(NULL, &check->call, &put, pool);
    if (rv == APR_SUCCESS) {
        *note = "the server ignores If-None-Match: of several httpds that use "
                "the new store for the first time, start one before the others";
    }
    else if (rv != APR_EEXIST) {
        problem = say(rv, "put an object that exists", check, "s3:PutObject",
                      pool);
    }
    rv = oci_s3_delete(&check->call, check->key, pool);
    return problem || rv == APR_SUCCESS
        ? problem
        : say(rv, "delete an object", check, "s3:DeleteObject", pool);
}

/* List what is behind the first of two objects. */
static const char *list_second(const oci_bucket_check_t *check,
                               const char *const keys[2], apr_pool_t *pool)
{
    oci_s3_list_t list = { DIRECTORY, keys[0], 1 };
    oci_s3_listing_t page;
    apr_status_t rv = oci_s3_list(&page, &check->call, &list, pool);

    if (rv != APR_SUCCESS) {
        return say(rv, "list the objects after a key", check, "s3:ListBucket",
                   pool);
    }
    return page.entries->nelts == 1
            && !strcmp(APR_ARRAY_IDX(page.entries, 0, oci_s3_entry_t).key,
                       keys[1])
        ? NULL
        : "the server does not list objects in the order of their keys, from "
          "start-after on: garbage collection would miss some";
}

const char *oci_bucket_check_pages(const oci_bucket_check_t *check,
                                   apr_pool_t *pool)
{
    const char *keys[] = { apr_pstrcat(pool, check->key, "-1", NULL),
                           apr_pstrcat(pool, check->key, "-2", NULL) };
    struct iovec body = { (char *)"an object", 9 };
    oci_s3_put_t put = { .body = &body, .count = 1 };
    const char *problem = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        put.key = keys[i];
        rv = oci_s3_put(NULL, &check->call, &put, pool);
    }
    if (rv != APR_SUCCESS) {
        problem = say(rv, "put an object", check, "s3:PutObject", pool);
    }
    else {
        problem = list_second(check, keys, pool);
    }
    for (i = 0; i < 2; i++) {
        rv = oci_s3_delete(&check->call, keys[i], pool);
        if (rv != APR_SUCCESS && !problem) {
            problem = say(rv, "delete an object", check, "s3:DeleteObject",
                          pool);
        }
    }
    return problem;
}

/* Whether the server lists an upload. */
static apr_status_t is_listed(int *listed, const oci_bucket_check_t *check,
                              const oci_s3_multipart_t *upload,
                              apr_pool_t *pool)
{
    oci_s3_uploads_t page = { 0 };
    apr_status_t rv = oci_s3_multipart_list(&page, &check->call, check->key,
                                            pool);
    int i;

    *listed = 0;
    for (i = 0; rv == APR_SUCCESS && i < page.uploads->nelts; i++) {
        *listed |= !strcmp(APR_ARRAY_IDX(page.uploads, i, oci_s3_pending_t)
                               .upload.id,
                           upload->id);
    }
    return rv;
}

/* Put a part, and list the upload. */
static const char *use_multipart(const char **note,
                                 const oci_bucket_check_t *check,
                                 const oci_s3_multipart_t *upload,
                                 apr_pool_t *pool)
{
    struct iovec body = { (char *)"a part", 6 };
    oci_s3_part_t part = { .number = 1, .body = &body, .count = 1 };
    const char *etag;
    apr_status_t rv = oci_s3_multipart_put(&etag, &check->call, upload, &part,
                                           pool);
    int listed;

    if (rv != APR_SUCCESS) {
        return say(rv, "put a part of an object", check, "s3:PutObject", pool);
    }
    rv = is_listed(&listed, check, upload, pool);
    if (rv != APR_SUCCESS) {
        return say(rv, "list multipart uploads", check,
                   "s3:ListBucketMultipartUploads", pool);
    }
    if (!listed) {
        *note = "the server does not list multipart uploads, so that garbage "
                "collection does not find abandoned ones: give the bucket a "
                "lifecycle rule that aborts them";
    }
    return NULL;
}

const char *oci_bucket_check_multipart(const char **note,
                                       const oci_bucket_check_t *check,
                                       apr_pool_t *pool)
{
    oci_s3_multipart_t upload = { .key = check->key };
    apr_status_t rv = oci_s3_multipart_create(&upload, &check->call, pool);
    const char *problem;

    if (rv != APR_SUCCESS) {
        return say(rv, "begin a multipart upload", check, "s3:PutObject", pool);
    }
    problem = use_multipart(note, check, &upload, pool);
    rv = oci_s3_multipart_abort(&check->call, &upload, pool);
    return problem || rv == APR_SUCCESS
        ? problem
        : say(rv, "abort a multipart upload", check, "s3:AbortMultipartUpload",
              pool);
}

const char *oci_bucket_check_advise(const oci_bucket_check_t *check,
                                    const char *sentence, apr_status_t status,
                                    const char *actions, apr_pool_t *pool)
{
    return check && *actions && status == APR_EACCES
            && strstr(sentence, "AccessDenied")
        ? apr_psprintf(pool, "%s; the policy of the key must allow %s",
                       sentence, actions)
        : sentence;
}

#else

const char *oci_bucket_check_make(oci_bucket_check_t **check,
                                  const oci_stores_t *stores, const char *name)
{
    (void)stores;
    (void)name;
    *check = NULL;
    return NULL;
}

/* Without libcurl there is no bucket, and the others are not called. */
const char *oci_bucket_check_describe(const oci_bucket_check_t *check,
                                      apr_pool_t *pool)
{
    (void)check;
    (void)pool;
    return "";
}

const char *oci_bucket_check_pages(const oci_bucket_check_t *check,
                                   apr_pool_t *pool)
{
    (void)check;
    (void)pool;
    return NULL;
}

const char *oci_bucket_check_conditions(const char **note,
                                        const oci_bucket_check_t *check,
                                        apr_pool_t *pool)
{
    (void)note;
    (void)check;
    (void)pool;
    return NULL;
}

const char *oci_bucket_check_multipart(const char **note,
                                       const oci_bucket_check_t *check,
                                       apr_pool_t *pool)
{
    (void)note;
    (void)check;
    (void)pool;
    return NULL;
}

const char *oci_bucket_check_advise(const oci_bucket_check_t *check,
                                    const char *sentence, apr_status_t status,
                                    const char *actions, apr_pool_t *pool)
{
    (void)check;
    (void)status;
    (void)actions;
    (void)pool;
    return sentence;
}
#endif
