/* SPDX-License-Identifier: Apache-2.0 */

/* The helpers of the contract tests for indexes:
 *
 *     program [provider[:type] [location [module.so record]]]
 *
 * location is the path of a new store; without arguments each of the providers
 * below is tested. */

#ifndef OCI_CONTRACT_INDEX_H
#define OCI_CONTRACT_INDEX_H

#include "contract_module.h"

/* The providers that need no server. */
static const char *const providers[] = { "fs", "dbd:sqlite3", "dbm:gdbm",
                                         "dbm:db" };

typedef struct test_t {
    run_t *run;
    const oci_index_provider_t *provider;
    oci_store_config_t config;
    oci_index_t *index;
    oci_index_t *other; /* the same store, opened a second time */
    int round;
    int ready[2]; /* a gate, see contract.h */
} test_t;

static inline const oci_index_provider_t *provider_of(const oci_index_t *index)
{
    return index->provider;
}

static inline apr_status_t change(oci_index_t *index, oci_change_e kind,
                                  const char *key, const char *data,
                                  apr_size_t size)
{
    oci_change_t one = { kind, key, { data, size } };
    apr_pool_t *pool = make_pool();
    apr_status_t rv = provider_of(index)->apply(index, &one, 1, 0, pool);

    apr_pool_destroy(pool);
    return rv;
}

static inline apr_status_t put(oci_index_t *index, const char *key,
                               const char *text)
{
    return change(index, OCI_CHANGE_PUT, key, text, strlen(text));
}

static inline apr_status_t add(oci_index_t *index, const char *key,
                               const char *text)
{
    return change(index, OCI_CHANGE_ADD, key, text, strlen(text));
}

static inline apr_status_t erase(oci_index_t *index, const char *key)
{
    return change(index, OCI_CHANGE_DELETE, key, "", 0);
}

/* Return whether key has this value in both indexes. */
static inline int has(test_t *t, const char *key, const char *data,
                      apr_size_t size)
{
    apr_pool_t *pool = make_pool();
    oci_value_t value;
    int good = provider_of(t->other)->get(NULL, t->other, key, pool)
            == APR_SUCCESS
        && provider_of(t->index)->get(&value, t->index, key, pool)
            == APR_SUCCESS
        && value.size == size && !memcmp(value.data, data, size)
        && value.data[size] == '\0';

    apr_pool_destroy(pool);
    return good;
}

static inline int lacks(test_t *t, const char *key)
{
    apr_pool_t *pool = make_pool();
    oci_value_t value;
    int good = provider_of(t->index)->get(NULL, t->index, key, pool)
            == APR_NOTFOUND
        && provider_of(t->other)->get(&value, t->other, key, pool)
            == APR_NOTFOUND;

    apr_pool_destroy(pool);
    return good;
}

/* Return the keys of a page, or "key=value" pairs, separated by blanks. */
static inline const char *page(oci_index_t *index, const char *prefix,
                               const char *after, int limit, int values,
                               apr_pool_t *pool)
{
    oci_scan_t range = { prefix, after, limit, values, 0 };
    apr_array_header_t *entries;
    const char *text = "";
    int i;

    if (provider_of(index)->scan(&entries, index, &range, pool)
        != APR_SUCCESS) {
        return "(failed)";
    }
    for (i = 0; i < entries->nelts; i++) {
        oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);

        text = apr_pstrcat(pool, text, i ? " " : "", entry->key,
                           values ? "=" : NULL, entry->value.data, NULL);
        if (!values && entry->value.data) {
            return "(a value)";
        }
    }
    return text;
}

/* Open the store of t->config; return NULL, or a sentence. */
static inline const char *open_once(test_t *t, oci_index_t **index)
{
    const char *error = t->provider->create(index, &t->config, t->run->pool);

    if (!error && provider_of(*index)->check) {
        error = provider_of(*index)->check(*index, t->run->pool);
    }
    return error
        ? error
        : provider_of(*index)->start(*index, getuid(), getgid(), t->run->pool);
}

/* Open the store as t->index and t->other, and report the result. */
static inline int open_twice(test_t *t)
{
    const char *error = open_once(t, &t->index);

    if (!error) {
        error = open_once(t, &t->other);
    }
    return tap_is(&t->run->tap, error, NULL, "an index is opened twice");
}

/* Run the checks with the index that the arguments name. */
static inline void check_one(run_t *run, int argc, char **argv,
                             void (*checks)(test_t *))
{
    test_t t = { .run = run };

    t.provider = named_provider(&t.config, run, OCI_INDEX_GROUP, argc, argv);
    if (t.provider && open_twice(&t)) {
        checks(&t);
    }
}

/* Run the checks with each provider, or with the one that is named. */
static inline int run_contract(int argc, char **argv, void (*checks)(test_t *))
{
    run_t run;
    size_t i;

    begin(&run);
    if (argc > 1) {
        check_one(&run, argc, argv, checks);
    }
    for (i = 0; argc == 1 && i < sizeof(providers) / sizeof(*providers); i++) {
        char *words[] = { argv[0], (char *)providers[i], (char *)providers[i] };

        check_one(&run, 3, words, checks);
    }
    return finish(&run);
}

#endif /* OCI_CONTRACT_INDEX_H */
