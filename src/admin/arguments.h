/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file arguments.h
 * @brief The arguments of the commands that look at a registry, or delete from
 *        it
 *
 *     ociadmin COMMAND [OPTION...] [NAME] --store BLOBS [--index INDEX]
 */

#ifndef OCI_ARGUMENTS_H
#define OCI_ARGUMENTS_H

#include "admin/ociadmin.h"
#include "admin/stores.h"

/** What a command accepts besides the options of stores.h; to be combined. */
enum {
    OCI_ACCEPTS_NAME = 1, /* an argument NAME... */
    OCI_NEEDS_NAME = 2,   /* ... which must be there */
    OCI_ACCEPTS_JSON = 4,
    OCI_ACCEPTS_UNTAGGED = 8,
    OCI_ACCEPTS_REFERRERS = 16,
    OCI_ACCEPTS_REPOSITORY = 32,
    OCI_ACCEPTS_RECURSIVE = 64,
    OCI_ACCEPTS_YES = 128
};

/** The arguments of a command.  Zero it, and set command, accepted and pool. */
typedef struct oci_arguments_t {
    const char *command;
    int accepted; /* what the command accepts */
    oci_stores_t stores;
    const char *name; /* the argument NAME, not checked; or NULL */
    const char *glob; /* the argument of --repository, or NULL */
    int json;
    int untagged;
    int referrers;
    int recursive;
    int yes;
    apr_pool_t *pool;
} oci_arguments_t;

/**
 * Parse the arguments of a command.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_arguments_parse(oci_arguments_t *self, apr_getopt_t *arguments);

#endif /* OCI_ARGUMENTS_H */
