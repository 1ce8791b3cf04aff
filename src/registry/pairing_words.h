/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pairing_words.h
 * @brief Words for a blob store that does not belong to its index
 */

#ifndef OCI_PAIRING_WORDS_H
#define OCI_PAIRING_WORDS_H

#include "registry/registry.h"

/** Return a question for the administrator: what to look at first. */
const char *oci_pairing_where(const oci_registry_t *registry);

/** Return the name of what holds the id of the blob store. */
const char *oci_pairing_id_name(const oci_registry_t *registry);

/** Return the name of what holds the id of the index that uses the blob store.
 */
const char *oci_pairing_index_name(const oci_registry_t *registry);

#endif /* OCI_PAIRING_WORDS_H */
