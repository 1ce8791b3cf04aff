/* SPDX-License-Identifier: Apache-2.0 */

/* Imports the manifests of a repository and their tags.  A manifest is put as
 * if it was pushed, after the manifests that it names. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/import/import_images.h"
#include "admin/interrupt.h"
#include "registry/blob.h"
#include "registry/manifest.h"
#include "values/digest.h"
#include "values/document.h"
#include "values/json_check.h"
#include "values/json_span.h"

/* bytes; the limit of the index: a server may have accepted so much */
#define MANIFEST_MAX (64 * 1024 * 1024)

#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX    "application/vnd.oci.image.index.v1+json"

/* A manifest that is being imported. */
typedef struct manifest_import_t {
    oci_import_images_t *images;
    oci_import_revision_t *revision;
    const char *digest;
    oci_import_manifest_t manifest;
    apr_pool_t *pool;
} manifest_import_t;

/* Read the bytes of a manifest from the source, and verify their digest.
 * Returns NULL, or what is wrong. */
static const char *read_bytes(oci_import_manifest_t *manifest,
                              const oci_import_t *import, const char *digest,
                              apr_pool_t *pool)
{
    oci_import_file_t file;
    const char *actual;
    char *buffer;
    ssize_t n = 1;
    apr_status_t rv = import->open(&file, import->source, digest);

    if (rv != APR_SUCCESS) {
        manifest->absent = rv == ENOENT;
        return rv == ENOENT ? "its bytes are missing"
                            : oci_import_fault(rv, pool);
    }
    if (file.size > MANIFEST_MAX) {
        oci_import_file_close(&file);
        return "it is larger than 64 MiB";
    }
    buffer = apr_palloc(pool, file.size + 1);
    while (n > 0) {
        n = oci_import_file_read(&file, buffer + file.read,
                                 file.size - file.read);
    }
    rv = n < 0 ? errno : APR_SUCCESS;
    manifest->data = buffer;
    manifest->size = file.read;
    oci_import_file_close(&file);
    if (rv != APR_SUCCESS) {
        return oci_import_fault(rv, pool);
    }
    actual = oci_digest_of(oci_digest_algorithm(digest), buffer, manifest->size,
                           pool);
    return strcmp(actual, digest)
        ? apr_pstrcat(pool, "its bytes have the digest ", actual, NULL)
        : NULL;
}

/* A registry is told the media type; the source may not state it.  Returns the
 * type of a manifest that does not state it itself. */
static const char *missing_type(const oci_import_manifest_t *manifest,
                                apr_pool_t *pool)
{
    static const char *const names[] = { "mediaType", "manifests" };
    oci_span_t members[2];

    if (oci_json_check(manifest->data, manifest->size, pool)) {
        return NULL;
    }
    oci_span_members(members, oci_span_of(manifest->data, manifest->size),
                     names, 2);
    if (members[0].text) {
        return NULL;
    }
    if (manifest->stated_type) {
        return manifest->stated_type;
    }
    return members[1].text ? TYPE_INDEX : TYPE_MANIFEST;
}

/* A manifest that is damaged here is imported again. */
oci_error_t *oci_import_manifest_load(oci_import_manifest_t *manifest,
                                      const oci_import_t *import,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool)
{
    oci_manifest_t here;
    oci_error_t *error = oci_manifest_get(&here, repository, digest, pool);
    const char *stated = manifest->stated_type;

    memset(manifest, 0, sizeof(*manifest));
    manifest->stated_type = stated;
    if (!error) {
        manifest->present = 1;
        manifest->data = here.data;
        manifest->size = here.size;
        manifest->content_type = here.media_type;
    }
    else if (error->code != OCI_E_MANIFEST_UNKNOWN) {
        return error;
    }
    else if (!(manifest->fault = read_bytes(manifest, import, digest, pool))) {
        manifest->content_type = missing_type(manifest, pool);
    }
    if (!manifest->fault) {
        manifest->fault = oci_document_parse(&manifest->document,
                                             manifest->content_type,
                                             manifest->data, manifest->size,
                                             pool);
    }
    return NULL;
}

static void skip_manifest(const manifest_import_t *self, const char *fault)
{
    oci_import_skip(self->images->import, "%s, manifest %s: %s",
                    self->images->repository->name, self->digest, fault);
    self->revision->done = 1;
}

/* Whether the manifest names one that is still to be imported. */
static int must_wait(const manifest_import_t *self)
{
    const apr_array_header_t *children = self->manifest.document->children;
    int i;

    for (i = 0; i < children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(children, i, oci_child_t);
        const oci_import_revision_t *found;

        if (child->kind == OCI_CHILD_MANIFEST
            && (found = oci_import_images_find(self->images,
                                               child->descriptor.digest))
            && !found->done) {
            self->revision->awaited = 1
                + (found
                   - (oci_import_revision_t *)self->images->revisions->elts);
            return 1;
        }
    }
    return 0;
}

/* Whether a manifest or a blob is here. */
static oci_error_t *is_here(int *here, const manifest_import_t *self,
                            const char *digest, apr_pool_t *pool)
{
    const oci_repository_t *repository = self->images->repository;
    oci_manifest_t manifest;
    oci_blob_t blob;
    oci_error_t *error = oci_manifest_get(&manifest, repository, digest, pool);

    if (error && error->code == OCI_E_MANIFEST_UNKNOWN) {
        error = oci_blob_stat(&blob, repository, digest, pool);
    }
    *here = !error;
    return error && error->code != OCI_E_BLOB_UNKNOWN ? error : NULL;
}

/* Print which manifests of an index are missing. */
static oci_error_t *report_absent(const manifest_import_t *self)
{
    const apr_array_header_t *children = self->manifest.document->children;
    oci_error_t *error = NULL;
    apr_pool_t *scratch;
    int i, here;
    apr_status_t rv = apr_pool_create(&scratch, self->pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(self->pool, rv, "cannot import an index");
    }
    for (i = 0; i < children->nelts && !error; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(children, i, oci_child_t);
        const char *digest = child->descriptor.digest;

        if (child->kind != OCI_CHILD_MANIFEST) {
            continue;
        }
        error = is_here(&here, self, digest, scratch);
        if (!error && !here) {
            oci_import_note(self->images->import,
                            "incomplete: %s, manifest %s: imported without the "
                            "manifest %s, which it names",
                            self->images->repository->name, self->digest,
                            digest);
            self->images->import->report.skipped += !self->images->import
                                                         ->takes_sparse;
        }
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Say why a push was refused: all missing layers in one line. */
static const char *refusal(const oci_error_t *error, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, error->message,
                                   error->value ? ": " : "", error->value,
                                   NULL);

    if (error->code == OCI_E_MANIFEST_BLOB_UNKNOWN) {
        while ((error = error->next)) {
            text = apr_pstrcat(pool, text, ", ", error->value, NULL);
        }
    }
    return text;
}

static apr_array_header_t *list_of(const oci_import_tag_t *tag,
                                   apr_pool_t *pool)
{
    apr_array_header_t *tags = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(tags, const char *) = tag->name;
    return tags;
}

/* Push the manifest.  A push to a tag makes a SHA-256 digest: for another one,
 * the push is to the digest, to which the condition does not apply.
 * tag: to set, or NULL
 * *refused: set to 1 if the content is not accepted */
static oci_error_t *put(int *refused, manifest_import_t *self,
                        const oci_import_tag_t *tag,
                        const oci_condition_t *condition, apr_pool_t *pool)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    apr_int64_t seconds = tag ? tag->seconds : self->revision->seconds;
    int by_digest = !tag || self->revision->raw[0] != OCI_SHA256;
    oci_push_t push = { .reference = by_digest ? self->digest : tag->name,
                        .tags = by_digest && tag ? list_of(tag, pool) : NULL,
                        .content_type = self->manifest.content_type,
                        .data = self->manifest.data,
                        .size = self->manifest.size,
                        .seconds = seconds > 0 && seconds < now ? seconds
                                                                : now };
    oci_pushed_t pushed;
    oci_error_t *error;

    if (condition && !by_digest) {
        push.condition = *condition;
    }
    error = oci_manifest_put(&pushed, self->images->repository, &push, pool);
    *refused = 0;
    if (!error) {
        self->images->import->report.manifests += !self->manifest.present;
        self->images->import->report.tags += tag != NULL;
        if (condition && condition->match && self->images->import->moves_tags) {
            oci_import_note(self->images->import, "%s, tag %s: moved from %.*s",
                            self->images->repository->name, tag->name,
                            (int)strlen(condition->match) - 2,
                            condition->match + 1);
        }
        self->manifest.present = 1;
        return NULL;
    }
    switch (error->code) {
    case OCI_E_MANIFEST_CHANGED:
        oci_import_tag_keep(self->images, tag->name);
        return NULL;
    case OCI_E_MANIFEST_INVALID:
    case OCI_E_MANIFEST_BLOB_UNKNOWN:
        *refused = 1;
        skip_manifest(self, refusal(error, pool));
        return NULL;
    default:
        return error;
    }
}

/* Push the manifest with a tag, if that must be set here. */
static oci_error_t *put_tag(int *refused, manifest_import_t *self,
                            oci_import_tag_t *tag)
{
    oci_condition_t condition = { NULL, NULL };
    apr_pool_t *scratch; /* a manifest may have very many tags */
    oci_error_t *error;
    int set;
    apr_status_t rv = apr_pool_create(&scratch, self->pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(self->pool, rv, "cannot set a tag");
    }
    error = oci_import_tag_decide(&set, &condition, self->images, tag, scratch);
    if (!error && set) {
        error = put(refused, self, tag, &condition, scratch);
    }
    if (!error) {
        tag->done = !*refused;
        apr_pool_destroy(scratch);
    }
    return error;
}

/* Push the manifest with each of its tags that must be set here; or without
 * one, if it is not here and has none. */
static oci_error_t *put_with_tags(manifest_import_t *self)
{
    const apr_array_header_t *tags = self->images->tags;
    oci_import_tag_t *end = (oci_import_tag_t *)tags->elts + tags->nelts;
    oci_import_tag_t *tag = oci_import_images_tags(self->images,
                                                   self->revision->raw);
    int was_present = self->manifest.present, refused = 0;
    oci_error_t *error = NULL;

    for (; tag && tag < end && !error && !refused
         && !memcmp(tag->raw, self->revision->raw, OCI_IMPORT_RAW);
         tag++) {
        error = put_tag(&refused, self, tag);
    }
    if (!error && !refused && !self->manifest.present) {
        error = put(&refused, self, NULL, NULL, self->pool);
    }
    if (!error && !refused) {
        error = report_absent(self);
    }
    self->images->import->report.present += was_present;
    self->revision->done = 1;
    return error;
}

/* Import a manifest, unless it must wait for those that it names. */
static oci_error_t *import_revision(oci_import_images_t *images,
                                    oci_import_revision_t *revision,
                                    apr_pool_t *pool)
{
    manifest_import_t self = { .images = images,
                               .revision = revision,
                               .digest = oci_import_digest(revision->raw, pool),
                               .manifest.stated_type = revision->media_type,
                               .pool = pool };
    oci_error_t *error = oci_import_manifest_load(&self.manifest,
                                                  images->import,
                                                  images->repository,
                                                  self.digest, pool);

    if (error) {
        return error;
    }
    if (self.manifest.fault) {
        skip_manifest(&self, self.manifest.fault);
        return NULL;
    }
    return must_wait(&self) ? NULL : put_with_tags(&self);
}

/* Whether a manifest has waited for another one, and still does.  It need not
 * be read again then: an index of an index of an index ... may be long. */
static int still_waits(const oci_import_images_t *images,
                       const oci_import_revision_t *revision)
{
    return revision->awaited
        && !APR_ARRAY_IDX(images->revisions, revision->awaited - 1,
                          oci_import_revision_t)
                .done;
}

/* Import the manifests that are left and need not wait.
 * *count: set to their number */
static oci_error_t *import_ready(int *count, oci_import_images_t *images,
                                 apr_pool_t *scratch)
{
    int i;

    *count = 0;
    for (i = 0; i < images->revisions->nelts && !oci_interrupt_pending(); i++) {
        oci_import_revision_t *revision = &APR_ARRAY_IDX(images->revisions, i,
                                                         oci_import_revision_t);
        oci_error_t *error;

        if (revision->done || still_waits(images, revision)) {
            continue;
        }
        error = import_revision(images, revision, scratch);
        if (error) {
            return error;
        }
        *count += revision->done;
        oci_import_progress(images->import);
        apr_pool_clear(scratch);
    }
    return NULL;
}

/* Print which tags have no manifest. */
static void report_tags(const oci_import_images_t *images, apr_pool_t *scratch)
{
    int i;

    for (i = 0; i < images->tags->nelts && !oci_interrupt_pending(); i++) {
        const oci_import_tag_t *tag = &APR_ARRAY_IDX(images->tags, i,
                                                     oci_import_tag_t);
        const char *digest;

        if (!tag->done) {
            digest = oci_import_digest(tag->raw, scratch);
            oci_import_skip(images->import, "%s, tag %s: its manifest %s %s",
                            images->repository->name, tag->name, digest,
                            oci_import_images_find(images, digest)
                                ? "was skipped"
                                : "is missing");
            apr_pool_clear(scratch);
        }
    }
}

/* The manifests that wait for none are imported first, then those that waited
 * for these, and so on.  No two can wait for each other. */
oci_error_t *oci_import_images_put(oci_import_images_t *images)
{
    apr_pool_t *scratch;
    int count;
    oci_error_t *error;
    apr_status_t rv = apr_pool_create(&scratch, images->pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(images->pool, rv, "cannot import manifests");
    }
    do {
        error = import_ready(&count, images, scratch);
    } while (!error && count);
    if (error) {
        return oci_error_storage(images->pool, APR_SUCCESS, "%s",
                                 oci_error_text(error, scratch));
    }
    report_tags(images, scratch);
    apr_pool_destroy(scratch);
    return NULL;
}
