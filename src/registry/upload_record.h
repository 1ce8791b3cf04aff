/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file upload_record.h
 * @brief The record of an upload between two of its requests
 *
 *     record = algorithm ";" size ";" state
 *              [ ";" boot [ ";rehashed" ] [ ";retry;" size ";" state ] ]
 *
 *     algorithm  "sha256" or "sha512"
 *     size       bytes so far, in decimal digits
 *     state      of the hash over these bytes, in hex (values/digest.h)
 *     boot       in which the bytes were written, and not synced: 32 hex
 *                digits (boot.h); or "synced" where they were synced
 *     rehashed   the algorithm is no longer the one that the upload began
 *                with
 *     retry      the last body was cut short and said nothing of its place:
 *                it began here
 *
 * Older versions wrote no boot.  An empty record is a tombstone: the upload
 * is over.
 */

#ifndef OCI_UPLOAD_RECORD_H
#define OCI_UPLOAD_RECORD_H

#include "apr_errno.h"
#include "apr_file_io.h"

#include "values/digest.h"

/** The boot of bytes that were synced. */
#define OCI_BOOT_SYNCED "synced"

typedef struct oci_upload_record_t {
    apr_off_t size;         /* bytes so far */
    oci_hash_t *hash;       /* over these bytes */
    const char *boot;       /* OCI_BOOT_SYNCED, a boot's name, or NULL where
                               the record does not say */
    int rehashed;           /* whether all was read back once for another
                               algorithm */
    apr_off_t retry_size;   /* if retry_hash: where the last body began */
    oci_hash_t *retry_hash; /* over the bytes before it, or NULL */
} oci_upload_record_t;

/** The text of a record, from pool. */
const char *oci_upload_record_format(const oci_upload_record_t *record,
                                     apr_pool_t *pool);

/**
 * Read the text of a record that is not empty.
 * @param text,size Its bytes, and how many; a NUL follows them
 * @param pool Holds what record then points to
 * @return APR_EINVAL where it is not a record
 */
apr_status_t oci_upload_record_parse(oci_upload_record_t *record,
                                     const char *text, apr_size_t size,
                                     apr_pool_t *pool);

/**
 * Whether a host may go on from a record without reading the bytes again:
 * they were synced, or were written in the boot that still runs.
 * @param boot The host's boot, or NULL where it is not known
 */
int oci_upload_record_trusted(const oci_upload_record_t *record,
                              const char *boot);

#endif /* OCI_UPLOAD_RECORD_H */
