/* SPDX-License-Identifier: Apache-2.0 */

/* When manifests were last pulled, to the hour.
 *
 * Each process remembers what it has set in this hour, so that it need not look
 * in the index at each pull.  It may forget: then it looks there. */

#include <stdlib.h>
#include <string.h>

#include "apr_atomic.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "registry/keys.h"
#include "registry/pull_time.h"
#include "values/digest.h"

#define HOUR     3600
#define REMEMBER 4096 /* manifests */

/* Each place has 32 bits of the SHA-256 hash of the fact's key, which the place
 * follows from, and of the hour. */
static volatile apr_uint32_t remembered[REMEMBER];

/* Compute the place of a fact, and what it has there in an hour. */
static volatile apr_uint32_t *place_of(apr_uint32_t *mark,
                                       const oci_registry_t *registry,
                                       const char *key, apr_int64_t hour,
                                       apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "%s/%s %" APR_INT64_T_FMT,
                                    registry->index->where, key, hour);
    const char *hex = strchr(oci_digest_of(OCI_SHA256, text, strlen(text),
                                           pool),
                             ':')
        + 1;

    *mark = (apr_uint32_t)strtoul(apr_pstrmemdup(pool, hex, 8), NULL, 16);
    return &remembered[strtoul(apr_pstrmemdup(pool, hex + 8, 4), NULL, 16)
                       % REMEMBER];
}

oci_error_t *oci_pull_time_get(apr_int64_t *seconds,
                               const oci_repository_t *repository,
                               const char *digest, apr_pool_t *pool)
{
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, repository->registry,
                                      oci_key_pulled(pool, repository->name,
                                                     digest),
                                      pool);

    *seconds = !error && value.data ? apr_atoi64(value.data) : 0;
    return error;
}

static oci_error_t *set(const oci_repository_t *repository, const char *digest,
                        apr_int64_t now, apr_pool_t *pool)
{
    const char *value = apr_psprintf(pool, "%" APR_INT64_T_FMT, now);
    apr_int64_t last;
    oci_error_t *error = oci_pull_time_get(&last, repository, digest, pool);

    return error || last >= now
        ? error
        : oci_fact_put(repository->registry,
                       oci_key_pulled(pool, repository->name, digest), value, 0,
                       pool);
}

oci_error_t *oci_pull_time_set(const oci_repository_t *repository,
                               const char *digest, apr_pool_t *pool)
{
    apr_int64_t hour = apr_time_sec(apr_time_now()) / HOUR;
    apr_uint32_t mark;
    volatile apr_uint32_t *place = place_of(&mark, repository->registry,
                                            oci_key_pulled(pool,
                                                           repository->name,
                                                           digest),
                                            hour, pool);
    oci_error_t *error;

    if (apr_atomic_read32(place) == mark) {
        return NULL;
    }
    error = set(repository, digest, hour * HOUR, pool);
    if (!error) {
        apr_atomic_set32(place, mark);
    }
    return error;
}
