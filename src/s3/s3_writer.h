/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_writer.h
 * @brief The writer of an upload of a store "s3": its buffer and its state
 *
 * The bytes are gathered in a buffer.  When there are more than fit into a
 * part, the buffer is put as a part of a multipart upload.  What is in the
 * buffer when a request ends is put as an object, the tail, from which the next
 * request goes on.  An upload that fits into one part has only a tail; if
 * nothing is added to it, the tail itself becomes the blob, so that a small
 * blob is one PUT.
 *
 * Each tail has a new key, and so has the blob that parts make.  So a request
 * that was stopped while another one went on can neither change the bytes that
 * the other one's state leads to, nor replace its blob.
 */

#ifndef OCI_S3_WRITER_H
#define OCI_S3_WRITER_H

#include "s3/s3_state.h"
#include "s3/s3_store.h"

struct oci_blob_writer_t {
    const oci_s3_store_t *store;
    const char *id;
    oci_s3_state_t state;
    apr_array_header_t
        *superseded; /* of const char *: keys that the next close
                        deletes, from the state that was resumed */
    char *buffer;    /* the bytes after the parts, if loaded */
    apr_size_t used; /* bytes of it */
    apr_size_t room; /* its size */
    int from_memory; /* whether it is one of the store's buffers */
    int loaded;      /* whether the buffer has the bytes of the tail */
    int resumed;
    int begun; /* whether the multipart upload is of no state that a close
                  returned */
    const char *blob;    /* the locator, once it is committed */
    int unsure;          /* whether the bytes of blob may be others */
    apr_time_t deadline; /* of the provider's function that runs, of
                            oci_s3_now() */
    apr_pool_t *pool;
};

/** Begin a function of the provider: set the deadline of all its requests. */
void oci_s3_writer_enter(oci_blob_writer_t *writer);

/** Return a call with that deadline.  Bytes that are sent or read back put it
 * off: a second for each MiB. */
oci_s3_call_t oci_s3_writer_call(const oci_blob_writer_t *writer);

/**
 * Begin a request to the server.
 * @param scratch Set to a pool for it
 * @return An error of the system
 */
apr_status_t oci_s3_writer_begin(apr_pool_t **scratch,
                                 const oci_blob_writer_t *writer);

/**
 * End a request: destroy its pool, but keep the reason of an error.
 * @param rv The status of the request
 * @return rv
 */
apr_status_t oci_s3_writer_end(apr_pool_t *scratch, oci_blob_writer_t *writer,
                               apr_status_t rv);

/**
 * Say why a function of the provider fails.
 * @param writer Its pool gets the sentence
 * @param rv The status of the failure
 * @param sentence Stored under OCI_REASON, not copied; NULL removes the one
 *        that is there
 * @return rv
 */
apr_status_t oci_s3_writer_say(oci_blob_writer_t *writer, apr_status_t rv,
                               const char *sentence);

/** Give the buffer back.  Its bytes are lost, unless they are in the tail. */
void oci_s3_writer_drop(oci_blob_writer_t *writer);

/**
 * Read the bytes of the tail into the buffer, unless it has them.
 * @return APR_EOF if the tail is lost; a status, see s3_client.h
 */
apr_status_t oci_s3_writer_load(oci_blob_writer_t *writer);

/** Take note that the tail is no longer the end of the upload. */
void oci_s3_writer_supersede(oci_blob_writer_t *writer);

/**
 * Append bytes to the buffer, and put it as a part whenever it is full.
 * @return APR_EOF if the parts are lost; a status, see s3_client.h
 */
apr_status_t oci_s3_writer_append(oci_blob_writer_t *writer, const char *data,
                                  apr_size_t size);

/**
 * Put the buffer as the next part, and keep it.
 * @param done Filled in
 * @return APR_EOF if the parts are lost; a status, see s3_client.h
 */
apr_status_t oci_s3_writer_put_part(oci_s3_part_done_t *done,
                                    oci_blob_writer_t *writer);

/**
 * Put the buffer as an object with a new key.
 * @param key Set to it
 * @param sha256 Set to that of its bytes, in hexadecimal
 * @param directory OCI_S3_BLOBS or OCI_S3_TAILS
 * @return A status, see s3_client.h
 */
apr_status_t oci_s3_writer_put_object(const char **key, const char **sha256,
                                      oci_blob_writer_t *writer,
                                      const char *directory);

#endif /* OCI_S3_WRITER_H */
