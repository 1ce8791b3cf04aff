/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file registry.h
 * @brief A registry: its two stores, its rules, and how facts are kept
 */

#ifndef OCI_REGISTRY_H
#define OCI_REGISTRY_H

#include "mod_oci.h"
#include "registry/error.h"

/** Whether a manifest may name content that is not there. */
typedef enum {
    OCI_SPARSE_NONE,
    OCI_SPARSE_INDEX, /* an index may name absent manifests */
    OCI_SPARSE_ALL
} oci_sparse_e;

typedef struct oci_registry_t {
    oci_blob_store_t *blobs;
    const char *boot; /* of this machine, or NULL: see boot.h */
    oci_index_t *index;
    oci_sparse_e sparse;
    int durable;    /* whether success waits for the disk */
    void **checked; /* of the index, one for each process: the
                       blob store with which the index was
                       found fit to be served, or NULL */
} oci_registry_t;

/** A repository of a registry; it need not exist. */
typedef struct oci_repository_t {
    const oci_registry_t *registry;
    const char *name; /* valid */
} oci_repository_t;

/**
 * One fact.
 * @param value Set to it; data is NULL where there is none
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_fact_get(oci_value_t *value, const oci_registry_t *registry,
                          const char *key, apr_pool_t *pool);

/** Whether there is such a fact; errors as oci_fact_get. */
oci_error_t *oci_fact_exists(int *exists, const oci_registry_t *registry,
                             const char *key, apr_pool_t *pool);

/**
 * Facts in the order of their keys; errors as oci_fact_get.
 * @param entries Set to an array of oci_entry_t
 */
oci_error_t *oci_facts_scan(apr_array_header_t **entries,
                            const oci_registry_t *registry,
                            const oci_scan_t *scan, apr_pool_t *pool);

/** An empty list of changes. */
apr_array_header_t *oci_change_list_make(apr_pool_t *pool);

/**
 * Add a PUT or an ADD.
 * @param data,size The value, which is not copied; NULL and 0 for none
 */
void oci_change_put(apr_array_header_t *changes, oci_change_e kind,
                    const char *key, const char *data, apr_size_t size);

/** Add a DELETE. */
void oci_change_delete(apr_array_header_t *changes, const char *key);

/**
 * Apply changes in their order.
 * @param durable Whether they must outlive the machine's end
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_facts_apply(const oci_registry_t *registry,
                             const apr_array_header_t *changes, int durable,
                             apr_pool_t *pool);

#endif /* OCI_REGISTRY_H */
