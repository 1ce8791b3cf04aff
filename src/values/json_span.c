/* SPDX-License-Identifier: Apache-2.0 */

/* Reading values of a JSON text in place.
 *
 * The text is known to be valid, so these functions look for the end of a token
 * without looking for the end of the text.
 */

#include "values/json_span.h"

#include <string.h>

#include "apr_lib.h"

#include "values/utf8.h"

static const oci_span_t none = { NULL, 0 };

static int is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Whether the character at p is escaped: an odd number of backslashes is before
 * it. */
static int is_escaped(const char *p)
{
    const char *first = p;

    while (first[-1] == '\\') {
        first--;
    }
    return (p - first) % 2;
}

/* Return the end of the string whose first quote is at p. */
static const char *skip_string(const char *p)
{
    do {
        p = strchr(p + 1, '"');
    } while (is_escaped(p));
    return p + 1;
}

/* Return the end of the array or object that begins at p. */
static const char *skip_container(const char *p)
{
    apr_size_t depth = 0;

    do {
        switch (*p) {
        case '"':
            p = skip_string(p);
            continue;
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            depth--;
            break;
        }
        p++;
    } while (depth);
    return p;
}

/* Return the end of the value that begins at p, in a text that ends at end. */
static const char *skip_value(const char *p, const char *end)
{
    if (*p == '"') {
        return skip_string(p);
    }
    if (*p == '[' || *p == '{') {
        return skip_container(p);
    }
    while (p < end && !is_space(*p) && *p != ',' && *p != ']' && *p != '}') {
        p++;
    }
    return p;
}

oci_span_t oci_span_of(const char *text, apr_size_t size)
{
    oci_span_t span;

    span.text = text;
    while (is_space(*span.text)) {
        span.text++;
    }
    span.size = skip_value(span.text, text + size) - span.text;
    return span;
}

static int begins_with(oci_span_t span, char byte)
{
    return span.text && *span.text == byte;
}

int oci_span_is_object(oci_span_t span)
{
    return begins_with(span, '{');
}

int oci_span_is_array(oci_span_t span)
{
    return begins_with(span, '[');
}

int oci_span_is_string(oci_span_t span)
{
    return begins_with(span, '"');
}

oci_walk_t oci_walk_begin(oci_span_t container)
{
    oci_walk_t walk;

    walk.next = container.text + 1;
    walk.end = container.text + container.size - 1;
    return walk;
}

/* Step over spaces, and the comma or colon between values. */
static void skip_between(oci_walk_t *walk)
{
    while (is_space(*walk->next) || *walk->next == ',' || *walk->next == ':') {
        walk->next++;
    }
}

int oci_walk_element(oci_span_t *value, oci_walk_t *walk)
{
    skip_between(walk);
    if (walk->next == walk->end) {
        return 0;
    }
    value->text = walk->next;
    walk->next = skip_value(walk->next, walk->end);
    value->size = walk->next - value->text;
    return 1;
}

int oci_walk_member(oci_span_t *name, oci_span_t *value, oci_walk_t *walk)
{
    return oci_walk_element(name, walk) && oci_walk_element(value, walk);
}

static apr_uint32_t read_hex4(const char *p)
{
    apr_uint32_t number = 0;
    int i;

    for (i = 0; i < 4; i++) {
        int digit = apr_isdigit(p[i]) ? p[i] - '0'
                                      : apr_tolower(p[i]) - 'a' + 10;

        number = number << 4 | (apr_uint32_t)digit;
    }
    return number;
}

static int is_surrogate(apr_uint32_t character)
{
    return character >= 0xd800 && character <= 0xdfff;
}

/* Decode the escape at *p; a single surrogate is returned as it is. */
static apr_uint32_t decode_escape(const char **p)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    const char *letter = strchr(letters, (*p)[1]);
    apr_uint32_t character, low;

    if ((*p)[1] != 'u') {
        character = letter ? (unsigned char)meanings[letter - letters]
                           : (unsigned char)(*p)[1];
        *p += 2;
        return character;
    }
    character = read_hex4(*p + 2);
    *p += 6;
    if (character >= 0xd800 && character <= 0xdbff && (*p)[0] == '\\'
        && (*p)[1] == 'u') {
        low = read_hex4(*p + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *p += 6;
            character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return character;
}

/* Return the number of the character at *p, plus one; 0 at the string's end. */
static apr_uint32_t next_character(const char **p)
{
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    apr_uint32_t character;
    int length;

    if (**p == '"') {
        return 0;
    }
    if (**p == '\\') {
        return decode_escape(p) + 1;
    }
    length = oci_utf8_length(*p, 4);
    character = (unsigned char)**p & masks[length];
    for ((*p)++; length > 1; length--) {
        character = character << 6 | ((unsigned char)*(*p)++ & 0x3f);
    }
    return character + 1;
}

/* The order of a string's next byte; its end comes before all others. */
static int order_of(char byte)
{
    return byte == '"' ? -1 : (unsigned char)byte;
}

int oci_span_compare(const char *one, const char *other)
{
    apr_uint32_t left, right;

    one++;
    other++;
    for (;;) {
        /* without escapes, UTF-8 sorts like its characters */
        while (*one == *other && *one != '"' && *one != '\\') {
            one++;
            other++;
        }
        if (*one != '\\' && *other != '\\') {
            return order_of(*one) - order_of(*other);
        }
        left = next_character(&one);
        right = next_character(&other);
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
}

/* Whether a string equals a text of printable ASCII. */
static int string_equals(oci_span_t string, const char *text)
{
    apr_size_t length = strlen(text);
    const char *p = string.text + 1;

    if (string.size == length + 2 && !memcmp(p, text, length)) {
        return 1;
    }
    if (!memchr(p, '\\', string.size - 2)) {
        return 0;
    }
    while (*text && next_character(&p) == (unsigned char)*text + 1u) {
        text++;
    }
    return !*text && *p == '"';
}

void oci_span_members(oci_span_t *values, oci_span_t object,
                      const char *const *names, int count)
{
    oci_span_t name, value;
    oci_walk_t walk;
    int i;

    for (i = 0; i < count; i++) {
        values[i] = none;
    }
    if (!oci_span_is_object(object)) {
        return;
    }
    walk = oci_walk_begin(object);
    while (oci_walk_member(&name, &value, &walk)) {
        for (i = 0; i < count && !string_equals(name, names[i]); i++)
            ;
        if (i < count && !begins_with(value, 'n')) {
            values[i] = value;
        }
    }
}

int oci_span_all_strings(oci_span_t container)
{
    oci_walk_t walk = oci_walk_begin(container);
    int is_object = oci_span_is_object(container);
    oci_span_t name, value;

    while (is_object ? oci_walk_member(&name, &value, &walk)
                     : oci_walk_element(&value, &walk)) {
        if (!oci_span_is_string(value)) {
            return 0;
        }
    }
    return 1;
}

const char *oci_span_text(oci_span_t span, apr_pool_t *pool)
{
    const char *p;
    char *text, *out;

    if (!oci_span_is_string(span)) {
        return NULL;
    }
    p = span.text + 1;
    /* An escape is never shorter than its character. */
    text = out = apr_palloc(pool, span.size);
    while (*p != '"') {
        if (*p != '\\') {
            *out++ = *p++;
        }
        else {
            apr_uint32_t character = decode_escape(&p);

            if (!character || is_surrogate(character)) {
                return NULL;
            }
            out += oci_utf8_put(out, character);
        }
    }
    *out = '\0';
    return text;
}

int oci_span_integer(apr_int64_t *number, oci_span_t span)
{
    int negative = begins_with(span, '-');
    apr_uint64_t limit = APR_UINT64_C(0x7fffffffffffffff) + negative;
    apr_uint64_t value = 0;
    apr_size_t i;

    if (!span.text) {
        return 0;
    }
    for (i = negative; i < span.size; i++) {
        unsigned digit = (unsigned char)span.text[i] - '0';

        if (digit > 9 || value > (limit - digit) / 10) {
            return 0;
        }
        value = value * 10 + digit;
    }
    *number = (apr_int64_t)(negative ? 0 - value : value);
    return 1;
}

/* Write a character of a string: as itself or, if needed, as the shortest
 * escape. */
static char *put_character(char *out, apr_uint32_t character)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char letters[] = "\"\\bfnrt", meanings[] = "\"\\\b\f\n\r\t";
    const char *meaning = character && character < 0x80
        ? strchr(meanings, (int)character)
        : NULL;
    int shift;

    if (!meaning && character >= 0x20 && !is_surrogate(character)) {
        return out + oci_utf8_put(out, character);
    }
    *out++ = '\\';
    if (meaning) {
        *out++ = letters[meaning - meanings];
        return out;
    }
    *out++ = 'u';
    for (shift = 12; shift >= 0; shift -= 4) {
        *out++ = hex[character >> shift & 15];
    }
    return out;
}

const char *oci_span_compact(oci_span_t span, apr_pool_t *pool)
{
    const char *p = span.text, *end = p + span.size;
    char *text = apr_palloc(pool, span.size + 1), *out = text;
    int quoted = 0;

    while (p < end) {
        if (quoted && *p == '\\') {
            out = put_character(out, decode_escape(&p));
            continue;
        }
        if (*p == '"') {
            quoted = !quoted;
        }
        if (quoted || !is_space(*p)) {
            *out++ = *p;
        }
        p++;
    }
    *out = '\0';
    return text;
}
