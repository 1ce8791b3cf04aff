/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of an index in mod_oci.h: values, changes, keys,
 * scans. */

#include "contract_index.h"

#include "registry/registry.h"

static void check_values(test_t *t)
{
    static const apr_size_t sizes[] = { 0, 1, 64, 1023, 1024, 4 << 20 };
    static const char *const odd[] = { "two words", "tab\t", "\x7f", "\x80",
                                       "../..",     "/",     "." };
    enum { SIZES = sizeof(sizes) / sizeof(*sizes) };
    char *big = apr_palloc(t->run->pool, (4 << 20) + 1);
    char *binary = apr_palloc(t->run->pool, 1024);
    int good, i, j;

    memset(big, 'x', 4 << 20);
    for (i = 0; i < SIZES; i++) {
        for (j = 0, good = 1; j < SIZES; j++) {
            char text[1];

            text[0] = 'y';
            good &= change(t->index, OCI_CHANGE_PUT, "value/a", big, sizes[i])
                == APR_SUCCESS;
            good &= change(t->index, OCI_CHANGE_PUT, "value/a",
                           sizes[j] == 1 ? text : big, sizes[j])
                == APR_SUCCESS;
            good &= has(t, "value/a", sizes[j] == 1 ? text : big, sizes[j]);
        }
        good &= erase(t->index, "value/a") == APR_SUCCESS
            && change(t->index, OCI_CHANGE_ADD, "value/a", big, sizes[i])
                == APR_SUCCESS
            && has(t, "value/a", big, sizes[i]);
        tap_ok(&t->run->tap, good,
               "a value of %lu bytes, put over and by others, and added",
               (unsigned long)sizes[i]);
    }
    for (i = 0; i < 1024; i++) {
        binary[i] = (char)(i * 7);
    }
    good = change(t->index, OCI_CHANGE_PUT, "value/b", binary, 1024)
            == APR_SUCCESS
        && has(t, "value/b", binary, 1024)
        && change(t->index, OCI_CHANGE_PUT, "value/b", "a\0b", 3) == APR_SUCCESS
        && has(t, "value/b", "a\0b", 3);
    tap_ok(&t->run->tap, good, "binary values");
    for (i = 0; i < (int)(sizeof(odd) / sizeof(*odd)); i++) {
        good &= put(t->index, "value/c", odd[i]) == APR_SUCCESS
            && has(t, "value/c", odd[i], strlen(odd[i]));
    }
    tap_ok(&t->run->tap, good, "values that look like something else");
    erase(t->index, "value/a");
    erase(t->index, "value/b");
    erase(t->index, "value/c");
    tap_is(&t->run->tap, page(t->index, "value/", NULL, 0, 0, t->run->pool), "",
           "deleted keys are not listed");
}

/* Whether following a fact finds these values; NULL: none.  If the index has no
 * function for that, the registry calls get twice. */
static int leads(test_t *t, const char *key, const char *value,
                 const char *target, apr_size_t size)
{
    oci_registry_t registry = { .index = t->index };
    oci_follow_t follow = { .key = key, .prefix = "follow/to/b" };

    follow.is_empty = value && (!*value || *value == ';');
    if (oci_fact_follow(&follow, &registry, t->run->pool)) {
        return 0;
    }
    if (!value) {
        return !follow.value.data && !follow.target.data;
    }
    return follow.value.data && follow.value.size == strlen(value)
        && !memcmp(follow.value.data, value, follow.value.size)
        && (target ? follow.target.data && follow.target.size == size
                    && !memcmp(follow.target.data, target, size)
                   : !follow.target.data);
}

static void check_follow(test_t *t)
{
    char *big = apr_palloc(t->run->pool, 100000);

    memset(big, 'x', 100000);
    big[50000] = '\0';
    tap_ok(&t->run->tap, leads(t, "follow/a", NULL, NULL, 0),
           "following an unknown key");
    put(t->index, "follow/a", "c:_1");
    tap_ok(&t->run->tap, leads(t, "follow/a", "c:_1", NULL, 0),
           "following a fact that leads nowhere");
    put(t->index, "follow/to/bc:_", "no");
    put(t->index, "follow/to/bc:_1", "yes");
    tap_ok(&t->run->tap, leads(t, "follow/a", "c:_1", "yes", 3),
           "following a fact");
    change(t->index, OCI_CHANGE_PUT, "follow/to/bc:_1", big, 100000);
    tap_ok(&t->run->tap, leads(t, "follow/a", "c:_1", big, 100000),
           "following a fact to a large binary value");
    put(t->index, "follow/a", "c:_1;");
    tap_ok(&t->run->tap, leads(t, "follow/a", "c:_1;", big, 100000),
           "following the part of a value before its \";\"");
    put(t->index, "follow/a", "c:_;1764307759;a%20b;c");
    tap_ok(&t->run->tap,
           leads(t, "follow/a", "c:_;1764307759;a%20b;c", "no", 2),
           "following the part before the first \";\"");
    put(t->index, "follow/a", "c:_2;c:_1");
    tap_ok(&t->run->tap, leads(t, "follow/a", "c:_2;c:_1", NULL, 0),
           "and only that part");
    put(t->index, "follow/a", "");
    put(t->index, "follow/to/b", "");
    tap_ok(&t->run->tap, leads(t, "follow/a", "", "", 0),
           "following an empty fact to an empty fact");
    put(t->index, "follow/to/b", "yes");
    put(t->index, "follow/a", ";1764307759");
    tap_ok(&t->run->tap, leads(t, "follow/a", ";1764307759", "yes", 3),
           "following an empty part");
    put(t->index, "follow/a", ";");
    tap_ok(&t->run->tap, leads(t, "follow/a", ";", "yes", 3),
           "following a value of \";\" alone");
    erase(t->index, "follow/a");
    tap_ok(&t->run->tap, leads(t, "follow/a", NULL, NULL, 0),
           "following a deleted key");
    erase(t->index, "follow/to/b");
    erase(t->index, "follow/to/bc:_");
    erase(t->index, "follow/to/bc:_1");
}

static void check_changes(test_t *t)
{
    oci_change_t many[] = {
        { OCI_CHANGE_PUT, "change/a", { "1", 1 } },
        { OCI_CHANGE_DELETE, "change/a", { NULL, 0 } },
        { OCI_CHANGE_ADD, "change/a", { "2", 1 } },
        { OCI_CHANGE_PUT, "change/deep/er/b", { "", 0 } },
        { OCI_CHANGE_DELETE, "change/nothing/here", { NULL, 0 } },
        { OCI_CHANGE_ADD, "change/a", { "3", 1 } },
        { OCI_CHANGE_PUT, "change/c", { "late", 4 } },
    };

    is_status(t->run,
              provider_of(t->index)->apply(t->index, many, 5, 1, t->run->pool),
              APR_SUCCESS, "a list of changes");
    tap_ok(&t->run->tap,
           has(t, "change/a", "2", 1) && has(t, "change/deep/er/b", "", 0),
           "changes are made in order");
    erase(t->index, "change/deep/er/b");
    is_status(t->run,
              provider_of(t->index)->apply(t->index, many + 3, 4, 1,
                                           t->run->pool),
              APR_EEXIST, "an ADD of an existing key");
    tap_ok(&t->run->tap,
           has(t, "change/deep/er/b", "", 0) && has(t, "change/a", "2", 1)
               && lacks(t, "change/c"),
           "the changes before it are made, the others are not");
    is_status(t->run, add(t->index, "change/deep/er/b", ""), APR_EEXIST,
              "an ADD of an empty value over an empty value");
    is_status(t->run, add(t->index, "change/deep/er/b", "a b"), APR_EEXIST,
              "an ADD of a text over an empty value");
    is_status(t->run, erase(t->index, "change/none"), APR_SUCCESS,
              "deleting a missing key succeeds");
    tap_ok(&t->run->tap,
           lacks(t, "change/deep") && lacks(t, "change")
               && lacks(t, "change/a/b"),
           "neither a directory nor a path below a key is a key");
    erase(t->index, "change/deep/er/b");
    is_status(t->run, put(t->index, "change/deep", "1"), APR_SUCCESS,
              "a key replaces an emptied directory");
    erase(t->index, "change/deep");
    is_status(t->run, put(t->index, "change/deep/er/b", "1"), APR_SUCCESS,
              "a directory replaces a deleted key");
    is_status(t->run,
              provider_of(t->index)->apply(t->index, many, 0, 1, t->run->pool),
              APR_SUCCESS, "an empty list of changes");
    erase(t->index, "change/deep/er/b");
    erase(t->index, "change/a");
}

/* Lists in which an index may make all changes at once. */
static void check_lists(test_t *t)
{
    char *big = apr_palloc(t->run->pool, 100000);
    oci_change_t list[] = {
        { OCI_CHANGE_PUT, "lists/small", { "1", 1 } },
        { OCI_CHANGE_PUT, "lists/empty", { "", 0 } },
        { OCI_CHANGE_PUT, "lists/was-big", { "2", 1 } },
        { OCI_CHANGE_DELETE, "lists/big", { NULL, 0 } },
        { OCI_CHANGE_DELETE, "lists/none", { NULL, 0 } },
    };
    oci_change_t many[100];
    int i, good = 1;

    memset(big, 'x', 100000);
    for (i = 0; i < 2; i++) {
        change(t->index, OCI_CHANGE_PUT, "lists/big", big, 100000);
        if (i) {
            change(t->index, OCI_CHANGE_PUT, "lists/was-big", big, 100000);
        }
        is_status(t->run,
                  provider_of(t->index)->apply(t->index, list, 5, 1,
                                               t->run->pool),
                  APR_SUCCESS,
                  i ? "a list that replaces a large value"
                    : "a list that deletes a large value");
        tap_ok(&t->run->tap,
               has(t, "lists/small", "1", 1) && has(t, "lists/empty", "", 0)
                   && has(t, "lists/was-big", "2", 1) && lacks(t, "lists/big"),
               "all its changes are made");
    }
    is_status(t->run,
              provider_of(t->index)->apply(t->index, list, 5, 1, t->run->pool),
              APR_SUCCESS, "the same list again");
    for (i = 0; i < 100; i++) {
        many[i] = list[0];
        many[i].kind = i < 50 ? OCI_CHANGE_PUT : OCI_CHANGE_DELETE;
        many[i].key = apr_psprintf(t->run->pool, "lists/%02d", i % 90);
    }
    is_status(t->run,
              provider_of(t->index)->apply(t->index, many, 100, 1,
                                           t->run->pool),
              APR_SUCCESS, "a list of a hundred changes");
    for (i = 0; i < 50; i++) {
        good &= i < 10 ? lacks(t, many[i].key) : has(t, many[i].key, "1", 1);
        erase(t->index, many[i].key);
    }
    tap_ok(&t->run->tap, good, "all its changes are made, in order");
    for (i = 0; i < 3; i++) {
        erase(t->index, list[i].key);
    }
}

static void check_keys(test_t *t)
{
    static const char bytes[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz._:!+=@,~-";
    char key[1024];
    const char *byte;
    int good = 1;

    for (byte = bytes; *byte; byte++) {
        apr_snprintf(key, sizeof(key), "key/a%c/%s%c", *byte,
                     *byte == '.' ? "a" : "", *byte);
        good &= put(t->index, key, "v") == APR_SUCCESS && has(t, key, "v", 1);
        good &= erase(t->index, key) == APR_SUCCESS && lacks(t, key);
    }
    tap_ok(&t->run->tap, good, "every byte that a key may contain");
    memset(key, 'k', sizeof(key));
    key[255] = key[511] = key[767] = '/';
    key[1023] = '\0';
    tap_ok(&t->run->tap,
           put(t->index, key, "v") == APR_SUCCESS && has(t, key, "v", 1),
           "the longest key");
    key[767] = '\0';
    tap_is(&t->run->tap,
           page(t->index, apr_pstrcat(t->run->pool, key, "/", NULL), NULL, 0, 0,
                t->run->pool),
           apr_pstrcat(t->run->pool, key, "/", key + 768, NULL),
           "the longest key is listed");
    key[767] = '/';
    tap_ok(&t->run->tap, erase(t->index, key) == APR_SUCCESS && lacks(t, key),
           "the longest key is deleted");
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Compare each page of a small tree with the expected one. */
static void check_order(test_t *t)
{
    const char *keys[] = {
        "order/x/1",     "order/x-",       "order/x!",    "order/x0/z",
        "order/x0/a/b",  "order/xA",       "order/x.y/q", "order/x.y!/q",
        "order/a/b/c/d", "order/a/b/c-/d", "order/a/b!",  "order/a-b/c!",
        "order/~",       "order/Z",        "order/_a/1",  "order/_a/10",
        "order/_a/9",
    };
    enum { KEYS = sizeof(keys) / sizeof(*keys) };
    const char *more[] = { "",        "x",    "x/",    "x0/a", "x0/a/",
                           "x0/a/b!", "a/b/", "zzz",   "\xff", "x/0",
                           ".",       "/",    "a/b/c/" };
    enum { MORE = sizeof(more) / sizeof(*more) };
    int i, j, k, limit, bad = 0;

    for (i = 0; i < KEYS; i++) {
        bad += put(t->index, keys[i], i % 2 ? "" : "v") != APR_SUCCESS;
    }
    qsort(keys, KEYS, sizeof(*keys), compare);
    for (i = 0; i < KEYS + MORE + 1; i++) {
        const char *after = i < KEYS ? keys[i] + strlen("order/")
            : i < KEYS + MORE        ? more[i - KEYS]
                                     : NULL;

        for (limit = 0; limit <= KEYS + 1; limit++) {
            apr_pool_t *pool = make_pool();
            const char *wanted = "", *got;

            for (j = k = 0; j < KEYS && (!limit || k < limit); j++) {
                if (!after || strcmp(keys[j] + strlen("order/"), after) > 0) {
                    wanted = apr_pstrcat(pool, wanted, k++ ? " " : "", keys[j],
                                         NULL);
                }
            }
            got = page(t->index, "order/", after, limit, 0, pool);
            if (strcmp(got, wanted)) {
                printf("# after %s, limit %d:\n#   %s\n# not\n#   %s\n",
                       after ? after : "(nothing)", limit, got, wanted);
                bad++;
            }
            apr_pool_destroy(pool);
        }
    }
    tap_ok(&t->run->tap, !bad, "every page of nested directories");
    tap_is(&t->run->tap, page(t->index, "order/_a/", "1", 1, 0, t->run->pool),
           "order/_a/10", "a page of a directory within");
    for (i = 0; i < KEYS; i++) {
        erase(t->index, keys[i]);
    }
    tap_is(&t->run->tap, page(t->index, "order/", NULL, 0, 0, t->run->pool), "",
           "an emptied directory has no keys");
}

static void check_scan(test_t *t)
{
    apr_pool_t *pool = t->run->pool;

    tap_is(&t->run->tap, page(t->index, "scan/none/", NULL, 0, 0, pool), "",
           "a directory that never existed has no keys");
    put(t->index, "scan/a", "v");
    put(t->index, "scan/b", "two words");
    put(t->index, "scan/c/d", "");
    tap_is(&t->run->tap, page(t->index, "scan/a/", NULL, 0, 0, pool), "",
           "a key has no keys below it");
    tap_is(&t->run->tap, page(t->index, "scan/", NULL, 0, 1, pool),
           "scan/a=v scan/b=two words scan/c/d=", "values");
    tap_is(&t->run->tap, page(t->index, "scan/", "a", 1, 1, pool),
           "scan/b=two words", "a page of values");
    put(t->index, "top", "v");
    tap_is(&t->run->tap, page(t->index, "", NULL, 0, 0, pool),
           "scan/a scan/b scan/c/d top", "all keys of the index");
    tap_is(&t->run->tap, page(t->index, "", "scan/b", 0, 1, pool),
           "scan/c/d= top=v", "a page of all keys");
    erase(t->index, "top");
    erase(t->index, "scan/a");
    erase(t->index, "scan/b");
    erase(t->index, "scan/c/d");
}

/* What visits have found, and when to end them. */
typedef struct visits_t {
    apr_array_header_t *found; /* const char *: key, or key=value */
    int most;                  /* 0: no limit */
} visits_t;

static apr_status_t note_visit(void *baton, const oci_entry_t *entry,
                               apr_pool_t *pool)
{
    visits_t *visits = baton;

    (void)pool;
    APR_ARRAY_PUSH(visits->found,
                   const char *) = apr_pstrcat(visits->found->pool, entry->key,
                                               entry->value.data ? "=" : NULL,
                                               entry->value.data, NULL);
    return visits->found->nelts == visits->most ? APR_EOF : APR_SUCCESS;
}

/* Visit a range; returns what was found, in order.
 * *rv: set to the status of the call */
static const char *visit(apr_status_t *rv, test_t *t, const char *prefix,
                         int values, int most)
{
    apr_pool_t *pool = t->run->pool;
    visits_t visits = { apr_array_make(pool, 8, sizeof(char *)), most };
    oci_scan_t scan = { prefix, NULL, 0, values, 0 };

    *rv = t->index->provider->visit(t->index, &scan, note_visit, &visits, pool);
    qsort(visits.found->elts, visits.found->nelts, sizeof(char *), compare);
    return apr_array_pstrcat(pool, visits.found, ' ');
}

/* A provider may leave visit out, or refuse it where the file system does not
 * allow it. */
static void check_visit(test_t *t)
{
    const char *found;
    apr_status_t rv = APR_ENOTIMPL;

    if (t->index->provider->visit) {
        found = visit(&rv, t, "visit/none/", 0, 0);
    }
    if (rv == APR_ENOTIMPL) {
        return;
    }
    tap_ok(&t->run->tap, rv == APR_SUCCESS && !*found,
           "visits of a directory that never existed");
    put(t->index, "visit/a", "v");
    put(t->index, "visit/b/c/d", "two words");
    put(t->index, "visit/b/e", "");
    found = visit(&rv, t, "visit/", 0, 0);
    tap_ok(&t->run->tap,
           rv == APR_SUCCESS && !strcmp(found, "visit/a visit/b/c/d visit/b/e"),
           "visits of all keys of a range");
    found = visit(&rv, t, "visit/b/", 1, 0);
    tap_ok(&t->run->tap,
           rv == APR_SUCCESS
               && !strcmp(found, "visit/b/c/d=two words visit/b/e="),
           "visits with values");
    found = visit(&rv, t, "visit/", 0, 1);
    tap_ok(&t->run->tap, rv == APR_EOF && *found && !strchr(found, ' '),
           "a visit ends the visits");
    erase(t->index, "visit/a");
    erase(t->index, "visit/b/c/d");
    erase(t->index, "visit/b/e");
    found = visit(&rv, t, "visit/", 0, 0);
    tap_ok(&t->run->tap, rv == APR_SUCCESS && !*found,
           "visits of an emptied directory");
}

static void run_checks(test_t *t)
{
    check_values(t);
    check_follow(t);
    check_lists(t);
    check_changes(t);
    check_keys(t);
    check_order(t);
    check_scan(t);
    check_visit(t);
}

int main(int argc, char **argv)
{
    return run_contract(argc, argv, run_checks);
}
