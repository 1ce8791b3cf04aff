/* SPDX-License-Identifier: Apache-2.0 */

/* A B+tree; dbm_node.c draws its nodes.  All names stand in leaves.  A branch
 * says of each child which names it has at least: a name is in the last
 * child whose own is not above it, and in the first one where all are.
 *
 * Changes come in order, so that each node that they touch is written once.
 * Neighbours that have become small are joined, so that a list reads few
 * nodes also after most names have gone.
 */

#include <errno.h>
#include <string.h>

#include "apr_strings.h"

#include "store/dbm/dbm_node.h"
#include "store/dbm/dbm_tree.h"

/* Neighbours that have no more bytes are joined; so little, that they don't
 * have to be parted again soon. */
#define JOIN_MAX (OCI_NODE_MAX * 2 / 3)

/* All ways lead through few branches: so many of them, of 4 KiB each, are
 * remembered. */
#define KNOWN_MAX 512

/* More levels than any tree has: one that has them leads in a circle. */
#define LEVELS_MAX 64

typedef struct known_t {
    apr_uint32_t number;
    oci_dbm_node_cursor_t cursor; /* before the first item */
} known_t;

static oci_dbm_node_item_t *item_at(const apr_array_header_t *items, int i)
{
    return &APR_ARRAY_IDX(items, i, oci_dbm_node_item_t);
}

/* Open a node; once more for those to come, where it is a branch. */
static apr_status_t open_node(oci_dbm_node_cursor_t *cursor,
                              const oci_dbm_tree_t *tree, apr_uint32_t number,
                              apr_pool_t *pool)
{
    known_t *known = tree->known
        ? apr_hash_get(tree->known, &number, sizeof(number))
        : NULL;
    apr_status_t rv;

    if (known) {
        *cursor = known->cursor;
        return APR_SUCCESS;
    }
    rv = oci_dbm_node_open(cursor, tree->records, number, pool);
    if (rv || !cursor->branch || !tree->known
        || apr_hash_count(tree->known) >= KNOWN_MAX) {
        return rv;
    }
    pool = apr_hash_pool_get(tree->known);
    known = apr_palloc(pool, sizeof(*known));
    known->number = number;
    rv = oci_dbm_node_open(&known->cursor, tree->records, number, pool);
    if (!rv) {
        apr_hash_set(tree->known, &known->number, sizeof(number), known);
    }
    return rv;
}

/* Step to the child in which name would be. */
static apr_status_t find_child(apr_uint32_t *child,
                               oci_dbm_node_cursor_t *cursor, const char *name)
{
    apr_status_t rv = oci_dbm_node_next(cursor);

    if (rv) {
        return EIO;
    }
    do {
        *child = cursor->child;
        rv = oci_dbm_node_next(cursor);
    } while (!rv && oci_dbm_node_compare(cursor, name) <= 0);
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

apr_status_t oci_dbm_tree_find(const oci_dbm_tree_t *tree, const char *name,
                               apr_pool_t *pool)
{
    apr_uint32_t number = tree->root;
    oci_dbm_node_cursor_t cursor;
    apr_status_t rv;
    int order = -1, level = 0;

    if (!number) {
        return APR_NOTFOUND;
    }
    while (!(rv = open_node(&cursor, tree, number, pool)) && cursor.branch) {
        rv = ++level < LEVELS_MAX ? find_child(&number, &cursor, name) : EIO;
        if (rv) {
            return rv;
        }
    }
    while (!rv && order < 0) {
        rv = oci_dbm_node_next(&cursor);
        if (!rv) {
            order = oci_dbm_node_compare(&cursor, name);
        }
    }
    return rv == APR_EOF || order > 0 ? APR_NOTFOUND : rv;
}

/* One list, and whether it is at its end. */
typedef struct list_t {
    const oci_dbm_tree_t *tree;
    apr_array_header_t *names;
    const char *after;
    const char *folder;
    apr_size_t folder_size;
    int limit;
    int done;
    int level;        /* of the node that is being listed */
    const char *last; /* the name before, or NULL */
} list_t;

/* List the names of a leaf. */
static apr_status_t list_leaf(list_t *list, oci_dbm_node_cursor_t *cursor)
{
    apr_status_t rv = APR_SUCCESS;

    while (!list->done && !(rv = oci_dbm_node_next(cursor))) {
        const char *name;

        if (oci_dbm_node_compare(cursor, list->after) <= 0) {
            continue;
        }
        name = oci_dbm_node_name(cursor, list->names->pool);
        if (list->last && strcmp(list->last, name) >= 0) {
            return EIO;
        }
        list->last = name;
        if (strncmp(name, list->folder, list->folder_size)) {
            list->done = 1;
            break;
        }
        APR_ARRAY_PUSH(list->names, const char *) = name;
        list->done = list->names->nelts == list->limit;
    }
    return list->done || rv == APR_EOF ? APR_SUCCESS : rv;
}

static apr_status_t list_node(list_t *list, apr_uint32_t number,
                              apr_pool_t *parent);

/* List the children of a branch, from the one on in which after would be. */
static apr_status_t list_children(list_t *list, oci_dbm_node_cursor_t *cursor,
                                  apr_pool_t *pool)
{
    apr_uint32_t child;
    apr_status_t rv = find_child(&child, cursor, list->after);
    int last;

    if (rv) {
        return rv;
    }
    /* The cursor is at the child after that one, unless there is none. */
    last = cursor->child == child;
    rv = list_node(list, child, pool);
    while (!rv && !last && !list->done) {
        rv = list_node(list, cursor->child, pool);
        if (!rv) {
            rv = oci_dbm_node_next(cursor);
        }
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

static apr_status_t list_node(list_t *list, apr_uint32_t number,
                              apr_pool_t *parent)
{
    oci_dbm_node_cursor_t cursor;
    apr_pool_t *pool;
    apr_status_t rv = list->level < LEVELS_MAX ? apr_pool_create(&pool, parent)
                                               : EIO;

    if (rv) {
        return rv;
    }
    list->level++;
    rv = open_node(&cursor, list->tree, number, pool);
    if (!rv) {
        rv = cursor.branch ? list_children(list, &cursor, pool)
                           : list_leaf(list, &cursor);
    }
    list->level--;
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t oci_dbm_tree_list(apr_array_header_t *names,
                               const oci_dbm_tree_t *tree, const char *after,
                               const char *folder, int limit)
{
    list_t list = { tree,  names, after, folder, strlen(folder),
                    limit, 0,     0,     NULL };

    return tree->root ? list_node(&list, tree->root, names->pool) : APR_SUCCESS;
}

/* The name by which a parent knows a node that begins at first: no longer
 * than what tells it from the name before. */
static const char *part_name(const oci_dbm_node_t *node, int first,
                             apr_pool_t *pool)
{
    const char *name = item_at(node->items, first)->name;
    const char *before = item_at(node->items, first - 1)->name;

    return node->branch
        ? apr_pstrdup(pool, name)
        : apr_pstrmemdup(pool, name, 1 + oci_dbm_node_common(before, name));
}

/* How large the nodes are to be, so that the last one is as full as all. */
static apr_size_t part_size(const oci_dbm_node_t *node)
{
    apr_size_t total = 0, parts = 0, size;
    apr_uint32_t bytes;
    int i = 0;

    while (i < node->items->nelts) {
        i += oci_dbm_node_fit(&bytes, node, i, OCI_NODE_MAX);
        total += bytes;
        parts++;
    }
    size = total / parts + OCI_NODE_MAX / 32;
    return parts > 1 && size < OCI_NODE_MAX ? size : OCI_NODE_MAX;
}

/* Write a node in as many parts as it needs, the first of them in the place
 * of what the parent has as old.  Items for the parent are added to out,
 * none where the node is empty. */
static apr_status_t write_parts(oci_dbm_tree_t *tree,
                                const oci_dbm_node_t *node,
                                const oci_dbm_node_item_t *old,
                                apr_array_header_t *out)
{
    apr_size_t limit;
    apr_status_t rv = APR_SUCCESS;
    int i, count;

    if (!node->items->nelts) {
        return old->child ? oci_dbm_node_delete(tree->records, old->child) : rv;
    }
    limit = part_size(node);
    for (i = 0; i < node->items->nelts && !rv; i += count) {
        oci_dbm_node_item_t item = *old;

        count = oci_dbm_node_fit(&item.size, node, i, limit);
        if (i) {
            item.name = part_name(node, i, out->pool);
        }
        if (i || !item.child) {
            item.child = ++tree->last;
        }
        APR_ARRAY_PUSH(out, oci_dbm_node_item_t) = item;
        rv = oci_dbm_node_write(tree->records, item.child, node, i, count);
    }
    return rv;
}

/* Let names come to a leaf and go from it; whether that changed it. */
static int change_names(oci_dbm_node_t *node,
                        const oci_dbm_tree_change_t *changes, int count,
                        apr_pool_t *pool)
{
    apr_array_header_t *items = apr_array_make(pool, node->items->nelts + count,
                                               sizeof(oci_dbm_node_item_t));
    int i = 0, changed = 0;

    while (i < node->items->nelts || count) {
        oci_dbm_node_item_t item = { NULL, 0, 0 };
        int order = !count ? -1
            : i == node->items->nelts
            ? 1
            : strcmp(item_at(node->items, i)->name, changes->name);

        if (order < 0) {
            item.name = item_at(node->items, i++)->name;
        }
        else {
            if (!changes->gone) {
                item.name = changes->name;
            }
            changed |= changes->gone ? order == 0 : order > 0;
            i += order == 0;
            changes++;
            count--;
        }
        if (item.name) {
            APR_ARRAY_PUSH(items, oci_dbm_node_item_t) = item;
        }
    }
    node->items = items;
    return changed;
}

/* Join small neighbours among the children of a branch. */
static apr_status_t join_children(oci_dbm_tree_t *tree, oci_dbm_node_t *node,
                                  apr_pool_t *pool)
{
    apr_array_header_t *items = node->items;
    int from, to = 0;

    for (from = 1; from < items->nelts; from++) {
        oci_dbm_node_item_t *left = item_at(items, to);
        oci_dbm_node_item_t *right = item_at(items, from);
        oci_dbm_node_t one, other;
        apr_status_t rv;

        if (left->size + right->size <= JOIN_MAX) {
            apr_uint32_t size;

            if ((rv = oci_dbm_node_read(&one, tree->records, left->child, pool))
                || (rv = oci_dbm_node_read(&other, tree->records, right->child,
                                           pool))) {
                return rv;
            }
            if (one.branch != other.branch) {
                return EIO;
            }
            if (other.branch) {
                item_at(other.items, 0)->name = right->name;
            }
            apr_array_cat(one.items, other.items);
            if (oci_dbm_node_fit(&size, &one, 0, OCI_NODE_MAX)
                == one.items->nelts) {
                left->size = size;
                if ((rv = oci_dbm_node_write(tree->records, left->child, &one,
                                             0, one.items->nelts))
                    || (rv = oci_dbm_node_delete(tree->records,
                                                 right->child))) {
                    return rv;
                }
                continue;
            }
        }
        *item_at(items, ++to) = *right;
    }
    items->nelts = items->nelts ? to + 1 : 0;
    return APR_SUCCESS;
}

static apr_status_t change_node(oci_dbm_tree_t *tree,
                                const oci_dbm_node_item_t *old,
                                const oci_dbm_tree_change_t *changes, int count,
                                apr_array_header_t *out);

/* Change the children of a branch. */
static apr_status_t change_children(oci_dbm_tree_t *tree, oci_dbm_node_t *node,
                                    const oci_dbm_tree_change_t *changes,
                                    int count, apr_pool_t *pool)
{
    apr_array_header_t *items = node->items;
    int i;

    node->items = apr_array_make(pool, items->nelts + 8,
                                 sizeof(oci_dbm_node_item_t));
    for (i = 0; i < items->nelts; i++) {
        int part = 0;
        apr_status_t rv;

        while (part < count
               && (i == items->nelts - 1
                   || strcmp(changes[part].name, item_at(items, i + 1)->name)
                       < 0)) {
            part++;
        }
        if (!part) {
            APR_ARRAY_PUSH(node->items, oci_dbm_node_item_t) = *item_at(items,
                                                                        i);
            continue;
        }
        rv = change_node(tree, item_at(items, i), changes, part, node->items);
        if (rv) {
            return rv;
        }
        changes += part;
        count -= part;
    }
    return join_children(tree, node, pool);
}

/* Change what the parent has as old; items for the parent are added to
 * out. */
static apr_status_t change_node(oci_dbm_tree_t *tree,
                                const oci_dbm_node_item_t *old,
                                const oci_dbm_tree_change_t *changes, int count,
                                apr_array_header_t *out)
{
    oci_dbm_node_t node;
    apr_pool_t *pool;
    apr_status_t rv = tree->level < LEVELS_MAX
        ? apr_pool_create(&pool, out->pool)
        : EIO;

    if (rv) {
        return rv;
    }
    tree->level++;
    rv = oci_dbm_node_read(&node, tree->records, old->child, pool);
    if (!rv && node.branch) {
        apr_array_header_t *before = node.items;

        rv = change_children(tree, &node, changes, count, pool);
        if (!rv && before->nelts == node.items->nelts
            && !memcmp(before->elts, node.items->elts,
                       before->nelts * sizeof(oci_dbm_node_item_t))) {
            APR_ARRAY_PUSH(out, oci_dbm_node_item_t) = *old;
        }
        else if (!rv) {
            rv = write_parts(tree, &node, old, out);
        }
    }
    else if (!rv) {
        if (change_names(&node, changes, count, pool)) {
            rv = write_parts(tree, &node, old, out);
        }
        else {
            APR_ARRAY_PUSH(out, oci_dbm_node_item_t) = *old;
        }
    }
    tree->level--;
    apr_pool_destroy(pool);
    return rv;
}

/* Put branches above items until there is a single one: the root. */
static apr_status_t set_root(oci_dbm_tree_t *tree, apr_array_header_t *items)
{
    static const oci_dbm_node_item_t none = { "", 0, 0 };
    apr_status_t rv = APR_SUCCESS;

    while (items->nelts > 1 && !rv) {
        oci_dbm_node_t node = { 1, items };

        items = apr_array_make(items->pool, 8, sizeof(oci_dbm_node_item_t));
        rv = write_parts(tree, &node, &none, items);
    }
    tree->root = items->nelts ? item_at(items, 0)->child : 0;
    return rv;
}

/* Take away a root that has a single child. */
static apr_status_t lower_root(oci_dbm_tree_t *tree, apr_pool_t *pool)
{
    oci_dbm_node_t node = { 0, NULL };
    apr_status_t rv = APR_SUCCESS;

    while (tree->root && !rv) {
        apr_uint32_t root = tree->root;

        rv = oci_dbm_node_read(&node, tree->records, root, pool);
        if (rv || !node.branch || node.items->nelts > 1) {
            return rv;
        }
        tree->root = item_at(node.items, 0)->child;
        rv = oci_dbm_node_delete(tree->records, root);
    }
    return rv;
}

apr_status_t oci_dbm_tree_change(oci_dbm_tree_t *tree,
                                 const oci_dbm_tree_change_t *changes,
                                 int count, apr_pool_t *pool)
{
    apr_array_header_t *items = apr_array_make(pool, 8,
                                               sizeof(oci_dbm_node_item_t));
    oci_dbm_node_item_t root = { "", tree->root, 0 };
    oci_dbm_node_t node = { 0, items };
    apr_status_t rv;

    tree->level = 0;
    if (tree->root) {
        rv = change_node(tree, &root, changes, count, items);
    }
    else {
        change_names(&node, changes, count, pool);
        rv = write_parts(tree, &node, &root, items);
    }
    if (!rv) {
        rv = set_root(tree, items);
    }
    return rv ? rv : lower_root(tree, pool);
}
