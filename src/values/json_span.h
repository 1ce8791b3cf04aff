/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json_span.h
 * @brief Reading values of a JSON text in place
 *
 * A span is one value in a text that oci_json_check has accepted; other texts
 * must not be passed to these functions.  Reading needs memory only for the
 * copies that are returned.
 */

#ifndef OCI_JSON_SPAN_H
#define OCI_JSON_SPAN_H

#include "apr_pools.h"

/** A value, from its first byte to its last; no value if text is NULL. */
typedef struct oci_span_t {
    const char *text;
    apr_size_t size; /* bytes */
} oci_span_t;

/** An iterator over the elements of an array or the members of an object. */
typedef struct oci_walk_t {
    const char *next;
    const char *end; /* the closing bracket */
} oci_walk_t;

/** Return the value that a text consists of. */
oci_span_t oci_span_of(const char *text, apr_size_t size);

/** Return 1 if a span is an object, otherwise (also for no value) 0. */
int oci_span_is_object(oci_span_t span);

/** Return 1 if a span is an array, otherwise (also for no value) 0. */
int oci_span_is_array(oci_span_t span);

/** Return 1 if a span is a string, otherwise (also for no value) 0. */
int oci_span_is_string(oci_span_t span);

/**
 * Begin to iterate.
 * @param container An array or object
 */
oci_walk_t oci_walk_begin(oci_span_t container);

/**
 * Get the next element of an array.
 * @return 1, or 0 if there are no more
 */
int oci_walk_element(oci_span_t *value, oci_walk_t *walk);

/**
 * Get the next member of an object.
 * @param name Set to its name, a string
 * @return 1, or 0 if there are no more
 */
int oci_walk_member(oci_span_t *name, oci_span_t *value, oci_walk_t *walk);

/**
 * Look up members of an object.
 * @param values Set to the value of each name; to no value if the object lacks
 *        the member, if its value is null, or if this is not an object
 * @param names Names of printable ASCII
 * @param count The number of names
 */
void oci_span_members(oci_span_t *values, oci_span_t object,
                      const char *const *names, int count);

/**
 * Return 1 if all elements of an array, or values of an object, are strings.
 */
int oci_span_all_strings(oci_span_t container);

/**
 * Copy the text of a string, without its quotes and escapes.
 * @return The text; NULL if this is not a string, or if it has a character
 *         that UTF-8 in a C string cannot have: a NUL or a single surrogate
 */
const char *oci_span_text(oci_span_t span, apr_pool_t *pool);

/**
 * Read an integer.
 * @return 1; 0 if this is not an integer of 64 bits with a sign, or has a
 *         fraction or exponent
 */
int oci_span_integer(apr_int64_t *number, oci_span_t span);

/**
 * Compare two strings by their characters.
 * @param one,other Pointers to their first quotes
 * @return Less than, equal to or greater than 0
 */
int oci_span_compare(const char *one, const char *other);

/**
 * Copy a value without spaces between its parts, and without unnecessary
 * escapes in strings.  The copy is never longer.
 */
const char *oci_span_compact(oci_span_t span, apr_pool_t *pool);

#endif /* OCI_JSON_SPAN_H */
