/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file terminal.h
 * @brief Text for people and for scripts, which may be shown on a terminal
 *
 * Clients choose much of what a registry holds.  A terminal must not act on it,
 * and nobody must take it for something else, so it is escaped.
 */

#ifndef OCI_TERMINAL_H
#define OCI_TERMINAL_H

#include "apr.h"
#include "apr_pools.h"

/** The most bytes of one text that are shown. */
#define OCI_TERMINAL_TEXT_MAX 1000

/**
 * Make a text that is safe to show.  A backslash becomes two; a control
 * character, a character that changes the direction of text or takes no room,
 * and a byte that is not UTF-8 become \\x.. or \\u{...}, and so does everything
 * but ASCII if the user's locale is not in UTF-8.  A text of more than
 * OCI_TERMINAL_TEXT_MAX bytes is cut.
 */
const char *oci_terminal_text(const char *text, apr_pool_t *pool);

/**
 * Write a string as JSON in ASCII.
 * @param text NULL becomes null
 */
const char *oci_terminal_quote(const char *text, apr_pool_t *pool);

/** Write a JSON text, which is valid, in ASCII: other characters, which can
 * only be in strings, become \\u.... */
const char *oci_terminal_json(const char *json, apr_pool_t *pool);

/** Return a size for people, such as "1.2M" or "12B": at most 4 characters, in
 * powers of 1024. */
const char *oci_terminal_size(apr_uint64_t bytes, apr_pool_t *pool);

/** Return a number with a noun, such as "1 blob" or "2 repositories".
 * @param noun In the singular; the plural ends with s, or ies instead of y */
const char *oci_terminal_count(apr_uint64_t count, const char *noun,
                               apr_pool_t *pool);

/** Return whether a terminal might act on these bytes: they have a control
 * character that is not a blank or the end of a line.
 * @param last The byte before them, 0 if there is none */
int oci_terminal_would_act(char last, const char *data, apr_size_t size);

#endif /* OCI_TERMINAL_H */
