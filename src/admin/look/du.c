/* SPDX-License-Identifier: Apache-2.0 */

/* The command "du": how much each repository uses.  All figures but those of
 * the disk come from facts. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/arguments.h"
#include "admin/look/disk_usage.h"
#include "admin/look/du.h"
#include "admin/look/garbage.h"
#include "admin/look/repository_facts.h"
#include "admin/look/shares.h"
#include "admin/terminal.h"
#include "registry/keys.h"
#include "registry/stored_walk.h"
#include "registry/walk.h"
#include "values/glob.h"
#include "values/timestamp.h"

/* How long garbage collection leaves an idle upload alone by default, in
 * seconds. */
#define UPLOAD_EXPIRY 86400

const char oci_du_usage[] =
    " [--json] [--repository GLOB] STORES\n"
    "    Print for each repository the bytes of blobs that only it holds,\n"
    "    that it shares with others, and that garbage collection would free,\n"
    "    and the numbers of manifests and tags.  At the end, print sums, and\n"
    "    the space that the store takes on the disk.\n"
    "      --json             one JSON object for each line\n"
    "      --repository GLOB  only repositories that match; no figures of\n"
    "                         the whole store\n";

#define COUNT APR_UINT64_T_FMT

/* What is printed in a row. */
typedef struct usage_t {
    apr_uint64_t own; /* bytes */
    apr_uint64_t shared;
    apr_uint64_t garbage;
    apr_uint64_t blobs;
    oci_repository_facts_t facts;
} usage_t;

typedef struct du_t {
    const oci_arguments_t *given;
    const oci_registry_t *registry;
    oci_shares_t *shares;
    oci_shares_total_t all;
    oci_garbage_t *garbage;
    apr_uint64_t shared_garbage; /* bytes */
    usage_t sum;
    apr_uint64_t repositories;
    int faults; /* repositories with a damaged manifest */
} du_t;

static int is_wanted(const du_t *du, const char *name, apr_pool_t *pool)
{
    return !du->given->glob || oci_glob_match(du->given->glob, name, pool);
}

static oci_error_t *add_name(oci_walk_t *walk, const char *rest,
                             const oci_value_t *value, apr_pool_t *pool)
{
    du_t *du = walk->baton;
    const char *name = oci_key_suffix(pool, rest, "");

    (void)value;
    if (is_wanted(du, name, pool)) {
        oci_shares_add(du->shares, name, pool);
    }
    return NULL;
}

static void print_json(const usage_t *usage, const char *name, const char *text,
                       apr_pool_t *pool)
{
    printf("{\"%s\": %s, \"own\": %" COUNT ", \"shared\": %" COUNT
           ", \"garbage\": %" COUNT ", \"blobs\": %" COUNT
           ", \"manifests\": %" COUNT ", \"tags\": %" COUNT
           ", \"lastPush\": %s",
           name, text, usage->own, usage->shared, usage->garbage, usage->blobs,
           usage->facts.manifests, usage->facts.tags,
           oci_terminal_quote(oci_timestamp_format(usage->facts.pushed, pool),
                              pool));
}

static void print_row(const usage_t *usage, const char *name, apr_pool_t *pool)
{
    const char *pushed = oci_timestamp_format(usage->facts.pushed, pool);

    printf("%5s  %6s  %7s  %9" COUNT "  %6" COUNT "  %-20s  %s\n",
           oci_terminal_size(usage->own, pool),
           oci_terminal_size(usage->shared, pool),
           oci_terminal_size(usage->garbage, pool), usage->facts.manifests,
           usage->facts.tags, pushed ? pushed : "-", name);
}

static void add_to_sum(du_t *du, const usage_t *usage)
{
    usage_t *sum = &du->sum;

    du->repositories++;
    sum->own += usage->own;
    sum->shared += usage->shared;
    sum->garbage += usage->garbage;
    sum->blobs += usage->blobs;
    sum->facts.manifests += usage->facts.manifests;
    sum->facts.tags += usage->facts.tags;
    if (usage->facts.pushed > sum->facts.pushed) {
        sum->facts.pushed = usage->facts.pushed;
    }
}

/* Measure a repository. */
static oci_error_t *measure(usage_t *usage, du_t *du, const char *name,
                            apr_pool_t *pool)
{
    oci_repository_t repository = { du->registry, name };
    const oci_share_t *share = oci_shares_find(du->shares, name, pool);
    oci_error_t *damaged;
    oci_error_t *error = oci_repository_facts(&usage->facts, &repository, pool);

    if (!error) {
        error = oci_garbage_count(&usage->garbage, &damaged, du->garbage, name,
                                  pool);
    }
    if (error) {
        return error;
    }
    if (damaged) {
        du->faults++;
        fprintf(stderr, "ociadmin: %s\n",
                oci_terminal_text(oci_error_text(damaged, pool), pool));
    }
    if (share) { /* it has come since if there is none */
        usage->own = share->own;
        usage->shared = share->shared;
        usage->blobs = share->blobs;
    }
    return NULL;
}

static oci_error_t *print_repository(oci_walk_t *walk, const char *rest,
                                     const oci_value_t *value, apr_pool_t *pool)
{
    du_t *du = walk->baton;
    const char *name = oci_key_suffix(pool, rest, "");
    usage_t usage = { 0 };
    oci_error_t *error;

    (void)value;
    if (!is_wanted(du, name, pool)) {
        return NULL;
    }
    if ((error = measure(&usage, du, name, pool))) {
        return error;
    }
    add_to_sum(du, &usage);
    if (du->given->json) {
        print_json(&usage, "name", oci_terminal_quote(name, pool), pool);
        printf("}\n");
    }
    else {
        print_row(&usage, oci_terminal_text(name, pool), pool);
    }
    return NULL;
}

static oci_error_t *print_repositories(du_t *du, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = du->registry,
                        .prefix = oci_key_catalog(pool, NULL),
                        .visit = add_name,
                        .baton = du };
    oci_error_t *error = oci_walk(&walk, pool);

    if (!error) {
        error = oci_shares_read(&du->all, du->shares, pool);
    }
    if (error) {
        return error;
    }
    if (!du->given->json) {
        printf("%5s  %6s  %7s  %9s  %6s  %-20s  %s\n", "OWN", "SHARED",
               "GARBAGE", "MANIFESTS", "TAGS", "LAST PUSH", "REPOSITORY");
    }
    walk.visit = print_repository;
    error = oci_walk(&walk, pool);
    return error || du->given->glob
        ? error
        : oci_garbage_count_shared(&du->shared_garbage, du->garbage, pool);
}

/* The files of the store. */
typedef struct store_usage_t {
    oci_disk_usage_t blobs;
    oci_disk_usage_t uploads;
} store_usage_t;

/* Measure a directory of the blob store. */
static const char *measure_path(oci_disk_usage_t *usage, const char *path,
                                apr_pool_t *pool)
{
    apr_int64_t since = apr_time_sec(apr_time_now()) - UPLOAD_EXPIRY;
    apr_status_t rv = oci_disk_usage_add(usage, path, since, pool);
    char reason[120];

    return rv == APR_SUCCESS
        ? NULL
        : apr_psprintf(pool, "cannot measure %s: %s", path,
                       apr_strerror(rv, reason, sizeof(reason)));
}

/* Add a blob or an upload that a remote store lists. */
static oci_error_t *visit_stored(oci_stored_walk_t *walk,
                                 const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_disk_usage_t *usage = walk->baton;
    apr_int64_t since = apr_time_sec(apr_time_now()) - UPLOAD_EXPIRY;

    (void)pool;
    usage->bytes += stored->size;
    usage->idle += apr_time_sec(stored->changed) < since ? stored->size : 0;
    return NULL;
}

/* Measure what a remote store lists. */
static const char *measure_listed(oci_disk_usage_t *usage, const du_t *du,
                                  oci_stored_e kind, apr_pool_t *pool)
{
    oci_stored_walk_t walk = { .store = du->registry->blobs,
                               .kind = kind,
                               .visit = visit_stored,
                               .baton = usage };
    oci_error_t *error = oci_stored_walk(&walk, pool);

    return error ? oci_error_text(error, pool) : NULL;
}

static const char *measure_store(store_usage_t *usage, const du_t *du,
                                 apr_pool_t *pool)
{
    const char *where = du->registry->blobs->where;
    const char *error;

    if (du->registry->blobs->provider->remote) {
        error = measure_listed(&usage->blobs, du, OCI_STORED_BLOBS, pool);
        return error
            ? error
            : measure_listed(&usage->uploads, du, OCI_STORED_UPLOADS, pool);
    }
    error = measure_path(&usage->blobs,
                         apr_pstrcat(pool, where, "/blobs", NULL), pool);

    return error
        ? error
        : measure_path(&usage->uploads,
                       apr_pstrcat(pool, where, "/uploads", NULL), pool);
}

/* What garbage collection would free, in bytes. */
static apr_uint64_t freed(const du_t *du, const store_usage_t *store)
{
    return du->sum.garbage + du->shared_garbage + du->all.unheld_bytes
        + store->uploads.idle;
}

static void print_store_json(const du_t *du, const store_usage_t *store)
{
    printf(", \"stored\": {\"blobs\": %" COUNT ", \"bytes\": %" COUNT
           "}, \"disk\": {\"blobs\": %" COUNT ", \"uploads\": %" COUNT
           "}, \"freed\": %" COUNT,
           du->all.blobs, du->all.bytes, store->blobs.bytes,
           store->uploads.bytes, freed(du, store));
}

static void print_store(const du_t *du, const store_usage_t *store,
                        apr_pool_t *pool)
{
    printf("\n%s, %s, each of them counted once\n"
           "%s %s, %s in %s\n"
           "garbage collection would free %s after its grace:\n"
           "%s of blobs that no manifest names, %s that no repository holds,\n"
           "%s of uploads that are idle for a day\n",
           oci_terminal_count(du->all.blobs, "blob", pool),
           oci_terminal_size(du->all.bytes, pool),
           oci_terminal_size(store->blobs.bytes, pool),
           du->registry->blobs->provider->remote ? "in the blob store"
                                                 : "on the disk in blobs/",
           oci_terminal_size(store->uploads.bytes, pool),
           du->registry->blobs->provider->remote ? "unfinished uploads"
                                                 : "uploads/",
           oci_terminal_size(freed(du, store), pool),
           oci_terminal_size(du->sum.garbage + du->shared_garbage, pool),
           oci_terminal_size(du->all.unheld_bytes, pool),
           oci_terminal_size(store->uploads.idle, pool));
}

/* Print the sums, and the figures of the whole store. */
static const char *print_end(const du_t *du, apr_pool_t *pool)
{
    store_usage_t store = { { 0 }, { 0 } };
    const char *error = du->given->glob ? NULL
                                        : measure_store(&store, du, pool);

    if (du->given->json) {
        print_json(&du->sum, "repositories",
                   apr_psprintf(pool, "%" COUNT, du->repositories), pool);
        if (!error && !du->given->glob) {
            print_store_json(du, &store);
        }
        printf("}\n");
    }
    else {
        print_row(&du->sum,
                  apr_psprintf(pool, "total of %" COUNT, du->repositories),
                  pool);
        if (!error && !du->given->glob) {
            print_store(du, &store, pool);
        }
    }
    return error;
}

static const char *run(const oci_arguments_t *given)
{
    apr_pool_t *pool = given->pool;
    du_t du = { .given = given, .registry = &given->stores.registry };
    oci_error_t *failure;
    const char *error;

    du.shares = oci_shares_make(du.registry, pool);
    du.garbage = oci_garbage_make(du.registry, pool);
    if ((failure = print_repositories(&du, pool))) {
        return oci_error_text(failure, pool);
    }
    error = print_end(&du, pool);
    return error || !du.faults
        ? error
        : apr_psprintf(pool,
                       "%s with damaged manifests, whose garbage is not known",
                       oci_terminal_count(du.faults, "repository", pool));
}

oci_outcome_e oci_du_command(const char **error, apr_getopt_t *arguments,
                             apr_pool_t *pool)
{
    oci_arguments_t given = { .command = "du",
                              .accepted = OCI_ACCEPTS_JSON
                                  | OCI_ACCEPTS_REPOSITORY,
                              .pool = pool };

    if ((*error = oci_arguments_parse(&given, arguments))) {
        return OCI_USAGE;
    }
    if (!(*error = oci_stores_open_to_read(&given.stores))) {
        *error = run(&given);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
