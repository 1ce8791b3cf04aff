/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_named.h
 * @brief The manifests of a repository, and what they name
 */

#ifndef OCI_GC_NAMED_H
#define OCI_GC_NAMED_H

#include "gc/gc.h"

typedef struct oci_gc_named_t oci_gc_named_t;

/** A manifest of the repository, if the state keeps them. */
typedef struct oci_gc_manifest_t {
    const char *digest;
    const char *subject;          /* or NULL */
    apr_array_header_t *children; /* const char *: other content that may be a
                                     manifest; NULL if there is none */
    apr_int64_t pushed;           /* in seconds; 0 if not known */
    int round;                    /* of the last reading that found it */
    int live;                     /* for gc_untagged.c */
    int chosen;                   /* for gc_order.c: it is to go */
    int namers; /* for gc_order.c: how many must go before it */
} oci_gc_manifest_t;

/**
 * Make the state for a repository; nothing is read yet.
 * @param gc The run, which may be stopped while manifests are read for the
 * first time
 * @param keep Whether to keep the manifests, for oci_gc_named_manifests
 */
oci_gc_named_t *oci_gc_named_make(oci_gc_t *gc,
                                  const oci_repository_t *repository, int keep,
                                  apr_pool_t *pool);

/**
 * Read the manifests of the repository that were not read by an earlier call.
 * Under the repository's exclusive lock, everything that any manifest of the
 * repository names is known afterwards.
 * @param damaged Set to a manifest's error, with a note for the log, if that
 *        manifest cannot be read; what it names is not known.  NULL if all can
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_gc_named_read(oci_error_t **damaged, oci_gc_named_t *named,
                               apr_pool_t *pool);

/**
 * Return whether a manifest that was read names this content.
 * @param digest Valid
 */
int oci_gc_named_has(oci_gc_named_t *named, const char *digest);

/** Return whether the run was stopped while manifests were read: what they name
 * is not known. */
int oci_gc_named_is_partial(const oci_gc_named_t *named);

/** Return whether the last reading found any manifest. */
int oci_gc_named_any(const oci_gc_named_t *named);

/** Return the number of manifests that are kept. */
int oci_gc_named_count(const oci_gc_named_t *named);

/** Return a manifest that is kept, NULL if the last reading did not find it any
 * more.
 * @param i From 0 to oci_gc_named_count - 1, in the order of digests */
oci_gc_manifest_t *oci_gc_named_at(const oci_gc_named_t *named, int i);

/** Find a manifest that is kept and that the last reading found, or NULL. */
oci_gc_manifest_t *oci_gc_named_find(const oci_gc_named_t *named,
                                     const char *digest);

#endif /* OCI_GC_NAMED_H */
