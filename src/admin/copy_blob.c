/* SPDX-License-Identifier: Apache-2.0 */

/* Copies one blob.  It is written by an upload of TO and hashed on its way, and
 * committed only if it has its digest. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/copy_blob.h"
#include "admin/interrupt.h"
#include "registry/blob_source.h"
#include "registry/error.h"
#include "registry/random.h"
#include "values/digest.h"

/* The upload in a local TO.  Only one process at a time can claim it, and the
 * next run removes what a killed one left of it. */
#define UPLOAD "copy"

#define BUFFER_SIZE 262144 /* bytes that are read at a time */

#define HOW_TO_MEND                                                      \
    "push the blob again, or delete it and its entries with \"ociadmin " \
    "check --digests --repair\", then run the same command again"

/* The copy of one blob. */
typedef struct transfer_t {
    oci_blob_copy_t *copy;
    const oci_stored_t *blob;
    oci_blob_source_t source; /* of the blob in FROM */
    int is_open;              /* whether it is: it is needed, and not gone */
    oci_blob_writer_t *writer;
    const char *locator; /* where TO has it, or may have it */
    int present;         /* whether TO has it */
    apr_uint64_t bytes;  /* copied */
    const char *fault;   /* why the blob cannot be copied, or NULL */
    apr_pool_t *pool;
} transfer_t;

const char *oci_copy_explain(const char *what, const oci_blob_store_t *store,
                             apr_status_t rv, apr_pool_t *pool)
{
    return oci_error_text(oci_error_storage(pool, rv, "cannot %s %s", what,
                                            store->where),
                          pool);
}

/* Step over a blob, and say why. */
static void skip(const transfer_t *self)
{
    oci_blob_copy_t *copy = self->copy;

    oci_progress_end(copy->progress);
    fprintf(stderr, "ociadmin: skipped: %s/%s: %s\n", copy->from.store->where,
            self->blob->name, self->fault);
    copy->skipped++;
}

/* Note why the blob cannot be read.  If FROM does not answer, nothing more can
 * be copied: return a sentence that says so. */
static const char *note_status(transfer_t *self, apr_status_t rv)
{
    oci_error_t *error;

    if (APR_STATUS_IS_ECONNREFUSED(rv) || APR_STATUS_IS_TIMEUP(rv)) {
        return oci_copy_explain("read from", self->copy->from.store, rv,
                                self->pool);
    }
    error = oci_error_storage(self->pool, rv, "it cannot be read");
    self->fault = apr_pstrcat(self->pool, oci_error_text(error, self->pool),
                              "; " HOW_TO_MEND, NULL);
    return NULL;
}

/* Copy the bytes to the upload, which is empty, and compare the digest. */
static const char *copy_bytes(transfer_t *self)
{
    oci_blob_copy_t *copy = self->copy;
    const char *digest = self->blob->digest;
    oci_hash_t *hash = oci_hash_make(oci_digest_algorithm(digest), self->pool);
    struct iovec vec = { apr_palloc(self->pool, BUFFER_SIZE), 1 };
    apr_status_t end = APR_SUCCESS;

    while (end == APR_SUCCESS && vec.iov_len) {
        apr_status_t rv = APR_SUCCESS;

        if (oci_interrupt_pending()) {
            return "interrupted; " OCI_COPY_HOW_TO_CONTINUE;
        }
        vec.iov_len = BUFFER_SIZE;
        end = oci_blob_source_read(&self->source, self->bytes, vec.iov_base,
                                   &vec.iov_len);
        if (end == APR_SUCCESS) {
            oci_hash_update(hash, vec.iov_base, vec.iov_len);
            self->bytes += vec.iov_len;
            rv = copy->to.store->provider->upload_write(self->writer, &vec, 1);
        }
        if (rv != APR_SUCCESS) {
            return oci_copy_explain("write to", copy->to.store, rv, self->pool);
        }
        oci_progress_show(copy->progress, copy->blobs,
                          copy->bytes + self->bytes);
    }
    if (end != APR_SUCCESS) {
        return note_status(self, end);
    }
    if (strcmp(digest, oci_hash_digest(hash, self->pool)) != 0) {
        self->fault = "its bytes have another digest; " HOW_TO_MEND;
    }
    return NULL;
}

/* Make the upload a blob.  The index may know it by its locator in FROM: then
 * that in TO must be the same. */
static const char *commit(transfer_t *self)
{
    oci_blob_store_t *store = self->copy->to.store;
    const char *wanted = self->locator, *state;
    apr_status_t rv = store->provider->remote
        ? APR_SUCCESS
        : store->provider->upload_close(&state, self->writer, 1, self->pool);

    if (rv == APR_SUCCESS) {
        rv = store->provider->upload_commit(&self->locator, self->writer,
                                            self->blob->digest, 1, self->pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_copy_explain("write to", store, rv, self->pool);
    }
    if (!wanted || !strcmp(self->locator, wanted)) {
        return NULL;
    }
    store->provider->blob_delete(store, self->locator, NULL, self->pool);
    return apr_psprintf(self->pool,
                        "%s names blobs in another way than %s, so the index "
                        "would not find them: use a TO of the same provider",
                        store->where, self->copy->from.store->where);
}

/* Open the upload in TO, which is empty.  A remote store cannot claim it, and
 * names the blob after it, so that each blob has an upload of its own there. */
static const char *open_upload(transfer_t *self)
{
    oci_blob_store_t *store = self->copy->to.store;
    const char *id = UPLOAD;
    apr_status_t rv;

    if (store->provider->remote) {
        oci_error_t *error = oci_random_stamp(&id, self->pool);

        if (error) {
            return oci_error_text(error, self->pool);
        }
        id = apr_pstrcat(self->pool, id, OCI_COPY_UPLOAD, NULL);
    }
    rv = store->provider->upload_open(&self->writer, store, id, self->pool);
    if (APR_STATUS_IS_EBUSY(rv)) {
        return apr_psprintf(self->pool, "another copy to %s is running",
                            store->where);
    }
    if (rv == APR_SUCCESS) {
        rv = store->provider->upload_resume(self->writer, 0, NULL);
    }
    return rv == APR_SUCCESS
        ? NULL
        : oci_copy_explain("write to", store, rv, self->pool);
}

/* Write the blob to TO. */
static const char *write_blob(transfer_t *self)
{
    const char *error = open_upload(self);

    if (error) {
        return error;
    }
    error = copy_bytes(self);
    if (!error && !self->fault) {
        error = commit(self);
    }
    self->copy->to.store->provider->upload_abort(self->writer);
    return error;
}

/* Look whether TO has a blob of this size, if it may have it. */
static const char *find_present(transfer_t *self)
{
    oci_blob_store_t *store = self->copy->to.store;
    apr_off_t size;
    apr_status_t rv = self->locator
        ? store->provider->blob_size(&size, store, self->locator, self->pool)
        : APR_NOTFOUND;

    self->present = rv == APR_SUCCESS && size == self->blob->size;
    return rv == APR_SUCCESS || rv == APR_NOTFOUND
        ? NULL
        : oci_copy_explain("look for a blob in", store, rv, self->pool);
}

/* Open the blob in FROM.  A failure ends only the copy of this blob. */
static const char *open_blob(transfer_t *self)
{
    oci_blob_store_t *store = self->copy->from.store;
    apr_status_t rv = store->provider->blob_open(&self->source, store,
                                                 self->blob->name, 0,
                                                 self->pool);

    self->is_open = rv == APR_SUCCESS;
    return self->is_open || rv == APR_NOTFOUND ? NULL : note_status(self, rv);
}

/* Call a step as the owner of FROM or TO. */
static const char *call_as_owner(const char *(*step)(transfer_t *self),
                                 transfer_t *self, const oci_copy_side_t *side)
{
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, &side->owner, self->pool);
    const char *error = rv == APR_SUCCESS
        ? step(self)
        : oci_copy_explain("act as the owner of", side->store, rv, self->pool);

    oci_owner_leave(&caller);
    return error;
}

const char *oci_copy_blob(const char **locator, oci_blob_copy_t *copy,
                          const oci_stored_t *blob, apr_pool_t *pool)
{
    transfer_t self = {
        .copy = copy, .blob = blob, .locator = *locator, .pool = pool
    };
    const char *error = call_as_owner(find_present, &self, &copy->to);

    if (!error && !self.present) {
        error = call_as_owner(open_blob, &self, &copy->from);
    }
    if (!error && self.is_open) {
        error = call_as_owner(write_blob, &self, &copy->to);
    }
    *locator = NULL;
    if (error) {
        return error;
    }
    if (self.present || (self.is_open && !self.fault)) {
        *locator = self.locator;
    }
    if (self.fault) {
        skip(&self);
    }
    else if (self.is_open) {
        copy->blobs++;
        copy->bytes += self.bytes;
    }
    else {
        copy->present += self.present;
        copy->gone += !self.present;
    }
    return NULL;
}
