/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload.h
 * @brief Upload sessions, which become blobs
 */

#ifndef OCI_UPLOAD_H
#define OCI_UPLOAD_H

#include "registry/registry.h"
#include "registry/upload_record.h"
#include "values/digest.h"

/** The state of an upload. */
typedef struct oci_upload_t {
    const char *id;
    oci_repository_t repository; /* in which the upload was begun */
    apr_off_t size;              /* bytes so far */
    apr_off_t claimed_size;      /* those of earlier requests */
    oci_hash_t *hash;            /* over these bytes */
    oci_blob_writer_t *writer;   /* NULL unless claimed */
    apr_pool_t *claim;           /* the claim lives as long as this pool */
    const char *boot;            /* the boot in which the bytes were written,
                                    see upload_record.h; NULL if not known */
    int rehashed;                /* the algorithm was changed once */
    apr_off_t retry_size;        /* if retry_hash: where a body that was cut
                                    short began, see upload_record.h */
    oci_hash_t *retry_hash;      /* or NULL */
    int unverified;     /* the stored bytes may not be those that were hashed */
    int single_request; /* no client knows the id: it has no record, except
                           for a lease */
    apr_time_t begun;   /* if single_request: when it began */
    const char *finishing; /* of a remote store: the digest of the blob that it
                              may be already, or NULL */
    int keep; /* its bytes are not deleted: an earlier request may have made a
                 blob of them */
    apr_off_t saved_size;   /* bytes that the record knows */
    apr_pool_t *store_pool; /* of store; NULL: it is as old as the claim */
    const char *store; /* what the blob store keeps of the upload, or NULL */
    const char *retry_store; /* if retry_hash: the same where that body began */
    oci_lease_t lease;       /* of a remote store; its token is NULL unless
                                claimed */
    apr_time_t lease_renewed; /* when it was last written */
    apr_pool_t *lease_pool;   /* for temporary data, to end it */
} oci_upload_t;

/**
 * Begin an upload (distribution-spec, "Pushing blobs").  Nothing is written
 * before its first bytes arrive.
 * @param upload Set to the upload, which is not claimed
 * @param algorithm The expected algorithm of the blob's digest
 * @param pool For the upload
 * @return A storage error (error.h)
 */
oci_error_t *oci_upload_begin(oci_upload_t **upload,
                              const oci_repository_t *repository,
                              oci_algorithm_e algorithm, apr_pool_t *pool);

/**
 * Begin an upload that consists of one request, and claim it.  No client learns
 * its id, so it leaves neither a record nor a tombstone.
 * @param upload Set to the upload
 * @param algorithm The algorithm of the blob's digest
 * @param pool For the upload and its claim
 * @return A storage error
 */
oci_error_t *oci_upload_begin_once(oci_upload_t **upload,
                                   const oci_repository_t *repository,
                                   oci_algorithm_e algorithm, apr_pool_t *pool);

/**
 * Find an upload, without claiming it.
 * @param upload Set to the upload
 * @param id Any text from a client
 * @param pool For the upload
 * @return OCI_E_UPLOAD_UNKNOWN if this repository has no such upload; a storage
 *         error
 */
oci_error_t *oci_upload_find(oci_upload_t **upload,
                             const oci_repository_t *repository, const char *id,
                             apr_pool_t *pool);

/**
 * Claim an upload that was found or begun.  No other request can write to it
 * until it is released or pool is destroyed.  Its state is read again.
 * @param upload The upload; replaced by its current state
 * @param pool For the state and the claim
 * @return OCI_E_UPLOAD_RANGE if another request has claimed it;
 *         OCI_E_UPLOAD_UNKNOWN if it has ended or its bytes were lost; a
 *         storage error
 */
oci_error_t *oci_upload_claim(oci_upload_t **upload, apr_pool_t *pool);

/**
 * Check whether an id is that of an upload that was finished or cancelled.
 * @param ended Set to the result
 * @param id Any text
 * @return A storage error
 */
oci_error_t *oci_upload_ended(int *ended, const oci_repository_t *repository,
                              const char *id, apr_pool_t *pool);

/**
 * Release a claim.  Call it before the response is sent, because the client may
 * send its next request at once.
 * @param upload The upload; if it is NULL or not claimed, nothing happens
 */
void oci_upload_release(oci_upload_t *upload);

/**
 * Cancel a claimed upload: its bytes are deleted.
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_upload_cancel(oci_upload_t *upload, apr_pool_t *pool);

#endif /* OCI_UPLOAD_H */
