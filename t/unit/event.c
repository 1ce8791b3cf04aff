/* SPDX-License-Identifier: Apache-2.0 */

/* What lists of changes mean. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "registry/event.h"
#include "registry/registry.h"

#define D "sha256:11"
#define E "sha256:22"

static const struct {
    const char *name;
    struct {
        const char *key;   /* with a "-" before it: deleted; NULL: the end */
        const char *value; /* NULL: empty */
    } changes[6];
    const char *created;
    const char *events; /* as described by describe() */
} lists[] = {
    { "a blob",
      { { "blob/" D, "7;x" },
        { "holder/11/" D ",ff", "a/b" },
        { "catalog/a/b!", NULL },
        { "review/a/b!", NULL },
        { "repo/a/b/_blob/" D, NULL } },
      NULL,
      "0 a/b @" D " 7" },
    { "a blob in a new repository",
      { { "blob/" D, "7;x" },
        { "catalog/a/b!", NULL },
        { "repo/a/b/_blob/" D, NULL } },
      "catalog/a/b!",
      "6 a/b -1, 0 a/b @" D " 7" },
    { "a blob that is no longer condemned",
      { { "repo/a/b/_blob/" D, NULL } },
      NULL,
      "" },
    { "a blob that is condemned", { { "repo/a/b/_blob/" D, ";5" } }, NULL, "" },
    { "a blob that leaves",
      { { "orphan/" D, NULL },
        { "-repo/a/b/_blob/" D, NULL },
        { "-holder/11/" D ",ff", NULL },
        { "-catalog/a/b!", NULL } },
      NULL,
      "1 a/b @" D " -1, 7 a/b -1" },
    { "a manifest and a tag",
      { { "repo/a/b/_manifest/" D, "t/u\n{}" },
        { "catalog/a/b!", NULL },
        { "repo/a/b/_tagged/" D "/v1", NULL },
        { "repo/a/b/_tag/v1", D ";5;ci" } },
      NULL,
      "2 a/b @" D " t/u 2, 4 a/b :v1 @" D " t/u 2" },
    { "a tag that moves",
      { { "repo/_x/../a", NULL },
        { "repo/a/b/_tagged/" D "/v1", NULL },
        { "repo/a/b/_tag/v1", D },
        { "-repo/a/b/_tagged/" E "/v1", NULL } },
      NULL,
      "4 a/b :v1 @" D " <" E " -1" },
    { "a stale entry of another tag",
      { { "repo/a/b/_tag/v1", D }, { "-repo/a/b/_tagged/" E "/v2", NULL } },
      NULL,
      "4 a/b :v1 @" D " -1" },
    { "a tag that is deleted",
      { { "-repo/a/b/_tag/v1", NULL }, { "-repo/a/b/_tagged/" D "/v1", NULL } },
      NULL,
      "5 a/b :v1 @" D " -1" },
    { "a manifest that is deleted with its tags",
      { { "-repo/a/b/_tag/v1", NULL },
        { "-repo/a/b/_tag/v2", NULL },
        { "-repo/a/b/_tagged/" D "/v1", NULL },
        { "-repo/a/b/_tagged/" D "/v2", NULL },
        { "-repo/a/b/_manifest/" D, NULL } },
      NULL,
      "5 a/b :v1 @" D " -1, 5 a/b :v2 @" D " -1, 3 a/b @" D " -1" },
    { "a damaged manifest",
      { { "repo/a/b/_manifest/" D, "x" } },
      NULL,
      "2 a/b @" D " -1" },
    { "facts that people do not see",
      { { "upload/1/x", "x" },
        { "gc", "x" },
        { "repo/a/b/_untagged/" D, "5" },
        { "repo/a/b/_pulled/" D, "5" },
        { "repo/a/b/_referrer/" D "/" E, "x" } },
      NULL,
      "" },
};

static const char *describe(const oci_event_t *event, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%d %s%s%s%s%s%s%s%s%s %" APR_INT64_T_FMT,
                        (int)event->kind, event->repository,
                        event->tag ? " :" : "", event->tag ? event->tag : "",
                        event->digest ? " @" : "",
                        event->digest ? event->digest : "",
                        event->previous ? " <" : "",
                        event->previous ? event->previous : "",
                        event->media_type ? " " : "",
                        event->media_type ? event->media_type : "",
                        event->size);
}

static void check_list(tap_t *tap, apr_size_t i, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    apr_array_header_t *texts = apr_array_make(pool, 4, sizeof(const char *));
    apr_array_header_t *events;
    int k;

    for (k = 0; k < 6 && lists[i].changes[k].key; k++) {
        const char *key = lists[i].changes[k].key;
        const char *value = lists[i].changes[k].value;

        if (*key == '-') {
            oci_change_delete(changes, key + 1);
        }
        else {
            oci_change_put(changes, OCI_CHANGE_PUT, key, value,
                           value ? strlen(value) : 0);
        }
    }
    events = oci_events_find(changes, lists[i].created, pool);
    for (k = 0; k < events->nelts; k++) {
        APR_ARRAY_PUSH(texts,
                       const char *) = describe(&APR_ARRAY_IDX(events, k,
                                                               oci_event_t),
                                                pool);
        if (k + 1 < events->nelts) {
            APR_ARRAY_PUSH(texts, const char *) = ", ";
        }
    }
    tap_is(tap, apr_array_pstrcat(pool, texts, '\0'), lists[i].events,
           lists[i].name);
}

int main(void)
{
    apr_pool_t *pool = start_pool();
    tap_t tap = { 0 };
    apr_size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        check_list(&tap, i, pool);
    }
    return tap_done(&tap);
}
