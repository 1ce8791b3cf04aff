/* SPDX-License-Identifier: Apache-2.0 */

/* The index "dbm".  Its location is a file, which has companions:
 *
 *     FILE            a snapshot, see dbm_snapshot.c; it names a log, N
 *     FILE.log-N      what changed since, see dbm_log.c
 *     FILE.log-N+1    and since that log was ended, and so on
 *     FILE.lock       named locks
 *     FILE.new        a snapshot on its way
 *
 * DBMs know one writer that keeps readers out, order nothing, and are torn
 * when their writer is killed.  So FILE is never changed in place: changes
 * are appended to the last log, which every process follows and holds in
 * memory, in order.  Once the log is long, a new snapshot is made of FILE
 * and the logs, see dbm_merge.c, and takes FILE's place.
 *
 * Who changes something holds the lock OCI_DBM_WRITE until it is appended,
 * and syncs the log after that, at once with others.  Readers hold no lock
 * that processes share.  Within a process one mutex guards what is in
 * memory; the lock is taken before it, never after.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"
#include "apr_thread_mutex.h"

#include "store/dbm/dbm_lock.h"
#include "store/dbm/dbm_merge.h"
#include "store/dbm/dbm_start.h"
#include "store/dbm/dbm_view.h"
#include "store/file_lock.h"
#include "store/dbm/dbm_index.h"

/* A merge that is done in this instant means to open the view once more; so
 * many in a row mean that something else is wrong. */
#define TRIES 100

typedef struct index_t {
    oci_index_t base;
    oci_dbm_t dbm;
    apr_thread_mutex_t *mutex; /* for what is below */
    oci_dbm_view_t *view;      /* or NULL */
    pid_t pid;                 /* whose view it is */
} index_t;

/* One call of apply. */
typedef struct write_t {
    index_t *index;
    oci_dbm_log_t log;           /* a handle of its own, which therefore
                                learns of any error in a sync */
    apr_off_t bytes;             /* of all logs */
    apr_off_t limit;             /* of the last log, before a merge */
    apr_array_header_t *changes; /* const oci_change_t *: what is new */
    int durable;
    apr_pool_t *pool;
} write_t;

/* A view of the parent's is left alone: its DBM is the parent's. */
static void close_view(index_t *self)
{
    if (self->view && self->pid == getpid()) {
        apr_pool_destroy(self->view->pool);
    }
    self->view = NULL;
}

static apr_status_t close_index(void *data)
{
    close_view(data);
    return APR_SUCCESS;
}

static const char *create(oci_index_t **index, const oci_store_config_t *config,
                          apr_pool_t *pool)
{
    index_t *self = apr_pcalloc(pool, sizeof(*self));
    oci_dbm_t *dbm = &self->dbm;
    const char *error = oci_dbm_check_type(config->type, pool);

    if (!error && (!config->location || !*config->location)) {
        error = apr_psprintf(pool,
                             "the dbm provider needs a file: \"dbm:%s FILE\"",
                             config->type);
    }
    if (!error) {
        error = oci_store_dir_resolve(&dbm->file, config, pool);
    }
    if (error) {
        return error;
    }
    if (apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT, pool)) {
        return "cannot create a mutex";
    }
    dbm->type = apr_pstrdup(pool, config->type);
    dbm->fs.root = oci_io_parent(dbm->file, pool);
    dbm->lock_file = apr_pstrcat(pool, dbm->file, ".lock", NULL);
    dbm->new_file = apr_pstrcat(pool, dbm->file, ".new", NULL);
    apr_pool_cleanup_register(pool, self, close_index, apr_pool_cleanup_null);
    self->base.provider = &oci_index_dbm;
    self->base.where = dbm->file;
    *index = &self->base;
    return NULL;
}

static const char *start(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    oci_dbm_t *dbm = &((index_t *)index)->dbm;

    (void)uid;
    (void)gid;
    return oci_dbm_start(dbm, pool);
}

/* Open the view, in a pool that no other thread touches. */
static apr_status_t open_view(index_t *self, int locked)
{
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (!rv) {
        rv = oci_dbm_view_open(&self->view, &self->dbm, locked, pool);
        if (rv) {
            self->view = NULL;
            apr_pool_destroy(pool);
        }
    }
    self->pid = getpid();
    return rv;
}

/* Tell whoever logs a status that means more than it says. */
static apr_status_t tell(const index_t *self, apr_status_t rv, apr_pool_t *pool)
{
    if (rv == EIO || rv == ENOENT || rv == APR_EAGAIN || rv == APR_EGENERAL
        || rv == APR_EINVAL || rv == APR_ENOTIMPL) {
        apr_pool_userdata_setn(apr_pstrcat(pool, self->dbm.file,
                                           ", or a log "
                                           "of it, is lost or damaged: the "
                                           "next start says where",
                                           NULL),
                               OCI_REASON, NULL, pool);
    }
    return rv;
}

/* Bring the view up to date.  APR_EAGAIN, where not locked, says that this
 * can be done under the lock. */
static apr_status_t update_view(index_t *self, int locked)
{
    apr_status_t rv = APR_EAGAIN;
    int tries;

    if (self->view && self->pid != getpid()) {
        self->view = NULL;
    }
    if (self->view) {
        rv = oci_dbm_view_follow(self->view, locked);
        if (rv) {
            close_view(self);
        }
    }
    for (tries = 0; rv == APR_EAGAIN && tries < (locked ? TRIES : 1); tries++) {
        rv = open_view(self, locked);
    }
    return rv;
}

/* Take the mutex, with the view up to date. */
static apr_status_t enter(index_t *self, int locked)
{
    apr_status_t rv;

    apr_thread_mutex_lock(self->mutex);
    rv = update_view(self, locked);
    if (rv) {
        apr_thread_mutex_unlock(self->mutex);
    }
    return rv;
}

static void leave(index_t *self)
{
    apr_thread_mutex_unlock(self->mutex);
}

static apr_status_t enter_to_read(index_t *self, apr_pool_t *pool)
{
    apr_status_t rv = enter(self, 0);
    oci_lock_t *lock;

    if (rv == APR_EAGAIN) {
        rv = oci_file_lock_take(&lock, self->dbm.lock_file, OCI_DBM_WRITE,
                                OCI_LOCK_SHARED, pool);
        if (!rv) {
            rv = enter(self, 1);
            oci_file_lock_release(lock);
        }
    }
    return rv;
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    index_t *self = (index_t *)index;
    apr_status_t rv = enter_to_read(self, pool);

    if (!rv) {
        rv = oci_dbm_view_get(value, self->view, key, pool);
        leave(self);
    }
    return tell(self, rv, pool);
}

/* In parts, so that a long list does not keep other threads waiting. */
static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    index_t *self = (index_t *)index;
    const char *after = apr_pstrcat(pool, range->folder, range->after, NULL);

    *entries = apr_array_make(pool, 64, sizeof(oci_entry_t));
    while (after) {
        apr_status_t rv = enter_to_read(self, pool);

        if (!rv) {
            rv = oci_dbm_view_scan(*entries, &after, self->view, range, pool);
            leave(self);
        }
        if (rv) {
            return tell(self, rv, pool);
        }
    }
    return APR_SUCCESS;
}

/* The value that a key has after the changes so far; as get.
 * last: the last of them that has this key, or NULL */
static apr_status_t get_current(oci_value_t *value, const write_t *write,
                                const char *key, const oci_change_t *last)
{
    if (!last) {
        return oci_dbm_view_get(value, write->index->view, key, write->pool);
    }
    if (last->kind == OCI_CHANGE_DELETE) {
        return APR_NOTFOUND;
    }
    if (value) {
        *value = last->value;
    }
    return APR_SUCCESS;
}

/* Whether a change would change nothing; APR_EEXIST of an ADD that finds its
 * key.  A damaged value is no obstacle to a new one. */
static apr_status_t judge(int *idle, const write_t *write,
                          const oci_change_t *change, const oci_change_t *last)
{
    int put = change->kind == OCI_CHANGE_PUT;
    oci_value_t value;
    apr_status_t rv = get_current(put ? &value : NULL, write, change->key,
                                  last);

    if (change->kind == OCI_CHANGE_ADD) {
        *idle = 0;
        return rv == APR_NOTFOUND ? APR_SUCCESS : rv ? rv : APR_EEXIST;
    }
    *idle = put ? !rv && value.size == change->value.size
            && (!value.size
                || !memcmp(value.data, change->value.data, value.size))
                : rv == APR_NOTFOUND;
    return APR_SUCCESS;
}

/* The order of keys, and of the changes of each. */
static int compare(const void *left, const void *right)
{
    const oci_change_t *one = *(const oci_change_t *const *)left;
    const oci_change_t *other = *(const oci_change_t *const *)right;
    int order = strcmp(one->key, other->key);

    return order ? order : (one > other) - (one < other);
}

/* For each change the one before it that has the same key, or NULL.  They
 * are sorted for that: clients choose names, and could choose such as collide
 * in a hash table. */
static const oci_change_t **find_last(const write_t *write,
                                      const oci_change_t *changes, int count)
{
    const oci_change_t **last = apr_pcalloc(write->pool, count * sizeof(*last));
    const oci_change_t **sorted = apr_palloc(write->pool,
                                             count * sizeof(*sorted));
    int i;

    for (i = 0; i < count; i++) {
        sorted[i] = &changes[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    for (i = 1; i < count; i++) {
        if (!strcmp(sorted[i]->key, sorted[i - 1]->key)) {
            last[sorted[i] - changes] = sorted[i - 1];
        }
    }
    return last;
}

/* Choose the changes that are to be written. */
static apr_status_t choose(write_t *write, const oci_change_t *changes,
                           int count)
{
    const oci_change_t **last = find_last(write, changes, count);
    apr_status_t rv = APR_SUCCESS;
    int i, idle;

    write->changes = apr_array_make(write->pool, count, sizeof(oci_change_t *));
    for (i = 0; i < count; i++) {
        rv = judge(&idle, write, &changes[i], last[i]);
        if (rv) {
            break;
        }
        if (!idle) {
            APR_ARRAY_PUSH(write->changes, const oci_change_t *) = &changes[i];
        }
    }
    return rv;
}

/* Open the log for writing, where the view's ends. */
static apr_status_t open_log(write_t *write)
{
    const oci_dbm_view_t *view = write->index->view;

    write->limit = oci_dbm_merge_limit(view);
    write->bytes = oci_dbm_merge_bytes(view);
    return oci_dbm_log_open_again(&write->log, oci_dbm_view_log(view),
                                  write->pool);
}

/* The system has dropped a part of the log that was not synced: go on, with
 * what is before it, in a new file.  Nobody was told that the rest is safe. */
static apr_status_t renew_log(write_t *write)
{
    index_t *self = write->index;
    apr_status_t rv;

    apr_thread_mutex_lock(self->mutex);
    close_view(self);
    rv = update_view(self, 1);
    if (!rv) {
        rv = open_log(write);
    }
    apr_thread_mutex_unlock(self->mutex);
    if (!rv) {
        rv = oci_dbm_log_renew(&write->log, write->pool);
        oci_dbm_log_close(&write->log);
    }
    return rv;
}

/* Append what is new of some changes, under the lock. */
static apr_status_t append(write_t *write, const oci_change_t *changes,
                           int count)
{
    apr_status_t rv = enter(write->index, 1), exists = APR_SUCCESS;

    if (rv) {
        return rv;
    }
    rv = open_log(write);
    if (!rv) {
        exists = choose(write, changes, count);
        if (exists && exists != APR_EEXIST) {
            rv = exists;
            oci_dbm_log_close(&write->log);
        }
    }
    leave(write->index);
    if (rv) {
        return rv;
    }
    rv = oci_dbm_log_trim(&write->log);
    if (!rv && write->durable) {
        rv = oci_dbm_log_secure(&write->log, write->pool);
    }
    if (!rv && write->changes->nelts) {
        rv = oci_dbm_log_append(&write->log, write->changes, write->pool);
    }
    if (rv) {
        oci_dbm_log_close(&write->log);
    }
    return rv ? rv : exists;
}

/* Sync the log.  Also where nothing was new: another may not have synced it
 * yet. */
static apr_status_t sync_log(const write_t *write)
{
    index_t *self = write->index;

    if (fdatasync(write->log.fd)) {
        return errno;
    }
    apr_thread_mutex_lock(self->mutex);
    if (self->view) {
        oci_dbm_view_synced(self->view, write->log.number, write->log.end);
    }
    apr_thread_mutex_unlock(self->mutex);
    return APR_SUCCESS;
}

static apr_status_t apply_in(write_t *write, const oci_change_t *changes,
                             int count)
{
    oci_dbm_t *dbm = &write->index->dbm;
    oci_lock_t *lock;
    apr_status_t rv = oci_file_lock_take(&lock, dbm->lock_file, OCI_DBM_WRITE,
                                         OCI_LOCK_EXCLUSIVE, write->pool);

    if (rv) {
        return rv;
    }
    rv = append(write, changes, count);
    if (rv == APR_INCOMPLETE && !(rv = renew_log(write))) {
        rv = append(write, changes, count);
    }
    oci_file_lock_release(lock);
    if (rv && rv != APR_EEXIST) {
        return rv;
    }
    if (write->durable) {
        apr_status_t synced = sync_log(write);

        rv = synced ? synced : rv;
    }
    oci_dbm_log_close(&write->log);
    /* Whether a merge succeeds is of no concern to the change. */
    if (write->log.end > write->limit) {
        oci_dbm_merge_unlocked(dbm, write->bytes, write->pool);
    }
    return rv;
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    write_t write = { .index = (index_t *)index, .durable = durable };
    apr_status_t rv;

    if (!count) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create(&write.pool, pool);
    if (!rv) {
        rv = apply_in(&write, changes, count);
        apr_pool_destroy(write.pool);
    }
    return tell(write.index, rv, pool);
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    return oci_dbm_lock(result, &((index_t *)index)->dbm, name, kind, pool);
}

const oci_index_provider_t oci_index_dbm = {
    create, start, get, apply, scan, lock, oci_dbm_unlock,
};
