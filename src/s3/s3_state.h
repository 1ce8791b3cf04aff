/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_state.h
 * @brief The state of an upload between two requests, as a text
 *
 *     state   = "1," size "," part "," key "," upload "," etags "," tail ","
 *               time "," old
 *     size    of the upload, bytes
 *     part    the size of its parts, bytes
 *     key     of the blob that its parts will make, or "-"
 *     upload  the server's name for the multipart upload, or "-"
 *     etags   [ etag *( ":" etag ) ], of the parts 1, 2 ...
 *     tail    the object with the bytes after the parts, "=", and their SHA-256
 *             in hexadecimal; or "-"
 *     time    when the last tail was put, in seconds since 1970, or 0
 *     old     [ object *( ":" object ) ], which the next request deletes
 *
 * That request, and no earlier one, deletes them, because it may go on from the
 * state in which they were tails.
 *
 * Everything that the server has chosen is percent-encoded.  With checksums, an
 * etag is followed by "=" and the SHA-256 of the part in hexadecimal.
 */

#ifndef OCI_S3_STATE_H
#define OCI_S3_STATE_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"

#include "s3/s3_multipart.h"

/** The state of an upload. */
typedef struct oci_s3_state_t {
    apr_off_t size;               /* bytes */
    apr_off_t part;               /* the size of its parts, bytes */
    oci_s3_multipart_t multipart; /* both NULL if it has no parts */
    apr_array_header_t *parts;    /* of oci_s3_part_done_t */
    const char *tail;             /* a key, or NULL */
    const char *sha256;           /* of its bytes, in hexadecimal */
    apr_int64_t put;              /* when the tail was put, in seconds */
    apr_array_header_t *old;      /* of const char *: keys */
} oci_s3_state_t;

/** Set a state to that of an upload without bytes, with parts of this size. */
void oci_s3_state_begin(oci_s3_state_t *state, apr_off_t part,
                        apr_pool_t *pool);

/** Return the text of a state, in pool. */
const char *oci_s3_state_format(const oci_s3_state_t *state, apr_pool_t *pool);

/**
 * Parse a text.
 * @param state Filled in, in pool
 * @return APR_SUCCESS; APR_EINVAL if the text is not a state
 */
apr_status_t oci_s3_state_parse(oci_s3_state_t *state, const char *text,
                                apr_pool_t *pool);

/** Return how many bytes the parts have together. */
apr_off_t oci_s3_state_parts_size(const oci_s3_state_t *state);

#endif /* OCI_S3_STATE_H */
