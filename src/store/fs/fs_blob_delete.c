/* SPDX-License-Identifier: Apache-2.0 */

/* Deletes blobs of an "fs" blob store.  A blob's path follows from its digest,
 * so that a blob that is pushed again has the path of the one that is being
 * deleted.  The file is therefore renamed first, and deleted only when the
 * caller confirms that nobody entered the blob again before that.
 *
 * The new name is used once.  A process that was stopped for so long that its
 * lock ended, and that then continues, cannot delete what another process has
 * renamed meanwhile.  A process that is killed leaves the renamed file, which
 * is put back by the next garbage collection (OCI_STORED_RECOVERED). */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "store/fs/fs_blob_delete.h"

/* Choose a name, such as ".ab01....0123456789abcdef", in the same directory. */
static apr_status_t hidden_path(const char **hidden, const char *path,
                                apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    apr_uint64_t number;
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)&number,
                                                sizeof(number));

    *hidden = apr_psprintf(pool, "%.*s/.%s.%" APR_UINT64_T_HEX_FMT,
                           (int)(slash - path), path, slash + 1, number);
    return rv;
}

apr_status_t oci_fs_blob_restore(const oci_store_dir_t *fs, const char *path,
                                 const char *hidden)
{
    const char *rest = hidden;
    apr_status_t rv = oci_io_rename_new(&rest, path);

    if (rest && (rv == APR_SUCCESS || rv == EEXIST)) {
        rv = unlink(hidden) ? errno : APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? rv : oci_store_dir_classify(fs, rv);
}

apr_status_t oci_fs_blob_delete(const oci_store_dir_t *fs, const char *path,
                                const oci_confirm_t *confirm, apr_pool_t *pool)
{
    const char *hidden = path;
    apr_status_t rv;

    if (confirm) {
        rv = hidden_path(&hidden, path, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (rename(path, hidden)) {
            return oci_store_dir_classify(fs, errno);
        }
        if (!confirm->is_confirmed(confirm->baton)) {
            rv = oci_fs_blob_restore(fs, path, hidden);
            return rv == APR_SUCCESS || rv == APR_NOTFOUND ? APR_EBUSY : rv;
        }
    }
    return unlink(hidden) ? oci_store_dir_classify(fs, errno) : APR_SUCCESS;
}
