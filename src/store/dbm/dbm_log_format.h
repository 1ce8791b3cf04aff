/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_log_format.h
 * @brief The format of a log, shared by reading and writing; see dbm_log.c
 */

#ifndef OCI_DBM_LOG_FORMAT_H
#define OCI_DBM_LOG_FORMAT_H

#include "store/dbm/dbm_log.h"

#define OCI_LOG_WORDS  "mod_oci index log "
#define OCI_LOG_HEAD   16 /* the head of a record, bytes */
#define OCI_LOG_SYNCED 8  /* the field "synced" of a body, bytes */

/** Write the first line of the log of a number; return its length. */
int oci_dbm_log_head_line(char line[64], apr_uint64_t number);

/** Read all of size bytes at an offset; APR_EOF if there are fewer. */
apr_status_t oci_dbm_log_read_at(int fd, char *bytes, apr_size_t size,
                                 apr_off_t offset);

/**
 * Compute the checksum of a record at an offset.
 * @param size Bytes of the body
 */
apr_uint64_t oci_dbm_log_sum(const oci_dbm_log_t *log, apr_off_t offset,
                             const char *body, apr_size_t size);

/**
 * Return whether bytes begin with a valid record.
 * @param offset The offset of bytes in the log
 * @param left The number of bytes
 */
int oci_dbm_log_is_record(const oci_dbm_log_t *log, apr_off_t offset,
                          const char *bytes, apr_size_t left);

#endif /* OCI_DBM_LOG_FORMAT_H */
