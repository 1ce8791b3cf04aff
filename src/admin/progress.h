/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file progress.h
 * @brief How far long work has come, on standard error
 *
 * A terminal has one line that changes; anything else gets a line now and
 * then.
 */

#ifndef OCI_PROGRESS_H
#define OCI_PROGRESS_H

#include "apr_pools.h"
#include "apr_time.h"

typedef struct oci_progress_t oci_progress_t;

/** @param quiet Whether to say nothing at all */
oci_progress_t *oci_progress_create(int quiet, apr_pool_t *pool);

/** Work of this name begins, such as "copying". */
void oci_progress_begin(oci_progress_t *progress, const char *name);

/**
 * Tell of it, unless that was done a moment ago.
 * @param facts,bytes Those of this work so far
 */
void oci_progress_show(oci_progress_t *progress, apr_uint64_t facts,
                       apr_uint64_t bytes);

/** Leave what was shown, for whatever is written next. */
void oci_progress_end(oci_progress_t *progress);

/** A number of bytes to be read by people. */
const char *oci_progress_bytes(apr_uint64_t bytes, apr_pool_t *pool);

#endif /* OCI_PROGRESS_H */
