/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy_blob.h
 * @brief Copies one blob of a blob store to another one
 */

#ifndef OCI_COPY_BLOB_H
#define OCI_COPY_BLOB_H

#include "admin/copy_request.h"
#include "admin/progress.h"
#include "registry/registry.h"

/** FROM or TO. */
typedef struct oci_copy_side_t {
    oci_blob_store_t *store;
    oci_owner_t owner; /* as whom it is used */
    const char *id;    /* of the store, or NULL */
} oci_copy_side_t;

/** How the names of uploads in a remote TO end. */
#define OCI_COPY_UPLOAD "-copy"

/** A copy of a blob store, and what it has done. */
typedef struct oci_blob_copy_t {
    const oci_copy_request_t *request;
    oci_copy_side_t from;
    oci_copy_side_t to;
    oci_registry_t names; /* its index names the blobs to copy; NULL: all */
    oci_owner_t user;     /* httpd's, of --config; root if it is not known */
    oci_progress_t *progress;
    apr_uint64_t blobs; /* copied */
    apr_uint64_t bytes; /* of these */
    apr_uint64_t present;
    apr_uint64_t unnamed;  /* not recorded by the index */
    apr_uint64_t gone;     /* deleted from FROM after they were listed */
    apr_uint64_t skipped;  /* each with a message */
    apr_uint64_t switched; /* records that lead to TO now */
    apr_pool_t *pool;
} oci_blob_copy_t;

/**
 * Copy a blob, unless TO has one of its size, and compare it with its digest.
 * The copy is durable.
 * @param locator Where TO may have it, which is also where it must become, or
 *        NULL; set to where TO has it, NULL if it does not
 * @param copy One of its counts is raised
 * @param blob Its locator in FROM, its digest and its size
 * @param pool For temporary data, and for the result
 * @return NULL, or a sentence that says why nothing more can be copied
 */
const char *oci_copy_blob(const char **locator, oci_blob_copy_t *copy,
                          const oci_stored_t *blob, apr_pool_t *pool);

/** Return the sentence "cannot WHAT PATH: why" for a failure of a store.
 * @param pool The one that the store was called with */
const char *oci_copy_explain(const char *what, const oci_blob_store_t *store,
                             apr_status_t rv, apr_pool_t *pool);

#endif /* OCI_COPY_BLOB_H */
