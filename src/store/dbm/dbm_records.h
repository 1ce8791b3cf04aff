/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_records.h
 * @brief Records with checksums in a DBM
 *
 * The key of a record is a letter, its kind, and a name.  The value is a
 * checksum and the bytes of the record.
 *
 * A DBM is used by one thread at a time, in the process that opened it.
 */

#ifndef OCI_DBM_RECORDS_H
#define OCI_DBM_RECORDS_H

#include "mod_oci.h"

typedef struct oci_dbm_records_t oci_dbm_records_t;

/**
 * Open a DBM, which is closed with pool or by oci_dbm_records_close.
 * @param type As for apr_dbm_open_ex
 * @param mode APR_DBM_READONLY, APR_DBM_READWRITE or APR_DBM_RWCREATE
 * @return APR_EGENERAL if the file is not a DBM of this type, is incomplete, or
 *         is locked by another program: DBMs do not say which
 */
apr_status_t oci_dbm_records_open(oci_dbm_records_t **records, const char *type,
                                  const char *path, apr_int32_t mode,
                                  apr_pool_t *pool);

/** Close a DBM. To learn whether everything was written, read it again. */
void oci_dbm_records_close(oci_dbm_records_t *records);

/**
 * Read a record.
 * @param value Set to its bytes, allocated from pool; NULL to ask only whether
 *        the record exists
 * @param name At most 1023 bytes
 * @return APR_NOTFOUND, or EIO if the record is damaged
 */
apr_status_t oci_dbm_records_get(oci_value_t *value, oci_dbm_records_t *records,
                                 char kind, const char *name, apr_pool_t *pool);

/**
 * Write a record, replacing one that exists.
 * @return EIO if the DBM failed
 */
apr_status_t oci_dbm_records_put(oci_dbm_records_t *records, char kind,
                                 const char *name, const oci_value_t *value);

/**
 * Delete a record; succeeds if it does not exist.
 * @return EIO if the DBM failed
 */
apr_status_t oci_dbm_records_delete(oci_dbm_records_t *records, char kind,
                                    const char *name);

#endif /* OCI_DBM_RECORDS_H */
