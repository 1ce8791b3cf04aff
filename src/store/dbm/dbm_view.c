/* SPDX-License-Identifier: Apache-2.0 */

/* What one process sees of a "dbm" index: the snapshot, and the logs after
 * it. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "apr_dbm.h"
#include "apr_strings.h"

#include "store/dbm/dbm_view.h"

#define BATCH 256 /* names of a part, if there is no limit */

static oci_dbm_log_t *log_at(const oci_dbm_view_t *view, int i)
{
    return &APR_ARRAY_IDX(view->logs, i, oci_dbm_log_t);
}

static apr_status_t close_logs(void *data)
{
    oci_dbm_view_t *view = data;
    int i;

    for (i = 0; i < view->logs->nelts; i++) {
        oci_dbm_log_close(log_at(view, i));
    }
    return APR_SUCCESS;
}

/* APR_SUCCESS if FILE is still the file that was opened, APR_EAGAIN if it was
 * replaced. */
static apr_status_t check_file(const oci_dbm_view_t *view)
{
    struct stat st;

    if (stat(view->dbm->file, &st)) {
        return errno;
    }
    return st.st_dev == view->file.st_dev && st.st_ino == view->file.st_ino
        ? APR_SUCCESS
        : APR_EAGAIN;
}

/* Open the log of this number.  If it is missing because of a merge, FILE has
 * been replaced; otherwise it is lost. */
static apr_status_t add_log(oci_dbm_view_t *view, apr_uint64_t number)
{
    const char *path = oci_dbm_log_path(view->dbm->file, number, view->pool);
    apr_status_t rv, again;
    oci_dbm_log_t log;

    rv = oci_dbm_log_open(&log, path, number);
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(view->logs, oci_dbm_log_t) = log;
        return APR_SUCCESS;
    }
    again = check_file(view);
    return again != APR_SUCCESS ? again : rv;
}

/* Read what was appended to the logs.  Bytes that are not a record must be
 * explained when a view is opened; later on they are a record that is being
 * written. */
static apr_status_t read_logs(oci_dbm_view_t *view, int opening, int locked)
{
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, view->pool);

    while (rv == APR_SUCCESS) {
        oci_dbm_log_t *log = log_at(view, view->logs->nelts - 1);
        apr_off_t size;

        rv = oci_dbm_log_size(&size, log);
        if (rv == APR_SUCCESS) {
            rv = oci_dbm_log_follow(log, size, view->overlay, pool);
        }
        if (rv == APR_INCOMPLETE) {
            if (locked) {
                rv = oci_dbm_log_check(log, size, pool);
            }
            else {
                rv = opening ? APR_EAGAIN : APR_SUCCESS;
            }
        }
        if (rv != APR_SUCCESS || !log->ended) {
            break;
        }
        rv = add_log(view, log->number + 1);
    }
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t oci_dbm_view_open(oci_dbm_view_t **view, const oci_dbm_t *dbm,
                               int locked, apr_pool_t *pool)
{
    oci_dbm_view_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv;

    self->dbm = dbm;
    self->pool = pool;
    self->overlay = oci_dbm_overlay_make(pool);
    self->logs = apr_array_make(pool, 4, sizeof(oci_dbm_log_t));
    apr_pool_cleanup_register(pool, self, close_logs, apr_pool_cleanup_null);
    if (stat(dbm->file, &self->file)) {
        return errno;
    }
    rv = oci_dbm_snapshot_open(&self->snapshot, dbm->type, dbm->file,
                               APR_DBM_READONLY, pool);
    if (rv == APR_SUCCESS) {
        rv = check_file(self);
    }
    if (rv == APR_SUCCESS) {
        rv = add_log(self, self->snapshot.log);
    }
    if (rv == APR_SUCCESS) {
        rv = read_logs(self, 1, locked);
    }
    *view = self;
    return rv;
}

apr_status_t oci_dbm_view_follow(oci_dbm_view_t *view, int locked)
{
    apr_status_t rv = check_file(view);

    return rv != APR_SUCCESS ? rv : read_logs(view, 0, locked);
}

const oci_dbm_log_t *oci_dbm_view_last_log(const oci_dbm_view_t *view)
{
    return log_at(view, view->logs->nelts - 1);
}

void oci_dbm_view_note_synced(oci_dbm_view_t *view, apr_uint64_t log,
                              apr_off_t bytes)
{
    oci_dbm_log_t *last = log_at(view, view->logs->nelts - 1);

    if (last->number == log && last->synced < bytes) {
        last->synced = bytes;
    }
}

apr_status_t oci_dbm_view_value(oci_value_t *value, const oci_dbm_view_t *view,
                                const oci_dbm_position_t *position,
                                apr_pool_t *pool)
{
    int i = (int)(position->log - view->snapshot.log);

    return oci_dbm_log_read_value(value, log_at(view, i), position, pool);
}

apr_status_t oci_dbm_view_get(oci_value_t *value, const oci_dbm_view_t *view,
                              const char *key, apr_pool_t *pool)
{
    const oci_dbm_overlay_entry_t *entry = oci_dbm_overlay_find(view->overlay,
                                                                key);

    if (!entry) {
        return oci_dbm_snapshot_get(value, &view->snapshot, key, pool);
    }
    if (entry->position.deleted) {
        return APR_NOTFOUND;
    }
    return value ? oci_dbm_view_value(value, view, &entry->position, pool)
                 : APR_SUCCESS;
}

static apr_status_t add_entry(apr_array_header_t *entries,
                              const oci_dbm_view_t *view, const char *key,
                              int values, apr_pool_t *pool)
{
    oci_entry_t entry = { key, { NULL, 0 } };

    if (values) {
        apr_status_t rv = oci_dbm_view_get(&entry.value, view, key, pool);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    APR_ARRAY_PUSH(entries, oci_entry_t) = entry;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_view_scan(apr_array_header_t *entries, const char **after,
                               const oci_dbm_view_t *view,
                               const oci_scan_t *range, apr_pool_t *pool)
{
    int left = range->limit ? range->limit - entries->nelts : BATCH;
    int most = left < BATCH ? left : BATCH, i = 0;
    apr_array_header_t *names = apr_array_make(pool, most, sizeof(char *));
    apr_size_t length = strlen(range->prefix);
    const oci_dbm_overlay_entry_t *entry = oci_dbm_overlay_after(view->overlay,
                                                                 *after);
    const char *last = NULL;
    apr_status_t rv = oci_dbm_tree_list(names, &view->snapshot.tree, *after,
                                        range->prefix, most);

    /* The tree is known only up to its last name that was read. */
    if (names->nelts == most) {
        last = APR_ARRAY_IDX(names, most - 1, const char *);
    }
    while (rv == APR_SUCCESS
           && (!range->limit || entries->nelts < range->limit)) {
        const char *name = i < names->nelts
            ? APR_ARRAY_IDX(names, i, const char *)
            : NULL;
        int order;

        if (entry
            && (strncmp(entry->key, range->prefix, length)
                || (last && strcmp(entry->key, last) > 0))) {
            entry = NULL;
        }
        if (!name && !entry) {
            *after = last;
            return APR_SUCCESS;
        }
        if (!entry) {
            order = -1;
        }
        else {
            order = name ? strcmp(name, entry->key) : 1;
        }
        i += order <= 0;
        if (order < 0) {
            rv = add_entry(entries, view, name, range->values, pool);
        }
        else {
            if (!entry->position.deleted) {
                rv = add_entry(entries, view, apr_pstrdup(pool, entry->key),
                               range->values, pool);
            }
            entry = oci_dbm_overlay_next(entry);
        }
    }
    *after = NULL;
    return rv;
}
