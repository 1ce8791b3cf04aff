/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file reference.h
 * @brief What an administrator names: NAME[:TAG|@DIGEST]
 */

#ifndef OCI_REFERENCE_H
#define OCI_REFERENCE_H

#include "registry/registry.h"

typedef struct oci_reference_t {
    const char *text;            /* as the administrator wrote it */
    oci_repository_t repository; /* its name is valid */
    const char *tag;             /* valid, or NULL */
    const char *digest;          /* valid, or NULL */
} oci_reference_t;

/**
 * Parse a reference.
 * @param reference Filled in; tag and digest are not both set
 * @param registry For its repository; need not be open yet
 * @param text The reference
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_reference_parse(oci_reference_t *reference,
                                const oci_registry_t *registry,
                                const char *text, apr_pool_t *pool);

/**
 * Return the tag or the digest of a reference, "latest" if it has none.
 */
const char *oci_reference_end(const oci_reference_t *reference);

/**
 * Explain why there is nothing that a reference names.
 * @param what What was looked for, such as "manifest"
 * @return A sentence: there is no such repository, it has no such content, or
 *         the content came meanwhile.  If the index cannot be read, it says why
 */
const char *oci_reference_explain_absence(const oci_reference_t *reference,
                                          const char *what, apr_pool_t *pool);

#endif /* OCI_REFERENCE_H */
