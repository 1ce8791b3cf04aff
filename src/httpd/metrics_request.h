/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file metrics_request.h
 * @brief Counting the requests for the registry and its tokens
 */

#ifndef OCI_METRICS_REQUEST_H
#define OCI_METRICS_REQUEST_H

#include "httpd.h"

#include "httpd/context.h"

/** Return the label of a request in oci_metrics_t. */
int oci_metrics_label(const oci_context_t *context);

/** The hook log_transaction: count a request that ended. */
int oci_metrics_request_end(request_rec *r);

#endif /* OCI_METRICS_REQUEST_H */
