/* SPDX-License-Identifier: Apache-2.0 */

/* The writer of an upload of a store "s3": its buffer and its state. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "s3/s3_object.h"
#include "s3/s3_sign.h"
#include "s3/s3_stream.h"
#include "s3/s3_writer.h"

/* The size of the buffer until it needs that of a part. */
#define SMALL (64 * 1024)

#define MIB (1024 * 1024)

void oci_s3_writer_enter(oci_blob_writer_t *writer)
{
    writer->deadline = oci_s3_now() + OCI_S3_WAIT;
}

oci_s3_call_t oci_s3_writer_call(const oci_blob_writer_t *writer)
{
    oci_s3_call_t call = { writer->store->client, writer->deadline };

    return call;
}

/* Put the deadline off, as this many bytes are sent or read back. */
static void allow_for(oci_blob_writer_t *writer, apr_off_t size)
{
    writer->deadline += apr_time_from_sec(size / MIB);
}

void oci_s3_writer_drop(oci_blob_writer_t *writer)
{
    if (writer->from_memory) {
        oci_s3_memory_give(writer->store->memory, writer->buffer, writer->room);
    }
    else {
        free(writer->buffer);
    }
    writer->buffer = NULL;
    writer->used = writer->room = 0;
    writer->from_memory = 0;
}

apr_status_t oci_s3_writer_begin(apr_pool_t **scratch,
                                 const oci_blob_writer_t *writer)
{
    return apr_pool_create(scratch, writer->pool);
}

apr_status_t oci_s3_writer_say(oci_blob_writer_t *writer, apr_status_t rv,
                               const char *sentence)
{
    apr_pool_userdata_setn(sentence, OCI_REASON, NULL, writer->pool);
    return rv;
}

apr_status_t oci_s3_writer_end(apr_pool_t *scratch, oci_blob_writer_t *writer,
                               apr_status_t rv)
{
    void *reason;

    apr_pool_userdata_get(&reason, OCI_REASON, scratch);
    if (rv != APR_SUCCESS && reason) {
        oci_s3_writer_say(writer, rv, apr_pstrdup(writer->pool, reason));
    }
    apr_pool_destroy(scratch);
    return rv;
}

/* Make the buffer as large as a part. */
static apr_status_t enlarge_buffer(oci_blob_writer_t *writer)
{
    apr_size_t part = (apr_size_t)writer->state.part;
    char *larger;
    apr_status_t rv = oci_s3_memory_take(&larger, writer->store->memory, part,
                                         writer->deadline - oci_s3_now());

    if (rv == APR_TIMEUP) {
        return oci_s3_writer_say(writer, rv,
                                 "all memory for uploads is in use; "
                                 "OCIS3Memory says how much there is");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (writer->used) {
        memcpy(larger, writer->buffer, writer->used);
    }
    free(writer->buffer);
    writer->buffer = larger;
    writer->room = part;
    writer->from_memory = 1;
    return APR_SUCCESS;
}

/* Make room for more bytes in the buffer; at least one fits.
 * room: set to how many fit */
static apr_status_t make_room(apr_size_t *room, oci_blob_writer_t *writer,
                              apr_size_t wanted)
{
    apr_status_t rv = APR_SUCCESS;

    if (!writer->buffer && writer->used + wanted <= SMALL) {
        writer->buffer = malloc(SMALL);
        writer->room = writer->buffer ? SMALL : 0;
    }
    if (writer->used + wanted > writer->room
        && writer->room < (apr_size_t)writer->state.part) {
        rv = enlarge_buffer(writer);
    }
    *room = writer->room - writer->used;
    return rv;
}

/* Compare the bytes that were read back with those that were put: the registry
 * has only hashed the latter. */
static apr_status_t verify_tail(oci_blob_writer_t *writer, apr_pool_t *scratch)
{
    struct iovec body = { writer->buffer, writer->used };
    const char *actual = oci_s3_sha256(&body, 1, scratch);

    if (actual && !strcmp(actual, writer->state.sha256)) {
        return APR_SUCCESS;
    }
    return oci_s3_writer_say(writer, APR_EGENERAL,
                             apr_psprintf(writer->pool,
                                          "the server returned other bytes of "
                                          "\"%s\" than were put: repeat the "
                                          "request, or begin the upload again",
                                          writer->state.tail));
}

apr_status_t oci_s3_writer_load(oci_blob_writer_t *writer)
{
    apr_off_t size = writer->state.size
        - oci_s3_state_parts_size(&writer->state);
    const oci_s3_span_t all = { 0, size };
    oci_s3_stream_t *stream;
    oci_s3_call_t call;
    apr_size_t room, length = 1;
    apr_pool_t *scratch;
    apr_status_t rv;

    if (writer->loaded) {
        return APR_SUCCESS;
    }
    allow_for(writer, size);
    if ((rv = make_room(&room, writer, (apr_size_t)size)) != APR_SUCCESS
        || (rv = oci_s3_writer_begin(&scratch, writer)) != APR_SUCCESS) {
        return rv;
    }
    call = oci_s3_writer_call(writer);
    rv = oci_s3_stream_open(&stream, &call, writer->state.tail, &all, scratch);
    while (rv == APR_SUCCESS && length && (apr_off_t)writer->used < size) {
        length = (apr_size_t)size - writer->used;
        rv = oci_s3_stream_read(stream, &(oci_s3_span_t){ writer->used, size },
                                writer->buffer + writer->used, &length);
        writer->used += rv == APR_SUCCESS ? length : 0;
        if (rv == APR_SUCCESS && oci_s3_now() > writer->deadline) {
            rv = oci_s3_writer_say(writer, APR_TIMEUP,
                                   "the server sends the bytes of an upload "
                                   "too slowly");
        }
    }
    if (rv == APR_NOTFOUND || (rv == APR_SUCCESS && !length && size)) {
        rv = APR_EOF;
    }
    if (rv == APR_SUCCESS) {
        rv = verify_tail(writer, scratch);
    }
    writer->loaded = rv == APR_SUCCESS;
    writer->used = writer->loaded ? writer->used : 0;
    return oci_s3_writer_end(scratch, writer, rv);
}

void oci_s3_writer_supersede(oci_blob_writer_t *writer)
{
    if (writer->state.tail) {
        APR_ARRAY_PUSH(writer->state.old, const char *) = writer->state.tail;
        writer->state.tail = NULL;
    }
}

/* Begin a multipart upload, if there is none. */
static apr_status_t begin_parts(oci_blob_writer_t *writer, apr_pool_t *scratch)
{
    oci_s3_call_t call = oci_s3_writer_call(writer);
    oci_s3_multipart_t multipart = { 0 };
    apr_status_t rv;

    if (writer->state.multipart.id) {
        return APR_SUCCESS;
    }
    rv = oci_s3_store_key(&multipart.key, OCI_S3_BLOBS, writer->id,
                          writer->pool);
    if (rv == APR_SUCCESS) {
        rv = oci_s3_multipart_create(&multipart, &call, scratch);
    }
    if (rv == APR_SUCCESS) {
        writer->state.multipart.key = multipart.key;
        writer->state.multipart.id = apr_pstrdup(writer->pool, multipart.id);
        writer->begun = 1;
    }
    return rv;
}

apr_status_t oci_s3_writer_put_part(oci_s3_part_done_t *done,
                                    oci_blob_writer_t *writer)
{
    const oci_s3_state_t *state = &writer->state;
    struct iovec body = { writer->buffer, writer->used };
    oci_s3_call_t call;
    oci_s3_part_t part = { state->parts->nelts + 1, &body, 1, NULL };
    apr_pool_t *scratch;
    apr_status_t rv = oci_s3_writer_begin(&scratch, writer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    allow_for(writer, writer->used);
    if ((rv = begin_parts(writer, scratch)) == APR_SUCCESS) {
        call = oci_s3_writer_call(writer);
        part.sha256 = oci_s3_sha256(&body, 1, scratch);
        rv = oci_s3_multipart_put(&done->etag, &call, &state->multipart, &part,
                                  scratch);
    }
    if (rv == APR_SUCCESS) {
        done->etag = apr_pstrdup(writer->pool, done->etag);
        done->sha256 = oci_s3_client_settings(writer->store->client)->checksums
            ? apr_pstrdup(writer->pool, part.sha256)
            : NULL;
    }
    return oci_s3_writer_end(scratch, writer,
                             rv == APR_NOTFOUND ? APR_EOF : rv);
}

/* Put a full buffer as a part, and empty it. */
static apr_status_t flush_part(oci_blob_writer_t *writer)
{
    oci_s3_part_done_t done;
    apr_status_t rv = oci_s3_writer_put_part(&done, writer);

    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(writer->state.parts, oci_s3_part_done_t) = done;
        writer->used = 0;
        oci_s3_writer_supersede(writer);
    }
    return rv;
}

apr_status_t oci_s3_writer_append(oci_blob_writer_t *writer, const char *data,
                                  apr_size_t size)
{
    while (size) {
        apr_size_t room;
        apr_status_t rv = APR_SUCCESS;

        if (writer->used == (apr_size_t)writer->state.part) {
            rv = flush_part(writer);
        }
        if (rv == APR_SUCCESS) {
            rv = make_room(&room, writer, size);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        room = room < size ? room : size;
        memcpy(writer->buffer + writer->used, data, room);
        writer->used += room;
        writer->state.size += room;
        data += room;
        size -= room;
    }
    return APR_SUCCESS;
}

apr_status_t oci_s3_writer_put_object(const char **key, const char **sha256,
                                      oci_blob_writer_t *writer,
                                      const char *directory)
{
    struct iovec body = { writer->buffer, writer->used };
    oci_s3_put_t put = { .body = &body, .count = 1 };
    oci_s3_call_t call;
    apr_pool_t *scratch;
    apr_status_t rv = oci_s3_store_key(key, directory, writer->id,
                                       writer->pool);

    if (rv != APR_SUCCESS
        || (rv = oci_s3_writer_begin(&scratch, writer)) != APR_SUCCESS) {
        return rv;
    }
    allow_for(writer, writer->used);
    call = oci_s3_writer_call(writer);
    put.key = *key;
    *sha256 = put.sha256 = oci_s3_sha256(&body, 1, writer->pool);
    rv = *sha256 ? oci_s3_put(NULL, &call, &put, scratch) : APR_EGENERAL;
    return oci_s3_writer_end(scratch, writer, rv);
}
