/* SPDX-License-Identifier: Apache-2.0 */

/* A push of a manifest with many children: how many facts it reads under the
 * repository's lock, and deletions between the check of its children and the
 * write of the manifest.
 */

#include "registry_test.h"

#include "registry/blob_add.h"
#include "registry/manifest_change.h"
#include "registry/repository.h"

#define MANY 40
#define TYPE "application/vnd.oci.image.manifest.v1+json"

typedef struct test_t {
    run_t *run;
    oci_registry_t registry;
    oci_repository_t repository;
    const char *digests[MANY + 1]; /* of blobs; no manifest names the last */
} test_t;

static test_t t;

static int deletions; /* that delete_meanwhile has still to make */
static int victim;    /* the number of the blob that it deletes */
static int seen;      /* children that were looked up */

/* Add a blob to the repository. */
static void make_blob(int number)
{
    apr_pool_t *pool = make_pool();
    oci_blob_t blob = { .digest = t.digests[number], .size = 1 };
    oci_blob_writer_t *writer;
    struct iovec vec = { "x", 1 };
    const char *state;

    if (oci_blob_fs.upload_open(&writer, t.registry.blobs, "one", pool)
        || oci_blob_fs.upload_resume(writer, 0, NULL)
        || oci_blob_fs.upload_write(writer, &vec, 1)
        || oci_blob_fs.upload_close(&state, writer, 0, pool)
        || oci_blob_fs.upload_commit(&blob.locator, writer, blob.digest, 0,
                                     pool)
        || oci_blob_fs.upload_abort(writer)
        || oci_blob_add(&t.repository, &blob, pool)) {
        abort();
    }
    apr_pool_destroy(pool);
}

static void make_blobs(void)
{
    int i;

    for (i = 0; i <= MANY; i++) {
        t.digests[i] = oci_digest_of(OCI_SHA256, &i, sizeof(i), t.run->pool);
        make_blob(i);
    }
}

/* Push a manifest with this many layers, each named twice. */
static oci_error_t *push(int layers)
{
    apr_pool_t *pool = t.run->pool;
    const char *text = "";
    oci_push_t manifest = { .reference = "v1", .content_type = TYPE };
    oci_pushed_t pushed;
    int i;

    for (i = 0; i < 2 * layers; i++) {
        text = apr_psprintf(pool,
                            "%s%s{\"mediaType\":\"a/b\",\"size\":1,"
                            "\"digest\":\"%s\"}",
                            text, i ? "," : "", t.digests[i / 2]);
    }
    manifest.data = apr_psprintf(pool,
                                 "{\"schemaVersion\":2,\"config\":{"
                                 "\"mediaType\":\"a/b\",\"size\":1,"
                                 "\"digest\":\"%s\"},\"layers\":[%s]}",
                                 t.digests[0], text);
    manifest.size = strlen(manifest.data);
    memset(&counts, 0, sizeof(counts));
    return oci_manifest_put(&pushed, &t.repository, &manifest, pool);
}

/* Delete a blob when the last child is looked up. */
static void delete_meanwhile(const char *key)
{
    apr_pool_t *pool;
    oci_error_t *error;

    if (!deletions || counts.locks || strncmp(key, "blob/", 5)
        || ++seen % MANY) {
        return;
    }
    deletions--;
    before_get = NULL;
    pool = make_pool();
    error = oci_blob_delete(&t.repository, t.digests[victim], pool);
    if (error) {
        abort();
    }
    apr_pool_destroy(pool);
    make_blob(MANY);
    before_get = delete_meanwhile;
}

/* The number of the child that is looked up first. */
static int first_child(void)
{
    int i, first = 0;

    for (i = 1; i < MANY; i++) {
        first = strcmp(t.digests[i], t.digests[first]) < 0 ? i : first;
    }
    return first;
}

static void check_reads(void)
{
    is_error(t.run, push(MANY), OCI_E_COUNT, "a push with many children");
    tap_ok(&t.run->tap, counts.gets <= 2 * MANY + 8,
           "looks up each child once: %d reads", counts.gets);
    tap_ok(&t.run->tap, counts.locked <= 4,
           "and no child under a lock: %d reads", counts.locked);
    tap_ok(&t.run->tap, !count_facts(&t.registry, "repo/a/_pending/"),
           "the mark of the push is removed");
    is_error(t.run, push(2), OCI_E_COUNT, "a push with few children");
    tap_ok(&t.run->tap, counts.gets <= 8, "has no additional cost: %d reads",
           counts.gets);
}

/* Push while blobs are deleted.  number: the blob that is deleted while the
 * children are checked */
static void check_deletion(int times, int number, oci_error_e code,
                           const char *name)
{
    oci_error_t *error;

    deletions = times;
    victim = number;
    seen = 0;
    before_get = delete_meanwhile;
    error = push(MANY);
    before_get = NULL;
    is_error(t.run, error, code, name);
    tap_ok(&t.run->tap,
           deletions < times && !count_facts(&t.registry, "repo/a/_pending/"),
           "no mark is left");
}

static void check_condition(void)
{
    apr_pool_t *pool = t.run->pool;
    oci_push_t manifest = { .reference = "v1",
                            .content_type = TYPE,
                            .condition = { "\"other\"", NULL } };
    oci_pushed_t pushed;
    const char *text = "{\"schemaVersion\":2,\"config\":{\"mediaType\":"
                       "\"a/b\",\"size\":1,\"digest\":\"%s\"},\"layers\":[%s]}";
    const char *layers = "";
    int i;

    for (i = 0; i < MANY; i++) {
        layers = apr_psprintf(pool,
                              "%s%s{\"mediaType\":\"a/b\",\"size\":1,"
                              "\"digest\":\"%s\"}",
                              layers, i ? "," : "", t.digests[0]);
    }
    manifest.data = apr_psprintf(pool, text, t.digests[0], layers);
    manifest.size = strlen(manifest.data);
    is_error(t.run, oci_manifest_put(&pushed, &t.repository, &manifest, pool),
             OCI_E_MANIFEST_CHANGED, "a condition that is not met");
    tap_ok(&t.run->tap, !count_facts(&t.registry, "repo/a/_pending/"),
           "leaves no mark");
}

static void set_fact(const char *key, const char *value)
{
    oci_change_t change = { OCI_CHANGE_PUT, key, { value, strlen(value) } };

    if (oci_index_fs.apply(t.registry.index, &change, 1, 0, t.run->pool)) {
        abort();
    }
}

/* A held blob may have a value: the time at which it was condemned. */
static void check_condemned(const oci_index_provider_t *provider)
{
    static const struct {
        const char *value;
        apr_int64_t seconds;
    } cases[] = {
        { "", 0 },      { ";1764307759", 1764307759 },
        { ";", 0 },     { ";-1", 0 },
        { ";soon", 0 }, { ";99999999999999999999999999", APR_INT64_MAX },
    };
    const oci_index_provider_t *usual = t.registry.index->provider;
    const char *key = apr_pstrcat(t.run->pool, "repo/a/_blob/", t.digests[0],
                                  NULL);
    oci_blob_t blob;
    apr_size_t i;

    t.registry.index->provider = provider;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        set_fact(key, cases[i].value);
        is_error(t.run,
                 oci_blob_stat(&blob, &t.repository, t.digests[0], t.run->pool),
                 OCI_E_COUNT, "a held blob with a value");
        tap_ok(&t.run->tap,
               blob.condemned == cases[i].seconds && blob.size == 1,
               "it is condemned, or not: '%s'", cases[i].value);
    }
    set_fact(key, ";1");
    is_error(t.run, push(2), OCI_E_COUNT, "a manifest may name it");
    is_error(t.run, oci_blob_delete(&t.repository, t.digests[0], t.run->pool),
             OCI_E_COUNT, "it can be deleted");
    make_blob(0);
    t.registry.index->provider = usual;
}

int main(void)
{
    run_t run;

    begin(&run);
    t.run = &run;
    alarm(300); /* a deletion must not wait for the push */
    open_registry(&t.registry, &run);
    t.repository.registry = &t.registry;
    t.repository.name = "a";
    make_blobs();
    check_reads();
    check_condition();
    check_condemned(t.registry.index->provider);
    check_condemned(&oci_index_fs);
    check_deletion(1, MANY, OCI_E_COUNT, "another blob is deleted meanwhile");
    check_deletion(1000, MANY, OCI_E_COUNT,
                   "another blob is deleted during each check");
    check_deletion(1, first_child(), OCI_E_MANIFEST_BLOB_UNKNOWN,
                   "a child is deleted after its look-up");
    return finish(&run);
}
