/* SPDX-License-Identifier: Apache-2.0 */

/* A registry whose garbage is collected, and whose stores call a function of
 * the test at a certain moment. */

#ifndef OCI_GC_TEST_H
#define OCI_GC_TEST_H

#include "registry_test.h"

#include "gc/gc.h"
#include "registry/blob_add.h"
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
    oci_pairing_state_t pairing;
    oci_gc_t gc;
    int errors;     /* that were reported */
    int looks;      /* at whether to stop */
    int stop_after; /* looks after which the run is stopped; -1: never */
} test_t;

static test_t t;

/* Called once, before a lock of this name or before bytes are deleted. */
static void (*before)(void);
static const char *before_lock;

/* A lock of this name is not free. */
static const char *busy_lock;

static inline void call_before(void)
{
    void (*function)(void) = before;

    before = NULL;
    function();
}

static inline apr_status_t gc_lock(oci_lock_t **lock, oci_index_t *index,
                                   const char *name, oci_lock_e kind,
                                   apr_pool_t *pool)
{
    if (busy_lock && strstr(name, busy_lock)) {
        return APR_TIMEUP;
    }
    if (before && before_lock && kind == OCI_LOCK_EXCLUSIVE
        && strstr(name, before_lock)) {
        call_before();
    }
    return t.real->lock(lock, index, name, kind, pool);
}

static inline apr_status_t gc_blob_delete(oci_blob_store_t *store,
                                          const char *locator,
                                          const oci_confirm_t *confirm,
                                          apr_pool_t *pool)
{
    if (before && !before_lock) {
        call_before();
    }
    return oci_blob_fs.blob_delete(store, locator, confirm, pool);
}

static inline apr_status_t gc_blob_open(oci_blob_source_t *source,
                                        oci_blob_store_t *store,
                                        const char *locator, apr_int32_t flags,
                                        apr_pool_t *pool)
{
    if (before) {
        call_before();
    }
    return oci_blob_fs.blob_open(source, store, locator, flags, pool);
}

static inline int is_stopped(void *baton)
{
    (void)baton;
    return t.stop_after >= 0 && t.looks++ >= t.stop_after;
}

static inline void report_error(void *baton, const oci_error_t *error)
{
    (void)baton;
    printf("# skipped: %s\n", error->note ? error->note : error->message);
    t.errors++;
}

/* Open an empty registry, in a directory of its own. */
static inline void open_stores(run_t *run, const char *kind)
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
    t.registry.pairing = &t.pairing;
    t.gc.registry = &t.registry;
    t.gc.upload_expiry = 86400;
    t.gc.full = 1;
    t.gc.is_stopped = is_stopped;
    t.gc.report_error = report_error;
    t.stop_after = -1;
    before = NULL;
    before_lock = NULL;
    busy_lock = NULL;
}

/* Run, and report whether there was an error. */
static inline const oci_gc_report_t *run_gc(const char *name)
{
    apr_pool_t *pool = make_pool();

    is_error(t.run, oci_gc_run(&t.gc, pool), OCI_E_COUNT,
             apr_pstrcat(pool, t.kind, ": ", name, NULL));
    apr_pool_destroy(pool);
    return &t.gc.report;
}

/* Report whether the numbers of the last run are these. */
static inline void numbers(int condemned, int waiting, int collected, int blobs,
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

static inline const char *digest_of(int number, apr_pool_t *pool)
{
    return oci_digest_of(OCI_SHA256, &number, sizeof(number), pool);
}

/* Store the bytes of a blob; they need not be those of the digest. */
static inline void store_bytes(oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_writer_t *writer;
    struct iovec vec = { "x", 1 };
    const char *state;

    blob->size = 1;
    if (oci_blob_fs.upload_open(&writer, t.registry.blobs, "one", pool)
        || oci_blob_fs.upload_resume(writer, 0, NULL)
        || oci_blob_fs.upload_write(writer, &vec, 1)
        || oci_blob_fs.upload_close(&state, writer, 0, pool)
        || oci_blob_fs.upload_commit(&blob->locator, writer, blob->digest, 0,
                                     pool)
        || oci_blob_fs.upload_abort(writer)) {
        abort();
    }
}

static inline void push_blob(const char *name, int number)
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
static inline void push_manifest(const char *name, int number)
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
static inline int serves(const char *name, int number)
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

static inline void check(int passed, const char *name)
{
    tap_ok(&t.run->tap, passed, "%s: %s", t.kind, name);
}

#endif /* OCI_GC_TEST_H */
