/* SPDX-License-Identifier: Apache-2.0 */

/* The files of a SQLite database. */

#include "apr_strings.h"

#include "store/access.h"
#include "store/dbd/dbd_files.h"
#include "store/dbd/dbd_session.h"
#include "store/file_lock.h"
#include "store/io.h"

#define WRITE "\001write" /* a lock whose name no caller can use */

/* Call a function for a database that is a file, and for the files beside
 * it. */
static const char *each_file(const char *(*call)(const char *path,
                                                 apr_pool_t *pool),
                             const char *file, apr_pool_t *pool)
{
    static const char *const names[] = { "", OCI_DBD_LOCK_FILE,
                                         OCI_DBD_ROOM_FILE };
    const char *error = NULL;
    int i;

    for (i = 0; i < 3 && !error; i++) {
        error = call(apr_pstrcat(pool, file, names[i], NULL), pool);
    }
    return error;
}

/* SQLite also makes temporary files in the directory. */
const char *oci_dbd_files_check(const char *file, apr_pool_t *pool)
{
    const char *error;

    if (!*file) {
        return "DBDParams is missing: add it, with the full path of the "
               "database file";
    }
    if (*file != '/') {
        return apr_psprintf(pool,
                            "DBDParams '%s' is not an absolute path: write the "
                            "full path of the database file",
                            file);
    }
    error = each_file(oci_access_check_file, file, pool);
    return error ? error
                 : oci_access_check_dir(oci_io_parent(file, pool), file, pool);
}

const char *oci_dbd_files_make(const char *file, apr_pool_t *pool)
{
    return each_file(oci_io_make_file, file, pool);
}

apr_status_t oci_dbd_files_lock(oci_lock_t **lock, const char *file,
                                int seconds, apr_pool_t *pool)
{
    return oci_file_lock_take_within(lock,
                                     apr_pstrcat(pool, file, OCI_DBD_LOCK_FILE,
                                                 NULL),
                                     WRITE, apr_time_from_sec(seconds), pool);
}
