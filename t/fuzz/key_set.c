/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the reading of keys.  Input: a key file. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/jwt.h"
#include "values/key_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Check that the keys verify what they sign. */
static void check_signer(const oci_key_set_t *keys, apr_pool_t *pool)
{
    json_t *claims = json_pack("{s:s}", "sub", "somebody");
    const char *token = oci_jwt_sign(keys, claims, pool);
    json_t *back = NULL;

    assert(!token == !oci_key_set_signer(keys));
    if (token) {
        assert(!oci_jwt_verify(&back, keys, token, pool));
        assert(json_equal(back, claims));
    }
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oci_key_set_t *keys;
    apr_pool_t *pool;
    const char *text, *problem;
    int i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    problem = oci_key_set_read(&keys, text, size, pool);
    if (problem) {
        assert(*problem);
    }
    else {
        assert(keys->list->nelts > 0);
        for (i = 0; i < keys->list->nelts; i++) {
            assert(APR_ARRAY_IDX(keys->list, i, oci_signing_key_t).algorithm);
        }
        check_signer(keys, pool);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
