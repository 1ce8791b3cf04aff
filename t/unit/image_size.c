/* SPDX-License-Identifier: Apache-2.0 */

/* The size of an index whose manifests are missing, damaged or may not all be
 * read. */

#include "registry_test.h"

#include "registry/image_size.h"
#include "registry/keys.h"
#include "registry/manifest_change.h"

#define TYPE "application/vnd.oci.image.index.v1+json"

typedef struct test_t {
    run_t *run;
    oci_registry_t registry;
    oci_repository_t repository;
} test_t;

static test_t t;

/* Return the text of an index that names others.
 * children: their texts, of which the last is followed by NULL */
static const char *index_of(const char *const *children)
{
    apr_pool_t *pool = t.run->pool;
    const char *list = "";

    for (; *children; children++) {
        list = apr_psprintf(pool,
                            "%s%s{\"mediaType\":\"" TYPE
                            "\",\"size\":%d,\"digest\":\"%s\"}",
                            list, *list ? "," : "", (int)strlen(*children),
                            oci_digest_of(OCI_SHA256, *children,
                                          strlen(*children), pool));
    }
    return apr_psprintf(pool, "{\"schemaVersion\":2,\"manifests\":[%s]}", list);
}

static void push(const char *text)
{
    oci_push_t manifest = { .reference = "v1",
                            .content_type = TYPE,
                            .data = text,
                            .size = strlen(text) };
    oci_pushed_t pushed;

    if (oci_manifest_put(&pushed, &t.repository, &manifest, t.run->pool)) {
        abort();
    }
}

/* Check the size of what v1 names, if this much may be read.
 * left: how many manifests may still be read then */
static void check(oci_reading_t reading, int left, int incomplete,
                  apr_size_t bytes, const char *name)
{
    oci_image_size_t size = { .reading = &reading };
    apr_pool_t *pool = make_pool();
    oci_manifest_t manifest;
    oci_document_t *document;

    if (oci_manifest_get(&manifest, &t.repository, "v1", pool)
        || oci_document_parse(&document, TYPE, manifest.data, manifest.size,
                              pool)) {
        abort();
    }
    is_error(t.run,
             oci_image_size(&size, &t.repository, &manifest, document, pool),
             OCI_E_COUNT, name);
    tap_ok(&t.run->tap, size.bytes == (apr_int64_t)bytes, "%s: the sum", name);
    tap_ok(&t.run->tap, size.incomplete == incomplete, "%s: complete or not",
           name);
    tap_ok(&t.run->tap, reading.manifests == left, "%s: what was read", name);
    apr_pool_destroy(pool);
}

static void damage(const char *text)
{
    apr_pool_t *pool = t.run->pool;
    oci_change_t change = { OCI_CHANGE_PUT,
                            oci_key_manifest(pool, "a",
                                             oci_digest_of(OCI_SHA256, text,
                                                           strlen(text), pool)),
                            { "damaged", 7 } };

    if (oci_index_fs.apply(t.registry.index, &change, 1, 0, pool)) {
        abort();
    }
}

/* An index that names another one twice, and one of the two manifests that the
 * other one names. */
static void test_all(void)
{
    const char *one = "{\"schemaVersion\":2,\"manifests\":[]}";
    const char *two = "{\"schemaVersion\":2,\"manifests\":[],\"x\":1}";
    const char *const leaves[] = { one, two, NULL };
    const char *inner = index_of(leaves);
    const char *const inners[] = { inner, inner, one, NULL };
    const char *outer = index_of(inners);
    apr_size_t above = strlen(outer) + strlen(inner) + strlen(one);
    apr_size_t all = above + strlen(two);

    t.registry.sparse = OCI_SPARSE_INDEX;
    push(one);
    push(inner);
    push(outer);
    check((oci_reading_t){ .manifests = 9, .bytes = 9999 }, 6, 1, all,
          "a manifest is missing");
    push(two);
    push(outer);
    check((oci_reading_t){ .manifests = 9, .bytes = 9999 }, 6, 0, all,
          "all are there");
    check((oci_reading_t){ .manifests = 3, .bytes = 9999 }, 0, 0, all,
          "as many as may be read");
    check((oci_reading_t){ .manifests = 2, .bytes = 9999 }, 0, 1, all,
          "one more than may be read");
    check((oci_reading_t){ .manifests = 0, .bytes = 9999 }, 0, 1, above,
          "none may be read");
    check((oci_reading_t){ .manifests = 9, .bytes = 0 }, 9, 1, above,
          "no bytes may be read");
    damage(two);
    check((oci_reading_t){ .manifests = 9, .bytes = 9999 }, 6, 1, all,
          "a manifest is damaged");
}

int main(void)
{
    run_t run;

    begin(&run);
    t.run = &run;
    open_registry(&t.registry, &run);
    t.repository.registry = &t.registry;
    t.repository.name = "a";
    test_all();
    return finish(&run);
}
