/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of a blob store in mod_oci.h: its id and its owner. */

#include "contract_blob.h"

#define CHILDREN 6

static int make_identity(void *data, int number)
{
    test_t *t = data;
    const char *id;
    apr_pool_t *pool = make_pool();
    int bad = t->provider->identity(&id, t->store, 1, pool) != APR_SUCCESS
        || write(t->ready[1], id, strlen(id)) != (ssize_t)strlen(id);

    (void)number;
    apr_pool_destroy(pool);
    return bad;
}

/* All processes get the same id, whichever creates it. */
static void check_identity(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const char *id = "", *again = NULL;
    char ids[CHILDREN * 64 + 1] = "";
    size_t length, i, odd = 0;
    int made;

    if (!t->provider->identity) {
        tap_ok(&t->run->tap, 1,
               "a store has an id # SKIP this provider has none");
        apr_pool_destroy(pool);
        return;
    }
    is_status(t->run, t->provider->identity(&id, t->store, 0, pool),
              APR_NOTFOUND, "a new store has no id");
    made = !run_processes(make_identity, t, CHILDREN)
        && read(t->ready[0], ids, sizeof(ids) - 1) > 0
        && !t->provider->identity(&id, t->store, 0, pool)
        && !t->provider->identity(&again, t->store, 1, pool);
    tap_ok(&t->run->tap, made && !strcmp(id, again),
           "processes create an id at once");
    length = strlen(id);
    for (i = 0; i < length; i++) {
        odd += id[i] <= ' ' || id[i] > '~';
    }
    tap_ok(&t->run->tap, length && length <= 64 && !odd, "an id is printable");
    for (i = 0; made && i < CHILDREN; i++) {
        odd += strncmp(ids + i * length, id, length) != 0;
    }
    tap_ok(&t->run->tap, !odd && strlen(ids) == CHILDREN * length,
           "all processes get the same id");
    apr_pool_destroy(pool);
}

/* Become the owner of a store that has none. */
static int become_owner(void *data, int number)
{
    test_t *t = data;
    const char *id = NULL;
    apr_pool_t *pool = make_pool();
    int bad = t->provider->owner(&id, t->store, NULL,
                                 apr_psprintf(pool, "index-%d", number), pool)
            != APR_SUCCESS
        || !id || write(t->ready[1], id, strlen(id)) != (ssize_t)strlen(id);

    apr_pool_destroy(pool);
    return bad;
}

/* A store belongs to one index, until that is replaced by name. */
static void check_owned(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const char *id = "", *kept = NULL, *replaced = NULL, *again = NULL;
    char ids[CHILDREN * 64 + 1] = "";
    size_t i, odd = 0;

    if (!t->provider->owner) {
        tap_ok(&t->run->tap, 1,
               "a store has an owner # SKIP this provider has none");
        apr_pool_destroy(pool);
        return;
    }
    tap_ok(&t->run->tap,
           !t->provider->owner(&id, t->store, "other", "new", pool) && !id,
           "a new store has no owner that could be replaced");
    tap_ok(&t->run->tap,
           !run_processes(become_owner, t, CHILDREN)
               && read(t->ready[0], ids, sizeof(ids) - 1) > 0
               && !t->provider->owner(&id, t->store, NULL, NULL, pool) && id,
           "processes become the owner at once");
    for (i = 0; id && i < CHILDREN; i++) {
        odd += strncmp(ids + i * strlen(id), id, strlen(id)) != 0;
    }
    tap_ok(&t->run->tap, id && !odd && strlen(ids) == CHILDREN * strlen(id),
           "one of them does");
    tap_ok(&t->run->tap,
           id && !t->provider->owner(&kept, t->store, "other", "new", pool)
               && !strcmp(kept, id)
               && !t->provider->owner(&replaced, t->store, id, "new", pool)
               && !t->provider->owner(&again, t->store, NULL, NULL, pool)
               && !strcmp(replaced, "new") && !strcmp(again, "new"),
           "it is replaced only by its name");
    apr_pool_destroy(pool);
}

int main(int argc, char **argv)
{
    run_t run;
    test_t t = { .run = &run };

    if (begin_store(&t, argc, argv)) {
        open_gate(t.ready);
        alarm(300);
        check_identity(&t);
        check_owned(&t);
        alarm(0);
        close_gate(t.ready);
    }
    return finish(&run);
}
