/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_records.h
 * @brief A DBM of checked records
 *
 * The key of a record is a letter, which says of what kind it is, and a
 * name; its value is a checksum and the bytes.
 *
 * One thread at a time uses a DBM, in the process that opened it.
 */

#ifndef OCI_DBM_RECORDS_H
#define OCI_DBM_RECORDS_H

#include "mod_oci.h"

typedef struct oci_dbm_records_t oci_dbm_records_t;

/**
 * Open a DBM, which is closed with pool, or by oci_dbm_records_close.
 * @param type As apr_dbm_open_ex knows it
 * @param mode APR_DBM_READONLY, APR_DBM_READWRITE or APR_DBM_RWCREATE
 * @return APR_EGENERAL where this is no such DBM, or what it holds is not
 *         whole, or another program has locked it: DBMs do not say which
 */
apr_status_t oci_dbm_records_open(oci_dbm_records_t **records, const char *type,
                                  const char *path, apr_int32_t mode,
                                  apr_pool_t *pool);

/** Close a DBM.  Whether all was written is to be seen by reading it. */
void oci_dbm_records_close(oci_dbm_records_t *records);

/**
 * Read a record.
 * @param value Set to its bytes; NULL to ask only whether it is there
 * @param name At most 1023 bytes
 * @return APR_NOTFOUND, or EIO where it is damaged
 */
apr_status_t oci_dbm_records_get(oci_value_t *value, oci_dbm_records_t *records,
                                 char kind, const char *name, apr_pool_t *pool);

/**
 * Write a record, in the place of one that is there.
 * @return EIO where the DBM failed
 */
apr_status_t oci_dbm_records_put(oci_dbm_records_t *records, char kind,
                                 const char *name, const oci_value_t *value);

/**
 * Delete a record; absence is no error.
 * @return EIO where the DBM failed
 */
apr_status_t oci_dbm_records_delete(oci_dbm_records_t *records, char kind,
                                    const char *name);

#endif /* OCI_DBM_RECORDS_H */
