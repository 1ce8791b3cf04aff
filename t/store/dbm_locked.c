/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a merge that becomes due while the caller holds locks: it is done
 * after the last one is released. */

#include "dbm_test.h"

#define SIZE 60000
#define MANY 20   /* this many values make a merge due */
#define MORE 1200 /* this many are merged although a lock is held */

/* Put count values, with a pool. */
static void fill(test_t *t, apr_pool_t *pool, int count)
{
    char *value = apr_palloc(pool, SIZE);
    int i;

    for (i = 0; i < count; i++) {
        oci_change_t one = { OCI_CHANGE_PUT,
                             apr_psprintf(pool, "fill/%d", i),
                             { value, SIZE } };

        memset(value, 'a' + t->round++ % 26, SIZE);
        if (oci_index_dbm.apply(t->index, &one, 1, 0, pool)) {
            abort();
        }
    }
}

static oci_lock_t *take(test_t *t, const char *name, apr_pool_t *pool)
{
    oci_lock_t *lock;

    if (oci_index_dbm.lock(&lock, t->index, name, OCI_LOCK_SHARED, pool)) {
        abort();
    }
    return lock;
}

/* Two locks, the second in a pool below the first one's. */
static void check_locks(test_t *t)
{
    apr_pool_t *pool = make_pool(), *child;
    oci_lock_t *one = take(t, "one", pool), *two;

    apr_pool_create(&child, pool);
    two = take(t, "two", child);
    fill(t, child, MANY);
    tap_ok(&t->run->tap, !exists(t, "f.log-2"),
           "no merge while two locks are held");
    oci_index_dbm.unlock(two);
    tap_ok(&t->run->tap, !exists(t, "f.log-2"),
           "no merge while one lock is held");
    oci_index_dbm.unlock(one);
    tap_ok(&t->run->tap, exists(t, "f.log-2") && !exists(t, "f.log-1"),
           "a merge after the last lock");
    apr_pool_destroy(pool);
}

static void check_others(test_t *t)
{
    apr_pool_t *pool = make_pool(), *other = make_pool();
    oci_lock_t *lock = take(t, "one", other);

    fill(t, pool, MANY);
    tap_ok(&t->run->tap, exists(t, "f.log-3"),
           "locks of other callers do not delay a merge");
    oci_index_dbm.unlock(lock);
    apr_pool_destroy(pool);
    apr_pool_destroy(other);
}

/* A pool ends, and with it the lock that is held in it. */
static void check_pools(test_t *t)
{
    apr_pool_t *pool = make_pool(), *child;

    apr_pool_create(&child, pool);
    take(t, "one", child);
    fill(t, child, MANY);
    tap_ok(&t->run->tap, !exists(t, "f.log-4"), "no merge under the lock");
    apr_pool_destroy(child);
    fill(t, pool, 1);
    tap_ok(&t->run->tap, exists(t, "f.log-4"),
           "the next change merges if the lock ended with its pool");
    apr_pool_destroy(pool);
}

/* One lock for many changes, as "ociadmin copy" has it. */
static void check_long_lock(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_lock_t *lock = take(t, "one", pool);

    fill(t, pool, MORE);
    tap_ok(&t->run->tap, exists(t, "f.log-5"),
           "long logs are merged under a lock, too");
    oci_index_dbm.unlock(lock);
    apr_pool_destroy(pool);
}

static void check(test_t *t, const char *type)
{
    tap_is(&t->run->tap, open_as(t, type, "f", getuid()), NULL,
           "an index is created");
    check_locks(t);
    check_others(t);
    check_pools(t);
    check_long_lock(t);
    unlink(at(t->run, "f"));
    unlink(at(t->run, "f.locks"));
    unlink(at(t->run, "f.log-5"));
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    with_each_type(&t, check);
    return finish(&run);
}
