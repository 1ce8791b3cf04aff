/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a garbage collection, with two indexes, in bad conditions: a lock
 * that is not free, times of a clock that was wrong, and a run that is stopped
 * while it applies rules. */

#include "gc_test.h"

#include "gc/gc_uploads.h"

#define FUTURE "4000000000"

static void put(const char *key, const char *value)
{
    apr_array_header_t *changes = oci_change_list_make(t.run->pool);

    oci_change_put(changes, OCI_CHANGE_PUT, key, value, strlen(value));
    if (oci_facts_apply(&t.registry, changes, 0, t.run->pool)) {
        abort();
    }
}

static void check_busy(run_t *run, const char *kind)
{
    open_stores(run, kind);
    push_blob("busy", 1);
    push_blob("free", 2);
    busy_lock = "busy";
    run_gc("a repository whose lock is not free");
    check(t.errors == 1 && t.gc.report.skipped == 1, "is reported");
    check(t.gc.report.collected == 1 && t.gc.report.blobs == 1,
          "the run goes on");
    t.errors = 0;
    busy_lock = NULL;
    t.gc.full = 0;
    run_gc("the next run");
    check(!t.gc.full, "is not a full one");
    numbers(0, 0, 1, 1, "and does the rest");
}

static void check_future(run_t *run, const char *kind)
{
    open_stores(run, kind);
    push_blob("a", 1);
    t.gc.grace = 3600;
    put(oci_key_held(run->pool, "a", digest_of(1, run->pool)), ";" FUTURE);
    put(oci_key_gc(), "1;" FUTURE);
    run_gc("times of a clock that was wrong");
    numbers(1, 0, 0, 0, "a mark does not count");
    check(t.gc.since < 4000000000, "nor does the first run");
    run_gc("the next run");
    numbers(0, 1, 0, 0, "the mark is new");
    put(oci_key_review(run->pool, "a"), FUTURE);
    t.gc.full = 0;
    run_gc("a review that is due in the far future");
    check(!t.gc.full && t.gc.report.repositories == 1, "is due now");
}

/* A run that is stopped before it knows what all rules keep deletes no tag. */
static void check_stopped_rules(run_t *run, const char *kind)
{
    static const char *const words[] = { "a", "pulled=1h" };
    oci_gc_policy_t *policy = oci_gc_policy_make(run->pool);
    int looks;

    if (oci_gc_policy_retain(policy, 2, words, run->pool)) {
        abort();
    }
    for (looks = 0; looks < 6; looks++) {
        open_stores(run, kind);
        t.gc.policy = policy;
        push_blob("a", 1);
        push_manifest("a", 1);
        put(oci_key_tag(run->pool, "a", "v2"),
            oci_digest_of(OCI_SHA256, "", 0, run->pool));
        put(oci_key_gc(), "1;1");
        t.stop_after = looks;
        run_gc("a run with rules that is stopped");
        check(t.gc.report.tags == (looks > 3), "deletes what it knows of");
    }
}

/* A full store ends a hundred uploads at most. */
static void check_room(run_t *run)
{
    const char *dir;
    apr_array_header_t *entries;
    apr_uint64_t ended;
    int i;

    open_stores(run, "fs");
    dir = t.registry.blobs->where;
    for (i = 0; i < 150; i++) {
        apr_pool_t *pool = make_pool();
        const char *id = apr_psprintf(pool, "upload%03d", i);
        oci_blob_writer_t *writer;
        struct iovec vec = { "x", 1 };
        const char *state;

        if (oci_blob_fs.upload_open(&writer, t.registry.blobs, id, pool)
            || oci_blob_fs.upload_resume(writer, 0, NULL)
            || oci_blob_fs.upload_write(writer, &vec, 1)
            || oci_blob_fs.upload_close(&state, writer, 0, pool)
            || (i != 3
                && apr_file_mtime_set(apr_pstrcat(pool, dir, "/uploads/", id,
                                                  NULL),
                                      apr_time_from_sec(1000 + i), pool))) {
            abort();
        }
        apr_pool_destroy(pool);
    }
    check(oci_gc_make_room(&ended, &t.registry, 10, run->pool) == 10
              && ended == 10,
          "room is made, as much as is wanted");
    check(oci_gc_make_room(&ended, &t.registry, 1000, run->pool) == 100,
          "a hundred uploads end at most");
    check(oci_gc_make_room(&ended, &t.registry, 1000, run->pool) == 39
              && ended == 39,
          "and then the rest");
    if (oci_blob_fs.list(&entries, t.registry.blobs, OCI_STORED_UPLOADS, NULL,
                         10, run->pool)) {
        abort();
    }
    check(entries->nelts == 1
              && !strcmp(APR_ARRAY_IDX(entries, 0, oci_stored_t).name,
                         "upload003"),
          "the one that is not idle stays");
}

int main(void)
{
    static const char *const kinds[] = { "fs", "sqlite3" };
    run_t run;
    int i;

    begin(&run);
    for (i = 0; i < 2; i++) {
        check_busy(&run, kinds[i]);
        check_future(&run, kinds[i]);
        check_stopped_rules(&run, kinds[i]);
    }
    check_room(&run);
    return finish(&run);
}
