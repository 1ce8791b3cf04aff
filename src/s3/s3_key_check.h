/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_key_check.h
 * @brief A look at a credentials file when the server starts
 */

#ifndef OCI_S3_KEY_CHECK_H
#define OCI_S3_KEY_CHECK_H

#include <sys/types.h>

#include "apr_pools.h"

#include "s3/s3_settings.h"

/** The user of the processes that will read the file. */
typedef struct oci_s3_reader_t {
    uid_t uid;
    gid_t gid;
} oci_s3_reader_t;

/** What is wrong with a credentials file.  At most one of the two is set. */
typedef struct oci_s3_key_check_t {
    const char *problem; /* the file is of no use to anybody; or NULL */
    const char *warning; /* the reader cannot read it; or NULL */
} oci_s3_key_check_t;

/**
 * Look at the file of OCIS3Credentials.  No request is sent.  If root calls
 * this, a child process finds out whether the reader can read the file.
 * Otherwise the caller counts as the reader; what it cannot see is not a
 * problem.
 * @param found Filled in
 * @param settings Name the file
 * @param pool For the sentences
 */
void oci_s3_key_check(oci_s3_key_check_t *found,
                      const oci_s3_settings_t *settings,
                      const oci_s3_reader_t *reader, apr_pool_t *pool);

#endif /* OCI_S3_KEY_CHECK_H */
