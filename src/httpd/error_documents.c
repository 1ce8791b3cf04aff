/* SPDX-License-Identifier: Apache-2.0 */

/* Keeping ErrorDocument from replacing a registry's error responses. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"

#include "httpd/error_documents.h"

/* A placeholder for our own text, which the error filter writes. */
#define MASK "oci-registry"

/* A registry's client cannot use an ErrorDocument.  A custom response of the
 * request takes precedence over it, and the error filter replaces its text. */
void oci_error_documents_mask(request_rec *r)
{
    int unknown = ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);
    int status;

    ap_custom_response(r, HTTP_INTERNAL_SERVER_ERROR, MASK);
    for (status = HTTP_BAD_REQUEST; status < 600; status++) {
        /* httpd treats a status that it does not know as 500 */
        if (ap_index_of_response(status) != unknown) {
            ap_custom_response(r, status, MASK);
        }
    }
}

void oci_error_documents_unmask(request_rec *r)
{
    core_request_config *core = ap_get_core_module_config(r->request_config);
    int index = ap_index_of_response(HTTP_BAD_REQUEST);

    /* do not remove the custom responses of another module */
    if (core->response_code_strings && core->response_code_strings[index]
        && !strcmp(core->response_code_strings[index], "\"" MASK)) {
        core->response_code_strings = NULL;
    }
}

int oci_error_documents_exist(const ap_conf_vector_t *config)
{
    const core_dir_config *core = ap_get_core_module_config(config);

    return core->response_code_exprs != NULL;
}
