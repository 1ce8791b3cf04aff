/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of how a garbage collection changes a batch of blobs: manifests are not
 * read under the lock, and blobs that are named meanwhile are released. */

#include "gc_test.h"

static int locked;      /* whether the exclusive lock on a is held */
static int locks;       /* how often it was taken */
static int push_before; /* the number of the lock before which a push comes */
static int readings;    /* of manifests under the lock */
static oci_lock_t *lock_of_a;

static int vanishing; /* whether a manifest is deleted before it is read */

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    if (vanishing && strstr(key, "/_manifest/")) {
        oci_change_t change = { .kind = OCI_CHANGE_DELETE, .key = key };

        vanishing = 0;
        if (t.real->apply(index, &change, 1, 0, pool)) {
            abort();
        }
    }
    return t.real->get(value, index, key, pool);
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    int ours = kind == OCI_LOCK_EXCLUSIVE && !strcmp(name, "repo/a");
    apr_status_t rv;

    if (ours && ++locks == push_before) {
        push_manifest("a", 1);
    }
    rv = t.real->lock(result, index, name, kind, pool);
    if (ours) {
        locked = 1;
        lock_of_a = *result;
    }
    return rv;
}

static apr_status_t unlock(oci_lock_t *one)
{
    if (one == lock_of_a) {
        locked = 0;
        lock_of_a = NULL;
    }
    return t.real->unlock(one);
}

static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    /* whether there are any may be asked */
    readings += locked && range->limit != 1
        && strstr(range->prefix, "_manifest") != NULL;
    return t.real->scan(entries, index, range, pool);
}

/* An empty registry with a grace of an hour. */
static void open_watched(run_t *run, const char *kind)
{
    open_stores(run, kind);
    t.index.lock = lock;
    t.index.unlock = unlock;
    t.index.scan = scan;
    t.index.visit = NULL; /* scan is called instead */
    t.index.get = get;
    t.gc.grace = 3600;
    locked = locks = push_before = readings = 0;
    lock_of_a = NULL;
}

static void put(const char *key, const char *value)
{
    apr_array_header_t *changes = oci_change_list_make(t.run->pool);

    oci_change_put(changes, OCI_CHANGE_PUT, key, value, strlen(value));
    if (oci_facts_apply(&t.registry, changes, 0, t.run->pool)) {
        abort();
    }
}

/* Whether blob 1 is in repository a, and not condemned. */
static int is_released(void)
{
    oci_value_t value;

    return !oci_fact_get(&value, &t.registry,
                         oci_key_held(t.run->pool, "a",
                                      digest_of(1, t.run->pool)),
                         t.run->pool)
        && value.data && !value.size;
}

static void check_lock(run_t *run, const char *kind)
{
    open_watched(run, kind);
    push_blob("a", 1);
    push_blob("a", 2);
    push_manifest("a", 2);
    run_gc("a blob that no manifest names");
    numbers(1, 0, 0, 0, "is condemned");
    put(oci_key_held(run->pool, "a", digest_of(1, run->pool)), ";1");
    t.gc.full = 1;
    run_gc("a blob that was condemned long ago");
    numbers(0, 0, 1, 1, "is collected");
    check(locks && !readings, "no manifests are read under the lock");
    push_blob("a", 3);
    t.gc.grace = 0;
    t.gc.full = 1;
    run_gc("without a grace");
    numbers(0, 0, 1, 1, "a blob is collected at once");
    check(readings == 1, "and manifests are read under the lock");
}

/* A dry run counts a blob that all its repositories would lose. */
static void check_dry(run_t *run, const char *kind)
{
    open_watched(run, kind);
    push_blob("a", 1);
    push_blob("b", 1);
    push_blob("a", 2);
    push_blob("b", 2);
    push_manifest("b", 2);
    t.gc.grace = 0;
    t.gc.full = 1;
    t.gc.dry = 1;
    run_gc("blobs that repositories share, dry");
    numbers(0, 0, 3, 1, "are counted if the last one would lose them");
    t.gc.dry = 0;
    run_gc("and a run");
    numbers(0, 0, 3, 1, "does what was said");
}

/* A manifest is pushed before one of the two locks. */
static void check_push(run_t *run, const char *kind, const char *old)
{
    int number;

    for (number = 1; number <= 2; number++) {
        open_watched(run, kind);
        push_blob("a", 1);
        if (old) {
            put(oci_key_held(run->pool, "a", digest_of(1, run->pool)), old);
        }
        push_before = number;
        run_gc(number == 1 ? "a blob that is named before it is condemned"
                           : "a blob that is named after it was condemned");
        numbers(0, 0, 0, 0, "is kept");
        check(locks >= 2 && serves("a", 1), "and served");
        check(is_released(), "it is not condemned");
    }
}

/* A manifest is listed, deleted before it is read, and pushed again. */
static void check_vanished(run_t *run, const char *kind, int grace)
{
    open_watched(run, kind);
    t.gc.grace = grace;
    push_blob("a", 1);
    push_manifest("a", 1);
    vanishing = 1;
    push_before = 1;
    run_gc("a manifest that is pushed again while it is reviewed");
    numbers(0, 0, 0, 0, "keeps its blobs");
    check(!vanishing && locks && serves("a", 1) && is_released(),
          "which are not condemned");
}

/* A run was killed between its steps. */
static void check_killed(run_t *run, const char *kind)
{
    const char *held;

    open_watched(run, kind);
    push_blob("a", 1);
    push_manifest("a", 1);
    held = oci_key_held(run->pool, "a", digest_of(1, run->pool));
    put(held, ";1");
    t.gc.full = 0;
    put(oci_key_gc(), "4000000;1;running");
    run_gc("a run after one that was killed");
    numbers(0, 0, 0, 0, "collects nothing that is named");
    check(serves("a", 1) && is_released(), "and releases it");
}

int main(void)
{
    static const char *const kinds[] = { "fs", "sqlite3" };
    run_t run;
    int i;

    begin(&run);
    for (i = 0; i < 2; i++) {
        check_lock(&run, kinds[i]);
        check_dry(&run, kinds[i]);
        check_push(&run, kinds[i], NULL);
        check_push(&run, kinds[i], ";1");
        check_vanished(&run, kinds[i], 0);
        check_vanished(&run, kinds[i], 3600);
        check_killed(&run, kinds[i]);
    }
    return finish(&run);
}
