/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_file_check.h
 * @brief A look at the files that directives name, when the server starts
 *
 * No request is sent.  If root calls these functions, a child process finds out
 * whether the reader can read the file.  Otherwise the caller counts as the
 * reader.
 */

#ifndef OCI_S3_FILE_CHECK_H
#define OCI_S3_FILE_CHECK_H

#include <sys/types.h>

#include "apr_pools.h"

#include "s3/s3_settings.h"

/** The user of the processes that will read the file. */
typedef struct oci_s3_reader_t {
    uid_t uid;
    gid_t gid;
} oci_s3_reader_t;

/** What is wrong with a file.  At most one of the two is set. */
typedef struct oci_s3_file_check_t {
    const char *problem;    /* the file is of no use to anybody; or NULL */
    const char *unreadable; /* the reader cannot read it; or NULL */
} oci_s3_file_check_t;

/**
 * Look at the file of OCIS3Credentials.
 * @param found Filled in
 * @param settings Name the file
 * @param reader Who will read the file
 * @param pool For the sentences
 */
void oci_s3_file_check_keys(oci_s3_file_check_t *found,
                            const oci_s3_settings_t *settings,
                            const oci_s3_reader_t *reader, apr_pool_t *pool);

/**
 * Look at the file of OCIS3CAFile.
 * @param found Filled in
 * @param settings Name the file
 * @param reader Who will read the file
 * @param pool For the sentences
 */
void oci_s3_file_check_ca(oci_s3_file_check_t *found,
                          const oci_s3_settings_t *settings,
                          const oci_s3_reader_t *reader, apr_pool_t *pool);

#endif /* OCI_S3_FILE_CHECK_H */
