/* SPDX-License-Identifier: Apache-2.0 */

/* How an index "dbm" is made, and looked at when a server starts. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_dbm.h"
#include "apr_file_info.h"
#include "apr_lib.h"
#include "apr_strings.h"

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
                            "dbm:%s cannot hold an index, since its "
                            "records are limited to 1 KiB or little more: "
                            "use dbm:gdbm or dbm:db",
                            type);
    }
    return apr_psprintf(pool, "dbm:%s is not known: use dbm:gdbm or dbm:db",
                        type);
}

/* Load the DBM, once for the whole process: its first use must not be that
 * of a pool that goes. */
static const char *load_type(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *one, *other;
    apr_status_t rv = apr_dbm_get_usednames_ex(pool, dbm->type, dbm->file, &one,
                                               &other);
    char why[120];

    if (!rv) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "dbm:%s cannot be used, because this APR-util "
                        "lacks %s: %s",
                        dbm->type, dbm->type,
                        apr_strerror(rv, why, sizeof(why)));
}

/* Whether the effective user, who is to use the store, may use a path:
 * permissions have many forms, and only the system knows them all. */
static apr_status_t check_access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) ? errno : APR_SUCCESS;
}

static const char *check_folder(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *folder = dbm->fs.root;
    apr_status_t rv;
    struct stat st;

    if (stat(folder, &st)) {
        return errno == ENOENT
            ? apr_psprintf(pool, "cannot use %s: there is no folder %s",
                           dbm->file, folder)
            : oci_io_failure("use", folder, errno, pool);
    }
    if (!S_ISDIR(st.st_mode)) {
        return apr_psprintf(pool, "%s is not a folder", folder);
    }
    rv = check_access(folder, R_OK | W_OK | X_OK);
    if (rv) {
        char why[120];

        return apr_psprintf(pool,
                            "the folder %s is not one in which httpd's "
                            "User can make files, which %s needs: %s",
                            folder, dbm->file,
                            apr_strerror(rv, why, sizeof(why)));
    }
    return NULL;
}

/* Make the file of locks, unless it is there. */
static const char *make_lock_file(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *error = oci_io_make_file(dbm->lock_file, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = check_access(dbm->lock_file, R_OK | W_OK);
    return rv ? oci_io_failure("use", dbm->lock_file, rv, pool) : NULL;
}

/* The numbers of the logs that lie there; NULL where that fails. */
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

/* Where FILE is not there, no changes to it may be either. */
static const char *check_absence(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    apr_array_header_t *numbers = list_logs(dbm, pool);
    int i;

    if (!numbers) {
        return oci_io_failure("read the folder", dbm->fs.root, errno, pool);
    }
    for (i = 0; i < numbers->nelts; i++) {
        apr_uint64_t number = APR_ARRAY_IDX(numbers, i, apr_uint64_t);
        const char *path = oci_dbm_log_path(dbm->file, number, pool);

        if (oci_dbm_log_is_used(path, number)) {
            return apr_psprintf(pool,
                                "%s is lost: there is %s, which holds "
                                "changes to it",
                                dbm->file, path);
        }
    }
    return NULL;
}

static apr_status_t make_snapshot(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    oci_dbm_snapshot_t snapshot;
    apr_status_t rv;
    int fd;

    unlink(dbm->new_file);
    rv = oci_dbm_snapshot_create(&snapshot, dbm->type, dbm->new_file, 1, pool);
    if (!rv) {
        rv = oci_dbm_snapshot_finish(&snapshot);
    }
    if (rv) {
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

/* Make an index without facts.  FILE comes last: with it, all is there. */
static const char *make(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    const char *path = oci_dbm_log_path(dbm->file, 1, pool);
    const char *error = check_absence(dbm, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = oci_dbm_log_create(path, 1);
    if (rv) {
        return oci_io_failure("make", path, rv, pool);
    }
    rv = make_snapshot(dbm, pool);
    if (!rv && rename(dbm->new_file, dbm->file)) {
        rv = errno;
    }
    if (!rv) {
        rv = oci_io_sync_dir(dbm->fs.root);
    }
    return rv ? oci_io_failure("make", dbm->file, rv, pool) : NULL;
}

static const char *judge_file(const oci_dbm_t *dbm, apr_status_t rv,
                              apr_pool_t *pool)
{
    if (rv == APR_EGENERAL) {
        return apr_psprintf(pool,
                            "%s is not a file of %s, or is in use by "
                            "another program",
                            dbm->file, dbm->type);
    }
    if (rv == APR_EINVAL) {
        return apr_psprintf(pool,
                            "%s is a file of %s that belongs to something else",
                            dbm->file, dbm->type);
    }
    if (rv == APR_ENOTIMPL) {
        return apr_psprintf(pool,
                            "%s is of a version which a newer mod_oci "
                            "wrote; this one knows version 1",
                            dbm->file);
    }
    return rv ? oci_io_failure("read", dbm->file, rv, pool) : NULL;
}

static const char *judge_log(const char *path, apr_status_t rv,
                             apr_pool_t *pool)
{
    if (rv == APR_EINVAL) {
        return apr_psprintf(pool, "%s is not the log that belongs there", path);
    }
    if (rv == APR_ENOTIMPL) {
        return apr_psprintf(pool,
                            "%s is of a version which a newer mod_oci "
                            "wrote; this one knows version 1",
                            path);
    }
    return rv ? oci_io_failure("read", path, rv, pool) : NULL;
}

/* Look at a log, whether it is whole, and whether another goes on. */
static const char *check_log(const oci_dbm_t *dbm, apr_uint64_t number,
                             int *ended, apr_pool_t *pool)
{
    const char *path = oci_dbm_log_path(dbm->file, number, pool);
    const char *error = oci_io_check_file(path, pool);
    apr_status_t rv = check_access(path, R_OK | W_OK);
    apr_off_t size;
    oci_dbm_log_t log;

    if (error) {
        return error;
    }
    if (!rv) {
        rv = oci_dbm_log_open(&log, path, number);
    }
    if (rv) {
        return judge_log(path, rv, pool);
    }
    rv = oci_dbm_log_size(&size, &log);
    if (!rv) {
        rv = oci_dbm_log_follow(&log, size, oci_dbm_overlay_make(pool), pool);
    }
    if (rv == APR_INCOMPLETE) {
        rv = oci_dbm_log_check(&log, size, pool);
    }
    oci_dbm_log_close(&log);
    *ended = log.ended;
    if (rv == EIO) {
        return apr_psprintf(pool, "%s is damaged at byte %" APR_OFF_T_FMT, path,
                            log.end);
    }
    return judge_log(path, rv, pool);
}

/* Look at FILE, and at the logs that belong to it. */
static const char *check(const oci_dbm_t *dbm, oci_dbm_snapshot_t *snapshot,
                         apr_pool_t *pool)
{
    apr_status_t rv = check_access(dbm->file, R_OK);
    const char *error;
    apr_uint64_t number;
    int ended = 1;

    if (!rv) {
        rv = oci_dbm_snapshot_open(snapshot, dbm->type, dbm->file,
                                   APR_DBM_READONLY, pool);
    }
    error = judge_file(dbm, rv, pool);
    for (number = snapshot->log; !error && ended; number++) {
        error = check_log(dbm, number, &ended, pool);
    }
    if (!error) {
        const char *path = oci_dbm_log_path(dbm->file, number, pool);

        if (oci_dbm_log_is_used(path, number)) {
            error = apr_psprintf(pool,
                                 "%s holds changes, but the log before "
                                 "it has lost its end",
                                 path);
        }
    }
    return error;
}

/* Remove what killed processes left: nobody else is at it.  A log may go once
 * the name of the snapshot that holds it is safe on the disk, which the merge
 * that made the snapshot may have failed to see to. */
static void sweep(const oci_dbm_t *dbm, apr_uint64_t first, apr_pool_t *pool)
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

/* What is done while nobody else changes the store. */
static const char *start_alone(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    oci_dbm_snapshot_t snapshot = { .log = 0 };
    const char *error;
    struct stat st;

    error = oci_io_check_file(dbm->file, pool);
    if (!error && lstat(dbm->file, &st)) {
        error = errno == ENOENT
            ? make(dbm, pool)
            : oci_io_failure("read", dbm->file, errno, pool);
    }
    if (!error) {
        error = check(dbm, &snapshot, pool);
    }
    if (!error) {
        sweep(dbm, snapshot.log, pool);
    }
    return error;
}

static const char *lock_failure(const oci_dbm_t *dbm, apr_status_t rv,
                                apr_pool_t *pool)
{
    const char *error = oci_io_failure("lock", dbm->lock_file, rv, pool);
    void *reason = NULL;

    apr_pool_userdata_get(&reason, OCI_REASON, pool);
    return reason ? apr_pstrcat(pool, error, ": ", reason, NULL) : error;
}

const char *oci_dbm_start(const oci_dbm_t *dbm, apr_pool_t *parent)
{
    const char *error = load_type(dbm, parent);
    oci_lock_t *merge, *write;
    apr_pool_t *pool;
    apr_status_t rv;

    if (!error) {
        error = check_folder(dbm, parent);
    }
    if (!error) {
        error = make_lock_file(dbm, parent);
    }
    if (error) {
        return error;
    }
    if ((rv = apr_pool_create(&pool, parent))) {
        return oci_io_failure("lock", dbm->lock_file, rv, parent);
    }
    rv = oci_file_lock_take_within(&merge, dbm->lock_file, OCI_DBM_MERGE,
                                   OCI_WAIT_START, pool);
    if (!rv) {
        rv = oci_file_lock_take_within(&write, dbm->lock_file, OCI_DBM_WRITE,
                                       OCI_WAIT_START, pool);
    }
    error = rv ? lock_failure(dbm, rv, pool) : start_alone(dbm, pool);
    error = apr_pstrdup(parent, error);
    apr_pool_destroy(pool);
    return error;
}
