/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json_span.h
 * @brief The values in a JSON text, read where they stand
 *
 * A span is one value in a text that oci_json_check has found good; nothing
 * here looks at other texts.  Reading one takes no memory but for what is
 * asked to be copied.
 */

#ifndef OCI_JSON_SPAN_H
#define OCI_JSON_SPAN_H

#include "apr_pools.h"

/** A value, from its first byte to its last; or none, if text is NULL. */
typedef struct oci_span_t {
    const char *text;
    apr_size_t size; /* bytes */
} oci_span_t;

/** A walk through the elements of an array or the members of an object. */
typedef struct oci_walk_t {
    const char *next;
    const char *end; /* the closing bracket */
} oci_walk_t;

/** The value that a whole text consists of. */
oci_span_t oci_span_of(const char *text, apr_size_t size);

/** Whether a span is an object; none is not. */
int oci_span_is_object(oci_span_t span);

/** Whether a span is an array; none is not. */
int oci_span_is_array(oci_span_t span);

/** Whether a span is a string; none is not. */
int oci_span_is_string(oci_span_t span);

/** Begin a walk through an array or object. */
oci_walk_t oci_walk_begin(oci_span_t container);

/**
 * Go on to the next element of an array.
 * @return Whether there is one
 */
int oci_walk_element(oci_span_t *value, oci_walk_t *walk);

/**
 * Go on to the next member of an object.
 * @param name Set to its name, a string
 * @return Whether there is one
 */
int oci_walk_member(oci_span_t *name, oci_span_t *value, oci_walk_t *walk);

/**
 * Look up members of an object.
 * @param values Set to the value of each name; to none if the object lacks
 *        the member, if its value is null, or if this is not an object
 * @param names Of printable ASCII
 * @param count How many there are
 */
void oci_span_members(oci_span_t *values, oci_span_t object,
                      const char *const *names, int count);

/** Whether all elements of an array, or values of an object, are strings. */
int oci_span_all_strings(oci_span_t container);

/**
 * The text of a string.
 * @return NULL if it is not a string, or if it has a character that no C
 *         string can have: a NUL or half a surrogate pair
 */
const char *oci_span_text(oci_span_t span, apr_pool_t *pool);

/**
 * A whole number.
 * @return Whether it is one: no fraction, no exponent, 64 bits with a sign
 */
int oci_span_integer(apr_int64_t *number, oci_span_t span);

/**
 * The order of two strings by their characters.
 * @param one,other Point to the quotes that they begin with
 * @return Less than, equal to or greater than 0
 */
int oci_span_compare(const char *one, const char *other);

/**
 * A value without blanks between its parts, and with no escape in a string
 * that is not necessary; at most as long as it was.
 */
const char *oci_span_compact(oci_span_t span, apr_pool_t *pool);

#endif /* OCI_JSON_SPAN_H */
