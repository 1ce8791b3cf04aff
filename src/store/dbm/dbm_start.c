/* SPDX-License-Identifier: Apache-2.0 */

/* How a "dbm" index is created, and checked when a server starts. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_dbm.h"
#include "apr_file_info.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "store/access.h"
#include "store/dbm/dbm_start.h"
#include "store/file_lock.h"
#include "store/wait.h"

const char *oci_dbm_check_type(const char *type, apr_pool_t *pool)
{
    if (!type) {
        return "the dbm provider needs a type: \"dbm:gdbm FILE\" or "
               "\"dbm:db FILE\"";
    }
    if (!strcmp(type, "gdbm") || !strcmp(type, "db")) {
        return NULL;
    }
    if (!strcmp(type, "sdbm") || !strcmp(type, "ndbm")) {
        return apr_psprintf(pool,
                            "dbm:%s cannot hold an index, because its "
                            "records are limited to 1 KiB or slightly more: "
                            "use dbm:gdbm or dbm:db",
                            type);
    }
    return apr_psprintf(pool,
                        "dbm:%s is not a known type: use dbm:gdbm or dbm:db",
                        type);
}

/* Load APR's driver of the DBM, once for the whole process.  Its first use must
 * not be in a pool that ends earlier. */
static const char *load_driver(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *one, *other;
    apr_status_t rv = apr_dbm_get_usednames_ex(pool, dbm->type, dbm->file, &one,
                                               &other);
    char why[120];

    if (rv == APR_SUCCESS) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "dbm:%s is not available, because this APR-util "
                        "cannot load %s: %s",
                        dbm->type, dbm->type,
                        apr_strerror(rv, why, sizeof(why)));
}

/* Create the file of locks unless it exists, perhaps under its old name. */
static const char *create_lock_file(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *error = oci_file_lock_rename(dbm->old_lock_file, dbm->lock_file,
                                             pool);

    if (!error) {
        error = oci_io_make_file(dbm->lock_file, pool);
    }
    return error ? error : oci_access_check_file(dbm->lock_file, pool);
}

/* List the numbers of the existing logs; NULL if that fails. */
static apr_array_header_t *list_logs(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *prefix = apr_pstrcat(pool, apr_filepath_name_get(dbm->file),
                                     ".log-", NULL);
    apr_size_t length = strlen(prefix);
    apr_array_header_t *numbers = apr_array_make(pool, 4, sizeof(apr_uint64_t));
    apr_finfo_t entry;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, dbm->fs.root, pool) != APR_SUCCESS) {
        return NULL;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        char *end;
        apr_int64_t number;

        if (!strncmp(entry.name, prefix, length)
            && apr_isdigit(entry.name[length])) {
            number = apr_strtoi64(entry.name + length, &end, 10);
            if (!*end) {
                APR_ARRAY_PUSH(numbers, apr_uint64_t) = number;
            }
        }
    }
    apr_dir_close(dir);
    return numbers;
}

/* If FILE does not exist, no log with changes to it may exist either. */
static const char *check_no_logs(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    apr_array_header_t *numbers = list_logs(dbm, pool);
    int i;

    if (!numbers) {
        return oci_io_failure("read the directory", dbm->fs.root, errno, pool);
    }
    for (i = 0; i < numbers->nelts; i++) {
        apr_uint64_t number = APR_ARRAY_IDX(numbers, i, apr_uint64_t);
        const char *path = oci_dbm_log_path(dbm->file, number, pool);

        if (oci_dbm_log_is_used(path, number)) {
            return apr_psprintf(pool,
                                "%s is missing, but %s holds changes to it: "
                                "restore the missing file from a backup",
                                dbm->file, path);
        }
    }
    return NULL;
}

/* Remove a new snapshot that a crash left unfinished.  Berkeley DB creates it
 * under another name, and waits without end while a file has that name. */
static void remove_unfinished(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    unlink(dbm->new_file);
    unlink(apr_pstrcat(pool, dbm->fs.root, "/__db.",
                       apr_filepath_name_get(dbm->new_file), NULL));
}

static apr_status_t create_snapshot(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    oci_dbm_snapshot_t snapshot;
    apr_status_t rv;
    int fd;

    remove_unfinished(dbm, pool);
    rv = oci_dbm_snapshot_create(&snapshot, dbm->type, dbm->new_file, 1, pool);
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_snapshot_finish(&snapshot);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    fd = oci_io_open(dbm->new_file, O_RDWR | O_NOFOLLOW);
    if (fd == -1) {
        return errno;
    }
    if (fsync(fd)) {
        rv = errno;
    }
    close(fd);
    return rv;
}

/* Create an index without facts.  FILE comes last: when it exists, the index is
 * complete. */
static const char *create_index(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *path = oci_dbm_log_path(dbm->file, 1, pool);
    const char *error = check_no_logs(dbm, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = oci_dbm_log_create(path, 1);
    if (rv != APR_SUCCESS) {
        return oci_io_failure("create", path, rv, pool);
    }
    rv = create_snapshot(dbm, pool);
    if (rv == APR_SUCCESS && rename(dbm->new_file, dbm->file)) {
        rv = errno;
    }
    if (rv == APR_SUCCESS) {
        rv = oci_io_sync_dir(dbm->fs.root);
    }
    return rv != APR_SUCCESS ? oci_io_failure("create", dbm->file, rv, pool)
                             : NULL;
}

static const char *explain_snapshot_status(const oci_dbm_t *dbm,
                                           apr_status_t rv, apr_pool_t *pool)
{
    if (rv == APR_EGENERAL) {
        return apr_psprintf(pool,
                            "%s is not a %s database, or is damaged, or "
                            "another program has locked it; if it is damaged, "
                            "restore the index from a backup",
                            dbm->file, dbm->type);
    }
    if (rv == EIO) {
        return apr_psprintf(pool,
                            "%s is damaged: restore the index from a backup",
                            dbm->file);
    }
    if (rv == APR_EINVAL) {
        return apr_psprintf(pool,
                            "%s is a %s database that belongs to something "
                            "else: configure another file",
                            dbm->file, dbm->type);
    }
    if (rv == APR_ENOTIMPL) {
        return apr_psprintf(pool,
                            "%s has a version that a newer mod_oci wrote: "
                            "this one supports up to version " APR_STRINGIFY(
                                OCI_DBM_VERSION),
                            dbm->file);
    }
    return rv != APR_SUCCESS ? oci_io_failure("read", dbm->file, rv, pool)
                             : NULL;
}

static const char *explain_log_status(const char *path, apr_status_t rv,
                                      apr_pool_t *pool)
{
    if (rv == APR_EINVAL) {
        return apr_psprintf(pool,
                            "%s is not the log that belongs to this index: "
                            "restore it from a backup",
                            path);
    }
    if (rv == APR_ENOTIMPL) {
        return apr_psprintf(pool,
                            "%s has a version that a newer mod_oci wrote: "
                            "this one supports up to version " APR_STRINGIFY(
                                OCI_DBM_VERSION),
                            path);
    }
    return rv != APR_SUCCESS ? oci_io_failure("read", path, rv, pool) : NULL;
}

/* Check that a log is undamaged.
 * *ended: set to whether the next log continues */
static const char *check_log(const oci_dbm_t *dbm, apr_uint64_t number,
                             int *ended, apr_pool_t *pool)
{
    const char *path = oci_dbm_log_path(dbm->file, number, pool);
    const char *error = oci_access_check_file(path, pool);
    apr_status_t rv;
    apr_off_t size;
    oci_dbm_log_t log;

    if (error) {
        return error;
    }
    rv = oci_dbm_log_open(&log, path, number);
    if (rv != APR_SUCCESS) {
        return explain_log_status(path, rv, pool);
    }
    rv = oci_dbm_log_size(&size, &log);
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_log_follow(&log, size, oci_dbm_overlay_make(pool), pool);
    }
    if (rv == APR_INCOMPLETE) {
        rv = oci_dbm_log_check(&log, size, pool);
    }
    oci_dbm_log_close(&log);
    *ended = log.ended;
    if (rv == EIO) {
        return apr_psprintf(pool,
                            "%s is damaged at byte %" APR_OFF_T_FMT
                            ": restore the index from a backup",
                            path, log.end);
    }
    return explain_log_status(path, rv, pool);
}

/* Check FILE and the logs after it. */
static const char *check_index(const oci_dbm_t *dbm,
                               oci_dbm_snapshot_t *snapshot, apr_pool_t *pool)
{
    const char *error = oci_access_check(dbm->file, R_OK, dbm->file, pool);
    apr_uint64_t number;
    int ended = 1;

    if (!error) {
        error = explain_snapshot_status(dbm,
                                        oci_dbm_snapshot_open(snapshot,
                                                              dbm->type,
                                                              dbm->file,
                                                              APR_DBM_READONLY,
                                                              pool),
                                        pool);
    }
    for (number = snapshot->log; !error && ended; number++) {
        error = check_log(dbm, number, &ended, pool);
    }
    if (!error) {
        const char *path = oci_dbm_log_path(dbm->file, number, pool);

        if (oci_dbm_log_is_used(path, number)) {
            error = apr_psprintf(pool,
                                 "%s holds changes, but the log before it "
                                 "is incomplete: restore the index from a "
                                 "backup",
                                 path);
        }
    }
    return error;
}

/* Remove what killed processes left; no other process changes the index now.  A
 * log may be removed when the name of the snapshot that contains its changes is
 * safe on the disk.  The merge that made the snapshot may have failed before it
 * synced the directory. */
static void remove_leftovers(const oci_dbm_t *dbm, apr_uint64_t first,
                             apr_pool_t *pool)
{
    const apr_array_header_t *numbers = list_logs(dbm, pool);
    int i;

    unlink(dbm->new_file);
    if (oci_io_sync_dir(dbm->fs.root)) {
        return;
    }
    for (i = 0; numbers && i < numbers->nelts; i++) {
        apr_uint64_t number = APR_ARRAY_IDX(numbers, i, apr_uint64_t);
        const char *path = oci_dbm_log_path(dbm->file, number, pool);

        if (number < first && oci_dbm_log_is_used(path, number)) {
            unlink(path);
        }
    }
}

/* Raise the version of the logs.  The snapshot's follows with the next merge:
 * code of version 1 reads both, and refuses the index if one of them is newer.
 */
static const char *raise_logs(const oci_dbm_t *dbm, apr_uint64_t first,
                              apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t number;
    const char *path = NULL;
    oci_dbm_log_t log;

    for (number = first; rv == APR_SUCCESS; number++) {
        path = oci_dbm_log_path(dbm->file, number, pool);
        if (oci_dbm_log_open(&log, path, number) != APR_SUCCESS) {
            return NULL;
        }
        rv = oci_dbm_log_raise(&log);
        oci_dbm_log_close(&log);
    }
    return oci_io_failure("write", path, rv, pool);
}

/* Check the index, or that it can be created, without changing anything. */
static const char *check_locked(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    oci_dbm_snapshot_t snapshot = { .log = 0 };
    const char *error = oci_io_check_file(dbm->file, pool);
    struct stat st;

    if (error) {
        return error;
    }
    return lstat(dbm->file, &st) ? check_no_logs(dbm, pool)
                                 : check_index(dbm, &snapshot, pool);
}

/* Create or check the index while no other process changes it. */
static const char *start_locked(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    oci_dbm_snapshot_t snapshot = { .log = 0 };
    const char *error;
    struct stat st;

    error = oci_io_check_file(dbm->file, pool);
    if (!error && lstat(dbm->file, &st)) {
        error = errno == ENOENT
            ? create_index(dbm, pool)
            : oci_io_failure("read", dbm->file, errno, pool);
    }
    if (!error) {
        error = check_index(dbm, &snapshot, pool);
    }
    if (!error) {
        error = raise_logs(dbm, snapshot.log, pool);
    }
    if (!error) {
        remove_leftovers(dbm, snapshot.log, pool);
    }
    return error;
}

static const char *explain_lock_failure(const oci_dbm_t *dbm, apr_status_t rv,
                                        apr_pool_t *pool)
{
    const char *error = oci_io_failure("lock", dbm->lock_file, rv, pool);
    void *reason = NULL;

    apr_pool_userdata_get(&reason, OCI_REASON, pool);
    return reason ? apr_pstrcat(pool, error, ": ", reason, NULL) : error;
}

/* Take a lock, and wait for it or return APR_EBUSY if it is held. */
static apr_status_t take_lock(const oci_dbm_t *dbm, const char *name, int wait,
                              apr_pool_t *pool)
{
    oci_lock_t *lock;

    return wait ? oci_file_lock_take_within(&lock, dbm->lock_file, name,
                                            OCI_WAIT_START, pool)
                : oci_file_lock_try(&lock, dbm->lock_file, name, pool);
}

/* Run a function while no other process changes the index.
 * wait: whether to wait for other processes; otherwise the function is not run
 * if one of them is changing the index */
static const char *run_locked(const char *(*run)(const oci_dbm_t *dbm,
                                                 apr_pool_t *pool),
                              const oci_dbm_t *dbm, int wait,
                              apr_pool_t *parent)
{
    const char *error;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, parent);

    if (rv != APR_SUCCESS) {
        return oci_io_failure("lock", dbm->lock_file, rv, parent);
    }
    rv = take_lock(dbm, OCI_DBM_MERGE, wait, pool);
    if (rv == APR_SUCCESS) {
        rv = take_lock(dbm, OCI_DBM_WRITE, wait, pool);
    }
    if (rv == APR_SUCCESS) {
        error = run(dbm, pool);
    }
    else {
        error = rv == APR_EBUSY ? NULL : explain_lock_failure(dbm, rv, pool);
    }
    error = apr_pstrdup(parent, error);
    apr_pool_destroy(pool);
    return error;
}

const char *oci_dbm_start(oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *error = load_driver(dbm, pool);

    dbm->lock_file = dbm->new_lock_file;
    if (!error && dbm->no_raise) {
        error = oci_file_lock_refuse_old(dbm->old_lock_file, dbm->lock_file,
                                         pool);
    }
    if (!error) {
        error = oci_access_check_dir(dbm->fs.root, dbm->file, pool);
    }
    if (!error) {
        error = create_lock_file(dbm, pool);
    }
    return error ? error : run_locked(start_locked, dbm, 1, pool);
}

/* The first lock would write a key into an empty file of locks, which no
 * process uses yet. */
const char *oci_dbm_check(oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *error = load_driver(dbm, pool);
    struct stat st;

    dbm->lock_file = lstat(dbm->new_lock_file, &st)
            && !lstat(dbm->old_lock_file, &st)
        ? dbm->old_lock_file
        : dbm->new_lock_file;
    if (!error) {
        error = oci_access_check_dir(dbm->fs.root, dbm->file, pool);
    }
    if (!error) {
        error = oci_access_check_file(dbm->lock_file, pool);
    }
    if (error) {
        return error;
    }
    return lstat(dbm->lock_file, &st) || !st.st_size
        ? check_locked(dbm, pool)
        : run_locked(check_locked, dbm, 0, pool);
}
