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

#include "api/endpoints.h"
#include "api/reply.h"

/* GET /v2/ (distribution-spec, "Determining Support") */
oci_error_t *oci_base_get(oci_request_t *request)
{
    return oci_reply_data(request, "application/json", "{}", 2);
}
