/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of an index in mod_oci.h under concurrent use:
 * additions, locks, listings. */

#include "contract_index.h"

#define CHILDREN 6
#define ROUNDS   40  /* low enough that a sum fits in an exit status */
#define FIXED    150 /* enough for a listing to be cached */

/* Return how many ADDs of this helper succeeded.  A status other than success
 * and APR_EEXIST makes the sum wrong, even as an exit status. */
static int race(void *data, int number)
{
    static const char *const values[] = { "", "target", "two words" };
    test_t *t = data;
    int i, won = 0;

    for (i = 0; i < 3 * ROUNDS; i++) {
        char key[64];
        apr_status_t rv;

        apr_snprintf(key, sizeof(key), "race/%d/%d", t->round, i);
        rv = add(number % 2 ? t->index : t->other, key, values[i % 3]);
        won += rv == APR_SUCCESS ? 1 : rv == APR_EEXIST ? 0 : 200;
    }
    return won;
}

/* Add and delete keys of one directory, which helpers create and remove
 * concurrently. */
static int add_and_delete(void *data, int number)
{
    test_t *t = data;
    char key[64];
    int i, bad = 0;

    apr_snprintf(key, sizeof(key), "churn/a/b/%d", number);
    for (i = 0; i < 3 * ROUNDS; i++) {
        bad |= change(t->index, i % 2 ? OCI_CHANGE_ADD : OCI_CHANGE_PUT, key,
                      i % 3 ? "two words" : "v", 1)
            != APR_SUCCESS;
        bad |= !has(t, key, i % 3 ? "t" : "v", 1);
        bad |= erase(t->index, key) != APR_SUCCESS || !lacks(t, key);
    }
    return bad;
}

static void check_races(test_t *t)
{
    int i;

    for (t->round = 0; t->round < 2; t->round++) {
        int won = t->round ? run_processes(race, t, CHILDREN)
                           : run_threads(race, t, THREADS);

        tap_ok(&t->run->tap, won == 3 * ROUNDS,
               "one of many concurrent ADDs of a key succeeds: %s (%d of %d)",
               t->round ? "processes" : "threads", won, 3 * ROUNDS);
        for (i = 0; i < 3 * ROUNDS; i++) {
            char key[64];

            apr_snprintf(key, sizeof(key), "race/%d/%d", t->round, i);
            erase(t->index, key);
        }
    }
    tap_ok(&t->run->tap, !run_threads(add_and_delete, t, 8),
           "threads create and empty one directory");
    tap_ok(&t->run->tap, !run_processes(add_and_delete, t, CHILDREN),
           "processes create and empty one directory");
}

/* Page through a directory: each fixed key is listed once, in order. */
static int page_through(test_t *t, int values, apr_pool_t *pool)
{
    oci_scan_t range = { "stir/", NULL, 7, values, 0 };
    apr_array_header_t *entries;
    int next = 0, i;

    do {
        if (provider_of(t->index)->scan(&entries, t->index, &range, pool)) {
            return 1;
        }
        for (i = 0; i < entries->nelts; i++) {
            const char *name = APR_ARRAY_IDX(entries, i, oci_entry_t).key
                + strlen(range.prefix);

            if (range.after && strcmp(name, range.after) <= 0) {
                return 1;
            }
            range.after = name;
            next += !strchr(name, '-') && atoi(name) == next;
        }
    } while (entries->nelts);
    return next != FIXED;
}

/* The first helper reads; the others add and delete keys among the fixed
 * ones. */
static int change_while_reading(void *data, int number)
{
    test_t *t = data;
    int i, bad = 0;

    for (i = 0; i < ROUNDS && number == 0; i++) {
        apr_pool_t *pool = make_pool();

        bad |= page_through(t, i % 2, pool);
        apr_pool_destroy(pool);
    }
    for (i = 0; i < 8 * ROUNDS && number > 0; i++) {
        char key[64];

        apr_snprintf(key, sizeof(key), "stir/%03d-%d", i % FIXED, number);
        bad |= put(t->other, key, "x") != APR_SUCCESS;
        bad |= erase(t->other, key) != APR_SUCCESS;
    }
    return bad;
}

static void check_stability(test_t *t)
{
    char key[64];
    int i;

    for (i = 0; i < FIXED; i++) {
        apr_snprintf(key, sizeof(key), "stir/%03d", i);
        put(t->index, key, i % 2 ? "v" : "two words");
    }
    tap_ok(&t->run->tap, !run_threads(change_while_reading, t, 4),
           "pages list unchanged keys during changes: threads");
    tap_ok(&t->run->tap, !run_processes(change_while_reading, t, 4),
           "pages list unchanged keys during changes: processes");
}

/* Uses the directory of check_stability: the next listing shows a change, even
 * if it was made elsewhere right after a listing. */
static void check_freshness(test_t *t)
{
    int i, bad = 0;

    for (i = 0; i < 10 * ROUNDS; i++) {
        oci_index_t *here = i % 3 ? t->index : t->other;
        apr_pool_t *pool = make_pool();
        char key[64];

        if (i % 8 == 0) {
            /* Wait for the next tick of the clock, so that the listing may be
             * cached. */
            usleep(25000);
            page(t->index, "stir/", NULL, 1, 0, pool);
        }
        apr_snprintf(key, sizeof(key), "stir/%03d!", i % FIXED);
        bad += put(here, key, "v") != APR_SUCCESS;
        bad += !strstr(page(t->index, "stir/", NULL, 0, 0, pool), key);
        bad += strcmp(page(t->index, "stir/",
                           apr_psprintf(pool, "%03d", i % FIXED), 1, 0, pool),
                      key)
            != 0;
        bad += erase(here, key) != APR_SUCCESS;
        bad += strstr(page(t->index, "stir/", NULL, 0, 0, pool), key) != NULL;
        apr_pool_destroy(pool);
    }
    tap_ok(&t->run->tap, !bad, "a listing shows the change right before it");
    for (i = 0; i < FIXED; i++) {
        char key[64];

        apr_snprintf(key, sizeof(key), "stir/%03d", i);
        erase(t->index, key);
    }
}

static oci_lock_t *take(oci_index_t *index, const char *name, oci_lock_e kind,
                        apr_pool_t *pool)
{
    oci_lock_t *lock = NULL;

    return provider_of(index)->lock(&lock, index, name, kind, pool) ? NULL
                                                                    : lock;
}

/* Increment a fact, which takes two steps. */
static int count_up(void *data, int number)
{
    test_t *t = data;
    oci_index_t *index = number % 2 ? t->index : t->other;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        apr_pool_t *pool = make_pool();
        oci_lock_t *lock = take(index, "count", OCI_LOCK_EXCLUSIVE, pool);
        oci_change_t more = { OCI_CHANGE_PUT, "lock/count", { NULL, 0 } };
        oci_value_t value;

        if (!lock
            || provider_of(index)->get(&value, index, "lock/count", pool)) {
            return 1;
        }
        more.value.data = apr_itoa(pool, atoi(value.data) + 1);
        more.value.size = strlen(more.value.data);
        if (provider_of(index)->apply(index, &more, 1, 0, pool)
            || (i % 2 && provider_of(index)->unlock(lock))) {
            return 1;
        }
        apr_pool_destroy(pool);
    }
    return 0;
}

/* Wait for a lock whose holder writes "late" before releasing it. */
static int wait_for_lock(void *data, int number)
{
    test_t *t = data;
    apr_pool_t *pool = make_pool();
    oci_value_t value;
    int bad;

    signal_gate(t->ready);
    bad = !take(t->index, "wait", number ? OCI_LOCK_EXCLUSIVE : OCI_LOCK_SHARED,
                pool)
        || provider_of(t->index)->get(&value, t->index, "lock/wait", pool)
        || strcmp(value.data, "late");
    apr_pool_destroy(pool);
    return bad;
}

/* Hold a lock until killed. */
static int hold_lock(void *data, int number)
{
    test_t *t = data;

    (void)number;
    if (!take(t->index, "held", OCI_LOCK_EXCLUSIVE, make_pool())) {
        return 1;
    }
    signal_gate(t->ready);
    pause();
    return 1;
}

/* Acquire a shared lock while another is held. */
static int share_lock(void *data, int number)
{
    test_t *t = data;

    (void)number;
    return !take(t->index, "shared", OCI_LOCK_SHARED, make_pool());
}

static void check_exclusion(test_t *t, oci_lock_e kind)
{
    apr_pool_t *pool = make_pool();
    oci_lock_t *lock = take(t->other, "wait", kind, pool);
    pid_t pid;

    put(t->index, "lock/wait", "early");
    pid = start_process(wait_for_lock, t, kind == OCI_LOCK_SHARED);
    wait_at_gate(t->ready);
    usleep(20000);
    put(t->index, "lock/wait", "late");
    provider_of(t->other)->unlock(lock);
    tap_ok(&t->run->tap, !end_process(pid), "%s lock makes the other kind wait",
           kind == OCI_LOCK_SHARED ? "a shared" : "an exclusive");
    apr_pool_destroy(pool);
}

/* The first helper wants the lock exclusively.  The others share it by turns,
 * so that one of them always holds it, until the first helper is done or the
 * time is over. */
static int lock_in_crowd(void *data, int number)
{
    test_t *t = data;
    apr_time_t end = apr_time_now() + apr_time_from_sec(15);
    int bad = 0;

    while (number && lacks(t, "lock/done") && apr_time_now() < end) {
        apr_pool_t *pool = make_pool();

        bad |= !take(t->index, "crowd", OCI_LOCK_SHARED, pool);
        usleep(20000);
        apr_pool_destroy(pool);
    }
    if (!number) {
        apr_pool_t *pool = make_pool();

        usleep(100000);
        bad = !take(t->other, "crowd", OCI_LOCK_EXCLUSIVE, pool)
            || apr_time_now() > end - apr_time_from_sec(1);
        apr_pool_destroy(pool);
        bad |= put(t->index, "lock/done", "") != APR_SUCCESS;
    }
    return bad;
}

/* Two names whose 64-bit FNV-1a hashes differ only in the last bit: a store
 * that locks a number instead of a name may confuse them. */
#define NAME "repo/a"
#define ALIKE                                                      \
    "repo/a/_tag/tByCLegzY3cSY_uYeVW9OTKNeGzMOdfKyhLvaEIm7F7CAQLZ" \
    "lWihBvf9uYBOew0JxWZBLEIdeIVBt1qD3h4_Np1ihBokEbaERjlVt3iCu9-Y" \
    "7p-6QGnh7GZG31"

static void check_locks(test_t *t)
{
    apr_pool_t *pool = make_pool();
    pid_t pid;

    put(t->index, "lock/count", "0");
    tap_ok(&t->run->tap,
           !run_threads(count_up, t, 8) && has(t, "lock/count", "320", 3),
           "a lock excludes other threads");
    put(t->index, "lock/count", "0");
    tap_ok(&t->run->tap,
           !run_processes(count_up, t, CHILDREN)
               && has(t, "lock/count", "240", 3),
           "a lock excludes other processes");
    check_exclusion(t, OCI_LOCK_EXCLUSIVE);
    check_exclusion(t, OCI_LOCK_SHARED);
    tap_ok(&t->run->tap,
           take(t->index, "a", OCI_LOCK_EXCLUSIVE, pool)
               && take(t->index, "b", OCI_LOCK_EXCLUSIVE, pool),
           "different names are different locks");
    tap_ok(&t->run->tap,
           take(t->index, NAME, OCI_LOCK_SHARED, pool)
               && take(t->index, ALIKE, OCI_LOCK_EXCLUSIVE, pool),
           "so are names that were chosen to collide");
    tap_ok(&t->run->tap, !run_threads(lock_in_crowd, t, 6),
           "shared lockers do not starve an exclusive one");
    tap_ok(&t->run->tap,
           take(t->index, "shared", OCI_LOCK_SHARED, pool)
               && !run_threads(share_lock, t, 2)
               && !run_processes(share_lock, t, 2),
           "a shared lock is shared");
    apr_pool_clear(pool);
    tap_ok(&t->run->tap, take(t->other, "a", OCI_LOCK_EXCLUSIVE, pool) != NULL,
           "a lock ends with its pool");
    pid = start_process(hold_lock, t, 0);
    wait_at_gate(t->ready);
    kill(pid, SIGKILL);
    tap_ok(&t->run->tap,
           end_process(pid) == -1
               && take(t->index, "held", OCI_LOCK_EXCLUSIVE, pool) != NULL,
           "a lock ends with its killed process");
    apr_pool_destroy(pool);
    erase(t->index, "lock/count");
    erase(t->index, "lock/wait");
    erase(t->index, "lock/done");
}

static void run_checks(test_t *t)
{
    open_gate(t->ready);
    alarm(300); /* a lock that is never acquired must fail the test */
    check_races(t);
    check_stability(t);
    check_freshness(t);
    check_locks(t);
    alarm(0);
    close_gate(t->ready);
}

int main(int argc, char **argv)
{
    return run_contract(argc, argv, run_checks);
}
