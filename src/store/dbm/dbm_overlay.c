/* SPDX-License-Identifier: Apache-2.0 */

/* The changes since a snapshot, in a skip list: each node is in the list of
 * level 0, every fourth node in that of level 1, and so on. */

#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "store/dbm/dbm_overlay.h"

#define LEVELS 12

typedef struct node_t {
    oci_dbm_overlay_entry_t entry; /* first: the caller sees only this */
    struct node_t *next[];         /* one for each of its levels */
} node_t;

struct oci_dbm_overlay_t {
    apr_pool_t *pool;
    node_t *first[LEVELS];
    int count;
    apr_uint32_t random;
};

oci_dbm_overlay_t *oci_dbm_overlay_make(apr_pool_t *pool)
{
    oci_dbm_overlay_t *self = apr_pcalloc(pool, sizeof(*self));

    self->pool = pool;
    /* A client that knows the random numbers could choose keys that make the
     * list slow. */
    if (apr_generate_random_bytes((unsigned char *)&self->random,
                                  sizeof(self->random))
        || !self->random) {
        self->random = 1;
    }
    return self;
}

int oci_dbm_overlay_count(const oci_dbm_overlay_t *overlay)
{
    return overlay->count;
}

/* Compare key, which has length bytes, with the key of a node. */
static int compare(const char *key, apr_size_t length, const node_t *node)
{
    int order = strncmp(key, node->entry.key, length);

    if (order) {
        return order;
    }
    return node->entry.key[length] ? -1 : 0;
}

/* Find the first node whose key is not less than key, or is greater if after is
 * set.  links, unless NULL, is set to the pointers to the next node on each
 * level. */
static node_t *seek(oci_dbm_overlay_t *self, const char *key, apr_size_t length,
                    int after, node_t ***links)
{
    node_t **next = self->first;
    int level;

    for (level = LEVELS - 1; level >= 0; level--) {
        while (next[level] && compare(key, length, next[level]) > -after) {
            next = next[level]->next;
        }
        if (links) {
            links[level] = &next[level];
        }
    }
    return next[0];
}

/* Return the number of levels of a new node: one, and each further one with a
 * probability of a quarter. */
static int random_levels(oci_dbm_overlay_t *self)
{
    apr_uint32_t bits;
    int levels = 1;

    self->random ^= self->random << 13;
    self->random ^= self->random >> 17;
    self->random ^= self->random << 5;
    for (bits = self->random; levels < LEVELS && !(bits & 3); bits >>= 2) {
        levels++;
    }
    return levels;
}

void oci_dbm_overlay_set(oci_dbm_overlay_t *overlay, const char *key,
                         apr_size_t length, const oci_dbm_position_t *position)
{
    node_t **links[LEVELS];
    node_t *node;
    int levels, i;

    length = strnlen(key, length);
    node = seek(overlay, key, length, 0, links);
    if (!node || compare(key, length, node)) {
        levels = random_levels(overlay);
        node = apr_palloc(overlay->pool, sizeof(*node) + levels * sizeof(node));
        node->entry.key = apr_pstrmemdup(overlay->pool, key, length);
        for (i = 0; i < levels; i++) {
            node->next[i] = *links[i];
            *links[i] = node;
        }
        overlay->count++;
    }
    node->entry.position = *position;
}

const oci_dbm_overlay_entry_t *oci_dbm_overlay_find(
    const oci_dbm_overlay_t *overlay, const char *key)
{
    apr_size_t length = strlen(key);
    node_t *node = seek((oci_dbm_overlay_t *)overlay, key, length, 0, NULL);

    return node && !compare(key, length, node) ? &node->entry : NULL;
}

const oci_dbm_overlay_entry_t *oci_dbm_overlay_after(
    const oci_dbm_overlay_t *overlay, const char *key)
{
    node_t *node = seek((oci_dbm_overlay_t *)overlay, key, strlen(key), 1,
                        NULL);

    return node ? &node->entry : NULL;
}

const oci_dbm_overlay_entry_t *oci_dbm_overlay_next(
    const oci_dbm_overlay_entry_t *entry)
{
    const node_t *node = ((const node_t *)entry)->next[0];

    return node ? &node->entry : NULL;
}
