/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of a remote blob store in mod_oci.h: uploads that go on
 * from a state, and locators. */

#include "contract_blob.h"

#define MIB (1024 * 1024)

/* An upload between two requests. */
typedef struct upload_t {
    const char *id;
    apr_off_t size;
    const char *state; /* NULL at first */
} upload_t;

/* The bytes of an upload: each differs from those around it. */
static void fill(char *data, apr_off_t offset, apr_size_t size)
{
    apr_size_t i;

    for (i = 0; i < size; i++) {
        apr_uint64_t at = offset + i;

        data[i] = (char)(at * 31 + (at >> 8) * 7 + (at >> 20));
    }
}

/* Do one request, which appends size bytes, up to its close; upload is then as
 * the registry would record it. */
static apr_status_t append(oci_blob_writer_t **writer, test_t *t,
                           upload_t *upload, apr_size_t size, apr_pool_t *pool)
{
    struct iovec vec = { malloc(size + 1), size };
    apr_status_t rv;

    fill(vec.iov_base, upload->size, size);
    if (!(rv = t->provider->upload_open(writer, t->store, upload->id, pool))
        && !(rv = t->provider->upload_resume(*writer, upload->size,
                                             upload->state))
        && !(rv = t->provider->upload_write(*writer, &vec, 1))
        && !(rv = t->provider->upload_close(&upload->state, *writer, 1,
                                            t->run->pool))) {
        upload->size += size;
    }
    free(vec.iov_base);
    return rv;
}

static int is_good_state(const char *state)
{
    size_t i;

    for (i = 0; state && state[i]; i++) {
        if (state[i] <= ' ' || state[i] > '~' || state[i] == ';') {
            return 0;
        }
    }
    return i <= MIB;
}

/* Whether a blob has the first size bytes of fill. */
static int has_bytes(test_t *t, const char *locator, apr_off_t size)
{
    apr_pool_t *pool = make_pool();
    char *got = apr_palloc(pool, MIB), *wanted = apr_palloc(pool, MIB);
    oci_blob_source_t source = { 0 };
    apr_size_t length = 1;
    apr_off_t at = 0, stored;
    int good = locator
        && !t->provider->blob_size(&stored, t->store, locator, pool)
        && stored == size
        && !t->provider->blob_open(&source, t->store, locator, 0, pool)
        && source.size == size;

    for (; good && length; at += length) {
        length = MIB;
        good = !oci_blob_source_read(&source, at, got, &length);
        fill(wanted, at, length);
        good = good && !memcmp(got, wanted, length);
    }
    apr_pool_destroy(pool);
    return good && at == size;
}

/* Commit the upload; return the locator, or NULL.  Another writer may have done
 * it before. */
static const char *commit(test_t *t, const upload_t *upload, const char *digest,
                          apr_pool_t *pool)
{
    const char *locator = NULL, *again = NULL;
    oci_blob_writer_t *writer;
    apr_pool_t *request = make_pool();
    apr_status_t rv = t->provider->upload_open(&writer, t->store, upload->id,
                                               request);

    if (!rv) {
        rv = t->provider->upload_resume(writer, upload->size, upload->state);
    }
    if (!rv) {
        rv = t->provider->upload_commit(&locator, writer, digest, 1, pool);
    }
    if (!rv
        && (t->provider->upload_commit(&again, writer, digest, 1, pool)
            || strcmp(locator, again))) {
        locator = NULL;
    }
    apr_pool_destroy(request);
    return !rv || rv == APR_EEXIST ? locator : NULL;
}

static void abort_upload(test_t *t, const upload_t *upload)
{
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;

    if (!t->provider->upload_open(&writer, t->store, upload->id, pool)) {
        t->provider->upload_resume(writer, upload->size, upload->state);
        is_status(t->run, t->provider->upload_abort(writer), APR_SUCCESS,
                  "an upload is aborted");
    }
    apr_pool_destroy(pool);
}

/* An upload of several requests, each of which knows only the state. */
static void check_requests(test_t *t, const char *id, const apr_size_t *sizes)
{
    upload_t upload = { id, 0, NULL };
    apr_pool_t *pool = make_pool(), *kept = make_pool();
    oci_blob_writer_t *writer;
    const char *locator, *again;
    int i, good = 1;

    for (i = 0; sizes[i]; i++) {
        good = good && !append(&writer, t, &upload, sizes[i], pool)
            && is_good_state(upload.state);
        apr_pool_clear(pool);
    }
    tap_ok(&t->run->tap, good, "%s: %d requests", id, i);
    locator = commit(t, &upload, DIGEST("0011"), kept);
    tap_ok(&t->run->tap, has_bytes(t, locator, upload.size),
           "%s: the blob has %ld bytes", id, (long)upload.size);
    again = commit(t, &upload, DIGEST("0011"), kept);
    tap_ok(&t->run->tap, locator && again && !strcmp(locator, again),
           "%s: the commit is repeated", id);
    tap_ok(&t->run->tap, has_bytes(t, locator, upload.size),
           "%s: the blob is the same", id);
    apr_pool_destroy(pool);
    apr_pool_destroy(kept);
}

/* The upload goes on from the state before the last one. */
static void check_rewind(test_t *t, const char *id, apr_size_t size)
{
    upload_t upload = { id, 0, NULL }, first, later;
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    int good;

    good = !append(&writer, t, &upload, size, pool);
    apr_pool_clear(pool);
    first = upload;
    good = good && !append(&writer, t, &upload, 1000, pool);
    apr_pool_clear(pool);
    tap_ok(&t->run->tap, good, "%s: two requests", id);
    later = upload;
    later.size += 10;
    tap_ok(&t->run->tap, append(&writer, t, &later, 1, pool) == APR_EOF,
           "%s: it cannot be resumed beyond its size", id);
    apr_pool_clear(pool);
    good = !t->provider->upload_open(&writer, t->store, id, pool)
        && !t->provider->upload_resume(writer, upload.size, upload.state)
        && !t->provider->upload_resume(writer, first.size, first.state);
    apr_pool_clear(pool);
    good = good && !append(&writer, t, &first, 5000, pool);
    apr_pool_clear(pool);
    tap_ok(&t->run->tap, good, "%s: it goes on from the earlier state", id);
    tap_ok(&t->run->tap,
           has_bytes(t, commit(t, &first, DIGEST("0012"), pool), first.size),
           "%s: and becomes a blob", id);
    apr_pool_destroy(pool);
}

/* A request that was stopped while the next one went on changes nothing. */
static void check_stopped(test_t *t, const char *id, apr_size_t size)
{
    upload_t upload = { id, 0, NULL };
    apr_pool_t *pool = make_pool(), *stopped = make_pool();
    oci_blob_writer_t *writer, *old;
    struct iovec vec = { (char *)"other bytes of the stopped request", 34 };
    const char *state;
    int good;

    good = !append(&writer, t, &upload, size, pool);
    apr_pool_clear(pool);
    good = good && !t->provider->upload_open(&old, t->store, id, stopped)
        && !t->provider->upload_resume(old, upload.size, upload.state)
        && !t->provider->upload_write(old, &vec, 1);
    good = good && !append(&writer, t, &upload, size, pool);
    apr_pool_clear(pool);
    tap_ok(&t->run->tap, good, "%s: two requests at the same time", id);
    t->provider->upload_write(old, &vec, 1);
    t->provider->upload_close(&state, old, 1, stopped);
    tap_ok(&t->run->tap,
           has_bytes(t, commit(t, &upload, DIGEST("0013"), pool), upload.size),
           "%s: the blob has the bytes of the later one", id);
    apr_pool_destroy(stopped);
    apr_pool_destroy(pool);
}

/* An upload of a killed process is removed without a state. */
static void check_abort(test_t *t, const char *id, apr_size_t size)
{
    upload_t upload = { id, 0, NULL }, ended;
    apr_pool_t *pool = make_pool();
    apr_array_header_t *entries;
    oci_blob_writer_t *writer;
    int i, listed = 0;

    tap_ok(&t->run->tap, !append(&writer, t, &upload, size, pool),
           "%s: a request", id);
    apr_pool_clear(pool);
    abort_upload(t, &upload);
    ended = upload;
    tap_ok(&t->run->tap,
           append(&writer, t, &ended, 100000, pool) != APR_SUCCESS
               || !commit(t, &ended, DIGEST("0014"), pool),
           "%s: an aborted upload does not become a blob", id);
    apr_pool_clear(pool);
    upload.size = 0;
    upload.state = NULL;
    tap_ok(&t->run->tap, !append(&writer, t, &upload, size, pool),
           "%s: a request", id);
    apr_pool_clear(pool);
    t->provider->upload_open(&writer, t->store, id, pool);
    is_status(t->run, t->provider->upload_abort(writer), APR_SUCCESS,
              "an upload is aborted without its state");
    t->provider->list(&entries, t->store, OCI_STORED_UPLOADS, NULL, 100, pool);
    for (i = 0; i < entries->nelts; i++) {
        listed += !strcmp(APR_ARRAY_IDX(entries, i, oci_stored_t).name, id);
    }
    tap_ok(&t->run->tap, !listed, "%s: and not listed any more", id);
    apr_pool_destroy(pool);
}

static void check_locators(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const char *first = push(t, "la", DIGEST("0015"), "first", pool);
    const char *second = push(t, "lb", DIGEST("0015"), "second", pool);

    tap_ok(&t->run->tap, first && second && strcmp(first, second),
           "two uploads have two locators");
    tap_is(&t->run->tap, pull(t, first, pool), "first",
           "the second has not replaced the first");
    tap_is(&t->run->tap, pull(t, second, pool), "second", "nor the other way");
    t->provider->blob_delete(t->store, first, NULL, pool);
    tap_is(&t->run->tap, pull(t, second, pool), "second",
           "one is deleted without the other");
    if (t->provider->blobs_delete) {
        apr_array_header_t *locators = apr_array_make(pool, 3, sizeof(char *));

        APR_ARRAY_PUSH(locators, const char *) = first; /* is gone already */
        APR_ARRAY_PUSH(locators, const char *) = second;
        APR_ARRAY_PUSH(locators, const char *) = push(t, "lc", DIGEST("0017"),
                                                      "third", pool);
        is_status(t->run, t->provider->blobs_delete(t->store, locators, pool),
                  APR_SUCCESS, "several are deleted together");
        tap_is(&t->run->tap, pull(t, second, pool), "(not found)",
               "they are gone");
    }
    apr_pool_destroy(pool);
}

/* A blob is read from any offset, backwards, too. */
static void check_offsets(test_t *t)
{
    static const apr_off_t offsets[] = { 2999999, 0, 1500000,
                                         1500010, 7, 3000000 };
    upload_t upload = { "offsets", 0, NULL };
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    oci_blob_source_t source = { 0 };
    char got[10], wanted[10];
    const char *locator;
    size_t i;
    int good = 0;

    append(&writer, t, &upload, 3000000, pool);
    locator = commit(t, &upload, DIGEST("0016"), pool);
    if (locator
        && !t->provider->blob_open(&source, t->store, locator, 0, pool)) {
        for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
            apr_size_t length = 10;

            fill(wanted, offsets[i], 10);
            good += !oci_blob_source_read(&source, offsets[i], got, &length)
                && (offsets[i] == 3000000 ? !length : length > 0)
                && !memcmp(got, wanted, length);
        }
    }
    tap_ok(&t->run->tap, good == 6, "a blob is read at any offset");
    apr_pool_destroy(pool);
}

static void run_checks(test_t *t)
{
    static const apr_size_t small[] = { 1, 20000, 3, 0 };
    static const apr_size_t once[] = { 100000, 0 };
    static const apr_size_t large[] = { 17 * MIB, 20 * MIB + 3, 1, 16 * MIB,
                                        0 };
    static const apr_size_t growing[] = { 9 * MIB, 9 * MIB, 9 * MIB, 0 };

    alarm(300);
    check_locators(t);
    check_offsets(t);
    check_requests(t, "small", small);
    check_requests(t, "once", once);
    check_requests(t, "large", large);
    check_requests(t, "growing", growing);
    check_rewind(t, "rewind-small", 500);
    check_rewind(t, "rewind-large", 33 * MIB);
    check_stopped(t, "stopped-small", 700);
    check_stopped(t, "stopped-large", 18 * MIB);
    check_abort(t, "abort-small", 600);
    check_abort(t, "abort-large", 34 * MIB);
    alarm(0);
}

int main(int argc, char **argv)
{
    run_t run;
    test_t t = { .run = &run };

    if (begin_store(&t, argc, argv)) {
        if (t.provider->remote) {
            run_checks(&t);
        }
        else {
            tap_ok(&run.tap, 1, "states # SKIP this store is local");
        }
    }
    return finish(&run);
}
