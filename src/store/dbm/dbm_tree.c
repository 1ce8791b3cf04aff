/* SPDX-License-Identifier: Apache-2.0 */

/* A B+tree of sorted names; dbm_node.c draws its nodes.  All names are in
 * leaves.  A branch has a separator for each child: the smallest name that the
 * child may have.  A name is in the last child whose separator is not greater
 * than the name, or in the first child if all are greater.
 *
 * Changes are sorted, so that each node that they affect is written once.
 * Small neighbours are joined, so that a list reads few nodes even after most
 * names were deleted. */

#include <errno.h>
#include <string.h>

#include "apr_strings.h"

#include "store/dbm/dbm_node.h"
#include "store/dbm/dbm_tree.h"

/* Neighbours that have at most this many bytes together are joined.  The limit
 * is low enough that they are not split again soon. */
#define JOIN_MAX (OCI_NODE_MAX * 2 / 3)

/* Every search passes through few branches: this many, of 4 KiB each, are
 * cached. */
#define CACHE_MAX 512

/* More levels than any tree has: a path with this many is a cycle. */
#define DEPTH_MAX 64

typedef struct cached_t {
    apr_uint32_t number;
    oci_dbm_node_cursor_t cursor; /* set before the first item */
} cached_t;

static oci_dbm_node_item_t *item_at(const apr_array_header_t *items, int i)
{
    return &APR_ARRAY_IDX(items, i, oci_dbm_node_item_t);
}

/* Open a node.  A branch is opened a second time for the cache. */
static apr_status_t open_node(oci_dbm_node_cursor_t *cursor,
                              const oci_dbm_tree_t *tree, apr_uint32_t number,
                              apr_pool_t *pool)
{
    cached_t *cached = tree->cache
        ? apr_hash_get(tree->cache, &number, sizeof(number))
        : NULL;
    apr_status_t rv;

    if (cached) {
        *cursor = cached->cursor;
        return APR_SUCCESS;
    }
    rv = oci_dbm_node_open(cursor, tree->records, number, pool);
    if (rv != APR_SUCCESS || !cursor->branch || !tree->cache
        || apr_hash_count(tree->cache) >= CACHE_MAX) {
        return rv;
    }
    pool = apr_hash_pool_get(tree->cache);
    cached = apr_palloc(pool, sizeof(*cached));
    cached->number = number;
    rv = oci_dbm_node_open(&cached->cursor, tree->records, number, pool);
    if (rv == APR_SUCCESS) {
        apr_hash_set(tree->cache, &cached->number, sizeof(number), cached);
    }
    return rv;
}

/* Move to the child in which name would be. */
static apr_status_t find_child(apr_uint32_t *child,
                               oci_dbm_node_cursor_t *cursor, const char *name)
{
    apr_status_t rv = oci_dbm_node_next(cursor);

    if (rv != APR_SUCCESS) {
        return EIO;
    }
    do {
        *child = cursor->child;
        rv = oci_dbm_node_next(cursor);
    } while (rv == APR_SUCCESS && oci_dbm_node_compare(cursor, name) <= 0);
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
    while ((rv = open_node(&cursor, tree, number, pool)) == APR_SUCCESS
           && cursor.branch) {
        rv = ++level < DEPTH_MAX ? find_child(&number, &cursor, name) : EIO;
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    while (rv == APR_SUCCESS && order < 0) {
        rv = oci_dbm_node_next(&cursor);
        if (rv == APR_SUCCESS) {
            order = oci_dbm_node_compare(&cursor, name);
        }
    }
    return rv == APR_EOF || order > 0 ? APR_NOTFOUND : rv;
}

typedef struct list_t {
    const oci_dbm_tree_t *tree;
    apr_array_header_t *names;
    const char *after;
    const char *prefix;
    apr_size_t prefix_size;
    int limit;
    int done;
    int level;        /* the depth of the node that is being listed */
    const char *last; /* the previous name, or NULL */
} list_t;

static apr_status_t list_leaf(list_t *list, oci_dbm_node_cursor_t *cursor)
{
    apr_status_t rv = APR_SUCCESS;

    while (!list->done && (rv = oci_dbm_node_next(cursor)) == APR_SUCCESS) {
        const char *name;

        if (oci_dbm_node_compare(cursor, list->after) <= 0) {
            continue;
        }
        name = oci_dbm_node_name(cursor, list->names->pool);
        if (list->last && strcmp(list->last, name) >= 0) {
            return EIO;
        }
        list->last = name;
        if (strncmp(name, list->prefix, list->prefix_size)) {
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

/* List the children of a branch, beginning with the one in which after would
 * be. */
static apr_status_t list_children(list_t *list, oci_dbm_node_cursor_t *cursor,
                                  apr_pool_t *pool)
{
    apr_uint32_t child;
    apr_status_t rv = find_child(&child, cursor, list->after);
    int last;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* The cursor is at the child after it, unless there is none. */
    last = cursor->child == child;
    rv = list_node(list, child, pool);
    while (rv == APR_SUCCESS && !last && !list->done) {
        rv = list_node(list, cursor->child, pool);
        if (rv == APR_SUCCESS) {
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
    apr_status_t rv = list->level < DEPTH_MAX ? apr_pool_create(&pool, parent)
                                              : EIO;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    list->level++;
    rv = open_node(&cursor, list->tree, number, pool);
    if (rv == APR_SUCCESS) {
        rv = cursor.branch ? list_children(list, &cursor, pool)
                           : list_leaf(list, &cursor);
    }
    list->level--;
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t oci_dbm_tree_list(apr_array_header_t *names,
                               const oci_dbm_tree_t *tree, const char *after,
                               const char *prefix, int limit)
{
    list_t list = { tree,  names, after, prefix, strlen(prefix),
                    limit, 0,     0,     NULL };

    return tree->root ? list_node(&list, tree->root, names->pool) : APR_SUCCESS;
}

/* Return the separator of a node that begins with item first.  For a leaf it is
 * as short as possible: just long enough to differ from the name before. */
static const char *separator_of(const oci_dbm_node_t *node, int first,
                                apr_pool_t *pool)
{
    const char *name = item_at(node->items, first)->name;
    const char *before = item_at(node->items, first - 1)->name;

    return node->branch
        ? apr_pstrdup(pool, name)
        : apr_pstrmemdup(pool, name,
                         1 + oci_dbm_node_common_prefix(before, name));
}

/* Return the size for nodes that makes all of them about equally full. */
static apr_size_t balanced_size(const oci_dbm_node_t *node)
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

/* Write items as one or more nodes.  The first one replaces old, the parent's
 * item of the node.  Items for the parent are added to out, none if there are
 * no items. */
static apr_status_t write_nodes(oci_dbm_tree_t *tree,
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
    limit = balanced_size(node);
    for (i = 0; i < node->items->nelts && rv == APR_SUCCESS; i += count) {
        oci_dbm_node_item_t item = *old;

        count = oci_dbm_node_fit(&item.size, node, i, limit);
        if (i) {
            item.name = separator_of(node, i, out->pool);
        }
        if (i || !item.child) {
            item.child = ++tree->last;
        }
        APR_ARRAY_PUSH(out, oci_dbm_node_item_t) = item;
        rv = oci_dbm_node_write(tree->records, item.child, node, i, count);
    }
    return rv;
}

/* Add names to a leaf and delete names; return whether that changed it. */
static int change_leaf(oci_dbm_node_t *node,
                       const oci_dbm_tree_change_t *changes, int count,
                       apr_pool_t *pool)
{
    apr_array_header_t *items = apr_array_make(pool, node->items->nelts + count,
                                               sizeof(oci_dbm_node_item_t));
    int i = 0, changed = 0;

    while (i < node->items->nelts || count) {
        oci_dbm_node_item_t item = { NULL, 0, 0 };
        int order = -1;

        if (count) {
            order = i == node->items->nelts
                ? 1
                : strcmp(item_at(node->items, i)->name, changes->name);
        }

        if (order < 0) {
            item.name = item_at(node->items, i++)->name;
        }
        else {
            if (!changes->deleted) {
                item.name = changes->name;
            }
            changed |= changes->deleted ? order == 0 : order > 0;
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
                    != APR_SUCCESS
                || (rv = oci_dbm_node_read(&other, tree->records, right->child,
                                           pool))
                    != APR_SUCCESS) {
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
                        != APR_SUCCESS
                    || (rv = oci_dbm_node_delete(tree->records, right->child))
                        != APR_SUCCESS) {
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
        if (rv != APR_SUCCESS) {
            return rv;
        }
        changes += part;
        count -= part;
    }
    return join_children(tree, node, pool);
}

/* Change the node of the parent's item old; the items that replace it are added
 * to out. */
static apr_status_t change_node(oci_dbm_tree_t *tree,
                                const oci_dbm_node_item_t *old,
                                const oci_dbm_tree_change_t *changes, int count,
                                apr_array_header_t *out)
{
    oci_dbm_node_t node;
    apr_pool_t *pool;
    apr_status_t rv = tree->level < DEPTH_MAX
        ? apr_pool_create(&pool, out->pool)
        : EIO;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    tree->level++;
    rv = oci_dbm_node_read(&node, tree->records, old->child, pool);
    if (rv == APR_SUCCESS && node.branch) {
        apr_array_header_t *before = node.items;

        rv = change_children(tree, &node, changes, count, pool);
        if (rv == APR_SUCCESS && before->nelts == node.items->nelts
            && !memcmp(before->elts, node.items->elts,
                       before->nelts * sizeof(oci_dbm_node_item_t))) {
            APR_ARRAY_PUSH(out, oci_dbm_node_item_t) = *old;
        }
        else if (rv == APR_SUCCESS) {
            rv = write_nodes(tree, &node, old, out);
        }
    }
    else if (rv == APR_SUCCESS) {
        if (change_leaf(&node, changes, count, pool)) {
            rv = write_nodes(tree, &node, old, out);
        }
        else {
            APR_ARRAY_PUSH(out, oci_dbm_node_item_t) = *old;
        }
    }
    tree->level--;
    apr_pool_destroy(pool);
    return rv;
}

/* Add branches above items until there is a single one: the root. */
static apr_status_t grow_root(oci_dbm_tree_t *tree, apr_array_header_t *items)
{
    static const oci_dbm_node_item_t none = { "", 0, 0 };
    apr_status_t rv = APR_SUCCESS;

    while (items->nelts > 1 && rv == APR_SUCCESS) {
        oci_dbm_node_t node = { 1, items };

        items = apr_array_make(items->pool, 8, sizeof(oci_dbm_node_item_t));
        rv = write_nodes(tree, &node, &none, items);
    }
    tree->root = items->nelts ? item_at(items, 0)->child : 0;
    return rv;
}

/* Remove a root that has a single child, repeatedly. */
static apr_status_t shrink_root(oci_dbm_tree_t *tree, apr_pool_t *pool)
{
    oci_dbm_node_t node = { 0, NULL };
    apr_status_t rv = APR_SUCCESS;

    while (tree->root && rv == APR_SUCCESS) {
        apr_uint32_t root = tree->root;

        rv = oci_dbm_node_read(&node, tree->records, root, pool);
        if (rv != APR_SUCCESS || !node.branch || node.items->nelts > 1) {
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
        change_leaf(&node, changes, count, pool);
        rv = write_nodes(tree, &node, &root, items);
    }
    if (rv == APR_SUCCESS) {
        rv = grow_root(tree, items);
    }
    return rv != APR_SUCCESS ? rv : shrink_root(tree, pool);
}
