/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the contract of a blob store in mod_oci.h: its lists. */

#include "contract_blob.h"

#include "apr_time.h"
#include "values/digest.h"

#define COUNT 600 /* of blobs, and of uploads */

static int compare(const void *left, const void *right)
{
    return strcmp(((const oci_stored_t *)left)->name,
                  ((const oci_stored_t *)right)->name);
}

static void sort(apr_array_header_t *entries)
{
    qsort(entries->elts, entries->nelts, sizeof(oci_stored_t), compare);
}

static void expect(apr_array_header_t *wanted, const char *name, apr_off_t size)
{
    oci_stored_t *entry = apr_array_push(wanted);

    entry->name = name;
    entry->size = size;
    entry->upload = NULL;
}

static void forget(apr_array_header_t *wanted, int i)
{
    oci_stored_t *entry = (oci_stored_t *)wanted->elts + i;

    memmove(entry, entry + 1, (wanted->nelts - i - 1) * sizeof(oci_stored_t));
    wanted->nelts--;
}

/* Append the pages after a name to entries; return 0 if one fails, or has more
 * entries than the limit. */
static int add_pages(apr_array_header_t *entries, test_t *t, oci_stored_e kind,
                     const char *after, int limit)
{
    apr_array_header_t *page;

    do {
        if (t->provider->list(&page, t->store, kind, after, limit,
                              entries->pool)
            || page->nelts > limit) {
            return 0;
        }
        if (page->nelts) {
            apr_array_cat(entries, page);
            after = APR_ARRAY_IDX(page, page->nelts - 1, oci_stored_t).name;
        }
    } while (page->nelts && entries->nelts < 10 * COUNT);
    return 1;
}

/* Whether entries were listed as wanted.  The clocks of the store and of this
 * machine may differ. */
static int is_same(const apr_array_header_t *got,
                   const apr_array_header_t *wanted)
{
    apr_time_t now = apr_time_now();
    int i;

    for (i = 0; i < got->nelts && i < wanted->nelts; i++) {
        const oci_stored_t *entry = (const oci_stored_t *)got->elts + i;
        const oci_stored_t *other = (const oci_stored_t *)wanted->elts + i;
        apr_time_t age = now - entry->changed;

        if (entry->upload && atoi(entry->upload + 5) % 10 != entry->size) {
            printf("# %d: %s is not of upload %s\n", i, entry->name,
                   entry->upload);
            return 0;
        }
        if (strcmp(entry->name, other->name) || entry->size != other->size
            || age > apr_time_from_sec(3600)
            || age < -apr_time_from_sec(3600)) {
            printf("# %d: got %s, size %d, age %d s, wanted %s, size %d\n", i,
                   entry->name, (int)entry->size, (int)apr_time_sec(age),
                   other->name, (int)other->size);
            return 0;
        }
    }
    if (got->nelts != wanted->nelts) {
        printf("# got %d entries, wanted %d\n", got->nelts, wanted->nelts);
    }
    return got->nelts == wanted->nelts;
}

static void is_list(test_t *t, oci_stored_e kind, int limit,
                    const apr_array_header_t *wanted, const char *name)
{
    apr_pool_t *pool = make_pool();
    apr_array_header_t *got = apr_array_make(pool, COUNT, sizeof(oci_stored_t));

    tap_ok(&t->run->tap,
           add_pages(got, t, kind, NULL, limit) && is_same(got, wanted),
           "%s, limit %d", name, limit);
    apr_pool_destroy(pool);
}

/* Write i % 10 bytes to an upload, which is claimed until pool ends. */
static int write_upload(oci_blob_writer_t **writer, test_t *t, const char *id,
                        int i, apr_pool_t *pool)
{
    struct iovec vec = { (char *)"0123456789", i % 10 };
    const char *state;

    return !t->provider->upload_open(writer, t->store, id, pool)
        && !t->provider->upload_resume(*writer, 0, NULL)
        && !t->provider->upload_write(*writer, &vec, 1)
        && !t->provider->upload_close(&state, *writer, 0, pool);
}

/* Push a blob of i % 10 bytes, and expect it in the list. */
static int push_blob(test_t *t, apr_array_header_t *wanted, int i)
{
    apr_pool_t *pool = make_pool();
    oci_blob_writer_t *writer;
    const char *locator;
    int good = write_upload(&writer, t, apr_psprintf(pool, "push-%d", i), i,
                            pool)
        && !t->provider->upload_commit(&locator, writer,
                                       oci_digest_of(i % 2 ? OCI_SHA256
                                                           : OCI_SHA512,
                                                     &i, sizeof(i), pool),
                                       0, wanted->pool)
        && !t->provider->upload_abort(writer);

    if (good) {
        expect(wanted, locator, i % 10);
    }
    apr_pool_destroy(pool);
    return good;
}

static void check_blobs(test_t *t, apr_array_header_t *wanted)
{
    int i, good = 1;

    is_list(t, OCI_STORED_BLOBS, 10, wanted, "an empty store has no blobs");
    is_list(t, OCI_STORED_UPLOADS, 10, wanted, "an empty store has no uploads");
    for (i = 0; i < COUNT && good; i++) {
        good = push_blob(t, wanted, i);
    }
    tap_ok(&t->run->tap, good, "%d blobs are pushed", COUNT);
    sort(wanted);
    is_list(t, OCI_STORED_BLOBS, 1, wanted, "all blobs");
    is_list(t, OCI_STORED_BLOBS, 7, wanted, "all blobs");
    is_list(t, OCI_STORED_BLOBS, COUNT, wanted, "all blobs");
    is_list(t, OCI_STORED_BLOBS, COUNT + 1, wanted, "all blobs");
}

/* Between two pages the last blob of the first page and two further ones are
 * deleted, and one is pushed. */
static void check_changes(test_t *t, apr_array_header_t *wanted)
{
    apr_pool_t *pool = make_pool();
    apr_array_header_t *got = apr_array_make(pool, COUNT, sizeof(oci_stored_t));
    apr_array_header_t *page, *rest;
    const char *after;
    int i, found = 0, good;

    good = !t->provider->list(&page, t->store, OCI_STORED_BLOBS, NULL, 100,
                              pool)
        && page->nelts > 0 && page->nelts <= 100;
    if (!tap_ok(&t->run->tap, good, "a first page")) {
        return;
    }
    after = APR_ARRAY_IDX(page, page->nelts - 1, oci_stored_t).name;
    for (i = 0; i < 3; i++) {
        int at = page->nelts - 1 + 99 * i;

        good = good
            && !t->provider
                    ->blob_delete(t->store,
                                  APR_ARRAY_IDX(wanted, at, oci_stored_t).name,
                                  NULL, pool);
        forget(wanted, at);
    }
    rest = apr_array_make(pool, COUNT, sizeof(oci_stored_t));
    for (i = page->nelts - 1; i < wanted->nelts; i++) {
        APR_ARRAY_PUSH(rest, oci_stored_t) = APR_ARRAY_IDX(wanted, i,
                                                           oci_stored_t);
    }
    good = good && push_blob(t, wanted, COUNT + 4);
    tap_ok(&t->run->tap, good, "blobs are deleted, and one is pushed");
    good = add_pages(got, t, OCI_STORED_BLOBS, after, 7);
    for (i = 0; i < got->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(got, i, oci_stored_t).name,
                    APR_ARRAY_IDX(wanted, wanted->nelts - 1, oci_stored_t)
                        .name)) {
            forget(got, i--);
            found++;
        }
    }
    tap_ok(&t->run->tap, good && is_same(got, rest) && found <= 1,
           "the other pages have each remaining blob once");
    sort(wanted);
    is_list(t, OCI_STORED_BLOBS, 100, wanted, "all blobs after these changes");
    apr_pool_destroy(pool);
}

/* Uploads are listed until they are aborted, with bytes or without, whether or
 * not they are claimed.  Each hundredth one remains claimed. */
static void check_uploads(test_t *t, const apr_array_header_t *blobs)
{
    apr_pool_t *pool = make_pool(), *claims = make_pool();
    apr_array_header_t *wanted = apr_array_make(pool, COUNT,
                                                sizeof(oci_stored_t));
    oci_blob_writer_t *writer = NULL;
    int i, good = 1;

    is_list(t, OCI_STORED_UPLOADS, 10, wanted,
            "an upload that became a blob is not listed");
    for (i = 0; i < COUNT && good; i++) {
        const char *id = apr_psprintf(pool, "%d-upload", i);

        apr_pool_clear(claims);
        good = write_upload(&writer, t, id, i, i % 100 ? claims : pool);
        expect(wanted, id, i % 10);
    }
    tap_ok(&t->run->tap, good, "%d uploads begin", COUNT);
    sort(wanted);
    is_list(t, OCI_STORED_UPLOADS, 1, wanted, "all uploads");
    is_list(t, OCI_STORED_UPLOADS, 7, wanted, "all uploads");
    is_list(t, OCI_STORED_UPLOADS, COUNT, wanted, "all uploads");
    is_list(t, OCI_STORED_BLOBS, 100, blobs, "uploads are not blobs");
    is_status(t->run, t->provider->upload_abort(writer), APR_SUCCESS,
              "the last upload is aborted");
    for (i = 0; i < wanted->nelts; i++) {
        if (atoi(APR_ARRAY_IDX(wanted, i, oci_stored_t).name) == COUNT - 1) {
            forget(wanted, i);
            break;
        }
    }
    is_list(t, OCI_STORED_UPLOADS, 100, wanted,
            "an aborted upload is not listed");
    apr_pool_destroy(claims);
    apr_pool_destroy(pool);
}

int main(int argc, char **argv)
{
    run_t run;
    test_t t = { .run = &run };
    apr_array_header_t *blobs;

    if (begin_store(&t, argc, argv)) {
        blobs = apr_array_make(run.pool, COUNT, sizeof(oci_stored_t));
        if (!t.provider->list) {
            tap_ok(&run.tap, 1, "lists # SKIP this provider has none");
            return finish(&run);
        }
        check_blobs(&t, blobs);
        check_changes(&t, blobs);
        if (!t.provider->remote) {
            check_uploads(&t, blobs);
        }
    }
    return finish(&run);
}
