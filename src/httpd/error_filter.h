/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file error_filter.h
 * @brief Turning the errors that httpd raises into the registry's JSON errors
 */

#ifndef OCI_ERROR_FILTER_H
#define OCI_ERROR_FILTER_H

/** Register the filter and the hook that inserts it. */
void oci_error_filter_register(void);

#endif /* OCI_ERROR_FILTER_H */
