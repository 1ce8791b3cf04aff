/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the verification of tokens.  Input: a token, an empty line, and a key
 * file. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the token is valid; a second check must give the same result. */
static int is_valid(const oci_key_set_t *keys, const char *token,
                    apr_pool_t *pool)
{
    json_t *claims = NULL;
    const char *problem = oci_jwt_verify(&claims, keys, token, pool);
    const char *again = oci_jwt_verify(&claims, keys, token, pool);

    assert(!problem == !again);
    assert(problem || json_is_object(claims));
    return !problem;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char secret[] = "secret: a-secret-that-no-input-can-know.";
    apr_pool_t *pool;
    oci_key_set_t *keys;
    char *token, *file;
    const char *problem;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    token = apr_pstrmemdup(pool, (const char *)data, size);
    file = strstr(token, "\n\n");
    if (file) {
        *file = '\0';
        file += 2;
    }

    problem = oci_key_set_read(&keys, secret, strlen(secret), pool);
    assert(!problem && oci_key_set_signer(keys));
    assert(!is_valid(keys, token, pool));

    if (file && !oci_key_set_read(&keys, file, strlen(file), pool)) {
        json_t *claims = json_pack("{s:s}", "sub", "somebody");
        const char *ours = oci_jwt_sign(keys, claims, pool);

        is_valid(keys, token, pool);
        assert(!ours == !oci_key_set_signer(keys));
        assert(!ours || is_valid(keys, ours, pool));
        json_decref(claims);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
