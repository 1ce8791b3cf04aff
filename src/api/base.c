/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/: tells clients that this is a registry, and that they may use it. */

#include "api/endpoints.h"
#include "api/reply.h"

/* GET /v2/ (distribution-spec, "Determining Support") */
oci_error_t *oci_base_get(oci_request_t *request)
{
    return oci_reply_data(request, "application/json", "{}", 2);
}
