/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file mirror.h
 * @brief Making an index equal to another, and seeing whether it is
 *
 * Both are read side by side in the order of their keys, a page at a time,
 * and differences are written in batches.  Memory is bounded by a page of
 * each, a batch, and the two largest values.
 *
 * The fact that marks the target as unfinished (oci_key_copy) says how far
 * it has come.  It is not itself copied.
 */

#ifndef OCI_MIRROR_H
#define OCI_MIRROR_H

#include "admin/progress.h"
#include "registry/registry.h"

typedef struct oci_mirror_t {
    oci_registry_t source; /* of these the index alone matters */
    oci_registry_t target;
    const char *name;  /* of the source, for the mark */
    const char *after; /* the keys up to this are done; or NULL */
    oci_progress_t *progress;
    /* What a call found: */
    apr_uint64_t facts;     /* of the source */
    apr_uint64_t bytes;     /* of its values */
    apr_uint64_t different; /* facts that are not alike in both */
    const char *first;      /* the key of the first of these */
    int stopped;            /* by a signal, before the end */
} oci_mirror_t;

/**
 * Mark the target as unfinished, and as made up to a key.
 * @param changes Where to add that
 * @param key NULL for the beginning
 */
void oci_mirror_mark(apr_array_header_t *changes, const oci_mirror_t *mirror,
                     const char *key, apr_pool_t *pool);

/**
 * Make what follows mirror->after the same in the target.  Each batch is
 * safe on the disk when the next one begins.
 * @param pool Or one above it holds what locks the target
 * @return As oci_fact_get and oci_facts_apply
 */
oci_error_t *oci_mirror_update(oci_mirror_t *mirror, apr_pool_t *pool);

/** Compare all of both; pool and errors as before. */
oci_error_t *oci_mirror_compare(oci_mirror_t *mirror, apr_pool_t *pool);

#endif /* OCI_MIRROR_H */
