/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a garbage collection, with two indexes: what a run decides when
 * something changes between its steps, and what one that was stopped leaves to
 * the next. */

#include "registry_test.h"

#include "gc/gc.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/manifest_change.h"
#include "registry/repository.h"
#include "store/dbd/dbd_index.h"

#define TYPE "application/vnd.oci.image.manifest.v1+json"
#define MANY 600 /* blobs: more than two batches */

typedef struct test_t {
    run_t *run;
    const char *kind; /* of the index */
    oci_registry_t registry;
    oci_index_provider_t index;      /* with our scan and apply */
    oci_blob_store_provider_t blobs; /* with our deletion */
    const oci_index_provider_t *real;
    void *checked;
    oci_gc_t gc;
    int errors;     /* that were reported */
    int looks;      /* at whether to stop */
    int stop_after; /* looks after which the run is stopped; -1: never */
} test_t;

static test_t t;

/* Called once, before a lock of this name or before bytes are deleted. */
static void (*before)(void);
static const char *before_lock;

static void call_before(void)
{
    void (*function)(void) = before;

    before = NULL;
    function();
}

static apr_status_t gc_lock(oci_lock_t **lock, oci_index_t *index,
                            const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    if (before && before_lock && kind == OCI_LOCK_EXCLUSIVE
        && strstr(name, before_lock)) {
        call_before();
    }
    return t.real->lock(lock, index, name, kind, pool);
}

static apr_status_t gc_blob_delete(oci_blob_store_t *store, const char *locator,
                                   const oci_confirm_t *confirm,
                                   apr_pool_t *pool)
{
    if (before && !before_lock) {
        call_before();
    }
    return oci_blob_fs.blob_delete(store, locator, confirm, pool);
}

static apr_status_t gc_blob_open(oci_blob_source_t *source,
                                 oci_blob_store_t *store, const char *locator,
                                 apr_int32_t flags, apr_pool_t *pool)
{
    if (before) {
        call_before();
    }
    return oci_blob_fs.blob_open(source, store, locator, flags, pool);
}

static int is_stopped(void *baton)
{
    (void)baton;
    return t.stop_after >= 0 && t.looks++ >= t.stop_after;
}

static void report_error(void *baton, const oci_error_t *error)
{
    (void)baton;
    printf("# skipped: %s\n", error->note ? error->note : error->message);
    t.errors++;
}

/* Open an empty registry, in a directory of its own. */
static void open_stores(run_t *run, const char *kind)
{
    static int round;
    const char *dir = at(run, apr_itoa(run->pool, ++round));
    oci_store_config_t blobs = { .location = dir, .base = dir };
    oci_store_config_t index = blobs;

    memset(&t, 0, sizeof(t));
    t.run = run;
    t.kind = kind;
    t.real = &oci_index_fs;
    if (strcmp(kind, "fs")) {
        t.real = &oci_index_dbd;
        index.type = kind;
        index.location = apr_pstrcat(run->pool, dir, "/facts", NULL);
    }
    if (oci_blob_fs.create(&t.registry.blobs, &blobs, run->pool)
        || oci_blob_fs.start(t.registry.blobs, getuid(), getgid(), run->pool)
        || t.real->create(&t.registry.index, &index, run->pool)
        || t.real->start(t.registry.index, getuid(), getgid(), run->pool)) {
        abort();
    }
    t.blobs = oci_blob_fs;
    t.blobs.blob_delete = gc_blob_delete;
    t.blobs.blob_open = gc_blob_open;
    t.registry.blobs->provider = &t.blobs;
    t.index = *t.real;
    t.index.lock = gc_lock;
    t.registry.index->provider = &t.index;
    t.registry.boot = BOOT;
    t.registry.checked = &t.checked;
    t.gc.registry = &t.registry;
    t.gc.upload_expiry = 86400;
    t.gc.full = 1;
    t.gc.is_stopped = is_stopped;
    t.gc.report_error = report_error;
    t.stop_after = -1;
    before = NULL;
    before_lock = NULL;
}

/* Run, and report whether there was an error. */
static const oci_gc_report_t *run_gc(const char *name)
{
    apr_pool_t *pool = make_pool();

    is_error(t.run, oci_gc_run(&t.gc, pool), OCI_E_COUNT,
             apr_pstrcat(pool, t.kind, ": ", name, NULL));
    apr_pool_destroy(pool);
    return &t.gc.report;
}

/* Report whether the numbers of the last run are these. */
static void numbers(int condemned, int waiting, int collected, int blobs,
                    const char *name)
{
    const oci_gc_report_t *report = &t.gc.report;

    if (!tap_ok(&t.run->tap,
                (int)report->condemned == condemned
                    && (int)report->waiting == waiting
                    && (int)report->collected == collected
                    && (int)report->blobs == blobs && !t.errors,
                "%s: %s", t.kind, name)) {
        printf("# condemned %d, waiting %d, collected %d, blobs %d, errors "
               "%d\n",
               (int)report->condemned, (int)report->waiting,
               (int)report->collected, (int)report->blobs, t.errors);
    }
}

static const char *digest_of(int number, apr_pool_t *pool)
{
    return oci_digest_of(OCI_SHA256, &number, sizeof(number), pool);
}

/* Store the bytes of a blob; they need not be those of the digest. */
static void store_bytes(oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_writer_t *writer;
    struct iovec vec = { "x", 1 };

    blob->size = 1;
    if (oci_blob_fs.upload_open(&writer, t.registry.blobs, "one", pool)
        || oci_blob_fs.upload_resume(writer, 0)
        || oci_blob_fs.upload_write(writer, &vec, 1)
        || oci_blob_fs.upload_close(writer, 0)
        || oci_blob_fs.upload_commit(&blob->locator, writer, blob->digest, 0,
                                     pool)
        || oci_blob_fs.upload_abort(writer)) {
        abort();
    }
}

static void push_blob(const char *name, int number)
{
    apr_pool_t *pool = make_pool();
    oci_repository_t repository = { &t.registry, name };
    oci_blob_t blob = { .digest = digest_of(number, pool) };

    store_bytes(&blob, pool);
    if (oci_blob_add(&repository, &blob, pool)) {
        abort();
    }
    apr_pool_destroy(pool);
}

/* Push a manifest whose config is this blob. */
static void push_manifest(const char *name, int number)
{
    apr_pool_t *pool = make_pool();
    oci_repository_t repository = { &t.registry, name };
    oci_push_t push = { .reference = "v1", .content_type = TYPE };
    oci_pushed_t pushed;

    push.data = apr_psprintf(pool,
                             "{\"schemaVersion\":2,\"config\":{\"mediaType\":"
                             "\"a/b\",\"size\":1,\"digest\":\"%s\"},"
                             "\"layers\":[]}",
                             digest_of(number, pool));
    push.size = strlen(push.data);
    if (oci_manifest_put(&pushed, &repository, &push, pool)) {
        abort();
    }
    apr_pool_destroy(pool);
}

/* Return whether a repository serves a blob. */
static int serves(const char *name, int number)
{
    apr_pool_t *pool = make_pool();
    oci_repository_t repository = { &t.registry, name };
    oci_blob_t blob;
    apr_off_t size;
    int found = !oci_blob_stat(&blob, &repository, digest_of(number, pool),
                               pool)
        && oci_blob_fs.blob_size(&size, t.registry.blobs, blob.locator, pool)
            == APR_SUCCESS;

    apr_pool_destroy(pool);
    return found;
}

static void check(int passed, const char *name)
{
    tap_ok(&t.run->tap, passed, "%s: %s", t.kind, name);
}

static void check_batches(run_t *run, const char *kind)
{
    int i;

    open_stores(run, kind);
    for (i = 0; i < MANY; i++) {
        push_blob(i % 2 ? "a/b" : "c", i);
    }
    push_manifest("c", 0);
    t.gc.grace = 3600;
    run_gc("many blobs");
    numbers(MANY - 1, 0, 0, 0, "they are condemned");
    run_gc("many blobs, again");
    numbers(0, MANY - 1, 0, 0, "they wait");
    t.gc.grace = 0;
    run_gc("many blobs, without a grace");
    numbers(0, 0, MANY - 1, MANY - 1, "they are collected");
    check(serves("c", 0) && t.gc.report.emptied == 1,
          "what a manifest names stays, and its repository");
    check(count_facts(&t.registry, "blob/") == 1
              && count_facts(&t.registry, "holder/") == 1
              && count_facts(&t.registry, "orphan/") == 0
              && count_facts(&t.registry, "review/") == 0,
          "no other facts are left");
}

static void push_meanwhile(void)
{
    push_manifest("a", 1);
}

static void mount_meanwhile(void)
{
    apr_pool_t *pool = make_pool();
    oci_repository_t repository = { &t.registry, "b" };

    if (oci_blob_mount(&repository, digest_of(1, pool), "a", pool)) {
        abort();
    }
    apr_pool_destroy(pool);
}

static void push_blob_meanwhile(void)
{
    push_blob("b", 1);
}

static void check_races(run_t *run, const char *kind)
{
    open_stores(run, kind);
    push_blob("a", 1);
    before = push_meanwhile;
    before_lock = "a";
    t.gc.grace = 0;
    run_gc("a manifest that is pushed after the first look");
    check(!before, "it was pushed");
    numbers(0, 0, 0, 0, "nothing is collected");
    check(serves("a", 1), "its blob is served");

    open_stores(run, kind);
    push_blob("a", 1);
    before = mount_meanwhile;
    before_lock = "a";
    run_gc("a mount before the blob is taken out");
    numbers(0, 0, 1, 0, "the bytes are kept");
    check(!serves("a", 1) && serves("b", 1), "the mount is served");
    run_gc("the next run");
    numbers(0, 0, 1, 1, "nobody holds the blob");

    open_stores(run, kind);
    push_blob("a", 1);
    before = push_blob_meanwhile;
    run_gc("a push between the record and the bytes");
    check(!before, "it was pushed");
    numbers(0, 0, 1, 0, "the bytes are kept");
    check(serves("b", 1), "the pushed blob is served");
}

static void collect_meanwhile(void)
{
    run_gc("a run during a pull");
}

/* A pull finds the blob in the index, and then its bytes are collected. */
static void check_pull(run_t *run, const char *kind)
{
    oci_repository_t repository = { &t.registry, "a" };
    oci_blob_t blob = { .digest = digest_of(1, run->pool) };
    oci_blob_source_t source;
    oci_error_t *error;

    open_stores(run, kind);
    push_blob("a", 1);
    before = collect_meanwhile;
    error = oci_blob_open(&source, &blob, &repository, 0, run->pool);
    numbers(0, 0, 1, 1, "the blob is collected");
    is_error(run, error, OCI_E_BLOB_UNKNOWN, "the pull finds no blob");
    check(error && !error->note, "and does not report a lost file");
}

static void apply(const char *kind, const char *key, const char *value)
{
    apr_array_header_t *changes = oci_change_list_make(t.run->pool);

    oci_change_put(changes, value ? OCI_CHANGE_PUT : OCI_CHANGE_DELETE, key,
                   value, value ? strlen(value) : 0);
    if (oci_facts_apply(&t.registry, changes, 0, t.run->pool)) {
        printf("# %s: cannot change %s\n", kind, key);
        abort();
    }
}

/* What a process leaves that is killed between the facts of a blob. */
static void check_killed(run_t *run, const char *kind)
{
    const char *digests[4];
    apr_pool_t *pool = run->pool;
    int i;

    open_stores(run, kind);
    for (i = 0; i < 4; i++) {
        digests[i] = digest_of(i, pool);
        push_blob("a", i);
        push_blob("b", i);
    }
    push_manifest("b", 0);
    apply(kind, oci_key_held(pool, "a", digests[0]), NULL);
    for (i = 1; i < 4; i++) {
        apply(kind, oci_key_held(pool, "a", digests[i]), NULL);
        apply(kind, oci_key_held(pool, "b", digests[i]), NULL);
        apply(kind, oci_key_holder(pool, digests[i], "b"), NULL);
    }
    apply(kind, oci_key_holder(pool, digests[2], "a"), NULL);
    apply(kind, oci_key_orphan(pool, digests[3]), "");
    t.gc.grace = 3600;
    t.gc.dry = 1;
    run_gc("blobs that are half entered or taken out, dry");
    numbers(0, 0, 0, 3, "are counted");
    t.gc.dry = 0;
    run_gc("blobs that are half entered or taken out");
    numbers(0, 0, 0, 3, "are deleted");
    check(serves("b", 0), "the one that a manifest names stays");
    check(count_facts(&t.registry, "blob/") == 1
              && count_facts(&t.registry, "orphan/") == 0,
          "no other facts are left");
}

/* A run that did not come to its end makes the next one a full one. */
static void check_stopped(run_t *run, const char *kind)
{
    int looks, i;

    open_stores(run, kind);
    t.gc.grace = 0;
    run_gc("an empty registry");
    for (looks = 0; looks < 12; looks++) {
        for (i = 0; i < 4; i++) {
            push_blob(i % 2 ? "a" : "b", i);
        }
        t.gc.full = 0;
        t.looks = 0;
        t.stop_after = looks;
        run_gc("a run that is stopped");
        t.stop_after = -1;
        t.gc.full = 0;
        run_gc("the next run");
        check(count_facts(&t.registry, "blob/") == 0
                  && count_facts(&t.registry, "catalog/") == 0
                  && count_facts(&t.registry, "orphan/") == 0 && !t.errors,
              "finishes it");
    }
}

/* A run that is not full reviews what changed. */
static void check_queue(run_t *run, const char *kind)
{
    open_stores(run, kind);
    push_blob("a", 1);
    push_blob("b", 2);
    push_manifest("b", 2);
    t.gc.grace = 3600;
    run_gc("a full run");
    check(t.gc.report.repositories == 2, "reviews all repositories");
    t.gc.full = 0;
    run_gc("another run");
    check(!t.gc.full && t.gc.report.repositories == 0,
          "reviews none before the grace is over");
    push_blob("b", 3);
    run_gc("a run after a push");
    check(t.gc.report.repositories == 1, "reviews its repository");
    numbers(1, 0, 0, 0, "and condemns the blob");

    t.gc.glob = "a";
    t.gc.grace = 0;
    run_gc("a run for one repository");
    check(t.gc.report.repositories == 1 && !t.gc.full, "is not a full one");
    numbers(0, 0, 1, 1, "and collects the blob there");
    check(serves("b", 3), "and none of another repository");
}

/* Bytes without a record, of a push that was killed. */
static void check_unrecorded(run_t *run, const char *kind)
{
    oci_blob_t blob = { .digest = NULL };
    int i;

    open_stores(run, kind);
    push_blob("a", 0);
    push_manifest("a", 0);
    blob.digest = digest_of(1, run->pool);
    store_bytes(&blob, run->pool);
    t.gc.grace = 3600;
    run_gc("new bytes without a record");
    numbers(0, 0, 0, 0, "are left alone");
    t.gc.grace = 0;
    t.gc.dry = 1;
    run_gc("old bytes without a record, dry");
    numbers(0, 0, 0, 1, "are counted");
    t.gc.dry = 0;
    before = push_blob_meanwhile;
    run_gc("bytes that get their record at the last moment");
    numbers(0, 0, 0, 0, "are kept");
    check(!before && serves("b", 1), "and served");

    for (i = 2; i < 20; i++) {
        blob.digest = digest_of(i, run->pool);
        store_bytes(&blob, run->pool);
    }
    t.gc.grace = 0;
    t.gc.glob = NULL;
    t.gc.full = 1;
    push_manifest("b", 1);
    run_gc("more bytes without a record than a kill leaves");
    check(t.errors == 1 && t.gc.report.skipped == 1 && !t.gc.report.blobs,
          "are reported, and left alone");
}

int main(void)
{
    static const char *const kinds[] = { "fs", "sqlite3" };
    run_t run;
    int i;

    begin(&run);
    for (i = 0; i < 2; i++) {
        check_batches(&run, kinds[i]);
        check_races(&run, kinds[i]);
        check_pull(&run, kinds[i]);
        check_killed(&run, kinds[i]);
        check_stopped(&run, kinds[i]);
        check_queue(&run, kinds[i]);
        check_unrecorded(&run, kinds[i]);
    }
    return finish(&run);
}
