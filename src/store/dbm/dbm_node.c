/* SPDX-License-Identifier: Apache-2.0 */

/* A node of the B+tree, one record.  The record has the kind "n"; its name is
 * the node's number in hex:
 *
 *     kind[1] prefix-size[2] prefix item...
 *
 *     leaf "l":    item = size[2] rest-of-name
 *     branch "b":  item = child[4] child-bytes[2] size[2] rest-of-name
 *
 * Numbers have the given number of bytes.  The prefix is common to all names in
 * the node.  A node has at least one item.  A name has at most 1023 bytes, and
 * no NUL. */

#include <errno.h>
#include <string.h>

#include "apr_strings.h"

#include "store/dbm/dbm_bytes.h"
#include "store/dbm/dbm_node.h"

#define HEAD        3
#define LEAF_ITEM   2
#define BRANCH_ITEM 8
#define NAME_SIZE   1023 /* the maximum of a name, bytes */

static void format_record_name(char name[9], apr_uint32_t number)
{
    apr_snprintf(name, 9, "%x", number);
}

apr_status_t oci_dbm_node_open(oci_dbm_node_cursor_t *cursor,
                               oci_dbm_records_t *records, apr_uint32_t number,
                               apr_pool_t *pool)
{
    oci_value_t value;
    apr_status_t rv;
    char name[9];

    format_record_name(name, number);
    rv = oci_dbm_records_get(&value, records, 'n', name, pool);
    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND ? EIO : rv;
    }
    if (value.size < HEAD || value.size > OCI_NODE_MAX
        || (value.data[0] != 'b' && value.data[0] != 'l')) {
        return EIO;
    }
    cursor->branch = value.data[0] == 'b';
    cursor->prefix = value.data + HEAD;
    cursor->prefix_size = oci_dbm_bytes_get(value.data + 1, 2);
    cursor->end = value.data + value.size;
    if (cursor->prefix_size > value.size - HEAD
        || memchr(cursor->prefix, '\0', cursor->prefix_size)) {
        return EIO;
    }
    cursor->next = cursor->prefix + cursor->prefix_size;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_node_next(oci_dbm_node_cursor_t *cursor)
{
    apr_size_t head = cursor->branch ? BRANCH_ITEM : LEAF_ITEM;
    apr_size_t left = cursor->end - cursor->next;

    if (!left) {
        return APR_EOF;
    }
    if (left < head) {
        return EIO;
    }
    if (cursor->branch) {
        cursor->child = (apr_uint32_t)oci_dbm_bytes_get(cursor->next, 4);
        cursor->size = (apr_uint32_t)oci_dbm_bytes_get(cursor->next + 4, 2);
    }
    cursor->name = cursor->next + head;
    cursor->name_size = oci_dbm_bytes_get(cursor->name - 2, 2);
    if (cursor->name_size > left - head
        || cursor->prefix_size + cursor->name_size > NAME_SIZE
        || memchr(cursor->name, '\0', cursor->name_size)) {
        return EIO;
    }
    cursor->next = cursor->name + cursor->name_size;
    return APR_SUCCESS;
}

int oci_dbm_node_compare(const oci_dbm_node_cursor_t *cursor, const char *name)
{
    int order = strncmp(cursor->prefix, name, cursor->prefix_size);

    if (order) {
        return order;
    }
    name += cursor->prefix_size;
    order = strncmp(cursor->name, name, cursor->name_size);
    if (order) {
        return order;
    }
    return name[cursor->name_size] ? -1 : 0;
}

const char *oci_dbm_node_name(const oci_dbm_node_cursor_t *cursor,
                              apr_pool_t *pool)
{
    apr_size_t size = cursor->prefix_size + cursor->name_size;
    char *name = apr_palloc(pool, size + 1);

    memcpy(name, cursor->prefix, cursor->prefix_size);
    memcpy(name + cursor->prefix_size, cursor->name, cursor->name_size);
    name[size] = '\0';
    return name;
}

apr_status_t oci_dbm_node_read(oci_dbm_node_t *node, oci_dbm_records_t *records,
                               apr_uint32_t number, apr_pool_t *pool)
{
    oci_dbm_node_cursor_t cursor;
    apr_status_t rv = oci_dbm_node_open(&cursor, records, number, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    node->branch = cursor.branch;
    node->items = apr_array_make(pool, 128, sizeof(oci_dbm_node_item_t));
    while ((rv = oci_dbm_node_next(&cursor)) == APR_SUCCESS) {
        oci_dbm_node_item_t item = { oci_dbm_node_name(&cursor, pool), 0, 0 };

        if (node->branch) {
            item.child = cursor.child;
            item.size = cursor.size;
        }
        APR_ARRAY_PUSH(node->items, oci_dbm_node_item_t) = item;
    }
    if (rv == APR_EOF) {
        rv = node->items->nelts ? APR_SUCCESS : EIO;
    }
    return rv;
}

apr_size_t oci_dbm_node_common_prefix(const char *name, const char *other)
{
    apr_size_t size = 0;

    while (name[size] && name[size] == other[size]) {
        size++;
    }
    return size;
}

static const oci_dbm_node_item_t *item_at(const oci_dbm_node_t *node, int i)
{
    return &APR_ARRAY_IDX(node->items, i, oci_dbm_node_item_t);
}

int oci_dbm_node_fit(apr_uint32_t *size, const oci_dbm_node_t *node, int first,
                     apr_size_t limit)
{
    apr_size_t head = node->branch ? BRANCH_ITEM : LEAF_ITEM;
    const char *name = item_at(node, first)->name;
    apr_size_t names = 0, bytes = 0;
    int i;

    for (i = first; i < node->items->nelts; i++) {
        const char *last = item_at(node, i)->name;
        apr_size_t prefix = oci_dbm_node_common_prefix(name, last);
        apr_size_t count = i - first + 1;

        names += strlen(last);
        bytes = HEAD + prefix + names + count * (head - prefix);
        if (bytes > limit && i > first) {
            break;
        }
        *size = (apr_uint32_t)bytes;
    }
    return i - first;
}

/* Return whether names are sorted; in a damaged tree they may not be. */
static int is_sorted(const oci_dbm_node_t *node, int first, int count)
{
    int i;

    for (i = first + 1; i < first + count; i++) {
        if (strcmp(item_at(node, i - 1)->name, item_at(node, i)->name) >= 0) {
            return 0;
        }
    }
    return 1;
}

apr_status_t oci_dbm_node_write(oci_dbm_records_t *records, apr_uint32_t number,
                                const oci_dbm_node_t *node, int first,
                                int count)
{
    const char *name = item_at(node, first)->name;
    apr_size_t prefix = oci_dbm_node_common_prefix(name,
                                                   item_at(node,
                                                           first + count - 1)
                                                       ->name);
    char bytes[OCI_NODE_MAX], *end = bytes;
    char record[9];
    int i;

    if (!is_sorted(node, first, count)) {
        return EIO;
    }
    *end++ = node->branch ? 'b' : 'l';
    oci_dbm_bytes_put(end, prefix, 2);
    memcpy(end + 2, name, prefix);
    end += 2 + prefix;
    for (i = first; i < first + count; i++) {
        const oci_dbm_node_item_t *item = item_at(node, i);
        apr_size_t size = strlen(item->name) - prefix;

        if (node->branch) {
            oci_dbm_bytes_put(end, item->child, 4);
            oci_dbm_bytes_put(end + 4, item->size, 2);
            end += 6;
        }
        oci_dbm_bytes_put(end, size, 2);
        memcpy(end + 2, item->name + prefix, size);
        end += 2 + size;
    }
    format_record_name(record, number);
    return oci_dbm_records_put(records, 'n', record,
                               &(oci_value_t){ bytes, end - bytes });
}

apr_status_t oci_dbm_node_delete(oci_dbm_records_t *records,
                                 apr_uint32_t number)
{
    char record[9];

    format_record_name(record, number);
    return oci_dbm_records_delete(records, 'n', record);
}
