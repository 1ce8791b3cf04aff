/* SPDX-License-Identifier: Apache-2.0 */

/* How an "fs" index applies changes; fs_index.c draws its directories.
 *
 * Changes are made in their order.  Then the directories are synced in that
 * order, too; with a journal (see OCI_IO_JOURNAL) only those from the last
 * change on, because its sync includes what came before.  After a crash of the
 * machine, a file system without a journal may show any subset of the changes
 * that were not yet acknowledged.  The registry tolerates that.
 *
 * A value that is set already is not written again, and a key that is missing
 * is not deleted.  The process that has just done it may not have synced it
 * yet, so the directory is synced all the same. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "store/fs/fs_change.h"

/* Other processes may remove a directory while we create it.  This many times
 * in a row mean that something else is wrong. */
#define TRIES 100

/* The state of one call. */
typedef struct change_set_t {
    const oci_store_dir_t *fs;
    int durable;
    apr_array_header_t *dirs; /* to be synced */
    apr_pool_t *pool;
} change_set_t;

/* Return whether a value is kept as the target of a symbolic link. */
static int is_target(const change_set_t *set, const oci_value_t *value)
{
    apr_size_t i;

    if ((set->durable && !(set->fs->traits & OCI_IO_LINKS)) || !value->size
        || value->size > OCI_TARGET_MAX) {
        return 0;
    }
    for (i = 0; i < value->size; i++) {
        if (value->data[i] < 0x21 || value->data[i] > 0x7e) {
            return 0;
        }
    }
    return 1;
}

/* Create an entry; EEXIST if it exists. */
static apr_status_t create_entry(const change_set_t *set, const char *path,
                                 const oci_value_t *value)
{
    apr_status_t rv;
    int fd;

    if (is_target(set, value)) {
        return symlink(apr_pstrmemdup(set->pool, value->data, value->size),
                       path)
            ? errno
            : APR_SUCCESS;
    }
    fd = oci_io_open(path, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return errno;
    }
    rv = oci_io_write(fd, value->data, value->size);
    if (rv == APR_SUCCESS && value->size) {
        rv = oci_io_flush(fd, set->durable);
    }
    else if (rv == APR_SUCCESS && !(set->fs->traits & OCI_IO_LINKS)) {
        rv = oci_io_flush(fd, 1); /* others will link it */
    }
    close(fd);
    if (rv != APR_SUCCESS) {
        unlink(path);
    }
    return rv;
}

/* Choose a name for a temporary. */
static apr_status_t temporary_name(char **path, const change_set_t *set)
{
    apr_uint64_t number;
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)&number,
                                                sizeof(number));

    *path = apr_psprintf(set->pool, "%s/.tmp/%" APR_UINT64_T_HEX_FMT,
                         set->fs->top, number);
    return rv;
}

/* Create an entry without a value; EEXIST if it exists.  It is a link of one
 * empty file, so that short-lived facts need no inodes.  When that file has as
 * many links as it can have, a new one replaces it. */
static apr_status_t create_empty(const change_set_t *set, const char *path)
{
    static const oci_value_t nothing = { "", 0 };
    const char *empty = apr_pstrcat(set->pool, set->fs->top, "/.empty", NULL);
    apr_status_t rv = link(empty, path) ? errno : APR_SUCCESS;
    char *temporary;

    if (rv == APR_SUCCESS || rv == EEXIST) {
        return rv;
    }
    rv = create_entry(set, path, &nothing);
    if (rv == APR_SUCCESS && temporary_name(&temporary, set) == APR_SUCCESS
        && !link(path, temporary)) {
        rename(temporary, empty);
        unlink(temporary); /* see try_set: rename(2) may do nothing */
    }
    return rv;
}

static apr_status_t create_fact(const change_set_t *set, const char *path,
                                const oci_value_t *value)
{
    return value->size ? create_entry(set, path, value)
                       : create_empty(set, path);
}

/* Create an entry among the temporaries. */
static apr_status_t create_temporary(const char **temporary,
                                     const change_set_t *set,
                                     const oci_value_t *value)
{
    apr_status_t rv;
    char *path;

    do {
        rv = temporary_name(&path, set);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        rv = create_fact(set, path, value);
    } while (rv == EEXIST);
    if (rv == APR_SUCCESS) {
        *temporary = path;
    }
    return rv;
}

/* Sync a file that its writer may not have synced.  Returns whether that
 * succeeded. */
static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int done = fd != -1 && !fdatasync(fd);

    if (fd != -1) {
        close(fd);
    }
    return done;
}

/* Return whether an entry has this value, in the right form, already. */
static int has_value(const change_set_t *set, const char *path,
                     const oci_value_t *value)
{
    char target[OCI_TARGET_MAX + 1];
    oci_value_t there;
    struct stat st;

    if (is_target(set, value)) {
        return readlink(path, target, sizeof(target)) == (ssize_t)value->size
            && !memcmp(target, value->data, value->size);
    }
    if (lstat(path, &st) || !S_ISREG(st.st_mode)
        || (apr_size_t)st.st_size != value->size) {
        return 0;
    }
    return !value->size
        || (!oci_io_read(&there, path, set->pool) && there.size == value->size
            && !memcmp(there.data, value->data, value->size)
            && (!set->durable || sync_file(path)));
}

/* Set a value whose directory exists.  *temporary is kept for the next try, and
 * is NULL once it was renamed.  *changed is cleared if another process has just
 * set the value. */
static apr_status_t try_set(const char **temporary, int *changed,
                            const change_set_t *set, const oci_change_t *change,
                            const char *path)
{
    const oci_value_t *value = &change->value;
    apr_status_t rv;

    /* Only a file must be hidden until it is completely written. */
    if (!value->size || is_target(set, value)) {
        rv = create_fact(set, path, value);
        if (change->kind == OCI_CHANGE_ADD || rv != EEXIST) {
            return rv;
        }
    }
    if (!*temporary) {
        rv = create_temporary(temporary, set, value);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (change->kind == OCI_CHANGE_ADD) {
        return oci_io_rename_new(temporary, path);
    }
    if (rename(*temporary, path)) {
        return errno;
    }
    if (!value->size) {
        /* rename(2) does nothing if both names are links of one file. */
        *changed = unlink(*temporary) != 0;
    }
    *temporary = NULL;
    return APR_SUCCESS;
}

/* Set a value.  Creates the directories that it needs, and replaces an empty
 * directory that a killed process left in its place. */
static apr_status_t set_key(change_set_t *set, const oci_change_t *change,
                            const char *path)
{
    const char *temporary = NULL;
    apr_status_t rv, again;
    int tries = 0, changed = 1;

    if (change->kind == OCI_CHANGE_PUT
        && has_value(set, path, &change->value)) {
        /* It must become as durable as a new one. */
        oci_store_dir_note(set->fs, set->dirs, path, 0, set->pool);
        return APR_SUCCESS;
    }
    do {
        rv = try_set(&temporary, &changed, set, change, path);
        again = APR_EGENERAL;
        if (rv == ENOENT) {
            again = oci_store_dir_make_parents(set->fs, path, set->dirs,
                                               set->pool);
            if (again != APR_SUCCESS && again != ENOENT) {
                rv = again;
            }
        }
        else if (rv == EEXIST || rv == EISDIR) {
            again = rmdir(path) ? errno : APR_SUCCESS;
            if (again == ENOTEMPTY) {
                rv = EISDIR;
            }
        }
    } while ((again == APR_SUCCESS || again == ENOENT) && ++tries < TRIES);
    if (temporary) {
        unlink(temporary);
    }
    if (rv == APR_SUCCESS) {
        oci_store_dir_note(set->fs, set->dirs, path, changed, set->pool);
    }
    return rv;
}

/* Delete a key, and the directories that become empty. */
static apr_status_t delete_key(const change_set_t *set, const char *path)
{
    const char *first = strchr(path + strlen(set->fs->top) + 1, '/');
    char *dir_path = apr_pstrdup(set->pool, path);
    int changed = !unlink(path);
    apr_status_t rv;
    char *slash;

    if (!changed && errno != EISDIR
        && (rv = oci_store_dir_classify(set->fs, errno)) != APR_NOTFOUND) {
        return rv;
    }
    while (first
           && (slash = strrchr(dir_path, '/')) - dir_path > first - path) {
        *slash = '\0';
        if (!rmdir(dir_path)) {
            changed = 1;
        }
        else if (errno != ENOENT) {
            *slash = '/';
            break;
        }
    }
    oci_store_dir_note(set->fs, set->dirs, dir_path, changed, set->pool);
    return APR_SUCCESS;
}

apr_status_t oci_fs_change_apply(const oci_store_dir_t *fs,
                                 const oci_change_t *changes, int count,
                                 int durable, apr_pool_t *pool)
{
    change_set_t set = { fs, durable, NULL, pool };
    int i;

    set.dirs = apr_array_make(pool, count + 4, sizeof(char *));
    for (i = 0; i < count; i++) {
        const char *path = apr_pstrcat(pool, fs->top, "/", changes[i].key,
                                       NULL);
        apr_status_t rv = changes[i].kind == OCI_CHANGE_DELETE
            ? delete_key(&set, path)
            : set_key(&set, &changes[i], path);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return durable ? oci_store_dir_sync(fs, set.dirs, pool) : APR_SUCCESS;
}
