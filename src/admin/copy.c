/* SPDX-License-Identifier: Apache-2.0 */

/* The command "copy": its command line. */

#include "apr_strings.h"

#include "admin/copy.h"
#include "admin/copy_blobs.h"
#include "admin/copy_index.h"

const char oci_copy_usage[] =
    " [--force] [--json] [--online] [--quiet] [--user NAME] FROM TO\n"
    "ociadmin copy --blobs [--index INDEX] [--json] [--quiet] [--user NAME] "
    "FROM TO\n"
    "    Copy the index FROM to the index TO, then compare the two.\n"
    "    Write each index as one argument in the syntax of OCIIndex, for\n"
    "    example 'fs /var/lib/mod_oci'.  To continue a copy that was\n"
    "    interrupted, run the same command again.\n"
    "      --blobs      copy the blob store FROM to the blob store TO, in\n"
    "                   the syntax of OCIBlobStore, and compare each blob\n"
    "                   with its digest.  Upload sessions are not copied\n"
    "      --force      replace the contents of the index TO if it is not\n"
    "                   empty\n"
    "      --index INDEX\n"
    "                   copy only the blobs that this index records\n"
    "      --json       print the report as one line of JSON\n"
    "      --online     copy the index of a registry that is in use: each\n"
    "                   repository is copied as it was at one moment\n"
    "      --quiet      do not print progress\n"
    "      --user NAME  the user that writes TO if root runs the command;\n"
    "                   by default the owner of FROM, or the owner of TO\n"
    "                   if root owns FROM\n";

enum {
    OPTION_BLOBS = 256,
    OPTION_FORCE,
    OPTION_INDEX,
    OPTION_JSON,
    OPTION_ONLINE,
    OPTION_QUIET,
    OPTION_USER
};

static const apr_getopt_option_t options[] = {
    { "blobs", OPTION_BLOBS, 0, NULL },   { "force", OPTION_FORCE, 0, NULL },
    { "index", OPTION_INDEX, 1, NULL },   { "json", OPTION_JSON, 0, NULL },
    { "online", OPTION_ONLINE, 0, NULL }, { "quiet", OPTION_QUIET, 0, NULL },
    { "user", OPTION_USER, 1, NULL },     { NULL, 0, 0, NULL },
};

static const char *parse_options(oci_copy_request_t *request,
                                 apr_getopt_t *arguments, apr_pool_t *pool)
{
    const char *value;
    apr_status_t rv;
    int option;

    while ((rv = apr_getopt_long(arguments, options, &option, &value))
           == APR_SUCCESS) {
        request->blobs |= option == OPTION_BLOBS;
        request->force |= option == OPTION_FORCE;
        request->json |= option == OPTION_JSON;
        request->online |= option == OPTION_ONLINE;
        request->quiet |= option == OPTION_QUIET;
        request->index = option == OPTION_INDEX ? value : request->index;
        request->user = option == OPTION_USER ? value : request->user;
    }
    return rv == APR_EOF
        ? NULL
        : apr_psprintf(
            pool,
            "cannot use the option '%s': copy expects --blobs, "
            "--force, --index INDEX, --json, --online, --quiet or --user NAME",
            arguments->argv[arguments->ind - 1]);
}

static const char *parse_arguments(oci_copy_request_t *request,
                                   apr_getopt_t *arguments, apr_pool_t *pool)
{
    const char *error = parse_options(request, arguments, pool);

    if (error) {
        return error;
    }
    if (request->blobs && (request->force || request->online)) {
        return "--force and --online are for an index; a copy with --blobs "
               "works beside a server without them";
    }
    if (request->index && !request->blobs) {
        return "--index needs --blobs";
    }
    if (arguments->argc - arguments->ind != 2) {
        return request->blobs
            ? "copy --blobs takes two blob stores, FROM and TO, each as one "
              "argument such as 'fs DIR'"
            : "copy takes two indexes, FROM and TO, each as one argument such "
              "as 'fs DIR'";
    }
    request->from = arguments->argv[arguments->ind];
    request->to = arguments->argv[arguments->ind + 1];
    return NULL;
}

oci_outcome_e oci_copy_command(const char **error, apr_getopt_t *arguments,
                               apr_pool_t *pool)
{
    oci_copy_request_t request = { 0 };

    if ((*error = parse_arguments(&request, arguments, pool))) {
        return OCI_USAGE;
    }
    return (request.blobs ? oci_copy_blobs : oci_copy_index)(error, &request,
                                                             pool);
}
