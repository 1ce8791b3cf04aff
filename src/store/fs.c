/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* APR makes files and folders without saying how durable, cannot sync a
 * folder, and does not know links: so the system's own calls are used for
 * these.  On POSIX systems an apr_status_t is an errno.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE            /* renameat2 */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "store/fs.h"
#include "store/owner.h"

#define FILE_MODE   0640
#define FOLDER_MODE 0750

/* No write takes so long: what is older was left by a killed process. */
#define TEMPORARY_LIFE apr_time_from_sec(3600)

const char *oci_fs_resolve(const char **path,
                           const oci_store_config_t *config,
                           apr_pool_t *pool)
{
    apr_size_t length;
    char *merged;

    if (apr_filepath_merge(&merged, config->base, config->location,
                           APR_FILEPATH_TRUENAME, pool) != APR_SUCCESS) {
        return apr_psprintf(pool, "%s is not a valid path",
                            config->location);
    }
    length = strlen(merged);
    while (length > 1 && merged[length - 1] == '/') {
        merged[--length] = '\0';
    }
    *path = merged;
    return NULL;
}

const char *oci_fs_locate(oci_fs_t *fs, const oci_store_config_t *config,
                          const char *name, apr_pool_t *pool)
{
    const char *error;

    if (config->type) {
        return apr_psprintf(pool, "the fs provider has no types: write \"fs\" "
                            "instead of \"fs:%s\"", config->type);
    }
    if (!config->location || !*config->location) {
        return "the fs provider needs a folder: \"fs DIR\"";
    }
    error = oci_fs_resolve(&fs->root, config, pool);
    if (error) {
        return error;
    }
    fs->top = apr_pstrcat(pool, fs->root, "/", name, NULL);
    fs->version = apr_pstrcat(pool, fs->top, "/.version", NULL);
    return NULL;
}

const char *oci_fs_failure(const char *what, const char *path,
                           apr_status_t rv, apr_pool_t *pool)
{
    char why[120];

    return apr_psprintf(pool, "cannot %s %s: %s", what, path,
                        apr_strerror(rv, why, sizeof(why)));
}

const char *oci_fs_folder_of(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    return slash && slash > path
           ? apr_pstrmemdup(pool, path, slash - path) : "/";
}

apr_status_t oci_fs_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    apr_status_t rv;

    if (fd == -1) {
        return errno;
    }
    /* EINVAL: this file system has nothing to sync in a folder. */
    rv = fsync(fd) == 0 || errno == EINVAL ? APR_SUCCESS : errno;
    close(fd);
    return rv;
}

int oci_fs_open(const char *path, int flags)
{
    int fd;

    do {
        fd = open(path, flags | O_CLOEXEC, FILE_MODE);
    } while (fd == -1 && errno == EINTR);
    return fd;
}

const char *oci_fs_check_file(const char *path, apr_pool_t *pool)
{
    struct stat st;

    if (lstat(path, &st)) {
        return errno == ENOENT ? NULL
                               : oci_fs_failure("use", path, errno, pool);
    }
    if (S_ISREG(st.st_mode)) {
        return NULL;
    }
    return apr_psprintf(pool, "%s is %s: expected a file; remove it, or name "
                        "another place", path, S_ISLNK(st.st_mode)
                        ? "a symbolic link" : "not a file");
}

const char *oci_fs_make_file(const char *path, apr_pool_t *pool)
{
    int fd = oci_fs_open(path, O_RDWR | O_CREAT | O_EXCL);

    if (fd != -1) {
        close(fd);
        return NULL;
    }
    return errno == EEXIST ? oci_fs_check_file(path, pool)
                           : oci_fs_failure("make", path, errno, pool);
}

/* Make a folder, if need be with the help of root. */
static apr_status_t make_folder(const char *path, apr_pool_t *pool)
{
    apr_status_t rv;

    if (!mkdir(path, FOLDER_MODE)) {
        return oci_fs_sync_folder(oci_fs_folder_of(path, pool));
    }
    if (errno != EACCES || getuid() || !geteuid()) {
        return errno;
    }
    rv = oci_owner_make_folder(path, FOLDER_MODE);
    return rv == EPERM ? EACCES : rv;
}

/* Tell why a folder of a new store was not made. */
static const char *refuse_folder(const char *path, apr_status_t rv,
                                 apr_pool_t *pool)
{
    if (rv == ENOENT) {
        return apr_psprintf(pool, "cannot make the folder %s: there is no %s",
                            path, oci_fs_folder_of(path, pool));
    }
    return apr_pstrcat(pool, oci_fs_failure("make the folder", path, rv,
                                            pool),
                       rv == EACCES ? "; make it, and give it to httpd's User"
                                    : NULL, NULL);
}

/* Make a folder of a new store, or see that it is one that we can use. */
static const char *start_folder(const oci_fs_t *fs, const char *path,
                                apr_pool_t *pool)
{
    apr_status_t rv = make_folder(path, pool);
    struct stat st;

    if (rv != EEXIST) {
        return rv ? refuse_folder(path, rv, pool) : NULL;
    }
    if (path == fs->root ? stat(path, &st) : lstat(path, &st)) {
        return oci_fs_failure("use", path, errno, pool);
    }
    if (S_ISLNK(st.st_mode)) {
        return apr_psprintf(pool, "%s is a symbolic link: expected a folder; "
                            "move the folder here, or mount it", path);
    }
    if (!S_ISDIR(st.st_mode)) {
        return apr_psprintf(pool, "%s is not a folder", path);
    }
    /* Of DIR itself only the way through it is needed. */
    if (faccessat(AT_FDCWD, path, path == fs->root ? X_OK
                  : R_OK | W_OK | X_OK, AT_EACCESS)) {
        return oci_fs_failure("use the folder", path, errno, pool);
    }
    return NULL;
}

/* Write the version file as a whole or not at all; that two processes do it
 * at once does no harm. */
static const char *write_version(const oci_fs_t *fs, const char *what,
                                 apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, what, " 1\n", NULL);
    const char *path = apr_psprintf(pool, "%s.%" APR_PID_T_FMT, fs->version,
                                    getpid());
    int fd;

    unlink(path);
    fd = oci_fs_open(path, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return oci_fs_failure("write", path, errno, pool);
    }
    if ((errno = oci_fs_write(fd, text, strlen(text))) || fsync(fd)
        || rename(path, fs->version) || (errno = oci_fs_sync_folder(fs->top))) {
        text = oci_fs_failure("write", fs->version, errno, pool);
        unlink(path);
    }
    else {
        text = NULL;
    }
    close(fd);
    return text;
}

static const char *check_version(const oci_fs_t *fs, const char *what,
                                 apr_pool_t *pool)
{
    apr_size_t length = strlen(what);
    int fd = oci_fs_open(fs->version, O_RDONLY | O_NOFOLLOW);
    apr_int64_t number;
    char text[80];
    char *end;
    ssize_t size;

    if (fd == -1) {
        return errno == ENOENT
               ? write_version(fs, what, pool)
               : oci_fs_failure("read", fs->version, errno, pool);
    }
    size = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (size < 0) {
        return oci_fs_failure("read", fs->version, errno, pool);
    }
    text[size] = '\0';
    if (!strncmp(text, what, length) && text[length] == ' ') {
        number = apr_strtoi64(text + length + 1, &end, 10);
        if (number == 1 && !strcmp(end, "\n")) {
            return NULL;
        }
        if (number > 1) {
            return apr_psprintf(pool, "%s is of version %" APR_INT64_T_FMT
                                ", which a newer mod_oci wrote; this one "
                                "knows version 1", fs->version, number);
        }
    }
    return apr_psprintf(pool, "%s does not say \"%s 1\": the folder belongs "
                        "to something else", fs->version, what);
}

const char *oci_fs_start(const oci_fs_t *fs, const char *const *folders,
                         const char *what, apr_pool_t *pool)
{
    const char *error = start_folder(fs, fs->root, pool);

    for (; *folders && !error; folders++) {
        error = start_folder(fs, apr_pstrcat(pool, fs->root, "/", *folders,
                                             NULL), pool);
    }
    return error ? error : check_version(fs, what, pool);
}

apr_status_t oci_fs_make_folders(const oci_fs_t *fs, const char *path,
                                 apr_array_header_t *touched,
                                 apr_pool_t *pool)
{
    const char *slash = path + strlen(fs->top);

    while ((slash = strchr(slash + 1, '/'))) {
        const char *folder = apr_pstrmemdup(pool, path, slash - path);

        if (mkdir(folder, FOLDER_MODE)) {
            if (errno != EEXIST) {
                return errno;
            }
            continue;
        }
        if (touched) {
            oci_fs_touch(touched, folder, pool);
        }
    }
    return APR_SUCCESS;
}

void oci_fs_touch(apr_array_header_t *touched, const char *path,
                  apr_pool_t *pool)
{
    const char *folder = oci_fs_folder_of(path, pool);
    int i;

    for (i = touched->nelts - 1; i >= 0; i--) {
        if (!strcmp(APR_ARRAY_IDX(touched, i, const char *), folder)) {
            return;
        }
    }
    APR_ARRAY_PUSH(touched, const char *) = folder;
}

apr_status_t oci_fs_sync(const oci_fs_t *fs,
                         const apr_array_header_t *touched,
                         apr_pool_t *pool)
{
    int i;

    for (i = 0; i < touched->nelts; i++) {
        const char *folder = APR_ARRAY_IDX(touched, i, const char *);
        apr_status_t rv = oci_fs_sync_folder(folder);

        while (rv == ENOENT && strcmp(folder, fs->top)) {
            folder = oci_fs_folder_of(folder, pool);
            rv = oci_fs_sync_folder(folder);
        }
        if (rv) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

int oci_fs_is_orderly(const char *path)
{
#ifdef __linux__
    struct statfs fs;

    return !statfs(path, &fs) && (fs.f_type == EXT4_SUPER_MAGIC
                                  || fs.f_type == XFS_SUPER_MAGIC);
#else
    (void)path;
    return 0;
#endif
}

apr_status_t oci_fs_write(int fd, const char *data, apr_size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);

        if (n >= 0) {
            data += n;
            size -= n;
        }
        else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_fs_flush(int fd, int durable)
{
    if (durable) {
        return fdatasync(fd) ? errno : APR_SUCCESS;
    }
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return fd == -1 || close(fd) ? errno : APR_SUCCESS;
}

apr_status_t oci_fs_read(oci_value_t *value, const char *path,
                         apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    apr_status_t rv = APR_SUCCESS;
    apr_size_t size = 0;
    struct stat st;
    char *data;

    if (fd == -1) {
        return errno;
    }
    if (fstat(fd, &st)) {
        rv = errno;
    }
    else if (!S_ISREG(st.st_mode)) {
        rv = ENOENT;
    }
    if (rv) {
        close(fd);
        return rv;
    }
    data = apr_palloc(pool, st.st_size + 1);
    while (rv == APR_SUCCESS && size < (apr_size_t)st.st_size) {
        ssize_t n = read(fd, data + size, st.st_size - size);

        if (n > 0) {
            size += n;
        }
        else if (n == 0 || errno != EINTR) {
            rv = n == 0 ? APR_EOF : errno;
        }
    }
    close(fd);
    data[size] = '\0';
    value->data = data;
    value->size = size;
    return rv;
}

apr_status_t oci_fs_absent(const oci_fs_t *fs, apr_status_t rv)
{
    return (rv == ENOENT || rv == ENOTDIR) && !access(fs->version, F_OK)
           ? APR_NOTFOUND : rv;
}

int oci_fs_no_links(apr_status_t rv)
{
    return rv == EPERM || rv == EOPNOTSUPP || rv == ENOSYS || rv == EMLINK;
}

apr_status_t oci_fs_rename_new(const char **from, const char *to)
{
    apr_status_t rv = link(*from, to) ? errno : APR_SUCCESS;

#ifdef RENAME_NOREPLACE
    if (oci_fs_no_links(rv)) {
        rv = renameat2(AT_FDCWD, *from, AT_FDCWD, to, RENAME_NOREPLACE)
             ? errno : APR_SUCCESS;
        if (!rv) {
            *from = NULL;
        }
    }
#endif
    return rv;
}

void oci_fs_sweep(const char *folder, const char *prefix, apr_pool_t *pool)
{
    apr_time_t limit = apr_time_now() - TEMPORARY_LIFE;
    apr_finfo_t entry;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, folder, pool) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, folder, "/", entry.name, NULL);
        struct stat st;

        /* Not mtime, which a link has from its file. */
        if (!strncmp(entry.name, prefix, strlen(prefix))
            && !lstat(path, &st) && !S_ISDIR(st.st_mode)
            && apr_time_from_sec(st.st_ctime) < limit) {
            unlink(path);
        }
    }
    apr_dir_close(dir);
}
