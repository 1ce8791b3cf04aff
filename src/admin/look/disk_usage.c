/* SPDX-License-Identifier: Apache-2.0 */

/* What the files of a directory take on the disk. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/look/disk_usage.h"

#define BLOCK 512 /* bytes, the unit of st_blocks */

/* Add what an entry of a directory is; returns whether it is a directory. */
static int add_entry(oci_disk_usage_t *usage, int parent, const char *name,
                     apr_int64_t since)
{
    struct stat st;
    apr_uint64_t bytes;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW)) {
        return 0;
    }
    bytes = (apr_uint64_t)st.st_blocks * BLOCK;
    usage->bytes += bytes;
    if (S_ISDIR(st.st_mode)) {
        return 1;
    }
    usage->idle += st.st_mtime < since ? bytes : 0;
    return 0;
}

/* Add what is in an open directory. */
static apr_status_t add_entries(oci_disk_usage_t *usage, DIR *dir,
                                const char *path, apr_int64_t since,
                                apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *scratch;
    struct dirent *entry;

    if ((rv = apr_pool_create(&scratch, pool)) != APR_SUCCESS) {
        return rv;
    }
    while (rv == APR_SUCCESS && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")
            && add_entry(usage, dirfd(dir), entry->d_name, since)) {
            apr_pool_clear(scratch);
            rv = oci_disk_usage_add(usage,
                                    apr_pstrcat(scratch, path, "/",
                                                entry->d_name, NULL),
                                    since, scratch);
        }
    }
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t oci_disk_usage_add(oci_disk_usage_t *usage, const char *path,
                                apr_int64_t since, apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    apr_status_t rv;

    if (!dir) {
        rv = errno;
        if (fd != -1) {
            close(fd);
        }
        return rv == ENOENT ? APR_SUCCESS : rv;
    }
    rv = add_entries(usage, dir, path, since, pool);
    closedir(dir);
    return rv;
}
