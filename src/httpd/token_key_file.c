/* SPDX-License-Identifier: Apache-2.0 */

/* The file that OCITokenKey names: it is read, or created with a new key. */

#include <errno.h>
#include <string.h>

#include "apr_file_io.h"
#include "apr_strings.h"

#include "httpd/token_key_file.h"
#include "store/access.h"

/* The largest key file, in bytes. */
#define FILE_MAX (64 * 1024)

static const char *failure_text(const char *action, const char *path,
                                apr_status_t rv, apr_pool_t *pool)
{
    char reason[120];

    return apr_psprintf(pool, "cannot %s %s: %s", action, path,
                        apr_strerror(rv, reason, sizeof(reason)));
}

static const char *make_file(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t rv;
    const char *pem;
    const char *error = oci_key_set_make(&pem, pool);

    if (error) {
        return error;
    }
    rv = apr_file_open(&file, path,
                       APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL,
                       APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);
    if (APR_STATUS_IS_EEXIST(rv)) {
        return NULL;
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_write_full(file, pem, strlen(pem), NULL);
        apr_file_close(file);
        if (rv != APR_SUCCESS) {
            apr_file_remove(path, pool);
        }
    }
    return rv == APR_SUCCESS ? NULL : failure_text("create", path, rv, pool);
}

static const char *read_file(oci_key_set_t **keys, const char *path, int make,
                             apr_pool_t *pool)
{
    apr_file_t *file;
    char *text = NULL;
    apr_size_t size = FILE_MAX;
    const char *error;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ,
                                    APR_FPROT_OS_DEFAULT, pool);

    if (APR_STATUS_IS_ENOENT(rv) && !make) {
        return oci_access_check_file(path, pool);
    }
    if (APR_STATUS_IS_ENOENT(rv)) {
        if ((error = make_file(path, pool))) {
            return error;
        }
        rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT,
                           pool);
    }
    if (rv == APR_SUCCESS) {
        text = apr_palloc(pool, size + 1);
        rv = apr_file_read_full(file, text, size, &size);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return failure_text("read", path, rv, pool);
    }
    text[size] = '\0';
    error = oci_key_set_read(keys, text, size, pool);
    if (!error) {
        return NULL;
    }
    return strncmp(error, "it ", 3)
        ? apr_psprintf(pool, "%s: %s", path, error)
        : apr_psprintf(pool, "%s %s", path, error + 3);
}

/* Whether httpd's User can change which file a path leads to.  It cannot beyond
 * a directory that it may not search. */
static int is_exposed(const char *path, const oci_owner_t *user,
                      apr_pool_t *pool)
{
    oci_owner_caller_t caller;
    int exposed = oci_owner_enter(&caller, user, pool) != APR_SUCCESS
        || (caller.changed && oci_owner_check_path(path) == EPERM);

    oci_owner_leave(&caller);
    return exposed;
}

const char *oci_token_key_file_read(oci_key_set_t **keys, const char *path,
                                    int make, const oci_owner_t *user,
                                    apr_pool_t *pool)
{
    oci_owner_caller_t caller;
    const char *error;
    apr_status_t rv;

    if (!is_exposed(path, user, pool)) {
        return read_file(keys, path, make, pool);
    }
    /* As this user, a link that it planted leads only to what it can read. */
    rv = oci_owner_enter(&caller, user, pool);
    error = rv == APR_SUCCESS
        ? read_file(keys, path, make, pool)
        : failure_text("act as", "httpd's User", rv, pool);
    oci_owner_leave(&caller);
    return error ? apr_pstrcat(pool, error,
                               "; httpd's User can write to a directory on "
                               "the path to the file, so the file is read as "
                               "that user: let that user own the file, or "
                               "move it to a directory that only root can "
                               "write to",
                               NULL)
                 : NULL;
}
