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

#include <string.h>

#include "apr_strings.h"

#include "spec/digest.h"
#include "spec/hash.h"

#define DIGITS 15              /* in base 16 */

apr_int64_t oci_hash(const char *text, apr_pool_t *pool)
{
    const char *digest = oci_digest_of(OCI_SHA256, text, strlen(text), pool);

    return apr_strtoi64(apr_pstrmemdup(pool, strchr(digest, ':') + 1, DIGITS),
                        NULL, 16);
}
