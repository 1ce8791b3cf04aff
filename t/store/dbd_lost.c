/* SPDX-License-Identifier: Apache-2.0 */

/* Lost connections to a database: which operations are tried again, and which
 * must not be.
 *
 *     program dbd:DRIVER PARAMS
 */

#include "contract.h"

#include "apr_dbd.h"

#include "store/dbd/dbd_index.h"

#define SCANNED      400   /* facts that are listed while connections are cut */
#define SCANNED_SIZE 16000 /* bytes of each value */

#define ROUNDS 4000 /* rounds of statements while a lock is held */

/* A function of the sanitizer; gcc has no header that declares it. */
extern size_t __sanitizer_get_current_allocated_bytes(void);

typedef struct test_t {
    run_t *run;
    oci_index_t *index;
    const char *name; /* of the driver */
    const char *params;
} test_t;

/* Return SQL that ends all connections except its own, or that selects the SQL
 * for that. */
static const char *text_of(const char *driver)
{
    return !strcmp(driver, "pgsql")
        ? "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
          "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        : "SELECT CONCAT('KILL ', id) FROM information_schema.processlist "
          "WHERE id <> CONNECTION_ID() AND db = DATABASE()";
}

/* Cut all connections; return their number. */
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

/* The same, and wait until the server has ended them. */
static int cut_all(test_t *t)
{
    int count = cut(t);
    int tries;

    for (tries = 0; tries < 1000 && cut(t); tries++) {
    }
    return count;
}

static apr_status_t put(test_t *t, const char *key, const char *text,
                        apr_pool_t *pool)
{
    oci_change_t change = { OCI_CHANGE_PUT, key, { text, strlen(text) } };

    return oci_index_dbd.apply(t->index, &change, 1, 1, pool);
}

/* Return a value, "(none)" or "(failed)". */
static const char *value_of(test_t *t, const char *key, apr_pool_t *pool)
{
    oci_value_t value;
    apr_status_t rv = oci_index_dbd.get(&value, t->index, key, pool);

    if (rv == APR_SUCCESS) {
        return value.data;
    }
    return rv == APR_NOTFOUND ? "(none)" : "(failed)";
}

/* Make each call once after a cut. */
static void check_repeats(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_scan_t range = { "lost/", NULL, 0, 1, 0 };
    apr_array_header_t *entries;
    oci_lock_t *lock;

    put(t, "lost/a", "1", pool);
    tap_ok(&t->run->tap, cut_all(t) > 0, "a connection is cut");
    tap_is(&t->run->tap, value_of(t, "lost/a", pool), "1", "a read reconnects");
    cut_all(t);
    is_status(t->run, put(t, "lost/a", "2", pool), APR_SUCCESS,
              "a write reconnects");
    cut_all(t);
    is_status(t->run, oci_index_dbd.scan(&entries, t->index, &range, pool),
              APR_SUCCESS, "a scan reconnects");
    cut_all(t);
    is_status(t->run,
              oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE,
                                 pool),
              APR_SUCCESS, "a lock reconnects");
    is_status(t->run, oci_index_dbd.unlock(lock), APR_SUCCESS,
              "the lock is released");
    apr_pool_destroy(pool);
}

/* A caller whose lock was lost must not continue as if it held it. */
static void check_lost_lock(test_t *t, oci_lock_e kind)
{
    apr_pool_t *pool = make_pool();
    apr_pool_t *child, *other = make_pool();
    oci_lock_t *lock, *second;

    apr_pool_create(&child, pool);
    put(t, "lost/a", "before", other);
    oci_index_dbd.lock(&lock, t->index, "x", kind, pool);
    is_status(t->run, put(t, "lost/a", "held", child), APR_SUCCESS,
              "a change under a lock");
    cut_all(t);
    is_status(t->run, put(t, "lost/a", "late", child), APR_ECONNREFUSED,
              "no change after the lock is lost");
    is_status(t->run,
              oci_index_dbd.lock(&second, t->index, "y", OCI_LOCK_EXCLUSIVE,
                                 child),
              APR_ECONNREFUSED, "no further lock after the lock is lost");
    tap_is(&t->run->tap, value_of(t, "lost/a", other), "held",
           "earlier changes are still there");
    is_status(t->run, oci_index_dbd.unlock(lock), APR_ECONNREFUSED,
              "the release reports the lost lock");
    is_status(t->run,
              oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE,
                                 pool),
              APR_SUCCESS, "the lock can be acquired again");
    is_status(t->run, put(t, "lost/a", "again", child), APR_SUCCESS,
              "and changes can be made under it");
    apr_pool_destroy(pool);
    oci_index_dbd.lock(&lock, t->index, "x", kind, other);
    cut_all(t);
    apr_pool_destroy(other);
    pool = make_pool();
    is_status(t->run,
              oci_index_dbd.lock(&lock, t->index, "x", OCI_LOCK_EXCLUSIVE,
                                 pool),
              APR_SUCCESS,
              "a lost lock that ended with its pool can be acquired again");
    apr_pool_destroy(pool);
}

/* Write and read while a lock is held, with a pool for each round. */
static void use_lock(test_t *t, apr_pool_t *pool, int rounds)
{
    int i;

    for (i = 0; i < rounds; i++) {
        apr_pool_t *child;

        apr_pool_create(&child, pool);
        put(t, "lost/a", i % 2 ? "odd" : "even", child);
        value_of(t, "lost/a", child);
        apr_pool_destroy(child);
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
           "statements under a lock do not leak memory");
    is_status(t->run, oci_index_dbd.unlock(lock), APR_SUCCESS,
              "the lock is released after many statements");
    apr_pool_destroy(pool);
}

/* Read two values that were written together, after the status rv of that call.
 * This may need several tries while connections are cut, and a change that was
 * not acknowledged may still be under way.  Returns whether both exist or
 * neither does. */
static int read_pair(const char **one, const char *key, const char *other,
                     apr_status_t rv, test_t *t, apr_pool_t *pool)
{
    const char *two;
    int known, consistent, tries = 0;

    do {
        *one = value_of(t, key, pool);
        two = value_of(t, other, pool);
        known = strcmp(*one, "(failed)") && strcmp(two, "(failed)");
        consistent = known && !strcmp(*one, "v") == !strcmp(two, "");
    } while (!consistent && (!known || rv != APR_SUCCESS) && ++tries < 100
             && !usleep(20000));
    if (!consistent) {
        printf("# \"%s\" and \"%s\"\n", *one, two);
    }
    return consistent;
}

/* Add keys; each exists once it was acknowledged. */
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

static void delete_all(test_t *t, const char *prefix)
{
    oci_scan_t range = { prefix, NULL, 0, 0, 0 };
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

static int cut_or_add(void *data, int number)
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
    tap_ok(&t->run->tap, !run_threads(cut_or_add, t, 6),
           "changes during cuts are complete, and durable once acknowledged");
    delete_all(t, "lost/");
    fill_scanned(t);
    tap_ok(&t->run->tap, !run_threads(scan_or_cut, t, 3),
           "a list during cuts is complete, or the call fails");
    delete_all(t, "scanned/");
}

int main(int argc, char **argv)
{
    run_t run;
    test_t t = { .run = &run };
    oci_store_config_t config = { .type = NULL };

    if (argc < 3) {
        printf("1..0 # SKIP needs a server\n");
        return 0;
    }
    begin(&run);
    config.type = t.name = strchr(argv[1], ':') + 1;
    config.location = t.params = argv[2];
    config.base = run.dir;
    alarm(300);
    if (tap_is(&run.tap, oci_index_dbd.create(&t.index, &config, run.pool),
               NULL, "an index")) {
        check(&t);
    }
    return finish(&run);
}
