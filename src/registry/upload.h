/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload.h
 * @brief Uploads: sessions that become blobs
 */

#ifndef OCI_UPLOAD_H
#define OCI_UPLOAD_H

#include "registry/registry.h"
#include "values/digest.h"

/** An upload as it stands. */
typedef struct oci_upload_t {
    const char *id;
    oci_repository_t repository; /* the one it was begun in */
    apr_off_t size;              /* bytes so far */
    oci_hash_t *hash;            /* over these bytes */
    oci_blob_writer_t *writer;   /* NULL unless claimed */
    apr_pool_t *claim;           /* the claim lives as long as this pool */
    const char *boot;            /* in which the bytes were written, see
                                    upload_record.h; NULL if not known */
    int rehashed;                /* the algorithm was changed once */
    apr_off_t retry_size;        /* if retry_hash: where a body that was cut
                                    short began, see upload_record.h */
    oci_hash_t *retry_hash;      /* or NULL */
    int unsure; /* the bytes may not be those that were hashed */
    int once;   /* no client knows the id: there is no record */
} oci_upload_t;

/**
 * Begin an upload (distribution-spec, "Pushing blobs").  Nothing is written
 * before its first bytes come.
 * @param algorithm By which its digest is likely to be asked for
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_begin(oci_upload_t **upload,
                              const oci_repository_t *repository,
                              oci_algorithm_e algorithm, apr_pool_t *pool);

/**
 * Begin an upload of one request, and claim it.  No client is told its id,
 * so it leaves neither a record nor a tombstone, however it ends.
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_begin_once(oci_upload_t **upload,
                                   const oci_repository_t *repository,
                                   oci_algorithm_e algorithm, apr_pool_t *pool);

/**
 * Look at an upload.
 * @return OCI_E_UPLOAD_UNKNOWN where this repository has no such upload;
 *         OCI_E_INTERNAL
 */
oci_error_t *oci_upload_find(oci_upload_t **upload,
                             const oci_repository_t *repository, const char *id,
                             apr_pool_t *pool);

/**
 * Claim an upload that was found or begun, until it is released or pool
 * goes: no other request writes to it.  It is read afresh.
 * @param upload Replaced by how it stands now
 * @return OCI_E_UPLOAD_RANGE where another request has it;
 *         OCI_E_UPLOAD_UNKNOWN where it is over; OCI_E_INTERNAL
 */
oci_error_t *oci_upload_claim(oci_upload_t **upload, apr_pool_t *pool);

/**
 * Whether an id is that of an upload that is over: finished or cancelled.
 * @param ended Set to it
 * @return OCI_E_INTERNAL, OCI_E_UNAVAILABLE
 */
oci_error_t *oci_upload_ended(int *ended, const oci_repository_t *repository,
                              const char *id, apr_pool_t *pool);

/**
 * End a claim, before the client is answered: it may go on at once.
 * @param upload NULL, or not claimed: nothing happens
 */
void oci_upload_release(oci_upload_t *upload);

/**
 * Make sure, before a claimed upload goes on, that its bytes are those that
 * were hashed.  They are read only where another host wrote them, or an
 * earlier boot of this one; at most once for an upload.
 * @return OCI_E_UPLOAD_UNKNOWN where bytes were lost: the upload is over;
 *         OCI_E_INTERNAL
 */
oci_error_t *oci_upload_verify(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Note that a body begins which does not say where: if it is cut short, and
 * the next one does not say so either, that is the same body once more.
 */
void oci_upload_begin_body(oci_upload_t *upload, apr_pool_t *pool);

/** Note that a body is complete, or says where it begins. */
void oci_upload_end_body(oci_upload_t *upload);

/**
 * If the last body was cut short and did not say where it began, drop what
 * came of it from a claimed upload, for the next body that does not either.
 * @return OCI_E_INTERNAL, OCI_E_UNAVAILABLE
 */
oci_error_t *oci_upload_rewind(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Let the digest be computed by another algorithm from here on.  All bytes
 * are read for that, so an upload that has bytes can change once.
 * @return OCI_E_DIGEST_INVALID where it has changed before; OCI_E_INTERNAL,
 *         OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_rehash(oci_upload_t *upload, oci_algorithm_e algorithm,
                               apr_pool_t *pool);

/**
 * Append n buffers to a claimed upload.  They go into oci_upload_digest, too,
 * before anything but the next write.
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_write(oci_upload_t *upload, const struct iovec *vec,
                              int n, apr_pool_t *pool);

/**
 * Add n buffers to an upload's digest, after they were written.  Meanwhile
 * another thread may write what follows.
 */
void oci_upload_digest(oci_upload_t *upload, const struct iovec *vec, int n);

/**
 * Keep what was written, for any later request.  It need not outlive the
 * machine: oci_upload_verify tells whether it did.
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_save(oci_upload_t *upload, apr_pool_t *pool);

/**
 * Close an upload: its bytes become a blob that the repository holds, and
 * it is over.  After an error it stands as it was last saved.
 * @param digest What the bytes must have; valid
 * @return OCI_E_DIGEST_INVALID, OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_upload_finish(oci_upload_t *upload, const char *digest,
                               apr_pool_t *pool);

/**
 * End a claimed upload without a blob.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_upload_cancel(oci_upload_t *upload, apr_pool_t *pool);

#endif /* OCI_UPLOAD_H */
