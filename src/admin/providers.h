/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file providers.h
 * @brief The providers that ociadmin knows by name: those of the module, and
 *        "s3" if it was built with libcurl
 */

#ifndef OCI_PROVIDERS_H
#define OCI_PROVIDERS_H

#include "apr_pools.h"

/**
 * Find a provider.  For "s3" this also prepares libcurl, so that the process
 * must have only one thread.
 * @param provider Set to its table of functions
 * @param group OCI_BLOB_STORE_GROUP or OCI_INDEX_GROUP
 * @param name Its name in the configuration, without the type
 * @param pool For the sentence; lives as long as the stores of the provider
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_provider_find(const void **provider, const char *group,
                              const char *name, apr_pool_t *pool);

#endif /* OCI_PROVIDERS_H */
