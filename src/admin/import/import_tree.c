/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the directory tree of distribution's filesystem driver.  Every name is
 * opened in its open directory, so that no symbolic link is followed. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/import/import_tree.h"
#include "values/digest.h"

#define SHA256 "sha256:"

#define REPOSITORIES "docker/registry/v2/repositories"
#define BLOBS        "docker/registry/v2/blobs/sha256"

#define RECENT 60 /* seconds */

#define NAME_LENGTH 256 /* of one name, with its NUL */
#define LINK_LENGTH 256 /* more than any digest has, bytes */

static apr_status_t close_tree(void *data)
{
    oci_import_tree_t *tree = data;

    close(tree->root);
    if (tree->repositories != -1) {
        close(tree->repositories);
    }
    if (tree->blobs != -1) {
        close(tree->blobs);
    }
    return APR_SUCCESS;
}

static const char *refuse_tree(const oci_import_tree_t *tree, const char *name,
                               apr_status_t rv)
{
    if (rv == EACCES) {
        return apr_psprintf(tree->pool,
                            "the user of the blob store may not read %s/%s: "
                            "let it read everything in %s, for example with "
                            "setfacl -R -m u:USER:rX",
                            tree->path, name, tree->path);
    }
    return apr_psprintf(tree->pool,
                        "%s is not a directory of distribution's filesystem "
                        "driver: cannot open %s in it: %s; name the directory "
                        "that the registry's configuration has as "
                        "rootdirectory",
                        tree->path, name, oci_import_fault(rv, tree->pool));
}

const char *oci_import_tree_open(oci_import_tree_t *tree, const char *path)
{
    apr_status_t rv;
    int fd;

    tree->path = path;
    tree->repositories = tree->blobs = -1;
    tree->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree->root == -1) {
        return apr_psprintf(tree->pool, "cannot read %s: %s", path,
                            strerror(errno));
    }
    apr_pool_cleanup_register(tree->pool, tree, close_tree,
                              apr_pool_cleanup_null);

    /* As the owner of the blob store, oci_import_tree_enter() could not tell a
     * wrong DIR from one that this user may not read. */
    rv = oci_import_path_open(&fd, tree->root, REPOSITORIES, O_DIRECTORY);
    if (rv != APR_SUCCESS) {
        return refuse_tree(tree, REPOSITORIES, rv);
    }
    close(fd);
    return NULL;
}

const char *oci_import_tree_enter(oci_import_tree_t *tree)
{
    apr_status_t rv = oci_import_path_open(&tree->repositories, tree->root,
                                           REPOSITORIES, O_DIRECTORY);

    if (rv != APR_SUCCESS) {
        return refuse_tree(tree, REPOSITORIES, rv);
    }
    rv = oci_import_path_open(&tree->blobs, tree->root, BLOBS, O_DIRECTORY);
    return rv == APR_SUCCESS ? NULL : refuse_tree(tree, BLOBS, rv);
}

apr_status_t oci_import_dir_open(oci_import_dir_t *dir, int parent,
                                 const char *path)
{
    dir->dir = NULL;
    dir->rv = oci_import_path_open(&dir->fd, parent, path, O_DIRECTORY);
    if (dir->rv == APR_SUCCESS && !(dir->dir = fdopendir(dir->fd))) {
        dir->rv = errno;
        close(dir->fd);
    }
    return dir->rv;
}

const char *oci_import_dir_next(oci_import_dir_t *dir)
{
    struct dirent *entry = NULL;

    if (dir->dir) {
        do {
            errno = 0;
            entry = readdir(dir->dir);
        } while (
            entry
            && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
        if (!entry) {
            dir->rv = errno;
        }
    }
    return entry ? entry->d_name : NULL;
}

void oci_import_dir_close(oci_import_dir_t *dir)
{
    if (dir->dir) {
        closedir(dir->dir);
        dir->dir = NULL;
    }
}

apr_status_t oci_import_link_read(oci_import_link_t *link, int dir,
                                  const char *path, apr_pool_t *pool)
{
    char text[LINK_LENGTH];
    struct stat st;
    apr_status_t rv;
    ssize_t n;
    int fd;

    rv = oci_import_regular_open(&fd, &st, dir, path);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    do {
        n = read(fd, text, sizeof(text) - 1);
    } while (n == -1 && errno == EINTR);
    rv = n < 0 ? errno : APR_SUCCESS;
    close(fd);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    text[n] = '\0';
    if (strlen(text) != (size_t)n || !oci_digest_valid(text)
        || strncmp(text, SHA256, strlen(SHA256))) {
        return APR_EINVAL;
    }
    link->digest = apr_pstrdup(pool, text);
    link->seconds = st.st_mtime;
    return APR_SUCCESS;
}

apr_status_t oci_import_link_check(oci_import_link_t *link, int dir,
                                   const char *hex, apr_pool_t *pool)
{
    char path[NAME_LENGTH + sizeof("/link")];
    apr_status_t rv;

    snprintf(path, sizeof(path), "%s/link", hex);
    rv = oci_import_link_read(link, dir, path, pool);
    return rv == APR_SUCCESS && strcmp(link->digest + strlen(SHA256), hex)
        ? APR_EINVAL
        : rv;
}

int oci_import_is_recent(int dir, const char *name)
{
    struct stat st;

    return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)
        && st.st_mtime > time(NULL) - RECENT;
}

apr_status_t oci_import_tree_file(oci_import_file_t *file, const void *source,
                                  const char *digest)
{
    const oci_import_tree_t *tree = source;
    const char *hex = digest + strlen(SHA256);
    char path[NAME_LENGTH];
    apr_status_t rv;

    if (strncmp(digest, SHA256, strlen(SHA256))) {
        return ENOENT;
    }
    snprintf(path, sizeof(path), "%.2s/%s", hex, hex);
    rv = oci_import_path_open(&file->dir, tree->blobs, path, O_DIRECTORY);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_import_regular_open(&file->fd, &file->st, file->dir,
                                 OCI_IMPORT_DATA);
    if (rv != APR_SUCCESS) {
        close(file->dir);
        return rv;
    }
    file->name = OCI_IMPORT_DATA;
    file->offset = 0;
    file->size = file->st.st_size;
    file->read = 0;
    return APR_SUCCESS;
}
