/* SPDX-License-Identifier: Apache-2.0 */

/* The memory that is needed to parse a manifest: at most eight times its size,
 * whatever it contains.  Each is parsed in a separate process.
 */

#include "tap.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_pools.h"
#include "apr_strings.h"

#include "values/document.h"

#define SIZE  (4 * 1024 * 1024)
#define TIMES 8

#define DIGEST \
    "sha256:"  \
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define CONFIG "{'mediaType':'a/b','digest':'" DIGEST "','size':2"
#define IMAGE  "{'schemaVersion':2,'config':" CONFIG "},'layers':["

/* Documents: a beginning, a part that is repeated up to the size, and an end.
 * In the part, # stands for the number of the repetition; ' stands for ". */
static const struct {
    const char *name;
    const char *head;
    const char *part;
    const char *tail;
    int good;
} documents[] = {
    { "empty objects", IMAGE "],'x':[{}", ",{}", "]}", 1 },
    { "empty arrays", IMAGE "],'x':[[]", ",[]", "]}", 1 },
    { "numbers", IMAGE "],'x':[0", ",0", "]}", 1 },
    { "empty strings", IMAGE "],'x':[''", ",''", "]}", 1 },
    { "objects in objects", IMAGE "],'x':[0", ",{'a':{'b':{}}}", "]}", 1 },
    { "open arrays", IMAGE "],'x':", "[", "", 0 },
    { "open objects", IMAGE "],'x':", "{'':", "", 0 },
    { "members", IMAGE "]", ",'#':0", "}", 1 },
    { "members within", IMAGE "],'x':{'':0", ",'#':0", "}}", 1 },
    { "one name", IMAGE "],'x':{'':0", ",'':0", "}}", 0 },
    { "one name in escapes", IMAGE "],'x':{'':0", ",'\\u0061':0", "}}", 0 },
    { "a string of escapes", IMAGE "],'x':'", "\\u0041", "'}", 1 },
    { "artifactType", IMAGE "],'artifactType':'", "\\\"", "'}", 1 },
    { "a long artifactType", IMAGE "],'artifactType':'", "a", "'}", 1 },
    { "annotations", IMAGE "],'annotations':{'':''", ",'#':''", "}}", 1 },
    { "a long annotation", IMAGE "],'annotations':{'a':'", "a", "'}}", 1 },
    { "descriptors", IMAGE CONFIG "}", "," CONFIG "}", "]}", 1 },
    { "bad descriptors", IMAGE CONFIG "}", ",{}", "]}", 0 },
    { "arrays for descriptors", IMAGE CONFIG "}", ",[]", "]}", 0 },
    { "junk in a descriptor", IMAGE CONFIG ",'x':[{}", ",{}", "]}]}", 1 },
    { "annotations of a descriptor", IMAGE CONFIG ",'annotations':{'':''",
      ",'#':''", "}}]}", 1 },
    { "urls", IMAGE CONFIG ",'urls':[''", ",''", "]}]}", 1 },
    { "data", IMAGE CONFIG ",'data':'", "e30=", "'}]}", 0 },
    { "data in escapes", IMAGE CONFIG ",'data':'", "\\u0041", "'}]}", 0 },
    { "a long media type", IMAGE CONFIG "},{'mediaType':'a/", "b", "'}]}", 0 },
    { "a long digest", IMAGE "{'mediaType':'a/b','digest':'", "\\u0061", "'}]}",
      0 },
    { "a long number", IMAGE "],'schemaVersion':", "1", "}", 0 },
    { "junk in a subject", IMAGE "],'subject':" CONFIG ",'x':[{}", ",{}", "]}}",
      1 },
    { "an index", "{'schemaVersion':2,'manifests':[" CONFIG "}", "," CONFIG "}",
      "]}", 1 },
    { "brackets alone", "", "[", "", 0 },
    { "quotes alone", "", "'", "", 0 },
};

/* Append text, with ' replaced by " and # by the number. */
static char *append(char *end, const char *text, int number)
{
    for (; *text; text++) {
        if (*text == '#') {
            end += apr_snprintf(end, 16, "%x", number);
        }
        else {
            *end++ = *text == '\'' ? '"' : *text;
        }
    }
    return end;
}

static apr_size_t make_document(char *text, int i)
{
    char *end = append(text, documents[i].head, 0);
    apr_size_t room = SIZE - strlen(documents[i].tail)
        - strlen(documents[i].part) - 16;
    int number = 0;

    while ((apr_size_t)(end - text) < room) {
        end = append(end, documents[i].part, number++);
    }
    return append(end, documents[i].tail, 0) - text;
}

/* Parse a document as a push does. */
static int read_document(const char *text, apr_size_t size)
{
    oci_document_t *document;
    apr_pool_t *pool;
    int good;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    good = !oci_document_parse(&document, "a/b", text, size, pool);
    if (good) {
        oci_document_descriptor(document, DIGEST, size, pool);
    }
    apr_terminate();
    return good;
}

/* The result of one child process. */
typedef struct result_t {
    int good;
    long grown; /* bytes */
} result_t;

/* The largest memory that this process has had, in bytes. */
static long peak(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024;
}

/* Parse a document in a separate process. */
static result_t try_document(const char *text, apr_size_t size)
{
    result_t result = { -1, 0 };
    int ends[2];
    pid_t child;

    if (pipe(ends) || (child = fork()) == -1) {
        return result;
    }
    if (!child) {
        long before = peak();

        result.good = read_document(text, size);
        result.grown = peak() - before;
        _exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
    }
    close(ends[1]);
    if (read(ends[0], &result, sizeof(result)) != sizeof(result)) {
        result.good = -1;
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return result;
}

int main(void)
{
    tap_t tap = { 0, 0 };
    char *text = malloc(SIZE);
    size_t i;

    for (i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        result_t result = try_document(text, make_document(text, i));

        tap_ok(&tap, result.good == documents[i].good, "%s: %s",
               documents[i].name, documents[i].good ? "accepted" : "refused");
        tap_ok(&tap, result.grown <= (long)TIMES * SIZE,
               "%s: %.1f times the size", documents[i].name,
               (double)result.grown / SIZE);
    }
    free(text);
    return tap_done(&tap);
}
