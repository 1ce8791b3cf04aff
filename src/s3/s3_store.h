/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_store.h
 * @brief A store "s3", for the files that implement it
 */

#ifndef OCI_S3_STORE_H
#define OCI_S3_STORE_H

#include "mod_oci.h"
#include "s3/s3_client.h"
#include "s3/s3_memory.h"
#include "s3/s3_store_key.h"

/** What a started store uses. */
typedef struct oci_s3_store_t {
    oci_s3_client_t *client;
    oci_s3_memory_t *memory;
    const char *where; /* the store's, for sentences */
} oci_s3_store_t;

/**
 * Get what a store uses, and make it if it was not started.
 * @param used Set to it
 * @param pool For the reason of an error
 * @return APR_SUCCESS; APR_EGENERAL with a sentence under OCI_REASON
 */
apr_status_t oci_s3_store_use(const oci_s3_store_t **used,
                              oci_blob_store_t *store, apr_pool_t *pool);

/** Return a call of the store's client, with the usual deadline. */
oci_s3_call_t oci_s3_store_call(const oci_s3_store_t *store);

#endif /* OCI_S3_STORE_H */
