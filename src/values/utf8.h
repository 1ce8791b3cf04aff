/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file utf8.h
 * @brief Characters in UTF-8 (RFC 3629)
 */

#ifndef OCI_UTF8_H
#define OCI_UTF8_H

#include "apr.h"

/**
 * Return the length of the first character of a text, in bytes.
 * @param text Need not end with a NUL
 * @param left The bytes of text, 1 or more
 * @return 1 to 4; 0 if the text does not begin with a valid character:
 *         surrogates, overlong forms and numbers above U+10FFFF are not
 */
int oci_utf8_length(const char *text, apr_size_t left);

/**
 * Write a character.
 * @param text Room for 4 bytes
 * @param character Its number, at most 0x10ffff, not a surrogate
 * @return The number of bytes written, 1 to 4
 */
int oci_utf8_put(char *text, apr_uint32_t character);

#endif /* OCI_UTF8_H */
