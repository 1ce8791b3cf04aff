/* SPDX-License-Identifier: Apache-2.0 */

/* Characters in UTF-8 (RFC 3629). */

#include "values/utf8.h"

int oci_utf8_length(const char *text, apr_size_t left)
{
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char least = 0x80, greatest = 0xbf;
    int length, i;

    if (*byte < 0x80) {
        return 1;
    }
    if (*byte < 0xc2 || *byte > 0xf4) {
        return 0;
    }
    length = 2 + (*byte >= 0xe0) + (*byte >= 0xf0);
    if (left < (apr_size_t)length) {
        return 0;
    }

    switch (*byte) {
    case 0xe0:
        least = 0xa0;
        break;
    case 0xed:
        greatest = 0x9f;
        break;
    case 0xf0:
        least = 0x90;
        break;
    case 0xf4:
        greatest = 0x8f;
        break;
    }
    if (byte[1] < least || byte[1] > greatest) {
        return 0;
    }
    for (i = 2; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

int oci_utf8_put(char *text, apr_uint32_t character)
{
    static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    int length = 1 + (character >= 0x80) + (character >= 0x800)
        + (character >= 0x10000);
    int i;

    for (i = length - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    text[0] = (char)(first[length] | character);
    return length;
}
