/* SPDX-License-Identifier: Apache-2.0 */

/* ociadmin: the command-line tool for a registry's storage.  It uses the same
 * registry and store layers as the module, and needs no httpd. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_allocator.h"
#include "apr_general.h"
#include "apr_strings.h"
#include "apr_version.h"

#include "admin/check/check.h"
#include "admin/check_store.h"
#include "admin/collect.h"
#include "admin/copy.h"
#include "admin/import/import.h"
#include "admin/layout/export.h"
#include "admin/look/cat.h"
#include "admin/look/du.h"
#include "admin/look/ls.h"
#include "admin/look/show.h"
#include "admin/ociadmin.h"
#include "admin/rm.h"
#include "mod_oci.h"

/* Free memory that the allocator keeps for reuse, in bytes. */
#define MAX_FREE (1024 * 1024)

static oci_command_t help;
static oci_command_t version;

static const struct {
    const char *name;
    oci_command_t *run;
    const char *usage; /* printed after the name; NULL for an alias */
} commands[] = {
    { "ls", oci_ls_command, oci_ls_usage },
    { "show", oci_show_command, oci_show_usage },
    { "cat", oci_cat_command, oci_cat_usage },
    { "du", oci_du_command, oci_du_usage },
    { "rm", oci_rm_command, oci_rm_usage },
    { "check", oci_check_command, oci_check_usage },
    { "check-store", oci_check_store_command, oci_check_store_usage },
    { "gc", oci_gc_command, oci_gc_usage },
    { "copy", oci_copy_command, oci_copy_usage },
    { "export", oci_export_command, oci_export_usage },
    { "import", oci_import_command, oci_import_usage },
    { "help", help,
      " [COMMAND]\n    Print this help, or that of one command.\n" },
    { "--help", help, NULL },
    { "-h", help, NULL },
    { "--version", version, "\n    Print the version.\n" },
    { NULL, NULL, NULL },
};

static const char stores_help[] =
    "\nSTORES is --store BLOBS [--index INDEX], or\n"
    "--config FILE [--httpd PROGRAM] [--store BLOBS].  check, gc, and import\n"
    "of another registry accept BLOBS [INDEX] at the end, too; check-store\n"
    "accepts BLOBS.\n"
    "  BLOBS    the blob store, as one argument in the syntax of\n"
    "           OCIBlobStore, for example 'fs /var/lib/mod_oci'\n"
    "  INDEX    the index, in the syntax of OCIIndex, unless it is \"fs\"\n"
    "           and beside the blobs\n"
    "  FILE     a configuration of httpd that names both; if it has several\n"
    "           registries, BLOBS says which one\n"
    "  PROGRAM  the httpd or apachectl that reads FILE\n"
    "The manual page is ociadmin(8).\n";

static oci_outcome_e help(const char **error, apr_getopt_t *arguments,
                          apr_pool_t *pool)
{
    int i;

    (void)error;
    (void)arguments;
    (void)pool;
    printf("ociadmin manages the storage of a mod_oci registry.\n\n");
    for (i = 0; commands[i].name; i++) {
        if (commands[i].usage) {
            printf("ociadmin %s%s\n", commands[i].name, commands[i].usage);
        }
    }
    printf("%s\n", stores_help);
    printf("The exit status is 0 for success, 1 for a failure, and 2 for a "
           "command line\nthat is not valid.\n");
    return OCI_DONE;
}

static oci_outcome_e version(const char **error, apr_getopt_t *arguments,
                             apr_pool_t *pool)
{
    (void)error;
    (void)arguments;
    (void)pool;
    printf("ociadmin of mod_oci %s, provider interface %s, APR %s\n",
           OCI_VERSION, OCI_PROVIDER_VERSION, apr_version_string());
    return OCI_DONE;
}

/* The argument that names the command: "help ls" stands for "ls --help". */
static int find_command(int argc, const char *const *argv)
{
    return argc > 2 && !strcmp(argv[1], "help") ? 2 : 1;
}

/* Whether the arguments ask for the help of a command. */
static int asks_for_help(int argc, const char *const *argv)
{
    int i;

    if (find_command(argc, argv) == 2) {
        return 1;
    }
    for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            return 1;
        }
    }
    return 0;
}

static oci_outcome_e run(int argc, const char *const *argv, apr_pool_t *pool)
{
    const char **words = apr_pmemdup(pool, argv + 1, argc * sizeof(*argv));
    const char *error = NULL;
    const char *name = argv[find_command(argc, argv)];
    oci_outcome_e outcome;
    apr_getopt_t *arguments;
    int i = 0;

    while (commands[i].name && strcmp(commands[i].name, name)) {
        i++;
    }
    if (!commands[i].name) {
        fprintf(stderr,
                "ociadmin: unknown command '%s'; see \"ociadmin help\"\n",
                name);
        return OCI_USAGE;
    }
    if (asks_for_help(argc, argv) && commands[i].usage) {
        printf("ociadmin %s%s%s", commands[i].name, commands[i].usage,
               strstr(commands[i].usage, "STORES") ? stores_help : "");
        return OCI_DONE;
    }
    words[0] = "ociadmin";
    if (apr_getopt_init(&arguments, pool, argc - 1, words) != APR_SUCCESS) {
        return OCI_FAILED;
    }
    arguments->interleave = 1;
    arguments->errfn = NULL;
    outcome = commands[i].run(&error, arguments, pool);
    if (error) {
        fprintf(stderr, "ociadmin: %s%s\n", error,
                outcome == OCI_USAGE ? "; see \"ociadmin help\"" : "");
    }
    return outcome;
}

static int end_of_memory(int status)
{
    (void)status;
    fprintf(stderr, "ociadmin: out of memory\n");
    exit(OCI_FAILED);
}

int main(int argc, const char *const *argv)
{
    oci_outcome_e outcome;
    apr_pool_t *pool;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS
        || apr_pool_create_ex(&pool, NULL, end_of_memory, NULL)
            != APR_SUCCESS) {
        return end_of_memory(APR_ENOMEM);
    }
    atexit(apr_terminate);
    apr_allocator_max_free_set(apr_pool_allocator_get(pool), MAX_FREE);
    if (argc < 2) {
        fprintf(stderr, "ociadmin: no command given; see \"ociadmin help\"\n");
        return OCI_USAGE;
    }
    outcome = run(argc, argv, pool);
    if ((fflush(stdout) || ferror(stdout)) && outcome == OCI_DONE) {
        fprintf(stderr, "ociadmin: cannot write to standard output\n");
        outcome = OCI_FAILED;
    }
    apr_pool_destroy(pool);
    return outcome;
}
