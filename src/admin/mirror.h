/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file mirror.h
 * @brief Makes an index equal to another, and compares two indexes
 *
 * Both indexes are read side by side in the order of their keys, one page at
 * a time, and differences are written in batches.  Memory use is bounded by
 * one page of each index, one batch, and the two largest values.
 *
 * A fact in the target (oci_key_copy) marks it as unfinished and records the
 * last key that was copied.  The mark itself is never copied or compared,
 * nor are the ids of both indexes (oci_key_index, oci_key_copy_of).
 */

#ifndef OCI_MIRROR_H
#define OCI_MIRROR_H

#include "admin/progress.h"
#include "registry/registry.h"

typedef struct oci_mirror_t {
    oci_registry_t source; /* only its index is used */
    oci_registry_t target; /* likewise */
    const char *name;      /* the source's name, for the mark */
    const char *after;     /* the last key that is already copied, or NULL */
    oci_progress_t *progress;
    /* Results of the last call: */
    apr_uint64_t facts;           /* facts read from the source */
    apr_uint64_t bytes;           /* size of their values */
    apr_uint64_t differences;     /* keys whose values differ */
    const char *first_difference; /* the first of these keys */
    int interrupted;              /* a signal stopped the call before its end */
} oci_mirror_t;

/**
 * Add a change that marks the target as unfinished.
 * @param changes The list to add to
 * @param key The last key that is copied, or NULL if none is
 * @param pool Where the mark's text is allocated
 */
void oci_mirror_add_mark(apr_array_header_t *changes,
                         const oci_mirror_t *mirror, const char *key,
                         apr_pool_t *pool);

/**
 * Make the target equal to the source for all keys after mirror->after.  Each
 * batch is on the disk before the next one begins.  The caller holds a lock
 * on the target.
 * @param pool For temporary data and for mirror->first_difference; the lock's
 *        pool or a pool below it
 * @return The errors of oci_fact_get, oci_facts_scan and oci_facts_apply
 */
oci_error_t *oci_mirror_update(oci_mirror_t *mirror, apr_pool_t *pool);

/**
 * Make the target, which oci_mirror_update has made nearly equal, a registry
 * that is complete, though the source is in use.  First the facts of each
 * repository are compared again under the exclusive lock of the repository, and
 * then the facts that those need, which are always deleted after them.  The
 * target may have more of the latter; "ociadmin check --repair" deletes what is
 * surplus.  This must take less time than the grace of garbage collection in
 * the source, which may otherwise delete what the target has facts about.
 * @param mirror Its facts and bytes stay as oci_mirror_update has set them
 * @param pool As for oci_mirror_update
 * @return As oci_mirror_update; OCI_E_UNAVAILABLE if a lock was not free
 */
oci_error_t *oci_mirror_settle(oci_mirror_t *mirror, apr_pool_t *pool);

/**
 * Compare both indexes from the first key to the last; writes nothing.
 * @param pool As for oci_mirror_update
 * @return The errors of oci_fact_get and oci_facts_scan
 */
oci_error_t *oci_mirror_compare(oci_mirror_t *mirror, apr_pool_t *pool);

#endif /* OCI_MIRROR_H */
