/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_record.h
 * @brief The record that keeps the state of an upload between its requests
 *
 *     record = algorithm ";" size ";" state
 *              [ ";" boot [ ";rehashed" ] [ ";retry;" size ";" state ]
 *                [ ";store;" text ] [ ";retry-store;" text ]
 *                [ ";finishing;" digest ] ]
 *              [ ";lease;" token ";" seconds ";" process ]
 *
 *     algorithm  "sha256" or "sha512"
 *     size       bytes so far, in decimal digits
 *     state      the state of the hash over these bytes, in hex
 *                (values/digest.h)
 *     boot       "synced" if the bytes were synced; otherwise the name of the
 *                boot in which they were written, 32 hex digits (boot.h)
 *     rehashed   the algorithm was changed after the upload began
 *     retry      the last body was cut short and had no Content-Range: the
 *                size and the state where it began
 *     store      what the blob store keeps of the upload (upload_close in
 *                mod_oci.h); retry-store: what it kept where that body began
 *     finishing  of a remote store: what "store" leads to may be the blob of
 * this digest already lease      of a remote store, see upload_lease.h
 *
 * Older versions wrote no boot.  An empty record is a tombstone: the upload has
 * ended.
 */

#ifndef OCI_UPLOAD_RECORD_H
#define OCI_UPLOAD_RECORD_H

#include "apr_errno.h"
#include "apr_file_io.h"

#include "values/digest.h"

/** The value of boot for bytes that were synced. */
#define OCI_BOOT_SYNCED "synced"

/** Who writes to an upload of a remote store, see upload_lease.h. */
typedef struct oci_lease_t {
    const char *token;   /* random hex digits; "-" if nobody does */
    apr_int64_t seconds; /* since 1970: when the lease ends, or ended */
    const char *process; /* which process has it, or "-" */
} oci_lease_t;

/** The text before a lease in a record. */
#define OCI_LEASE ";lease;"

typedef struct oci_upload_record_t {
    apr_off_t size;          /* bytes so far */
    oci_hash_t *hash;        /* over these bytes */
    const char *boot;        /* OCI_BOOT_SYNCED, a boot's name, or NULL if the
                                record has none */
    int rehashed;            /* whether the algorithm was changed, for which
                                all bytes were read again */
    apr_off_t retry_size;    /* if retry_hash: where the last body began */
    oci_hash_t *retry_hash;  /* over the bytes before it, or NULL */
    const char *store;       /* what the blob store keeps, or NULL */
    const char *retry_store; /* the same where the last body began, or NULL */
    const char *finishing;   /* the digest of the blob that a request began to
                                make of what "store" leads to, or NULL */
    oci_lease_t lease;       /* all NULL if the record has none */
} oci_upload_record_t;

/** Return the text of a record without its lease, from pool. */
const char *oci_upload_record_format(const oci_upload_record_t *record,
                                     apr_pool_t *pool);

/** Return the text of a record with another lease, from pool.
 * @param text The record; it may have a lease */
const char *oci_upload_record_lease(const char *text, const oci_lease_t *lease,
                                    apr_pool_t *pool);

/**
 * Parse the text of a record that is not empty.
 * @param record Filled in on success
 * @param text The text; a NUL follows it
 * @param size The size of the text in bytes
 * @param pool For the data that record points to
 * @return APR_SUCCESS, or APR_EINVAL if the text is not a record
 */
apr_status_t oci_upload_record_parse(oci_upload_record_t *record,
                                     const char *text, apr_size_t size,
                                     apr_pool_t *pool);

/**
 * Return whether a host may continue an upload without reading its bytes again:
 * they were synced, or they were written in the host's current boot.
 * @param boot The host's current boot, or NULL if it is not known
 */
int oci_upload_record_trusted(const oci_upload_record_t *record,
                              const char *boot);

#endif /* OCI_UPLOAD_RECORD_H */
