/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_lease.h
 * @brief Leases: who may write to an upload of a remote store
 *
 * A local store claims an upload by a lock, which ends with its process.  A
 * remote store cannot, so that a request writes into the upload's record that
 * it has a lease, and until when.  The lease ends when the request saves or
 * ends the upload, when its process ends, or when it was not renewed for
 * OCI_LEASE_SECONDS; a writer renews it while bytes arrive.  Without a lease,
 * garbage collection would end an upload of a single request that takes longer
 * than OCIUploadExpiry.
 *
 * The record is changed only under a lock of the index, after a look whether
 * the lease is still the writer's.  So a writer that was stopped for longer
 * than its lease cannot change the record any more, whatever the clocks say.
 * Its bytes do no harm: see mod_oci.h.
 */

#ifndef OCI_UPLOAD_LEASE_H
#define OCI_UPLOAD_LEASE_H

#include "registry/upload.h"

/** How long a lease lasts, in seconds. */
#define OCI_LEASE_SECONDS 60

/** How much the clocks of two hosts may differ, in seconds. */
#define OCI_LEASE_SKEW 30

/**
 * Take the lease of an upload.
 * @param upload The upload; replaced by its current state
 * @param pool For the state
 * @return OCI_E_UPLOAD_RANGE if another request has the lease;
 *         OCI_E_UPLOAD_UNKNOWN if the upload has ended; a storage error
 */
oci_error_t *oci_upload_lease_take(oci_upload_t **upload, apr_pool_t *pool);

/**
 * Write the record of an upload, if the lease is still the upload's.
 * @param text The record without a lease; "" to end it, with a tombstone unless
 *        no client knows the id; NULL to keep the present text
 * @param keep Whether to renew the lease; otherwise it ends
 * @param durable Whether an older record must not come back after a crash
 * @return OCI_E_UPLOAD_RANGE if another request has the lease; a storage error
 */
oci_error_t *oci_upload_lease_write(oci_upload_t *upload, const char *text,
                                    int keep, int durable, apr_pool_t *pool);

/**
 * Renew the lease of an upload, if it is time to.  An upload of a single
 * request takes it now, if it is large or takes long.  Without a lease, nothing
 * happens.
 * @return As oci_upload_lease_write
 */
oci_error_t *oci_upload_lease_renew(oci_upload_t *upload, apr_pool_t *pool);

/**
 * End the record of an upload that nobody writes to: with a tombstone, or by a
 * deletion if its id is too old to need one.
 * @param ended Set to 0 if a request has written to it since a time
 * @param id The upload
 * @param since The time, in seconds since 1970
 * @return A storage error
 */
oci_error_t *oci_upload_lease_expire(int *ended, const oci_registry_t *registry,
                                     const char *id, apr_int64_t since,
                                     apr_pool_t *pool);

#endif /* OCI_UPLOAD_LEASE_H */
