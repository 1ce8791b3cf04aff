/* SPDX-License-Identifier: Apache-2.0 */

/* A look at a credentials file when the server starts. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setgroups */
#endif

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_strings.h"
#include "apr_user.h"

#include "mod_oci.h"
#include "s3/s3_key_check.h"
#include "s3/s3_key_source.h"

/* What a user lacks to read a file. */
typedef enum { LACKS_NOTHING, LACKS_FILE, LACKS_WAY } lack_e;

static lack_e find_own_lack(const char *path)
{
    struct stat st;

    if (stat(path, &st)) {
        return errno == EACCES ? LACKS_WAY : LACKS_NOTHING;
    }
    return access(path, R_OK) && errno == EACCES ? LACKS_FILE : LACKS_NOTHING;
}

/* Find out in a child process what another user lacks.
 * name: that of the user, or NULL */
static lack_e find_lack_of(const oci_s3_reader_t *reader, const char *name,
                           const char *path)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int failed = name ? initgroups(name, reader->gid)
                          : setgroups(1, &reader->gid);

        _exit(failed || setgid(reader->gid) || setuid(reader->uid)
                  ? LACKS_NOTHING
                  : find_own_lack(path));
    }
    while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) ? (lack_e)WEXITSTATUS(status)
                                        : LACKS_NOTHING;
}

static const char *explain(lack_e lack, const char *user, const char *path,
                           apr_pool_t *pool)
{
    switch (lack) {
    case LACKS_FILE:
        return apr_psprintf(pool,
                            "the user %s cannot read %s, so requests for blobs "
                            "fail: run \"chown %s %s\" and \"chmod 0400 %s\"",
                            user, path, user, path, path);
    case LACKS_WAY:
        return apr_psprintf(pool,
                            "the user %s may not search a directory on the way "
                            "to %s, so requests for blobs fail: allow that "
                            "with \"chmod a+x\", or name a file in another "
                            "directory",
                            user, path);
    default:
        return NULL;
    }
}

/* Find out whether the reader can read the file. */
static const char *check_reader(const oci_s3_reader_t *reader, lack_e own,
                                const char *path, apr_pool_t *pool)
{
    uid_t uid = getuid() ? getuid() : reader->uid;
    char *name = NULL;
    lack_e lack = own;

    if (apr_uid_name_get(&name, uid, pool) != APR_SUCCESS) {
        name = NULL;
    }
    if (!getuid()) {
        lack = find_lack_of(reader, name, path);
    }
    return explain(lack,
                   name ? name : apr_psprintf(pool, "#%lu", (unsigned long)uid),
                   path, pool);
}

void oci_s3_key_check(oci_s3_key_check_t *found,
                      const oci_s3_settings_t *settings,
                      const oci_s3_reader_t *reader, apr_pool_t *pool)
{
    const char *path = settings->credentials_file;
    oci_s3_key_query_t query = { settings, NULL, 0, pool };
    lack_e own = find_own_lack(path);
    oci_s3_keys_t keys;
    void *reason = NULL;

    found->problem = found->warning = NULL;
    if (own == LACKS_NOTHING
        && oci_s3_keys_of_file(&keys, &query) != APR_SUCCESS) {
        apr_pool_userdata_get(&reason, OCI_REASON, pool);
        found->problem = reason;
        return;
    }
    found->warning = check_reader(reader, own, path, pool);
}
