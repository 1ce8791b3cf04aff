/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of an index in mod_oci.h when its processes are killed:
 * acknowledged changes exist, and of the others a prefix. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#endif

#include "contract_index.h"

#include <fcntl.h>
#include <poll.h>

#include "apr_time.h"

#define WORKERS 3
#define KEYS    24 /* keys of each worker */
#define LIST    5  /* the maximum number of changes of a list */
#define SECONDS 3  /* how long to kill workers of an index */

/* A report of a worker: it begins a list of changes, or the list is done. */
typedef struct report_t {
    int number;
    int done;
} report_t;

/* What the parent knows of a worker. */
typedef struct worker_t {
    test_t *test;
    int name;
    int reports[2];   /* a pipe */
    int next;         /* the number of its next list */
    int values[KEYS]; /* of each key the number of its value, or 0 */
} worker_t;

typedef struct list_t {
    oci_change_t changes[LIST];
    int keys[LIST];
    int values[LIST];
    int count;
    int durable;
} list_t;

static int random_below(unsigned *seed, int sides)
{
    *seed = *seed * 1103515245 + 12345;
    return (int)(*seed >> 16) % sides;
}

/* Make the value of a number: a few are large. */
static oci_value_t make_value(int name, int number, apr_pool_t *pool)
{
    static const int sizes[] = { 0, 0, 10, 90, 90, 700, 1500, 5000, 90000 };
    unsigned seed = number;
    int size = sizes[random_below(&seed, sizeof(sizes) / sizeof(*sizes))];
    const char *text = apr_psprintf(pool, "%d of %d;", number, name);
    char *data = apr_palloc(pool, size + strlen(text) + 1);
    oci_value_t value;

    value.data = data;
    value.size = size ? size + strlen(text) : number % 2 ? strlen(text) : 0;
    memset(data, number % 3 ? 'x' : ' ', size + strlen(text));
    memcpy(data, text, strlen(text));
    return value;
}

static const char *make_key(int name, int key, apr_pool_t *pool)
{
    return apr_psprintf(pool, "kill/%d/%s%02d", name, key % 4 ? "" : "sub/",
                        key);
}

/* Make the list of a number, which is always the same. */
static void make_list(list_t *list, int name, int number, apr_pool_t *pool)
{
    unsigned seed = number * WORKERS + name;
    int i;

    random_below(&seed, 1);
    list->count = random_below(&seed, 3) ? 1 : 1 + random_below(&seed, LIST);
    list->durable = random_below(&seed, 8) == 0;
    for (i = 0; i < list->count; i++) {
        oci_change_t *change = &list->changes[i];

        change->kind = (oci_change_e)random_below(&seed, 3);
        list->keys[i] = random_below(&seed, KEYS);
        list->values[i] = number * LIST + i + 1;
        change->key = make_key(name, list->keys[i], pool);
        change->value = make_value(name, list->values[i], pool);
    }
}

/* Apply the first count changes of a list to values.  An ADD of an existing key
 * ends the list. */
static void apply_to_values(int values[KEYS], const list_t *list, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        int *value = &values[list->keys[i]];

        if (list->changes[i].kind == OCI_CHANGE_ADD && *value) {
            return;
        }
        *value = list->changes[i].kind == OCI_CHANGE_DELETE ? 0
                                                            : list->values[i];
    }
}

/* Acquire the lock of a worker, in whichever process it runs.  Then no change
 * of that worker's killed process is still under way. */
static apr_status_t lock_worker(worker_t *worker, apr_pool_t *pool)
{
    oci_index_t *index = worker->test->index;
    oci_lock_t *lock;

    return provider_of(index)->lock(&lock, index,
                                    apr_psprintf(pool, "kill/%d", worker->name),
                                    OCI_LOCK_EXCLUSIVE, pool);
}

/* Apply lists until killed. */
static int work(void *data, int number)
{
    worker_t *worker = data;
    apr_pool_t *lock_pool = make_pool();

    if (lock_worker(worker, lock_pool)) {
        return 3;
    }
    for (;; number++) {
        apr_pool_t *pool;
        report_t report = { number, 0 };
        apr_status_t rv;
        list_t list;

        apr_pool_create(&pool, lock_pool);
        make_list(&list, worker->name, number, pool);
        if (write(worker->reports[1], &report, sizeof(report))
            != sizeof(report)) {
            return 1;
        }
        rv = provider_of(worker->test->index)
                 ->apply(worker->test->index, list.changes, list.count,
                         list.durable, pool);
        if (rv && rv != APR_EEXIST) {
            return 2;
        }
        report.done = 1;
        if (write(worker->reports[1], &report, sizeof(report))
            != sizeof(report)) {
            return 1;
        }
        apr_pool_destroy(pool);
    }
}

/* Return whether get and scan find these values of a worker. */
static int has_values(worker_t *worker, const int values[KEYS])
{
    apr_pool_t *pool = make_pool();
    oci_index_t *index = worker->test->index;
    oci_scan_t range = { apr_psprintf(pool, "kill/%d/", worker->name), NULL, 0,
                         1, 0 };
    apr_array_header_t *entries;
    int i, k, good, count = 0;

    good = provider_of(index)->scan(&entries, index, &range, pool)
        == APR_SUCCESS;
    for (k = 0; k < KEYS && good; k++) {
        const char *key = make_key(worker->name, k, pool);
        oci_value_t wanted = make_value(worker->name, values[k], pool), got;
        apr_status_t rv = provider_of(index)->get(&got, index, key, pool);

        count += values[k] != 0;
        good = values[k] ? !rv && got.size == wanted.size
                && !memcmp(got.data, wanted.data, got.size)
                         : rv == APR_NOTFOUND;
        for (i = 0; i < entries->nelts && good && values[k]; i++) {
            const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);

            if (!strcmp(entry->key, key)) {
                good = entry->value.size == wanted.size
                    && !memcmp(entry->value.data, wanted.data, wanted.size);
                break;
            }
        }
        good &= !values[k] || i < entries->nelts;
    }
    for (i = 1; i < entries->nelts && good; i++) {
        good = strcmp(APR_ARRAY_IDX(entries, i - 1, oci_entry_t).key,
                      APR_ARRAY_IDX(entries, i, oci_entry_t).key)
            < 0;
    }
    good = good && entries->nelts == count;
    apr_pool_destroy(pool);
    return good;
}

/* Read the reports of a killed worker, and compare the index with them.  Any
 * prefix of its unfinished list may have been made, which is then known. */
static int check_worker(worker_t *worker)
{
    apr_pool_t *pool = make_pool();
    report_t report = { worker->next - 1, 1 };
    list_t list;
    int good, part;

    close(worker->reports[1]);
    while (read(worker->reports[0], &report, sizeof(report))
           == sizeof(report)) {
        worker->next = report.number + 1;
        if (report.done) {
            make_list(&list, worker->name, report.number, pool);
            apply_to_values(worker->values, &list, list.count);
            apr_pool_clear(pool);
        }
    }
    close(worker->reports[0]);
    good = !lock_worker(worker, pool) && has_values(worker, worker->values);
    if (!report.done) {
        make_list(&list, worker->name, report.number, pool);
        for (part = 1; part <= list.count && !good; part++) {
            int values[KEYS];

            memcpy(values, worker->values, sizeof(values));
            apply_to_values(values, &list, part);
            good = has_values(worker, values);
            if (good) {
                memcpy(worker->values, values, sizeof(values));
            }
        }
    }
    if (!good) {
        printf("# worker %d, list %d: the index has something else\n",
               worker->name, report.number);
    }
    apr_pool_destroy(pool);
    return good;
}

/* Let the workers run for a moment, and kill them one by one. */
static int run_round(worker_t workers[WORKERS], unsigned *seed)
{
    pid_t pids[WORKERS];
    int early = random_below(seed, 4) == 0;
    int i, status, good = 1;

    for (i = 0; i < WORKERS; i++) {
        if (pipe(workers[i].reports)) {
            abort();
        }
        fcntl(workers[i].reports[1], F_SETPIPE_SZ, 1 << 20);
        pids[i] = start_process(work, &workers[i], workers[i].next);
    }
    /* Most are killed while they apply lists, even on a slow machine; some are
     * killed while they start. */
    for (i = 0; i < WORKERS && !early; i++) {
        struct pollfd report = { workers[i].reports[0], POLLIN, 0 };

        poll(&report, 1, 20000);
    }
    usleep(1000 + random_below(seed, 30000));
    for (i = 0; i < WORKERS; i++) {
        usleep(random_below(seed, 3000));
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
        if (!WIFSIGNALED(status)) {
            printf("# worker %d ended by itself: %d\n", i, WEXITSTATUS(status));
            good = 0;
        }
    }
    for (i = 0; i < WORKERS; i++) {
        good &= check_worker(&workers[i]);
    }
    return good;
}

static void run_checks(test_t *t)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(SECONDS);
    apr_pool_t *pool = t->run->pool;
    worker_t workers[WORKERS];
    unsigned seed = (unsigned)end;
    int i, k, good = 1, kills = 0, lists = 0;

    memset(workers, 0, sizeof(workers));
    for (i = 0; i < WORKERS; i++) {
        workers[i].test = t;
        workers[i].name = i;
    }
    printf("# seed %u\n", seed);
    while (good && apr_time_now() < end) {
        good = run_round(workers, &seed);
        kills += WORKERS;
    }
    for (i = 0; i < WORKERS; i++) {
        lists += workers[i].next;
    }
    tap_ok(&t->run->tap, good && lists > kills / 2,
           "%d processes were killed among %d lists of changes", kills, lists);
    tap_is(&t->run->tap, open_once(t, &t->index), NULL,
           "the index is opened again");
    for (i = 0, good = 1; i < WORKERS; i++) {
        good &= has_values(&workers[i], workers[i].values);
    }
    tap_ok(&t->run->tap, good, "all values are there");
    for (i = 0, good = 1; i < WORKERS; i++) {
        for (k = 0; k < KEYS; k++) {
            good &= erase(t->index, make_key(i, k, pool)) == APR_SUCCESS;
        }
    }
    tap_is(&t->run->tap, page(t->index, "kill/", NULL, 0, 0, pool), "",
           "there are no other keys");
}

/* LeakSanitizer stops all threads at the end.  It crashed once with this
 * program's, on a loaded machine; the other programs look for leaks. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

int main(int argc, char **argv)
{
    return run_contract(argc, argv, run_checks);
}
