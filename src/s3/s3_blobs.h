/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_blobs.h
 * @brief The blob store "s3": blobs in a bucket of an object store
 *
 *     OCIBlobStore s3 s3://bucket[/prefix]
 *
 * Below the prefix:
 *
 *     id                   the id of the store
 *     index                the id of its index
 *     blobs/<id>!<random>  a blob or a small upload; this is its locator
 *     tails/<id>!<random>  the bytes after the parts of an upload
 *
 * A small upload is one whose bytes fit into one part: they become the blob
 * where they are.  <id> is that of the upload, <random> 16 hexadecimal digits.
 * No key is ever written twice, but for "index".
 */

#ifndef OCI_S3_BLOBS_H
#define OCI_S3_BLOBS_H

#include "mod_oci.h"
#include "s3/s3_client.h"

/** Where the names and values of the OCIS3 directives come from. */
typedef struct oci_s3_directives_t {
    /**
     * @param server As in oci_store_config_t
     * @return The directives of its section; NULL if there are none
     */
    const apr_table_t *(*of)(void *server);
} oci_s3_directives_t;

/**
 * Create a store, as create of oci_blob_store_provider_t does.
 * @param directives Where to find the directives when the store starts; NULL
 *        outside httpd: they are the config's options, and the environment
 *        variables that s3_settings.h names stand in for those that are missing
 */
const char *oci_s3_blobs_create(oci_blob_store_t **store,
                                const oci_store_config_t *config,
                                const oci_s3_directives_t *directives,
                                apr_pool_t *pool);

/** The provider "s3" outside httpd. */
extern const oci_blob_store_provider_t oci_blob_s3;

#endif /* OCI_S3_BLOBS_H */
