/* SPDX-License-Identifier: Apache-2.0 */

/* What mod_oci.h promises of an index whose processes are killed: what was
 * told to be done is there, and of what was not told, a prefix.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#endif

#include "contract_index.h"

#include <fcntl.h>
#include <poll.h>

#include "apr_time.h"

#define WORKERS 3
#define KEYS    24 /* of each worker */
#define LIST    5  /* changes of a list, at most */
#define SECONDS 3  /* of killing, for each index */

/* What a worker says: that it begins its list of this number, or that this
 * list is done. */
typedef struct word_t {
    int number;
    int done;
} word_t;

/* One worker, as the parent knows it. */
typedef struct worker_t {
    test_t *test;
    int name;
    int words[2];     /* a pipe */
    int next;         /* the number of its next list */
    int values[KEYS]; /* what each key has, 0 where it is not there */
} worker_t;

typedef struct list_t {
    oci_change_t changes[LIST];
    int keys[LIST];
    int values[LIST];
    int count;
    int durable;
} list_t;

static int dice(unsigned *seed, int sides)
{
    *seed = *seed * 1103515245 + 12345;
    return (int)(*seed >> 16) % sides;
}

/* The value of a number: a few are large. */
static oci_value_t make_value(int name, int number, apr_pool_t *pool)
{
    static const int sizes[] = { 0, 0, 10, 90, 90, 700, 1500, 5000, 90000 };
    unsigned seed = number;
    int size = sizes[dice(&seed, sizeof(sizes) / sizeof(*sizes))];
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

/* The list of a number, which is always the same one. */
static void make_list(list_t *list, int name, int number, apr_pool_t *pool)
{
    unsigned seed = number * WORKERS + name;
    int i;

    dice(&seed, 1);
    list->count = dice(&seed, 3) ? 1 : 1 + dice(&seed, LIST);
    list->durable = dice(&seed, 8) == 0;
    for (i = 0; i < list->count; i++) {
        oci_change_t *change = &list->changes[i];

        change->kind = (oci_change_e)dice(&seed, 3);
        list->keys[i] = dice(&seed, KEYS);
        list->values[i] = number * LIST + i + 1;
        change->key = make_key(name, list->keys[i], pool);
        change->value = make_value(name, list->values[i], pool);
    }
}

/* What the first count changes of a list do to the values.  An ADD that
 * finds its key ends the list. */
static void play(int values[KEYS], const list_t *list, int count)
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

/* The lock that a worker holds, in whichever process it lives on: who gets
 * it knows that nothing of that worker's is still under way. */
static apr_status_t take_turn(worker_t *worker, apr_pool_t *pool)
{
    oci_index_t *index = worker->test->index;
    oci_lock_t *lock;

    return of(index)->lock(&lock, index,
                           apr_psprintf(pool, "kill/%d", worker->name),
                           OCI_LOCK_EXCLUSIVE, pool);
}

/* Apply list after list until killed. */
static int work(void *data, int number)
{
    worker_t *worker = data;
    apr_pool_t *turn = make_pool();

    if (take_turn(worker, turn)) {
        return 3;
    }
    for (;; number++) {
        apr_pool_t *pool;
        word_t word = { number, 0 };
        apr_status_t rv;
        list_t list;

        apr_pool_create(&pool, turn);
        make_list(&list, worker->name, number, pool);
        if (write(worker->words[1], &word, sizeof(word)) != sizeof(word)) {
            return 1;
        }
        rv = of(worker->test->index)
                 ->apply(worker->test->index, list.changes, list.count,
                         list.durable, pool);
        if (rv && rv != APR_EEXIST) {
            return 2;
        }
        word.done = 1;
        if (write(worker->words[1], &word, sizeof(word)) != sizeof(word)) {
            return 1;
        }
        apr_pool_destroy(pool);
    }
}

/* Whether the index has these values of a worker, by get and by scan. */
static int has_values(worker_t *worker, const int values[KEYS])
{
    apr_pool_t *pool = make_pool();
    oci_index_t *index = worker->test->index;
    oci_scan_t range = { apr_psprintf(pool, "kill/%d/", worker->name), NULL, 0,
                         1, 0 };
    apr_array_header_t *entries;
    int i, k, good, count = 0;

    good = of(index)->scan(&entries, index, &range, pool) == APR_SUCCESS;
    for (k = 0; k < KEYS && good; k++) {
        const char *key = make_key(worker->name, k, pool);
        oci_value_t wanted = make_value(worker->name, values[k], pool), got;
        apr_status_t rv = of(index)->get(&got, index, key, pool);

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

/* Read what a killed worker said, and see that it is so.  Of the list that
 * it did not finish any prefix may be there, which is then known. */
static int settle(worker_t *worker)
{
    apr_pool_t *pool = make_pool();
    word_t word = { worker->next - 1, 1 };
    list_t list;
    int good, part;

    close(worker->words[1]);
    while (read(worker->words[0], &word, sizeof(word)) == sizeof(word)) {
        worker->next = word.number + 1;
        if (word.done) {
            make_list(&list, worker->name, word.number, pool);
            play(worker->values, &list, list.count);
            apr_pool_clear(pool);
        }
    }
    close(worker->words[0]);
    good = !take_turn(worker, pool) && has_values(worker, worker->values);
    if (!word.done) {
        make_list(&list, worker->name, word.number, pool);
        for (part = 1; part <= list.count && !good; part++) {
            int values[KEYS];

            memcpy(values, worker->values, sizeof(values));
            play(values, &list, part);
            good = has_values(worker, values);
            if (good) {
                memcpy(worker->values, values, sizeof(values));
            }
        }
    }
    if (!good) {
        printf("# worker %d, list %d: the index has something else\n",
               worker->name, word.number);
    }
    apr_pool_destroy(pool);
    return good;
}

/* Let the workers run for a moment and kill them one by one. */
static int run_round(worker_t workers[WORKERS], unsigned *seed)
{
    pid_t pids[WORKERS];
    int on_the_way = dice(seed, 4) == 0;
    int i, status, good = 1;

    for (i = 0; i < WORKERS; i++) {
        if (pipe(workers[i].words)) {
            abort();
        }
        fcntl(workers[i].words[1], F_SETPIPE_SZ, 1 << 20);
        pids[i] = start_process(work, &workers[i], workers[i].next);
    }
    /* Most are killed at work, on a slow machine too, some on their way. */
    for (i = 0; i < WORKERS && !on_the_way; i++) {
        struct pollfd word = { workers[i].words[0], POLLIN, 0 };

        poll(&word, 1, 20000);
    }
    usleep(1000 + dice(seed, 30000));
    for (i = 0; i < WORKERS; i++) {
        usleep(dice(seed, 3000));
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
        if (!WIFSIGNALED(status)) {
            printf("# worker %d ended by itself: %d\n", i, WEXITSTATUS(status));
            good = 0;
        }
    }
    for (i = 0; i < WORKERS; i++) {
        good &= settle(&workers[i]);
    }
    return good;
}

static void checks(test_t *t)
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
           "the index is opened anew");
    for (i = 0, good = 1; i < WORKERS; i++) {
        good &= has_values(&workers[i], workers[i].values);
    }
    tap_ok(&t->run->tap, good, "and has it all");
    for (i = 0, good = 1; i < WORKERS; i++) {
        for (k = 0; k < KEYS; k++) {
            good &= erase(t->index, make_key(i, k, pool)) == APR_SUCCESS;
        }
    }
    tap_is(&t->run->tap, page(t->index, "kill/", NULL, 0, 0, pool), "",
           "and nothing else");
}

int main(int argc, char **argv)
{
    return ask(argc, argv, checks);
}
