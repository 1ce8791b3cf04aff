/* SPDX-License-Identifier: Apache-2.0 */

/* Reading the entries of a directory that changes.
 *
 * Some file systems, such as btrfs and tmpfs, move an entry when a file is
 * renamed over it.  A reader of the directory may then miss the name, or find
 * it twice, although it existed all the time.  On these file systems a reading
 * counts only if the directory did not change meanwhile.  Otherwise the
 * directory is read again, and after several readings all names that were found
 * are the result.
 *
 * A directory can change twice within one tick of the file system's clock, and
 * its ctime only once.  So names are settled only if the ctime was older than a
 * tick before the reading began: every later change sets another ctime.  On
 * network file systems this assumes that the clocks of server and client agree.
 * The mtime would not do, because programs can set it. */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "store/fs/fs_entries.h"
#include "store/store_dir.h"

/* The number of readings of a directory that changes.  No more than necessary,
 * because each one takes time. */
#define READINGS 5

/* The visits of all entries below a directory. */
typedef struct visits_t {
    char *path; /* of the current entry */
    apr_size_t room;
    oci_fs_entry_visit_t *visit;
    void *baton;
    apr_pool_t *pool; /* for one call */
} visits_t;

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sort the names and remove duplicates. */
static void sort_names(oci_fs_entries_t *entries, apr_array_header_t *names)
{
    const char **name = (const char **)names->elts;
    int i, count = 0;

    qsort(name, names->nelts, sizeof(char *), compare);
    for (i = 0; i < names->nelts; i++) {
        if (!count || strcmp(name[count - 1], name[i])) {
            name[count++] = name[i];
        }
    }
    entries->names = name;
    entries->count = count;
}

/* Get the next entry; APR_EOF after the last one.  An entry that is removed
 * before its type is known is left out, and so is one whose name begins with
 * ".", unless these are wanted. */
static apr_status_t next_entry(apr_finfo_t *entry, apr_dir_t *dir, int hidden)
{
    apr_status_t rv;

    do {
        rv = apr_dir_read(entry, APR_FINFO_NAME | APR_FINFO_TYPE, dir);
    } while (rv == APR_INCOMPLETE
             || (rv == APR_SUCCESS && *entry->name == '.' && !hidden));
    return APR_STATUS_IS_ENOENT(rv) ? APR_EOF : rv;
}

/* hidden: add the names that begin with ".", without the ".". */
static apr_status_t read_names(oci_fs_entries_t *entries, const char *path,
                               int most, int hidden, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 64, sizeof(char *));
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, path, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    while ((rv = next_entry(&entry, dir, hidden)) == APR_SUCCESS
           && (!most || names->nelts < most)) {
        const char *name = entry.name + (hidden && *entry.name == '.');

        APR_ARRAY_PUSH(names, const char *) = entry.filetype == APR_DIR
            ? apr_pstrcat(pool, name, "/", NULL)
            : name;
    }
    entries->partial = rv == APR_SUCCESS;
    apr_dir_close(dir);
    sort_names(entries, names);
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

/* Add the names of another reading. */
static void merge_names(oci_fs_entries_t *entries,
                        const oci_fs_entries_t *other, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool,
                                               entries->count + other->count,
                                               sizeof(char *));

    if (entries->count) {
        memcpy(names->elts, entries->names, entries->count * sizeof(char *));
    }
    if (other->count) {
        memcpy(names->elts + entries->count * sizeof(char *), other->names,
               other->count * sizeof(char *));
    }
    names->nelts = entries->count + other->count;
    sort_names(entries, names);
}

static int is_unchanged(const char *path, const struct stat *before)
{
    struct stat after;

    return !stat(path, &after) && before->st_dev == after.st_dev
        && before->st_ino == after.st_ino
        && before->st_ctim.tv_sec == after.st_ctim.tv_sec
        && before->st_ctim.tv_nsec == after.st_ctim.tv_nsec;
}

static apr_status_t read_changing(oci_fs_entries_t *entries, const char *path,
                                  int most, int hidden, apr_pool_t *pool)
{
    oci_fs_entries_t last = { NULL, 0, 0, 0, { 0 } };
    int complete, reading;

    for (reading = 1;; reading++) {
        apr_time_t now = oci_io_now();
        apr_status_t rv = stat(path, &entries->status)
            ? errno
            : read_names(entries, path, most, hidden, pool);

        if (rv != APR_SUCCESS || entries->partial) {
            return rv;
        }
        entries->settled = oci_io_is_settled(&entries->status.st_ctim, now);
        complete = oci_io_keeps_positions(path)
            || (entries->settled && is_unchanged(path, &entries->status));
        if (complete) {
            return APR_SUCCESS;
        }
        entries->settled = 0;
        merge_names(entries, &last, pool);
        if (reading == READINGS) {
            return APR_SUCCESS;
        }
        last = *entries;
    }
}

apr_status_t oci_fs_entries_read(oci_fs_entries_t *entries, const char *path,
                                 int most, apr_pool_t *pool)
{
    return read_changing(entries, path, most, 0, pool);
}

apr_status_t oci_fs_entries_read_temporaries(oci_fs_entries_t *entries,
                                             const char *path, apr_pool_t *pool)
{
    return read_changing(entries, path, 0, 1, pool);
}

apr_status_t oci_fs_entries_read_once(oci_fs_entries_t *entries,
                                      const char *path, apr_pool_t *pool)
{
    entries->settled = 0;
    return stat(path, &entries->status) ? errno
                                        : read_names(entries, path, 0, 0, pool);
}

/* Whether an entry is a directory; path is its path. */
static int is_directory(const struct dirent *entry, const char *path)
{
    struct stat st;

#ifdef DT_UNKNOWN
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_DIR;
    }
#else
    (void)entry;
#endif
    return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

static apr_status_t visit_directory(visits_t *visits);

/* Visit an entry, or those below it if it is a directory, which may have been
 * removed meanwhile. */
static apr_status_t visit_entry(visits_t *visits, const struct dirent *entry)
{
    apr_size_t length = strlen(visits->path);
    apr_status_t rv;

    if (length + strlen(entry->d_name) + 2 > visits->room) {
        return APR_ENAMETOOLONG;
    }
    strcpy(visits->path + length, entry->d_name);
    if (is_directory(entry, visits->path)) {
        strcat(visits->path, "/");
        rv = visit_directory(visits);
        if (APR_STATUS_IS_ENOENT(rv)) {
            rv = APR_SUCCESS;
        }
    }
    else {
        rv = visits->visit(visits->baton, visits->pool);
        apr_pool_clear(visits->pool);
    }
    if (rv == APR_SUCCESS) {
        visits->path[length] = '\0';
    }
    return rv;
}

static apr_status_t visit_directory(visits_t *visits)
{
    DIR *dir = opendir(visits->path);
    apr_status_t rv = dir ? APR_SUCCESS : errno;

    while (rv == APR_SUCCESS) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            rv = errno;
            break;
        }
        if (*entry->d_name != '.') {
            rv = visit_entry(visits, entry);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return rv;
}

apr_status_t oci_fs_entries_visit(char *path, apr_size_t room,
                                  oci_fs_entry_visit_t *visit, void *baton,
                                  apr_pool_t *pool)
{
    visits_t visits = { path, room, visit, baton, NULL };
    apr_status_t rv = apr_pool_create(&visits.pool, pool);

    if (rv == APR_SUCCESS) {
        rv = visit_directory(&visits);
        apr_pool_destroy(visits.pool);
    }
    return rv;
}
