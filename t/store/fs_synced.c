/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the fs providers in file systems with and without a journal, and in
 * one that reports a full quota as late as possible.  statfs(2), readlink(2),
 * open(2), fsync(2) and close(2) are replaced here. */

#include "contract_blob.h"

#include <errno.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "store/fs/fs_blobs.h"
#include "store/fs/fs_index.h"
#include "store/io.h"

static long type; /* of all file systems */

/* Which task writes the journal of ext4; NULL if the system does not tell. */
static const char *task;

/* The part of a path for which close(2) reports a full quota. */
static const char *full;

/* The paths of synced directories, each followed by a blank. */
static char synced[4096];

int statfs(const char *path, struct statfs *fs)
{
    (void)path;
    fs->f_type = type;
    return 0;
}

ssize_t readlink(const char *path, char *target, size_t size)
{
    if (!strncmp(path, "/sys/dev/block/", 15)) {
        return snprintf(target, size, "../../devices/a/block/b/b1");
    }
    return syscall(SYS_readlink, path, target, size);
}

/* The same, for code that is compiled with checks. */
ssize_t __readlink_chk(const char *path, char *target, size_t size, size_t room)
{
    return size > room ? -1 : readlink(path, target, size);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;
    int fd;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (strcmp(path, "/sys/fs/ext4/b1/journal_task")) {
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    if (!task) {
        errno = ENOENT;
        return -1;
    }
    fd = (int)syscall(SYS_memfd_create, "task", 0);
    if (write(fd, task, strlen(task)) < 0 || lseek(fd, 0, SEEK_SET)) {
        abort();
    }
    return fd;
}

/* Return the path of a descriptor, or "". */
static const char *path_of(int fd, char path[1024])
{
    char link[64];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, 1023);
    path[length > 0 ? length : 0] = '\0';
    return path;
}

int close(int fd)
{
    char path[1024];
    int is_full = full && strstr(path_of(fd, path), full);

    syscall(SYS_close, fd);
    errno = is_full ? EDQUOT : 0;
    return is_full ? -1 : 0;
}

int fsync(int fd)
{
    char path[1024];

    if (*path_of(fd, path)) {
        strncat(synced, path, sizeof(synced) - strlen(synced) - 1);
        strcat(synced, " ");
    }
    return (int)syscall(SYS_fsync, fd);
}

/* Set keys to "value", but delete one that begins with "-". */
static int put(oci_index_t *index, const char *const *keys, int count)
{
    oci_change_t changes[4];
    apr_pool_t *pool = make_pool();
    apr_status_t rv;
    int i;

    for (i = 0; i < count; i++) {
        oci_change_t change = { OCI_CHANGE_PUT, keys[i], { "value", 5 } };

        if (*change.key == '-') {
            change.kind = OCI_CHANGE_DELETE;
            change.key++;
        }
        changes[i] = change;
    }
    synced[0] = '\0';
    rv = oci_index_fs.apply(index, changes, count, 1, pool);
    apr_pool_destroy(pool);
    return rv == APR_SUCCESS;
}

/* Return whether a directory of the index was synced. */
static int is_synced(oci_index_t *index, const char *dir)
{
    apr_pool_t *pool = make_pool();
    int is = strstr(synced,
                    apr_pstrcat(pool, index->where, "/", dir, " ", NULL))
        != NULL;

    apr_pool_destroy(pool);
    return is;
}

/* Change two directories of an index, as another process would. */
static void stir(const run_t *run, const oci_index_t *index)
{
    const char *const names[] = { "/a/other", "/b/other" };
    int i;

    for (i = 0; i < 2; i++) {
        const char *path = apr_pstrcat(run->pool, index->where, names[i], NULL);

        if (symlink("value", path) || unlink(path)) {
            abort();
        }
    }
}

/* Which directories are synced.  A kind of file system names a store, too. */
static void check(run_t *run, const char *kind, long number,
                  const char *journal, int has_journal)
{
    oci_store_config_t config = { .location = kind, .base = run->dir };
    oci_index_t *index;
    const char *const keys[] = { "a/1", "b/1", "c/1" };
    const char *const old_last[] = { "a/2", "b/1" };
    const char *const none_last[] = { "a/3", "-b/none" };
    int has_own_clock = number != OVERLAYFS_SUPER_MAGIC;
    struct stat st;

    type = number;
    task = journal;
    tap_ok(&run->tap,
           !oci_index_fs.create(&index, &config, run->pool)
               && !oci_index_fs.start(index, getuid(), getgid(), run->pool),
           "%s: the index is opened", kind);
    tap_ok(&run->tap,
           put(index, keys, 2) && is_synced(index, "b")
               && is_synced(index, "a") == !has_journal,
           "%s: %s synced", kind,
           has_journal ? "the last directory is" : "all directories are");
    stir(run, index);
    tap_ok(&run->tap,
           put(index, keys, 3) && is_synced(index, "c")
               && is_synced(index, "a") == !has_journal
               && is_synced(index, "b") == !has_journal,
           "%s: %s if some values are not new", kind,
           has_journal ? "the last one" : "all");
    stir(run, index);
    tap_ok(&run->tap,
           put(index, old_last, 2) && is_synced(index, "a")
               && is_synced(index, "b"),
           "%s: all if the last value is not new", kind);
    stir(run, index);
    tap_ok(&run->tap,
           put(index, none_last, 2) && is_synced(index, "a")
               && is_synced(index, "b"),
           "%s: all if the last key to delete is missing", kind);
    tap_ok(&run->tap,
           !lstat(apr_pstrcat(run->pool, index->where, "/a/3", NULL), &st)
               && S_ISLNK(st.st_mode)
                   == (has_journal || number == BTRFS_SUPER_MAGIC),
           "%s: values are links if a sync keeps them", kind);
    stir(run, index);
    tap_ok(&run->tap,
           put(index, keys, 2) && is_synced(index, "a")
               && is_synced(index, "b"),
           "%s: all if no value is new", kind);
    apr_sleep(apr_time_from_msec(100)); /* more than the ticks of clocks */
    tap_ok(&run->tap,
           put(index, keys, 2) && put(index, keys, 2)
               && is_synced(index, "a") == !has_own_clock
               && is_synced(index, "b") == !has_own_clock,
           "%s: %s that has not changed since it was synced", kind,
           has_own_clock ? "but none" : "also one");
    stir(run, index);
    apr_sleep(apr_time_from_msec(100));
    tap_ok(&run->tap,
           put(index, keys, 2) && is_synced(index, "a")
               && is_synced(index, "b"),
           "%s: and all again after a change by another process", kind);
}

/* Nothing is acknowledged that was not kept, whether it is synced or not. */
static void check_quota(test_t *t, oci_index_t *index)
{
    oci_change_t change = { OCI_CHANGE_PUT, "quota/a", { "two words", 9 } };
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    const char *state;

    full = "/.tmp/";
    is_status(t->run, oci_index_fs.apply(index, &change, 1, 0, pool), EDQUOT,
              "a value beyond the quota");
    full = NULL;
    is_status(t->run, oci_index_fs.get(NULL, index, "quota/a", pool),
              APR_NOTFOUND, "a value beyond the quota is not there");
    tap_ok(&t->run->tap,
           !oci_blob_fs.upload_open(&writer, t->store, "up", pool)
               && !oci_blob_fs.upload_resume(writer, 0, NULL)
               && !oci_blob_fs.upload_write(writer,
                                            &(struct iovec){ "text", 4 }, 1),
           "an upload is written");
    full = "/uploads/";
    is_status(t->run, oci_blob_fs.upload_close(&state, writer, 0, pool), EDQUOT,
              "an upload beyond the quota");
    full = NULL;
    is_status(t->run, oci_blob_fs.upload_close(&state, writer, 0, pool),
              APR_SUCCESS, "an upload within the quota");
    apr_pool_destroy(pool);
}

/* Without a free descriptor, the bytes of an upload are kept all the same. */
static void check_descriptors(test_t *t)
{
    struct rlimit limit, none;
    apr_pool_t *pool = make_pool();
    int fd = open(at(t->run, "descriptors"), O_RDWR | O_CREAT, 0600);
    apr_status_t rv;

    type = EXT4_SUPER_MAGIC;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    rv = oci_io_flush(fd, 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    is_status(t->run, rv, APR_SUCCESS, "a flush without a free descriptor");
    close(fd);
    apr_pool_destroy(pool);
}

int main(void)
{
    oci_store_config_t config = { .location = "store" };
    oci_index_t *index;
    run_t run;
    test_t t = { .run = &run, .provider = &oci_blob_fs };

    begin(&run);
    config.base = run.dir;
    if (access("/proc/self/fd", R_OK)) {
        tap_ok(&run.tap, 1, "# SKIP needs /proc");
    }
    else if (tap_ok(&run.tap,
                    !oci_index_fs.create(&index, &config, run.pool)
                        && !oci_index_fs.start(index, getuid(), getgid(),
                                               run.pool)
                        && !oci_blob_fs.create(&t.store, &config, run.pool)
                        && !oci_blob_fs.start(t.store, getuid(), getgid(),
                                              run.pool),
                    "both stores are opened")) {
        check(&run, "ext4", EXT4_SUPER_MAGIC, "123\n", 1);
        check(&run, "ext4-without", EXT4_SUPER_MAGIC, "<none>\n", 0);
        check(&run, "ext4-unknown", EXT4_SUPER_MAGIC, NULL, 0);
        check(&run, "xfs", XFS_SUPER_MAGIC, NULL, 1);
        check(&run, "btrfs", BTRFS_SUPER_MAGIC, NULL, 0);
        check(&run, "overlay", OVERLAYFS_SUPER_MAGIC, NULL, 0);
        check_quota(&t, index);
        check_descriptors(&t);
    }
    return finish(&run);
}
