/* SPDX-License-Identifier: Apache-2.0 */

/* The record that keeps the state of an upload between its requests. */

#include <string.h>

#include "apr_strings.h"

#include "registry/boot.h"
#include "registry/upload_record.h"

#define REHASHED    "rehashed"
#define RETRY       "retry"
#define STORE       "store"
#define RETRY_STORE "retry-store"
#define FINISHING   "finishing"
#define LEASE       "lease"

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
    if (record->retry_hash) {
        text = apr_psprintf(pool, "%s;" RETRY ";%" APR_OFF_T_FMT ";%s", text,
                            record->retry_size,
                            oci_hash_save(record->retry_hash, pool));
    }
    if (record->store) {
        text = apr_pstrcat(pool, text, ";" STORE ";", record->store, NULL);
    }
    if (record->retry_hash && record->retry_store) {
        text = apr_pstrcat(pool, text, ";" RETRY_STORE ";", record->retry_store,
                           NULL);
    }
    return record->finishing
        ? apr_pstrcat(pool, text, ";" FINISHING ";", record->finishing, NULL)
        : text;
}

const char *oci_upload_record_lease(const char *text, const oci_lease_t *lease,
                                    apr_pool_t *pool)
{
    const char *old = strstr(text, OCI_LEASE);

    return apr_psprintf(pool, "%.*s" OCI_LEASE "%s;%" APR_INT64_T_FMT ";%s",
                        (int)(old ? (apr_size_t)(old - text) : strlen(text)),
                        text, lease->token, lease->seconds, lease->process);
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

static apr_status_t parse_retry(oci_upload_record_t *record, char **rest,
                                apr_pool_t *pool)
{
    const char *bytes = next_field(rest);
    const char *state = next_field(rest);

    return !state || parse_size(&record->retry_size, bytes)
            || record->retry_size > record->size
            || oci_hash_load(&record->retry_hash,
                             oci_hash_algorithm(record->hash), state, pool)
        ? APR_EINVAL
        : APR_SUCCESS;
}

static apr_status_t parse_lease(oci_lease_t *lease, char **rest)
{
    const char *seconds;
    apr_off_t number;

    lease->token = next_field(rest);
    seconds = next_field(rest);
    lease->process = next_field(rest);
    if (!lease->process || parse_size(&number, seconds)) {
        return APR_EINVAL;
    }
    lease->seconds = number;
    return APR_SUCCESS;
}

/* Parse what follows the state of the hash, in any order but its first field.
 * field: the first one, or NULL */
static apr_status_t parse_rest(oci_upload_record_t *record, const char *field,
                               char **rest, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    if (field && is_boot(field)) {
        record->boot = field;
        field = next_field(rest);
    }
    for (; field && rv == APR_SUCCESS; field = next_field(rest)) {
        if (!strcmp(field, LEASE)) {
            rv = parse_lease(&record->lease, rest);
        }
        else if (!record->boot) {
            rv = APR_EINVAL;
        }
        else if (!strcmp(field, REHASHED)) {
            record->rehashed = 1;
        }
        else if (!strcmp(field, FINISHING)) {
            record->finishing = next_field(rest);
            rv = record->finishing && oci_digest_valid(record->finishing)
                ? rv
                : APR_EINVAL;
        }
        else if (!strcmp(field, RETRY)) {
            rv = parse_retry(record, rest, pool);
        }
        else if (!strcmp(field, STORE)) {
            rv = (record->store = next_field(rest)) ? rv : APR_EINVAL;
        }
        else if (!strcmp(field, RETRY_STORE)) {
            rv = (record->retry_store = next_field(rest)) ? rv : APR_EINVAL;
        }
        else {
            rv = APR_EINVAL;
        }
    }
    return rv;
}

apr_status_t oci_upload_record_parse(oci_upload_record_t *record,
                                     const char *text, apr_size_t size,
                                     apr_pool_t *pool)
{
    char *rest = apr_pstrmemdup(pool, text, size);
    const char *name = next_field(&rest);
    const char *bytes = next_field(&rest);
    const char *state = next_field(&rest);
    const char *field = next_field(&rest);
    oci_algorithm_e algorithm;

    memset(record, 0, sizeof(*record));
    if (strlen(text) != size || !state
        || oci_algorithm_parse(&algorithm, name) != APR_SUCCESS
        || parse_size(&record->size, bytes) != APR_SUCCESS
        || oci_hash_load(&record->hash, algorithm, state, pool)
            != APR_SUCCESS) {
        return APR_EINVAL;
    }
    return parse_rest(record, field, &rest, pool);
}

int oci_upload_record_trusted(const oci_upload_record_t *record,
                              const char *boot)
{
    return record->boot
        && (!strcmp(record->boot, OCI_BOOT_SYNCED)
            || (boot && !strcmp(record->boot, boot)));
}
