/* SPDX-License-Identifier: Apache-2.0 */

/* The headers of a tar archive.
 *
 *     offset  bytes  field
 *          0    100  name
 *        100      8  mode
 *        108     16  owner and group
 *        124     12  size: in octal, or if the first bit is set in base 256
 *        136     12  time
 *        148      8  checksum: the sum of all bytes, these 8 taken as blanks
 *        156      1  kind
 *        157    100  target of a link
 *        257      8  "ustar\0" "00"; GNU tar: "ustar  \0"
 *        345    155  prefix of the name, only with "ustar\0"
 *
 * Pax records are lines "LENGTH KEY=VALUE"; LENGTH counts the whole line. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/layout/tar_header.h"

#define NAME_SIZE   100
#define MODE_AT     100
#define SIZE_AT     124
#define SIZE_SIZE   12
#define TIME_AT     136
#define SUM_AT      148
#define SUM_SIZE    8
#define KIND_AT     156
#define MAGIC_AT    257
#define PREFIX_AT   345
#define PREFIX_SIZE 155

/* The largest size that 11 octal digits can express. */
#define OCTAL_MAX ((apr_off_t)077777777777)

/* The largest size that is believed: a sum of offsets does not overflow. */
#define SIZE_LIMIT ((apr_off_t)1 << 60)

int oci_tar_is_end(const char *block)
{
    static const char zeros[OCI_TAR_BLOCK];

    return !memcmp(block, zeros, OCI_TAR_BLOCK);
}

/* Parse octal digits between blanks.  Returns -1 if it is something else. */
static apr_off_t parse_octal(const char *field, int size)
{
    apr_off_t value = 0;
    int i = 0;

    while (i < size && field[i] == ' ') {
        i++;
    }
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++) {
        value = value * 8 + (field[i] - '0');
    }
    for (; i < size; i++) {
        if (field[i] != ' ' && field[i] != '\0') {
            return -1;
        }
    }
    return value;
}

/* Parse a size.  Returns -1 if it is not valid. */
static apr_off_t parse_size(const char *field)
{
    const unsigned char *bytes = (const unsigned char *)field;
    apr_off_t value = 0;
    int i;

    if (bytes[0] < 0x80) {
        return parse_octal(field, SIZE_SIZE);
    }
    if (bytes[0] != 0x80) {
        return -1; /* it is negative, or far too large */
    }
    for (i = 1; i < SIZE_SIZE; i++) {
        if (value >= SIZE_LIMIT / 256) {
            return -1;
        }
        value = value * 256 + bytes[i];
    }
    return value;
}

/* The sum of a header.  Some old programs add the bytes as signed ones. */
static apr_off_t sum_of(const char *block, int is_signed)
{
    apr_off_t sum = 0;
    int i;

    for (i = 0; i < OCI_TAR_BLOCK; i++) {
        char c = i >= SUM_AT && i < SUM_AT + SUM_SIZE ? ' ' : block[i];

        sum += is_signed ? (signed char)c : (unsigned char)c;
    }
    return sum;
}

/* Join a name from its prefix and its end. */
static void parse_name(char *name, const char *block)
{
    apr_size_t length = 0;

    if (!memcmp(block + MAGIC_AT, "ustar", 6) && block[PREFIX_AT]) {
        length = strnlen(block + PREFIX_AT, PREFIX_SIZE);
        memcpy(name, block + PREFIX_AT, length);
        name[length++] = '/';
    }
    memcpy(name + length, block, NAME_SIZE);
    name[length + NAME_SIZE] = '\0';
}

const char *oci_tar_header_parse(oci_tar_header_t *header, const char *block)
{
    apr_off_t sum = parse_octal(block + SUM_AT, SUM_SIZE);
    apr_size_t length;

    if (sum < 0 || (sum != sum_of(block, 0) && sum != sum_of(block, 1))) {
        return "the checksum of a header is wrong";
    }
    header->size = parse_size(block + SIZE_AT);
    if (header->size < 0) {
        return "the size of a member is not valid";
    }
    parse_name(header->name, block);
    length = strlen(header->name);
    header->kind = block[KIND_AT];
    if (!header->kind || header->kind == OCI_TAR_CONTIGUOUS) {
        header->kind = OCI_TAR_FILE;
    }
    if (header->kind == OCI_TAR_FILE && length
        && header->name[length - 1] == '/') {
        header->kind = OCI_TAR_DIRECTORY;
    }
    return header->kind >= OCI_TAR_HARD_LINK && header->kind <= OCI_TAR_FIFO
            && header->size
        ? "a link, a directory or a device has content"
        : NULL;
}

/* Parse a decimal number up to the byte that ends it.  Returns -1 if there is
 * none, or if it is too large. */
static apr_off_t parse_decimal(const char **at, const char *end, char ends)
{
    const char *c = *at;
    apr_off_t value = 0;

    for (; c < end && *c >= '0' && *c <= '9'; c++) {
        if (value >= SIZE_LIMIT / 10) {
            return -1;
        }
        value = value * 10 + (*c - '0');
    }
    if (c == *at || c == end || *c != ends) {
        return -1;
    }
    *at = c + 1;
    return value;
}

/* Take a record: a key, and a value that ends before the byte at end. */
static const char *take_record(oci_tar_pax_t *pax, const char *key,
                               const char *end, apr_pool_t *pool)
{
    const char *value = memchr(key, '=', end - key);
    apr_size_t length;

    if (!value) {
        return "a pax record has no \"=\"";
    }
    length = value++ - key;
    if (length == 4 && !memcmp(key, "path", 4)) {
        if (end - value > OCI_TAR_NAME_MAX
            || memchr(value, '\0', end - value)) {
            return "a pax record has a name that is not valid";
        }
        pax->name = apr_pstrmemdup(pool, value, end - value);
    }
    else if (length == 4 && !memcmp(key, "size", 4)) {
        pax->size = parse_decimal(&value, end + 1, '\n');
        return pax->size < 0 || value != end + 1
            ? "a pax record has a size that is not valid"
            : NULL;
    }
    else if (length > 11 && !memcmp(key, "GNU.sparse.", 11)) {
        pax->is_sparse = 1;
    }
    return NULL;
}

const char *oci_tar_pax_parse(oci_tar_pax_t *pax, const char *data,
                              apr_size_t size, apr_pool_t *pool)
{
    const char *end = data + size, *error = NULL;

    pax->name = NULL;
    pax->size = -1;
    pax->is_sparse = 0;
    while (!error && data < end) {
        const char *key = data;
        apr_off_t length = parse_decimal(&key, end, ' ');

        if (length <= key - data || length > end - data
            || data[length - 1] != '\n') {
            return "the length of a pax record is not valid";
        }
        data += length;
        error = take_record(pax, key, data - 1, pool);
    }
    return error;
}

/* Fill in a block of zeros. */
static void format_header(char *block, const char *name, char kind,
                          apr_off_t size)
{
    apr_size_t length = strlen(name);

    memcpy(block, name, length < NAME_SIZE ? length : NAME_SIZE);
    memcpy(block + MODE_AT, kind == OCI_TAR_DIRECTORY ? "0000755" : "0000644",
           7);
    memcpy(block + MODE_AT + 8,
           "0000000\0"
           "0000000",
           15);
    snprintf(block + SIZE_AT, SIZE_SIZE, "%011llo",
             (unsigned long long)(size > OCTAL_MAX ? 0 : size));
    memcpy(block + TIME_AT, "00000000000", 11);
    block[KIND_AT] = kind;
    memcpy(block + MAGIC_AT,
           "ustar\0"
           "00",
           8);
    snprintf(block + SUM_AT, SUM_SIZE, "%06o",
             (unsigned)sum_of(block, 0) & 0777777);
    block[SUM_AT + SUM_SIZE - 1] = ' ';
}

/* Make a pax record, whose length includes the digits of the length. */
static const char *make_record(const char *key, const char *value,
                               apr_pool_t *pool)
{
    apr_size_t rest = strlen(key) + strlen(value) + 3, length = rest;
    const char *text;

    do {
        text = apr_psprintf(pool, "%" APR_SIZE_T_FMT " %s=%s\n", length, key,
                            value);
        length = strlen(text);
    } while (length != (apr_size_t)apr_atoi64(text));
    return text;
}

const char *oci_tar_header_make(apr_size_t *length, const char *name, char kind,
                                apr_off_t size, apr_pool_t *pool)
{
    const char *records = "";
    apr_size_t total;
    char *blocks;

    if (strlen(name) > NAME_SIZE) {
        records = make_record("path", name, pool);
    }
    if (size > OCTAL_MAX) {
        records = apr_pstrcat(pool, records,
                              make_record("size", apr_off_t_toa(pool, size),
                                          pool),
                              NULL);
    }
    total = strlen(records);
    if (!total) {
        *length = OCI_TAR_BLOCK;
        blocks = apr_pcalloc(pool, OCI_TAR_BLOCK);
        format_header(blocks, name, kind, size);
        return blocks;
    }
    *length = 2 * OCI_TAR_BLOCK + total + oci_tar_padding(total);
    blocks = apr_pcalloc(pool, *length);
    format_header(blocks, "pax", OCI_TAR_PAX, total);
    memcpy(blocks + OCI_TAR_BLOCK, records, total);
    format_header(blocks + *length - OCI_TAR_BLOCK, name, kind, size);
    return blocks;
}

apr_size_t oci_tar_padding(apr_off_t size)
{
    return (OCI_TAR_BLOCK - size % OCI_TAR_BLOCK) % OCI_TAR_BLOCK;
}
