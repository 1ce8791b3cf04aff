/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of a blob store in mod_oci.h.  What only a local store
 * promises is skipped for a remote one; see contract_blob_remote.c. */

#include "contract_blob.h"

#define CHILDREN 6
#define ROUNDS   100

static void check_blob(test_t *t)
{
    static const char sha512
        [] = "sha512:0123456789abcdef0123456789abcdef"
             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
             "0123456789abcdef0123456789abcdef";
    apr_pool_t *pool = make_pool();
    const char *locator = push(t, "one", DIGEST("0001"), "bytes", pool);
    const char *other = push(t, "two", sha512, "", pool);
    apr_off_t size;
    size_t i, odd = 0;

    tap_ok(&t->run->tap, locator && other, "two blobs are pushed");
    for (i = 0; i < strlen(locator); i++) {
        odd += locator[i] <= ' ' || locator[i] > '~';
    }
    tap_ok(&t->run->tap, !odd && i <= 512 && i, "a locator is printable");
    tap_is(&t->run->tap, pull(t, locator, pool), "bytes", "a blob's bytes");
    tap_is(&t->run->tap, pull(t, other, pool), "", "an empty blob, SHA-512");
    is_status(t->run, t->provider->blob_delete(t->store, locator, NULL, pool),
              APR_SUCCESS, "a blob is deleted");
    is_status(t->run, t->provider->blob_delete(t->store, locator, NULL, pool),
              t->provider->remote ? APR_SUCCESS : APR_NOTFOUND,
              "but only once");
    tap_is(&t->run->tap, pull(t, locator, pool), "(not found)",
           "a deleted blob is not found");
    is_status(t->run, t->provider->blob_size(&size, t->store, other, pool),
              APR_SUCCESS, "another blob still exists");
    apr_pool_destroy(pool);
}

/* Writes many buffers, some of them empty, with more bytes than one write
 * takes. */
static void check_writes(test_t *t)
{
    enum { BUFFERS = 3000, SIZE = 9001 };
    apr_pool_t *pool = make_pool();
    struct iovec *vec = apr_palloc(pool, BUFFERS * sizeof(*vec));
    char *data = apr_palloc(pool, BUFFERS * SIZE);
    char *back = apr_palloc(pool, SIZE);
    oci_blob_writer_t *writer;
    oci_blob_source_t source = { 0 };
    const char *locator, *state;
    apr_size_t length, total = 0;
    apr_off_t at;
    int i, good;

    for (i = 0; i < BUFFERS; i++) {
        vec[i].iov_base = data + total;
        vec[i].iov_len = i % 5 ? SIZE : 0;
        memset(vec[i].iov_base, i, vec[i].iov_len);
        total += vec[i].iov_len;
    }
    good = !t->provider->upload_open(&writer, t->store, "many", pool)
        && !t->provider->upload_resume(writer, 0, NULL)
        && !t->provider->upload_write(writer, vec, BUFFERS)
        && !t->provider->upload_write(writer, vec, 0)
        && !t->provider->upload_close(&state, writer, 0, pool);
    for (at = 0; good && at < (apr_off_t)total && !t->provider->remote;
         at += length) {
        length = SIZE;
        good = !t->provider->upload_read(writer, at, back, &length) && length
            && !memcmp(back, data + at, length);
    }
    tap_ok(&t->run->tap, good, "%d buffers are written", BUFFERS);
    length = SIZE;
    tap_ok(&t->run->tap,
           t->provider->remote
               || (!t->provider->upload_read(writer, total, back, &length)
                   && length == 0),
           "a read at the end returns no bytes");
    good = !t->provider->upload_commit(&locator, writer, DIGEST("0002"), 0,
                                       pool)
        && !t->provider->upload_abort(writer)
        && !t->provider->blob_open(&source, t->store, locator, 0, pool)
        && source.size == (apr_off_t)total;
    for (at = 0; good && at < source.size; at += length) {
        length = SIZE;
        good = !oci_blob_source_read(&source, at, back, &length) && length
            && !memcmp(back, data + at, length);
    }
    tap_ok(&t->run->tap, good, "the blob has the written bytes");
    apr_pool_destroy(pool);
}

/* A writer that two threads use in turn. */
typedef struct shared_t {
    test_t *test;
    oci_blob_writer_t *writer;
} shared_t;

static int write_part(void *data, int number)
{
    const shared_t *shared = data;
    struct iovec vec = { (char *)(number ? "second" : "first,"), 6 };

    return shared->test->provider->upload_write(shared->writer, &vec, 1);
}

static void check_two_threads(test_t *t)
{
    apr_pool_t *pool = make_pool();
    shared_t shared = { t, NULL };
    const char *locator, *state;
    int good;

    good = !t->provider->upload_open(&shared.writer, t->store, "turns", pool)
        && !t->provider->upload_resume(shared.writer, 0, NULL)
        && !run_threads(write_part, &shared, 1) && !write_part(&shared, 1)
        && !run_threads(write_part, &shared, 1)
        && !t->provider->upload_close(&state, shared.writer, 0, pool);
    tap_ok(&t->run->tap,
           good
               && !t->provider->upload_commit(&locator, shared.writer,
                                              DIGEST("0107"), 0, t->run->pool)
               && !t->provider->upload_abort(shared.writer)
               && !strcmp(pull(t, locator, pool), "first,secondfirst,"),
           "two threads write in turn");
    apr_pool_destroy(pool);
}

static void check_resume(test_t *t)
{
    apr_pool_t *pool = make_pool();
    struct iovec more = { (void *)",3rd", 4 };
    const char *locator, *state;
    oci_blob_writer_t *writer;

    is_status(t->run, request(&writer, t, "slow", 0, "first,", pool),
              APR_SUCCESS, "an upload begins");
    apr_pool_clear(pool);
    is_status(t->run, request(&writer, t, "slow", 6, "lost", pool), APR_SUCCESS,
              "an upload is resumed");
    apr_pool_clear(pool);
    is_status(t->run, request(&writer, t, "slow", 11, "", pool), APR_EOF,
              "an upload cannot be resumed beyond its size");
    apr_pool_clear(pool);
    is_status(t->run, request(&writer, t, "slow", 6, "2nd", pool), APR_SUCCESS,
              "resuming discards the bytes beyond size");
    tap_ok(&t->run->tap,
           !t->provider->upload_write(writer, &more, 1)
               && !t->provider->upload_close(&state, writer, 1, pool),
           "an upload is written after it was closed");
    is_status(t->run,
              t->provider->upload_commit(&locator, writer, DIGEST("0003"), 1,
                                         t->run->pool),
              APR_SUCCESS, "an upload becomes a blob");
    is_status(t->run, t->provider->upload_abort(writer), APR_SUCCESS,
              "an upload is aborted");
    is_status(t->run, t->provider->upload_abort(writer), APR_SUCCESS,
              "aborting again succeeds");
    apr_pool_clear(pool);
    tap_is(&t->run->tap, pull(t, locator, pool), "first,2nd,3rd",
           "the blob is complete, and still exists");
    is_status(t->run, request(&writer, t, "slow", 6, "", pool), APR_EOF,
              "an aborted upload has no bytes");
    t->provider->upload_abort(writer);
    apr_pool_destroy(pool);
}

static void check_commit(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const char *first, *second, *again, *other;
    oci_blob_writer_t *writer;
    oci_blob_source_t source = { 0 };

    first = push(t, "a", DIGEST("0004"), "damaged", pool);
    t->provider->blob_open(&source, t->store, first, 0, pool);
    second = push(t, "b", DIGEST("0004"), "sound", pool);
    tap_is(&t->run->tap, pull(t, second, pool), "sound",
           "a push replaces an existing blob");
    tap_is(&t->run->tap, content_of(&source, pool), "damaged",
           "a reader of the old blob can continue");
    request(&writer, t, "c", 0, "often", pool);
    t->provider->upload_commit(&first, writer, DIGEST("0005"), 1, pool);
    t->provider->upload_commit(&other, writer, DIGEST("0006"), 1, pool);
    is_status(t->run,
              t->provider->upload_commit(&again, writer, DIGEST("0005"), 1,
                                         pool),
              APR_SUCCESS, "a commit is repeated");
    tap_is(&t->run->tap, pull(t, again, pool), "often",
           "the repeated commit's blob");
    tap_is(&t->run->tap, pull(t, other, pool), "often",
           "the blob of another digest");
    t->provider->blob_delete(t->store, first, NULL, pool);
    t->provider->blob_delete(t->store, again, NULL, pool);
    t->provider->upload_commit(&again, writer, DIGEST("0005"), 1, pool);
    tap_is(&t->run->tap, pull(t, again, pool), "often",
           "a repeated commit restores a deleted blob");
    t->provider->upload_abort(writer);
    tap_is(&t->run->tap, pull(t, again, pool), "often",
           "the blob outlives the upload");
    apr_pool_destroy(pool);
}

/* Commit an upload of six bytes, send the locator through the gate, and be
 * killed. */
static int commit_and_die(void *data, int number)
{
    test_t *t = data;
    oci_blob_writer_t *writer;
    const char *locator;
    apr_pool_t *pool = make_pool();

    (void)number;
    if (!request(&writer, t, "cut", 0, "012345", pool)
        && !t->provider->upload_commit(&locator, writer, DIGEST("0007"), 1,
                                       pool)
        && write(t->ready[1], locator, strlen(locator)) > 0) {
        kill(getpid(), SIGKILL);
    }
    return 1;
}

/* An upload that became a blob, but was not aborted, is resumed; the blob does
 * not change. */
static void check_killed_commit(test_t *t)
{
    apr_pool_t *pool = make_pool();
    int i;

    for (i = 3; i <= 6; i += 3) {
        oci_blob_writer_t *writer, *second;
        pid_t pid = start_process(commit_and_die, t, 0);
        char locator[513] = "";
        const char *other;

        end_process(pid);
        tap_ok(&t->run->tap, read(t->ready[0], locator, 512) > 0,
               "a process is killed after its commit");
        is_status(t->run, request(&writer, t, "cut", i, "xyz", pool),
                  APR_SUCCESS, "its upload is resumed");
        is_status(t->run,
                  t->provider->upload_open(&second, t->store, "cut", pool),
                  APR_EBUSY, "and is claimed");
        tap_is(&t->run->tap, pull(t, locator, pool), "012345",
               "the blob has not changed");
        t->provider->upload_commit(&other, writer, DIGEST("0008"), 1, pool);
        t->provider->upload_abort(writer);
        tap_is(&t->run->tap, pull(t, other, pool),
               i == 3 ? "012xyz" : "012345xyz",
               "the resumed upload becomes another blob");
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
}

static int is_busy(void *data, int number)
{
    test_t *t = data;
    oci_blob_writer_t *writer;
    apr_pool_t *pool = make_pool();
    apr_status_t rv = t->provider->upload_open(&writer, t->store, "claim",
                                               pool);

    (void)number;
    apr_pool_destroy(pool);
    return rv == APR_EBUSY;
}

static int hold_claim(void *data, int number)
{
    test_t *t = data;
    oci_blob_writer_t *writer;

    (void)number;
    if (request(&writer, t, "claim", 0, "kept", make_pool())) {
        return 1;
    }
    signal_gate(t->ready);
    pause();
    return 1;
}

static void check_claim(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    pid_t pid;

    is_status(t->run,
              t->provider->upload_open(&writer, t->store, "claim", pool),
              APR_SUCCESS, "an upload is claimed");
    tap_ok(&t->run->tap, is_busy(t, 0), "a claimed upload is busy");
    tap_ok(&t->run->tap, run_threads(is_busy, t, 3) == 3,
           "a claimed upload is busy for threads");
    tap_ok(&t->run->tap, run_processes(is_busy, t, 3) == 3,
           "a claimed upload is busy for processes");
    apr_pool_clear(pool);
    tap_ok(&t->run->tap, !is_busy(t, 0), "a claim ends with its pool");
    pid = start_process(hold_claim, t, 0);
    wait_at_gate(t->ready);
    tap_ok(&t->run->tap, is_busy(t, 0),
           "a claim of another process makes it busy");
    kill(pid, SIGKILL);
    end_process(pid);
    is_status(t->run, request(&writer, t, "claim", 4, "", pool), APR_SUCCESS,
              "a claim ends with its killed process, and no byte is lost");
    t->provider->upload_abort(writer);
    apr_pool_destroy(pool);
}

/* Upload under one shared id whenever it is free, and check the bytes. */
static int contend(void *data, int number)
{
    test_t *t = data;
    int i, bad = 0;

    for (i = 0; i < ROUNDS && !bad; i++) {
        apr_pool_t *pool = make_pool();
        char text[100], back[100];
        apr_size_t length = sizeof(back);
        oci_blob_writer_t *writer;
        apr_status_t rv;

        memset(text, 'a' + number, sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        rv = request(&writer, t, "one-for-all", 0, text, pool);
        if (rv != APR_EBUSY) {
            bad = rv || t->provider->upload_read(writer, 0, back, &length)
                || length != 99 || memcmp(text, back, 99)
                || t->provider->upload_abort(writer);
        }
        apr_pool_destroy(pool);
    }
    return bad;
}

/* Push one digest repeatedly, and always find the complete blob. */
static int push_same(void *data, int number)
{
    test_t *t = data;
    int i, bad = 0;

    for (i = 0; i < ROUNDS / 5; i++) {
        apr_pool_t *pool = make_pool();
        const char *id = apr_psprintf(pool, "same-%d-%d", (int)getpid(),
                                      number);
        const char *locator = push(t, id, DIGEST("000a"), "alike", pool);

        bad |= !locator || strcmp(pull(t, locator, pool), "alike");
        apr_pool_destroy(pool);
    }
    return bad;
}

static void check_contention(test_t *t)
{
    tap_ok(&t->run->tap, !run_threads(contend, t, 8),
           "threads that claim one upload do not mix bytes");
    tap_ok(&t->run->tap, !run_processes(contend, t, CHILDREN),
           "processes that claim one upload do not mix bytes");
}

static void check_races(test_t *t)
{
    tap_ok(&t->run->tap, !run_threads(push_same, t, THREADS),
           "threads that push one digest");
    tap_ok(&t->run->tap, !run_processes(push_same, t, CHILDREN),
           "processes that push one digest");
}

static void run_checks(test_t *t)
{
    open_gate(t->ready);
    alarm(300); /* a claim that never ends must fail the test */
    check_blob(t);
    check_writes(t);
    check_two_threads(t);
    check_races(t);
    if (!t->provider->remote) {
        check_resume(t);
        check_commit(t);
        check_killed_commit(t);
        check_claim(t);
        check_contention(t);
    }
    alarm(0);
    close_gate(t->ready);
}

int main(int argc, char **argv)
{
    run_t run;
    test_t t = { .run = &run };

    if (begin_store(&t, argc, argv)) {
        run_checks(&t);
    }
    return finish(&run);
}
