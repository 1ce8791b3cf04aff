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
#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_user.h"

#include "store/access.h"
#include "store/io.h"

/* How many directories in a directory are looked at. */
#define ENTRIES 8

/* How many entries of one are read at most: the index "fs" has a directory with
 * a link for each blob. */
#define READ 256

/* The end of a sentence about a path whose mode would allow its use. */
#define FORBIDDEN_OTHERWISE                                                    \
    ": look for what else forbids it, such as SELinux, AppArmor or an access " \
    "control list"

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

/* Say that a directory on the path to a file or directory is closed. */
static const char *explain_closed(const char *path, const char *closed,
                                  const struct stat *st, apr_pool_t *pool)
{
    const char *problem =
        apr_psprintf(pool,
                     "the user %s cannot use %s, because it may not search "
                     "the directory %s, which has the owner %s and mode %04o",
                     name_of_user(geteuid(), pool), path, closed,
                     name_of_user(st->st_uid, pool), st->st_mode & 07777);

    return st->st_mode & S_IXOTH
        ? apr_pstrcat(pool, problem, FORBIDDEN_OTHERWISE, NULL)
        : apr_psprintf(pool,
                       "%s: run \"chmod a+x %s\", or configure another path",
                       problem, closed);
}

/* Say that a link on the path leads through a closed directory. */
static const char *explain_link(const char *path, const char *link,
                                apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "the user %s cannot use %s, because the link %s leads "
                        "through a directory that this user may not search: "
                        "allow that with chmod o+x or setfacl, or configure "
                        "another path",
                        name_of_user(geteuid(), pool), path, link);
}

const char *oci_access_check_way(const char *path, apr_pool_t *pool)
{
    const char *slash = path;

    while ((slash = strchr(slash + 1, '/'))) {
        const char *dir = apr_pstrmemdup(pool, path, slash - path);
        struct stat st;

        if (faccessat(AT_FDCWD, dir, X_OK, AT_EACCESS)) {
            if (errno != EACCES) {
                return NULL;
            }
            return stat(dir, &st) ? explain_link(path, dir, pool)
                                  : explain_closed(path, dir, &st, pool);
        }
    }
    return NULL;
}

/* Explain why access to a path is denied. */
static const char *explain_denial(const char *path, int mode, const char *top,
                                  apr_pool_t *pool)
{
    const char *user = name_of_user(geteuid(), pool);
    const char *problem = oci_access_check_way(path, pool);
    struct stat st;

    if (problem) {
        return problem;
    }
    if (stat(path, &st)) {
        return explain_link(path, path, pool);
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
    return apr_pstrcat(pool, problem, FORBIDDEN_OTHERWISE, NULL);
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

/* Look at the first directories in a directory.  Names of stores begin with a
 * letter or a digit; those of other programs often do not, such as ".snapshot"
 * and "@eaDir".
 * @param below Whether to look into each as well
 * @return What is wrong if all of them cannot be used.  One among several may
 *         be of another program, and does no harm */
static const char *check_entries(const char *dir_path, const char *top,
                                 int below, apr_pool_t *pool)
{
    const char *error = NULL;
    apr_finfo_t entry;
    apr_dir_t *dir;
    int usable = 0, seen = 0, read = 0;

    if (apr_dir_open(&dir, dir_path, pool) != APR_SUCCESS) {
        return NULL;
    }
    while (seen < ENTRIES && read++ < READ
           && apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, dir_path, "/", entry.name, NULL);
        const char *problem = NULL;
        struct stat st;

        if (!apr_isalnum(entry.name[0]) || !strcmp(entry.name, "lost+found")
            || lstat(path, &st) || !S_ISDIR(st.st_mode)) {
            continue;
        }
        seen++;
        if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS)) {
            problem = errno == EACCES
                ? explain_denial(path, R_OK | W_OK | X_OK, top, pool)
                : NULL;
        }
        else if (below) {
            problem = check_entries(path, top, 0, pool);
        }
        usable |= !problem;
        error = problem ? problem : error;
    }
    apr_dir_close(dir);
    return usable ? NULL : error;
}

const char *oci_access_check_below(const char *dir, const char *top,
                                   apr_pool_t *pool)
{
    return check_entries(dir, top, 1, pool);
}

const char *oci_access_not_dir(const char *path, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "%s is not a directory: remove it, or configure "
                        "another path",
                        path);
}

const char *oci_access_check_dir(const char *dir, const char *file,
                                 apr_pool_t *pool)
{
    struct stat st;

    if (!stat(dir, &st)) {
        return S_ISDIR(st.st_mode)
            ? oci_access_check(dir, R_OK | W_OK | X_OK, NULL, pool)
            : oci_access_not_dir(dir, pool);
    }
    return errno == ENOENT
        ? apr_psprintf(pool,
                       "cannot create %s: the directory %s does not exist; "
                       "create it first",
                       file, dir)
        : oci_access_check(dir, F_OK, NULL, pool);
}

const char *oci_access_check_file(const char *path, apr_pool_t *pool)
{
    struct stat st;
    const char *error;

    if (lstat(path, &st)) {
        return oci_access_check_dir(oci_io_parent(path, pool), path, pool);
    }
    error = oci_io_check_file(path, pool);
    return error ? error : oci_access_check(path, R_OK | W_OK, path, pool);
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
