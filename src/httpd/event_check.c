/* SPDX-License-Identifier: Apache-2.0 */

/* Checks of the targets of OCIEventLog that need not open them, so that "httpd
 * -t" can make them, too. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/event_check.h"

#define MOST_LINKS 40 /* as many as Linux follows */

/* Say what the system says about a path. */
static const char *refusal(const char *what, const char *path, int error,
                           apr_pool_t *pool)
{
    char text[128];

    return apr_psprintf(pool, "%s %s: %s", what, path,
                        apr_strerror(error, text, sizeof(text)));
}

/* Resolve the links in a path; what does not exist stays as it is. */
static const char *resolve(const char *path, apr_pool_t *pool)
{
    char resolved[PATH_MAX];

    return apr_pstrdup(pool, realpath(path, resolved) ? resolved : path);
}

/* Follow a link to a file that does not exist: it is created there. */
static const char *follow(const char *path, apr_pool_t *pool)
{
    char target[PATH_MAX];
    ssize_t size;
    int links = 0;

    while (access(path, F_OK) && links++ < MOST_LINKS
           && (size = readlink(path, target, sizeof(target) - 1)) > 0) {
        target[size] = '\0';
        path = *target == '/'
            ? apr_pstrdup(pool, target)
            : apr_pstrcat(pool, ap_make_dirstr_parent(pool, path), target,
                          NULL);
    }
    return path;
}

/* Return the path of a file, which need not exist, without links. */
static const char *resolve_file(const char *path, apr_pool_t *pool)
{
    const char *name = ap_strrchr_c(path, '/');
    const char *directory;

    if (!access(path, F_OK)) {
        return resolve(path, pool);
    }
    directory = resolve(ap_make_dirstr_parent(pool, path), pool);
    return apr_pstrcat(pool, directory, name, NULL);
}

/* Whether the end of a name is that of a file that an index keeps beside its
 * own: dbm (also logs, which have numbers) and SQLite. */
static int is_companion(const char *end)
{
    static const char *const ends[] = { ".new", ".lock", ".locks",   ".room",
                                        "-wal", "-shm",  "-journal", NULL };
    int i = 0;

    while (ends[i] && strcmp(ends[i], end)) {
        i++;
    }
    return ends[i] || (end[0] == '.' && apr_isdigit(end[1]));
}

/* Whether a file belongs to a store: it is in the store's directory, or it has
 * the name of the store's file, or that of one of its companions.
 * @param where Of the store; not a path for a database server */
static int belongs(const char *path, const char *where, apr_pool_t *pool)
{
    const char *store = *where == '/' ? resolve(where, pool) : where;
    apr_size_t length = strlen(store);
    struct stat info;

    if (*store != '/' || strncmp(path, store, length) != 0) {
        return 0;
    }
    if (path[length] == '/' || path[length] == '\0') {
        return 1;
    }
    return is_companion(path + length) && !stat(store, &info)
        && S_ISREG(info.st_mode);
}

static const char *check_store(const char *path, const char *kind,
                               const char *where, apr_pool_t *pool)
{
    return belongs(path, where, pool)
        ? apr_psprintf(pool,
                       "it would be among the files of the %s %s; choose a "
                       "directory that only the user that starts httpd can "
                       "write to",
                       kind, where)
        : NULL;
}

/* Check that a file is not among those of a store. */
static const char *check_stores(const char *path, const server_rec *s,
                                apr_pool_t *pool)
{
    const char *error = NULL;
    int i;

    for (; s; s = s->next) {
        const apr_array_header_t *sections = oci_config_of_server(s)->sections;

        for (i = 0; i < sections->nelts && !error; i++) {
            const oci_config_t *config = APR_ARRAY_IDX(sections, i,
                                                       oci_config_t *);
            const oci_index_t *index = oci_config_index(config);

            if (config->blobs) {
                error = check_store(path, "blob store", config->blobs->where,
                                    pool);
            }
            if (!error && index) {
                error = check_store(path, "index", index->where, pool);
            }
        }
    }
    return error;
}

/* Whether a file is the output of this process: for the httpd that is to write
 * events, /dev/stdout may be another file. */
static int is_standard(const struct stat *file)
{
    struct stat own;
    int fd;

    for (fd = 1; fd <= 2; fd++) {
        if (!fstat(fd, &own) && own.st_dev == file->st_dev
            && own.st_ino == file->st_ino) {
            return 1;
        }
    }
    return 0;
}

static const char *check_file(const char *target, const server_rec *main_server,
                              apr_pool_t *pool)
{
    const char *path = follow(target, pool);
    const char *directory = ap_make_dirstr_parent(pool, path);
    const char *error = check_stores(resolve_file(path, pool), main_server,
                                     pool);
    struct stat file;

    if (error) {
        return error;
    }
    if (!stat(path, &file)) {
        return S_ISREG(file.st_mode) || is_standard(&file)
            ? NULL
            : OCI_EVENT_NOT_A_FILE;
    }
    if (access(directory, F_OK)) {
        return refusal("it needs the directory", directory, errno, pool);
    }
    return access(directory, W_OK | X_OK)
        ? refusal("it cannot be created in", directory, errno, pool)
        : NULL;
}

/* Check that a program exists, unless a shell is to find it.  httpd starts it
 * in its ServerRoot, and does not look into PATH. */
static const char *check_program(const char *command, apr_pool_t *pool)
{
    int by_shell = *command == '$';
    const char *path;
    struct stat file;
    char **words;

    command += by_shell || *command == '|';
    if (apr_tokenize_to_argv(command, &words, pool) != APR_SUCCESS
        || !words[0]) {
        return "it names no program";
    }
    path = by_shell ? NULL : ap_server_root_relative(pool, words[0]);
    if (!path) {
        return NULL;
    }
    if (access(path, X_OK)) {
        return refusal("it needs the program", path, errno, pool);
    }
    return !stat(path, &file) && S_ISDIR(file.st_mode)
        ? refusal("it needs the program", path, EISDIR, pool)
        : NULL;
}

const char *oci_event_check(const char *target, const server_rec *main_server,
                            apr_pool_t *pool)
{
    return *target == '|' ? check_program(target + 1, pool)
                          : check_file(target, main_server, pool);
}
