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
#include "api/list.h"
#include "registry/repository.h"

/* GET /v2/_catalog?n=<n>&last=<name> */
oci_error_t *oci_catalog_get(oci_request_t *request)
{
    apr_pool_t *pool = request->r->pool;
    apr_array_header_t *names;
    oci_page_t page;
    oci_error_t *error;
    int fetch;

    if ((error = oci_list_page(&page, &fetch, request))) {
        return error;
    }
    error = oci_repository_list(&names, &request->registry, page.last, fetch,
                                pool);
    return error ? error : oci_list_reply(request, "{\"repositories\":[",
                                          names, &page, "_catalog");
}
