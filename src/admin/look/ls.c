/* SPDX-License-Identifier: Apache-2.0 */

/* The command "ls".  It lists repositories; ls_content.c lists what is in one.
 * Lists are walked twice: the first walk finds the widths of the columns, so
 * that memory does not grow with the list. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/arguments.h"
#include "admin/look/ls.h"
#include "admin/look/ls_content.h"
#include "admin/look/repository_facts.h"
#include "admin/reference.h"
#include "admin/terminal.h"
#include "registry/keys.h"
#include "registry/walk.h"
#include "values/timestamp.h"

const char oci_ls_usage[] =
    " [--json] [--untagged | --referrers] [NAME] STORES\n"
    "    List the repositories with their numbers of tags and manifests and\n"
    "    the time of the last push, or the tags of the repository NAME.  A\n"
    "    tag's size is that of its image: layers that occur twice count once.\n"
    "      --json       one JSON object for each line\n"
    "      --untagged   the manifests of NAME that no tag names, such as the\n"
    "                   parts of an index\n"
    "      --referrers  the manifests of NAME that refer to another one, such\n"
    "                   as signatures\n";

#define NAME_TITLE "REPOSITORY"

/* The list in progress. */
typedef struct listed_t {
    int json;
    int width; /* of the column of names */
} listed_t;

static oci_error_t *measure(oci_walk_t *walk, const char *rest,
                            const oci_value_t *value, apr_pool_t *pool)
{
    listed_t *list = walk->baton;
    int width = (int)strlen(oci_key_suffix(pool, rest, ""));

    (void)value;
    list->width = width > list->width ? width : list->width;
    return NULL;
}

static oci_error_t *print(oci_walk_t *walk, const char *rest,
                          const oci_value_t *value, apr_pool_t *pool)
{
    const listed_t *list = walk->baton;
    oci_repository_t repository = { walk->registry,
                                    oci_key_suffix(pool, rest, "") };
    const char *name = repository.name, *pushed;
    oci_repository_facts_t facts;
    oci_error_t *error = oci_repository_facts(&facts, &repository, pool);

    (void)value;
    if (error) {
        return error;
    }
    pushed = oci_timestamp_format(facts.pushed, pool);
    if (list->json) {
        printf("{\"name\": %s, \"tags\": %" APR_UINT64_T_FMT
               ", \"manifests\": %" APR_UINT64_T_FMT ", \"lastPush\": %s}\n",
               oci_terminal_quote(name, pool), facts.tags, facts.manifests,
               oci_terminal_quote(pushed, pool));
    }
    else {
        printf("%-*s %8" APR_UINT64_T_FMT " %9" APR_UINT64_T_FMT "  %s\n",
               list->width, oci_terminal_text(name, pool), facts.tags,
               facts.manifests, pushed ? pushed : "-");
    }
    return NULL;
}

static oci_error_t *list_repositories(const oci_registry_t *registry, int json,
                                      apr_pool_t *pool)
{
    listed_t list = { json, (int)strlen(NAME_TITLE) };
    oci_walk_t walk = { .registry = registry,
                        .prefix = oci_key_catalog(pool, NULL),
                        .visit = measure,
                        .baton = &list };
    oci_error_t *error = json ? NULL : oci_walk(&walk, pool);

    if (error) {
        return error;
    }
    if (!json) {
        printf("%-*s %8s %9s  %s\n", list.width, NAME_TITLE, "TAGS",
               "MANIFESTS", "LAST PUSH");
    }
    walk.visit = print;
    return oci_walk(&walk, pool);
}

static const char *check(const oci_arguments_t *given)
{
    if ((given->untagged || given->referrers) && !given->name) {
        return "--untagged and --referrers need the name of a repository";
    }
    return given->untagged && given->referrers
        ? "--untagged and --referrers cannot be used together"
        : NULL;
}

/* Parse the name of a repository, which has no tag and no digest. */
static const char *parse_name(oci_reference_t *reference,
                              oci_arguments_t *given)
{
    const char *error = check(given);

    if (error || !given->name) {
        return error;
    }
    error = oci_reference_parse(reference, &given->stores.registry, given->name,
                                given->pool);
    return error || (!reference->tag && !reference->digest)
        ? error
        : "ls expects the name of a repository, without a tag or digest; to "
          "look at an image, use show";
}

oci_outcome_e oci_ls_command(const char **error, apr_getopt_t *arguments,
                             apr_pool_t *pool)
{
    oci_arguments_t given = { .command = "ls",
                              .accepted = OCI_ACCEPTS_NAME | OCI_ACCEPTS_JSON
                                  | OCI_ACCEPTS_UNTAGGED
                                  | OCI_ACCEPTS_REFERRERS,
                              .pool = pool };
    oci_reference_t reference;
    oci_error_t *failure;

    if ((*error = oci_arguments_parse(&given, arguments))
        || (*error = parse_name(&reference, &given))) {
        return OCI_USAGE;
    }
    if ((*error = oci_stores_open_to_read(&given.stores))) {
        return OCI_FAILED;
    }
    if (given.name) {
        *error = oci_ls_content(&reference,
                                given.untagged        ? OCI_LS_UNTAGGED
                                    : given.referrers ? OCI_LS_REFERRERS
                                                      : OCI_LS_TAGS,
                                given.json, pool);
    }
    else {
        failure = list_repositories(&given.stores.registry, given.json, pool);
        *error = failure ? oci_error_text(failure, pool) : NULL;
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
