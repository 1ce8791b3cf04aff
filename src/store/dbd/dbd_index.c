/* SPDX-License-Identifier: Apache-2.0 */

/* The index "dbd": its provider functions.  dbd_sql.h draws its table.
 *
 * A failed call is tried again if it cannot have changed anything: the database
 * may have been restarted, or two transactions may have conflicted.  Only the
 * result of a failed COMMIT, or of a failed OCI_SQL_CHANGE, is unknown.  All
 * changes of a call are one transaction.  The durability is that of the
 * database's configuration, whatever the caller asks for. */

#include <string.h>

#include "apr_strings.h"

#include "store/dbd/dbd_change.h"
#include "store/dbd/dbd_connect.h"
#include "store/dbd/dbd_files.h"
#include "store/dbd/dbd_lock.h"
#include "store/dbd/dbd_range.h"
#include "store/dbd/dbd_session.h"
#include "store/dbd/dbd_value.h"
#include "store/dbd/dbd_index.h"
#include "store/file_lock.h"
#include "store/store_dir.h"
#include "store/wait.h"

#define TRIES 8

typedef struct dbd_index_t {
    oci_index_t base;
    oci_dbd_source_t *source;
    const oci_dbd_settings_t *settings;
    int tested; /* by "httpd -t", which must change nothing */
} dbd_index_t;

/* A call, which may be run several times. */
typedef struct call_t call_t;
struct call_t {
    apr_status_t (*run)(call_t *call, oci_dbd_session_t *session);
    apr_pool_t *pool;
    int unsure; /* a failure may have happened after the change */
    const char *key;
    oci_value_t *value;
    oci_follow_t *follow;
    const oci_change_t *changes;
    int count;
    const oci_scan_t *range;
    apr_array_header_t *entries;
};

/* Pause for a fraction of a second, which differs between callers that failed
 * at the same time. */
static void pause_randomly(int tries)
{
    apr_sleep(apr_time_now() % (APR_INT64_C(1000) << tries));
}

/* Run a call.
 * *again: set to whether it may be repeated */
static apr_status_t try_call(int *again, call_t *call,
                             oci_dbd_session_t *session, int held)
{
    apr_status_t rv = session->lost ? APR_ECONNREFUSED
                                    : call->run(call, session);

    rv = oci_dbd_session_recover(again, session, rv, held);
    if (rv == APR_ECONNREFUSED && call->unsure) {
        *again = 0;
    }
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND && rv != APR_EEXIST) {
        oci_dbd_session_explain(session, call->pool);
    }
    return rv;
}

static apr_status_t run_call(call_t *call, oci_index_t *index)
{
    const dbd_index_t *self = (dbd_index_t *)index;
    oci_dbd_source_t *source = self->source;
    oci_dbd_session_t *held = oci_dbd_held_session(source, call->pool);
    apr_time_t until = oci_wait_now() + apr_time_from_sec(source->seconds);
    apr_status_t rv;
    int again = 1, tries;

    if (self->tested) {
        return APR_ENOTIMPL;
    }
    for (tries = 0;; tries++) {
        oci_dbd_session_t fresh;

        if (held) {
            rv = try_call(&again, call, held, 1);
        }
        else {
            rv = oci_dbd_session_open(&fresh, source, OCI_DBD_FOR_CALLS,
                                      call->pool);
            if (rv == APR_SUCCESS) {
                rv = try_call(&again, call, &fresh, 0);
                oci_dbd_session_close(&fresh);
            }
            else {
                oci_dbd_session_explain(&fresh, call->pool);
                again = rv == APR_EGENERAL;
            }
        }
        if (!again || tries == TRIES || oci_wait_now() >= until) {
            return rv;
        }
        oci_dbd_session_forget(call->pool);
        pause_randomly(tries);
    }
}

static apr_status_t decode(oci_value_t *value, oci_dbd_session_t *session,
                           const apr_array_header_t *rows, const char *key,
                           apr_pool_t *pool)
{
    apr_status_t rv = oci_dbd_value_decode(value, rows, pool);

    if (rv != APR_SUCCESS) {
        session->why = apr_psprintf(session->pool,
                                    "the value of %s is damaged: its rows in "
                                    "oci_facts2 cannot be decoded",
                                    key);
    }
    return rv;
}

static apr_status_t run_get(call_t *call, oci_dbd_session_t *session)
{
    const char *args[] = { call->key };
    apr_array_header_t *rows;
    apr_status_t rv;

    rv = oci_dbd_session_select(&rows, session,
                                call->value ? OCI_SQL_GET : OCI_SQL_EXISTS,
                                args, call->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!rows->nelts) {
        return APR_NOTFOUND;
    }
    return call->value
        ? decode(call->value, session, rows, call->key, call->pool)
        : APR_SUCCESS;
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    call_t call = { .run = run_get, .pool = pool, .key = key, .value = value };

    return run_call(&call, index);
}

static apr_status_t run_follow(call_t *call, oci_dbd_session_t *session)
{
    oci_follow_t *follow = call->follow;
    const char *args[] = { follow->prefix, follow->key };
    apr_array_header_t *cells, *value, *target;
    apr_status_t rv;
    int i;

    rv = oci_dbd_session_select(&cells, session, OCI_SQL_FOLLOW, args,
                                call->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cells->nelts) {
        return APR_NOTFOUND;
    }
    value = apr_array_make(call->pool, 1, sizeof(const char *));
    target = apr_array_make(call->pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(value, const char *) = APR_ARRAY_IDX(cells, 0, const char *);
    for (i = 0; i < cells->nelts; i += 3) {
        const char **cell = &APR_ARRAY_IDX(cells, i, const char *);

        if (*cell[1]) {
            APR_ARRAY_PUSH(target, const char *) = cell[2];
        }
    }
    rv = decode(&follow->value, session, value, follow->key, call->pool);
    if (rv == APR_SUCCESS && target->nelts) {
        rv = decode(&follow->target, session, target,
                    apr_psprintf(call->pool, "%s%.*s", follow->prefix,
                                 (int)strcspn(follow->value.data, ";"),
                                 follow->value.data),
                    call->pool);
    }
    return rv;
}

static apr_status_t follow(oci_index_t *index, oci_follow_t *facts,
                           apr_pool_t *pool)
{
    call_t call = { .run = run_follow, .pool = pool, .follow = facts };

    return run_call(&call, index);
}

static apr_status_t run_apply(call_t *call, oci_dbd_session_t *session)
{
    return oci_dbd_change_apply(session, call->changes, call->count,
                                &call->unsure, call->pool);
}

/* Lock a database that is a file for writing.  A writer waits for the lock
 * before it takes a connection, of which readers would be short otherwise. */
static apr_status_t lock_file(oci_lock_t **lock, const dbd_index_t *self,
                              apr_pool_t *pool)
{
    const char *driver = self->settings->driver;
    const oci_dialect_t *dialect = driver ? oci_dialect_of(driver) : NULL;

    if (!dialect || !dialect->is_file) {
        return APR_SUCCESS;
    }
    return oci_dbd_files_lock(lock, self->settings->params,
                              self->source->seconds, pool);
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    call_t call = {
        .run = run_apply, .pool = pool, .changes = changes, .count = count
    };

    oci_lock_t *lock = NULL;
    apr_status_t rv;

    (void)durable;
    if (!count) {
        return APR_SUCCESS;
    }
    rv = lock_file(&lock, (dbd_index_t *)index, pool);
    if (rv == APR_SUCCESS) {
        rv = run_call(&call, index);
    }
    if (lock) {
        oci_file_lock_release(lock);
    }
    return rv;
}

/* Read the value of an entry, from its first row or from all its rows. */
static apr_status_t read_entry(oci_entry_t *entry, const char *row,
                               oci_dbd_session_t *session, apr_pool_t *pool)
{
    apr_array_header_t *rows;
    apr_status_t rv;

    if (oci_dbd_value_continues(row)) {
        rv = oci_dbd_rows_read(&rows, session, entry->key, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (!rows->nelts) {
            return APR_NOTFOUND;
        }
    }
    else {
        rows = apr_array_make(pool, 1, sizeof(const char *));
        APR_ARRAY_PUSH(rows, const char *) = row;
    }
    return decode(&entry->value, session, rows, entry->key, pool);
}

static apr_status_t run_scan(call_t *call, oci_dbd_session_t *session)
{
    const oci_scan_t *range = call->range;
    const char *args[] = {
        oci_dbd_range_begin(range, call->pool),
        oci_dbd_range_end(range, call->pool),
        apr_itoa(call->pool, range->limit > 0 ? range->limit : APR_INT32_MAX),
    };
    int columns = range->values ? 2 : 1;
    apr_array_header_t *cells;
    apr_status_t rv;
    int i;

    rv = oci_dbd_session_select(&cells, session,
                                range->values ? OCI_SQL_READ : OCI_SQL_LIST,
                                args, call->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    call->entries = apr_array_make(call->pool, cells->nelts / columns + 1,
                                   sizeof(oci_entry_t));
    for (i = 0; i < cells->nelts; i += columns) {
        const char **cell = &APR_ARRAY_IDX(cells, i, const char *);
        oci_entry_t entry = { cell[0], { NULL, 0 } };

        if (range->values) {
            rv = read_entry(&entry, cell[1], session, call->pool);
        }
        if (rv == APR_SUCCESS) {
            APR_ARRAY_PUSH(call->entries, oci_entry_t) = entry;
        }
        else if (rv != APR_NOTFOUND) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    call_t call = { .run = run_scan, .pool = pool, .range = range };
    apr_status_t rv = run_call(&call, index);

    *entries = call.entries;
    return rv;
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    return oci_dbd_lock(result, ((dbd_index_t *)index)->source, name, kind,
                        pool);
}

static const char *find_dialect(const oci_dialect_t **dialect,
                                const char *driver, apr_pool_t *pool)
{
    *dialect = oci_dialect_of(driver);
    return *dialect
        ? NULL
        : apr_psprintf(pool,
                       "dbd: unknown driver '%s'; known are: " OCI_DBD_DRIVERS,
                       driver);
}

/* Create the table of a SQLite database before any child connects: prepared
 * statements of other connections fail after a table is created.  If this
 * fails, the first request reports why. */
static void create_table(oci_dbd_source_t *source, apr_pool_t *pool)
{
    oci_dbd_session_t session;

    if (oci_dbd_session_open(&session, source, OCI_DBD_FOR_CALLS, pool)
        == APR_SUCCESS) {
        oci_dbd_session_abandon(&session);
        oci_dbd_session_close(&session);
    }
}

/* Prepare to connect, and check the database if it is a file.
 * *dialect: set unless there is an error */
static const char *prepare(const oci_dialect_t **dialect,
                           const dbd_index_t *self, apr_pool_t *pool)
{
    const char *error = self->source->start(self->source, pool);

    if (!error) {
        error = find_dialect(dialect, self->settings->driver, pool);
    }
    if (!error && (*dialect)->is_file) {
        error = oci_dbd_files_check(self->settings->params, pool);
    }
    return error;
}

static const char *start(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    dbd_index_t *self = (dbd_index_t *)index;
    const oci_dialect_t *dialect;
    const char *error = prepare(&dialect, self, pool);

    (void)uid;
    (void)gid;
    self->tested = 0;
    if (!error && dialect->is_file) {
        error = oci_dbd_files_make(self->settings->params, pool);
        if (!error && self->settings->find) {
            create_table(self->source, pool);
        }
    }
    return error;
}

/* Even reading would change something: it creates the table, and SQLite's files
 * beside the database. */
static const char *check(oci_index_t *index, apr_pool_t *pool)
{
    dbd_index_t *self = (dbd_index_t *)index;
    const oci_dialect_t *dialect;

    self->tested = 1;
    return prepare(&dialect, self, pool);
}

static const char *create(oci_index_t **index, const oci_store_config_t *config,
                          apr_pool_t *pool)
{
    const oci_dialect_t *dialect;
    oci_dbd_settings_t *settings = apr_pcalloc(pool, sizeof(*settings));
    const char *params = config->location;
    oci_dbd_source_t *source;
    const char *error;

    if (!config->type) {
        return "the dbd provider needs a driver: \"dbd:DRIVER PARAMS\", with "
               "DRIVER one of " OCI_DBD_DRIVERS;
    }
    error = find_dialect(&dialect, config->type, pool);
    if (error) {
        return error;
    }
    if (!params) {
        return apr_psprintf(pool,
                            "dbd:%s needs connection parameters: "
                            "\"dbd:%s PARAMS\"",
                            config->type, config->type);
    }
    if (dialect->is_file) {
        error = oci_store_dir_resolve(&params, config, pool);
    }
    if (!error) {
        settings->driver = config->type;
        settings->params = params;
        error = oci_dbd_source_create(&source, settings, pool);
    }
    if (!error) {
        if (dialect->is_file) {
            source->where = params;
        }
        source->no_raise = config->no_raise;
        oci_index_dbd_create(index, source, settings, pool);
    }
    return error;
}

void oci_index_dbd_create(oci_index_t **index, oci_dbd_source_t *source,
                          const oci_dbd_settings_t *settings, apr_pool_t *pool)
{
    dbd_index_t *self = apr_pcalloc(pool, sizeof(*self));

    self->settings = settings;
    self->source = source;
    self->base.provider = &oci_index_dbd;
    self->base.where = source->where;
    *index = &self->base;
}

void oci_index_dbd_observe(oci_index_t *index, oci_dbd_observer_t *observer)
{
    if (index->provider == &oci_index_dbd) {
        ((dbd_index_t *)index)->source->observer = observer;
    }
}

const char *oci_index_dbd_place(const oci_index_t *index, apr_pool_t *pool)
{
    const oci_dbd_settings_t *settings;
    const oci_dialect_t *dialect;
    const char *name;

    if (index->provider != &oci_index_dbd) {
        return index->where;
    }
    settings = ((const dbd_index_t *)index)->settings;
    dialect = settings->driver ? oci_dialect_of(settings->driver) : NULL;
    if (!dialect || dialect->is_file) {
        return dialect ? settings->params : NULL;
    }
    name = oci_dbd_params_database(settings->driver, settings->params, pool);
    return name ? apr_psprintf(pool, "dbd:%s dbname=%s", settings->driver, name)
                : NULL;
}

const oci_index_provider_t oci_index_dbd = {
    create, start, get, apply, scan, lock, oci_dbd_unlock, follow, check, NULL,
};
