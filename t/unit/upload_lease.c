/* SPDX-License-Identifier: Apache-2.0 */

/* Leases of uploads in a remote store: who may write, and for how long. */

#include <sys/wait.h>

#include "registry_test.h"

#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/upload_lease.h"
#include "registry/upload_write.h"

typedef struct test_t {
    run_t *run;
    oci_registry_t registry;
    oci_blob_store_provider_t blobs; /* "fs", as if it were remote */
    oci_repository_t repository;
    const char *id;
} test_t;

/* A remote store that keeps nothing. */
struct oci_blob_writer_t {
    int commits;
};

static int commits, deletions;

static apr_status_t open_upload(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool)
{
    (void)store;
    (void)id;
    *writer = apr_pcalloc(pool, sizeof(**writer));
    return APR_SUCCESS;
}

static apr_status_t resume_upload(oci_blob_writer_t *writer, apr_off_t size,
                                  const char *state)
{
    (void)writer;
    return !size == !state ? APR_SUCCESS : APR_EOF;
}

static apr_status_t write_upload(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n)
{
    (void)writer;
    (void)vec;
    (void)n;
    return APR_SUCCESS;
}

static apr_status_t close_upload(const char **state, oci_blob_writer_t *writer,
                                 int durable, apr_pool_t *pool)
{
    (void)writer;
    (void)durable;
    (void)pool;
    *state = "kept";
    return APR_SUCCESS;
}

static apr_status_t commit_upload(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool)
{
    (void)writer;
    (void)digest;
    (void)durable;
    *locator = apr_psprintf(pool, "bytes-%d", ++commits);
    return APR_SUCCESS;
}

static apr_status_t abort_upload(oci_blob_writer_t *writer)
{
    (void)writer;
    return APR_SUCCESS;
}

static apr_off_t stored = 10; /* the size of all its blobs; -1: they are lost */

static apr_status_t size_of_blob(apr_off_t *size, oci_blob_store_t *store,
                                 const char *locator, apr_pool_t *pool)
{
    (void)store;
    (void)locator;
    (void)pool;
    *size = stored;
    return stored < 0 ? APR_NOTFOUND : APR_SUCCESS;
}

static apr_status_t delete_blob(oci_blob_store_t *store, const char *locator,
                                const oci_confirm_t *confirm, apr_pool_t *pool)
{
    (void)store;
    (void)locator;
    (void)confirm;
    (void)pool;
    deletions++;
    return APR_SUCCESS;
}

static void begin_upload(test_t *t)
{
    oci_upload_t *upload;

    if (oci_upload_begin(&upload, &t->repository, OCI_SHA256, t->run->pool)) {
        abort();
    }
    t->id = upload->id;
}

static oci_error_t *claim(oci_upload_t **upload, test_t *t)
{
    oci_error_t *error = oci_upload_find(upload, &t->repository, t->id,
                                         t->run->pool);

    return error ? error : oci_upload_claim(upload, t->run->pool);
}

static oci_error_t *append(oci_upload_t *upload, test_t *t)
{
    struct iovec vec = { (char *)"0123456789", 10 };
    oci_error_t *error = oci_upload_write(upload, &vec, 1, t->run->pool);

    if (!error) {
        oci_upload_hash(upload, &vec, 1);
    }
    return error;
}

/* Return the record; "" if there is none, or a tombstone. */
static const char *record_of(test_t *t)
{
    oci_value_t value;

    if (oci_fact_get(&value, &t->registry, oci_key_upload(t->run->pool, t->id),
                     t->run->pool)) {
        abort();
    }
    return value.data ? value.data : "";
}

/* Write a lease into the record.  left: seconds until it ends */
static void put_lease(test_t *t, int left, const char *process)
{
    apr_pool_t *pool = t->run->pool;
    oci_lease_t lease = { "0011223344556677",
                          apr_time_sec(apr_time_now()) + left, process };
    const char *text = oci_upload_record_lease(record_of(t), &lease, pool);
    apr_array_header_t *changes = oci_change_list_make(pool);

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_upload(pool, t->id), text,
                   strlen(text));
    if (oci_facts_apply(&t->registry, changes, 0, pool)) {
        abort();
    }
}

static void check_claims(test_t *t)
{
    oci_upload_t *upload, *other, *later;
    int held;

    begin_upload(t);
    is_error(t->run, claim(&upload, t), OCI_E_COUNT, "an upload is claimed");
    is_error(t->run, claim(&other, t), OCI_E_UPLOAD_RANGE,
             "another request cannot claim it");
    is_error(t->run, append(upload, t), OCI_E_COUNT, "the first one writes");
    is_error(t->run, oci_upload_save(upload, t->run->pool), OCI_E_COUNT,
             "and saves");
    is_error(t->run, claim(&later, t), OCI_E_COUNT, "which ends its lease");
    tap_ok(&t->run->tap, later->size == 10 && !strcmp(later->store, "kept"),
           "the next request knows size and state");
    oci_upload_release(upload);
    is_error(t->run, claim(&other, t), OCI_E_UPLOAD_RANGE,
             "the first one's release does not end the next one's lease");
    oci_upload_release(later);
    held = strstr(record_of(t), ";lease;-;") == NULL;
    tap_ok(&t->run->tap, !held, "a release ends the lease");
    is_error(t->run, claim(&other, t), OCI_E_COUNT, "so it can be claimed");
    oci_upload_release(other);
}

static void is_claimed(test_t *t, oci_error_e code, const char *name)
{
    oci_upload_t *upload = NULL;

    is_error(t->run, claim(&upload, t), code, name);
    oci_upload_release(upload);
}

static void check_ends(test_t *t)
{
    char dead[200] = "";
    const char *process;
    oci_upload_t *upload;
    pid_t pid;

    begin_upload(t);
    if (claim(&upload, t)) {
        abort();
    }
    process = strrchr(record_of(t), ';') + 1;
    pid = fork();
    if (!pid) {
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    snprintf(dead, sizeof(dead), "%.*s.%ld",
             (int)(strrchr(process, '.') - process), process, (long)pid);
    oci_upload_release(upload);

    put_lease(t, 50, process);
    is_claimed(t, OCI_E_UPLOAD_RANGE, "the lease of a living process");
    put_lease(t, 50, dead);
    is_claimed(t, OCI_E_COUNT, "that of a process that ended");
    put_lease(t, 50, "another-host.1.1");
    is_claimed(t, OCI_E_UPLOAD_RANGE, "that of another host");
    put_lease(t, -OCI_LEASE_SKEW + 10, "another-host.1.1");
    is_claimed(t, OCI_E_UPLOAD_RANGE, "it has ended only by this host's clock");
    put_lease(t, -OCI_LEASE_SKEW - 2, "another-host.1.1");
    is_claimed(t, OCI_E_COUNT, "it has ended by any clock");
    put_lease(t, OCI_LEASE_SECONDS + OCI_LEASE_SKEW + 60, "another-host.1.1");
    is_claimed(t, OCI_E_COUNT, "no lease lasts that long: a wrong clock");
    put_lease(t, 1000000, "-");
    is_claimed(t, OCI_E_COUNT, "nor that long");
}

/* A request that was stopped, and whose lease another one took. */
static void check_lost(test_t *t)
{
    oci_upload_t *stopped, *next;
    const char *record, *digest;

    begin_upload(t);
    if (claim(&stopped, t) || append(stopped, t)) {
        abort();
    }
    put_lease(t, -100, "another-host.1.1");
    is_error(t->run, claim(&next, t), OCI_E_COUNT, "another request goes on");
    if (append(next, t) || append(next, t)
        || oci_upload_save_early(next, t->run->pool)) {
        abort();
    }
    record = record_of(t);
    is_error(t->run, oci_upload_save(stopped, t->run->pool), OCI_E_UPLOAD_RANGE,
             "the stopped one cannot save");
    tap_is(&t->run->tap, record_of(t), record, "the record is not changed");
    digest = oci_hash_digest(stopped->hash, t->run->pool);
    stopped->claimed_size = stopped->size;
    is_error(t->run, oci_upload_finish(stopped, digest, t->run->pool),
             OCI_E_UPLOAD_RANGE, "nor finish what it did not add to");
    stopped->lease_renewed = 0;
    is_error(t->run, append(stopped, t), OCI_E_UPLOAD_RANGE,
             "nor go on when it renews its lease");
    tap_is(&t->run->tap, record_of(t), record, "the record is not changed");
    oci_upload_release(stopped);
    tap_is(&t->run->tap, record_of(t), record, "nor by its release");
    oci_upload_release(next);
}

static void check_finishing(test_t *t)
{
    oci_upload_t *upload;
    const char *digest;

    begin_upload(t);
    if (claim(&upload, t) || append(upload, t)
        || oci_upload_save(upload, t->run->pool)) {
        abort();
    }
    digest = oci_hash_digest(upload->hash, t->run->pool);
    oci_upload_release(upload);
    if (claim(&upload, t)) {
        abort();
    }
    upload->lease_renewed = 0;
    upload->finishing = digest; /* as a killed closing PUT leaves it */
    is_error(t->run, oci_upload_save(upload, t->run->pool), OCI_E_COUNT,
             "an upload is being finished");
    tap_ok(&t->run->tap,
           strstr(record_of(t),
                  apr_pstrcat(t->run->pool, ";finishing;", digest, ";lease;",
                              NULL))
               != NULL,
           "the record says so");
    oci_upload_release(upload);
    if (claim(&upload, t)) {
        abort();
    }
    is_error(t->run, append(upload, t), OCI_E_UPLOAD_INVALID,
             "no request can add to it");
    is_error(t->run, oci_upload_finish(upload, digest, t->run->pool),
             OCI_E_COUNT, "but another PUT can finish it");
    oci_upload_release(upload);
    tap_is(&t->run->tap, record_of(t), "", "it has ended");
}

static void check_expiry(test_t *t)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    oci_upload_t *upload;
    int ended;

    begin_upload(t);
    if (claim(&upload, t) || append(upload, t)) {
        abort();
    }
    is_error(t->run,
             oci_upload_lease_expire(&ended, &t->registry, t->id, now + 1000,
                                     t->run->pool),
             OCI_E_COUNT, "garbage collection looks at an upload");
    tap_ok(&t->run->tap, !ended, "it does not end what a request writes to");
    if (oci_upload_save(upload, t->run->pool)) {
        abort();
    }
    oci_upload_release(upload);
    if (oci_upload_lease_expire(&ended, &t->registry, t->id, now - 1,
                                t->run->pool)) {
        abort();
    }
    tap_ok(&t->run->tap, !ended, "nor what was written lately");
    if (oci_upload_lease_expire(&ended, &t->registry, t->id, now + 1000,
                                t->run->pool)) {
        abort();
    }
    tap_ok(&t->run->tap, ended, "but what has been idle");
    is_error(t->run, claim(&upload, t), OCI_E_UPLOAD_UNKNOWN,
             "no request can claim it any more");
    oci_upload_release(upload);
}

/* Push ten bytes; return the number of commits that the blob's record names. */
static int push(test_t *t)
{
    oci_upload_t *upload;
    const char *digest;
    oci_blob_t blob;

    begin_upload(t);
    if (claim(&upload, t) || append(upload, t)) {
        abort();
    }
    digest = oci_hash_digest(upload->hash, t->run->pool);
    is_error(t->run, oci_upload_finish(upload, digest, t->run->pool),
             OCI_E_COUNT, "a push");
    oci_upload_release(upload);
    if (oci_blob_record(&blob, &t->registry, digest, t->run->pool)) {
        return -1;
    }
    return atoi(blob.locator + strlen("bytes-"));
}

/* A blob keeps its first bytes, unless they are lost. */
static void check_spare(test_t *t)
{
    int first = push(t);

    deletions = 0;
    tap_ok(&t->run->tap, push(t) == first && deletions == 1,
           "the bytes of a second push are deleted");
    stored = -1;
    tap_ok(&t->run->tap, push(t) == commits && deletions == 1,
           "if the first ones are lost, they are used");
    stored = 10;
}

static oci_upload_t *begin_once(test_t *t)
{
    oci_upload_t *upload;

    if (oci_upload_begin_once(&upload, &t->repository, OCI_SHA256,
                              t->run->pool)) {
        abort();
    }
    t->id = upload->id;
    return upload;
}

/* Whether the index has a record of the upload, or a tombstone. */
static int is_known(test_t *t)
{
    int exists;

    return oci_fact_exists(&exists, &t->registry,
                           oci_key_upload(t->run->pool, t->id), t->run->pool)
        || exists;
}

/* Whether garbage collection would end the upload. */
static int is_idle(test_t *t)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    int ended;

    return oci_upload_lease_expire(&ended, &t->registry, t->id, now + 1000,
                                   t->run->pool)
        || ended;
}

/* An upload of a single request has a record if it is large or takes long. */
static void check_once(test_t *t)
{
    static char bytes[4 * 1024 * 1024];
    struct iovec large = { bytes, sizeof(bytes) };
    oci_upload_t *upload = begin_once(t);
    const char *digest;

    if (append(upload, t)) {
        abort();
    }
    tap_ok(&t->run->tap, !is_known(t), "a small upload has no record");
    upload->begun = 0;
    is_error(t->run, append(upload, t), OCI_E_COUNT, "one that takes long");
    tap_ok(&t->run->tap, is_known(t) && !is_idle(t), "has a lease");
    digest = oci_hash_digest(upload->hash, t->run->pool);
    is_error(t->run, oci_upload_finish(upload, digest, t->run->pool),
             OCI_E_COUNT, "it is finished");
    oci_upload_release(upload);
    tap_ok(&t->run->tap, !is_known(t), "and leaves nothing");

    upload = begin_once(t);
    if (oci_upload_write(upload, &large, 1, t->run->pool)) {
        abort();
    }
    is_error(t->run, append(upload, t), OCI_E_COUNT, "a large one");
    tap_ok(&t->run->tap, is_known(t) && !is_idle(t), "has a lease");
    is_error(t->run, oci_upload_finish(upload, digest, t->run->pool),
             OCI_E_DIGEST_INVALID, "its digest is wrong");
    is_error(t->run, oci_upload_cancel(upload, t->run->pool), OCI_E_COUNT,
             "so it is cancelled");
    oci_upload_release(upload);
    tap_ok(&t->run->tap, !is_known(t), "and leaves nothing");

    upload = begin_once(t);
    upload->begun = 0;
    if (append(upload, t)) {
        abort();
    }
    put_lease(t, -2000, "another-host.1.1");
    tap_ok(&t->run->tap, is_idle(t), "one whose client was silent is ended");
    upload->lease_renewed = 0;
    is_error(t->run, append(upload, t), OCI_E_UPLOAD_RANGE,
             "and does not go on");
    oci_upload_cancel(upload, t->run->pool);
    oci_upload_release(upload);
}

/* Garbage collection ends an upload of a single request before its lease. */
static void check_late(test_t *t)
{
    oci_upload_t *upload = begin_once(t);

    if (append(upload, t)) {
        abort();
    }
    tap_ok(&t->run->tap, is_idle(t) && is_known(t), "one without a lease ends");
    upload->begun = 0;
    is_error(t->run, append(upload, t), OCI_E_UPLOAD_RANGE,
             "and cannot take one any more");
    tap_ok(&t->run->tap, is_idle(t), "its tombstone stays");
    oci_upload_cancel(upload, t->run->pool);
    oci_upload_release(upload);
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    open_registry(&t.registry, &run);
    t.blobs.upload_open = open_upload;
    t.blobs.upload_resume = resume_upload;
    t.blobs.upload_write = write_upload;
    t.blobs.upload_close = close_upload;
    t.blobs.upload_commit = commit_upload;
    t.blobs.upload_abort = abort_upload;
    t.blobs.blob_size = size_of_blob;
    t.blobs.blob_delete = delete_blob;
    t.blobs.remote = 1;
    t.registry.blobs->provider = &t.blobs;
    t.repository.registry = &t.registry;
    t.repository.name = "a/b";
    check_claims(&t);
    check_ends(&t);
    check_lost(&t);
    check_finishing(&t);
    check_expiry(&t);
    check_spare(&t);
    check_once(&t);
    check_late(&t);
    return finish(&run);
}
