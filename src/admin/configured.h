/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file configured.h
 * @brief The stores and rules that a configuration of httpd has
 */

#ifndef OCI_CONFIGURED_H
#define OCI_CONFIGURED_H

#include "gc/gc_policy.h"
#include "registry/registry.h"
#include "store/owner.h"

/** A registry in the configuration. */
typedef struct oci_configured_t {
    const char *place;    /* file and line of its OCIBlobStore, for messages */
    const char *base;     /* where relative paths start */
    oci_owner_t user;     /* httpd's User and Group; root if it has none */
    const char *blobs;    /* the arguments of OCIBlobStore */
    const char *index;    /* those of OCIIndex; as blobs if it has none */
    apr_table_t *options; /* what the blob store's own directives say; NULL if
                             its provider has none */
    const char *problem;  /* why they cannot be used, a sentence; or NULL */
    oci_sparse_e sparse;  /* OCISparse; of several sections the most that is
                             allowed to be absent */
    int grace;            /* of garbage collection: OCIGCGrace, seconds, */
    int upload_expiry;    /* OCIUploadExpiry, seconds, */
    oci_gc_policy_t *policy;       /* OCIRetain and OCIUntagged, */
    apr_array_header_t *immutable; /* and OCIImmutable: oci_immutable_t */
} oci_configured_t;

/**
 * Ask httpd which registries its configuration has.
 * @param found Set to an array of oci_configured_t: each pair of stores once
 * @param program httpd or apachectl; NULL: apachectl where it is installed,
 *        otherwise httpd
 * @param file The configuration
 * @param pool Where the array and its strings are allocated
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_configured_read(apr_array_header_t **found, const char *program,
                                const char *file, apr_pool_t *pool);

#endif /* OCI_CONFIGURED_H */
