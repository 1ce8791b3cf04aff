/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file origin.h
 * @brief When and by whom a tag or a manifest was pushed
 *
 * The text of an origin follows another text, a separator first:
 *
 *     origin = [ separator seconds separator user ]
 *
 * seconds is a decimal number.  user is percent-encoded: only printable ASCII
 * without "%" and ";" stands for itself, so the text has no blanks, and no
 * separator that is ";" or a control character.
 */

#ifndef OCI_ORIGIN_H
#define OCI_ORIGIN_H

#include "apr.h"
#include "apr_pools.h"

/** The longest user name that is kept, in bytes before its encoding. */
#define OCI_ORIGIN_USER_MAX 255

/** A push that repeats one of less than this many seconds ago is the same
 * push. */
#define OCI_ORIGIN_SAME_SECONDS 60

typedef struct oci_origin_t {
    apr_int64_t seconds; /* since 1970, UTC; 0: unknown */
    const char *user;    /* NULL: anonymous or unknown */
} oci_origin_t;

/**
 * Set an origin.
 * @param seconds Since 1970, UTC
 * @param user NULL or "" for an anonymous push; a name longer than
 *        OCI_ORIGIN_USER_MAX is cut at a character of UTF-8
 */
void oci_origin_set(oci_origin_t *origin, apr_int64_t seconds, const char *user,
                    apr_pool_t *pool);

/** Return the text of an origin. */
const char *oci_origin_format(const oci_origin_t *origin, char separator,
                              apr_pool_t *pool);

/**
 * Read the text of an origin.  What is missing or not valid is unknown.
 * @param text Need not end with a NUL
 * @param size Bytes of text
 */
void oci_origin_parse(oci_origin_t *origin, const char *text, apr_size_t size,
                      char separator, apr_pool_t *pool);

/**
 * Return whether a push of the same content is the same push as an earlier one:
 * it has the same user, and comes less than OCI_ORIGIN_SAME_SECONDS later.
 */
int oci_origin_is_same(const oci_origin_t *earlier, const oci_origin_t *now);

#endif /* OCI_ORIGIN_H */
