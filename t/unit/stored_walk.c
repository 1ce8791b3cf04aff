/* SPDX-License-Identifier: Apache-2.0 */

/* Visits of what a blob store lists, in a store whose pages are short. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "registry/stored_walk.h"

#define STORED 10
#define SHORT  3 /* entries of a page at most */

static tap_t tap;
static int fails_at; /* which page cannot be listed; 0: none */
static int forgets;  /* whether each page is the first one */
static int zeros;    /* of each name, after "name-" */
static int pages;
static int limit_seen;
static oci_stored_e kind_seen;

static apr_status_t list(apr_array_header_t **entries, oci_blob_store_t *store,
                         oci_stored_e kind, const char *after, int limit,
                         apr_pool_t *pool)
{
    int i;

    (void)store;
    limit_seen = limit;
    kind_seen = kind;
    *entries = apr_array_make(pool, SHORT, sizeof(oci_stored_t));
    if (++pages == fails_at) {
        apr_pool_userdata_setn("it is broken", OCI_REASON, NULL, pool);
        return APR_EGENERAL;
    }
    for (i = 0; i < STORED && (*entries)->nelts < SHORT; i++) {
        const char *name = apr_psprintf(pool, "name-%0*d", zeros + 1, i);

        if (!after || forgets || strcmp(name, after) > 0) {
            oci_stored_t *entry = apr_array_push(*entries);

            memset(entry, 0, sizeof(*entry));
            entry->name = name;
        }
    }
    return APR_SUCCESS;
}

/* What a walk has visited. */
typedef struct seen_t {
    char names[STORED + 1]; /* their last characters */
    int count;
    char stop_at;  /* the walk stops there */
    char error_at; /* or fails */
} seen_t;

static oci_error_t *visit(oci_stored_walk_t *walk, const oci_stored_t *stored,
                          apr_pool_t *pool)
{
    seen_t *seen = walk->baton;
    char last = stored->name[strlen(stored->name) - 1];

    seen->names[seen->count++ % STORED] = last;
    walk->stop = last == seen->stop_at;
    return last == seen->error_at
        ? oci_error_storage(pool, APR_SUCCESS, "no %s", stored->name)
        : NULL;
}

/* Walk; returns the error as a text, or NULL. */
static const char *walk(seen_t *seen, int remote, oci_stored_e kind,
                        apr_pool_t *pool)
{
    oci_blob_store_provider_t provider = { .list = list, .remote = remote };
    oci_blob_store_t store = { &provider, "/store" };
    oci_stored_walk_t walk = {
        .store = &store, .kind = kind, .visit = visit, .baton = seen
    };
    oci_error_t *error;

    pages = 0;
    error = oci_stored_walk(&walk, pool);
    return error ? oci_error_text(error, pool) : NULL;
}

static void check_all(apr_pool_t *pool)
{
    seen_t seen = { .count = 0 };

    tap_is(&tap, walk(&seen, 0, OCI_STORED_RECOVERED, pool), NULL, "a walk");
    tap_is(&tap, seen.names, "0123456789", "visits all, in their order");
    tap_ok(&tap, seen.count == STORED, "each once");
    tap_ok(&tap, kind_seen == OCI_STORED_RECOVERED, "it asks for this kind");
    seen.count = 0;
    tap_is(&tap, walk(&seen, 1, OCI_STORED_BLOBS, pool), NULL,
           "a walk in a remote store");
    tap_ok(&tap, seen.count == STORED && limit_seen <= 1000,
           "asks for no more than an object store lists");
}

static void check_ends(apr_pool_t *pool)
{
    seen_t stopped = { .stop_at = '4' };
    seen_t failed = { .error_at = '3' };
    seen_t broken = { .count = 0 };
    seen_t again = { .count = 0 };
    seen_t whole = { .count = 0 };

    tap_is(&tap, walk(&stopped, 0, OCI_STORED_BLOBS, pool), NULL, "a stop");
    tap_is(&tap, stopped.names, "01234", "ends a walk");
    tap_is(&tap, walk(&failed, 0, OCI_STORED_BLOBS, pool), "no name-3",
           "the error of a visit");
    tap_is(&tap, failed.names, "0123", "ends a walk");
    fails_at = 2;
    tap_is(&tap, walk(&broken, 0, OCI_STORED_UPLOADS, pool),
           "cannot list the uploads in /store: it is broken",
           "a page that cannot be listed");
    tap_is(&tap, broken.names, "012", "ends a walk");
    fails_at = 0;
    forgets = 1;
    tap_is(&tap, walk(&again, 0, OCI_STORED_BLOBS, pool),
           "/store lists name-2 again, after name-2",
           "a store that always lists the same");
    tap_is(&tap, again.names, "012", "ends a walk");
    forgets = 0;
    zeros = OCI_STORED_NAME_MAX - 6;
    tap_is(&tap, walk(&whole, 0, OCI_STORED_BLOBS, pool), NULL,
           "names of the greatest length");
    tap_is(&tap, whole.names, "0123456789", "are all visited");
    zeros++;
    tap_is(&tap, walk(&broken, 0, OCI_STORED_BLOBS, pool),
           "/store lists a name of more than 512 characters",
           "longer ones are an error");
    zeros = 0;
}

int main(void)
{
    apr_pool_t *pool = start_pool();

    check_all(pool);
    check_ends(pool);
    return tap_done(&tap);
}
