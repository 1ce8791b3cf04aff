/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_write.h
 * @brief Adding bytes to an upload, and making a blob of it
 */

#ifndef OCI_UPLOAD_WRITE_H
#define OCI_UPLOAD_WRITE_H

#include "registry/upload.h"

/**
 * Verify, before a claimed upload continues, that its stored bytes are those
 * that were hashed.  They are read only if they were written by another host,
 * or before a reboot of this one, and at most once for an upload.
 * @param pool For temporary data
 * @return OCI_E_UPLOAD_UNKNOWN if bytes were lost, which ends the upload; a
 *         storage error
 */
oci_error_t *oci_upload_verify(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Remember where a body without Content-Range begins.  If it is cut short, the
 * next body without Content-Range is taken for the same body again.
 */
void oci_upload_begin_body(oci_upload_t *upload, apr_pool_t *pool);

/** Forget where the last body began: it is complete, or has a Content-Range. */
void oci_upload_end_body(oci_upload_t *upload);

/**
 * Remove what a claimed upload received of a body without Content-Range that
 * was cut short, because the next body repeats it.  Otherwise nothing happens.
 * @return A storage error
 */
oci_error_t *oci_upload_rewind(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Change the algorithm of a claimed upload's digest.  Because this reads all
 * bytes again, an upload that has bytes can change its algorithm only once.
 * @param algorithm The new algorithm; if it is the current one, nothing happens
 * @param pool For the new hash and temporary data
 * @return OCI_E_DIGEST_INVALID if it was changed before; OCI_E_UPLOAD_UNKNOWN
 * if bytes were lost, which ends the upload; a storage error
 */
oci_error_t *oci_upload_rehash(oci_upload_t *upload, oci_algorithm_e algorithm,
                               apr_pool_t *pool);

/**
 * Append buffers to a claimed upload.  The caller must also pass them to
 * oci_upload_hash before it calls anything but the next oci_upload_write.
 * @param vec The buffers
 * @param n The number of buffers
 * @param pool For an error
 * @return A storage error
 */
oci_error_t *oci_upload_write(oci_upload_t *upload, const struct iovec *vec,
                              int n, apr_pool_t *pool);

/**
 * Add buffers that were written to the upload's digest.  Another thread may
 * write the next buffers at the same time.
 * @param vec The buffers
 * @param n The number of buffers
 */
void oci_upload_hash(oci_upload_t *upload, const struct iovec *vec, int n);

/**
 * Save the state of a claimed upload for later requests.  The bytes may be lost
 * if the machine crashes; oci_upload_verify detects that.
 * @param pool For temporary data
 * @return OCI_E_UPLOAD_UNKNOWN if bytes of earlier requests were lost, which
 *         ends the upload; a storage error; if the bytes could not be synced,
 *         the upload has ended
 */
oci_error_t *oci_upload_save(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Save the state before the end of a body, as a precaution: if only the record
 * cannot be written, this succeeds, and the earlier record stays.
 * @param pool For temporary data
 * @return As oci_upload_save; the upload has then ended
 */
oci_error_t *oci_upload_save_early(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Finish a claimed upload: its bytes become a blob of the repository, and the
 * upload ends.  After an error the upload has the state that was last saved,
 * unless its bytes were lost or could not be synced, which ends it.
 * @param digest The expected digest of the bytes; valid
 * @param pool For temporary data
 * @return OCI_E_DIGEST_INVALID if the bytes have another digest;
 *         OCI_E_UPLOAD_UNKNOWN if bytes of earlier requests were lost; a
 * storage error
 */
oci_error_t *oci_upload_finish(oci_upload_t *upload, const char *digest,
                               apr_pool_t *pool);

#endif /* OCI_UPLOAD_WRITE_H */
