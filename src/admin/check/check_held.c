/* SPDX-License-Identifier: Apache-2.0 */

/* The blobs that a repository holds, with their sizes.  Entries are kept in
 * blocks, so that a growing table copies none of them. */

#include <string.h>

#include "apr_tables.h"

#include "admin/check/check_held.h"
#include "values/digest.h"

#define BLOCK 1024 /* entries */
#define HASH  32   /* bytes of a digest that are kept */

typedef struct entry_t {
    unsigned char hash[HASH];
    apr_int64_t size; /* twice the size, plus 1 if it is condemned */
} entry_t;

/* The entries of one algorithm, in the order of their digests. */
typedef struct held_list_t {
    apr_array_header_t *blocks; /* entry_t * */
    int count;                  /* of entries */
} held_list_t;

struct oci_held_table_t {
    held_list_t lists[OCI_SHA512 + 1];
    apr_pool_t *pool;
};

oci_held_table_t *oci_held_table_make(apr_pool_t *pool)
{
    oci_held_table_t *table = apr_pcalloc(pool, sizeof(*table));
    int i;

    table->pool = pool;
    for (i = 0; i <= OCI_SHA512; i++) {
        table->lists[i].blocks = apr_array_make(pool, 4, sizeof(entry_t *));
    }
    return table;
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void set_hash(unsigned char *hash, const char *digest)
{
    const char *hex = strchr(digest, ':') + 1;
    int i;

    for (i = 0; i < HASH; i++) {
        hash[i] = (unsigned char)(hex_value(hex[2 * i]) << 4
                                  | hex_value(hex[2 * i + 1]));
    }
}

static entry_t *entry_at(const held_list_t *list, int i)
{
    return APR_ARRAY_IDX(list->blocks, i / BLOCK, entry_t *) + i % BLOCK;
}

void oci_held_table_add(oci_held_table_t *table, const char *digest,
                        apr_off_t size, int condemned)
{
    held_list_t *list = &table->lists[oci_digest_algorithm(digest)];
    entry_t *entry;

    if (list->count == list->blocks->nelts * BLOCK) {
        APR_ARRAY_PUSH(list->blocks,
                       entry_t *) = apr_palloc(table->pool,
                                               BLOCK * sizeof(entry_t));
    }
    entry = entry_at(list, list->count++);
    set_hash(entry->hash, digest);
    entry->size = size * 2 + !!condemned;
}

int oci_held_table_find(apr_off_t *size, int *condemned,
                        const oci_held_table_t *table, const char *digest)
{
    const held_list_t *list = &table->lists[oci_digest_algorithm(digest)];
    unsigned char hash[HASH];
    int low = 0, high = list->count;

    set_hash(hash, digest);
    while (low < high) {
        int middle = low + (high - low) / 2;
        const entry_t *entry = entry_at(list, middle);
        int order = memcmp(hash, entry->hash, HASH);

        if (!order) {
            *condemned = (int)(entry->size & 1);
            *size = (entry->size - *condemned) / 2;
            return 1;
        }
        if (order < 0) {
            high = middle;
        }
        else {
            low = middle + 1;
        }
    }
    return 0;
}
