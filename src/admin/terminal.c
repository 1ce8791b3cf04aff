/* SPDX-License-Identifier: Apache-2.0 */

/* Text for people and for scripts, which may be shown on a terminal. */

#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "admin/terminal.h"
#include "values/json.h"
#include "values/utf8.h"

/* Characters that are not shown as they are, because they change how the text
 * around them is shown, or because nothing is seen of them. */
static const struct {
    apr_uint32_t first;
    apr_uint32_t last;
} hidden[] = {
    { 0x7f, 0x9f },       /* controls */
    { 0xad, 0xad },       /* soft hyphen */
    { 0x61c, 0x61c },     /* direction */
    { 0x180e, 0x180e },   /* a separator without width */
    { 0x200b, 0x200f },   /* without width; direction */
    { 0x2028, 0x202e },   /* ends of lines; direction */
    { 0x2060, 0x206f },   /* without width; direction */
    { 0xfe00, 0xfe0f },   /* variations */
    { 0xfeff, 0xfeff },   /* byte order mark */
    { 0xfff9, 0xfffb },   /* annotations */
    { 0xe0000, 0xe0fff }, /* tags, variations */
};

/* Whether the user's terminal shows UTF-8, as the environment says. */
static int locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    int result;

    if (!locale) {
        return 0;
    }
    result = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
    freelocale(locale);
    return result;
}

/* Decode a character of this length, which is valid. */
static apr_uint32_t decode(const char *text, int length)
{
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    apr_uint32_t character = (unsigned char)*text & masks[length];
    int i;

    for (i = 1; i < length; i++) {
        character = character << 6 | ((unsigned char)text[i] & 0x3f);
    }
    return character;
}

static int is_hidden(apr_uint32_t character)
{
    apr_size_t i;

    for (i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
        if (character >= hidden[i].first && character <= hidden[i].last) {
            return 1;
        }
    }
    return character < 0x20;
}

const char *oci_terminal_text(const char *text, apr_pool_t *pool)
{
    apr_size_t size = strlen(text);
    apr_size_t shown = size > OCI_TERMINAL_TEXT_MAX ? OCI_TERMINAL_TEXT_MAX
                                                    : size;
    char *result = apr_palloc(pool, 10 * shown + 1), *out = result;
    int utf8 = -1; /* not known yet */
    apr_size_t i;
    int length;

    for (i = 0; i < shown; i += length ? length : 1) {
        apr_uint32_t character;

        length = oci_utf8_length(text + i, size - i);
        character = length ? decode(text + i, length) : (unsigned char)text[i];
        if (length > 1 && utf8 < 0) {
            utf8 = locale_is_utf8();
        }
        if (character == '\\') {
            out += apr_snprintf(out, 3, "\\\\");
        }
        else if (!length || character == 0x7f || character < 0x20) {
            out += apr_snprintf(out, 5, "\\x%02x", character);
        }
        else if (is_hidden(character) || (length > 1 && !utf8)) {
            out += apr_snprintf(out, 11, "\\u{%x}", character);
        }
        else {
            memcpy(out, text + i, length);
            out += length;
        }
    }
    *out = '\0';
    return i < size
        ? apr_psprintf(pool, "%s... (%" APR_SIZE_T_FMT " bytes)", result, size)
        : result;
}

const char *oci_terminal_quote(const char *text, apr_pool_t *pool)
{
    return text ? oci_terminal_json(oci_json_quote(text, pool), pool) : "null";
}

const char *oci_terminal_json(const char *json, apr_pool_t *pool)
{
    apr_size_t size = strlen(json), others = 0, i;
    char *result, *out;
    int length;

    for (i = 0; i < size; i++) {
        others += (unsigned char)json[i] >= 0x7f;
    }
    if (!others) {
        return json;
    }
    out = result = apr_palloc(pool, size + 6 * others + 1);
    for (i = 0; i < size; i += length) {
        apr_uint32_t character;

        length = oci_utf8_length(json + i, size - i);
        length = length ? length : 1;
        character = decode(json + i, length);
        if (character < 0x7f) {
            *out++ = (char)character;
        }
        else if (character < 0x10000) {
            out += apr_snprintf(out, 7, "\\u%04x", character);
        }
        else {
            character -= 0x10000;
            out += apr_snprintf(out, 13, "\\u%04x\\u%04x",
                                0xd800 | character >> 10,
                                0xdc00 | (character & 0x3ff));
        }
    }
    *out = '\0';
    return result;
}

const char *oci_terminal_size(apr_uint64_t bytes, apr_pool_t *pool)
{
    char text[5];

    apr_strfsize(bytes > APR_INT64_MAX ? APR_INT64_MAX : (apr_off_t)bytes,
                 text);
    apr_collapse_spaces(text, text);
    return apr_pstrcat(pool, text,
                       apr_isdigit(text[strlen(text) - 1]) ? "B" : "", NULL);
}

const char *oci_terminal_count(apr_uint64_t count, const char *noun,
                               apr_pool_t *pool)
{
    int length = (int)strlen(noun);
    const char *end = count == 1 ? "" : "s";

    if (count != 1 && noun[length - 1] == 'y') {
        length--;
        end = "ies";
    }
    return apr_psprintf(pool, "%" APR_UINT64_T_FMT " %.*s%s", count, length,
                        noun, end);
}

int oci_terminal_would_act(char last, const char *data, apr_size_t size)
{
    int utf8 = locale_is_utf8();
    apr_size_t i;

    for (i = 0; i < size; last = data[i++]) {
        unsigned char byte = data[i];

        if ((byte < 0x20 && !strchr("\t\r\n", byte)) || byte == 0x7f || !byte
            || (byte >= 0x80 && !utf8)
            || ((unsigned char)last == 0xc2 && byte < 0xa0)) {
            return 1;
        }
    }
    return 0;
}
