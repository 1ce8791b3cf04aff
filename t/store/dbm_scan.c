/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of scans of a "dbm" index whose keys are in a snapshot, in logs, or in
 * both: random changes and merges, compared with an array. */

#include "dbm_test.h"

#define KEYS   1500
#define ROUNDS 60
#define PAGES  40 /* pages that are compared in each round */

typedef struct facts_t {
    test_t *test;
    const char *keys[KEYS]; /* sorted */
    int values[KEYS];       /* 0 if the key does not exist */
} facts_t;

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void make_keys(facts_t *facts)
{
    static const char *const prefixes[] = { "a/", "a/b!/", "a/b/", "a-/",
                                            "z/long-name-of-a-prefix/" };
    int i;

    for (i = 0; i < KEYS; i++) {
        facts->keys[i] = apr_psprintf(facts->test->run->pool, "%s%x",
                                      prefixes[i % 5], i * 7919);
    }
    qsort(facts->keys, KEYS, sizeof(*facts->keys), compare);
}

/* Change some keys, in one call. */
static int change_randomly(facts_t *facts, int number)
{
    apr_pool_t *pool = make_pool();
    oci_change_t changes[100];
    int count = 1 + rand() % 100, i, bad;

    for (i = 0; i < count; i++) {
        int k = rand() % KEYS, deleted = rand() % (2 + number % 3) == 0;

        facts->values[k] = deleted ? 0 : number * 100 + i + 1;
        changes[i].kind = deleted ? OCI_CHANGE_DELETE : OCI_CHANGE_PUT;
        changes[i].key = facts->keys[k];
        changes[i].value.data = apr_itoa(pool, facts->values[k]);
        changes[i].value.size = strlen(changes[i].value.data);
    }
    bad = oci_index_dbm.apply(facts->test->index, changes, count, 0, pool)
        != APR_SUCCESS;
    apr_pool_destroy(pool);
    return !bad;
}

/* Put and delete a large value, so that a merge is due. */
static int merge(test_t *t)
{
    const char *text = apr_pcalloc(t->run->pool, 1100000);

    return !change(t->index, OCI_CHANGE_PUT, "m/large", text, 1100000)
        && !erase(t->index, "m/large");
}

/* Return whether a page is right. */
static int is_page(facts_t *facts, const oci_scan_t *range)
{
    apr_pool_t *pool = make_pool();
    const char *after = apr_pstrcat(pool, range->prefix, range->after, NULL);
    apr_array_header_t *entries;
    int bad = oci_index_dbm.scan(&entries, facts->test->index, range, pool)
        != APR_SUCCESS;
    int i, k = 0;

    for (i = 0; i < KEYS && !bad && (!range->limit || k < range->limit); i++) {
        if (facts->values[i] && strcmp(facts->keys[i], after) > 0
            && !strncmp(facts->keys[i], range->prefix, strlen(range->prefix))) {
            const oci_entry_t *entry = &APR_ARRAY_IDX(entries, k, oci_entry_t);

            bad = k++ >= entries->nelts || strcmp(entry->key, facts->keys[i])
                || (range->values ? atoi(entry->value.data) != facts->values[i]
                                  : entry->value.data != NULL);
        }
    }
    bad |= k != entries->nelts;
    apr_pool_destroy(pool);
    return !bad;
}

/* Compare some pages, with and without a prefix, from anywhere. */
static int has_pages(facts_t *facts)
{
    static const char *const prefixes[] = { "", "a/", "a/b/", "z/" };
    static const int limits[] = { 0, 1, 2, 10, 100, 255, 256, 257, 1000 };
    int i, good = 1;

    for (i = 0; i < PAGES; i++) {
        const char *key = facts->keys[rand() % KEYS];
        oci_scan_t range = { prefixes[rand() % 4], NULL, limits[rand() % 9],
                             rand() % 2, 0 };

        if (rand() % 3 && !strncmp(key, range.prefix, strlen(range.prefix))) {
            range.after = key + strlen(range.prefix);
        }
        good &= is_page(facts, &range);
    }
    return good;
}

static int has_values(facts_t *facts)
{
    int i, good = 1;

    for (i = 0; i < KEYS; i += 1 + rand() % 10) {
        char text[16];

        apr_snprintf(text, sizeof(text), "%d", facts->values[i]);
        good &= facts->values[i]
            ? holds(facts->test, facts->keys[i], text)
            : get_status(facts->test, facts->keys[i]) == APR_NOTFOUND;
    }
    return good;
}

static void check_type(test_t *t, const char *type)
{
    facts_t facts = { .test = t };
    int good = 1, merges = 0, i;

    make_keys(&facts);
    tap_is(&t->run->tap, open_as(t, type, type, getuid()), NULL,
           "an index is created");
    for (i = 0; i < ROUNDS && good; i++) {
        good = change_randomly(&facts, i) && has_pages(&facts)
            && has_values(&facts);
        if (i % 7 == 6) {
            good = good && merge(t) && has_pages(&facts) && has_values(&facts);
            merges++;
        }
    }
    tap_ok(&t->run->tap, good, "pages and values are right");
    tap_ok(&t->run->tap,
           exists(t, apr_psprintf(t->run->pool, "%s.log-%d", type, merges + 1))
               && !exists(t,
                          apr_psprintf(t->run->pool, "%s.log-%d", type,
                                       merges)),
           "with %d merges", merges);
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    srand(1);
    with_each_type(&t, check_type);
    return finish(&run);
}
