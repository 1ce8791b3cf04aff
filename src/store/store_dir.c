/* SPDX-License-Identifier: Apache-2.0 */

/* The directory of a store: it is created, checked at a start, and synced. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_strings.h"

#include "store/access.h"
#include "store/owner.h"
#include "store/store_dir.h"

#define DIR_MODE   0750
#define SYNCED_MAX 256 /* states of directories that are remembered */

const char *oci_store_dir_resolve(const char **path,
                                  const oci_store_config_t *config,
                                  apr_pool_t *pool)
{
    apr_size_t length;
    char *merged;

    if (apr_filepath_merge(&merged, config->base, config->location,
                           APR_FILEPATH_TRUENAME, pool)
        != APR_SUCCESS) {
        return apr_psprintf(pool,
                            "'%s' is not a valid path: expected an absolute "
                            "path, or one relative to ServerRoot",
                            config->location);
    }
    length = strlen(merged);
    while (length > 1 && merged[length - 1] == '/') {
        merged[--length] = '\0';
    }
    *path = merged;
    return NULL;
}

const char *oci_store_dir_locate(oci_store_dir_t *fs,
                                 const oci_store_config_t *config,
                                 const char *name, apr_pool_t *pool)
{
    const char *error;

    if (config->type) {
        return apr_psprintf(pool,
                            "the fs provider has no types: write \"fs\" "
                            "instead of \"fs:%s\"",
                            config->type);
    }
    if (!config->location || !*config->location) {
        return "the fs provider needs a directory: \"fs DIR\"";
    }
    error = oci_store_dir_resolve(&fs->root, config, pool);
    if (error) {
        return error;
    }
    fs->top = apr_pstrcat(pool, fs->root, "/", name, NULL);
    fs->version = apr_pstrcat(pool, fs->top, "/.version", NULL);
    fs->traits = 0;
    if (oci_known_set_create(&fs->synced, SYNCED_MAX, pool) != APR_SUCCESS) {
        return "cannot create a mutex";
    }
    return NULL;
}

/* Create a directory, as root if only root may do it. */
static apr_status_t make_dir(const char *path, apr_pool_t *pool)
{
    apr_status_t rv;

    if (!mkdir(path, DIR_MODE)) {
        return oci_io_sync_dir(oci_io_parent(path, pool));
    }
    if (errno != EACCES || getuid() || !geteuid()) {
        return errno;
    }
    rv = oci_owner_make_dir(path, DIR_MODE);
    return rv == EPERM ? EACCES : rv;
}

/* Explain why a directory of a new store was not created. */
static const char *explain_make_dir_failure(const char *path, apr_status_t rv,
                                            apr_pool_t *pool)
{
    const char *error = rv == EACCES ? oci_access_check_way(path, pool) : NULL;

    if (error) {
        return error;
    }
    if (rv == ENOENT) {
        return apr_psprintf(pool,
                            "cannot create the directory %s: %s does not "
                            "exist; create it first",
                            path, oci_io_parent(path, pool));
    }
    return apr_pstrcat(pool,
                       oci_io_failure("create the directory", path, rv, pool),
                       rv == EACCES
                           ? "; create it, and make httpd's User its owner"
                           : NULL,
                       NULL);
}

/* Check that an existing directory of a store is usable. */
static const char *check_existing_dir(const oci_store_dir_t *fs,
                                      const char *path, apr_pool_t *pool)
{
    struct stat st;

    if (path == fs->root ? stat(path, &st) : lstat(path, &st)) {
        return oci_access_check(path, F_OK, fs->root, pool);
    }
    if (S_ISLNK(st.st_mode)) {
        return apr_psprintf(pool,
                            "%s is a symbolic link: expected a directory; "
                            "move the directory here, or mount it here",
                            path);
    }
    if (!S_ISDIR(st.st_mode)) {
        return oci_access_not_dir(path, pool);
    }
    /* DIR itself need only be searchable. */
    return oci_access_check(path, path == fs->root ? X_OK : R_OK | W_OK | X_OK,
                            fs->root, pool);
}

/* Create a directory of a store, or check that the existing one is usable. */
static const char *start_dir(const oci_store_dir_t *fs, const char *path,
                             apr_pool_t *pool)
{
    apr_status_t rv = make_dir(path, pool);

    if (rv == EEXIST) {
        return check_existing_dir(fs, path, pool);
    }
    return rv != APR_SUCCESS ? explain_make_dir_failure(path, rv, pool) : NULL;
}

/* Check that a directory of a store can be created in its parent, which start
 * will not create. */
static const char *check_missing_dir(const char *path, apr_pool_t *pool)
{
    const char *parent = oci_io_parent(path, pool);
    apr_status_t rv = APR_SUCCESS;
    struct stat st;

    if (stat(parent, &st)) {
        rv = errno;
    }
    else if (!S_ISDIR(st.st_mode)) {
        rv = ENOTDIR;
    }
    else if (faccessat(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS)) {
        rv = errno;
        if (rv == EACCES && !getuid() && geteuid()
            && oci_owner_check_path(path) == APR_SUCCESS) {
            rv = APR_SUCCESS; /* start will create it as root */
        }
    }
    return rv != APR_SUCCESS ? explain_make_dir_failure(path, rv, pool) : NULL;
}

static int is_missing(const char *path)
{
    struct stat st;

    return lstat(path, &st) && (errno == ENOENT || errno == ENOTDIR);
}

/* Write the version file atomically; two processes may do so at once. */
static const char *write_version(const oci_store_dir_t *fs,
                                 const oci_store_form_t *form, apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "%s %d\n", form->words,
                                    form->version);
    const char *path = apr_psprintf(pool, "%s.%" APR_PID_T_FMT, fs->version,
                                    getpid());
    int fd;

    unlink(path);
    fd = oci_io_open(path, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return oci_io_failure("write", path, errno, pool);
    }
    if ((errno = oci_io_write(fd, text, strlen(text))) || fsync(fd)
        || rename(path, fs->version) || (errno = oci_io_sync_dir(fs->top))) {
        text = oci_io_failure("write", fs->version, errno, pool);
        unlink(path);
    }
    else {
        text = NULL;
    }
    close(fd);
    return text;
}

/* Read the version file; a version newer than that of form is refused. */
static const char *read_version(int *version, const oci_store_dir_t *fs,
                                const oci_store_form_t *form, apr_pool_t *pool)
{
    apr_size_t length = strlen(form->words);
    int fd = oci_io_open(fs->version, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    apr_int64_t number;
    char text[80];
    char *end;
    ssize_t size;

    if (fd == -1) {
        return oci_io_failure("read", fs->version, errno, pool);
    }
    size = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (size < 0) {
        return oci_io_failure("read", fs->version, errno, pool);
    }
    text[size] = '\0';
    if (!strncmp(text, form->words, length) && text[length] == ' ') {
        number = apr_strtoi64(text + length + 1, &end, 10);
        if (number > form->version) {
            return apr_psprintf(pool,
                                "%s has version %" APR_INT64_T_FMT
                                ", which a newer mod_oci wrote: this one "
                                "supports up to version %d",
                                fs->version, number, form->version);
        }
        if (number > 0 && !strcmp(end, "\n")) {
            *version = (int)number;
            return NULL;
        }
    }
    return apr_psprintf(pool,
                        "%s does not contain \"%s %d\": the directory "
                        "belongs to something else; configure another one",
                        fs->version, form->words, form->version);
}

const char *oci_store_dir_raise(const oci_store_dir_t *fs,
                                const oci_store_form_t *form, apr_pool_t *pool)
{
    int version;
    const char *error = read_version(&version, fs, form, pool);

    return error || version == form->version ? error
                                             : write_version(fs, form, pool);
}

/* Find out whether the content belongs to the user.  The directories besides
 * the top one hold plain files, so that directories there are foreign. */
static const char *check_content(const oci_store_dir_t *fs, apr_pool_t *pool)
{
    return oci_access_check_below(fs->top, fs->root, pool);
}

const char *oci_store_dir_start(oci_store_dir_t *fs, const char *const *dirs,
                                const oci_store_form_t *form, apr_pool_t *pool)
{
    const char *error = start_dir(fs, fs->root, pool);
    int version, i;

    for (i = 0; dirs[i] && !error; i++) {
        error = start_dir(fs, apr_pstrcat(pool, fs->root, "/", dirs[i], NULL),
                          pool);
    }
    if (!error) {
        error = is_missing(fs->version)
            ? write_version(fs, form, pool)
            : read_version(&version, fs, form, pool);
    }
    fs->traits = oci_io_traits(fs->top);
    return error ? error : check_content(fs, pool);
}

const char *oci_store_dir_check(const oci_store_dir_t *fs,
                                const char *const *dirs,
                                const oci_store_form_t *form, apr_pool_t *pool)
{
    const char *error;
    int version, i;

    if (is_missing(fs->root)) {
        return check_missing_dir(fs->root, pool);
    }
    error = check_existing_dir(fs, fs->root, pool);
    for (i = 0; dirs[i] && !error; i++) {
        const char *path = apr_pstrcat(pool, fs->root, "/", dirs[i], NULL);

        if (!is_missing(path)) {
            error = check_existing_dir(fs, path, pool);
        }
        else if (!is_missing(oci_io_parent(path, pool))) {
            error = check_missing_dir(path, pool);
        }
    }
    if (!error && !is_missing(fs->version)) {
        error = read_version(&version, fs, form, pool);
    }
    return error ? error : check_content(fs, pool);
}

apr_status_t oci_store_dir_make_parents(const oci_store_dir_t *fs,
                                        const char *path,
                                        apr_array_header_t *dirs,
                                        apr_pool_t *pool)
{
    const char *slash = path + strlen(fs->top);

    while ((slash = strchr(slash + 1, '/'))) {
        const char *dir = apr_pstrmemdup(pool, path, slash - path);

        if (mkdir(dir, DIR_MODE)) {
            if (errno != EEXIST) {
                return errno;
            }
            continue;
        }
        if (dirs) {
            oci_store_dir_note(fs, dirs, dir, 1, pool);
        }
    }
    return APR_SUCCESS;
}

void oci_store_dir_note(const oci_store_dir_t *fs, apr_array_header_t *dirs,
                        const char *path, int changed, apr_pool_t *pool)
{
    const char *dir = oci_io_parent(path, pool);
    int i;

    if (changed && fs->traits & OCI_IO_JOURNAL) {
        apr_array_clear(dirs);
    }
    for (i = dirs->nelts - 1; i >= 0; i--) {
        if (!strcmp(APR_ARRAY_IDX(dirs, i, const char *), dir)) {
            return;
        }
    }
    APR_ARRAY_PUSH(dirs, const char *) = dir;
}

/* Sync a directory, unless this process has synced it in its present state. */
static apr_status_t sync_dir(const oci_store_dir_t *fs, const char *dir)
{
    apr_uint64_t state[OCI_KNOWN_SET_BYTES / sizeof(apr_uint64_t)];
    const unsigned char *key = (const unsigned char *)state;
    apr_time_t now = oci_io_now();
    apr_status_t rv;
    struct stat st;

    if (!(fs->traits & OCI_IO_OWN_CLOCK) || stat(dir, &st)
        || !oci_io_is_settled(&st.st_ctim, now)) {
        return oci_io_sync_dir(dir);
    }
    state[0] = st.st_ino;
    state[1] = st.st_dev;
    state[2] = st.st_ctim.tv_sec;
    state[3] = st.st_ctim.tv_nsec;
    if (oci_known_set_has(fs->synced, key)) {
        return APR_SUCCESS;
    }
    rv = oci_io_sync_dir(dir);
    if (rv == APR_SUCCESS) {
        oci_known_set_add(fs->synced, key);
    }
    return rv;
}

apr_status_t oci_store_dir_sync(const oci_store_dir_t *fs,
                                const apr_array_header_t *dirs,
                                apr_pool_t *pool)
{
    int i;

    for (i = 0; i < dirs->nelts; i++) {
        const char *dir = APR_ARRAY_IDX(dirs, i, const char *);
        apr_status_t rv = sync_dir(fs, dir);

        while (rv == ENOENT && strcmp(dir, fs->top)) {
            dir = oci_io_parent(dir, pool);
            rv = sync_dir(fs, dir);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_store_dir_classify(const oci_store_dir_t *fs, apr_status_t rv)
{
    return (rv == ENOENT || rv == ENOTDIR) && !access(fs->version, F_OK)
        ? APR_NOTFOUND
        : rv;
}
