/* SPDX-License-Identifier: Apache-2.0 */

/* Leases: who may write to an upload of a remote store. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/pool.h"
#include "registry/random.h"
#include "registry/upload_id.h"
#include "registry/upload_lease.h"
#include "registry/upload_record.h"
#include "registry/upload_state.h"

#define NOBODY "-"

#define RENEWAL apr_time_from_sec(OCI_LEASE_SECONDS / 3)

/* When an upload of a single request takes a lease: after this many bytes,
 * which are fewer than a part of an object store, or after this time.  Smaller
 * and shorter ones are over before they can look idle, and cost no changes of
 * the index. */
#define ONCE_SIZE (4 * 1024 * 1024)
#define ONCE_TIME apr_time_from_sec(5)

/* The processes whose ids this one can interpret: those of this boot, and of
 * this namespace of process ids. */
static const char *name_space(const oci_registry_t *registry, apr_pool_t *pool)
{
    struct stat st;

    return registry->boot && !stat("/proc/self/ns/pid", &st)
        ? apr_psprintf(pool, "%s.%" APR_UINT64_T_FMT, registry->boot,
                       (apr_uint64_t)st.st_ino)
        : NULL;
}

static const char *this_process(const oci_registry_t *registry,
                                apr_pool_t *pool)
{
    const char *space = name_space(registry, pool);

    return space ? apr_psprintf(pool, "%s.%ld", space, (long)getpid()) : NOBODY;
}

/* Whether a process is known to have ended. */
static int has_ended(const char *process, const oci_registry_t *registry,
                     apr_pool_t *pool)
{
    const char *space = name_space(registry, pool);
    apr_size_t length = space ? strlen(space) : 0;
    long pid;

    if (!space || strncmp(process, space, length) || process[length] != '.') {
        return 0;
    }
    pid = strtol(process + length + 1, NULL, 10);
    return pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* Whether a request has a lease.  One that ends later than a lease can is of a
 * host whose clock is wrong. */
static int is_held(const oci_lease_t *lease, const oci_registry_t *registry,
                   apr_pool_t *pool)
{
    apr_int64_t left;

    if (!lease->token || !strcmp(lease->token, NOBODY)) {
        return 0;
    }
    left = lease->seconds - apr_time_sec(apr_time_now());
    return left >= -OCI_LEASE_SKEW && left <= OCI_LEASE_SECONDS + OCI_LEASE_SKEW
        && !has_ended(lease->process, registry, pool);
}

static oci_error_t *refuse(const oci_upload_t *upload, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_UPLOAD_RANGE, "upload", upload->id,
                          "another request is writing to this upload");
}

/* Write the upload's lease, which has a token, and a text into its record. */
static oci_error_t *put_leased(oci_upload_t *upload, const char *text,
                               int durable, apr_pool_t *pool)
{
    const oci_registry_t *registry = upload->repository.registry;
    oci_lease_t lease = { upload->lease.token,
                          apr_time_sec(apr_time_now()) + OCI_LEASE_SECONDS,
                          this_process(registry, pool) };

    upload->lease_renewed = apr_time_now();
    return oci_fact_put(registry, oci_key_upload(pool, upload->id),
                        oci_upload_record_lease(text, &lease, pool), durable,
                        pool);
}

/* Find out whether a request has the lease.  The record may be large, and a
 * caller asks often, so nothing of it stays in pool. */
static oci_error_t *is_busy(int *busy, const oci_upload_t *upload,
                            apr_pool_t *pool)
{
    oci_upload_t copy = *upload, *probe = &copy;
    apr_pool_t *scratch;
    apr_status_t rv = oci_pool_make(&scratch, pool);
    oci_error_t *error;

    *busy = 0;
    if (rv != APR_SUCCESS) {
        return oci_upload_storage_error(upload, rv, "claim", pool);
    }
    error = oci_upload_read(&probe, scratch);
    if (error) {
        return error; /* it lives as long as pool */
    }
    *busy = is_held(&probe->lease, upload->repository.registry, scratch);
    apr_pool_destroy(scratch);
    return NULL;
}

/* Take the lease.  The caller holds the lock on the record. */
static oci_error_t *take_locked(oci_upload_t **upload, apr_pool_t *pool)
{
    const char *token;
    int busy;
    oci_error_t *error = is_busy(&busy, *upload, pool);

    if (!error && busy) {
        return refuse(*upload, pool);
    }
    if (error || (error = oci_upload_read(upload, pool))
        || (error = oci_random_hex(&token, 8, pool))) {
        return error;
    }
    (*upload)->lease.token = token;
    (*upload)->lease_pool = pool;
    return put_leased(*upload, oci_upload_record_of(*upload, pool), 0, pool);
}

static oci_error_t *lock_record(oci_lock_t **lock,
                                const oci_registry_t *registry, const char *id,
                                apr_pool_t *pool)
{
    return oci_registry_lock(lock, registry, oci_key_upload(pool, id),
                             OCI_LOCK_EXCLUSIVE, pool);
}

oci_error_t *oci_upload_lease_take(oci_upload_t **upload, apr_pool_t *pool)
{
    const oci_registry_t *registry = (*upload)->repository.registry;
    oci_lock_t *lock;
    oci_error_t *error = lock_record(&lock, registry, (*upload)->id, pool);

    if (!error) {
        error = take_locked(upload, pool);
        oci_registry_unlock(registry, lock);
    }
    if (error) {
        (*upload)->lease.token = NULL;
    }
    return error;
}

/* Write the record.  The caller holds the lock on it. */
static oci_error_t *write_locked(oci_upload_t *upload, const char *text,
                                 int keep, int durable, apr_pool_t *pool)
{
    static const char lease[] = OCI_LEASE;
    const oci_registry_t *registry = upload->repository.registry;
    const char *key = oci_key_upload(pool, upload->id);
    oci_lease_t none = { NOBODY, apr_time_sec(apr_time_now()), NOBODY };
    const char *there;
    oci_value_t record;
    oci_error_t *error = oci_fact_get(&record, registry, key, pool);

    if (error) {
        return error;
    }
    there = record.data ? strstr(record.data, lease) : NULL;
    if (!there
        || strncmp(there + strlen(lease), upload->lease.token,
                   strlen(upload->lease.token))) {
        return refuse(upload, pool);
    }
    text = text ? text : record.data;
    if (!*text) { /* no tombstone for an id that no client knows */
        return upload->single_request
            ? oci_fact_delete(registry, key, 0, pool)
            : oci_fact_put(registry, key, "", durable, pool);
    }
    return keep ? put_leased(upload, text, durable, pool)
                : oci_fact_put(registry, key,
                               oci_upload_record_lease(text, &none, pool),
                               durable, pool);
}

oci_error_t *oci_upload_lease_write(oci_upload_t *upload, const char *text,
                                    int keep, int durable, apr_pool_t *pool)
{
    const oci_registry_t *registry = upload->repository.registry;
    apr_pool_t *scratch;
    apr_status_t rv = oci_pool_make(&scratch, pool);
    oci_lock_t *lock;
    oci_error_t *error;

    if (rv != APR_SUCCESS) {
        return oci_upload_storage_error(upload, rv, "save", pool);
    }
    error = lock_record(&lock, registry, upload->id, scratch);
    if (!error) {
        error = write_locked(upload, text, keep, durable, scratch);
        oci_registry_unlock(registry, lock);
    }
    if (error) {
        return error; /* it lives as long as pool */
    }
    if (!keep || (text && !*text)) {
        upload->lease.token = NULL;
    }
    apr_pool_destroy(scratch);
    return NULL;
}

static int is_due_once(const oci_upload_t *upload)
{
    return upload->single_request && !upload->lease.token
        && oci_upload_blobs(upload)->provider->remote
        && (upload->size >= ONCE_SIZE
            || apr_time_now() - upload->begun >= ONCE_TIME);
}

/* Take the lease of an upload of a single request, unless garbage collection
 * has ended it.  The caller holds the lock on the record.  Nobody else knows
 * the id, which serves as the token.  No request continues the upload, so the
 * record need not have the state of the hash, which another thread may be
 * changing. */
static oci_error_t *take_once_locked(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_algorithm_e algorithm = oci_hash_algorithm(upload->hash);
    oci_upload_record_t record = { .size = upload->size,
                                   .hash = oci_hash_make(algorithm, pool) };
    int ended;
    oci_error_t *error = oci_fact_exists(&ended, upload->repository.registry,
                                         oci_key_upload(pool, upload->id),
                                         pool);

    if (error || ended) {
        return error ? error : refuse(upload, pool);
    }
    upload->lease.token = upload->id;
    return put_leased(upload, oci_upload_record_format(&record, pool), 0, pool);
}

static oci_error_t *take_once(oci_upload_t *upload, apr_pool_t *pool)
{
    const oci_registry_t *registry = upload->repository.registry;
    oci_lock_t *lock;
    oci_error_t *error = lock_record(&lock, registry, upload->id, pool);

    if (!error) {
        error = take_once_locked(upload, pool);
        oci_registry_unlock(registry, lock);
    }
    if (error) {
        upload->lease.token = NULL;
    }
    return error;
}

oci_error_t *oci_upload_lease_renew(oci_upload_t *upload, apr_pool_t *pool)
{
    if (is_due_once(upload)) {
        return take_once(upload, pool);
    }
    return upload->lease.token
            && apr_time_now() - upload->lease_renewed >= RENEWAL
        ? oci_upload_lease_write(upload, NULL, 1, 0, pool)
        : NULL;
}

/* End a record.  The caller holds the lock on it. */
static oci_error_t *expire_locked(int *ended, const oci_registry_t *registry,
                                  const char *id, apr_int64_t since,
                                  apr_pool_t *pool)
{
    oci_upload_record_t record = { 0 };
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, registry,
                                      oci_key_upload(pool, id), pool);

    if (error) {
        return error;
    }
    if (value.size
        && !oci_upload_record_parse(&record, value.data, value.size, pool)) {
        *ended = record.lease.seconds < since
            && !is_held(&record.lease, registry, pool);
    }
    return *ended ? oci_upload_id_end(registry, id, pool) : NULL;
}

oci_error_t *oci_upload_lease_expire(int *ended, const oci_registry_t *registry,
                                     const char *id, apr_int64_t since,
                                     apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error = lock_record(&lock, registry, id, pool);

    *ended = 1;
    if (!error) {
        error = expire_locked(ended, registry, id, since, pool);
        oci_registry_unlock(registry, lock);
    }
    return error;
}
