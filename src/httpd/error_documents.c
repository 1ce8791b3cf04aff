/* SPDX-License-Identifier: Apache-2.0 */

/* ErrorDocument, which the answers of a registry must not become. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"

#include "httpd/error_documents.h"

/* What stands for our own text until the error filter writes it. */
#define MASK "oci-registry"

/* An ErrorDocument is no answer to a registry's client; a text of the
 * request's own comes before it, and the error filter writes that anew. */
void oci_error_documents_mask(request_rec *r)
{
    int unknown = ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);
    int status;

    ap_custom_response(r, HTTP_INTERNAL_SERVER_ERROR, MASK);
    for (status = HTTP_BAD_REQUEST; status < 600; status++) {
        /* what httpd does not know is a 500 to it */
        if (ap_index_of_response(status) != unknown) {
            ap_custom_response(r, status, MASK);
        }
    }
}

void oci_error_documents_unmask(request_rec *r)
{
    core_request_config *core = ap_get_core_module_config(r->request_config);
    int index = ap_index_of_response(HTTP_BAD_REQUEST);

    /* another module's texts are its own affair */
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
