/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a garbage collection, with two indexes: what a run decides when
 * something changes between its steps, and what one that was stopped leaves to
 * the next. */

#include "gc_test.h"

#include "registry/manifest.h"

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
    oci_blob_source_t source = { 0 };
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

    t.gc.glob = NULL;
    t.gc.full = 1;
    apply(kind, oci_key_review(run->pool, "gone"), "1");
    run_gc("a full run, while the queue has a repository that is gone");
    check(count_facts(&t.registry, "review/") == 0, "empties the queue");
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

/* The record of a blob that a repository holds was lost: "ociadmin check" mends
 * that from the bytes. */
static void check_lost_record(run_t *run, const char *kind)
{
    apr_array_header_t *changes = oci_change_list_make(run->pool);
    const char *key = oci_key_blob(run->pool, digest_of(0, run->pool));
    oci_value_t record;

    open_stores(run, kind);
    push_blob("a", 0);
    push_manifest("a", 0);
    if (oci_fact_get(&record, &t.registry, key, run->pool)) {
        abort();
    }
    oci_change_delete(changes, key);
    if (oci_facts_apply(&t.registry, changes, 0, run->pool)) {
        abort();
    }
    t.gc.grace = 0;
    t.gc.full = 1;
    run_gc("the bytes of a held blob without a record");
    numbers(0, 0, 0, 0, "are kept");
    apr_array_clear(changes);
    oci_change_put(changes, OCI_CHANGE_PUT, key, record.data, record.size);
    if (oci_facts_apply(&t.registry, changes, 0, run->pool)) {
        abort();
    }
    check(serves("a", 0), "and served with a record");
}

#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define EMPTY_MANIFEST                                                   \
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\",\"size\":1," \
    "\"digest\":\"%s\"},\"layers\":[]}"

/* A manifest in repository a to which no tag leads. */
static const char *loose_text, *loose;

static const oci_gc_policy_t *untagged_policy(const char *duration)
{
    oci_gc_policy_t *policy = oci_gc_policy_make(t.run->pool);

    if (oci_gc_policy_untagged(policy, 1, &duration, t.run->pool)) {
        abort();
    }
    return policy;
}

/* Make it, with a mark that is old enough. */
static void make_loose(const char *kind)
{
    apr_pool_t *pool = t.run->pool;

    open_stores(t.run, kind);
    push_blob("a", 1);
    push_manifest("a", 1);
    loose_text = apr_psprintf(pool, EMPTY_MANIFEST, digest_of(1, pool));
    loose = oci_digest_of(OCI_SHA256, loose_text, strlen(loose_text), pool);
    apply(kind, oci_key_tag(pool, "a", "v1"), NULL);
    apply(kind, oci_key_manifest(pool, "a", loose),
          apr_pstrcat(pool, TYPE "\n", loose_text, NULL));
    apply(kind, oci_key_untagged(pool, "a", loose), "1");
    t.gc.grace = 3600;
    t.gc.policy = untagged_policy("1h");
}

static int has_manifest(const char *digest)
{
    oci_repository_t repository = { &t.registry, "a" };
    oci_manifest_t manifest;

    return !oci_manifest_get(&manifest, &repository, digest, t.run->pool);
}

/* Push a document by its digest. */
static const char *push_document(const char *type, const char *text)
{
    apr_pool_t *pool = t.run->pool;
    oci_repository_t repository = { &t.registry, "a" };
    oci_push_t push = { .content_type = type,
                        .data = text,
                        .size = strlen(text) };
    oci_pushed_t pushed;

    push.reference = oci_digest_of(OCI_SHA256, text, push.size, pool);
    if (oci_manifest_put(&pushed, &repository, &push, pool)) {
        abort();
    }
    return push.reference;
}

static void push_again(void)
{
    push_document(TYPE, loose_text);
}

static const char *index_of_loose(void)
{
    return apr_psprintf(t.run->pool,
                        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
                        "\"" TYPE "\",\"size\":%d,\"digest\":\"%s\"}]}",
                        (int)strlen(loose_text), loose);
}

static void push_index(void)
{
    push_document(INDEX_TYPE, index_of_loose());
}

/* Name it as a subject. */
static void push_referrer(void)
{
    apr_pool_t *pool = t.run->pool;

    push_document(TYPE,
                  apr_psprintf(pool,
                               "{\"schemaVersion\":2,\"config\":{\"mediaType\":"
                               "\"a/b\",\"size\":1,\"digest\":\"%s\"},"
                               "\"layers\":[],\"subject\":{\"mediaType\":"
                               "\"" TYPE "\",\"size\":%d,\"digest\":\"%s\"}}",
                               digest_of(1, pool), (int)strlen(loose_text),
                               loose));
}

/* What is pushed or named beside a run stays. */
static void check_loose(run_t *run, const char *kind)
{
    static void (*const pushes[])(void) = { push_again, push_index,
                                            push_referrer };
    static const char *const names[] = { "pushed again", "named by an index",
                                         "named by a referrer" };
    oci_repository_t repository = { &t.registry, "a" };
    int i;

    make_loose(kind);
    run_gc("a manifest to which no tag leads");
    check(t.gc.report.manifests == 1 && !has_manifest(loose), "it goes");
    is_error(run, oci_manifest_release(&repository, loose, run->pool),
             OCI_E_COUNT, "it has no mark that a release would remove");
    apply(kind, oci_key_untagged(run->pool, "a", loose), "1");
    is_error(run, oci_manifest_release(&repository, loose, run->pool),
             OCI_E_MANIFEST_UNKNOWN, "with a mark it cannot be released");
    for (i = 0; i < 6; i++) {
        make_loose(kind);
        if (i % 2) {
            pushes[i / 2]();
        }
        else {
            before = pushes[i / 2];
            before_lock = "a";
        }
        run_gc(names[i / 2]);
        check(!before && !t.gc.report.manifests && has_manifest(loose),
              i % 2 ? "it stays after that" : "it stays beside that");
    }
}

/* The last of the manifests that went. */
static const char *last_gone;

static void note_removal(void *baton, const char *repository, const char *what,
                         const char *reason)
{
    (void)baton;
    (void)repository;
    (void)reason;
    last_gone = apr_pstrdup(t.run->pool, what);
}

/* Push indexes that name the manifest twice, and mark all of them. */
static void push_indexes(const char *kind, int count)
{
    apr_pool_t *pool = t.run->pool;
    const char *child = apr_psprintf(pool,
                                     "{\"mediaType\":\"" TYPE
                                     "\",\"size\":%d,\"digest\":\"%s\"}",
                                     (int)strlen(loose_text), loose);
    const char *text, *digest;
    int i;

    for (i = 0; i < count; i++) {
        text = apr_psprintf(pool,
                            "{\"schemaVersion\":2,\"manifests\":[%s,%s],"
                            "\"annotations\":{\"n\":\"%d\"}}",
                            child, child, i);
        digest = oci_digest_of(OCI_SHA256, text, strlen(text), pool);
        apply(kind, oci_key_manifest(pool, "a", digest),
              apr_pstrcat(pool, INDEX_TYPE "\n", text, NULL));
        apply(kind, oci_key_untagged(pool, "a", digest), "1");
    }
}

/* Whoever names others goes first. */
static void check_order(run_t *run, const char *kind)
{
    const char *index;

    make_loose(kind);
    push_indexes(kind, 300);
    t.gc.report_removal = note_removal;
    run_gc("indexes and their child");
    check(t.gc.report.manifests == 301 && !strcmp(last_gone, loose),
          "the child goes last");

    make_loose(kind);
    push_referrer();
    apply(kind, oci_key_untagged(run->pool, "a", loose), "1");
    t.gc.policy = untagged_policy("0");
    t.gc.report_removal = note_removal;
    run_gc("a referrer and its subject");
    check(t.gc.report.manifests == 2 && !strcmp(last_gone, loose),
          "the subject goes last");

    make_loose(kind);
    index = push_document(INDEX_TYPE, index_of_loose());
    apply(kind, oci_key_untagged(run->pool, "a", loose), "1");
    run_gc("an index that is not old enough");
    check(has_manifest(index) && has_manifest(loose), "keeps its child");
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
        check_lost_record(&run, kinds[i]);
        check_loose(&run, kinds[i]);
        check_order(&run, kinds[i]);
    }
    return finish(&run);
}
