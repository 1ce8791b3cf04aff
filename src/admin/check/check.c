/* SPDX-License-Identifier: Apache-2.0 */

/* The command "check".  It runs as the owner of the blob store, also if root
 * calls it, and works beside a running server. */

#include <stdio.h>
#include <strings.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/check/check.h"
#include "admin/check/check_run.h"
#include "admin/interrupt.h"
#include "admin/stores.h"
#include "admin/terminal.h"
#include "registry/pairing.h"

const char oci_check_usage[] =
    " [--digests] [--repair] [--sparse Index|All] [--json]\n"
    "    [--quiet] STORES\n"
    "    Check that nothing in a registry's storage is lost, wrong or left\n"
    "    over; httpd may run.  A line for each finding says what it means,\n"
    "    and what repairs it.\n"
    "    The exit status is 0 if nothing is found, and 1 if something is,\n"
    "    even if it is repaired.\n"
    "      --digests    read all blobs, and verify their digests\n"
    "      --repair     repair what can be repaired, and name the rest\n"
    "      --sparse Index|All\n"
    "                   content that may be absent; by default as OCISparse\n"
    "                   of FILE says\n"
    "      --json       print each finding, and the totals, as JSON\n"
    "      --quiet      do not print progress\n";

enum {
    OPTION_DIGESTS = 256,
    OPTION_REPAIR,
    OPTION_SPARSE,
    OPTION_JSON,
    OPTION_QUIET
};

static const apr_getopt_option_t options[] = {
    { "digests", OPTION_DIGESTS, 0, NULL },
    { "repair", OPTION_REPAIR, 0, NULL },
    { "sparse", OPTION_SPARSE, 1, NULL },
    { "json", OPTION_JSON, 0, NULL },
    { "quiet", OPTION_QUIET, 0, NULL },
    OCI_STORES_OPTIONS,
    { NULL, 0, 0, NULL },
};

/* The arguments of the command. */
typedef struct arguments_t {
    oci_check_t check;
    oci_stores_t stores;
    int sparse; /* of --sparse, or -1 */
    int quiet;
} arguments_t;

static const char *parse_sparse(int *sparse, const char *value,
                                apr_pool_t *pool)
{
    static const char *const names[] = { "None", "Index", "All" };
    int i;

    for (i = 0; i < 3; i++) {
        if (!strcasecmp(value, names[i])) {
            *sparse = OCI_SPARSE_NONE + i;
            return NULL;
        }
    }
    return apr_psprintf(pool,
                        "--sparse: '%s' is not None, Index or All, as in "
                        "OCISparse",
                        value);
}

static const char *set_option(void *baton, int option, const char *value)
{
    arguments_t *self = baton;

    switch (option) {
    case OPTION_DIGESTS:
        self->check.digests = 1;
        return NULL;
    case OPTION_REPAIR:
        self->check.repair = 1;
        return NULL;
    case OPTION_JSON:
        self->check.json = 1;
        return NULL;
    case OPTION_QUIET:
        self->quiet = 1;
        return NULL;
    default:
        return parse_sparse(&self->sparse, value, self->stores.pool);
    }
}

static const char *parse_arguments(arguments_t *self, apr_getopt_t *arguments)
{
    const oci_stores_options_t own = { "check", options,
                                       "--digests, --repair, --sparse "
                                       "Index|All, --json, --quiet",
                                       set_option, self };
    const char *error = oci_stores_parse_options(&self->stores, &own,
                                                 arguments);

    return error ? error
                 : oci_stores_parse(&self->stores, "check",
                                    arguments->argc - arguments->ind,
                                    arguments->argv + arguments->ind);
}

#define COUNT APR_UINT64_T_FMT

static void print_json(const oci_check_t *check, double seconds)
{
    const oci_check_totals_t *totals = &check->totals;

    printf("{\"repositories\": %" COUNT ", \"manifests\": %" COUNT
           ", \"tags\": %" COUNT ", \"blobs\": %" COUNT
           ", \"bytesRead\": %" COUNT ", \"damage\": %" COUNT
           ", \"leftovers\": %" COUNT ", \"mended\": %" COUNT
           ", \"marks\": %" COUNT ", \"skipped\": %" COUNT
           ", \"seconds\": %.3f}\n",
           totals->repositories, totals->manifests, totals->tags, totals->blobs,
           totals->bytes, totals->damage, totals->leftover, totals->mended,
           totals->marks, totals->skipped, seconds);
}

static void print_text(const oci_check_t *check, double seconds)
{
    const oci_check_totals_t *totals = &check->totals;
    apr_pool_t *pool = check->pool;

    printf("%s, %s, %s and %s checked in %.1f s\n",
           oci_terminal_count(totals->repositories, "repository", pool),
           oci_terminal_count(totals->manifests, "manifest", pool),
           oci_terminal_count(totals->tags, "tag", pool),
           oci_terminal_count(totals->blobs, "blob", pool), seconds);
    if (check->digests) {
        printf("%s read\n", oci_progress_format_bytes(totals->bytes, pool));
    }
    printf("%s: %" COUNT " of damage, %" COUNT " of harmless leftovers\n",
           oci_terminal_count(totals->damage + totals->leftover, "finding",
                              pool),
           totals->damage, totals->leftover);
    if (check->repair) {
        printf("%" COUNT " mended; %s of deleted manifests removed\n",
               totals->mended, oci_terminal_count(totals->marks, "mark", pool));
    }
    if (totals->skipped) {
        printf("%" COUNT " skipped, see the messages\n", totals->skipped);
    }
}

/* The records of blobs come first: what they lack decides what is wrong with
 * the repositories.  The holders come after the repositories, because they say
 * which blobs a repository held. */
static oci_error_t *check_all(oci_check_t *check)
{
    oci_error_t *error = oci_pairing_check_owner(check->registry, 0,
                                                 check->pool);

    if (!error) {
        error = oci_check_blobs(check, check->pool);
    }
    if (!error) {
        error = oci_check_repositories(check, check->pool);
    }
    return error ? error : oci_check_rest(check, check->pool);
}

static const char *run(oci_check_t *check, int *found)
{
    apr_time_t begun = apr_time_now();
    oci_error_t *error;
    double seconds;

    oci_check_prepare(check);
    error = check_all(check);
    seconds = (apr_time_now() - begun) / (double)APR_USEC_PER_SEC;
    oci_progress_end(check->progress);
    if (error) {
        return oci_error_text(error, check->pool);
    }
    (check->json ? print_json : print_text)(check, seconds);
    *found = check->totals.damage || check->totals.leftover;
    return check->totals.skipped ? "not everything could be examined" : NULL;
}

oci_outcome_e oci_check_command(const char **error, apr_getopt_t *arguments,
                                apr_pool_t *pool)
{
    arguments_t self = { .check.pool = pool,
                         .stores.pool = pool,
                         .sparse = -1 };
    int found = 0;

    self.check.registry = &self.stores.registry;
    if ((*error = parse_arguments(&self, arguments))) {
        return OCI_USAGE;
    }
    self.check.progress = oci_progress_create(self.quiet, pool);
    oci_progress_begin(self.check.progress, "checking");
    if (!(*error = oci_stores_open(&self.stores))) {
        oci_interrupt_block();
        if (self.sparse >= 0) {
            self.stores.registry.sparse = self.sparse;
        }
        *error = run(&self.check, &found);
    }
    return *error || found ? OCI_FAILED : OCI_DONE;
}
