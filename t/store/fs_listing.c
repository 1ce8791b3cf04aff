/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of listings of large directories of an "fs" index: they show what other
 * processes add, replace and remove, with and without reports of the system,
 * and do not read the directory again.
 *
 * readdir, inotify_init1 and inotify_add_watch are replaced here, to count or
 * to fail. */

#include "contract.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>

#include "store/fs/fs_index.h"
#include "store/fs/fs_listing.h"

#define NAMES 2000
#define FLOOD 9000 /* changes, with two reports each */

static int entries_read;
static int failing_init;
static int failing_add;
static int watches;

struct dirent *readdir(DIR *dir)
{
    static struct dirent *(*next)(DIR *);

    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "readdir");
    }
    __sync_fetch_and_add(&entries_read, 1);
    return next(dir);
}

int inotify_init1(int flags)
{
    static int (*next)(int);

    if (failing_init) {
        errno = EMFILE;
        return -1;
    }
    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "inotify_init1");
    }
    return next(flags);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    static int (*next)(int, const char *, uint32_t);

    if (failing_add) {
        errno = ENOSPC;
        return -1;
    }
    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "inotify_add_watch");
    }
    watches++;
    return next(fd, path, mask);
}

typedef struct test_t {
    run_t *run;
    oci_index_t *index;
    int round;
} test_t;

static void change(test_t *t, oci_change_e kind, const char *key,
                   const char *text)
{
    oci_change_t one = { kind, key, { text, strlen(text) } };
    apr_pool_t *pool = make_pool();

    if (oci_index_fs.apply(t->index, &one, 1, 0, pool)) {
        abort();
    }
    apr_pool_destroy(pool);
}

static void put(test_t *t, const char *prefix, int number, const char *text)
{
    char key[64];

    apr_snprintf(key, sizeof(key), "%s%05d", prefix, number);
    change(t, OCI_CHANGE_PUT, key, text);
}

static void erase(test_t *t, const char *prefix, int number)
{
    char key[64];

    apr_snprintf(key, sizeof(key), "%s%05d", prefix, number);
    change(t, OCI_CHANGE_DELETE, key, "");
}

/* Fill a directory with even numbers; each is a separate symbolic link. */
static void fill_dir(test_t *t, const char *prefix)
{
    int i;

    for (i = 0; i < NAMES; i++) {
        put(t, prefix, 2 * i, "v");
    }
}

static void empty_dir(test_t *t, const char *prefix)
{
    int i;

    for (i = 0; i < 2 * NAMES; i++) {
        erase(t, prefix, i);
    }
}

static apr_array_header_t *scan(test_t *t, const oci_scan_t *range,
                                apr_pool_t *pool)
{
    apr_array_header_t *entries;

    if (oci_index_fs.scan(&entries, t->index, range, pool)) {
        abort();
    }
    return entries;
}

/* Return whether a directory has this number now, by a page of one key. */
static int is_listed(test_t *t, const char *prefix, int number)
{
    apr_pool_t *pool = make_pool();
    const char *after = apr_psprintf(pool, "%05d", number - 1);
    oci_scan_t range = { prefix, after, 1, 0, 0 };
    apr_array_header_t *entries = scan(t, &range, pool);
    int found = entries->nelts
        && atoi(APR_ARRAY_IDX(entries, 0, oci_entry_t).key + strlen(prefix))
            == number;

    apr_pool_destroy(pool);
    return found;
}

/* Return the number of keys of a directory, or -1 if they are not sorted. */
static int count(test_t *t, const char *prefix)
{
    apr_pool_t *pool = make_pool();
    oci_scan_t range = { prefix, NULL, 0, 0, 0 };
    apr_array_header_t *entries = scan(t, &range, pool);
    int i, sum = entries->nelts;

    for (i = 1; i < entries->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(entries, i - 1, oci_entry_t).key,
                   APR_ARRAY_IDX(entries, i, oci_entry_t).key)
            >= 0) {
            sum = -1;
        }
    }
    apr_pool_destroy(pool);
    return sum;
}

/* Runs in a separate process, which adds or removes a number. */
static int add_one(void *data, int number)
{
    put(data, "large/", number, "v");
    return 0;
}

static int erase_one(void *data, int number)
{
    erase(data, "large/", number);
    return 0;
}

/* Read pages while other processes change the directory; return the number of
 * entries read. */
static int read_while_changing(test_t *t, int *bad)
{
    int before = entries_read, i;

    for (i = 0; i < 50; i++) {
        int number = 2 * (i * 37 % NAMES) + 1;

        end_process(start_process(add_one, t, number));
        *bad += !is_listed(t, "large/", number);
        end_process(start_process(erase_one, t, number));
        *bad += is_listed(t, "large/", number);
        *bad += !is_listed(t, "large/", number + 1);
    }
    return entries_read - before;
}

static apr_status_t count_visit(void *baton, const oci_entry_t *entry,
                                apr_pool_t *pool)
{
    (void)entry;
    (void)pool;
    ++*(int *)baton;
    return APR_SUCCESS;
}

/* Visit all keys of a directory: while it is read, if the file system allows
 * it. */
static void check_visits(test_t *t)
{
    oci_scan_t range = { "large/", NULL, 0, 0, 0 };
    apr_pool_t *pool = make_pool();
    int found = 0, number = entries_read;
    apr_status_t rv = oci_index_fs.visit(t->index, &range, count_visit, &found,
                                         pool);

    number = entries_read - number;
    tap_ok(&t->run->tap,
           rv == APR_ENOTIMPL || (rv == APR_SUCCESS && found == NAMES),
           "visits find all keys");
    tap_ok(&t->run->tap, number < NAMES + 10,
           "while the directory is read once (%d entries)", number);
    apr_pool_destroy(pool);
}

/* Read pages of three directories in turn, whose names are more than a cache
 * may have: none of them is read again for each page. */
static void check_small_cache(test_t *t)
{
    const char *const paths[] = { "large/", "second/", "third/" };
    apr_pool_t *pool = make_pool();
    oci_fs_listings_t *listings;
    int i, number;

    fill_dir(t, "second/");
    fill_dir(t, "third/");
    if (oci_fs_listings_create(&listings, 1, pool)) {
        abort();
    }
    number = entries_read;
    for (i = 0; i < 30; i++) {
        oci_fs_listing_range_t range = { NULL, NULL, 0, 10 };
        apr_array_header_t *names;
        int more;

        range.path = apr_pstrcat(pool, t->index->where, "/", paths[i % 3],
                                 NULL);
        if (oci_fs_listing_read(&names, &more, listings, &range, pool)) {
            abort();
        }
    }
    number = entries_read - number;
    tap_ok(&t->run->tap, number < 3 * (NAMES + 100) || !watches,
           "directories are read once if they exceed the cache (%d entries)",
           number);
    empty_dir(t, "second/");
    empty_dir(t, "third/");
    apr_pool_destroy(pool);
}

static void check_cost(test_t *t)
{
    oci_scan_t any = { "large/", NULL, 1, 0, 1 };
    apr_pool_t *pool = make_pool();
    int bad = 0, number;

    fill_dir(t, "large/");
    number = entries_read;
    tap_ok(&t->run->tap,
           scan(t, &any, pool)->nelts == 1 && entries_read - number < 10,
           "any key is found without reading the directory (%d entries)",
           entries_read - number);
    any.prefix = "none/";
    tap_ok(&t->run->tap, !scan(t, &any, pool)->nelts,
           "no key is found in a missing directory");
    check_visits(t);
    check_small_cache(t);
    is_listed(t, "large/", 2);
    number = read_while_changing(t, &bad);
    tap_ok(&t->run->tap, !bad,
           "pages show changes that another process just made (%d do not)",
           bad);
    tap_ok(&t->run->tap, number < 10 || !watches,
           "changes do not cause another reading (%d entries)", number);
    apr_pool_destroy(pool);
}

/* Page through a directory; return 0 if each even number is listed once. */
static int page_through(test_t *t, int limit)
{
    char after[16] = "";
    int next = 0, more = 1;

    while (more) {
        apr_pool_t *pool = make_pool();
        oci_scan_t range = { "stir/", *after ? after : NULL, limit, 0, 0 };
        apr_array_header_t *entries = scan(t, &range, pool);
        int i;

        for (i = 0; i < entries->nelts; i++) {
            const char *name = APR_ARRAY_IDX(entries, i, oci_entry_t).key + 5;

            if (*after && strcmp(name, after) <= 0) {
                return 1;
            }
            apr_cpystrn(after, name, sizeof(after));
            next += atoi(name) == 2 * next;
        }
        more = limit && entries->nelts;
        apr_pool_destroy(pool);
    }
    return next != NAMES;
}

/* The first two helpers read; the others add and remove odd numbers, and
 * replace even ones. */
static int change_while_reading(void *data, int number)
{
    test_t *t = data;
    int i, bad = 0;

    for (i = 0; i < 8 && number < 2; i++) {
        bad += page_through(t, number ? 0 : 97);
    }
    for (i = 0; i < 500 && number >= 2; i++) {
        int at = 2 * ((i * 1009 + number * 101) % NAMES);

        put(t, "stir/", at + 1, "v");
        put(t, "stir/", at, i % 2 ? "one" : "other");
        erase(t, "stir/", at + 1);
    }
    return bad;
}

static void check_concurrency(test_t *t, const char *name)
{
    fill_dir(t, "stir/");
    tap_ok(&t->run->tap, !run_threads(change_while_reading, t, 5),
           "%s: pages list unchanged keys: threads", name);
    tap_ok(&t->run->tap, !run_processes(change_while_reading, t, 5),
           "%s: pages list unchanged keys: processes", name);
    tap_ok(&t->run->tap, count(t, "stir/") == NAMES,
           "%s: no other keys are left (%d)", name, count(t, "stir/"));
    empty_dir(t, "stir/");
}

static void check_overflow(test_t *t)
{
    int i;

    count(t, "large/");
    for (i = 0; i < FLOOD; i++) {
        put(t, "large/", 1, "v");
        erase(t, "large/", 1);
    }
    put(t, "large/", 3, "v");
    erase(t, "large/", 4);
    tap_ok(&t->run->tap,
           is_listed(t, "large/", 3) && !is_listed(t, "large/", 4)
               && count(t, "large/") == NAMES,
           "more changes than a queue of reports holds");
    erase(t, "large/", 3);
    put(t, "large/", 4, "v");
}

static void check_replaced(test_t *t)
{
    count(t, "gone/");
    fill_dir(t, "gone/");
    tap_ok(&t->run->tap, count(t, "gone/") == NAMES, "a new directory");
    empty_dir(t, "gone/");
    tap_ok(&t->run->tap, !count(t, "gone/"), "a directory is removed");
    fill_dir(t, "gone/");
    erase(t, "gone/", 0);
    tap_ok(&t->run->tap, count(t, "gone/") == NAMES - 1, "and created again");
    rename(at(t->run, "store/index/gone"), at(t->run, "store/index/aside"));
    put(t, "gone/", 0, "v");
    tap_ok(&t->run->tap,
           count(t, "gone/") == 1 && count(t, "aside/") == NAMES - 1,
           "a directory is replaced by another one");
    empty_dir(t, "gone/");
    empty_dir(t, "aside/");
}

static void check_nested(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_scan_t range = { "tree/", NULL, 0, 0, 0 };
    char key[64];
    int i;

    for (i = 0; i < 200; i++) {
        apr_snprintf(key, sizeof(key), "tree/%03d/a", i);
        change(t, OCI_CHANGE_PUT, key, "v");
        apr_snprintf(key, sizeof(key), "tree/%03d!", i);
        change(t, OCI_CHANGE_PUT, key, "v");
    }
    tap_ok(&t->run->tap, count(t, "tree/") == 400, "keys of directories");
    change(t, OCI_CHANGE_DELETE, "tree/100/a", "");
    change(t, OCI_CHANGE_PUT, "tree/101/b", "v");
    tap_ok(&t->run->tap, count(t, "tree/") == 400,
           "one is deleted, one is added");
    range.after = "101/a";
    range.limit = 2;
    tap_is(&t->run->tap,
           APR_ARRAY_IDX(scan(t, &range, pool), 0, oci_entry_t).key,
           "tree/101/b", "after a key of a directory");
    range.after = "099/a";
    tap_is(&t->run->tap,
           APR_ARRAY_IDX(scan(t, &range, pool), 1, oci_entry_t).key,
           "tree/101!", "after a deleted key of a directory");
    apr_pool_destroy(pool);
}

/* Runs in a child after the parent cached a listing: both see later changes. */
static int list_in_child(void *data, int number)
{
    test_t *t = data;

    put(t, "large/", number, "v");
    return !is_listed(t, "large/", number) || !is_listed(t, "large/", 2);
}

static void check_fork(test_t *t)
{
    count(t, "large/");
    tap_ok(&t->run->tap,
           !end_process(start_process(list_in_child, t, 7))
               && !end_process(start_process(list_in_child, t, 9)),
           "a child has a separate cache");
    tap_ok(&t->run->tap, is_listed(t, "large/", 7) && is_listed(t, "large/", 9),
           "a child does not read its parent's reports");
    erase(t, "large/", 7);
    erase(t, "large/", 9);
}

static void check_refused(test_t *t, int *failing, const char *name)
{
    int bad = 0;

    *failing = 1;
    put(t, "large/", 1, "v");
    erase(t, "large/", 1);
    read_while_changing(t, &bad);
    tap_ok(&t->run->tap, !bad, "%s: pages are right", name);
    check_concurrency(t, name);
    *failing = 0;
}

static const char *open_index(test_t *t)
{
    oci_store_config_t config = { .location = "store", .base = t->run->dir };
    const char *error = oci_index_fs.create(&t->index, &config, t->run->pool);

    return error
        ? error
        : oci_index_fs.start(t->index, getuid(), getgid(), t->run->pool);
}

/* A start looks at some entries of each directory, not at all of them. */
static void check_start(test_t *t)
{
    int number = entries_read;

    tap_is(&t->run->tap, open_index(t), NULL, "another is opened");
    number = entries_read - number;
    tap_ok(&t->run->tap, number < NAMES,
           "a start does not read a large directory (%d entries)", number);
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    if (tap_is(&run.tap, open_index(&t), NULL, "an index is opened")) {
        check_cost(&t);
        check_concurrency(&t, "watched");
        check_overflow(&t);
        check_replaced(&t);
        check_nested(&t);
        check_fork(&t);
    }
    check_start(&t);
    check_refused(&t, &failing_init, "no queue of reports");
    check_refused(&t, &failing_add, "no watch");
    return finish(&run);
}
