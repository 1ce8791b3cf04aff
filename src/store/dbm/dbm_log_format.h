/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_log_format.h
 * @brief What reading and writing a log have in common; dbm_log.c draws
 *        its form
 */

#ifndef OCI_DBM_LOG_FORMAT_H
#define OCI_DBM_LOG_FORMAT_H

#include "store/dbm/dbm_log.h"

#define OCI_LOG_WORDS  "mod_oci index log "
#define OCI_LOG_HEAD   16 /* of a record, bytes */
#define OCI_LOG_SYNCED 8  /* of a body, bytes */

/** Write the first line of the log of a number; its length. */
int oci_dbm_log_head_line(char line[64], apr_uint64_t number);

/** Read all of size bytes; APR_EOF where there are fewer. */
apr_status_t oci_dbm_log_read_at(int fd, char *bytes, apr_size_t size,
                                 apr_off_t offset);

/** The checksum of a record that lies at offset. */
apr_uint64_t oci_dbm_log_sum(const oci_dbm_log_t *log, apr_off_t offset,
                             const char *body, apr_size_t size);

/** Whether bytes, left of them, begin with a record that lies at offset. */
int oci_dbm_log_is_record(const oci_dbm_log_t *log, apr_off_t offset,
                          const char *bytes, apr_size_t left);

#endif /* OCI_DBM_LOG_FORMAT_H */
