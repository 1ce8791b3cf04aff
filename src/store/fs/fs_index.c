/* SPDX-License-Identifier: Apache-2.0 */

/* The index "fs": its provider functions.  Below DIR, its location:
 *
 *     index/.version           "mod_oci index 2" LF
 *     index/.locks             named locks, see file_lock.c
 *     index/.empty             the file of all facts without a value
 *     index/.tmp/...           temporaries: values that are being written
 *     index/repo/a/_tag/v1     a fact: the key is the path
 *
 * A value is stored in the cheapest form that can hold it:
 *
 *     nothing                             a link of .empty
 *     1..1023 printable bytes, no space   a symbolic link with that target, if
 *                                         a sync keeps it or none is needed
 *     any other value                     a file
 *
 * A fact is created, replaced and deleted by one operation of the file system,
 * and is never changed in place.  Directories are created for their first entry
 * and removed with their last one, except those directly in index/. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "store/access.h"
#include "store/fs/fs_change.h"
#include "store/file_lock.h"
#include "store/fs/fs_entries.h"
#include "store/store_dir.h"
#include "store/fs/fs_index.h"
#include "store/fs/fs_listing.h"

/* The size of the cache of listings, in bytes. */
#define CACHE_SIZE (64 * 1024 * 1024)

static const oci_store_form_t form = { "mod_oci index", 2 };

typedef struct fs_index_t {
    oci_index_t base;
    oci_store_dir_t fs;
    const char *lock_file;
    const char *old_lock_file; /* of version 1 */
    int no_raise;
    oci_fs_listings_t *listings;
} fs_index_t;

/* The state of a scan: the entries so far, and the directory that it is in. */
typedef struct walk_t {
    oci_index_t *index;
    int limit;
    int values;
    apr_array_header_t *entries;
    apr_pool_t *pool;
    const char *key; /* the key: the part of path below the index */
    char path[4096];
} walk_t;

static const oci_store_dir_t *fs_of(const oci_index_t *index)
{
    return &((const fs_index_t *)index)->fs;
}

static const char *create(oci_index_t **index, const oci_store_config_t *config,
                          apr_pool_t *pool)
{
    fs_index_t *self = apr_pcalloc(pool, sizeof(*self));
    const char *error = oci_store_dir_locate(&self->fs, config, "index", pool);

    if (error) {
        return error;
    }
    if (oci_fs_listings_create(&self->listings, CACHE_SIZE, pool)) {
        return "cannot create a mutex";
    }
    self->lock_file = apr_pstrcat(pool, self->fs.top, "/.locks", NULL);
    self->old_lock_file = apr_pstrcat(pool, self->fs.top, "/.lock", NULL);
    self->no_raise = config->no_raise;
    self->base.provider = &oci_index_fs;
    self->base.where = self->fs.top;
    *index = &self->base;
    return NULL;
}

static const char *const directories[] = { "index", "index/.tmp", NULL };

static const char *check(oci_index_t *index, apr_pool_t *pool)
{
    const fs_index_t *self = (const fs_index_t *)index;
    const char *error = oci_store_dir_check(&self->fs, directories, &form,
                                            pool);
    const char *path = access(self->lock_file, F_OK) ? self->old_lock_file
                                                     : self->lock_file;

    return error || access(path, F_OK) ? error
                                       : oci_access_check_file(path, pool);
}

/* Raise an index of version 1 to ours.  The lock file is renamed before the
 * version is written: a process that runs the code of version 1 must not change
 * an index that has our version. */
static const char *start(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    fs_index_t *self = (fs_index_t *)index;
    const char *error;
    apr_status_t rv;

    (void)uid;
    (void)gid;
    error = self->no_raise
        ? oci_file_lock_refuse_old(self->old_lock_file, self->lock_file, pool)
        : NULL;
    if (!error) {
        error = oci_store_dir_start(&self->fs, directories, &form, pool);
    }
    if (!error) {
        error = oci_file_lock_rename(self->old_lock_file, self->lock_file,
                                     pool);
    }
    if (!error) {
        error = oci_io_make_file(self->lock_file, pool);
    }
    if (!error) {
        error = oci_access_check_file(self->lock_file, pool);
    }
    if (error) {
        return error;
    }
    rv = oci_file_lock_prepare(self->lock_file, pool);
    if (rv != APR_SUCCESS) {
        return oci_io_failure("use", self->lock_file, rv, pool);
    }
    error = oci_store_dir_raise(&self->fs, &form, pool);
    if (error) {
        return error;
    }
    oci_io_remove_temporaries(apr_pstrcat(pool, self->fs.top, "/.tmp", NULL),
                              "", pool);
    return NULL;
}

static const char *path_of(const oci_store_dir_t *fs, const char *key,
                           apr_pool_t *pool)
{
    return apr_pstrcat(pool, fs->top, "/", key, NULL);
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    const oci_store_dir_t *fs = fs_of(index);
    const char *path = path_of(fs, key, pool);
    char target[OCI_TARGET_MAX + 1];
    apr_status_t rv;
    ssize_t length;

    if (!value) {
        struct stat st;

        rv = lstat(path, &st) ? errno : APR_SUCCESS;
        if (rv == APR_SUCCESS && S_ISDIR(st.st_mode)) {
            rv = ENOENT;
        }
        return rv != APR_SUCCESS ? oci_store_dir_classify(fs, rv) : APR_SUCCESS;
    }
    /* Try first what most entries of this file system are. */
    rv = fs->traits & OCI_IO_LINKS ? ELOOP : oci_io_read(value, path, pool);
    while (rv == ELOOP) {
        length = readlink(path, target, sizeof(target));
        if (length > OCI_TARGET_MAX) {
            return APR_EINVAL;
        }
        if (length >= 0) {
            value->data = apr_pstrmemdup(pool, target, length);
            value->size = length;
            return APR_SUCCESS;
        }
        if (errno != EINVAL) {
            rv = errno;
            break;
        }
        rv = oci_io_read(value, path, pool); /* it is not a symbolic link */
    }
    return rv != APR_SUCCESS ? oci_store_dir_classify(fs, rv) : APR_SUCCESS;
}

/* Get a value that is nearly always empty.  Then lstat(2) tells it. */
static apr_status_t get_probably_empty(oci_value_t *value, oci_index_t *index,
                                       const char *key, apr_pool_t *pool)
{
    struct stat st;

    if (!lstat(path_of(fs_of(index), key, pool), &st) && S_ISREG(st.st_mode)
        && !st.st_size) {
        value->data = "";
        value->size = 0;
        return APR_SUCCESS;
    }
    return get(value, index, key, pool);
}

static apr_status_t follow(oci_index_t *index, oci_follow_t *facts,
                           apr_pool_t *pool)
{
    oci_value_t *value = &facts->value;
    apr_status_t rv = facts->is_empty
        ? get_probably_empty(value, index, facts->key, pool)
        : get(value, index, facts->key, pool);
    const char *key;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    key = apr_psprintf(pool, "%s%.*s", facts->prefix,
                       (int)strcspn(value->data, ";"), value->data);
    rv = get(&facts->target, index, key, pool);
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    return oci_fs_change_apply(fs_of(index), changes, count, durable, pool);
}

static int is_full(const walk_t *walk)
{
    return walk->limit > 0 && walk->entries->nelts >= walk->limit;
}

/* Add the entry of this name in the current directory. */
static apr_status_t add_entry(walk_t *walk, const char *name)
{
    oci_entry_t entry = { apr_pstrcat(walk->pool, walk->key, name, NULL),
                          { NULL, 0 } };
    apr_status_t rv = APR_SUCCESS;

    if (walk->values) {
        rv = get(&entry.value, walk->index, entry.key, walk->pool);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(walk->entries, oci_entry_t) = entry;
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

static apr_status_t walk_dir(walk_t *walk, apr_size_t length,
                             const char *after);

/* Add the entry of this name, or the entries below it if it is a directory. */
static apr_status_t add_name(walk_t *walk, apr_size_t length, const char *name,
                             const char *after)
{
    apr_size_t size = strlen(name);
    apr_status_t rv;

    if (name[size - 1] != '/') {
        return after && !strcmp(name, after) ? APR_SUCCESS
                                             : add_entry(walk, name);
    }
    if (length + size >= sizeof(walk->path)) {
        return APR_ENAMETOOLONG;
    }
    memcpy(walk->path + length, name, size + 1);
    rv = walk_dir(walk, length + size,
                  after && !strncmp(name, after, size) ? after + size : NULL);
    walk->path[length] = '\0';
    return rv;
}

/* Add the entries of the directory walk->path, whose length is given. */
static apr_status_t walk_dir(walk_t *walk, apr_size_t length, const char *after)
{
    oci_fs_listing_range_t range = { walk->path, after, 0, 0 };
    const char *slash = after ? strchr(after, '/') : NULL;
    apr_array_header_t *names;
    apr_status_t rv;
    int more, i;

    if (slash) {
        /* Do not skip the directory that contains after. */
        range.after = apr_pstrmemdup(walk->pool, after, slash + 1 - after);
    }
    do {
        range.limit = walk->limit > 0 ? walk->limit - walk->entries->nelts : 0;
        rv = oci_fs_listing_read(&names, &more,
                                 ((fs_index_t *)walk->index)->listings, &range,
                                 walk->pool);
        if (rv != APR_SUCCESS) {
            rv = oci_store_dir_classify(fs_of(walk->index), rv);
            return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
        }
        for (i = 0; i < names->nelts && !is_full(walk) && rv == APR_SUCCESS;
             i++) {
            range.after = APR_ARRAY_IDX(names, i, const char *);
            range.past = 1;
            rv = add_name(walk, length, range.after, after);
        }
    } while (more && rv == APR_SUCCESS && !is_full(walk));
    return rv;
}

/* Return the status of visits that have ended with another one.  A directory
 * that does not exist has no entries. */
static apr_status_t end_visits(const oci_index_t *index, apr_status_t rv)
{
    rv = oci_store_dir_classify(fs_of(index), rv);
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

static apr_status_t end_with_entry(void *baton, apr_pool_t *pool)
{
    apr_status_t rv = add_entry(baton, "");

    (void)pool;
    return rv == APR_SUCCESS ? APR_EOF : rv;
}

/* Add any entry below the current directory, without reading all of the others:
 * there may be very many. */
static apr_status_t add_any_entry(walk_t *walk)
{
    apr_status_t rv = oci_fs_entries_visit(walk->path, sizeof(walk->path),
                                           end_with_entry, walk, walk->pool);

    return rv == APR_EOF ? APR_SUCCESS : end_visits(walk->index, rv);
}

/* Begin a walk in the directory of a range. */
static apr_status_t begin_walk(walk_t *walk, oci_index_t *index,
                               const oci_scan_t *range, apr_pool_t *pool)
{
    apr_size_t length = strlen(index->where) + 1 + strlen(range->prefix);

    if (length >= sizeof(walk->path)) {
        return APR_ENAMETOOLONG;
    }
    apr_snprintf(walk->path, sizeof(walk->path), "%s/%s", index->where,
                 range->prefix);
    walk->key = walk->path + length - strlen(range->prefix);
    walk->index = index;
    walk->limit = range->limit;
    walk->values = range->values;
    walk->pool = pool;
    return APR_SUCCESS;
}

static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    walk_t walk;
    apr_status_t rv = begin_walk(&walk, index, range, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    walk.entries = apr_array_make(pool,
                                  range->limit > 0 && range->limit < 128
                                      ? range->limit
                                      : 128,
                                  sizeof(oci_entry_t));
    *entries = walk.entries;
    return range->any && !range->after
        ? add_any_entry(&walk)
        : walk_dir(&walk, strlen(walk.path), range->after);
}

/* The visits of a range. */
typedef struct range_visits_t {
    walk_t walk;
    oci_entry_visit_t *visit;
    void *baton;
} range_visits_t;

static apr_status_t visit_entry(void *baton, apr_pool_t *pool)
{
    range_visits_t *visits = baton;
    oci_entry_t entry = { visits->walk.key, { NULL, 0 } };
    apr_status_t rv = APR_SUCCESS;

    if (visits->walk.values) {
        rv = get(&entry.value, visits->walk.index, entry.key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = visits->visit(visits->baton, &entry, pool);
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

static apr_status_t visit(oci_index_t *index, const oci_scan_t *range,
                          oci_entry_visit_t *visit, void *baton,
                          apr_pool_t *pool)
{
    range_visits_t visits = { .visit = visit, .baton = baton };
    apr_status_t rv = begin_walk(&visits.walk, index, range, pool);

    if (rv == APR_SUCCESS && !oci_io_keeps_positions(index->where)) {
        return APR_ENOTIMPL;
    }
    if (rv == APR_SUCCESS) {
        rv = oci_fs_entries_visit(visits.walk.path, sizeof(visits.walk.path),
                                  visit_entry, &visits, pool);
    }
    return end_visits(index, rv);
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    return oci_file_lock_take(result, ((fs_index_t *)index)->lock_file, name,
                              kind, pool);
}

const oci_index_provider_t oci_index_fs = {
    create, start, get,   apply, scan, lock, oci_file_lock_release,
    follow, check, visit,
};
