/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_remote.h
 * @brief Making a blob of an upload in a remote store, for upload_write.c
 */

#ifndef OCI_UPLOAD_REMOTE_H
#define OCI_UPLOAD_REMOTE_H

#include "registry/upload.h"

/** Make the error for bytes that have another digest than a client says. */
oci_error_t *oci_upload_refuse_digest(const oci_upload_t *upload,
                                      const char *digest, const char *actual,
                                      apr_pool_t *pool);

/**
 * Make a blob of the bytes of a claimed upload, and add it to the repository.
 * @param digest The expected digest; valid
 * @param pool For temporary data
 * @return OCI_E_DIGEST_INVALID if the bytes have another digest;
 *         OCI_E_UPLOAD_INVALID if a request began to finish the upload with
 *         another digest; OCI_E_UPLOAD_UNKNOWN if bytes were lost;
 *         OCI_E_UPLOAD_RANGE if another request has taken the upload; a storage
 *         error
 */
oci_error_t *oci_upload_commit_remote(oci_upload_t *upload, const char *digest,
                                      apr_pool_t *pool);

#endif /* OCI_UPLOAD_REMOTE_H */
