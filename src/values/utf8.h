/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file utf8.h
 * @brief Characters and the bytes that UTF-8 writes them as (RFC 3629)
 */

#ifndef OCI_UTF8_H
#define OCI_UTF8_H

#include "apr.h"

/**
 * The length of the character that a text begins with, in bytes.
 * @param text Need not end with a NUL
 * @param left The bytes of text, 1 or more
 * @return 1 to 4, or 0 if the text does not begin with a character: no
 *         surrogates, no longer form than necessary, nothing above U+10FFFF
 */
int oci_utf8_length(const char *text, apr_size_t left);

/**
 * Write a character.
 * @param text Has room for 4 bytes
 * @param character Its number, at most 0x10ffff, not a surrogate
 * @return The bytes that were written, 1 to 4
 */
int oci_utf8_put(char *text, apr_uint32_t character);

#endif /* OCI_UTF8_H */
