/* SPDX-License-Identifier: Apache-2.0 */

/* The ids of uploads, which are authenticated with the registry's secret. */

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "apr_escape.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "registry/keys.h"
#include "registry/random.h"
#include "registry/upload_id.h"

/* An id consists of
 *
 *   <stamp, 24 hex digits: see random.h> <algorithm, 1 digit> "-"
 *   <the first 16 bytes of an HMAC-SHA256, as hex digits>
 */
#define BODY_LENGTH 25
#define CODE_BYTES  16
#define ID_LENGTH   (BODY_LENGTH + 1 + 2 * CODE_BYTES)

#define SECRET_BYTES 32

/* Read the registry's secret.  The first process that needs it creates it. */
static oci_error_t *read_secret(oci_value_t *secret,
                                const oci_registry_t *registry,
                                apr_pool_t *pool)
{
    const char *key = oci_key_secret();
    apr_array_header_t *changes;
    const char *text;
    oci_error_t *error = oci_fact_get(secret, registry, key, pool);

    if (error || secret->data) {
        return error;
    }
    if ((error = oci_random_hex(&text, SECRET_BYTES, pool))) {
        return error;
    }
    changes = oci_change_list_make(pool);
    oci_change_put(changes, OCI_CHANGE_ADD, key, text, strlen(text));
    error = oci_facts_apply(registry, changes, registry->durable, pool);
    if (error && !APR_STATUS_IS_EEXIST(error->status)) {
        return error;
    }
    error = oci_fact_get(secret, registry, key, pool);
    return error || secret->data
        ? error
        : oci_error_storage(pool, APR_SUCCESS,
                            "%s/%s is missing after it was written",
                            registry->index->where, key);
}

/* Compute the authentication code of an id's body for a repository. */
static oci_error_t *compute_code(const char **code,
                                 const oci_repository_t *repository,
                                 const char *body, apr_pool_t *pool)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    const char *text = apr_psprintf(pool, "%.*s %s", BODY_LENGTH, body,
                                    repository->name);
    oci_value_t secret;
    oci_error_t *error = read_secret(&secret, repository->registry, pool);

    if (error) {
        return error;
    }
    if (!HMAC(EVP_sha256(), secret.data, (int)secret.size,
              (const unsigned char *)text, strlen(text), mac, NULL)) {
        return oci_error_storage(pool, APR_SUCCESS,
                                 "cannot compute the code of an upload id");
    }
    *code = apr_pescape_hex(pool, mac, CODE_BYTES, 0);
    return NULL;
}

oci_error_t *oci_upload_id_make(const char **id,
                                const oci_repository_t *repository,
                                oci_algorithm_e algorithm, apr_pool_t *pool)
{
    const char *stamp, *body, *code;
    oci_error_t *error = oci_random_stamp(&stamp, pool);

    if (error) {
        return error;
    }
    body = apr_psprintf(pool, "%s%d", stamp, algorithm);
    error = compute_code(&code, repository, body, pool);
    if (!error) {
        *id = apr_pstrcat(pool, body, "-", code, NULL);
    }
    return error;
}

oci_error_t *oci_upload_id_check(int *valid, oci_algorithm_e *algorithm,
                                 const oci_repository_t *repository,
                                 const char *id, apr_pool_t *pool)
{
    const char *code;
    oci_error_t *error;

    *valid = 0;
    if (strlen(id) != ID_LENGTH || id[BODY_LENGTH] != '-'
        || strspn(id, "0123456789abcdef") != BODY_LENGTH) {
        return NULL;
    }
    error = compute_code(&code, repository, id, pool);
    if (!error) {
        *valid = !CRYPTO_memcmp(code, id + BODY_LENGTH + 1, 2 * CODE_BYTES);
        *algorithm = id[BODY_LENGTH - 1] - '0';
    }
    return error;
}

int oci_upload_id_expired(const char *id, apr_time_t now)
{
    return apr_time_sec(now) - oci_stamp_seconds(id) > OCI_UPLOAD_ID_LIFE;
}

oci_error_t *oci_upload_id_end(const oci_registry_t *registry, const char *id,
                               apr_pool_t *pool)
{
    const char *key = oci_key_upload(pool, id);

    return oci_upload_id_expired(id, apr_time_now())
        ? oci_fact_delete(registry, key, 0, pool)
        : oci_fact_put(registry, key, "", 0, pool);
}
