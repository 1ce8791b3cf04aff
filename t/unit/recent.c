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

#include "tap.h"

#include "apr_general.h"

#include "spec/recent.h"

/* A hash whose first bytes are a number, on any machine. */
static const unsigned char *hash_of(unsigned char *hash, unsigned number,
                                    int rest)
{
    memset(hash, rest, OCI_RECENT_BYTES);
    memcpy(hash, &number, sizeof(number));
    return hash;
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool;
    oci_recent_t *set;
    unsigned char hash[OCI_RECENT_BYTES];
    unsigned i;
    int known = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    tap_ok(&tap, oci_recent_create(&set, 8, pool) == APR_SUCCESS, "a set");
    tap_ok(&tap, !oci_recent_has(set, hash_of(hash, 1, 1)), "is empty");
    oci_recent_add(set, hash_of(hash, 1, 1));
    tap_ok(&tap, oci_recent_has(set, hash_of(hash, 1, 1)), "has what came");
    tap_ok(&tap, !oci_recent_has(set, hash_of(hash, 1, 2)),
           "not what begins alike");
    oci_recent_add(set, hash_of(hash, 9, 1));
    tap_ok(&tap, oci_recent_has(set, hash_of(hash, 9, 1))
                 && !oci_recent_has(set, hash_of(hash, 1, 1)),
           "a new one displaces an old one");
    for (i = 0; i < 1000; i++) {
        oci_recent_add(set, hash_of(hash, i, 3));
    }
    for (i = 0; i < 1000; i++) {
        known += oci_recent_has(set, hash_of(hash, i, 3));
    }
    tap_ok(&tap, known == 8, "it holds no more than it was made for");
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done(&tap);
}
