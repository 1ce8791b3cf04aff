/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file boot.h
 * @brief An identifier of the current boot of this machine
 *
 * Data that was written but not synced survives any process, but not a reboot:
 * two writes with the same boot identifier are both still there.
 */

#ifndef OCI_BOOT_H
#define OCI_BOOT_H

#include "apr_pools.h"

/** The number of hex digits of a boot's name. */
#define OCI_BOOT_LENGTH 32

/**
 * Return a name for the current boot of this machine, different from that of
 * any other machine and any other boot.  The containers of a machine share it,
 * as they share its page cache.
 * @param pool For the result and temporary data
 * @return OCI_BOOT_LENGTH lower-case hex digits, or NULL if the system does
 *         not provide a boot id
 */
const char *oci_boot_name(apr_pool_t *pool);

#endif /* OCI_BOOT_H */
