/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file export_plan.h
 * @brief Collects what an export consists of
 *
 * To an image belong the manifests and blobs that it names, and its referrers
 * with theirs.
 */

#ifndef OCI_EXPORT_PLAN_H
#define OCI_EXPORT_PLAN_H

#include "apr_tables.h"

#include "admin/reference.h"

/** A manifest or a blob. */
typedef struct oci_export_item_t {
    const char *digest;
    const char *media_type; /* of a manifest; NULL: this is a blob */
    apr_off_t size;         /* bytes */
    const oci_repository_t *repository; /* that holds it */
} oci_export_item_t;

/** An entry of index.json. */
typedef struct oci_export_entry_t {
    const oci_repository_t *repository;
    const char *tag; /* or NULL */
    const char *digest;
} oci_export_entry_t;

/** What is exported.  Zero it, and set pool. */
typedef struct oci_export_plan_t {
    apr_array_header_t *items;   /* of oci_export_item_t, by digest */
    apr_array_header_t *entries; /* of oci_export_entry_t, by repository and
                                    tag; those without a tag follow the others
                                    of their repository */
    int several;                 /* it has several repositories */
    apr_uint64_t absent;         /* what indexes name and their repository does
                                    not have; each with a message */
    apr_pool_t *pool;
} oci_export_plan_t;

/**
 * Collect what an export consists of.  Ends early if a signal is pending.
 * @param plan Filled in
 * @param references An array of oci_reference_t, which must live as long as the
 *        plan; without a tag or a digest, a reference stands for all tags of
 * its repository
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_export_plan_make(oci_export_plan_t *plan,
                                 const apr_array_header_t *references);

/** Return the sentence that says why an export ends with an error.
 * @param pool For the sentence */
const char *oci_export_explain(const oci_error_t *error, apr_pool_t *pool);

/** Find an item; NULL if there is none. */
const oci_export_item_t *oci_export_plan_find(const oci_export_plan_t *plan,
                                              const char *digest);

#endif /* OCI_EXPORT_PLAN_H */
