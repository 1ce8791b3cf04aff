/* SPDX-License-Identifier: Apache-2.0 */

/* An identifier of the current boot of this machine, hashed from Linux's
 * boot_id. */

#include "apr_file_io.h"
#include "apr_strings.h"

#include "registry/boot.h"
#include "values/digest.h"

/* Linux generates a random UUID at each boot. */
#define BOOT_FILE  "/proc/sys/kernel/random/boot_id"
#define UUID_BYTES 36

const char *oci_boot_name(apr_pool_t *pool)
{
    char uuid[UUID_BYTES];
    apr_size_t length = 0;
    apr_file_t *file;
    const char *digest;

    if (apr_file_open(&file, BOOT_FILE, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT,
                      pool)
        != APR_SUCCESS) {
        return NULL;
    }
    apr_file_read_full(file, uuid, sizeof(uuid), &length);
    apr_file_close(file);
    if (length != sizeof(uuid)) {
        return NULL;
    }
    digest = oci_digest_of(OCI_SHA256, uuid, length, pool);
    return apr_pstrmemdup(pool, digest + sizeof("sha256:") - 1,
                          OCI_BOOT_LENGTH);
}
