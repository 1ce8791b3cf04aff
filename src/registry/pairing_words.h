/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pairing_words.h
 * @brief Words for a blob store and an index that are refused
 */

#ifndef OCI_PAIRING_WORDS_H
#define OCI_PAIRING_WORDS_H

#include "registry/registry.h"

/** Return a question for the administrator: what to look at first. */
const char *oci_pairing_where(const oci_registry_t *registry);

/** Return the name of the file or object with the id of the blob store. */
const char *oci_pairing_id_name(const oci_registry_t *registry);

/** Return the name of the file or object with the id of the index that uses the
 * blob store. */
const char *oci_pairing_index_name(const oci_registry_t *registry);

/** Return the error of an index that is an unfinished copy, in pool. */
oci_error_t *oci_pairing_refuse_copy(const oci_registry_t *registry,
                                     apr_pool_t *pool);

/** Return the error of a pair that is refused, in pool; the note is for the
 * log. */
oci_error_t *oci_pairing_refuse(const char *note, apr_pool_t *pool);

/** Return the error of an index whose blobs are being moved, in pool. */
oci_error_t *oci_pairing_refuse_move(const oci_registry_t *registry,
                                     apr_pool_t *pool);

/** Return the error of a blob store that is an unfinished copy, in pool. */
oci_error_t *oci_pairing_refuse_store(const oci_registry_t *registry,
                                      apr_pool_t *pool);

#endif /* OCI_PAIRING_WORDS_H */
