/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection of bytes in a remote store that no record names. */

#include "gc_test.h"

#define STORED 400

static const char *stored[STORED];  /* the locators that the store lists */
static const char *uploads[STORED]; /* whose they are, or NULL */
static int deleted[STORED];
static int deletions;

static apr_status_t list_stored(apr_array_header_t **entries,
                                oci_blob_store_t *store, oci_stored_e kind,
                                const char *after, int limit, apr_pool_t *pool)
{
    int i;

    (void)store;
    *entries = apr_array_make(pool, 8, sizeof(oci_stored_t));
    for (i = 0; i < STORED && (*entries)->nelts < limit; i++) {
        if (kind != OCI_STORED_UPLOADS && stored[i] && !deleted[i]
            && (!after || strcmp(stored[i], after) > 0)) {
            oci_stored_t *entry = apr_array_push(*entries);

            entry->name = stored[i];
            entry->upload = uploads[i];
            entry->size = 10;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t delete_stored(oci_blob_store_t *store, const char *locator,
                                  const oci_confirm_t *confirm,
                                  apr_pool_t *pool)
{
    int i;

    (void)store;
    (void)confirm;
    (void)pool;
    for (i = 0; i < STORED; i++) {
        if (stored[i] && !strcmp(stored[i], locator)) {
            deleted[i] = 1;
            deletions++;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t size_stored(apr_off_t *size, oci_blob_store_t *store,
                                const char *locator, apr_pool_t *pool)
{
    (void)store;
    (void)locator;
    (void)pool;
    *size = 10;
    return APR_SUCCESS;
}

static void open_remote(run_t *run)
{
    open_stores(run, "fs");
    t.blobs.remote = 1;
    t.blobs.list = list_stored;
    t.blobs.blob_size = size_stored;
    t.blobs.blob_delete = delete_stored;
    t.gc.grace = 100;
    t.gc.upload_expiry = 200;
    memset(stored, 0, sizeof(stored));
    memset(uploads, 0, sizeof(uploads));
    memset(deleted, 0, sizeof(deleted));
    deletions = 0;
}

/* List this locator as number i. */
static const char *store_bytes_of(int i)
{
    stored[i] = apr_psprintf(t.run->pool, "bytes-%03d", i);
    return stored[i];
}

/* Add the blob whose bytes are number i to a repository. */
static void record(int i)
{
    oci_repository_t repository = { &t.registry, "a" };
    oci_blob_t blob = { .digest = digest_of(i, t.run->pool),
                        .size = 10,
                        .locator = stored[i] };

    if (oci_blob_add(&repository, &blob, t.run->pool)) {
        abort();
    }
}

/* Return the key of the note about number i. */
static const char *note_of(int i)
{
    return oci_key_stray(t.run->pool,
                         oci_digest_of(OCI_SHA256, stored[i], strlen(stored[i]),
                                       t.run->pool));
}

/* Make the note about number i older, if there is one. */
static void age_note(int i, int seconds)
{
    apr_array_header_t *changes = oci_change_list_make(t.run->pool);
    const char *text = apr_psprintf(t.run->pool, "%ld",
                                    (long)apr_time_sec(apr_time_now())
                                        - seconds);
    int exists;

    if (oci_fact_exists(&exists, &t.registry, note_of(i), t.run->pool)
        || !exists) {
        return;
    }
    oci_change_put(changes, OCI_CHANGE_PUT, note_of(i), text, strlen(text));
    if (oci_facts_apply(&t.registry, changes, 0, t.run->pool)) {
        abort();
    }
}

static void check_deletion(run_t *run)
{
    int i;

    open_remote(run);
    for (i = 0; i < 10; i++) {
        store_bytes_of(i);
        if (i != 3) {
            record(i);
        }
    }
    run_gc("a run that finds bytes without a record");
    tap_ok(&run->tap, !deletions && count_facts(&t.registry, "stray/") == 1,
           "they are noted");
    run_gc("a run soon after");
    tap_ok(&run->tap, !deletions && count_facts(&t.registry, "stray/") == 1,
           "it deletes nothing");
    age_note(3, 150);
    run_gc("a run after the grace time");
    tap_ok(&run->tap, !deletions, "an upload may still be going on with them");
    age_note(3, 201);
    t.gc.dry = 1;
    run_gc("a dry run after both times");
    tap_ok(&run->tap, !deletions && t.gc.report.blobs == 1,
           "it would delete them");
    t.gc.dry = 0;
    run_gc("a run after both times");
    tap_ok(&run->tap,
           deletions == 1 && deleted[3] && t.gc.report.blobs == 1
               && t.gc.report.bytes == 10,
           "it deletes these, and no others");
    run_gc("the next run");
    tap_ok(&run->tap, deletions == 1 && count_facts(&t.registry, "stray/") == 0,
           "it removes the note");
}

static void check_recorded(run_t *run)
{
    open_remote(run);
    store_bytes_of(0);
    store_bytes_of(1);
    record(1);
    run_gc("bytes have no record");
    age_note(0, 1000);
    record(0);
    run_gc("they have one now");
    tap_ok(&run->tap, !deletions && count_facts(&t.registry, "stray/") == 0,
           "they stay, and the note goes");
}

/* A clock that was wrong made the note. */
static void check_clock(run_t *run)
{
    open_remote(run);
    store_bytes_of(0);
    run_gc("bytes have no record");
    age_note(0, -5000);
    run_gc("the note is of the future");
    age_note(0, 10);
    run_gc("the note is young");
    tap_ok(&run->tap, !deletions, "nothing is deleted");
}

/* An upload that goes on needs its bytes, and what an ended one left is no sign
 * of a wrong index. */
static void check_uploads(run_t *run)
{
    const char *id = apr_psprintf(run->pool, "%08lx",
                                  (long)apr_time_sec(apr_time_now()));
    apr_array_header_t *changes;
    int i;

    open_remote(run);
    for (i = 0; i < 200; i++) {
        store_bytes_of(i);
        uploads[i] = id;
    }
    changes = oci_change_list_make(run->pool);
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_upload(run->pool, id),
                   "not a record", 12);
    if (oci_facts_apply(&t.registry, changes, 0, run->pool)) {
        abort();
    }
    run_gc("bytes of an upload");
    tap_ok(&run->tap, !t.errors && count_facts(&t.registry, "stray/") == 0,
           "they are not noted while it may go on");
    changes = oci_change_list_make(run->pool);
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_upload(run->pool, id), NULL,
                   0);
    if (oci_facts_apply(&t.registry, changes, 0, run->pool)) {
        abort();
    }
    t.gc.report_error = report_error;
    run_gc("bytes of an upload that has ended");
    tap_ok(&run->tap, !t.errors && count_facts(&t.registry, "stray/") == 200,
           "they are noted, however many there are");
}

static void check_wrong_index(run_t *run)
{
    int i;

    open_remote(run);
    for (i = 0; i < STORED; i++) {
        store_bytes_of(i);
        if (i < 300) {
            record(i);
        }
    }
    run_gc("many bytes have no record");
    tap_ok(&run->tap, t.errors == 1 && count_facts(&t.registry, "stray/") == 0,
           "that is an error, and nothing is noted");
}

int main(void)
{
    run_t run;

    begin(&run);
    check_deletion(&run);
    check_recorded(&run);
    check_clock(&run);
    check_uploads(&run);
    check_wrong_index(&run);
    return finish(&run);
}
