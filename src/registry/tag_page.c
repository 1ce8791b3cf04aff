/* SPDX-License-Identifier: Apache-2.0 */

/* Pages of the tags of a repository, newest first or by name.
 *
 * The index has tags by name only.  For a page of the newest tags, all are read
 * once, and the best ones after the cursor are kept in a heap whose root is the
 * last of them in the order of the list. */

#include <stdlib.h>
#include <string.h>

#include "apr_cstr.h"
#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/tag.h"
#include "registry/tag_page.h"
#include "registry/walk.h"

/* Tags to read at once. */
#define BATCH 1000

/* A walk over all tags. */
typedef struct tag_heap_t {
    oci_tag_page_t *page;
    apr_int64_t most;       /* tags to read, or 0 */
    apr_int64_t seen;       /* tags, whether or not they match */
    int size;               /* of the heap */
    oci_tag_cursor_t *heap; /* page->limit + 1 places */
} tag_heap_t;

/* Whether a tag contains a text in any case. */
static int contains(const char *tag, const char *text)
{
    apr_size_t length = text ? strlen(text) : 0;

    while (strlen(tag) >= length) {
        if (!length || !apr_cstr_casecmpn(tag, text, length)) {
            return 1;
        }
        tag++;
    }
    return 0;
}

static int compare(const void *one, const void *other)
{
    return oci_tag_cursor_compare(one, other);
}

static void swap(oci_tag_cursor_t *one, oci_tag_cursor_t *other)
{
    oci_tag_cursor_t saved = *one;

    *one = *other;
    *other = saved;
}

/* Move the last place of a heap up to where it belongs. */
static void sift_up(oci_tag_cursor_t *heap, int size)
{
    int child = size - 1;

    while (child && compare(&heap[child], &heap[(child - 1) / 2]) > 0) {
        swap(&heap[child], &heap[(child - 1) / 2]);
        child = (child - 1) / 2;
    }
}

/* Move the first place of a heap down to where it belongs. */
static void sift_down(oci_tag_cursor_t *heap, int size)
{
    int parent = 0, child;

    while ((child = 2 * parent + 1) < size) {
        if (child + 1 < size && compare(&heap[child + 1], &heap[child]) > 0) {
            child++;
        }
        if (compare(&heap[child], &heap[parent]) <= 0) {
            return;
        }
        swap(&heap[child], &heap[parent]);
        parent = child;
    }
}

/* Keep a place if it is among the first ones. */
static void keep(tag_heap_t *all, const oci_tag_cursor_t *place)
{
    if (all->size <= all->page->limit) {
        all->heap[all->size++] = *place;
        sift_up(all->heap, all->size);
    }
    else if (compare(place, all->heap) < 0) {
        all->heap[0] = *place;
        sift_down(all->heap, all->size);
    }
}

static oci_error_t *visit_tag(oci_walk_t *walk, const char *tag,
                              const oci_value_t *value, apr_pool_t *pool)
{
    tag_heap_t *all = walk->baton;
    const oci_tag_page_t *page = all->page;
    oci_tag_cursor_t place;
    oci_tag_t found;

    walk->stop = all->most && ++all->seen > all->most;
    if (walk->stop || !oci_tag_valid(tag) || !contains(tag, page->contains)) {
        return NULL;
    }
    all->page->total++;
    oci_tag_parse(&found, value, pool);
    place.seconds = found.origin.seconds;
    apr_cpystrn(place.tag, tag, sizeof(place.tag));
    if (!page->after || compare(&place, page->after) > 0) {
        keep(all, &place);
    }
    return NULL;
}

/* Cut off the place that shows that another page follows. */
static void end_page(oci_tag_page_t *page)
{
    page->more = page->places->nelts > page->limit;
    page->places->nelts -= page->more;
}

oci_error_t *oci_tag_page_by_time(oci_tag_page_t *page,
                                  const oci_repository_t *repository,
                                  apr_int64_t most, apr_pool_t *pool)
{
    tag_heap_t all = { .page = page, .most = most };
    oci_walk_t walk = { .registry = repository->registry,
                        .prefix = oci_key_tag(pool, repository->name, NULL),
                        .values = 1,
                        .any_order = 1,
                        .visit = visit_tag,
                        .baton = &all };
    apr_array_header_t *places = apr_array_make(pool, page->limit + 1,
                                                sizeof(oci_tag_cursor_t));
    apr_array_header_t *any;
    oci_error_t *error;

    page->total = 0;
    page->places = NULL;
    all.heap = (oci_tag_cursor_t *)places->elts;
    error = oci_walk(&walk, pool);
    if (!error && !page->total) {
        error = oci_tag_list(&any, repository, NULL, 1, pool);
    }
    if (error || walk.stop) {
        return error;
    }
    qsort(all.heap, all.size, sizeof(*all.heap), compare);
    places->nelts = all.size;
    page->places = places;
    end_page(page);
    return NULL;
}

/* Add the matching tags of a batch until the page is full. */
static void add_batch(oci_tag_page_t *page, const apr_array_header_t *tags)
{
    int i;

    for (i = 0; i < tags->nelts && page->places->nelts <= page->limit; i++) {
        const char *tag = APR_ARRAY_IDX(tags, i, const char *);

        if (oci_tag_valid(tag) && contains(tag, page->contains)) {
            oci_tag_cursor_t *place = apr_array_push(page->places);

            place->seconds = 0;
            apr_cpystrn(place->tag, tag, sizeof(place->tag));
        }
    }
}

oci_error_t *oci_tag_page_by_name(oci_tag_page_t *page,
                                  const oci_repository_t *repository,
                                  apr_pool_t *pool)
{
    int size = page->contains ? BATCH : page->limit + 1;
    const char *last = page->after ? page->after->tag : NULL;
    apr_array_header_t *tags;
    apr_pool_t *batch, *place;
    oci_error_t *error;
    int full;

    page->total = -1;
    page->places = apr_array_make(pool, page->limit + 1,
                                  sizeof(oci_tag_cursor_t));
    apr_pool_create(&batch, pool);
    apr_pool_create(&place, pool);
    do {
        error = oci_tag_list(&tags, repository, last, size, batch);
        if (error) {
            return error;
        }
        add_batch(page, tags);
        full = tags->nelts == size;
        if (full) {
            apr_pool_clear(place);
            last = apr_pstrdup(place,
                               APR_ARRAY_IDX(tags, size - 1, const char *));
        }
        apr_pool_clear(batch);
    } while (full && page->places->nelts <= page->limit);
    end_page(page);
    return NULL;
}
