/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the parser of manifests.  Input: the Content-Type, a newline, and the
 * document. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/digest.h"
#include "values/document.h"
#include "values/json.h"
#include "values/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether text is one JSON object. */
static int is_object(const char *text, apr_pool_t *pool)
{
    return *text == '{' && !oci_json_check(text, strlen(text), pool);
}

static void check(const oci_document_t *document, apr_pool_t *pool)
{
    const char *digest = oci_digest_of(OCI_SHA256, "", 0, pool);
    int i;

    assert(strchr(document->media_type, '/'));
    assert(!document->media_type[strcspn(document->media_type, " \r\n\t;")]);
    assert(!document->annotations || is_object(document->annotations, pool));
    assert(!document->subject || oci_digest_valid(document->subject->digest));
    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);

        assert(oci_digest_valid(child->descriptor.digest));
        assert(child->descriptor.size >= 0);
        assert(strchr(child->descriptor.media_type, '/'));
    }
    assert(is_object(oci_document_descriptor(document, digest, 0, pool), pool));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    oci_document_t *document;
    const char *problem, *quoted;
    apr_pool_t *pool;
    apr_size_t length;

    if (!end) {
        return 0;
    }
    length = end - text;
    apr_initialize();
    apr_pool_create(&pool, NULL);

    problem = oci_document_parse(&document,
                                 length ? apr_pstrmemdup(pool, text, length)
                                        : NULL,
                                 end + 1, size - length - 1, pool);
    if (problem) {
        /* The message must be valid in the JSON of an error. */
        quoted = apr_pstrcat(pool, "{\"x\":", oci_json_quote(problem, pool),
                             "}", NULL);
        assert(is_object(quoted, pool));
        assert(strlen(problem) < 1024);
    }
    else {
        check(document, pool);
    }

    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
