/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the B+tree in a DBM: random changes, compared with an array. */

#include "contract.h"

#include <errno.h>

#include "apr_dbm.h"

#include "store/dbm/dbm_node.h"
#include "store/dbm/dbm_tree.h"

#define NAMES  3000
#define ROUNDS 60

typedef struct test_t {
    run_t *run;
    oci_dbm_tree_t tree;
    const char *names[NAMES]; /* sorted */
    char exists[NAMES];
} test_t;

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Make names with long and short common prefixes, up to the longest possible
 * name. */
static void make_names(test_t *t)
{
    static char filling[1024];
    int i;

    memset(filling, 'f', sizeof(filling) - 1);
    for (i = 0; i < NAMES; i++) {
        int size = i % 100 == 0 ? 1015 : i % 7 * 10;

        t->names[i] = apr_psprintf(t->run->pool, "%s%d%.*s/%04d",
                                   i % 3 ? "repo/team/app" : "", i % 11, size,
                                   filling, i);
        if (strlen(t->names[i]) > 1023) {
            t->names[i] += strlen(t->names[i]) - 1023;
        }
    }
    qsort(t->names, NAMES, sizeof(*t->names), compare);
}

/* Add or delete each name with a probability in percent. */
static apr_status_t change_randomly(test_t *t, int percent_added,
                                    int percent_deleted)
{
    apr_pool_t *pool = make_pool();
    oci_dbm_tree_change_t *changes = apr_palloc(pool, NAMES * sizeof(*changes));
    apr_status_t rv;
    int i, count = 0;

    for (i = 0; i < NAMES; i++) {
        int random = rand() % 100;

        if (random < percent_added + percent_deleted) {
            changes[count].name = t->names[i];
            changes[count++].deleted = random >= percent_added;
            t->exists[i] = random < percent_added;
        }
    }
    rv = oci_dbm_tree_change(&t->tree, changes, count, pool);
    apr_pool_destroy(pool);
    return rv;
}

/* Return whether a list of the names after one, with a prefix, is right. */
static int lists(test_t *t, const char *after, const char *prefix, int limit)
{
    apr_pool_t *pool = make_pool();
    apr_array_header_t *names = apr_array_make(pool, 8, sizeof(char *));
    int bad = oci_dbm_tree_list(names, &t->tree, after, prefix, limit)
        != APR_SUCCESS;
    int i, k = 0;

    for (i = 0; i < NAMES && k < limit; i++) {
        if (t->exists[i] && strcmp(t->names[i], after) > 0
            && !strncmp(t->names[i], prefix, strlen(prefix))) {
            bad |= k >= names->nelts
                || strcmp(APR_ARRAY_IDX(names, k, const char *), t->names[i]);
            k++;
        }
    }
    bad |= k != names->nelts;
    apr_pool_destroy(pool);
    return !bad;
}

static int finds(test_t *t)
{
    apr_pool_t *pool = make_pool();
    int i, bad = 0;

    for (i = 0; i < NAMES; i += 1 + rand() % 5) {
        bad |= oci_dbm_tree_find(&t->tree, t->names[i], pool)
            != (t->exists[i] ? APR_SUCCESS : APR_NOTFOUND);
        bad |= oci_dbm_tree_find(&t->tree,
                                 apr_pstrcat(pool, t->names[i], "!", NULL),
                                 pool)
            != APR_NOTFOUND;
    }
    apr_pool_destroy(pool);
    return !bad;
}

/* Return whether the root has more than one child, or a name. */
static int has_proper_root(test_t *t)
{
    apr_pool_t *pool = make_pool();
    oci_dbm_node_t node;
    int good = !t->tree.root
        || (!oci_dbm_node_read(&node, t->tree.records, t->tree.root, pool)
            && node.items->nelts > node.branch);

    apr_pool_destroy(pool);
    return good;
}

static int is_correct(test_t *t)
{
    int good = lists(t, "", "", NAMES) && finds(t) && has_proper_root(t), i;

    for (i = 0; i < 20; i++) {
        const char *name = t->names[rand() % NAMES];

        good &= lists(t, name, "", 1 + rand() % 100);
        good &= strncmp(name, "repo/team/", 10)
            || lists(t, name, "repo/team/", 1 + rand() % 1000);
    }
    return good && lists(t, "repo/team/", "repo/team/", NAMES)
        && lists(t, "\xff", "", 1) && lists(t, "repo/z/", "repo/z/", 1);
}

/* Return the bytes of this node and all nodes below it, and count them. */
static apr_size_t node_bytes(test_t *t, apr_uint32_t number, int *nodes)
{
    apr_pool_t *pool = make_pool();
    apr_size_t bytes = 0;
    apr_uint32_t size;
    oci_dbm_node_t node;
    int i;

    if (number && !oci_dbm_node_read(&node, t->tree.records, number, pool)) {
        ++*nodes;
        oci_dbm_node_fit(&size, &node, 0, OCI_NODE_MAX);
        bytes = size;
        for (i = 0; i < node.items->nelts && node.branch; i++) {
            bytes += node_bytes(t,
                                APR_ARRAY_IDX(node.items, i,
                                              oci_dbm_node_item_t)
                                    .child,
                                nodes);
        }
    }
    apr_pool_destroy(pool);
    return bytes;
}

/* Return the number of nodes in the DBM, by their numbers. */
static int count_records(test_t *t)
{
    char name[16];
    apr_uint32_t number;
    int count = 0;

    for (number = 1; number <= t->tree.last; number++) {
        apr_snprintf(name, sizeof(name), "%x", number);
        count += !oci_dbm_records_get(NULL, t->tree.records, 'n', name, NULL);
    }
    return count;
}

static void check_changes(test_t *t)
{
    int i, bad = 0, nodes = 0;
    apr_size_t bytes;

    srand(1);
    tap_ok(&t->run->tap, is_correct(t), "an empty tree");
    for (i = 0; i < ROUNDS; i++) {
        bad += change_randomly(t, i % 3 * 5, i % 4 * 3) != APR_SUCCESS;
        bad += !is_correct(t);
    }
    tap_ok(&t->run->tap, !bad, "names are added and deleted");
    bad += change_randomly(t, 100, 0) != APR_SUCCESS || !is_correct(t);
    tap_ok(&t->run->tap, !bad, "all names are added");
    bad += change_randomly(t, 0, 97) != APR_SUCCESS || !is_correct(t);
    bytes = node_bytes(t, t->tree.root, &nodes);
    tap_ok(&t->run->tap, !bad && nodes * OCI_NODE_MAX / 4 < (int)bytes,
           "nearly all are deleted: %d nodes have %d bytes", nodes, (int)bytes);
    tap_ok(&t->run->tap, count_records(t) == nodes,
           "every node in the DBM is in the tree");
    bad += change_randomly(t, 0, 100) != APR_SUCCESS || !is_correct(t);
    tap_ok(&t->run->tap, !bad && !t->tree.root && !count_records(t),
           "an emptied tree has no nodes");
    bad += change_randomly(t, 1, 0) != APR_SUCCESS || !is_correct(t);
    tap_ok(&t->run->tap, !bad && t->tree.root, "an emptied tree grows again");
}

/* Damage is reported, not taken for absence. */
static void check_damage(test_t *t)
{
    apr_pool_t *pool = make_pool();
    apr_array_header_t *names = apr_array_make(pool, 8, sizeof(char *));
    oci_dbm_node_t node;

    change_randomly(t, 100, 0);
    oci_dbm_node_read(&node, t->tree.records, t->tree.root, pool);
    oci_dbm_node_delete(t->tree.records,
                        APR_ARRAY_IDX(node.items, 1, oci_dbm_node_item_t)
                            .child);
    is_status(t->run, oci_dbm_tree_list(names, &t->tree, "", "", NAMES), EIO,
              "a lost node does not end the list");
    is_status(t->run,
              oci_dbm_tree_find(&t->tree,
                                APR_ARRAY_IDX(node.items, 1,
                                              oci_dbm_node_item_t)
                                    .name,
                                pool),
              EIO, "a lost node is not absence");
    apr_pool_destroy(pool);
}

#define NODE(bytes)              \
    {                            \
        bytes, sizeof(bytes) - 1 \
    }

/* Damaged trees with right checksums: their nodes from number 1 on, the
 * root. */
static const struct {
    const char *name;
    oci_value_t nodes[3];
    int lists; /* whether listing succeeds */
} damaged_trees[] = {
    { "a NUL in a name", { NODE("l\0\0\0\14a\0longer name") }, 0 },
    { "a NUL at a name's end", { NODE("l\0\0\0\2a\0") }, 0 },
    { "a NUL in the prefix", { NODE("l\0\3a\0b\0\1c\0\1d") }, 0 },
    { "a NUL in a branch",
      { NODE("b\0\0\0\0\0\2\0\11\0\0\0\0\0\3\0\11\0\7a\0aaaaa"),
        NODE("l\0\0\0\1a"), NODE("l\0\0\0\1b") },
      0 },
    { "a prefix beyond the end", { NODE("l\0\5a/\0\1c") }, 0 },
    { "a name beyond the end", { NODE("l\0\0\0\3ab") }, 0 },
    { "no items", { NODE("l\0\0") }, 1 },
    { "no items in a branch", { NODE("b\0\0") }, 0 },
    { "neither leaf nor branch", { NODE("x\0\0\0\1a") }, 0 },
    { "names out of order", { NODE("l\0\0\0\1c\0\1b") }, 0 },
    { "a name twice", { NODE("l\0\0\0\1c\0\1c") }, 0 },
    { "a cycle", { NODE("b\0\0\0\0\0\1\0\11\0\0\0\0\0\1\0\11\0\1m") }, 0 },
    { "a leaf beside a branch",
      { NODE("b\0\0\0\0\0\2\0\11\0\0\0\0\0\3\0\11\0\1m"), NODE("l\0\0\0\1b"),
        NODE("b\0\0\0\0\0\2\0\11\0\0") },
      0 },
    { "names of another child",
      { NODE("b\0\0\0\0\0\2\0\11\0\0\0\0\0\3\0\11\0\1m"),
        NODE("l\0\0\0\3b/c\0\3b/d"), NODE("l\0\0\0\0\0\2b/") },
      0 },
};

/* Check that a damaged tree is reported, and is not read beyond the ends of its
 * nodes. */
static void check_damaged(test_t *t, int n)
{
    static const char *const names[] = { "a", "a/", "b", "c", "z" };
    apr_pool_t *pool = make_pool();
    oci_dbm_tree_t tree = { .records = t->tree.records, .root = 1, .last = 3 };
    oci_dbm_tree_change_t changes[] = { { "a!", 0 }, { "n!", 0 } };
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(char *));
    apr_status_t rv;
    int i, bad = 0;

    for (i = 0; i < 3; i++) {
        const char *record = apr_itoa(pool, i + 1);

        bad |= damaged_trees[n].nodes[i].size
            ? oci_dbm_records_put(tree.records, 'n', record,
                                  &damaged_trees[n].nodes[i])
            : oci_dbm_records_delete(tree.records, 'n', record);
    }
    for (i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++) {
        rv = oci_dbm_tree_find(&tree, names[i], pool);
        bad |= rv && rv != EIO && rv != APR_NOTFOUND;
    }
    rv = oci_dbm_tree_list(list, &tree, "", "", NAMES);
    bad |= rv != (damaged_trees[n].lists ? APR_SUCCESS : EIO);
    tap_ok(&t->run->tap, !bad, "%s: reading reports damage",
           damaged_trees[n].name);
    is_status(t->run, oci_dbm_tree_change(&tree, changes, 2, pool), EIO,
              "changing reports damage");
    apr_pool_destroy(pool);
}

int main(void)
{
    static const char *const types[] = { "gdbm", "db" };
    run_t run;
    int i, n;

    begin(&run);
    for (i = 0; i < 2; i++) {
        test_t t = { .run = &run };
        apr_pool_t *pool = make_pool();
        apr_status_t rv = oci_dbm_records_open(&t.tree.records, types[i],
                                               apr_pstrcat(run.pool, run.dir,
                                                           "/", types[i], NULL),
                                               APR_DBM_RWCREATE, pool);

        printf("# %s\n", types[i]);
        make_names(&t);
        if (is_status(&run, rv, APR_SUCCESS, "a DBM")) {
            check_changes(&t);
            check_damage(&t);
            for (n = 0;
                 n < (int)(sizeof(damaged_trees) / sizeof(*damaged_trees));
                 n++) {
                check_damaged(&t, n);
            }
        }
        apr_pool_destroy(pool);
    }
    return finish(&run);
}
