/* SPDX-License-Identifier: Apache-2.0 */

/* The command "copy": its command line. */

#include "apr_strings.h"

#include "admin/copy.h"
#include "admin/copy_blobs.h"
#include "admin/copy_index.h"

const char oci_copy_usage[] =
    " [--force] [--json] [--online] [--quiet] [--user NAME] FROM TO\n"
    "ociadmin copy --blobs [--index INDEX] [--switch] [--force]\n"
    "    [--config FILE [--httpd PROGRAM]] [--json] [--quiet] [--user NAME]\n"
    "    FROM TO\n"
    "    Copy the index FROM to the index TO, then compare the two.\n"
    "    Write each index as one argument in the syntax of OCIIndex, for\n"
    "    example 'fs /var/lib/mod_oci'.  To continue a copy that was\n"
    "    interrupted, run the same command again.\n"
    "      --blobs      copy the blob store FROM to the blob store TO, in\n"
    "                   the syntax of OCIBlobStore, and compare each blob\n"
    "                   with its digest.  Upload sessions are not copied\n"
    "      --config FILE [--httpd PROGRAM]\n"
    "                   the configuration of httpd that has the directives\n"
    "                   of the provider of FROM or TO, such as OCIS3Endpoint\n"
    "      --force      replace the contents of the index TO if it is not\n"
    "                   empty; with --blobs, discard an unfinished copy to\n"
    "                   another store\n"
    "      --index INDEX\n"
    "                   copy only the blobs that this index records.  From or\n"
    "                   to a remote store, such as s3, INDEX is needed, and\n"
    "                   records where the blobs are in TO\n"
    "      --json       print the report as one line of JSON\n"
    "      --online     copy the index of a registry that is in use: each\n"
    "                   repository is copied as it was at one moment\n"
    "      --quiet      do not print progress\n"
    "      --switch     from or to a remote store: when all is copied, make\n"
    "                   INDEX belong to TO.  No httpd may use INDEX meanwhile\n"
    "      --user NAME  the user that writes TO if root runs the command;\n"
    "                   by default the owner of FROM; if root owns FROM, the\n"
    "                   owner of TO; if root owns both, with --blobs, the\n"
    "                   User of the configuration\n";

enum {
    OPTION_BLOBS = 256,
    OPTION_CONFIG,
    OPTION_FORCE,
    OPTION_HTTPD,
    OPTION_INDEX,
    OPTION_JSON,
    OPTION_ONLINE,
    OPTION_QUIET,
    OPTION_SWITCH,
    OPTION_USER
};

static const apr_getopt_option_t options[] = {
    { "blobs", OPTION_BLOBS, 0, NULL },
    { "config", OPTION_CONFIG, 1, NULL },
    { "force", OPTION_FORCE, 0, NULL },
    { "httpd", OPTION_HTTPD, 1, NULL },
    { "index", OPTION_INDEX, 1, NULL },
    { "json", OPTION_JSON, 0, NULL },
    { "online", OPTION_ONLINE, 0, NULL },
    { "quiet", OPTION_QUIET, 0, NULL },
    { "switch", OPTION_SWITCH, 0, NULL },
    { "user", OPTION_USER, 1, NULL },
    { NULL, 0, 0, NULL },
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
        request->change |= option == OPTION_SWITCH;
        request->config = option == OPTION_CONFIG ? value : request->config;
        request->httpd = option == OPTION_HTTPD ? value : request->httpd;
        request->index = option == OPTION_INDEX ? value : request->index;
        request->user = option == OPTION_USER ? value : request->user;
    }
    return rv == APR_EOF
        ? NULL
        : apr_psprintf(
            pool,
            "cannot use the option '%s': copy expects --blobs, --config FILE, "
            "--force, --httpd PROGRAM, --index INDEX, --json, --online, "
            "--quiet, --switch or --user NAME",
            arguments->argv[arguments->ind - 1]);
}

static const char *parse_arguments(oci_copy_request_t *request,
                                   apr_getopt_t *arguments, apr_pool_t *pool)
{
    const char *error = parse_options(request, arguments, pool);

    if (error) {
        return error;
    }
    if (request->blobs
        && (request->online || (request->force && !request->index))) {
        return "--force and --online are for an index; a copy with --blobs "
               "works beside a server without them";
    }
    if (request->index && !request->blobs) {
        return "--index needs --blobs";
    }
    if ((request->change || request->config || request->httpd)
        && !request->blobs) {
        return "--switch, --config and --httpd need --blobs";
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
