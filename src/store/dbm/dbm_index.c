/* SPDX-License-Identifier: Apache-2.0 */

/* The index "dbm": its provider functions.  Its location is a file, with other
 * files beside it:
 *
 *     FILE            a snapshot, see dbm_snapshot.c; it names a log, N
 *     FILE.log-N      the changes since then, see dbm_log.c
 *     FILE.log-N+1    the changes since log N was ended, and so on
 *     FILE.locks      named locks
 *     FILE.new        a snapshot that is being written
 *
 * A DBM has one writer, which excludes readers; it does not sort its keys, and
 * it is damaged when its writer is killed.  So FILE is never changed in place:
 * changes are appended to the last log.  Every process follows the log and
 * holds it in memory, sorted.  When the log is long, FILE and the logs are
 * merged into a new snapshot that replaces FILE, see dbm_merge.c.
 *
 * A writer holds the lock OCI_DBM_WRITE until its change is appended.  It syncs
 * the log after that, so that one sync can serve several writers.  Readers hold
 * no lock that processes share.  Within a process, one mutex guards the memory;
 * the lock is acquired before the mutex, never after it. */

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

/* The view must be opened again after a concurrent merge.  This many times in a
 * row mean that something else is wrong. */
#define TRIES 100

typedef struct dbm_index_t {
    oci_index_t base;
    oci_dbm_t dbm;
    apr_thread_mutex_t *mutex; /* guards the fields below */
    oci_dbm_view_t *view;      /* or NULL */
    pid_t pid;                 /* the process that opened the view */
} dbm_index_t;

/* A call of apply. */
typedef struct write_t {
    dbm_index_t *index;
    oci_dbm_log_t log; /* its own descriptor, which reports sync errors */
    apr_off_t bytes;   /* of all logs */
    apr_off_t limit;   /* the size of the last log at which a merge is due */
    apr_array_header_t *changes; /* const oci_change_t *: those to append */
    int durable;
    apr_pool_t *pool;
} write_t;

/* Close the view, unless it is the parent process's: then its DBM belongs to
 * the parent. */
static void close_view(dbm_index_t *self)
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
    dbm_index_t *self = apr_pcalloc(pool, sizeof(*self));
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
    dbm->new_lock_file = apr_pstrcat(pool, dbm->file, ".locks", NULL);
    dbm->lock_file = dbm->new_lock_file;
    dbm->old_lock_file = apr_pstrcat(pool, dbm->file, ".lock", NULL);
    dbm->new_file = apr_pstrcat(pool, dbm->file, ".new", NULL);
    dbm->no_raise = config->no_raise;
    apr_pool_cleanup_register(pool, self, close_index, apr_pool_cleanup_null);
    self->base.provider = &oci_index_dbm;
    self->base.where = dbm->file;
    *index = &self->base;
    return NULL;
}

static const char *start(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    oci_dbm_t *dbm = &((dbm_index_t *)index)->dbm;

    (void)uid;
    (void)gid;
    return oci_dbm_start(dbm, pool);
}

static const char *check(oci_index_t *index, apr_pool_t *pool)
{
    return oci_dbm_check(&((dbm_index_t *)index)->dbm, pool);
}

/* Open the view in a pool that no other thread uses. */
static apr_status_t open_view(dbm_index_t *self, int locked)
{
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (rv == APR_SUCCESS) {
        rv = oci_dbm_view_open(&self->view, &self->dbm, locked, pool);
        if (rv != APR_SUCCESS) {
            self->view = NULL;
            apr_pool_destroy(pool);
        }
    }
    self->pid = getpid();
    return rv;
}

/* Explain a status whose own text would mislead, under OCI_REASON. */
static apr_status_t explain_status(const dbm_index_t *self, apr_status_t rv,
                                   apr_pool_t *pool)
{
    if (rv == EIO || rv == ENOENT || rv == APR_EAGAIN || rv == APR_EGENERAL
        || rv == APR_EINVAL || rv == APR_ENOTIMPL) {
        apr_pool_userdata_setn(apr_pstrcat(pool, self->dbm.file,
                                           " or one of its logs is missing "
                                           "or damaged, or its disk fails: "
                                           "restart httpd to see which one, "
                                           "and where",
                                           NULL),
                               OCI_REASON, NULL, pool);
    }
    return rv;
}

/* Bring the view up to date.  If not locked, APR_EAGAIN means that this is only
 * possible under the lock. */
static apr_status_t update_view(dbm_index_t *self, int locked)
{
    apr_status_t rv = APR_EAGAIN;
    int tries;

    if (self->view && self->pid != getpid()) {
        self->view = NULL;
    }
    if (self->view) {
        rv = oci_dbm_view_follow(self->view, locked);
        if (rv != APR_SUCCESS) {
            close_view(self);
        }
    }
    for (tries = 0; rv == APR_EAGAIN && tries < (locked ? TRIES : 1); tries++) {
        rv = open_view(self, locked);
    }
    return rv;
}

/* Lock the mutex and bring the view up to date. */
static apr_status_t lock_view(dbm_index_t *self, int locked)
{
    apr_status_t rv;

    apr_thread_mutex_lock(self->mutex);
    rv = update_view(self, locked);
    if (rv != APR_SUCCESS) {
        apr_thread_mutex_unlock(self->mutex);
    }
    return rv;
}

static void unlock_view(dbm_index_t *self)
{
    apr_thread_mutex_unlock(self->mutex);
}

static apr_status_t lock_view_to_read(dbm_index_t *self, apr_pool_t *pool)
{
    apr_status_t rv = lock_view(self, 0);
    oci_lock_t *lock;

    if (rv == APR_EAGAIN) {
        rv = oci_file_lock_take(&lock, self->dbm.lock_file, OCI_DBM_WRITE,
                                OCI_LOCK_SHARED, pool);
        if (rv == APR_SUCCESS) {
            rv = lock_view(self, 1);
            oci_file_lock_release(lock);
        }
    }
    return rv;
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    dbm_index_t *self = (dbm_index_t *)index;
    apr_status_t rv = lock_view_to_read(self, pool);

    if (rv == APR_SUCCESS) {
        rv = oci_dbm_view_get(value, self->view, key, pool);
        unlock_view(self);
    }
    return explain_status(self, rv, pool);
}

/* Scans in parts, so that a long list does not block other threads. */
static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    dbm_index_t *self = (dbm_index_t *)index;
    const char *after = apr_pstrcat(pool, range->prefix, range->after, NULL);

    *entries = apr_array_make(pool, 64, sizeof(oci_entry_t));
    while (after) {
        apr_status_t rv = lock_view_to_read(self, pool);

        if (rv == APR_SUCCESS) {
            rv = oci_dbm_view_scan(*entries, &after, self->view, range, pool);
            unlock_view(self);
        }
        if (rv != APR_SUCCESS) {
            return explain_status(self, rv, pool);
        }
    }
    return APR_SUCCESS;
}

/* Get the value that a key has after the changes so far; returns as get.
 * previous: the last of these changes with this key, or NULL */
static apr_status_t get_current(oci_value_t *value, const write_t *write,
                                const char *key, const oci_change_t *previous)
{
    if (!previous) {
        return oci_dbm_view_get(value, write->index->view, key, write->pool);
    }
    if (previous->kind == OCI_CHANGE_DELETE) {
        return APR_NOTFOUND;
    }
    if (value) {
        *value = previous->value;
    }
    return APR_SUCCESS;
}

/* Find out whether a change is redundant: it would not change anything.
 * Returns APR_EEXIST for an ADD whose key exists.  A damaged value does not
 * prevent a new one. */
static apr_status_t classify_change(int *redundant, const write_t *write,
                                    const oci_change_t *change,
                                    const oci_change_t *previous)
{
    int put = change->kind == OCI_CHANGE_PUT;
    oci_value_t value;
    apr_status_t rv = get_current(put ? &value : NULL, write, change->key,
                                  previous);

    if (change->kind == OCI_CHANGE_ADD) {
        *redundant = 0;
        if (rv == APR_SUCCESS) {
            return APR_EEXIST;
        }
        return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
    }
    *redundant = put ? rv == APR_SUCCESS && value.size == change->value.size
            && (!value.size
                || !memcmp(value.data, change->value.data, value.size))
                     : rv == APR_NOTFOUND;
    return APR_SUCCESS;
}

/* Compare by key, then by position. */
static int compare_changes(const void *left, const void *right)
{
    const oci_change_t *one = *(const oci_change_t *const *)left;
    const oci_change_t *other = *(const oci_change_t *const *)right;
    int order = strcmp(one->key, other->key);

    return order ? order : (one > other) - (one < other);
}

/* Find, for each change, the previous change with the same key, or NULL.
 * Sorting is safer than a hash table: clients choose names, and could choose
 * names that collide. */
static const oci_change_t **find_previous(const write_t *write,
                                          const oci_change_t *changes,
                                          int count)
{
    const oci_change_t **previous = apr_pcalloc(write->pool,
                                                count * sizeof(*previous));
    const oci_change_t **sorted = apr_palloc(write->pool,
                                             count * sizeof(*sorted));
    int i;

    for (i = 0; i < count; i++) {
        sorted[i] = &changes[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_changes);
    for (i = 1; i < count; i++) {
        if (!strcmp(sorted[i]->key, sorted[i - 1]->key)) {
            previous[sorted[i] - changes] = sorted[i - 1];
        }
    }
    return previous;
}

/* Select the changes to append. */
static apr_status_t select_changes(write_t *write, const oci_change_t *changes,
                                   int count)
{
    const oci_change_t **previous = find_previous(write, changes, count);
    apr_status_t rv = APR_SUCCESS;
    int i, redundant;

    write->changes = apr_array_make(write->pool, count, sizeof(oci_change_t *));
    for (i = 0; i < count; i++) {
        rv = classify_change(&redundant, write, &changes[i], previous[i]);
        if (rv != APR_SUCCESS) {
            break;
        }
        if (!redundant) {
            APR_ARRAY_PUSH(write->changes, const oci_change_t *) = &changes[i];
        }
    }
    return rv;
}

/* Open the last log for appending at the end that the view knows. */
static apr_status_t open_log_to_append(write_t *write)
{
    const oci_dbm_view_t *view = write->index->view;

    write->limit = oci_dbm_merge_limit(view);
    write->bytes = oci_dbm_merge_bytes(view);
    return oci_dbm_log_open_to_append(&write->log, oci_dbm_view_last_log(view),
                                      write->pool);
}

/* The system has dropped a part of the log that was not synced.  Continue,
 * after the bytes before it, in a new file.  No caller was told that the
 * dropped part is safe. */
static apr_status_t replace_log(write_t *write)
{
    dbm_index_t *self = write->index;
    apr_status_t rv;

    apr_thread_mutex_lock(self->mutex);
    close_view(self);
    rv = update_view(self, 1);
    if (rv == APR_SUCCESS) {
        rv = open_log_to_append(write);
    }
    apr_thread_mutex_unlock(self->mutex);
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_log_replace(&write->log, write->pool);
        oci_dbm_log_close(&write->log);
    }
    return rv;
}

/* Append the changes that are not redundant, under the lock. */
static apr_status_t append_changes(write_t *write, const oci_change_t *changes,
                                   int count)
{
    apr_status_t rv = lock_view(write->index, 1), exists = APR_SUCCESS;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = open_log_to_append(write);
    if (rv == APR_SUCCESS) {
        exists = select_changes(write, changes, count);
        if (exists != APR_SUCCESS && exists != APR_EEXIST) {
            rv = exists;
            oci_dbm_log_close(&write->log);
        }
    }
    unlock_view(write->index);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_dbm_log_trim(&write->log);
    if (rv == APR_SUCCESS && write->durable) {
        rv = oci_dbm_log_rewrite_unsynced(&write->log, write->pool);
    }
    if (rv == APR_SUCCESS && write->changes->nelts) {
        rv = oci_dbm_log_append(&write->log, write->changes, write->pool);
    }
    if (rv != APR_SUCCESS) {
        oci_dbm_log_close(&write->log);
    }
    return rv != APR_SUCCESS ? rv : exists;
}

/* Sync the log, even if nothing was appended: another writer may not have
 * synced its changes yet. */
static apr_status_t sync_log(const write_t *write)
{
    dbm_index_t *self = write->index;

    if (fdatasync(write->log.fd)) {
        return errno;
    }
    apr_thread_mutex_lock(self->mutex);
    if (self->view) {
        oci_dbm_view_note_synced(self->view, write->log.number, write->log.end);
    }
    apr_thread_mutex_unlock(self->mutex);
    return APR_SUCCESS;
}

static apr_status_t run_write(write_t *write, const oci_change_t *changes,
                              int count)
{
    oci_dbm_t *dbm = &write->index->dbm;
    oci_lock_t *lock;
    apr_status_t rv = oci_file_lock_take(&lock, dbm->lock_file, OCI_DBM_WRITE,
                                         OCI_LOCK_EXCLUSIVE, write->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = append_changes(write, changes, count);
    if (rv == APR_INCOMPLETE) {
        rv = replace_log(write);
        if (rv == APR_SUCCESS) {
            rv = append_changes(write, changes, count);
        }
    }
    oci_file_lock_release(lock);
    if (rv != APR_SUCCESS && rv != APR_EEXIST) {
        return rv;
    }
    if (write->durable) {
        apr_status_t synced = sync_log(write);

        rv = synced != APR_SUCCESS ? synced : rv;
    }
    oci_dbm_log_close(&write->log);
    /* The change has succeeded, whether or not a merge does. */
    if (write->log.end > write->limit) {
        oci_dbm_merge_unlocked(dbm, write->bytes, write->pool);
    }
    return rv;
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    write_t write = { .index = (dbm_index_t *)index, .durable = durable };
    apr_status_t rv;

    if (!count) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create(&write.pool, pool);
    if (rv == APR_SUCCESS) {
        rv = run_write(&write, changes, count);
        apr_pool_destroy(write.pool);
    }
    return explain_status(write.index, rv, pool);
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    return oci_dbm_lock(result, &((dbm_index_t *)index)->dbm, name, kind, pool);
}

const oci_index_provider_t oci_index_dbm = {
    create, start, get, apply, scan, lock, oci_dbm_unlock, NULL, check, NULL,
};
