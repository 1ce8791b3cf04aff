/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file metrics_status.h
 * @brief The section of the registry on the page of mod_status
 */

#ifndef OCI_METRICS_STATUS_H
#define OCI_METRICS_STATUS_H

/** Register the section.  It does nothing if mod_status is not loaded. */
void oci_metrics_status_register(void);

#endif /* OCI_METRICS_STATUS_H */
