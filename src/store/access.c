/* SPDX-License-Identifier: Apache-2.0 */

/* Whether the effective user can use the files of a store. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* AT_EACCESS */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_user.h"

#include "store/access.h"
#include "store/io.h"

/* How many entries of a directory, and of all directories, are looked at. */
#define ENTRIES_EACH 8
#define ENTRIES_ALL  200

typedef struct sample_t {
    const char *top;
    int left; /* of ENTRIES_ALL */
} sample_t;

static const char *name_of_user(uid_t uid, apr_pool_t *pool)
{
    char *name;

    return apr_uid_name_get(&name, uid, pool) == APR_SUCCESS
        ? name
        : apr_psprintf(pool, "#%lu", (unsigned long)uid);
}

static const char *words_of_mode(int mode)
{
    if (mode & W_OK) {
        return "read and change";
    }
    return mode & R_OK ? "read" : "search";
}

/* Explain why access to a path is denied. */
static const char *explain_denial(const char *path, int mode, const char *top,
                                  apr_pool_t *pool)
{
    const char *user = name_of_user(geteuid(), pool);
    const char *problem;
    struct stat st;

    if (stat(path, &st)) {
        return apr_psprintf(pool,
                            "the user %s cannot use %s, because it may not "
                            "search a directory on the path to it: give that "
                            "directory mode 0711 or 0755",
                            user, path);
    }
    problem = apr_psprintf(pool,
                           "the user %s cannot %s %s, which has the owner %s "
                           "and mode %04o",
                           user, words_of_mode(mode), path,
                           name_of_user(st.st_uid, pool), st.st_mode & 07777);
    if (!top) {
        return apr_psprintf(pool,
                            "%s: use a directory that belongs to this user "
                            "and holds nothing else",
                            problem);
    }
    if (st.st_uid != geteuid()) {
        return apr_psprintf(pool, "%s: run \"chown -R %s %s\"", problem, user,
                            top);
    }
    if ((st.st_mode >> 6 & mode) != (unsigned)mode) {
        return apr_psprintf(pool, "%s: run \"chmod -R u+rwX %s\"", problem,
                            top);
    }
    return apr_psprintf(pool,
                        "%s: look for what else forbids it, such as SELinux, "
                        "AppArmor or an access control list",
                        problem);
}

const char *oci_access_check(const char *path, int mode, const char *top,
                             apr_pool_t *pool)
{
    if (!faccessat(AT_FDCWD, path, mode, AT_EACCESS)) {
        return NULL;
    }
    return errno == EACCES ? explain_denial(path, mode, top, pool)
                           : oci_io_failure("use", path, errno, pool);
}

static const char *check_below(sample_t *sample, const char *dir_path,
                               apr_pool_t *pool);

static const char *check_entry(sample_t *sample, const char *path,
                               apr_pool_t *pool)
{
    struct stat st;
    int mode;

    if (lstat(path, &st) || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
        return NULL;
    }
    mode = S_ISDIR(st.st_mode) ? R_OK | W_OK | X_OK : R_OK;
    /* An entry may have been removed meanwhile.  The mode of a single file is
     * no reason not to start. */
    if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) && errno == EACCES
        && (S_ISDIR(st.st_mode) || st.st_uid != geteuid())) {
        return explain_denial(path, mode, sample->top, pool);
    }
    return S_ISDIR(st.st_mode) ? check_below(sample, path, pool) : NULL;
}

static const char *check_below(sample_t *sample, const char *dir_path,
                               apr_pool_t *pool)
{
    const char *error = NULL;
    apr_finfo_t entry;
    apr_dir_t *dir;
    int i = 0;

    if (apr_dir_open(&dir, dir_path, pool) != APR_SUCCESS) {
        return NULL;
    }
    while (!error && i < ENTRIES_EACH && sample->left > 0
           && apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (entry.name[0] != '.' && strcmp(entry.name, "lost+found")) {
            i++;
            sample->left--;
            error = check_entry(sample,
                                apr_pstrcat(pool, dir_path, "/", entry.name,
                                            NULL),
                                pool);
        }
    }
    apr_dir_close(dir);
    return error;
}

const char *oci_access_check_below(const char *dir, const char *top,
                                   apr_pool_t *pool)
{
    sample_t sample = { top, ENTRIES_ALL };

    return check_below(&sample, dir, pool);
}

const char *oci_access_check_file(const char *path, apr_pool_t *pool)
{
    const char *dir = oci_io_parent(path, pool);
    const char *error = oci_io_check_file(path, pool);
    struct stat st;

    if (error) {
        return error;
    }
    if (!lstat(path, &st)) {
        return oci_access_check(path, R_OK | W_OK, path, pool);
    }
    if (stat(dir, &st)) {
        return errno == ENOENT
            ? apr_psprintf(pool,
                           "cannot create %s: the directory %s does not exist; "
                           "create it first",
                           path, dir)
            : oci_io_failure("use", dir, errno, pool);
    }
    return S_ISDIR(st.st_mode)
        ? oci_access_check(dir, R_OK | W_OK | X_OK, NULL, pool)
        : apr_psprintf(pool,
                       "%s is not a directory: remove it, or configure "
                       "another path",
                       dir);
}

int oci_access_is_public(const char *path, apr_pool_t *pool)
{
    mode_t needed = S_IROTH;
    struct stat st;

    for (;; path = oci_io_parent(path, pool), needed = S_IXOTH) {
        if (stat(path, &st) || !(st.st_mode & needed)) {
            return 0;
        }
        if (!strcmp(path, "/")) {
            return 1;
        }
    }
}
