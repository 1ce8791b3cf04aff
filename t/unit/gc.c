/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a garbage collection, with two indexes: what a run decides when
 * something changes between its steps, and what one that was stopped leaves to
 * the next. */

#include "gc_test.h"

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
    apply(kind, oci_key_gc(), "99999999999;1");
    run_gc("a run after one of the future");
    check(t.gc.full, "is full");
    t.gc.full = 0;
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
    check(t.gets > 1, "and the index is asked after a page of them");
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
