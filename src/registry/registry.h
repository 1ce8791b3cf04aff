/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file registry.h
 * @brief A registry: its blob store, its index and its settings, and functions
 *        that read and change the facts in the index
 */

#ifndef OCI_REGISTRY_H
#define OCI_REGISTRY_H

#include "mod_oci.h"
#include "registry/error.h"

/** Which content a manifest may name that is not in the repository. */
typedef enum {
    OCI_SPARSE_NONE,
    OCI_SPARSE_INDEX, /* an index may name absent manifests */
    OCI_SPARSE_ALL
} oci_sparse_e;

/** What is told of each change. */
typedef struct oci_listener_t {
    /**
     * Called after changes have been applied, with the locks that their caller
     * holds, so it must not wait.
     * @param changes An array of oci_change_t; see event.h for what they mean
     * @param created As for oci_events_find
     */
    void (*applied)(void *baton, const apr_array_header_t *changes,
                    const char *created);
    void *baton;
} oci_listener_t;

/** What a process knows of an index and its blob store: see pairing_state.h. */
typedef struct oci_pairing_state_t {
    oci_blob_store_t *accepted; /* the blob store that oci_pairing_check last
                                   accepted for this index, or NULL */
    apr_uint32_t silent; /* when the blob store did not answer: seconds since
                            1970, the last 32 bits; 0 if it did */
} oci_pairing_state_t;

typedef struct oci_registry_t {
    oci_blob_store_t *blobs;
    const char *boot; /* this machine's boot name, or NULL: see boot.h */
    oci_index_t *index;
    oci_sparse_e sparse;
    int durable; /* whether changes are synced before success */
    oci_pairing_state_t *pairing; /* belongs to the index, one in each process;
                                     NULL if the pair is not checked */
    const oci_listener_t *listener; /* or NULL */
} oci_registry_t;

/** A name in a registry.  The repository need not exist. */
typedef struct oci_repository_t {
    const oci_registry_t *registry;
    const char *name; /* valid */
} oci_repository_t;

/**
 * Read a fact.
 * @param value Set to the fact's value; data is NULL if there is no such fact
 * @param pool For the value
 * @return A storage error (error.h)
 */
oci_error_t *oci_fact_get(oci_value_t *value, const oci_registry_t *registry,
                          const char *key, apr_pool_t *pool);

/**
 * Check whether there is a fact.
 * @param exists Set to 1 or 0; 0 on error
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_fact_exists(int *exists, const oci_registry_t *registry,
                             const char *key, apr_pool_t *pool);

/**
 * Read a fact and the fact that it leads to, in one step if the index can.
 * @param follow key, prefix and is_empty say which; value and target are set,
 *        with data NULL for a fact that does not exist
 * @param pool For the values
 * @return A storage error
 */
oci_error_t *oci_fact_follow(oci_follow_t *follow,
                             const oci_registry_t *registry, apr_pool_t *pool);

/**
 * Read the facts of a range, in the order of their keys.
 * @param entries Set to an array of oci_entry_t
 * @param scan The range
 * @param pool For the entries
 * @return A storage error
 */
oci_error_t *oci_facts_scan(apr_array_header_t **entries,
                            const oci_registry_t *registry,
                            const oci_scan_t *scan, apr_pool_t *pool);

/** Make an empty list of changes in pool. */
apr_array_header_t *oci_change_list_make(apr_pool_t *pool);

/**
 * Add a PUT or an ADD to a list of changes.
 * @param key Not copied
 * @param data The value, not copied; may be NULL if size is 0
 * @param size The size of the value in bytes
 */
void oci_change_put(apr_array_header_t *changes, oci_change_e kind,
                    const char *key, const char *data, apr_size_t size);

/** Add a DELETE to a list of changes; key is not copied. */
void oci_change_delete(apr_array_header_t *changes, const char *key);

/**
 * Apply changes in their order.
 * @param changes At least one
 * @param durable Whether they must survive a crash of the machine
 * @param pool For temporary data
 * @return A storage error; its status is APR_EEXIST if an ADD found its key
 */
oci_error_t *oci_facts_apply(const oci_registry_t *registry,
                             const apr_array_header_t *changes, int durable,
                             apr_pool_t *pool);

/**
 * Set one fact, whether or not it exists.
 * @param text Its value
 * @param durable As for oci_facts_apply
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_fact_put(const oci_registry_t *registry, const char *key,
                          const char *text, int durable, apr_pool_t *pool);

/**
 * Delete one fact; succeeds if it does not exist.
 * @param durable As for oci_facts_apply
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_fact_delete(const oci_registry_t *registry, const char *key,
                             int durable, apr_pool_t *pool);

/**
 * Apply changes that remove content, in their order.  If storage is full, only
 * the deletions among them are applied: the other facts are notes for garbage
 * collection, which a full run does not need.
 * @param changes At least one
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_facts_remove(const oci_registry_t *registry,
                              const apr_array_header_t *changes,
                              apr_pool_t *pool);

/**
 * Wait for a named lock of the index.
 * @param lock Set to the lock
 * @param name As for the provider's lock
 * @param pool The lock ends with this pool at the latest
 * @return A storage error
 */
oci_error_t *oci_registry_lock(oci_lock_t **lock,
                               const oci_registry_t *registry, const char *name,
                               oci_lock_e kind, apr_pool_t *pool);

/** Release a lock.  NULL does nothing. */
void oci_registry_unlock(const oci_registry_t *registry, oci_lock_t *lock);

#endif /* OCI_REGISTRY_H */
