/* SPDX-License-Identifier: Apache-2.0 */

/* Checking that a text is valid JSON, with little memory. */

#include "values/json_check.h"

#include <limits.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_tables.h"

#include "values/json_span.h"
#include "values/utf8.h"

/* The longest part of a name that a message quotes, in bytes. */
#define NAME_SHOWN 64

/* Used in check_t.first instead of an index. */
#define IS_ARRAY (-1)

typedef struct check_t {
    const char *text; /* the entire text */
    const char *next; /* the first byte that is not checked yet */
    const char *end;
    int depth;                 /* number of open arrays and objects */
    int first[OCI_JSON_DEPTH]; /* for each open object, the index of its first
                                  name in names; for an array, IS_ARRAY */
    apr_array_header_t *names; /* apr_uint32_t: offsets in text of the names
                                  of all open objects */
    apr_pool_t *pool;          /* for a message */
} check_t;

/* The next token that the grammar allows. */
typedef enum {
    EXPECT_VALUE,
    EXPECT_ELEMENT_OR_END, /* after [ */
    EXPECT_NAME,           /* after a comma in an object */
    EXPECT_NAME_OR_END,    /* after { */
    EXPECT_COMMA_OR_END    /* after a value */
} expect_e;

static void skip_space(check_t *check)
{
    const char *p = check->next;

    while (p < check->end
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    check->next = p;
}

/* Check an escape and step over it; next is at its backslash. */
static const char *check_escape(check_t *check)
{
    apr_size_t left = check->end - check->next;
    const char *p = check->next;
    int i;

    if (left < 2 || !p[1] || !strchr("\"\\/bfnrtu", p[1])) {
        return "a string has a backslash that does not begin a valid escape";
    }
    if (p[1] != 'u') {
        check->next += 2;
        return NULL;
    }
    for (i = 2; i < 6; i++) {
        if (left <= (apr_size_t)i || !apr_isxdigit(p[i])) {
            return "\\u in a string is not followed by four hex digits";
        }
    }
    check->next += 6;
    return NULL;
}

/* Whether a byte of a string is a character that needs no further check. */
static int is_plain(unsigned char byte)
{
    return byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Check a string and step over it; next is at its first quote. */
static const char *check_string(check_t *check)
{
    const char *problem = NULL;

    check->next++;
    while (!problem) {
        const char *p = check->next;
        int length;

        while (p < check->end && is_plain((unsigned char)*p)) {
            p++;
        }
        check->next = p;
        if (p == check->end) {
            return "the text ends within a string";
        }
        if (*p == '"') {
            check->next++;
            return NULL;
        }
        if (*p == '\\') {
            problem = check_escape(check);
            continue;
        }
        length = oci_utf8_length(p, check->end - p);
        if ((unsigned char)*p < ' ') {
            return "a string has a control character that is not escaped";
        }
        if (!length) {
            return "a string is not valid UTF-8";
        }
        check->next += length;
    }
    return problem;
}

/* Step over digits.
 * @return Whether there was one */
static int skip_digits(check_t *check)
{
    const char *p = check->next;

    while (p < check->end && *p >= '0' && *p <= '9') {
        p++;
    }
    if (p == check->next) {
        return 0;
    }
    check->next = p;
    return 1;
}

/* Step over the next byte if it is one of these.
 * @return Whether it was */
static int skip_one_of(check_t *check, const char *bytes)
{
    if (check->next < check->end && *check->next
        && strchr(bytes, *check->next)) {
        check->next++;
        return 1;
    }
    return 0;
}

static const char *check_number(check_t *check)
{
    static const char malformed[] = "a number is not valid JSON";
    const char *first;

    skip_one_of(check, "-");
    first = check->next;
    if (!skip_digits(check) || (*first == '0' && check->next - first > 1)) {
        return malformed;
    }
    if (skip_one_of(check, ".") && !skip_digits(check)) {
        return malformed;
    }
    if (skip_one_of(check, "eE")) {
        skip_one_of(check, "+-");
        if (!skip_digits(check)) {
            return malformed;
        }
    }
    return NULL;
}

static const char *check_word(check_t *check)
{
    static const char *const words[] = { "true", "false", "null" };
    apr_size_t left = check->end - check->next;
    apr_size_t i;

    for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
        apr_size_t length = strlen(words[i]);

        if (length <= left && !memcmp(check->next, words[i], length)) {
            check->next += length;
            return NULL;
        }
    }
    return "a value is expected here: a string in double quotes, a number, "
           "an object, an array, true, false or null";
}

static const char *open_container(check_t *check, expect_e *expect)
{
    int is_array = *check->next == '[';

    if (check->depth == OCI_JSON_DEPTH) {
        return "arrays and objects are nested more than " APR_STRINGIFY(
            OCI_JSON_DEPTH) " levels deep";
    }
    check->first[check->depth++] = is_array ? IS_ARRAY : check->names->nelts;
    check->next++;
    *expect = is_array ? EXPECT_ELEMENT_OR_END : EXPECT_NAME_OR_END;
    return NULL;
}

static const char *check_value(check_t *check, expect_e *expect)
{
    char byte = *check->next;

    if (byte == '{' || byte == '[') {
        return open_container(check, expect);
    }
    *expect = EXPECT_COMMA_OR_END;
    if (byte == '"') {
        return check_string(check);
    }
    if (byte == '-' || (byte >= '0' && byte <= '9')) {
        return check_number(check);
    }
    return check_word(check);
}

static const char *check_name(check_t *check)
{
    const char *problem;

    if (*check->next != '"') {
        return "a member's name in double quotes is expected here";
    }
    APR_ARRAY_PUSH(check->names,
                   apr_uint32_t) = (apr_uint32_t)(check->next - check->text);
    problem = check_string(check);
    if (problem) {
        return problem;
    }
    skip_space(check);
    return skip_one_of(check, ":") ? NULL
                                   : "a member's name is not followed by ':'";
}

static int compare_names(const check_t *check, apr_uint32_t one,
                         apr_uint32_t other)
{
    return oci_span_compare(check->text + one, check->text + other);
}

/* Move the name at root down the heap, until no name below it is greater. */
static void sift_down(const check_t *check, apr_uint32_t *names, int root,
                      int count)
{
    apr_uint32_t name = names[root];
    int child;

    while ((child = 2 * root + 1) < count) {
        if (child + 1 < count
            && compare_names(check, names[child], names[child + 1]) < 0) {
            child++;
        }
        if (compare_names(check, name, names[child]) >= 0) {
            break;
        }
        names[root] = names[child];
        root = child;
    }
    names[root] = name;
}

/* Sort names.  Heapsort needs no memory, and has no slow inputs. */
static void heapsort_names(const check_t *check, apr_uint32_t *names, int count)
{
    int i;

    for (i = count / 2 - 1; i >= 0; i--) {
        sift_down(check, names, i, count);
    }
    for (i = count - 1; i > 0; i--) {
        apr_uint32_t greatest = names[0];

        names[0] = names[i];
        names[i] = greatest;
        sift_down(check, names, 0, i);
    }
}

/* Check the names of an object that ends here, and remove them. */
static const char *check_duplicates(check_t *check, int first)
{
    apr_uint32_t *names = (apr_uint32_t *)check->names->elts + first;
    int count = check->names->nelts - first;
    int i;

    check->names->nelts = first;
    if (count < 2) {
        return NULL;
    }
    heapsort_names(check, names, count);
    for (i = 1; i < count; i++) {
        if (!compare_names(check, names[i - 1], names[i])) {
            const char *name = check->text
                + (names[i] > names[i - 1] ? names[i] : names[i - 1]);
            apr_size_t left = check->next - name;
            apr_size_t size = left < NAME_SHOWN ? left : NAME_SHOWN;
            const char *quote = memchr(name + 1, '"', size - 1);

            check->next = name;
            return apr_psprintf(check->pool, "a duplicate member, %.*s%s",
                                quote ? (int)(quote - name + 1) : (int)size,
                                name, quote ? "" : "...");
        }
    }
    return NULL;
}

/* Check what follows a value: a comma, or the end of its container. */
static const char *check_end_of_value(check_t *check, expect_e *expect)
{
    int first;

    if (!check->depth) {
        return "there is more text after the end of the JSON value";
    }
    first = check->first[check->depth - 1];
    if (skip_one_of(check, ",")) {
        *expect = first == IS_ARRAY ? EXPECT_VALUE : EXPECT_NAME;
        return NULL;
    }
    if (!skip_one_of(check, first == IS_ARRAY ? "]" : "}")) {
        return first == IS_ARRAY ? "',' or ']' is expected here"
                                 : "',' or '}' is expected here";
    }
    check->depth--;
    *expect = EXPECT_COMMA_OR_END;
    return first == IS_ARRAY ? NULL : check_duplicates(check, first);
}

static const char *check_text(check_t *check)
{
    expect_e expect = EXPECT_VALUE;
    const char *problem = NULL;

    while (!problem) {
        skip_space(check);
        if (check->next == check->end) {
            return expect == EXPECT_COMMA_OR_END && !check->depth
                ? NULL
                : "the text ends too early";
        }
        if ((expect == EXPECT_ELEMENT_OR_END && *check->next == ']')
            || (expect == EXPECT_NAME_OR_END && *check->next == '}')) {
            expect = EXPECT_COMMA_OR_END;
        }
        switch (expect) {
        case EXPECT_VALUE:
        case EXPECT_ELEMENT_OR_END:
            problem = check_value(check, &expect);
            break;
        case EXPECT_NAME:
        case EXPECT_NAME_OR_END:
            problem = check_name(check);
            expect = EXPECT_VALUE;
            break;
        case EXPECT_COMMA_OR_END:
            problem = check_end_of_value(check, &expect);
            break;
        }
    }
    return problem;
}

static int line_of(const check_t *check)
{
    const char *p;
    int line = 1;

    for (p = check->text; p < check->next; p++) {
        line += *p == '\n';
    }
    return line;
}

const char *oci_json_check(const char *text, apr_size_t size, apr_pool_t *pool)
{
    check_t check;
    const char *problem;
    apr_pool_t *scratch;

    if (size > INT_MAX) {
        return "the text is larger than 2 GiB";
    }
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        return "line 1: the text begins with a byte order mark, which JSON "
               "does not allow";
    }
    if (apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        return "there is not enough memory";
    }
    check.text = check.next = text;
    check.end = text + size;
    check.depth = 0;
    check.names = apr_array_make(scratch, 64, sizeof(apr_uint32_t));
    check.pool = pool;
    problem = check_text(&check);
    if (problem) {
        problem = apr_psprintf(pool, "line %d: %s", line_of(&check), problem);
    }
    apr_pool_destroy(scratch);
    return problem;
}
