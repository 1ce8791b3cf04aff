/* SPDX-License-Identifier: Apache-2.0 */

/* How the index "fs" changes; fs_index.c draws what the folders hold.
 *
 * Changes are made in their order and then synced folder by folder, in that
 * order, too.  After a crash of the machine a file system that does not
 * keep the order of changes (most journals do) may show any subset of those
 * that were not yet acknowledged; the registry can live with that.
 *
 * A value that is there already is left alone.  Whoever set it at the same
 * time may not have synced it yet.  Where the file system is orderly the sync
 * of what is new brings it along; elsewhere, or where nothing is new, its
 * folder is synced once more.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "store/fs/fs_change.h"

/* Folders that others remove while we make them: so many times in a row
 * means that something else is wrong. */
#define TRIES 100

/* What the changes of one call share. */
typedef struct change_set_t {
    const oci_store_dir_t *fs;
    int durable;
    int orderly;                 /* the file system; -1: not asked yet */
    apr_array_header_t *touched; /* folders to sync */
    const char *standing;        /* what had its value already, or NULL */
    apr_pool_t *pool;
} change_set_t;

/* Whether a value can be a symbolic link's target. */
static int is_target(const oci_value_t *value)
{
    apr_size_t i;

    if (!value->size || value->size > OCI_TARGET_MAX) {
        return 0;
    }
    for (i = 0; i < value->size; i++) {
        if (value->data[i] < 0x21 || value->data[i] > 0x7e) {
            return 0;
        }
    }
    return 1;
}

/* Make a new entry; EEXIST where there is one. */
static apr_status_t make_entry(const change_set_t *set, const char *path,
                               const oci_value_t *value)
{
    apr_status_t rv;
    int fd;

    if (is_target(value)) {
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
    if (!rv && value->size) {
        rv = oci_io_flush(fd, set->durable);
    }
    close(fd);
    if (rv) {
        unlink(path);
    }
    return rv;
}

/* A name for a temporary. */
static apr_status_t temporary_name(char **path, const change_set_t *set)
{
    apr_uint64_t number;
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)&number,
                                                sizeof(number));

    *path = apr_psprintf(set->pool, "%s/.tmp/%" APR_UINT64_T_HEX_FMT,
                         set->fs->top, number);
    return rv;
}

/* Make an entry without a value; EEXIST where there is one.  It is a link of
 * one empty file, so that facts that come and go use up no inodes; a new one
 * takes its place once it has all the links that a file can have. */
static apr_status_t make_empty(const change_set_t *set, const char *path)
{
    static const oci_value_t nothing = { "", 0 };
    const char *empty = apr_pstrcat(set->pool, set->fs->top, "/.empty", NULL);
    apr_status_t rv = link(empty, path) ? errno : APR_SUCCESS;
    char *staged;

    if (rv == APR_SUCCESS || rv == EEXIST) {
        return rv;
    }
    rv = make_entry(set, path, &nothing);
    if (rv == APR_SUCCESS && temporary_name(&staged, set) == APR_SUCCESS
        && !link(path, staged) && rename(staged, empty)) {
        unlink(staged);
    }
    return rv;
}

static apr_status_t make(const change_set_t *set, const char *path,
                         const oci_value_t *value)
{
    return value->size ? make_entry(set, path, value) : make_empty(set, path);
}

/* Make an entry among the temporaries. */
static apr_status_t stage(const char **staged, const change_set_t *set,
                          const oci_value_t *value)
{
    apr_status_t rv;
    char *path;

    do {
        rv = temporary_name(&path, set);
        if (rv) {
            return rv;
        }
        rv = make(set, path, value);
    } while (rv == EEXIST);
    if (!rv) {
        *staged = path;
    }
    return rv;
}

/* Sync a file whose writer may not have cared for it. */
static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int done = fd != -1 && !fdatasync(fd);

    if (fd != -1) {
        close(fd);
    }
    return done;
}

/* Whether an entry has this value, in its form, already. */
static int has_value(const change_set_t *set, const char *path,
                     const oci_value_t *value)
{
    char target[OCI_TARGET_MAX + 1];
    oci_value_t there;
    struct stat st;

    if (is_target(value)) {
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

/* Set a value, supposing that its folder is there.  *staged is kept for the
 * next try, and is NULL once the temporary has gone. */
static apr_status_t try_set(const char **staged, const change_set_t *set,
                            const oci_change_t *change, const char *path)
{
    const oci_value_t *value = &change->value;
    apr_status_t rv;

    /* Only what is written must not be seen before it is whole. */
    if (!value->size || is_target(value)) {
        rv = make(set, path, value);
        if (change->kind == OCI_CHANGE_ADD || rv != EEXIST) {
            return rv;
        }
    }
    if (!*staged && (rv = stage(staged, set, value))) {
        return rv;
    }
    if (change->kind == OCI_CHANGE_ADD) {
        return oci_io_rename_new(staged, path);
    }
    if (rename(*staged, path)) {
        return errno;
    }
    if (!value->size) {
        /* Renaming did nothing where both were links of one file. */
        unlink(*staged);
    }
    *staged = NULL;
    return APR_SUCCESS;
}

/* What has its value already is to be as safe as what gets one. */
static void note_standing(change_set_t *set, const char *path)
{
    if (set->durable && set->orderly < 0) {
        set->orderly = oci_io_is_orderly(set->fs->top);
    }
    if (set->durable && !set->orderly) {
        oci_store_dir_touch(set->touched, path, set->pool);
    }
    else {
        set->standing = path;
    }
}

/* Set a value, with the folders it needs, and in the place of an empty
 * folder that a killed process left. */
static apr_status_t set_key(change_set_t *set, const oci_change_t *change,
                            const char *path)
{
    const char *staged = NULL;
    apr_status_t rv, again;
    int tries = 0;

    if (change->kind == OCI_CHANGE_PUT
        && has_value(set, path, &change->value)) {
        note_standing(set, path);
        return APR_SUCCESS;
    }
    do {
        rv = try_set(&staged, set, change, path);
        again = APR_EGENERAL;
        if (rv == ENOENT) {
            again = oci_store_dir_make_parents(set->fs, path, set->touched,
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
    if (staged) {
        unlink(staged);
    }
    if (!rv) {
        oci_store_dir_touch(set->touched, path, set->pool);
    }
    return rv;
}

/* Remove a key, and the folders that are empty then. */
static apr_status_t delete_key(const change_set_t *set, const char *path)
{
    const char *first = strchr(path + strlen(set->fs->top) + 1, '/');
    char *folder = apr_pstrdup(set->pool, path);
    apr_status_t rv;
    char *slash;

    if (unlink(path) && errno != EISDIR
        && (rv = oci_store_dir_absent(set->fs, errno)) != APR_NOTFOUND) {
        return rv;
    }
    while (first && (slash = strrchr(folder, '/')) - folder > first - path) {
        *slash = '\0';
        if (rmdir(folder) && errno != ENOENT) {
            *slash = '/';
            break;
        }
    }
    oci_store_dir_touch(set->touched, folder, set->pool);
    return APR_SUCCESS;
}

apr_status_t oci_fs_change_apply(const oci_store_dir_t *fs,
                                 const oci_change_t *changes, int count,
                                 int durable, apr_pool_t *pool)
{
    change_set_t set = { fs, durable, -1, NULL, NULL, pool };
    int i;

    set.touched = apr_array_make(pool, count + 4, sizeof(char *));
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
    if (!set.touched->nelts && set.standing) {
        oci_store_dir_touch(set.touched, set.standing, pool);
    }
    return durable ? oci_store_dir_sync(fs, set.touched, pool) : APR_SUCCESS;
}
