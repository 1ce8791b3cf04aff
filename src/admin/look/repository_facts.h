/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file repository_facts.h
 * @brief What the facts about a repository say in short
 */

#ifndef OCI_REPOSITORY_FACTS_H
#define OCI_REPOSITORY_FACTS_H

#include "registry/registry.h"

typedef struct oci_repository_facts_t {
    apr_uint64_t tags;
    apr_uint64_t manifests;
    apr_int64_t pushed; /* when a tag was pushed last, in seconds since 1970,
                           UTC; 0: not known */
} oci_repository_facts_t;

/**
 * Count the tags and manifests of a repository.
 * @param facts Filled in on success
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_repository_facts(oci_repository_facts_t *facts,
                                  const oci_repository_t *repository,
                                  apr_pool_t *pool);

#endif /* OCI_REPOSITORY_FACTS_H */
