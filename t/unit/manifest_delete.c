/* SPDX-License-Identifier: Apache-2.0 */

/* The deletion of a manifest whose tags are asked about, while further tags are
 * pushed that name it.
 */

#include "registry_test.h"

#include "registry/manifest_change.h"
#include "registry/manifest_delete.h"
#include "registry/tag.h"

#define TYPE "application/vnd.oci.image.index.v1+json"

typedef struct test_t {
    run_t *run;
    oci_registry_t registry;
    oci_repository_t repository;
    const char *digest;  /* of the manifest */
    int pushes;          /* that may_delete has still to make */
    int pushed;          /* those that it has made */
    const char *refuses; /* the tag that must not be deleted, or NULL */
    const char *asked;   /* the tags that were asked about */
} test_t;

static test_t t;

static oci_error_t *push(const char *tag, const char *text)
{
    oci_push_t manifest = { .reference = tag,
                            .content_type = TYPE,
                            .data = text,
                            .size = strlen(text) };
    oci_pushed_t pushed;
    oci_error_t *error = oci_manifest_put(&pushed, &t.repository, &manifest,
                                          t.run->pool);

    t.digest = error ? NULL : pushed.digest;
    return error;
}

static oci_error_t *push_tag(const char *tag)
{
    return push(tag, "{\"schemaVersion\":2,\"manifests\":[]}");
}

/* Answer for a tag, after another client has pushed a further one. */
static oci_error_t *may_delete(void *baton, const char *tag)
{
    apr_pool_t *pool = t.run->pool;

    (void)baton;
    t.asked = apr_pstrcat(pool, t.asked, " ", tag, NULL);
    tap_ok(&t.run->tap, !counts.locks, "no lock is held for %s", tag);
    if (t.pushes) {
        t.pushes--;
        if (push_tag(apr_psprintf(pool, "new%02d", t.pushed++))) {
            abort();
        }
    }
    return t.refuses && !strcmp(t.refuses, tag)
        ? oci_tag_refuse_deletion(tag, pool)
        : NULL;
}

static oci_error_t *delete_digest(int pushes, const char *match)
{
    oci_deletion_t deletion = { .reference = t.digest,
                                .condition = { match, NULL },
                                .may_delete = may_delete };

    t.pushes = pushes;
    t.pushed = 0;
    t.asked = "";
    return oci_manifest_delete(&t.repository, &deletion, t.run->pool);
}

static void check(int pushes, const char *match, oci_error_e code,
                  const char *asked, const char *name)
{
    int facts;

    if (push_tag("v2") || push_tag("v1")) {
        abort();
    }
    is_error(t.run, delete_digest(pushes, match), code, name);
    tap_is(&t.run->tap, t.asked, asked, "the tags that were asked about");
    facts = count_facts(&t.registry, "repo/a/_manifest/");
    tap_ok(&t.run->tap, facts == (code != OCI_E_COUNT), "%d manifests", facts);
    facts = count_facts(&t.registry, "repo/a/_tag/");
    tap_ok(&t.run->tap, facts == (code != OCI_E_COUNT ? 2 + t.pushed : 0),
           "%d tags", facts);
    t.refuses = NULL;
    if (code != OCI_E_COUNT && delete_digest(0, NULL)) {
        abort();
    }
}

/* A tag that has moved away is not asked about, even if the list of the
 * digest's tags still has it. */
static void check_moved_tag(void)
{
    apr_array_header_t *changes = oci_change_list_make(t.run->pool);
    const char *digest;

    if (push_tag("v1")) {
        abort();
    }
    digest = t.digest;
    if (push("v1", "{\"schemaVersion\":2,\"manifests\":[ ]}")) {
        abort();
    }
    oci_change_put(changes, OCI_CHANGE_PUT,
                   apr_pstrcat(t.run->pool, "repo/a/_tagged/", digest, "/v1",
                               NULL),
                   NULL, 0);
    if (oci_facts_apply(&t.registry, changes, 0, t.run->pool)) {
        abort();
    }
    t.digest = digest;
    is_error(t.run, delete_digest(0, NULL), OCI_E_COUNT,
             "a manifest whose tag has moved is deleted");
    tap_is(&t.run->tap, t.asked, "", "without asking about the tag");
    tap_ok(&t.run->tap, count_facts(&t.registry, "repo/a/_tag/") == 1,
           "which stays");
}

int main(void)
{
    run_t run;

    begin(&run);
    t.run = &run;
    open_registry(&t.registry, &run);
    t.repository.registry = &t.registry;
    t.repository.name = "a";
    check(0, NULL, OCI_E_COUNT, " v1 v2", "all tags may be deleted");
    t.refuses = "v2";
    check(0, NULL, OCI_E_TAG_IMMUTABLE, " v1 v2", "the last one must not");
    t.refuses = "v1";
    check(0, NULL, OCI_E_TAG_IMMUTABLE, " v1", "the first one must not");
    t.refuses = "new00";
    check(1, NULL, OCI_E_TAG_IMMUTABLE, " v1 v2 new00",
          "a tag that was pushed meanwhile must not");
    check(1, NULL, OCI_E_COUNT, " v1 v2 new00",
          "a tag that was pushed meanwhile may be deleted");
    check(2, NULL, OCI_E_COUNT, " v1 v2 new00 new01",
          "two tags that were pushed meanwhile may be deleted");
    check(20, NULL, OCI_E_UNAVAILABLE,
          " v1 v2 new00 new01 new02 new03 new04 new05 new06 new07 new08 new09"
          " new10 new11 new12 new13 new14 new15 new16 new17",
          "other clients keep pushing tags");
    t.refuses = "v1";
    check(0, "\"x\"", OCI_E_MANIFEST_CHANGED, "",
          "the condition is checked before the tags");
    check_moved_tag();
    return finish(&run);
}
