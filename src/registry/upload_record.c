/* SPDX-License-Identifier: Apache-2.0 */

/* The record that keeps the state of an upload between its requests. */

#include <string.h>

#include "apr_strings.h"

#include "registry/boot.h"
#include "registry/upload_record.h"

#define REHASHED "rehashed"

const char *oci_upload_record_format(const oci_upload_record_t *record,
                                     apr_pool_t *pool)
{
    oci_algorithm_e algorithm = oci_hash_algorithm(record->hash);

    return apr_psprintf(pool, "%s;%" APR_OFF_T_FMT ";%s%s%s%s",
                        oci_algorithm_name(algorithm), record->size,
                        oci_hash_save(record->hash, pool),
                        record->boot ? ";" : "",
                        record->boot ? record->boot : "",
                        record->boot && record->rehashed ? ";" REHASHED : "");
}

/* Cut off the next field of a text.  Returns NULL if there is none. */
static char *next_field(char **rest)
{
    char *field = *rest;
    char *end = field ? strchr(field, ';') : NULL;

    if (end) {
        *end++ = '\0';
    }
    *rest = end;
    return field;
}

static int is_boot(const char *text)
{
    return !strcmp(text, OCI_BOOT_SYNCED)
        || (strlen(text) == OCI_BOOT_LENGTH
            && strspn(text, "0123456789abcdef") == OCI_BOOT_LENGTH);
}

static apr_status_t parse_size(apr_off_t *size, const char *text)
{
    char *end;

    if (!*text || text[strspn(text, "0123456789")]
        || apr_strtoff(size, text, &end, 10) != APR_SUCCESS || *end) {
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t oci_upload_record_parse(oci_upload_record_t *record,
                                     const char *text, apr_size_t size,
                                     apr_pool_t *pool)
{
    char *rest = apr_pstrmemdup(pool, text, size);
    const char *name = next_field(&rest);
    const char *bytes = next_field(&rest);
    const char *state = next_field(&rest);
    const char *boot = next_field(&rest);
    const char *rehashed = next_field(&rest);
    oci_algorithm_e algorithm;

    if (strlen(text) != size || !state || rest || (boot && !is_boot(boot))
        || (rehashed && strcmp(rehashed, REHASHED))
        || oci_algorithm_parse(&algorithm, name) != APR_SUCCESS
        || parse_size(&record->size, bytes) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    record->boot = boot;
    record->rehashed = rehashed != NULL;
    return oci_hash_load(&record->hash, algorithm, state, pool);
}

int oci_upload_record_trusted(const oci_upload_record_t *record,
                              const char *boot)
{
    return record->boot
        && (!strcmp(record->boot, OCI_BOOT_SYNCED)
            || (boot && !strcmp(record->boot, boot)));
}
