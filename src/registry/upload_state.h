/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_state.h
 * @brief The state of an upload, for upload.c and upload_write.c
 */

#ifndef OCI_UPLOAD_STATE_H
#define OCI_UPLOAD_STATE_H

#include "registry/upload.h"

/** Return the blob store of an upload. */
oci_blob_store_t *oci_upload_blobs(const oci_upload_t *upload);

/** Whether all stored bytes of an upload are synced, as far as it knows. */
int oci_upload_is_synced(const oci_upload_t *upload);

/**
 * Read the state of an upload whose id is valid.
 * @param upload Its id, its repository and the algorithm of its hash; replaced
 *        by its current state, with the lease that is in its record
 * @return OCI_E_UPLOAD_UNKNOWN if it has ended; a storage error
 */
oci_error_t *oci_upload_read(oci_upload_t **upload, apr_pool_t *pool);

/** Return the text of an upload's record, without a lease. */
const char *oci_upload_record_of(const oci_upload_t *upload, apr_pool_t *pool);

/**
 * Write the record of an upload, unless no client knows its id.
 * @param durable Whether an older record must not come back after a crash
 * @return A storage error
 */
oci_error_t *oci_upload_save_record(oci_upload_t *upload, int durable,
                                    apr_pool_t *pool);

/**
 * Make a storage error.
 * @param rv What failed
 * @param operation A verb for the log, such as "read"
 */
oci_error_t *oci_upload_storage_error(const oci_upload_t *upload,
                                      apr_status_t rv, const char *operation,
                                      apr_pool_t *pool);

/**
 * End a claimed upload: write a tombstone, and delete the bytes, unless they
 * may be a blob.
 * @return A storage error
 */
oci_error_t *oci_upload_end(oci_upload_t *upload, apr_pool_t *pool);

/**
 * End an upload whose stored bytes are not those that were written.
 * @param found The bytes that were found, for the log
 * @return OCI_E_UPLOAD_UNKNOWN; a storage error
 */
oci_error_t *oci_upload_end_lost(oci_upload_t *upload, const char *found,
                                 apr_pool_t *pool);

/**
 * End an upload whose bytes could not be synced.
 * @param rv The status of the sync
 * @return A storage error, always
 */
oci_error_t *oci_upload_end_unsynced(oci_upload_t *upload, apr_status_t rv,
                                     apr_pool_t *pool);

/**
 * Add the stored bytes of a claimed upload to a hash, from the first on.
 * @param hash The hash, usually a new one
 * @param size Set to the number of bytes; fewer than the upload's size if some
 *        are lost
 * @param pool For a buffer
 * @return A storage error
 */
oci_error_t *oci_upload_hash_stored(oci_hash_t *hash, apr_off_t *size,
                                    const oci_upload_t *upload,
                                    apr_pool_t *pool);

#endif /* OCI_UPLOAD_STATE_H */
