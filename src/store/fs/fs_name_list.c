/* SPDX-License-Identifier: Apache-2.0 */

/* A sorted list of names that is cheap to change.
 *
 * The list is a sorted array of chunks, each a sorted array of names.  A change
 * moves the pointers of one chunk, and those of the array if a chunk is split
 * or becomes empty: with 100,000 names that is a few KiB at most. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "store/fs/fs_name_list.h"

#define CHUNK    256 /* names */
#define OVERHEAD 16  /* bytes of malloc's own for a name */

struct oci_fs_name_chunk_t {
    int count;
    char *names[CHUNK];
};

/* The position at which a name is, or would be. */
typedef struct position_t {
    int chunk;
    int name;
    int found;
} position_t;

/* Abort if malloc(3) failed, as httpd does. */
static void *abort_on_null(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

static position_t find(const oci_fs_name_list_t *list, const char *name)
{
    position_t at = { 0, 0, 0 };
    int low = 0, high = list->used;
    const oci_fs_name_chunk_t *chunk;

    /* The last chunk that does not begin after the name. */
    while (high - low > 1) {
        int middle = (low + high) / 2;

        if (strcmp(list->chunks[middle]->names[0], name) <= 0) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    at.chunk = low;
    if (!list->used) {
        return at;
    }
    chunk = list->chunks[low];
    low = 0;
    high = chunk->count;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(chunk->names[middle], name);

        if (order < 0) {
            low = middle + 1;
        }
        else {
            at.found |= order == 0;
            high = middle;
        }
    }
    at.name = low;
    return at;
}

/* Insert an empty chunk. */
static oci_fs_name_chunk_t *insert_chunk(oci_fs_name_list_t *list, int i)
{
    if (list->used == list->room) {
        list->room = list->room ? 2 * list->room : 8;
        list->chunks = abort_on_null(
            realloc(list->chunks, list->room * sizeof(*list->chunks)));
    }
    memmove(list->chunks + i + 1, list->chunks + i,
            (list->used - i) * sizeof(*list->chunks));
    list->used++;
    list->chunks[i] = abort_on_null(malloc(sizeof(**list->chunks)));
    list->chunks[i]->count = 0;
    return list->chunks[i];
}

/* Make room in a full chunk.  At the end of the list the chunk stays full and a
 * new one begins, so that names that arrive in order fill the chunks. */
static void split(oci_fs_name_list_t *list, position_t *at)
{
    int last = at->chunk == list->used - 1 && at->name == CHUNK;
    int keep = last ? CHUNK : CHUNK / 2;
    oci_fs_name_chunk_t *next = insert_chunk(list, at->chunk + 1);
    oci_fs_name_chunk_t *chunk = list->chunks[at->chunk];

    next->count = CHUNK - keep;
    memcpy(next->names, chunk->names + keep,
           next->count * sizeof(*next->names));
    chunk->count = keep;
    if (last || at->name > keep) {
        at->chunk++;
        at->name -= keep;
    }
}

void oci_fs_name_list_add(oci_fs_name_list_t *list, const char *name)
{
    position_t at = find(list, name);
    oci_fs_name_chunk_t *chunk;

    if (at.found) {
        return;
    }
    if (!list->used) {
        insert_chunk(list, 0);
    }
    else if (list->chunks[at.chunk]->count == CHUNK) {
        split(list, &at);
    }
    chunk = list->chunks[at.chunk];
    memmove(chunk->names + at.name + 1, chunk->names + at.name,
            (chunk->count - at.name) * sizeof(*chunk->names));
    chunk->names[at.name] = abort_on_null(strdup(name));
    chunk->count++;
    list->count++;
    list->bytes += strlen(name) + 1 + sizeof(char *) + OVERHEAD;
}

void oci_fs_name_list_remove(oci_fs_name_list_t *list, const char *name)
{
    position_t at = find(list, name);
    oci_fs_name_chunk_t *chunk;

    if (!at.found) {
        return;
    }
    list->bytes -= strlen(name) + 1 + sizeof(char *) + OVERHEAD;
    list->count--;
    chunk = list->chunks[at.chunk];
    free(chunk->names[at.name]);
    chunk->count--;
    memmove(chunk->names + at.name, chunk->names + at.name + 1,
            (chunk->count - at.name) * sizeof(*chunk->names));
    if (!chunk->count) {
        free(chunk);
        list->used--;
        memmove(list->chunks + at.chunk, list->chunks + at.chunk + 1,
                (list->used - at.chunk) * sizeof(*list->chunks));
    }
}

int oci_fs_name_list_copy(apr_array_header_t *names,
                          const oci_fs_name_list_t *list, const char *after,
                          int past, int limit)
{
    position_t at = find(list, after ? after : "");

    if (at.found && past) {
        at.name++;
    }
    for (; at.chunk < list->used; at.chunk++, at.name = 0) {
        const oci_fs_name_chunk_t *chunk = list->chunks[at.chunk];

        for (; at.name < chunk->count; at.name++) {
            if (limit-- <= 0) {
                return 1;
            }
            APR_ARRAY_PUSH(names,
                           const char *) = apr_pstrdup(names->pool,
                                                       chunk->names[at.name]);
        }
    }
    return 0;
}

/* Call change for each name of a list. */
static void for_each(const oci_fs_name_list_t *from, oci_fs_name_list_t *list,
                     void change(oci_fs_name_list_t *, const char *))
{
    int i, k;

    for (i = 0; i < from->used; i++) {
        for (k = 0; k < from->chunks[i]->count; k++) {
            change(list, from->chunks[i]->names[k]);
        }
    }
}

void oci_fs_name_list_add_all(oci_fs_name_list_t *list,
                              const oci_fs_name_list_t *from)
{
    for_each(from, list, oci_fs_name_list_add);
}

void oci_fs_name_list_remove_all(oci_fs_name_list_t *list,
                                 const oci_fs_name_list_t *from)
{
    for_each(from, list, oci_fs_name_list_remove);
}

void oci_fs_name_list_clear(oci_fs_name_list_t *list)
{
    int i, k;

    for (i = 0; i < list->used; i++) {
        for (k = 0; k < list->chunks[i]->count; k++) {
            free(list->chunks[i]->names[k]);
        }
        free(list->chunks[i]);
    }
    free(list->chunks);
    memset(list, 0, sizeof(*list));
}
