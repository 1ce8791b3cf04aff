/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of an index in mod_oci.h on a full disk: a change fails
 * with APR_ENOSPC and is not made in part, existing facts can be read and
 * deleted, and changes succeed again when there is room.
 *
 * Runs in a file system of a few MiB that only this process sees; for indexes
 * in files. */

#include "contract_index.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#define FACTS    400         /* half of them make several pages of changes */
#define BIG      (20 * 1024) /* the size of a large value, bytes */
#define BIGS_MAX 1000        /* more than there is room for */

#define CANNOT_MOUNT 77 /* an exit status */

/* Fill the disk except for a number of bytes. */
static int fill(test_t *t, size_t left)
{
    const char *path = at(t->run, "full/ballast");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    static char block[4096];
    off_t size = 0;
    ssize_t n;

    memset(block, 'x', sizeof(block));
    while ((n = write(fd, block, sizeof(block))) > 0) {
        size += n;
    }
    if (errno != ENOSPC || (off_t)left > size || ftruncate(fd, size - left)) {
        return 0;
    }
    close(fd);
    return 1;
}

static int make_room(test_t *t)
{
    return !unlink(at(t->run, "full/ballast"));
}

static const char *fact(char key[32], int i)
{
    apr_snprintf(key, 32, "fact/%c/of-some-length-%03d", 'a' + i % 3, i);
    return key;
}

/* Return whether exactly the facts from first on exist. */
static int has_facts(test_t *t, int first)
{
    apr_pool_t *pool = make_pool();
    oci_scan_t range = { "fact/", NULL, 0, 1, 0 };
    apr_array_header_t *entries;
    int i,
        good = !provider_of(t->index)->scan(&entries, t->index, &range, pool)
        && entries->nelts == FACTS - first;
    char key[32];

    for (i = 0; i < FACTS; i++) {
        good &= i < first ? lacks(t, fact(key, i))
                          : has(t, fact(key, i), key, i % 2 ? strlen(key) : 0);
    }
    apr_pool_destroy(pool);
    return good;
}

static apr_status_t put_big(test_t *t, int i)
{
    static char value[BIG];
    char key[32];

    memset(value, 'a' + i % 26, sizeof(value));
    apr_snprintf(key, sizeof(key), "big/%03d", i);
    return change(t->index, OCI_CHANGE_PUT, key, value, sizeof(value));
}

/* Return whether exactly the large values 0 to count - 1 exist. */
static int has_bigs(test_t *t, int count)
{
    static char value[BIG];
    apr_pool_t *pool = make_pool();
    oci_scan_t range = { "big/", NULL, 0, 0, 0 };
    apr_array_header_t *entries;
    int i,
        good = !provider_of(t->index)->scan(&entries, t->index, &range, pool)
        && entries->nelts == count;
    char key[32];

    for (i = 0; i < count && good; i++) {
        memset(value, 'a' + i % 26, sizeof(value));
        apr_snprintf(key, sizeof(key), "big/%03d", i);
        good = has(t, key, value, sizeof(value));
    }
    apr_pool_destroy(pool);
    return good;
}

/* Apply changes that need more room than there is. */
static apr_status_t put_list(test_t *t)
{
    static char value[BIG];
    oci_change_t list[] = {
        { OCI_CHANGE_PUT, "list/a", { value, BIG } },
        { OCI_CHANGE_DELETE, "fact/none", { NULL, 0 } },
        { OCI_CHANGE_ADD, "list/b", { value, BIG } },
    };
    apr_pool_t *pool = make_pool();
    apr_status_t rv;

    memset(value, 'l', sizeof(value));
    rv = provider_of(t->index)->apply(t->index, list, 3, 1, pool);
    apr_pool_destroy(pool);
    return rv;
}

static apr_status_t erase_durably(test_t *t, const char *key)
{
    oci_change_t one = { OCI_CHANGE_DELETE, key, { NULL, 0 } };
    apr_pool_t *pool = make_pool();
    apr_status_t rv = provider_of(t->index)->apply(t->index, &one, 1, 1, pool);

    apr_pool_destroy(pool);
    return rv;
}

/* Put large values until the disk is full; return their number, or -1 after
 * another error. */
static int put_bigs(test_t *t)
{
    int count = 0;
    apr_status_t rv;

    while (!(rv = put_big(t, count)) && count < BIGS_MAX) {
        count++;
    }
    printf("# %d values of %d bytes fill it\n", count, BIG);
    return rv == ENOSPC ? count : -1;
}

/* Use a disk without any room, except for what an index has reserved. */
static int use_full(test_t *t)
{
    apr_status_t rv;
    char key[32];
    int count, i;

    for (i = 0; i < FACTS; i++) {
        if (change(t->index, OCI_CHANGE_ADD, fact(key, i), key,
                   i % 2 ? strlen(key) : 0)) {
            return 10;
        }
    }
    if (!fill(t, 0) || (count = put_bigs(t)) < 0 || put_list(t) != ENOSPC) {
        return 11;
    }
    if (!has_facts(t, 0) || !has_bigs(t, count) || !lacks(t, "list/b")) {
        return 12;
    }
    for (i = 0; i < FACTS / 2; i++) {
        if (erase_durably(t, fact(key, i)) || !lacks(t, key)) {
            printf("# deletion %d\n", i);
            return 13;
        }
    }
    /* The deletions may have made room inside a file. */
    rv = put_big(t, count);
    if (!has_facts(t, FACTS / 2) || (rv && rv != ENOSPC)) {
        return 14;
    }
    return make_room(t) && !put_list(t) && has_facts(t, FACTS / 2) ? 0 : 15;
}

/* Use a disk on which an index that keeps a log has too little room to merge
 * it, then one with more room. */
static int use_until_full(test_t *t)
{
    int count, more;

    if (!fill(t, 1536 * 1024)) {
        return 20;
    }
    count = put_bigs(t);
    if (count < 0 || !has_bigs(t, count) || !has_facts(t, FACTS / 2)) {
        return 21;
    }
    if (open_once(t, &t->index) || !has_bigs(t, count) || !make_room(t)) {
        return 22;
    }
    for (more = count; more < count + 200; more++) {
        if (put_big(t, more)) {
            return 23;
        }
    }
    return !open_once(t, &t->index) && has_bigs(t, more)
            && has_facts(t, FACTS / 2)
        ? 0
        : 24;
}

static int use(void *data, int number)
{
    test_t *t = data;
    int step;

    (void)number;
    if (unshare(CLONE_NEWNS)
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)
        || mount("tmpfs", at(t->run, "full"), "tmpfs", 0, "size=32m")) {
        return CANNOT_MOUNT;
    }
    t->config.location = at(t->run, "full/index");
    if (open_once(t, &t->index) || open_once(t, &t->other)) {
        return 1;
    }
    step = use_full(t);
    return step ? step : use_until_full(t);
}

static void run_checks(test_t *t)
{
    int result;

    mkdir(at(t->run, "full"), 0755);
    fflush(stdout);
    result = end_process(start_process(use, t, 0));
    if (result == CANNOT_MOUNT) {
        tap_ok(&t->run->tap, 1,
               "a full disk # SKIP cannot mount a file system");
    }
    else if (!tap_ok(&t->run->tap, !result, "a full disk")) {
        printf("# step %d\n", result);
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "fs", "dbm:gdbm", "dbm:db",
                                         "dbd:sqlite3" };
    run_t run;
    int i;

    if (argc > 1) {
        return run_contract(argc, argv, run_checks);
    }
    begin(&run);
    for (i = 0; i < 4; i++) {
        char *words[] = { argv[0], (char *)names[i], (char *)names[i] };

        check_one(&run, 3, words, run_checks);
    }
    return finish(&run);
}
