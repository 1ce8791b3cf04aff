/* SPDX-License-Identifier: Apache-2.0 */

/* Uploads of a store "s3": open, resume, write, close and commit. */

#include <errno.h>
#include <string.h>

#include "apr_strings.h"

#include "s3/s3_multipart.h"
#include "s3/s3_object.h"
#include "s3/s3_upload.h"
#include "s3/s3_writer.h"

/* How long a tail may have been there when it becomes a blob, in seconds.
 * Garbage collection deletes objects without a record that are much older. */
#define FRESH 60

static apr_status_t end_writer(void *data)
{
    oci_s3_writer_drop(data);
    return APR_SUCCESS;
}

apr_status_t oci_s3_upload_open(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool)
{
    oci_blob_writer_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv = oci_s3_store_use(&self->store, store, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    self->id = apr_pstrdup(pool, id);
    self->pool = pool;
    self->loaded = 1;
    oci_s3_state_begin(&self->state, oci_s3_memory_part(self->store->memory),
                       pool);
    self->superseded = apr_array_make(pool, 1, sizeof(const char *));
    apr_pool_cleanup_register(pool, self, end_writer, apr_pool_cleanup_null);
    *writer = self;
    return APR_SUCCESS;
}

/* Check that the tail has the bytes that the state says. */
static apr_status_t check_tail(oci_blob_writer_t *writer)
{
    const oci_s3_state_t *state = &writer->state;
    oci_s3_call_t call = oci_s3_writer_call(writer);
    oci_s3_info_t info;
    apr_pool_t *scratch;
    apr_status_t rv = oci_s3_writer_begin(&scratch, writer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_s3_head(&info, &call, state->tail, scratch);
    if (rv == APR_NOTFOUND
        || (rv == APR_SUCCESS
            && info.size != state->size - oci_s3_state_parts_size(state))) {
        rv = APR_EOF;
    }
    return oci_s3_writer_end(scratch, writer, rv);
}

/* Abort a multipart upload that no state leads to, if that is possible: garbage
 * collection finds what is left. */
static void abort_begun(oci_blob_writer_t *writer)
{
    oci_s3_call_t call = oci_s3_writer_call(writer);
    apr_pool_t *scratch;

    if (writer->begun && oci_s3_writer_begin(&scratch, writer) == APR_SUCCESS) {
        oci_s3_multipart_abort(&call, &writer->state.multipart, scratch);
        apr_pool_destroy(scratch);
    }
    writer->begun = 0;
}

apr_status_t oci_s3_upload_resume(oci_blob_writer_t *writer, apr_off_t size,
                                  const char *text)
{
    oci_s3_state_t *state = &writer->state;

    oci_s3_writer_enter(writer);
    abort_begun(writer);
    oci_s3_writer_drop(writer);
    writer->blob = NULL;
    writer->unsure = 0;
    writer->resumed = writer->loaded = 1;
    if (!text) {
        oci_s3_state_begin(state, oci_s3_memory_part(writer->store->memory),
                           writer->pool);
        return size ? APR_EOF : APR_SUCCESS;
    }
    if (oci_s3_state_parse(state, text, writer->pool) != APR_SUCCESS) {
        return oci_s3_writer_say(writer, APR_EGENERAL,
                                 "the upload's record has a state that is not "
                                 "of this store");
    }
    if (size != state->size) {
        return APR_EOF;
    }
    writer->superseded = state->old;
    state->old = apr_array_make(writer->pool, 1, sizeof(const char *));
    if (state->part > oci_s3_memory_most(writer->store->memory)) {
        return oci_s3_writer_say(writer, APR_EOF,
                                 "the upload began with an OCIS3PartSize that "
                                 "is larger than OCIS3Memory is now");
    }
    if (!state->tail) {
        return state->size == oci_s3_state_parts_size(state) ? APR_SUCCESS
                                                             : APR_EOF;
    }
    writer->loaded = 0;
    return check_tail(writer);
}

apr_status_t oci_s3_upload_write(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n)
{
    apr_off_t most = oci_s3_client_settings(writer->store->client)->max_blob;
    apr_off_t size = writer->state.size;
    apr_status_t rv;
    int i;

    for (i = 0; i < n; i++) {
        size += vec[i].iov_len;
    }
    if (size == writer->state.size) {
        return APR_SUCCESS;
    }
    if (size > most) {
        apr_pool_userdata_setn(apr_off_t_toa(writer->pool, most), OCI_LIMIT,
                               NULL, writer->pool);
        return oci_s3_writer_say(writer, EFBIG,
                                 apr_psprintf(writer->pool,
                                              "a blob has at most "
                                              "%" APR_OFF_T_FMT
                                              " bytes here; OCIS3PartSize and "
                                              "OCIS3MaxBlob say how many",
                                              most));
    }
    oci_s3_writer_enter(writer);
    if ((rv = oci_s3_writer_load(writer)) != APR_SUCCESS) {
        return rv;
    }
    oci_s3_writer_supersede(writer);
    for (i = 0; i < n && rv == APR_SUCCESS; i++) {
        rv = oci_s3_writer_append(writer, vec[i].iov_base, vec[i].iov_len);
    }
    return rv;
}

/* Delete objects, if they can be deleted: garbage collection finds what is
 * left. */
static void delete_superseded(oci_blob_writer_t *writer)
{
    oci_s3_call_t call = oci_s3_writer_call(writer);
    apr_pool_t *scratch;

    if (writer->superseded->nelts
        && oci_s3_writer_begin(&scratch, writer) == APR_SUCCESS) {
        oci_s3_delete_all(&call, writer->superseded, scratch);
        apr_pool_destroy(scratch);
        apr_array_clear(writer->superseded);
    }
}

apr_status_t oci_s3_upload_close(const char **state, oci_blob_writer_t *writer,
                                 int durable, apr_pool_t *pool)
{
    const char *directory = writer->state.multipart.id ? OCI_S3_TAILS
                                                       : OCI_S3_BLOBS;
    const char *tail, *sha256;
    apr_status_t rv;

    (void)durable;
    oci_s3_writer_enter(writer);
    if (!writer->state.tail && writer->used) {
        rv = oci_s3_writer_put_object(&tail, &sha256, writer, directory);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        writer->state.tail = tail;
        writer->state.sha256 = sha256;
        writer->state.put = apr_time_sec(apr_time_now());
    }
    if (writer->state.tail && writer->from_memory) {
        oci_s3_writer_drop(writer); /* a client may be silent from now on */
        writer->loaded = 0;
    }
    delete_superseded(writer);
    writer->begun = 0;
    *state = oci_s3_state_format(&writer->state, pool);
    return APR_SUCCESS;
}

static int is_fresh(const oci_s3_state_t *state)
{
    apr_int64_t age = apr_time_sec(apr_time_now()) - state->put;

    return age >= 0 && age < FRESH;
}

/* Make a blob of an upload without parts. */
static apr_status_t commit_object(oci_blob_writer_t *writer)
{
    const char *key, *sha256;
    apr_status_t rv;

    if (writer->state.tail && is_fresh(&writer->state)) {
        writer->blob = writer->state.tail;
        return APR_SUCCESS;
    }
    if ((rv = oci_s3_writer_load(writer)) == APR_SUCCESS
        && (rv = oci_s3_writer_put_object(&key, &sha256, writer, OCI_S3_BLOBS))
            == APR_SUCCESS) {
        writer->blob = key;
    }
    return rv;
}

/* Put the bytes after the parts as the last part, and add it to them. */
static apr_status_t put_last(apr_array_header_t *parts,
                             oci_blob_writer_t *writer)
{
    oci_s3_part_done_t last;
    apr_status_t rv = oci_s3_writer_load(writer);

    if (rv == APR_SUCCESS && writer->used
        && (rv = oci_s3_writer_put_part(&last, writer)) == APR_SUCCESS) {
        APR_ARRAY_PUSH(parts, oci_s3_part_done_t) = last;
    }
    return rv;
}

/* Look whether an earlier commit has made the blob: the server then no longer
 * knows the upload, but has the object.
 * status: of the request that failed, returned if there is no such object
 * Returns APR_EEXIST if there is. */
static apr_status_t look_for_blob(oci_blob_writer_t *writer,
                                  apr_status_t status)
{
    const oci_s3_state_t *state = &writer->state;
    oci_s3_call_t call = oci_s3_writer_call(writer);
    oci_s3_info_t info;
    apr_pool_t *scratch;
    apr_status_t rv = oci_s3_writer_begin(&scratch, writer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_s3_head(&info, &call, state->multipart.key, scratch);
    if (status == APR_EOF && rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return oci_s3_writer_end(scratch, writer, rv);
    }
    apr_pool_destroy(scratch); /* the first failure is the one to log */
    if (rv != APR_SUCCESS || info.size != state->size) {
        return status;
    }
    return oci_s3_writer_say(writer, APR_EEXIST, NULL);
}

/* Complete the parts. */
static apr_status_t complete_parts(oci_blob_writer_t *writer,
                                   const apr_array_header_t *parts)
{
    const oci_s3_state_t *state = &writer->state;
    oci_s3_call_t call = oci_s3_writer_call(writer);
    apr_pool_t *scratch;
    apr_status_t rv = oci_s3_writer_begin(&scratch, writer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_s3_multipart_complete(&call, &state->multipart, parts, state->size,
                                   scratch);
    return oci_s3_writer_end(scratch, writer,
                             rv == APR_NOTFOUND ? APR_EOF : rv);
}

/* Make a blob of an upload with parts.  Some servers deny access to an upload
 * that they do not know.
 * Returns APR_EEXIST if an earlier commit has made it, perhaps of other bytes.
 */
static apr_status_t commit_parts(oci_blob_writer_t *writer)
{
    apr_array_header_t *parts = apr_array_copy(writer->pool,
                                               writer->state.parts);
    apr_status_t rv = put_last(parts, writer);

    if (rv == APR_SUCCESS) {
        rv = complete_parts(writer, parts);
    }
    if (rv == APR_EOF || rv == APR_EACCES) {
        rv = look_for_blob(writer, rv);
    }
    if (rv == APR_SUCCESS || rv == APR_EEXIST) {
        writer->blob = writer->state.multipart.key;
        writer->unsure = rv == APR_EEXIST;
    }
    return rv;
}

apr_status_t oci_s3_upload_commit(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    (void)digest;
    (void)durable;
    oci_s3_writer_enter(writer);
    if (!writer->blob) {
        rv = writer->state.multipart.id ? commit_parts(writer)
                                        : commit_object(writer);
    }
    if (!writer->blob) {
        return rv;
    }
    *locator = apr_pstrdup(pool, writer->blob);
    return writer->unsure ? APR_EEXIST : APR_SUCCESS;
}
