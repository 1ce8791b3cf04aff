/* SPDX-License-Identifier: Apache-2.0 */

/* Pages of tags, newest first and by name, while tags come and go. */

#include <stdlib.h>

#include "registry_test.h"

#include "registry/keys.h"
#include "registry/tag_page.h"

#define TAGS   300
#define DIGEST "sha256:0"

typedef struct test_t {
    run_t *run;
    oci_registry_t registry;
    oci_repository_t repository;
    oci_tag_cursor_t order[TAGS]; /* all tags, as they should be listed */
} test_t;

static test_t t;

static int compare(const void *one, const void *other)
{
    return oci_tag_cursor_compare(one, other);
}

/* Set a tag at a time; delete it if the time is negative. */
static void change_tag(const char *tag, apr_int64_t seconds)
{
    apr_pool_t *pool = make_pool();
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *key = oci_key_tag(pool, "a", tag);
    const char *value = apr_psprintf(pool, DIGEST ";%" APR_INT64_T_FMT ";",
                                     seconds);

    if (seconds < 0) {
        oci_change_delete(changes, key);
    }
    else {
        oci_change_put(changes, OCI_CHANGE_PUT, key, value, strlen(value));
    }
    if (oci_facts_apply(&t.registry, changes, 0, pool)) {
        abort();
    }
    apr_pool_destroy(pool);
}

/* Many tags have the same time, and some have none. */
static void fill(void)
{
    int i;

    for (i = 0; i < TAGS; i++) {
        oci_tag_cursor_t *place = &t.order[i];

        apr_snprintf(place->tag, sizeof(place->tag), "%ct%d", i % 2 ? 'A' : 'b',
                     i);
        place->seconds = i * 7919 % 50;
        change_tag(place->tag, place->seconds);
    }
    qsort(t.order, TAGS, sizeof(t.order[0]), compare);
}

/* Read all pages, and compare them with what is listed from a place on.
 * between: called after the first page, or NULL */
static void check_pages(int limit, void (*between)(void))
{
    oci_tag_cursor_t last;
    oci_tag_page_t page = { .limit = limit };
    int same = 1, count = 0, i;

    do {
        apr_pool_t *pool = make_pool();

        if (oci_tag_page_by_time(&page, &t.repository, 0, pool)) {
            abort();
        }
        for (i = 0; i < page.places->nelts; i++, count++) {
            last = APR_ARRAY_IDX(page.places, i, oci_tag_cursor_t);
            same = same && count < TAGS && !compare(&last, &t.order[count]);
        }
        page.after = &last;
        if (between) {
            between();
            between = NULL;
        }
        apr_pool_destroy(pool);
    } while (page.more && count < TAGS);
    tap_ok(&t.run->tap, same && count == TAGS && !page.more,
           "pages of %d make the list", limit);
}

/* Delete what the first page had, and push newer tags. */
static void change_others(void)
{
    change_tag(t.order[0].tag, -1);
    change_tag(t.order[1].tag, 1000);
    change_tag("new", 1001);
}

static void test_limits(void)
{
    apr_pool_t *pool = make_pool();
    oci_tag_page_t page = { .limit = 10, .contains = "At" };
    oci_repository_t none = { &t.registry, "none" };

    is_error(t.run, oci_tag_page_by_time(&page, &t.repository, TAGS, pool),
             OCI_E_COUNT, "as many tags as allowed");
    tap_ok(&t.run->tap, page.places && page.total == TAGS / 2 && page.more,
           "the total of those that match");
    is_error(t.run, oci_tag_page_by_time(&page, &t.repository, TAGS - 1, pool),
             OCI_E_COUNT, "one tag more than allowed");
    tap_ok(&t.run->tap, !page.places, "there is no page");
    page.contains = "BT29";
    is_error(t.run, oci_tag_page_by_name(&page, &t.repository, pool),
             OCI_E_COUNT, "by name");
    tap_ok(&t.run->tap,
           page.places->nelts == 5 && page.total == -1 && !page.more,
           "those that match in any case");
    is_error(t.run, oci_tag_page_by_time(&page, &none, 0, pool),
             OCI_E_NAME_UNKNOWN, "no such repository");
    is_error(t.run, oci_tag_page_by_name(&page, &none, pool),
             OCI_E_NAME_UNKNOWN, "nor by name");
    tap_ok(&t.run->tap, !counts.locks, "no lock is held");
    apr_pool_destroy(pool);
}

static void test_all(run_t *run)
{
    t.run = run;
    open_registry(&t.registry, run);
    t.repository.registry = &t.registry;
    t.repository.name = "a";
    fill();
    check_pages(1, NULL);
    check_pages(7, NULL);
    check_pages(TAGS - 1, NULL);
    check_pages(TAGS, NULL);
    test_limits();
    check_pages(10, change_others);
}

int main(void)
{
    run_t run;

    begin(&run);
    test_all(&run);
    return finish(&run);
}
