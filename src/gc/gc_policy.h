/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_policy.h
 * @brief Rules for what is garbage: OCIUntagged and OCIRetain
 */

#ifndef OCI_GC_POLICY_H
#define OCI_GC_POLICY_H

#include "apr_tables.h"

#include "values/tag_pattern.h"

/** Says which tags to keep: OCIRetain. */
typedef struct oci_retain_t {
    const char *text;              /* the arguments, for reports */
    apr_array_header_t *words;     /* the same, const char * each */
    const char *glob;              /* the repositories */
    const oci_tag_pattern_t *tags; /* NULL: all tags */
    int last;                      /* so many, the last ones pushed; -1 */
    int pushed;                    /* those pushed in so many seconds; -1 */
    int pulled;                    /* those pulled in so many seconds; -1 */
} oci_retain_t;

/** Says how long manifests without a tag are kept: OCIUntagged. */
typedef struct oci_untagged_t {
    const char *text;          /* the arguments */
    apr_array_header_t *words; /* the same, const char * each */
    int seconds;               /* -1: for good */
    apr_array_header_t *globs; /* const char *: the repositories; empty: all */
} oci_untagged_t;

typedef struct oci_gc_policy_t {
    apr_array_header_t *retain;   /* oci_retain_t */
    apr_array_header_t *untagged; /* oci_untagged_t */
} oci_gc_policy_t;

/** Make a policy without rules: everything is kept. */
oci_gc_policy_t *oci_gc_policy_make(apr_pool_t *pool);

/** Make a policy that has the rules of both; a policy may be NULL. */
oci_gc_policy_t *oci_gc_policy_join(const oci_gc_policy_t *first,
                                    const oci_gc_policy_t *second,
                                    apr_pool_t *pool);

/** Return whether two policies have the same rules; neither is NULL. */
int oci_gc_policy_is_same(const oci_gc_policy_t *first,
                          const oci_gc_policy_t *second);

/**
 * Add a rule in the syntax of OCIRetain.
 * @param count The number of arguments
 * @param words The arguments, which are strings that must live as long as the
 *        policy
 * @param pool Where the rule is allocated
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_gc_policy_retain(oci_gc_policy_t *policy, int count,
                                 const char *const *words, apr_pool_t *pool);

/** As oci_gc_policy_retain, in the syntax of OCIUntagged. */
const char *oci_gc_policy_untagged(oci_gc_policy_t *policy, int count,
                                   const char *const *words, apr_pool_t *pool);

/**
 * Return for how many seconds a repository keeps manifests without a tag, -1 if
 * for good: the first rule that matches its name decides.
 * @param pool For temporary data
 */
int oci_gc_policy_seconds(const oci_gc_policy_t *policy, const char *name,
                          apr_pool_t *pool);

#endif /* OCI_GC_POLICY_H */
