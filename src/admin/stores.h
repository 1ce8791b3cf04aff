/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file stores.h
 * @brief The blob store and the index that a command works on
 */

#ifndef OCI_STORES_H
#define OCI_STORES_H

#include "apr_getopt.h"

#include "admin/configured.h"
#include "admin/named_index.h"
#include "registry/registry.h"
#include "store/owner.h"

/** The stores of a registry.  Zero it, and set pool. */
typedef struct oci_stores_t {
    oci_registry_t registry; /* what commands use, once the stores are open */
    oci_named_index_t index;
    const char *blobs_name; /* the arguments of the options, each of them or */
    const char *index_name; /* NULL */
    const char *config;
    const char *httpd;
    int blobs_only; /* set by the caller: whether no index is wanted */
    const oci_configured_t *configured; /* what --config has; NULL without it */
    oci_owner_t owner;                  /* the user as whom the command acts */
    oci_pairing_state_t pairing;        /* for registry */
    apr_pool_t *pool;                   /* where the stores are allocated */
} oci_stores_t;

/** The options that every command has that uses oci_stores_t. */
enum {
    OCI_STORES_STORE = 1024,
    OCI_STORES_INDEX,
    OCI_STORES_CONFIG,
    OCI_STORES_HTTPD
};
#define OCI_STORES_OPTIONS                        \
    { "store", OCI_STORES_STORE, 1, NULL },       \
        { "index", OCI_STORES_INDEX, 1, NULL },   \
        { "config", OCI_STORES_CONFIG, 1, NULL }, \
    {                                             \
        "httpd", OCI_STORES_HTTPD, 1, NULL        \
    }

/** The options of a command. */
typedef struct oci_stores_options_t {
    const char *command;                /* its name, for the message */
    const apr_getopt_option_t *options; /* with OCI_STORES_OPTIONS at the end */
    const char *expected; /* the others, for the message, such as "--json" */

    /**
     * Set one of the others.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*set)(void *baton, int option, const char *value);
    void *baton; /* passed to set */
} oci_stores_options_t;

/**
 * Parse the options of a command, up to its other arguments.
 * @param stores Receives the options that name the stores
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_stores_parse_options(oci_stores_t *stores,
                                     const oci_stores_options_t *options,
                                     apr_getopt_t *arguments);

/**
 * Parse the names of the stores: a blob store and, unless the index is beside
 * it as in a server's configuration, an index.  They are those of --store and
 * --index, or else the last arguments of a command.  With --config the
 * configuration names them; a blob store says which, if it has several.
 * @param command The command's name, for the message
 * @param count The number of last arguments
 * @param last The last arguments
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_stores_parse(oci_stores_t *stores, const char *command,
                             int count, const char *const *last);

/**
 * Ask httpd for the stores if there is --config, and become their owner as
 * oci_stores_open does.  They are not started, and need not exist.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_stores_find(oci_stores_t *stores);

/**
 * Ask httpd for the stores if there is --config, and start them.  They must
 * exist and must have been used by a registry.  If root calls it, the process
 * first becomes the owner of the directory in which the blobs are, or of the
 * index if they are in a remote store, until it ends.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_stores_open(oci_stores_t *stores);

/**
 * As oci_stores_open, for a command that only reads: nothing is changed, and
 * the pair is checked as oci_stores_check_pair does.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_stores_open_to_read(oci_stores_t *stores);

/**
 * Check that the index is complete, and that the blob store belongs to it and
 * to no other one.  Nothing is changed.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_stores_check_pair(const oci_stores_t *stores);

#endif /* OCI_STORES_H */
