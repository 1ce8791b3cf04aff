/* SPDX-License-Identifier: Apache-2.0 */

/* Lists what an "fs" blob store holds.  fs_blobs.c shows its files.  They are
 * read one directory at a time: a digest spreads the blobs of an algorithm over
 * 256 of them. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "apr_strings.h"

#include "store/fs/fs_blob_delete.h"
#include "store/fs/fs_blob_list.h"
#include "store/fs/fs_entries.h"
#include "values/digest.h"

#define UPLOAD_ID       "0123456789abcdefghijklmnopqrstuvwxyz-"
#define UPLOAD_ID_MAX   64
#define DIRECTORY_LEVEL 2 /* that of blobs/sha256/ab/ */

typedef struct blob_list_t {
    const oci_store_dir_t *fs;
    const oci_fs_blob_range_t *range;
    apr_array_header_t *entries;
} blob_list_t;

static int is_full(const blob_list_t *list)
{
    return list->entries->nelts >= list->range->limit;
}

static oci_stored_t *add_entry(blob_list_t *list, const char *name)
{
    oci_stored_t *entry = apr_array_push(list->entries);

    memset(entry, 0, sizeof(*entry));
    entry->name = apr_pstrdup(list->entries->pool, name);
    return entry;
}

/* Add a file; APR_NOTFOUND if it was removed, or is not a regular file. */
static apr_status_t add_file(blob_list_t *list, const char *name,
                             const char *path)
{
    oci_stored_t *entry;
    struct stat st;

    if (lstat(path, &st)) {
        return oci_store_dir_classify(list->fs, errno);
    }
    if (!S_ISREG(st.st_mode)) {
        return APR_NOTFOUND;
    }
    entry = add_entry(list, name);
    entry->size = st.st_size;
    entry->changed = apr_time_make(st.st_mtim.tv_sec,
                                   st.st_mtim.tv_nsec / 1000);
    return APR_SUCCESS;
}

/* Add a blob, whose locator has the form of its digest.  If its size is not
 * wanted, its name is enough. */
static apr_status_t add_blob(blob_list_t *list, const char *locator,
                             const char *path)
{
    const char *algorithm = locator + strlen("blobs/");
    apr_array_header_t *entries = list->entries;
    apr_status_t rv = APR_SUCCESS;

    if (list->range->kind == OCI_STORED_RECOVERED) {
        add_entry(list, locator);
    }
    else {
        rv = add_file(list, locator, path);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_IDX(entries, entries->nelts - 1, oci_stored_t)
            .digest = apr_psprintf(entries->pool, "%.*s:%s",
                                   (int)strcspn(algorithm, "/"), algorithm,
                                   strrchr(locator, '/') + 1);
    }
    return rv;
}

/* Whether the blob that was added last has this locator. */
static int is_last(const blob_list_t *list, const char *locator)
{
    int count = list->entries->nelts;

    return count
        && !strcmp(APR_ARRAY_IDX(list->entries, count - 1, oci_stored_t).name,
                   locator);
}

/* Put back a file whose deletion did not come to its end, and add its blob if
 * it was not added yet.  A deletion may be under way, unless the caller says
 * that there is none.
 * path: that of the blob */
static apr_status_t add_hidden(blob_list_t *list, const char *locator,
                               const char *path, const char *hidden)
{
    apr_status_t rv = list->range->kind == OCI_STORED_RECOVERED
        ? oci_fs_blob_restore(list->fs, path, hidden)
        : APR_NOTFOUND;

    return rv != APR_SUCCESS || is_last(list, locator)
        ? APR_NOTFOUND
        : add_blob(list, locator, path);
}

/* Whether a name has its form: at level 0 "sha256/", at level 1 "ab/", and
 * below them the hex digits of a digest, in their directory. */
static int is_valid(const char *dir, const char *name, int level,
                    apr_pool_t *pool)
{
    const char *algorithm = dir + strlen("blobs/");
    const char *slash = strchr(name, '/');
    oci_algorithm_e found;

    if (level == 0) {
        return slash
            && !oci_algorithm_parse(&found,
                                    apr_pstrmemdup(pool, name, slash - name));
    }
    if (level == 1) {
        return slash == name + 2 && strspn(name, "0123456789abcdef") == 2;
    }
    slash = strchr(algorithm, '/');
    return !strncmp(name, slash + 1, 2)
        && oci_digest_valid(apr_psprintf(pool, "%.*s:%s",
                                         (int)(slash - algorithm), algorithm,
                                         name));
}

/* Whether a name in a directory, and everything below it, is not greater than
 * the name that the range comes after. */
static int is_before(const blob_list_t *list, const char *dir, const char *name,
                     int level)
{
    const char *after = list->range->after;
    apr_size_t length = strlen(dir);
    int order = after ? strncmp(dir, after, length) : 1;

    if (order) {
        return order < 0;
    }
    after += length;
    return level < DIRECTORY_LEVEL ? strncmp(name, after, strlen(name)) < 0
                                   : strcmp(name, after) <= 0;
}

/* Read a directory of blobs, which is empty if it was removed. */
static apr_status_t read_dir(oci_fs_entries_t *entries, blob_list_t *list,
                             const char *dir, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, list->fs->root, "/", dir, NULL);
    apr_pool_t *caller = list->entries->pool;
    apr_status_t rv = oci_fs_entries_read_temporaries(entries, path, pool);

    if (rv == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    entries->count = 0;
    rv = oci_store_dir_classify(list->fs, rv);
    if (rv == APR_NOTFOUND) {
        return APR_SUCCESS;
    }
    apr_pool_userdata_setn(oci_io_failure("read", path, rv, caller), OCI_REASON,
                           NULL, caller);
    return rv;
}

/* Add the blobs below a directory, such as "blobs/sha256/", in their order. */
static apr_status_t add_blobs(blob_list_t *list, const char *dir, int level,
                              apr_pool_t *parent)
{
    const char *root = list->fs->root;
    oci_fs_entries_t entries;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, parent);
    int i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = read_dir(&entries, list, dir, pool);
    for (i = 0; i < entries.count && !is_full(list); i++) {
        const char *found = entries.names[i];
        const char *name = level < DIRECTORY_LEVEL
            ? found
            : apr_pstrmemdup(pool, found, strcspn(found, "."));
        const char *path;

        if (is_before(list, dir, name, level)
            || !is_valid(dir, name, level, pool)) {
            continue;
        }
        path = apr_pstrcat(pool, root, "/", dir, name, NULL);
        if (level < DIRECTORY_LEVEL) {
            rv = add_blobs(list, path + strlen(root) + 1, level + 1, pool);
        }
        else if (strcmp(found, name)) {
            rv = add_hidden(list, path + strlen(root) + 1, path,
                            apr_pstrcat(pool, root, "/", dir, ".", found,
                                        NULL));
        }
        else {
            rv = add_blob(list, path + strlen(root) + 1, path);
        }
        if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
            break;
        }
    }
    apr_pool_destroy(pool);
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* Add an upload by its file, or by the temporary if that is all there is. */
static apr_status_t add_upload(blob_list_t *list, const char *dir,
                               const char *id, apr_pool_t *pool)
{
    apr_status_t rv = add_file(list, id, apr_pstrcat(pool, dir, "/", id, NULL));

    if (rv == APR_NOTFOUND) {
        rv = add_file(list, id, apr_pstrcat(pool, dir, "/.", id, NULL));
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

static apr_status_t add_uploads(blob_list_t *list, apr_pool_t *pool)
{
    const char *dir = apr_pstrcat(pool, list->fs->root, "/uploads", NULL);
    const char *after = list->range->after;
    oci_fs_entries_t entries;
    apr_status_t rv = oci_fs_entries_read_temporaries(&entries, dir, pool);
    int i;

    if (rv != APR_SUCCESS) {
        rv = oci_store_dir_classify(list->fs, rv);
        return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
    }
    for (i = 0; rv == APR_SUCCESS && i < entries.count && !is_full(list); i++) {
        const char *id = entries.names[i];
        apr_size_t length = strlen(id);

        if ((!after || strcmp(id, after) > 0) && length
            && length <= UPLOAD_ID_MAX && strspn(id, UPLOAD_ID) == length) {
            rv = add_upload(list, dir, id, pool);
        }
    }
    return rv;
}

apr_status_t oci_fs_blob_list(apr_array_header_t **entries,
                              const oci_store_dir_t *fs,
                              const oci_fs_blob_range_t *range,
                              apr_pool_t *pool)
{
    blob_list_t list = { fs, range, NULL };
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *entries = list.entries = apr_array_make(pool, 16, sizeof(oci_stored_t));
    rv = range->kind == OCI_STORED_UPLOADS
        ? add_uploads(&list, scratch)
        : add_blobs(&list, "blobs/", 0, scratch);
    apr_pool_destroy(scratch);
    return rv;
}
