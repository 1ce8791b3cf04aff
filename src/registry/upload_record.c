/* SPDX-License-Identifier: Apache-2.0 */

/* The record that keeps the state of an upload between its requests. */

#include <string.h>

#include "apr_strings.h"

#include "registry/boot.h"
#include "registry/upload_record.h"

#define REHASHED "rehashed"
#define RETRY    "retry"

const char *oci_upload_record_format(const oci_upload_record_t *record,
                                     apr_pool_t *pool)
{
    oci_algorithm_e algorithm = oci_hash_algorithm(record->hash);
    const char *text = apr_psprintf(pool, "%s;%" APR_OFF_T_FMT ";%s",
                                    oci_algorithm_name(algorithm), record->size,
                                    oci_hash_save(record->hash, pool));

    if (!record->boot) {
        return text;
    }
    text = apr_pstrcat(pool, text, ";", record->boot,
                       record->rehashed ? ";" REHASHED : "", NULL);
    if (!record->retry_hash) {
        return text;
    }
    return apr_psprintf(pool, "%s;" RETRY ";%" APR_OFF_T_FMT ";%s", text,
                        record->retry_size,
                        oci_hash_save(record->retry_hash, pool));
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
    const char *more = next_field(&rest);
    oci_algorithm_e algorithm;

    memset(record, 0, sizeof(*record));
    if (strlen(text) != size || !state || (boot && !is_boot(boot))
        || oci_algorithm_parse(&algorithm, name) != APR_SUCCESS
        || parse_size(&record->size, bytes) != APR_SUCCESS
        || oci_hash_load(&record->hash, algorithm, state, pool)
            != APR_SUCCESS) {
        return APR_EINVAL;
    }
    record->boot = boot;
    if (more && !strcmp(more, REHASHED)) {
        record->rehashed = 1;
        more = next_field(&rest);
    }
    if (more && !strcmp(more, RETRY)) {
        bytes = next_field(&rest);
        state = next_field(&rest);
        if (!state || parse_size(&record->retry_size, bytes)
            || record->retry_size > record->size
            || oci_hash_load(&record->retry_hash, algorithm, state, pool)) {
            return APR_EINVAL;
        }
        more = NULL;
    }
    return more || rest ? APR_EINVAL : APR_SUCCESS;
}

int oci_upload_record_trusted(const oci_upload_record_t *record,
                              const char *boot)
{
    return record->boot
        && (!strcmp(record->boot, OCI_BOOT_SYNCED)
            || (boot && !strcmp(record->boot, boot)));
}
