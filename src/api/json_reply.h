/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json_reply.h
 * @brief Writing a JSON reply member by member
 *
 * A name of NULL is for the elements of an array.  A member whose value is not
 * known is left out.
 */

#ifndef OCI_JSON_REPLY_H
#define OCI_JSON_REPLY_H

#include "api/request.h"

/** A reply that is being written. */
typedef struct oci_json_reply_t {
    oci_request_t *request;
    apr_bucket_brigade *bb;
    int follows; /* whether a comma is due before the next member */
} oci_json_reply_t;

/** Begin a reply: an object.
 * @param json Filled in */
void oci_json_reply_begin(oci_json_reply_t *json, oci_request_t *request);

/** Write a string; nothing if text is NULL. */
void oci_json_string(oci_json_reply_t *json, const char *name,
                     const char *text);

/** Write a number. */
void oci_json_number(oci_json_reply_t *json, const char *name,
                     apr_int64_t number);

/** Write true; nothing if value is 0. */
void oci_json_true(oci_json_reply_t *json, const char *name, int value);

/** Write true or false. */
void oci_json_flag(oci_json_reply_t *json, const char *name, int value);

/** Write a time in UTC; nothing if it is not known.
 * @param seconds Since 1970; 0: not known */
void oci_json_time(oci_json_reply_t *json, const char *name,
                   apr_int64_t seconds);

/** Write a value that is JSON already; nothing if text is NULL.
 * @param size Bytes of text */
void oci_json_value(oci_json_reply_t *json, const char *name, const char *text,
                    apr_size_t size);

/**
 * Write annotations.  A value longer than 4 KiB is cut, and then ends with
 * "..." as one character; a name that long is left out.
 * @param text A JSON object of strings; NULL writes nothing
 * @param pool For temporary data
 */
void oci_json_annotations(oci_json_reply_t *json, const char *name,
                          const char *text, apr_pool_t *pool);

/** Begin an object or array.
 * @param bracket "{" or "[" */
void oci_json_begin(oci_json_reply_t *json, const char *name,
                    const char *bracket);

/** End an object or array.
 * @param bracket "}" or "]" */
void oci_json_end(oci_json_reply_t *json, const char *bracket);

/** End the reply and send it. */
oci_error_t *oci_json_reply_send(oci_json_reply_t *json);

#endif /* OCI_JSON_REPLY_H */
