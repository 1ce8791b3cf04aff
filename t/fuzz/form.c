/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the form of a token request.  Input: the body of the request.  The
 * functions of httpd that the code needs are replaced here.
 */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "httpd.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "api/body.h"
#include "httpd/config.h"
#include "httpd/token_form.h"

#define PIECE 1000 /* bytes that are passed on at once */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The current body. */
static const uint8_t *body;
static size_t body_size;

oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           const oci_body_sink_t *sink, void *baton)
{
    size_t done, size;

    if ((apr_off_t)body_size > limit->bytes) {
        return oci_error_make(request->r->pool, limit->code, NULL, NULL,
                              "a form is too large");
    }
    for (done = 0; done < body_size; done += size) {
        struct iovec piece;
        oci_error_t *error;

        size = body_size - done < PIECE ? body_size - done : PIECE;
        piece.iov_base = (void *)(body + done);
        piece.iov_len = size;
        error = sink->write(baton, &piece, 1, request->r->pool);
        if (error) {
            return error;
        }
    }
    return NULL;
}

apr_uint32_t *oci_config_bodies(void)
{
    return NULL;
}

int ap_cstr_casecmpn(const char *one, const char *other, apr_size_t size)
{
    return strncasecmp(one, other, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const apr_table_t *form = NULL;
    oci_error_t *error;
    request_rec request;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    memset(&request, 0, sizeof(request));
    request.pool = pool;
    request.headers_in = apr_table_make(pool, 2);
    apr_table_set(request.headers_in, "Content-Type",
                  "application/x-www-form-urlencoded; charset=utf-8");
    body = data;
    body_size = size;
    error = oci_token_form_read(&form, &request);
    if (error) {
        assert(error->message && *error->message);
    }
    else {
        const char *header = apr_table_get(request.headers_in, "Authorization");

        assert(!strcmp(apr_table_get(form, "grant_type"), "password"));
        assert(!header || !strncmp(header, "Basic ", 6));
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
