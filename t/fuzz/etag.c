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

/* Input: what an entity's tag holds, a newline, and a condition's list. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "spec/etag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    char *value, *list;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    value = apr_pstrmemdup(pool, (const char *)data, size);
    list = strchr(value, '\n');
    if (list) {
        *list++ = '\0';

        /* No list names what is not there, and one that matches strongly
         * matches weakly too. */
        assert(!oci_etag_match(list, NULL, 0));
        assert(!oci_etag_match(list, NULL, 1));
        assert(!oci_etag_match(list, value, 0)
               || oci_etag_match(list, value, 1));
        if (!strchr(value, '"')) {
            assert(oci_etag_match(apr_pstrcat(pool, "\"", value, "\", ", list,
                                              NULL), value, 0));
        }
    }

    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
