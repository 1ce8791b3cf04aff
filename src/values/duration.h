/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file duration.h
 * @brief Durations such as "30d"
 */

#ifndef OCI_DURATION_H
#define OCI_DURATION_H

#include "apr_errno.h"

/** The longest duration of a directive, in seconds: ten years. */
#define OCI_DURATION_MAX 315360000

/**
 * Parse a duration.
 * @param seconds Set to it
 * @param text A decimal number, followed by "s" for seconds, "m" for minutes,
 *        "h" for hours, "d" for days, "w" for weeks, or by nothing for seconds
 * @return APR_SUCCESS; APR_EINVAL if it is not valid, or longer than
 *         OCI_DURATION_MAX
 */
apr_status_t oci_duration_parse(int *seconds, const char *text);

#endif /* OCI_DURATION_H */
