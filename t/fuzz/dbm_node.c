/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: the nodes of a B+tree.
 *
 * Input: the nodes of a tree from number 1 on, the root: each a size of two
 * bytes and the bytes of the node.  They are kept here, without the checksums
 * of records in a DBM, so that the code meets damage. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_hash.h"
#include "apr_strings.h"

#include "store/dbm/dbm_bytes.h"
#include "store/dbm/dbm_tree.h"

#define NAMES 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Replaces a DBM. */
struct oci_dbm_records_t {
    apr_hash_t *nodes; /* name: oci_value_t */
    apr_pool_t *pool;
    int calls; /* the number of calls that may still succeed */
};

static apr_status_t free_block(void *block)
{
    free(block);
    return APR_SUCCESS;
}

apr_status_t oci_dbm_records_get(oci_value_t *value, oci_dbm_records_t *records,
                                 char kind, const char *name, apr_pool_t *pool)
{
    const oci_value_t *found = apr_hash_get(records->nodes, name,
                                            APR_HASH_KEY_STRING);
    char *exact;

    /* A damaged tree may name a node many times; this limits the cost. */
    if (!records->calls) {
        return EIO;
    }
    records->calls--;
    assert(kind == 'n');
    if (found && value) {
        /* A separate block, so that a read beyond its end is detected. */
        exact = malloc(found->size ? found->size : 1);
        memcpy(exact, found->data, found->size);
        apr_pool_cleanup_register(pool, exact, free_block,
                                  apr_pool_cleanup_null);
        value->data = exact;
        value->size = found->size;
    }
    return found ? APR_SUCCESS : APR_NOTFOUND;
}

apr_status_t oci_dbm_records_put(oci_dbm_records_t *records, char kind,
                                 const char *name, const oci_value_t *value)
{
    oci_value_t *copy = apr_pmemdup(records->pool, value, sizeof(*value));

    assert(kind == 'n' && value->size);
    copy->data = apr_pmemdup(records->pool, value->data, value->size);
    apr_hash_set(records->nodes, apr_pstrdup(records->pool, name),
                 APR_HASH_KEY_STRING, copy);
    return APR_SUCCESS;
}

apr_status_t oci_dbm_records_delete(oci_dbm_records_t *records, char kind,
                                    const char *name)
{
    assert(kind == 'n');
    apr_hash_set(records->nodes, name, APR_HASH_KEY_STRING, NULL);
    return APR_SUCCESS;
}

static void read_nodes(oci_dbm_tree_t *tree, const char *data, size_t size)
{
    while (size >= 2) {
        size_t length = oci_dbm_bytes_get(data, 2);
        char name[9];

        data += 2;
        size -= 2;
        length = length < size ? length : size;
        apr_snprintf(name, sizeof(name), "%x", ++tree->last);
        if (length) {
            oci_dbm_records_put(tree->records, 'n', name,
                                &(oci_value_t){ data, length });
        }
        data += length;
        size -= length;
    }
    tree->root = tree->last ? 1 : 0;
}

/* List the names, and check that they are sorted. */
static apr_status_t list(apr_array_header_t *names, const oci_dbm_tree_t *tree)
{
    apr_status_t rv = oci_dbm_tree_list(names, tree, "", "", NAMES);
    int i;

    assert(rv == APR_SUCCESS || rv == EIO);
    for (i = 1; i < names->nelts; i++) {
        assert(strcmp(APR_ARRAY_IDX(names, i - 1, const char *),
                      APR_ARRAY_IDX(names, i, const char *))
               < 0);
    }
    return rv;
}

/* Look names up, add one and delete some. */
static void use(oci_dbm_tree_t *tree, const apr_array_header_t *names,
                apr_pool_t *pool)
{
    oci_dbm_tree_change_t changes[4] = { { "a/b", 0 } };
    int i, count = 1;

    for (i = 0; i < names->nelts && i < 20; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        oci_dbm_tree_find(tree, name, pool);
        oci_dbm_tree_find(tree, apr_pstrcat(pool, name, "!", NULL), pool);
        if (count < 4 && strcmp(changes[count - 1].name, name) < 0) {
            changes[count].name = name;
            changes[count].deleted = 1;
            count++;
        }
    }
    tree->cache = NULL;
    if (!oci_dbm_tree_change(tree, changes, count, pool)) {
        list(apr_array_make(pool, 8, sizeof(char *)), tree);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oci_dbm_records_t records = { NULL, NULL, 2000 };
    oci_dbm_tree_t tree = { &records, 0, 0, NULL, 0 };
    apr_array_header_t *names;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    records.nodes = apr_hash_make(pool);
    records.pool = pool;
    tree.cache = apr_hash_make(pool);
    read_nodes(&tree, (const char *)data, size);
    names = apr_array_make(pool, 8, sizeof(char *));
    list(names, &tree);
    use(&tree, names, pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
