/* SPDX-License-Identifier: Apache-2.0 */

/* Connections to a database that are cut: what is tried again, and what must
 * not be.
 *
 *     program dbd:DRIVER PARAMS
 */

#include "contract.h"

#include "apr_dbd.h"

#include "store/dbd/dbd_index.h"

#define SCANNED      400   /* facts that are listed under cuts */
#define SCANNED_SIZE 16000 /* bytes of each value */

#define ROUNDS 4000 /* of statements while a lock is held */

/* The sanitizer's; gcc brings no header that declares it. */
extern size_t __sanitizer_get_current_allocated_bytes(void);

typedef struct test_t {
    run_t *run;
    oci_index_t *index;
    const char *name; /* of the driver */
    const char *params;
} test_t;

/* The texts that end all connections but the one that asks. */
static const char *text_of(const char *driver)
{
    return !strcmp(driver, "pgsql")
        ? "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
          "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        : "SELECT CONCAT('KILL ', id) FROM information_schema.processlist "
          "WHERE id <> CONNECTION_ID() AND db = DATABASE()";
}

/* Cut all connections; returns how many there were. */
static int cut(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const apr_dbd_driver_t *driver;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    apr_dbd_t *handle;
    int count = 0, changed;

    if (apr_dbd_get_driver(pool, t->name, &driver) != APR_SUCCESS
        || apr_dbd_open(driver, pool, t->params, &handle) != APR_SUCCESS
        || apr_dbd_select(driver, pool, handle, &results, text_of(t->name),
                          1)) {
        abort();
    }
    while (!apr_dbd_get_row(driver, pool, results, &row, count + 1)) {
        const char *text = apr_dbd_get_entry(driver, row, 0);

        if (!strncmp(text, "KILL", 4)) {
            apr_dbd_query(driver, handle, &changed, text);
        }
        count++;
    }
    apr_dbd_close(driver, handle);
    apr_pool_destroy(pool);
    usleep(50000);
    return count;
}

static apr_status_t put(test_t *t, const char *key, const char *text,
                        apr_pool_t *pool)
{
    oci_change_t change = { OCI_CHANGE_PUT, key, { text, strlen(text) } };

    return oci_index_dbd.apply(t->index, &change, 1, 1, pool);
}

/* A value, or "(none)". */
static const char *value_of(test_t *t, const char *key, apr_pool_t *pool)
{
    oci_value_t value;
    apr_status_t rv = oci_index_dbd.get(&value, t->index, key, pool);

    return rv == APR_SUCCESS ? value.data
        : rv == APR_NOTFOUND ? "(none)"
                             : "(failed)";
}

/* Each call in turn after a cut. */
static void check_repeats(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_scan_t range = { "lost/", NULL, 0, 1, 0 };
    apr_array_header_t *entries;
    oci_lock_t *lock;

    put(t, "lost/a", "1", pool);
    tap_ok(&t->run->tap, cut(t) > 0, "a connection is cut");
    tap_is(&t->run->tap, value_of(t, "lost/a", pool), "1",
           "the next call finds out, and reads");
    cut(t);
    is_status(t->run, put(t, "lost/a", "2", pool), APR_SUCCESS, "or writes");
    cut(t);
    is_status(t->run, oci_index_dbd.scan(&entries, t->index, &range, pool),
              APR_SUCCESS, "or lists");
    cut(t);
    is_status(t->run,
              oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE,
                                 pool),
              APR_SUCCESS, "or locks");
    is_status(t->run, oci_index_dbd.unlock(lock), APR_SUCCESS, "and unlocks");
    apr_pool_destroy(pool);
}

/* Who lost a lock must not go on as if it held it. */
static void check_lost_lock(test_t *t, oci_lock_e kind)
{
    apr_pool_t *pool = make_pool();
    apr_pool_t *below, *other = make_pool();
    oci_lock_t *lock, *second;

    apr_pool_create(&below, pool);
    put(t, "lost/a", "before", other);
    oci_index_dbd.lock(&lock, t->index, "x", kind, pool);
    is_status(t->run, put(t, "lost/a", "held", below), APR_SUCCESS,
              "a change with a lock");
    cut(t);
    is_status(t->run, put(t, "lost/a", "late", below), APR_ECONNREFUSED,
              "none once it is lost");
    is_status(t->run,
              oci_index_dbd.lock(&second, t->index, "y", OCI_LOCK_EXCLUSIVE,
                                 below),
              APR_ECONNREFUSED, "nor another lock");
    tap_is(&t->run->tap, value_of(t, "lost/a", other), "held",
           "what was there is there");
    is_status(t->run, oci_index_dbd.unlock(lock), APR_ECONNREFUSED,
              "giving it back tells so too");
    is_status(t->run,
              oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE,
                                 pool),
              APR_SUCCESS, "it can be had again");
    is_status(t->run, put(t, "lost/a", "again", below), APR_SUCCESS,
              "and changes with it");
    apr_pool_destroy(pool);
    oci_index_dbd.lock(&lock, t->index, "x", kind, other);
    cut(t);
    apr_pool_destroy(other);
    pool = make_pool();
    is_status(t->run,
              oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE,
                                 pool),
              APR_SUCCESS, "a lost lock that ended with its pool, too");
    apr_pool_destroy(pool);
}

/* Write and read while a lock is held, a pool for each round. */
static void use_lock(test_t *t, apr_pool_t *pool, int rounds)
{
    int i;

    for (i = 0; i < rounds; i++) {
        apr_pool_t *below;

        apr_pool_create(&below, pool);
        put(t, "lost/a", i % 2 ? "odd" : "even", below);
        value_of(t, "lost/a", below);
        apr_pool_destroy(below);
    }
}

/* A lock may be held for as many statements as a repository has facts. */
static void check_memory(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_lock_t *lock;
    apr_size_t before;

    oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE, pool);
    use_lock(t, pool, 100);
    before = __sanitizer_get_current_allocated_bytes();
    use_lock(t, pool, ROUNDS);
    tap_ok(&t->run->tap,
           __sanitizer_get_current_allocated_bytes() < before + ROUNDS * 16,
           "statements under a lock leave no memory in use");
    is_status(t->run, oci_index_dbd.unlock(lock), APR_SUCCESS,
              "the lock is returned");
    apr_pool_destroy(pool);
}

/* Two values that were written at once, after a call that ended so.  To read
 * them may need some tries where connections are cut, and a change that nobody
 * acknowledged may still be under way.  Returns whether both are there or
 * neither is. */
static int read_pair(const char **one, const char *key, const char *other,
                     apr_status_t rv, test_t *t, apr_pool_t *pool)
{
    const char *two;
    int known, whole, tries = 0;

    do {
        *one = value_of(t, key, pool);
        two = value_of(t, other, pool);
        known = strcmp(*one, "(failed)") && strcmp(two, "(failed)");
        whole = known && !strcmp(*one, "v") == !strcmp(two, "");
    } while (!whole && (!known || rv != APR_SUCCESS) && ++tries < 100
             && !usleep(20000));
    if (!whole) {
        printf("# \"%s\" and \"%s\"\n", *one, two);
    }
    return whole;
}

/* Add keys until told to stop; each is there once it was acknowledged. */
static int add_keys(void *data, int number)
{
    test_t *t = data;
    int i, bad = 0;

    for (i = 0; i < 150; i++) {
        apr_pool_t *pool = make_pool();
        char *key = apr_psprintf(pool, "lost/%d/%d", number, i);
        oci_change_t changes[] = {
            { OCI_CHANGE_ADD, key, { "v", 1 } },
            { OCI_CHANGE_ADD, apr_pstrcat(pool, key, "!", NULL), { "", 0 } },
        };
        apr_status_t rv = oci_index_dbd.apply(t->index, changes, 2, 1, pool);
        const char *one;

        if (!read_pair(&one, key, changes[1].key, rv, t, pool)
            || (rv != APR_SUCCESS && rv != APR_ECONNREFUSED)
            || (rv == APR_SUCCESS && strcmp(one, "v"))) {
            printf("# status %d, then \"%s\"\n", rv, one);
            bad = 1;
        }
        apr_pool_destroy(pool);
    }
    return bad;
}

/* Fill a directory of facts whose values do not fit into a socket. */
static void fill_scanned(test_t *t)
{
    char value[SCANNED_SIZE];
    int i;

    memset(value, 'v', sizeof(value));
    for (i = 0; i < SCANNED; i++) {
        apr_pool_t *pool = make_pool();
        oci_change_t change = { OCI_CHANGE_PUT,
                                apr_psprintf(pool, "scanned/%d", i),
                                { value, sizeof(value) } };

        if (oci_index_dbd.apply(t->index, &change, 1, 0, pool)) {
            abort();
        }
        apr_pool_destroy(pool);
    }
}

static void delete_all(test_t *t, const char *folder)
{
    oci_scan_t range = { folder, NULL, 0, 0, 0 };
    apr_array_header_t *entries;
    int i;

    oci_index_dbd.scan(&entries, t->index, &range, t->run->pool);
    for (i = 0; i < entries->nelts; i++) {
        oci_change_t gone = { .kind = OCI_CHANGE_DELETE };

        gone.key = APR_ARRAY_IDX(entries, i, oci_entry_t).key;
        oci_index_dbd.apply(t->index, &gone, 1, 0, t->run->pool);
    }
}

/* List all again and again: the list is whole, or there is none. */
static int scan_often(test_t *t)
{
    int i, bad = 0;

    for (i = 0; i < 20; i++) {
        apr_pool_t *pool = make_pool();
        oci_scan_t range = { "scanned/", NULL, 0, 1, 0 };
        apr_array_header_t *entries = NULL;
        apr_status_t rv = oci_index_dbd.scan(&entries, t->index, &range, pool);

        if (rv == APR_SUCCESS && entries->nelts != SCANNED) {
            printf("# %d facts are listed\n", entries->nelts);
            bad = 1;
        }
        apr_pool_destroy(pool);
    }
    return bad;
}

static int cut_often(void *data, int number)
{
    int i;

    (void)number;
    for (i = 0; i < 15; i++) {
        cut(data);
    }
    return 0;
}

static int either(void *data, int number)
{
    return number ? add_keys(data, number) : cut_often(data, number);
}

static int scan_or_cut(void *data, int number)
{
    return number ? scan_often(data) : cut_often(data, number);
}

static void check(test_t *t)
{
    check_repeats(t);
    check_lost_lock(t, OCI_LOCK_SHARED);
    check_lost_lock(t, OCI_LOCK_EXCLUSIVE);
    check_memory(t);
    tap_ok(&t->run->tap, !run_threads(either, t, 6),
           "changes under cuts are whole, and there once acknowledged");
    delete_all(t, "lost/");
    fill_scanned(t);
    tap_ok(&t->run->tap, !run_threads(scan_or_cut, t, 3),
           "a list under cuts is whole, or there is none");
    delete_all(t, "scanned/");
}

int main(int argc, char **argv)
{
    run_t run;
    test_t t = { .run = &run };
    oci_store_config_t config = { NULL, NULL, NULL, NULL };

    if (argc < 3) {
        printf("1..0 # SKIP needs a server\n");
        return 0;
    }
    begin(&run);
    config.type = t.name = strchr(argv[1], ':') + 1;
    config.location = t.params = argv[2];
    config.base = run.folder;
    alarm(120);
    if (tap_is(&run.tap, oci_index_dbd.create(&t.index, &config, run.pool),
               NULL, "an index")) {
        check(&t);
    }
    return finish(&run);
}
