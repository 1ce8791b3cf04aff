/* SPDX-License-Identifier: Apache-2.0 */

/* The library of OCI::Power: it logs what a program does to the names in the
 * directory OCI_POWER_STORE, and what it syncs there, to OCI_POWER/log.  A line
 * is the call, and the path, the kind and the identity of each name after it,
 * with TABs between.  The kind is d, f, l or "-" for a name that does not
 * exist; the identity of a symbolic link is its target.  What a sync keeps is
 * in OCI_POWER/copies, in a file named after the offset of the line.
 *
 * The log is locked from before a call until its line is written.  Without
 * OCI_POWER_STORE, only the syncs are left out.  With it, the file system looks
 * like ext4 on a device "power" if there is OCI_POWER/journal, which says what
 * its journal is, and otherwise like btrfs. */

#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BOOT   "/proc/sys/kernel/random/boot_id"
#define DEVICE "/sys/dev/block/"
#define TASK   "/sys/fs/ext4/power/journal_task"

/* A call that changes names: their paths, empty if they are elsewhere. */
typedef struct names_t {
    int log; /* locked; -1: no name is in the store */
    int is_new;
    char path[2][PATH_MAX];
} names_t;

static int is_in_store(const char *path)
{
    const char *store = getenv("OCI_POWER_STORE");
    size_t length = store ? strlen(store) : 0;

    return length && !strncmp(path, store, length)
        && (path[length] == '/' || !path[length]);
}

static void find_path(char *path, int dir, const char *name)
{
    char at[64];
    ssize_t n = 0;

    if (name && name[0] != '/') {
        snprintf(at, sizeof(at),
                 dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
        n = readlink(at, path, PATH_MAX - 2);
        n = n < 0 ? 0 : n;
        path[n++] = '/';
    }
    snprintf(path + n, PATH_MAX - n, "%s", name ? name : "");
    if (!is_in_store(path)) {
        path[0] = '\0';
    }
}

static int lock_log(void)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/log", getenv("OCI_POWER"));
    fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX)) {
        abort();
    }
    return fd;
}

/* Write kind and identity of a name, or of a descriptor if path is empty. */
static void describe(char *text, size_t size, int fd, const char *path)
{
    char target[PATH_MAX];
    struct statx st;
    ssize_t n;

    if (statx(fd, path, AT_SYMLINK_NOFOLLOW | (*path ? 0 : AT_EMPTY_PATH),
              STATX_TYPE | STATX_INO | STATX_BTIME, &st)) {
        snprintf(text, size, "-\t-");
    }
    else if (S_ISLNK(st.stx_mode)) {
        n = readlinkat(fd, path, target, sizeof(target));
        snprintf(text, size, "l\t%.*s", n < 0 ? 0 : (int)n, target);
    }
    else {
        snprintf(text, size, "%c\t%llu.%lld.%u",
                 S_ISDIR(st.stx_mode) ? 'd' : 'f',
                 (unsigned long long)st.stx_ino, (long long)st.stx_btime.tv_sec,
                 st.stx_btime.tv_nsec);
    }
}

static names_t begin(int dir, const char *name, int dir2, const char *name2)
{
    names_t names = { .log = -1 };
    struct stat st;

    find_path(names.path[0], dir, name);
    find_path(names.path[1], dir2, name2);
    if (names.path[0][0] || names.path[1][0]) {
        names.log = lock_log();
        names.is_new = lstat(names.path[0], &st) != 0;
    }
    return names;
}

/* Log the names as they are now, unless the call failed. */
static int end(names_t *names, const char *call, int result)
{
    int error = errno, i;

    if (names->log >= 0 && result >= 0) {
        char what[PATH_MAX + 64];

        dprintf(names->log, "%s", call);
        for (i = 0; i < 2; i++) {
            if (names->path[i][0]) {
                describe(what, sizeof(what), AT_FDCWD, names->path[i]);
                dprintf(names->log, "\t%s\t%s", names->path[i], what);
            }
        }
        dprintf(names->log, "\n");
    }
    if (names->log >= 0) {
        close(names->log);
    }
    errno = error;
    return result;
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    names_t names = begin(a, from, b, to);

    return end(&names, "rename", syscall(SYS_renameat2, a, from, b, to, flags));
}

int renameat(int a, const char *from, int b, const char *to)
{
    return renameat2(a, from, b, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int a, const char *from, int b, const char *to, int flags)
{
    names_t names = begin(a, from, b, to);

    return end(&names, "link", syscall(SYS_linkat, a, from, b, to, flags));
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *target, int dir, const char *name)
{
    names_t names = begin(dir, name, 0, NULL);

    return end(&names, "symlink", syscall(SYS_symlinkat, target, dir, name));
}

int symlink(const char *target, const char *name)
{
    return symlinkat(target, AT_FDCWD, name);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
    names_t names = begin(dir, name, 0, NULL);

    return end(&names, "mkdir", syscall(SYS_mkdirat, dir, name, mode));
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

int unlinkat(int dir, const char *name, int flags)
{
    names_t names = begin(dir, name, 0, NULL);

    return end(&names, flags & AT_REMOVEDIR ? "rmdir" : "unlink",
               syscall(SYS_unlinkat, dir, name, flags));
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int statfs(const char *path, struct statfs *fs)
{
    int result = syscall(SYS_statfs, path, fs);
    char journal[PATH_MAX];

    if (getenv("OCI_POWER_STORE")) {
        snprintf(journal, sizeof(journal), "%s/journal", getenv("OCI_POWER"));
        fs->f_type = access(journal, F_OK) ? BTRFS_SUPER_MAGIC
                                           : EXT4_SUPER_MAGIC;
    }
    return result;
}

ssize_t readlink(const char *path, char *target, size_t size)
{
    return strncmp(path, DEVICE, strlen(DEVICE))
        ? syscall(SYS_readlink, path, target, size)
        : snprintf(target, size, "block/power");
}

/* The same, for code that is compiled with checks. */
ssize_t __readlink_chk(const char *path, char *target, size_t size, size_t room)
{
    return size > room ? -1 : readlink(path, target, size);
}

static int open_any(int dir, const char *name, int flags, mode_t mode)
{
    char other[PATH_MAX];
    names_t names;
    int fd;

    if ((!strcmp(name, BOOT) || !strcmp(name, TASK))
        && getenv("OCI_POWER_STORE")) {
        snprintf(other, sizeof(other), "%s/%s", getenv("OCI_POWER"),
                 strcmp(name, BOOT) ? "journal" : "boot");
        return syscall(SYS_openat, dir, other, flags, mode);
    }
    if (!(flags & O_CREAT)) {
        return syscall(SYS_openat, dir, name, flags, mode);
    }
    names = begin(dir, name, 0, NULL);
    fd = syscall(SYS_openat, dir, name, flags, mode);
    if (names.log >= 0 && !names.is_new) {
        close(names.log);
        names.log = -1;
    }
    return end(&names, "create", fd);
}

#define MODE(mode)                                     \
    va_list args;                                      \
    mode_t mode;                                       \
    va_start(args, flags);                             \
    mode = flags & O_CREAT ? va_arg(args, mode_t) : 0; \
    va_end(args)

int open(const char *name, int flags, ...)
{
    MODE(mode);
    return open_any(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
    MODE(mode);
    return open_any(AT_FDCWD, name, flags, mode);
}

int openat(int dir, const char *name, int flags, ...)
{
    MODE(mode);
    return open_any(dir, name, flags, mode);
}

int openat64(int dir, const char *name, int flags, ...)
{
    MODE(mode);
    return open_any(dir, name, flags, mode);
}

int creat(const char *name, mode_t mode)
{
    return open_any(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *name, mode_t mode)
{
    return creat(name, mode);
}

static void copy_list(int to, const char *path)
{
    char what[PATH_MAX + 64];
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir) {
        abort();
    }
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            describe(what, sizeof(what), dirfd(dir), entry->d_name);
            dprintf(to, "%s\t%s\n", entry->d_name, what);
        }
    }
    closedir(dir);
}

static void copy_bytes(int to, const char *path)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    char buffer[65536];
    ssize_t n;

    while ((n = read(from, buffer, sizeof(buffer))) > 0) {
        if (write(to, buffer, n) != n) {
            abort();
        }
    }
    if (n < 0) {
        abort();
    }
    close(from);
}

int fsync(int fd)
{
    char self[64], path[PATH_MAX] = "", copy[PATH_MAX], what[PATH_MAX + 64];
    int log, to;

    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (readlink(self, path, sizeof(path) - 1) < 0 || !is_in_store(path)) {
        return 0;
    }
    log = lock_log();
    describe(what, sizeof(what), fd, "");
    snprintf(copy, sizeof(copy), "%s/copies/%lld", getenv("OCI_POWER"),
             (long long)lseek(log, 0, SEEK_END));
    to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0) {
        abort();
    }
    *what == 'd' ? copy_list(to, self) : copy_bytes(to, self);
    close(to);
    dprintf(log, "sync\t%s\t%s\n", path, what);
    close(log);
    return 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}
