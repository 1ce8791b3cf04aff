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

#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_pools.h"

#include "registry/hasher.h"

#define SIZE (1024 * 1024)

/* The digest of data, cut into pieces of this length, by a thread. */
static const char *by_thread(char *data, apr_size_t piece, apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(OCI_SHA256, pool);
    oci_hasher_t *hasher;
    apr_size_t at;

    if (oci_hasher_create(&hasher, pool)) {
        return "no thread";
    }
    for (at = 0; at < SIZE; at += 2 * piece) {
        struct iovec vec[2] = { { data + at, 0 }, { data + at, 0 } };

        vec[0].iov_len = SIZE - at < piece ? SIZE - at : piece;
        vec[1].iov_base = data + at + vec[0].iov_len;
        vec[1].iov_len = SIZE - at - vec[0].iov_len < piece
                         ? SIZE - at - vec[0].iov_len : piece;
        oci_hasher_update(hasher, hash, vec, 2);
    }
    oci_hasher_update(hasher, hash, NULL, 0);
    return oci_hash_digest(hash, pool);
}

int main(void)
{
    static const apr_size_t pieces[] = { 100, 8000, 131072, SIZE };
    apr_pool_t *pool;
    char *data;
    int i;
    tap_t tap = { 0, 0 };

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    data = apr_palloc(pool, SIZE);
    for (i = 0; i < SIZE; i++) {
        data[i] = (char)((unsigned)i * 7919 >> 5);
    }
    for (i = 0; i < (int)(sizeof(pieces) / sizeof(*pieces)); i++) {
        apr_pool_t *sub;

        apr_pool_create(&sub, pool);
        tap_is(&tap, by_thread(data, pieces[i], sub),
               oci_digest_of(OCI_SHA256, data, SIZE, sub),
               "the digest is that of all pieces in their order");
        apr_pool_destroy(sub);
    }
    return tap_done(&tap);
}
