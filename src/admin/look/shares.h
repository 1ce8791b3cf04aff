/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file shares.h
 * @brief How the blobs of a registry are shared among its repositories
 *
 * The facts about holders and the records are read once, in the order of
 * digests, and memory is needed for each repository, not for each blob.  A
 * killed process may have left a holder too many, see keys.h.
 */

#ifndef OCI_SHARES_H
#define OCI_SHARES_H

#include "registry/registry.h"

typedef struct oci_shares_t oci_shares_t;

/** The blobs of one repository. */
typedef struct oci_share_t {
    apr_uint64_t own;    /* bytes that no other repository holds */
    apr_uint64_t shared; /* bytes that others hold, too */
    apr_uint64_t blobs;
} oci_share_t;

/** The blobs of all repositories. */
typedef struct oci_shares_total_t {
    apr_uint64_t blobs; /* that have a record */
    apr_uint64_t bytes;
    apr_uint64_t unheld;       /* blobs that no repository holds */
    apr_uint64_t unheld_bytes; /* their bytes */
} oci_shares_total_t;

/** Make an empty list; its memory is freed with pool. */
oci_shares_t *oci_shares_make(const oci_registry_t *registry, apr_pool_t *pool);

/** Add a repository whose share is wanted. */
void oci_shares_add(oci_shares_t *shares, const char *name, apr_pool_t *pool);

/**
 * Read all facts; to be called once.
 * @param total Filled in on success
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_shares_read(oci_shares_total_t *total, oci_shares_t *shares,
                             apr_pool_t *pool);

/** Return the share of a repository; NULL if it was not added. */
const oci_share_t *oci_shares_find(const oci_shares_t *shares, const char *name,
                                   apr_pool_t *pool);

#endif /* OCI_SHARES_H */
