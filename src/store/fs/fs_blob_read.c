/* SPDX-License-Identifier: Apache-2.0 */

/* Locators of an "fs" blob store, and how blobs are read. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_strings.h"

#include "store/fs/fs_blob_read.h"
#include "values/digest.h"

const char *oci_fs_locator(const char *digest, apr_pool_t *pool)
{
    const char *colon = strchr(digest, ':');

    return apr_psprintf(pool, "blobs/%.*s/%.2s/%s", (int)(colon - digest),
                        digest, colon + 1, colon + 1);
}

const char *oci_fs_blob_path(const oci_store_dir_t *fs, const char *locator,
                             apr_pool_t *pool)
{
    const char *hex = strrchr(locator, '/');
    const char *algorithm = strchr(locator, '/');
    const char *digest;

    if (!hex || hex - algorithm < 4) {
        return NULL;
    }
    digest = apr_psprintf(pool, "%.*s:%s", (int)(hex - algorithm - 4),
                          algorithm + 1, hex + 1);
    if (!oci_digest_valid(digest)
        || strcmp(locator, oci_fs_locator(digest, pool)) != 0) {
        return NULL;
    }
    return apr_pstrcat(pool, fs->root, "/", locator, NULL);
}

/* Classify a failure.  An unreadable file is absent if a push can replace it.
 */
static apr_status_t absent(const oci_store_dir_t *fs, const char *path,
                           apr_status_t rv, apr_pool_t *pool)
{
    if (rv == EACCES
        && !faccessat(AT_FDCWD, oci_io_parent(path, pool), W_OK | X_OK,
                      AT_EACCESS)) {
        return APR_NOTFOUND;
    }
    return oci_store_dir_classify(fs, rv);
}

apr_status_t oci_fs_blob_open(oci_blob_source_t *source,
                              const oci_store_dir_t *fs, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    const char *path = oci_fs_blob_path(fs, locator, pool);
    apr_file_t *file;
    apr_status_t rv;

    if (!path) {
        return APR_NOTFOUND;
    }
    rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | flags,
                       0, pool);
    if (rv != APR_SUCCESS) {
        return absent(fs, path, rv, pool);
    }
    rv = apr_file_info_get(&finfo, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
    if (rv != APR_SUCCESS || finfo.filetype != APR_REG) {
        apr_file_close(file);
        return rv != APR_SUCCESS ? rv : APR_NOTFOUND;
    }
    source->file = file;
    source->size = finfo.size;
    source->url = NULL;
    return APR_SUCCESS;
}

apr_status_t oci_fs_blob_size(apr_off_t *size, const oci_store_dir_t *fs,
                              const char *locator, apr_pool_t *pool)
{
    const char *path = oci_fs_blob_path(fs, locator, pool);
    apr_finfo_t finfo;
    apr_status_t rv;

    if (!path) {
        return APR_NOTFOUND;
    }
    rv = apr_stat(&finfo, path, APR_FINFO_SIZE | APR_FINFO_TYPE, pool);
    if (rv == APR_SUCCESS && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS)) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {
        return absent(fs, path, rv, pool);
    }
    *size = finfo.size;
    return finfo.filetype == APR_REG ? APR_SUCCESS : APR_NOTFOUND;
}
