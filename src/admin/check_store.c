/* SPDX-License-Identifier: Apache-2.0 */

/* The command "check-store": tries whether a blob store can be used.  It does
 * what a registry does with it, with a blob of a few bytes, and leaves nothing
 * behind.  A store that no registry has used may be checked, too. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/check_store.h"
#include "admin/check_store_s3.h"
#include "admin/stores.h"
#include "admin/terminal.h"
#include "registry/blob_source.h"
#include "registry/random.h"
#include "values/digest.h"

const char oci_check_store_usage[] =
    " [--json] STORES\n"
    "    Test whether the blob store can be reached, and can list, write,\n"
    "    read and delete; with s3 also what a large blob needs.  The store\n"
    "    may be new or in use, and nothing is left behind in it.  The index\n"
    "    is not needed.\n"
    "      --json       one JSON object for each line\n";

enum { OPTION_JSON = 256 };

static const apr_getopt_option_t options[] = {
    { "json", OPTION_JSON, 0, NULL },
    OCI_STORES_OPTIONS,
    { NULL, 0, 0, NULL },
};

typedef struct store_check_t {
    oci_stores_t stores;
    oci_blob_store_t *store;
    oci_bucket_check_t *bucket; /* NULL if it is not of the provider s3 */
    int json;
    const char *name;    /* of the upload: new, begins with a stamp */
    const char *digest;  /* of the bytes that are written */
    const char *locator; /* of the blob, once it is written */
    const char *note;    /* a remark on the present step, or NULL */
    int absent;          /* whether the store does not exist yet */
    int failed;          /* whether a step has failed */
    apr_pool_t *pool;
} store_check_t;

static const char *set_option(void *baton, int option, const char *value)
{
    store_check_t *check = baton;

    (void)option;
    (void)value;
    check->json = 1;
    return NULL;
}

static const char *parse_arguments(store_check_t *check,
                                   apr_getopt_t *arguments)
{
    const oci_stores_options_t own = { "check-store", options, "--json",
                                       set_option, check };
    const char *error = oci_stores_parse_options(&check->stores, &own,
                                                 arguments);

    if (error) {
        return error;
    }
    return oci_stores_parse(&check->stores, "check-store",
                            arguments->argc - arguments->ind,
                            arguments->argv + arguments->ind);
}

/* Say that the store failed to do something.
 * actions: what the policy of a bucket must allow */
static const char *explain(const store_check_t *check, const char *what,
                           apr_status_t rv, const char *actions,
                           apr_pool_t *pool)
{
    oci_error_t *error = oci_error_storage(pool, rv, "cannot %s", what);

    return oci_bucket_check_advise(check->bucket, oci_error_text(error, pool),
                                   rv, actions, pool);
}

/* ---- the steps; each returns NULL, or a sentence that says what is wrong */

static const char *check_settings(store_check_t *check, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = check->store->provider;
    const char *problem = provider->check ? provider->check(check->store, pool)
                                          : NULL;

    return problem
        ? problem
        : oci_bucket_check_make(&check->bucket, &check->stores, check->name);
}

static const char *check_reach(store_check_t *check, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->store;
    const char *id = NULL;
    apr_status_t rv = store->provider->identity
        ? store->provider->identity(&id, store, 0, pool)
        : APR_SUCCESS;

    if (APR_STATUS_IS_ENOENT(rv) && !store->provider->remote) {
        check->absent = 1;
        check->note = "it does not exist yet: httpd creates it";
        return NULL;
    }
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return explain(check, "read its id", rv, "s3:GetObject", pool);
    }
    check->note = id ? apr_psprintf(check->pool, "its id is %s", id)
                     : "no registry has used it yet";
    return store->provider->start(store, check->stores.owner.uid,
                                  check->stores.owner.gid, check->pool);
}

static const char *check_list(store_check_t *check, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->store;
    apr_array_header_t *entries;
    apr_status_t rv;

    if (!store->provider->list) {
        check->note = "its provider cannot list";
        return NULL;
    }
    rv = store->provider->list(&entries, store, OCI_STORED_BLOBS, NULL, 1,
                               pool);
    if (rv != APR_SUCCESS) {
        return explain(check, "list blobs", rv, "s3:ListBucket", pool);
    }
    rv = store->provider->list(&entries, store, OCI_STORED_UPLOADS, NULL, 1,
                               pool);
    return rv == APR_SUCCESS
        ? NULL
        : explain(check, "list uploads", rv,
                  "s3:ListBucket and s3:ListBucketMultipartUploads", pool);
}

/* Write an upload, and make it a blob. */
static apr_status_t write_blob(store_check_t *check, oci_blob_writer_t *writer,
                               apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = check->store->provider;
    struct iovec vec = { (char *)check->name, strlen(check->name) };
    const char *state;
    apr_status_t rv = provider->upload_resume(writer, 0, NULL);

    if (rv == APR_SUCCESS) {
        rv = provider->upload_write(writer, &vec, 1);
    }
    if (rv == APR_SUCCESS && !provider->remote) {
        rv = provider->upload_close(&state, writer, 1, pool);
    }
    return rv == APR_SUCCESS ? provider->upload_commit(&check->locator, writer,
                                                       check->digest, 1, pool)
                             : rv;
}

static const char *check_write(store_check_t *check, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->store;
    oci_blob_writer_t *writer;
    apr_status_t rv = store->provider->upload_open(&writer, store, check->name,
                                                   pool);
    apr_status_t aborted;

    if (rv == APR_SUCCESS) {
        rv = write_blob(check, writer, pool);
        aborted = store->provider->upload_abort(writer);
        rv = rv == APR_SUCCESS ? aborted : rv;
    }
    if (rv == APR_SUCCESS) {
        check->locator = apr_pstrdup(check->pool, check->locator);
        return NULL;
    }
    return explain(check, "write a blob", rv, "s3:PutObject", pool);
}

static const char *check_read(store_check_t *check, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->store;
    oci_blob_t blob = { .digest = check->digest, .locator = check->locator };
    const char *actual;
    apr_off_t size;
    apr_status_t rv = store->provider->blob_size(&size, store, check->locator,
                                                 pool);

    if (rv == APR_SUCCESS) {
        rv = oci_blob_hash(&actual, store, &blob, pool);
    }
    if (rv != APR_SUCCESS) {
        return explain(check, "read the blob", rv, "s3:GetObject", pool);
    }
    return strcmp(actual, check->digest)
            || size != (apr_off_t)strlen(check->name)
        ? "the store returns other bytes than were written: do not use it"
        : NULL;
}

static const char *check_delete(store_check_t *check, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->store;
    apr_off_t size;
    apr_status_t rv = store->provider->blob_delete(store, check->locator, NULL,
                                                   pool);

    if (rv != APR_SUCCESS) {
        return explain(check,
                       apr_psprintf(pool, "delete the blob %s", check->locator),
                       rv, "s3:DeleteObject", pool);
    }
    rv = store->provider->blob_size(&size, store, check->locator, pool);
    if (rv == APR_SUCCESS) {
        return "the store still finds a blob after it was deleted: do not use "
               "it";
    }
    return rv == APR_NOTFOUND
        ? NULL
        : explain(check, "look for the deleted blob", rv, "s3:GetObject", pool);
}

static const char *check_pages(store_check_t *check, apr_pool_t *pool)
{
    return oci_bucket_check_pages(check->bucket, pool);
}

static const char *check_conditions(store_check_t *check, apr_pool_t *pool)
{
    return oci_bucket_check_conditions(&check->note, check->bucket, pool);
}

static const char *check_multipart(store_check_t *check, apr_pool_t *pool)
{
    return oci_bucket_check_multipart(&check->note, check->bucket, pool);
}

/* ---- the command */

/* When a step runs.  After a FIRST step that failed, no other one runs: some
 * servers create a missing bucket when they are asked to write to it. */
typedef enum { FIRST, ALWAYS, WRITTEN, BUCKET } when_e;

static const struct {
    const char *name;
    when_e when;
    const char *(*run)(store_check_t *check, apr_pool_t *pool);
} steps[] = {
    { "settings", FIRST, check_settings },
    { "reach", FIRST, check_reach },
    { "list", FIRST, check_list },
    { "write", ALWAYS, check_write },
    { "read", WRITTEN, check_read },
    { "delete", WRITTEN, check_delete },
    { "pages", BUCKET, check_pages },
    { "conditions", BUCKET, check_conditions },
    { "multipart", BUCKET, check_multipart },
    { NULL, ALWAYS, NULL },
};

static int is_due(const store_check_t *check, int step)
{
    switch (steps[step].when) {
    case WRITTEN:
        return check->locator != NULL;
    case BUCKET:
        return check->bucket != NULL;
    default:
        return 1;
    }
}

static const char *member(const char *name, const char *text, apr_pool_t *pool)
{
    return text ? apr_pstrcat(pool, ", \"", name,
                              "\": ", oci_terminal_quote(text, pool), NULL)
                : "";
}

/* Print what came of a step. */
static void print_step(const store_check_t *check, const char *name,
                       const char *problem, apr_pool_t *pool)
{
    const char *note = problem ? NULL : check->note;

    if (check->json) {
        printf("{\"check\": \"%s\", \"ok\": %s%s%s}\n", name,
               problem ? "false" : "true", member("problem", problem, pool),
               member("note", note, pool));
        return;
    }
    printf("%s: %s%s%s\n", name, problem ? "failed: " : "ok",
           problem    ? oci_terminal_text(problem, pool)
               : note ? "; "
                      : "",
           note ? oci_terminal_text(note, pool) : "");
}

/* Say which store it is. */
static void print_store(const store_check_t *check, apr_pool_t *pool)
{
    const char *where = oci_terminal_text(check->store->where, pool);

    if (!check->json) {
        printf("%s%s%s\n", where, check->bucket ? ": " : "",
               check->bucket
                   ? oci_terminal_text(oci_bucket_check_describe(check->bucket,
                                                                 pool),
                                       pool)
                   : "");
    }
}

/* Try one step; return whether to go on. */
static int run_step(store_check_t *check, int step, apr_pool_t *pool)
{
    const char *problem;

    check->note = NULL;
    problem = steps[step].run(check, pool);
    check->failed |= problem != NULL;
    if (!step) {
        print_store(check, pool);
    }
    print_step(check, steps[step].name, problem, pool);
    fflush(stdout);
    return !check->absent && (!problem || steps[step].when != FIRST);
}

static const char *run(store_check_t *check)
{
    oci_error_t *error = oci_random_stamp(&check->name, check->pool);
    apr_pool_t *pool;
    int i, goes_on = 1;

    if (error) {
        return oci_error_text(error, check->pool);
    }
    check->name = apr_pstrcat(check->pool, check->name, "-check", NULL);
    check->digest = oci_digest_of(OCI_SHA256, check->name, strlen(check->name),
                                  check->pool);
    check->store = check->stores.registry.blobs;
    apr_pool_create(&pool, check->pool);
    for (i = 0; steps[i].name && goes_on; i++) {
        if (is_due(check, i)) {
            goes_on = run_step(check, i, pool);
            apr_pool_clear(pool);
        }
    }
    return NULL;
}

oci_outcome_e oci_check_store_command(const char **error,
                                      apr_getopt_t *arguments, apr_pool_t *pool)
{
    store_check_t check = { .stores.pool = pool, .pool = pool };

    check.stores.blobs_only = 1;
    if ((*error = parse_arguments(&check, arguments))) {
        return OCI_USAGE;
    }
    if (!(*error = oci_stores_find(&check.stores))) {
        *error = run(&check);
    }
    return *error || check.failed ? OCI_FAILED : OCI_DONE;
}
