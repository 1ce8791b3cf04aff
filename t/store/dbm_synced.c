/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the dbm provider on a disk whose syncs fail.  The bytes are then
 * missing on the disk, although every process reads them, and a later
 * successful sync does not write them.
 *
 * open(2), pwrite(2) and fdatasync(2) are replaced here, and keep in memory
 * what the disk has of a log.  As on Linux, each descriptor that was open
 * reports a failure once. */

#include "dbm_test.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define LOG  "d/f.log-1"
#define ROOM (1024 * 1024)

/* The disk, shared by all processes. */
typedef struct disk_t {
    int fails;        /* the number of syncs that will fail */
    int errors;       /* the number of syncs that failed */
    char bytes[ROOM]; /* the part of the log that is on the disk */
    char dirty[ROOM]; /* whether each byte must be written */
} disk_t;

static disk_t *disk;
static int
    seen[4096]; /* for each descriptor, the errors that it does not report */

static int is_log(int fd)
{
    char link[64], path[1024];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    return disk && strstr(path, "/" LOG);
}

int open(const char *path, int flags, ...)
{
    int mode, fd;
    va_list ap;

    va_start(ap, flags);
    mode = va_arg(ap, int);
    va_end(ap);
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && disk) {
        seen[fd] = disk->errors;
    }
    return fd;
}

/* A checking libc calls this instead of open(2) without a mode. */
int __open_2(const char *path, int flags)
{
    return open(path, flags, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, size, offset);

    if (n > 0 && is_log(fd)) {
        memset(disk->dirty + offset, 1, n);
    }
    return n;
}

int fdatasync(int fd)
{
    int i;

    if (!is_log(fd)) {
        return (int)syscall(SYS_fdatasync, fd);
    }
    if (disk->fails) {
        disk->fails--;
        disk->errors++;
        memset(disk->dirty, 0, ROOM);
    }
    if (seen[fd] != disk->errors) {
        seen[fd] = disk->errors;
        errno = EIO;
        return -1;
    }
    for (i = 0; i < ROOM; i++) {
        if (disk->dirty[i]
            && syscall(SYS_pread64, fd, disk->bytes + i, 1, i) == 1) {
            disk->dirty[i] = 0;
        }
    }
    return 0;
}

static apr_status_t put_durably(test_t *t, const char *key)
{
    oci_change_t one = { OCI_CHANGE_PUT, key, { "value", 5 } };
    apr_pool_t *pool = make_pool();
    apr_status_t rv = provider_of(t->index)->apply(t->index, &one, 1, 1, pool);

    apr_pool_destroy(pool);
    return rv;
}

/* Runs in a separate process, so that its descriptors are new. */
static int put_b(void *data, int number)
{
    (void)number;
    return put_durably(data, "b") != APR_SUCCESS;
}

/* Simulate a power cut: the log becomes what is on the disk. */
static void cut_power(test_t *t, const char *type)
{
    size_t size = read_file(t, LOG).size;

    write_file(t, LOG, disk->bytes, size);
    memset(disk->dirty, 0, ROOM);
    tap_is(&t->run->tap, open_as(t, type, "d/f", getuid()), NULL,
           "the index starts after a power cut");
}

static void begin_disk(test_t *t, const char *type)
{
    oci_value_t log;

    remove_tree(at(t->run, "d"));
    mkdir(at(t->run, "d"), 0755);
    disk->fails = 0;
    open_as(t, type, "d/f", getuid());
    memset(disk->bytes, 0, ROOM);
    log = read_file(t, LOG);
    memcpy(disk->bytes, log.data, log.size);
    put_durably(t, "first");
}

static void check_type(test_t *t, const char *type)
{
    oci_value_t log;
    char *bytes;
    size_t before;

    begin_disk(t, type);
    disk->fails = 1;
    is_status(t->run, put_durably(t, "a"), EIO, "a failed sync is reported");
    is_status(t->run, put_durably(t, "b"), APR_SUCCESS,
              "the next sync succeeds");
    is_status(t->run, put_durably(t, "c"), APR_SUCCESS,
              "so does the one after it");
    cut_power(t, type);
    tap_ok(&t->run->tap,
           holds(t, "first", "value") && holds(t, "b", "value")
               && holds(t, "c", "value"),
           "all acknowledged changes are there, in the same process");

    begin_disk(t, type);
    disk->fails = 1;
    is_status(t->run, put_durably(t, "a"), EIO, "a sync fails again");
    tap_ok(&t->run->tap, !run_processes(put_b, t, 1), "another process writes");
    cut_power(t, type);
    tap_ok(&t->run->tap, holds(t, "first", "value") && holds(t, "b", "value"),
           "all acknowledged changes are there");

    begin_disk(t, type);
    disk->fails = 3;
    is_status(t->run, put_durably(t, "a"), EIO, "a sync fails");
    is_status(t->run, put_durably(t, "a"), EIO,
              "the same change again, which finds its value");
    tap_ok(&t->run->tap, run_processes(put_b, t, 1) == 1,
           "the disk fails in another process, too");
    is_status(t->run, put_durably(t, "a"), APR_SUCCESS,
              "the same change succeeds");
    cut_power(t, type);
    tap_ok(&t->run->tap, holds(t, "first", "value") && holds(t, "a", "value"),
           "the acknowledged change is there");

    /* The system drops from memory the bytes that it could not write. */
    begin_disk(t, type);
    before = read_file(t, LOG).size;
    disk->fails = 1;
    is_status(t->run, put_durably(t, "a"), EIO, "a sync fails");
    log = read_file(t, LOG);
    bytes = apr_pmemdup(t->run->pool, log.data, log.size);
    memset(bytes + before, 0, log.size - before);
    write_file(t, LOG, bytes, log.size);
    disk->fails = 0;
    is_status(t->run, put_durably(t, "b"), APR_SUCCESS,
              "a log whose end was dropped continues");
    tap_ok(&t->run->tap,
           get_status(t, "a") == APR_NOTFOUND && holds(t, "first", "value")
               && holds(t, "b", "value"),
           "without the change that was not acknowledged");
    tap_is(&t->run->tap, open_as(t, type, "d/f", getuid()), NULL,
           "a start finds the log undamaged");
    tap_ok(&t->run->tap, holds(t, "first", "value") && holds(t, "b", "value"),
           "with the same facts");
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (disk == MAP_FAILED || access("/proc/self/fd", R_OK)) {
        tap_ok(&run.tap, 1, "# SKIP needs /proc");
        return finish(&run);
    }
    with_each_type(&t, check_type);
    return finish(&run);
}
