/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file boot.h
 * @brief The boot of this machine: what was written but not synced lasts as
 *        long as that
 */

#ifndef OCI_BOOT_H
#define OCI_BOOT_H

#include "apr_pools.h"

/** Digits of a boot's name. */
#define OCI_BOOT_LENGTH 32

/**
 * A name for the running system since it was booted, which no other machine
 * and no other boot has.  Containers of one machine share it, as they share
 * its page cache.
 * @return OCI_BOOT_LENGTH lower-case hex digits from pool, or NULL where the
 *         system does not tell
 */
const char *oci_boot_name(apr_pool_t *pool);

#endif /* OCI_BOOT_H */
