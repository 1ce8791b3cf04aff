/* SPDX-License-Identifier: Apache-2.0 */

/* Where a file system enters a name anew when it is renamed over an entry,
 * a reader of the directory may miss that name, or find it twice, though it
 * was there all the time: btrfs and tmpfs do so.  There a reading counts
 * where nothing changed meanwhile; otherwise there is another one, and after
 * some of them what all have found together is the listing.
 *
 * A directory can change twice within one tick of the file system's clock,
 * and its stamp only once.  Names are therefore settled only where the stamp
 * was older than a tick before the reading began: every later change gets
 * another one.  On network file systems this supposes that the clocks of
 * server and client agree.  The stamp is the ctime, since the mtime can be
 * set at will.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "store/fs/fs_entries.h"
#include "store/store_dir.h"

/* Readings of a directory that changes (no more than need be: each one takes
 * its time). */
#define READINGS 5

/* Ticks: of clocks that count nanoseconds, and of those that do not. */
#define FINE_TICK   apr_time_from_msec(20)
#define COARSE_TICK apr_time_from_sec(2)

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sort the names; one that was found twice is there once. */
static void settle(oci_fs_entries_t *folder, apr_array_header_t *names)
{
    const char **name = (const char **)names->elts;
    int i, count = 0;

    qsort(name, names->nelts, sizeof(char *), compare);
    for (i = 0; i < names->nelts; i++) {
        if (!count || strcmp(name[count - 1], name[i])) {
            name[count++] = name[i];
        }
    }
    folder->names = name;
    folder->count = count;
}

/* The next entry that counts; APR_EOF after the last one.  An entry that is
 * removed before its type is known does not count. */
static apr_status_t next_entry(apr_finfo_t *entry, apr_dir_t *dir)
{
    apr_status_t rv;

    do {
        rv = apr_dir_read(entry, APR_FINFO_NAME | APR_FINFO_TYPE, dir);
    } while (rv == APR_INCOMPLETE || (!rv && *entry->name == '.'));
    return APR_STATUS_IS_ENOENT(rv) ? APR_EOF : rv;
}

static apr_status_t read_names(oci_fs_entries_t *folder, const char *path,
                               int most, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 64, sizeof(char *));
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, path, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    while (!(rv = next_entry(&entry, dir)) && (!most || names->nelts < most)) {
        APR_ARRAY_PUSH(names, const char *) = entry.filetype == APR_DIR
            ? apr_pstrcat(pool, entry.name, "/", NULL)
            : entry.name;
    }
    folder->partial = rv == APR_SUCCESS;
    apr_dir_close(dir);
    settle(folder, names);
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

/* Add the names of another reading. */
static void join(oci_fs_entries_t *folder, const oci_fs_entries_t *other,
                 apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool,
                                               folder->count + other->count,
                                               sizeof(char *));

    if (folder->count) {
        memcpy(names->elts, folder->names, folder->count * sizeof(char *));
    }
    if (other->count) {
        memcpy(names->elts + folder->count * sizeof(char *), other->names,
               other->count * sizeof(char *));
    }
    names->nelts = folder->count + other->count;
    settle(folder, names);
}

/* Whether a change after now has another stamp than this. */
static int is_settled(const struct timespec *stamp, apr_time_t now)
{
    apr_time_t time = apr_time_make(stamp->tv_sec, stamp->tv_nsec / 1000);

    return time + (stamp->tv_nsec ? FINE_TICK : COARSE_TICK) < now;
}

static int is_unchanged(const char *path, const struct stat *before)
{
    struct stat after;

    return !stat(path, &after) && before->st_dev == after.st_dev
        && before->st_ino == after.st_ino
        && before->st_ctim.tv_sec == after.st_ctim.tv_sec
        && before->st_ctim.tv_nsec == after.st_ctim.tv_nsec;
}

apr_status_t oci_fs_entries_read(oci_fs_entries_t *folder, const char *path,
                                 int most, apr_pool_t *pool)
{
    oci_fs_entries_t last = { NULL, 0, 0, 0, { 0 } };
    int whole, reading;

    for (reading = 1;; reading++) {
        apr_time_t now = apr_time_now();
        apr_status_t rv = stat(path, &folder->status)
            ? errno
            : read_names(folder, path, most, pool);

        if (rv || folder->partial) {
            return rv;
        }
        folder->settled = is_settled(&folder->status.st_ctim, now);
        whole = oci_io_is_orderly(path)
            || (folder->settled && is_unchanged(path, &folder->status));
        if (whole) {
            return APR_SUCCESS;
        }
        folder->settled = 0;
        join(folder, &last, pool);
        if (reading == READINGS) {
            return APR_SUCCESS;
        }
        last = *folder;
    }
}

apr_status_t oci_fs_entries_read_once(oci_fs_entries_t *folder,
                                      const char *path, apr_pool_t *pool)
{
    folder->settled = 0;
    return stat(path, &folder->status) ? errno
                                       : read_names(folder, path, 0, pool);
}

apr_status_t oci_fs_entries_find(char *path, apr_size_t room, apr_pool_t *pool)
{
    apr_size_t length = strlen(path);
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, path, pool);

    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv)
            ? APR_NOTFOUND
            : rv;
    }
    while (!(rv = next_entry(&entry, dir))) {
        if (length + strlen(entry.name) + 2 > room) {
            rv = APR_ENAMETOOLONG;
            break;
        }
        strcpy(path + length, entry.name);
        if (entry.filetype != APR_DIR) {
            break;
        }
        strcat(path + length, "/");
        rv = oci_fs_entries_find(path, room, pool);
        if (rv != APR_NOTFOUND) {
            break;
        }
        path[length] = '\0';
    }
    apr_dir_close(dir);
    return rv == APR_EOF ? APR_NOTFOUND : rv;
}
