/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a repository can serve content, and whether bytes have their
 * digest. */

#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_content.h"
#include "admin/check/check_remote.h"
#include "admin/interrupt.h"
#include "registry/blob_source.h"
#include "registry/children.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "values/digest.h"

#define BUFFER 262144 /* bytes to read at a time */

/* How deep indexes of indexes are followed. */
#define DEPTH 8

oci_error_t *oci_check_blob_state(oci_content_e *state, apr_off_t *size,
                                  oci_check_t *check,
                                  const oci_repository_t *repository,
                                  const char *digest, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    oci_follow_t follow = {
        .key = oci_key_held(pool, repository->name, digest),
        .prefix = oci_key_blob(pool, digest),
        .is_empty = 1,
    };
    oci_blob_t blob;
    apr_status_t rv;
    oci_error_t *error = oci_fact_follow(&follow, check->registry, pool);

    if (error) {
        return error;
    }
    if (!follow.value.data) {
        *state = OCI_CONTENT_ABSENT;
        return NULL;
    }
    if (oci_blob_parse(&blob, follow.target.data, check->registry, digest,
                       pool)) {
        *state = OCI_CONTENT_UNRECORDED;
        return NULL;
    }
    rv = oci_check_blob_size(size, check, &blob, pool);
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return oci_error_storage(pool, rv, "cannot look at %s/%s", store->where,
                                 blob.locator);
    }
    if (rv == APR_NOTFOUND || *size != blob.size) {
        *state = OCI_CONTENT_LOST;
    }
    else {
        *state = oci_digest_set_has(check->wrong, digest) ? OCI_CONTENT_WRONG
                                                          : OCI_CONTENT_WHOLE;
    }
    return NULL;
}

const char *oci_content_fault(oci_content_e state)
{
    switch (state) {
    case OCI_CONTENT_ABSENT:
        return "the repository does not hold it";
    case OCI_CONTENT_UNRECORDED:
        return "it has no valid record";
    case OCI_CONTENT_LOST:
        return "its bytes are missing or incomplete";
    default:
        return "its bytes are wrong";
    }
}

oci_error_t *oci_check_restorable(int *possible, oci_check_t *check,
                                  const oci_repository_t *repository,
                                  const oci_lack_t *lack, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    oci_value_t name;
    oci_blob_t blob;
    apr_off_t size;
    oci_error_t *error;

    if (lack->state != OCI_CONTENT_ABSENT) {
        *possible = oci_digest_set_has(check->restorable, lack->blob);
        return NULL;
    }
    error = oci_fact_get(&name, check->registry,
                         oci_key_holder(pool, lack->blob, repository->name),
                         pool);
    *possible = !error && name.data && !strcmp(name.data, repository->name)
        && !oci_blob_record(&blob, check->registry, lack->blob, pool)
        && store->provider->blob_size(&size, store, blob.locator, pool)
            == APR_SUCCESS
        && size == blob.size;
    return error;
}

/* A search for what a manifest lacks. */
typedef struct search_t {
    oci_check_t *check;
    const oci_repository_t *repository;
    oci_lack_t *lack;
    apr_pool_t *pool; /* for lack */
} search_t;

/* Read a manifest.  The registry serves it even if its media type is wrong.
 * *document: NULL if there is none that can be parsed */
static oci_error_t *read_document(oci_document_t **document, search_t *search,
                                  const char *digest, apr_pool_t *pool)
{
    oci_manifest_t manifest;
    oci_error_t *error = oci_manifest_get(&manifest, search->repository, digest,
                                          pool);

    *document = NULL;
    if (error && error->code == OCI_E_MANIFEST_UNKNOWN) {
        if (error->note) {
            search->lack->manifest = apr_pstrdup(search->pool, digest);
        }
        return NULL;
    }
    if (!error
        && oci_document_parse(document, manifest.media_type, manifest.data,
                              manifest.size, pool)
        && oci_document_parse(document, NULL, manifest.data, manifest.size,
                              pool)) {
        *document = NULL;
    }
    return error;
}

static oci_error_t *search_manifest(search_t *search, const char *digest,
                                    int depth, apr_pool_t *pool);

static oci_error_t *search_child(search_t *search, const oci_child_t *child,
                                 const char *manifest, int depth,
                                 apr_pool_t *pool)
{
    const char *digest = child->descriptor.digest;
    oci_content_e state;
    apr_off_t size;
    int exists = 0;
    oci_error_t *error = NULL;

    if (child->kind == OCI_CHILD_MANIFEST) {
        error = oci_fact_exists(&exists, search->check->registry,
                                oci_key_manifest(pool, search->repository->name,
                                                 digest),
                                pool);
    }
    if (error || exists) {
        return error || depth >= DEPTH
            ? error
            : search_manifest(search, digest, depth + 1, pool);
    }
    error = oci_check_blob_state(&state, &size, search->check,
                                 search->repository, digest, pool);
    if (error || state == OCI_CONTENT_WHOLE
        || (state == OCI_CONTENT_ABSENT
            && oci_child_may_be_absent(search->check->registry, child))) {
        return error;
    }
    search->lack->manifest = apr_pstrdup(search->pool, manifest);
    search->lack->blob = apr_pstrdup(search->pool, digest);
    search->lack->state = state;
    return NULL;
}

static oci_error_t *search_manifest(search_t *search, const char *digest,
                                    int depth, apr_pool_t *pool)
{
    apr_pool_t *scratch, *one;
    oci_document_t *document;
    oci_error_t *error;
    int i;

    apr_pool_create(&scratch, pool);
    apr_pool_create(&one, scratch);
    error = read_document(&document, search, digest, scratch);
    for (i = 0; document && !error && !search->lack->manifest
         && i < document->children->nelts;
         i++) {
        error = search_child(search,
                             &APR_ARRAY_IDX(document->children, i, oci_child_t),
                             digest, depth, one);
        if (!error) {
            apr_pool_clear(one);
        }
    }
    if (!error) {
        apr_pool_destroy(scratch);
    }
    return error;
}

oci_error_t *oci_check_lack(oci_lack_t *lack, oci_check_t *check,
                            const oci_repository_t *repository,
                            const char *digest, apr_pool_t *pool)
{
    search_t search = { check, repository, lack, pool };

    memset(lack, 0, sizeof(*lack));
    return search_manifest(&search, digest, 0, pool);
}

/* The bytes behind a locator of a remote store never change. */
static void note_file(oci_hashed_t *hashed, const oci_blob_source_t *source)
{
    apr_finfo_t info = { 0 };

    if (source->file) {
        apr_file_info_get(&info, APR_FINFO_INODE | APR_FINFO_MTIME,
                          source->file);
    }
    hashed->size = source->size;
    hashed->inode = info.inode;
    hashed->changed = info.mtime;
}

apr_status_t oci_check_hash(oci_hashed_t *hashed, oci_blob_store_t *store,
                            const char *digest, const char *locator,
                            apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(oci_digest_algorithm(digest), pool);
    char *buffer = apr_palloc(pool, BUFFER);
    oci_blob_source_t source = { 0 };
    apr_status_t rv = store->provider->blob_open(&source, store, locator, 0,
                                                 pool);
    apr_size_t length = 1;
    apr_off_t at;

    memset(hashed, 0, sizeof(*hashed));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    note_file(hashed, &source);
    for (at = 0; rv == APR_SUCCESS && length; at += length) {
        length = BUFFER;
        rv = oci_interrupt_pending()
            ? APR_EINTR
            : oci_blob_source_read(&source, at, buffer, &length);
        if (rv == APR_SUCCESS) {
            oci_hash_update(hash, buffer, length);
        }
    }
    if (source.file) {
        apr_file_close(source.file);
    }
    hashed->known = rv == APR_SUCCESS;
    hashed->right = rv == APR_SUCCESS
        && !strcmp(digest, oci_hash_digest(hash, pool));
    return rv;
}

int oci_check_is_same_file(const oci_hashed_t *hashed, oci_blob_store_t *store,
                           const char *locator, apr_pool_t *pool)
{
    oci_hashed_t now = { 0 };
    oci_blob_source_t source = { 0 };

    if (store->provider->blob_open(&source, store, locator, 0, pool)
        != APR_SUCCESS) {
        return 0;
    }
    note_file(&now, &source);
    if (source.file) {
        apr_file_close(source.file);
    }
    return now.size == hashed->size && now.inode == hashed->inode
        && now.changed == hashed->changed;
}
