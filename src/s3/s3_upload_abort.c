/* SPDX-License-Identifier: Apache-2.0 */

/* Uploads of a store "s3": abort. */

#include <string.h>

#include "apr_strings.h"

#include "s3/s3_list.h"
#include "s3/s3_multipart.h"
#include "s3/s3_object.h"
#include "s3/s3_upload.h"
#include "s3/s3_writer.h"

/* Delete what the state leads to, except the blob. */
static apr_status_t delete_known(oci_blob_writer_t *writer, apr_pool_t *scratch)
{
    oci_s3_state_t *state = &writer->state;
    oci_s3_call_t call = oci_s3_writer_call(writer);
    apr_array_header_t *keys = apr_array_append(scratch, writer->superseded,
                                                state->old);
    apr_status_t rv = APR_SUCCESS, aborted = APR_SUCCESS;

    if (state->tail && (!writer->blob || strcmp(state->tail, writer->blob))) {
        APR_ARRAY_PUSH(keys, const char *) = state->tail;
    }
    if (keys->nelts) {
        rv = oci_s3_delete_all(&call, keys, scratch);
    }
    if (state->multipart.id && !writer->blob) {
        aborted = oci_s3_multipart_abort(&call, &state->multipart, scratch);
    }
    return rv == APR_SUCCESS ? aborted : rv;
}

/* Abort all multipart uploads whose keys begin with a prefix. */
static apr_status_t abort_all(oci_blob_writer_t *writer, const char *prefix,
                              apr_pool_t *scratch)
{
    oci_s3_call_t call = oci_s3_writer_call(writer);
    oci_s3_uploads_t page = { 0 };
    apr_status_t rv;
    int i;

    do {
        rv = oci_s3_multipart_list(&page, &call, prefix, scratch);
        for (i = 0; rv == APR_SUCCESS && i < page.uploads->nelts; i++) {
            rv = oci_s3_multipart_abort(&call,
                                        &APR_ARRAY_IDX(page.uploads, i,
                                                       oci_s3_pending_t)
                                             .upload,
                                        scratch);
        }
    } while (rv == APR_SUCCESS && page.next_key);
    return rv;
}

/* Delete what can be found of an upload whose state is not known.  Its bytes
 * among the blobs stay: they may be a blob. */
static apr_status_t delete_found(oci_blob_writer_t *writer, apr_pool_t *scratch)
{
    static const char mark[] = { OCI_S3_MARK, '\0' };
    oci_s3_call_t call = oci_s3_writer_call(writer);
    oci_s3_list_t list = {
        apr_pstrcat(scratch, OCI_S3_TAILS, writer->id, mark, NULL), NULL, 1000
    };
    apr_array_header_t *keys = apr_array_make(scratch, 4, sizeof(const char *));
    oci_s3_listing_t page;
    apr_status_t rv = abort_all(writer,
                                apr_pstrcat(scratch, OCI_S3_BLOBS, writer->id,
                                            mark, NULL),
                                scratch);
    int i;

    while (rv == APR_SUCCESS) {
        rv = oci_s3_list(&page, &call, &list, scratch);
        for (i = 0; rv == APR_SUCCESS && i < page.entries->nelts; i++) {
            APR_ARRAY_PUSH(keys, const char *) = APR_ARRAY_IDX(page.entries, i,
                                                               oci_s3_entry_t)
                                                     .key;
        }
        list.after = rv == APR_SUCCESS ? page.next : NULL;
        if (!list.after) {
            break;
        }
    }
    return rv == APR_SUCCESS && keys->nelts
        ? oci_s3_delete_all(&call, keys, scratch)
        : rv;
}

apr_status_t oci_s3_upload_abort(oci_blob_writer_t *writer)
{
    apr_pool_t *scratch;
    apr_status_t rv = oci_s3_writer_begin(&scratch, writer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    oci_s3_writer_enter(writer);
    rv = writer->resumed || writer->state.size ? delete_known(writer, scratch)
                                               : delete_found(writer, scratch);
    if (rv == APR_SUCCESS) {
        oci_s3_writer_drop(writer);
        oci_s3_state_begin(&writer->state, writer->state.part, writer->pool);
        writer->superseded = apr_array_make(writer->pool, 1,
                                            sizeof(const char *));
        writer->resumed = writer->loaded = 1;
    }
    return oci_s3_writer_end(scratch, writer, rv);
}
