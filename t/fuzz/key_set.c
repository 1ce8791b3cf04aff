/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Input: a file of keys. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "spec/jwt.h"
#include "spec/key_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What these keys sign, they verify. */
static void check_signer(const oci_keys_t *keys, apr_pool_t *pool)
{
    json_t *claims = json_pack("{s:s}", "sub", "somebody");
    const char *token = oci_jwt_sign(keys, claims, pool);
    json_t *back = NULL;

    assert(!token == !oci_keys_signer(keys));
    if (token) {
        assert(!oci_jwt_verify(&back, keys, token, pool));
        assert(json_equal(back, claims));
    }
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oci_keys_t *keys;
    apr_pool_t *pool;
    const char *text, *problem;
    int i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    problem = oci_keys_read(&keys, text, size, pool);
    if (problem) {
        assert(*problem);
    }
    else {
        assert(keys->list->nelts > 0);
        for (i = 0; i < keys->list->nelts; i++) {
            assert(APR_ARRAY_IDX(keys->list, i, oci_key_t).algorithm);
        }
        check_signer(keys, pool);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
