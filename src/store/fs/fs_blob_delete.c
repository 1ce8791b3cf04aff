/* SPDX-License-Identifier: Apache-2.0 */

/* Deletes blobs of an "fs" blob store.  A blob's path follows from its digest,
 * so that a blob that is pushed again has the path of the one that is being
 * deleted.  The file is therefore renamed first, and deleted only when the
 * caller confirms that nobody entered the blob again before that.  A process
 * that is killed in between leaves the renamed file, which is put back when the
 * blobs are listed. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "store/fs/fs_blob_delete.h"

static const char *hidden_path(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    return apr_psprintf(pool, "%.*s/.%s", (int)(slash - path), path, slash + 1);
}

apr_status_t oci_fs_blob_restore(const oci_store_dir_t *fs, const char *path,
                                 apr_pool_t *pool)
{
    const char *hidden = hidden_path(path, pool);
    const char *rest = hidden;
    apr_status_t rv = oci_io_rename_new(&rest, path);

    if (rest && (rv == APR_SUCCESS || rv == EEXIST)) {
        rv = unlink(hidden) ? errno : APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? rv : oci_store_dir_classify(fs, rv);
}

apr_status_t oci_fs_blob_delete(const oci_store_dir_t *fs, const char *locator,
                                const oci_confirm_t *confirm, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, fs->root, "/", locator, NULL);
    const char *hidden = path;

    if (confirm) {
        hidden = hidden_path(path, pool);
        if (rename(path, hidden)) {
            return oci_store_dir_classify(fs, errno);
        }
        if (!confirm->is_confirmed(confirm->baton)) {
            apr_status_t rv = oci_fs_blob_restore(fs, path, pool);

            return rv == APR_SUCCESS || rv == APR_NOTFOUND ? APR_EBUSY : rv;
        }
    }
    return unlink(hidden) ? oci_store_dir_classify(fs, errno) : APR_SUCCESS;
}
