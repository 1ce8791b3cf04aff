/* SPDX-License-Identifier: Apache-2.0 */

/* Reading the form of a token request by POST (RFC 6749, 4.3). */

#include <string.h>

#include "httpd.h"
#include "apr_base64.h"
#include "apr_strings.h"

#include "api/body.h"
#include "httpd/config.h"
#include "httpd/token_form.h"
#include "values/query.h"

/* The longest form, in bytes. */
#define FORM_MAX (16 * 1024)

#define FORM_TYPE "application/x-www-form-urlencoded"

typedef struct form_text_t {
    char bytes[FORM_MAX + 1];
    apr_size_t size;
} form_text_t;

static oci_error_t *append_to_text(void *baton, const struct iovec *vec, int n,
                                   apr_pool_t *pool)
{
    form_text_t *text = baton;
    int i;

    (void)pool;
    for (i = 0; i < n; i++) {
        memcpy(text->bytes + text->size, vec[i].iov_base, vec[i].iov_len);
        text->size += vec[i].iov_len;
    }
    return NULL;
}

static oci_error_t *read_text(form_text_t **text, request_rec *r)
{
    oci_body_limit_t limit = { FORM_MAX, OCI_E_TOO_LARGE, "a form" };
    static const oci_body_sink_t sink = { append_to_text, NULL, NULL };
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    oci_request_t request;
    oci_error_t *error;

    if (!type || ap_cstr_casecmpn(type, FORM_TYPE, strlen(FORM_TYPE))) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, "type",
                              type ? type : "",
                              "a token request by POST needs the Content-"
                              "Type " FORM_TYPE);
    }
    memset(&request, 0, sizeof(request));
    request.r = r;
    request.bodies = oci_config_bodies();
    *text = apr_palloc(r->pool, sizeof(**text));
    (*text)->size = 0;
    error = oci_body_read(&request, &limit, &sink, *text);
    (*text)->bytes[(*text)->size] = '\0';
    if (!error && strlen((*text)->bytes) != (*text)->size) {
        error = oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                               "the form is not properly encoded");
    }
    return error;
}

static const char *value_of(const apr_table_t *form, const char *name)
{
    const char *value = apr_table_get(form, name);

    return value ? value : "";
}

/* An empty user name with an empty password counts as no credentials. */
static oci_error_t *use_credentials(request_rec *r, const apr_table_t *form)
{
    const char *user = value_of(form, "username");
    const char *password = value_of(form, "password");
    const char *pair;
    char *encoded;

    if ((!*user && !*password)
        || apr_table_get(r->headers_in, "Authorization")) {
        return NULL;
    }
    if (ap_strchr_c(user, ':')) {
        return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, NULL, NULL,
                              "a user name must not contain a colon");
    }
    pair = apr_pstrcat(r->pool, user, ":", password, NULL);
    encoded = apr_palloc(r->pool, apr_base64_encode_len((int)strlen(pair)));
    apr_base64_encode(encoded, pair, (int)strlen(pair));
    apr_table_setn(r->headers_in, "Authorization",
                   apr_pstrcat(r->pool, "Basic ", encoded, NULL));
    return NULL;
}

oci_error_t *oci_token_form_read(const apr_table_t **form, request_rec *r)
{
    apr_table_t *table;
    form_text_t *text = NULL;
    oci_error_t *error = read_text(&text, r);

    if (error) {
        return error;
    }
    if (oci_query_parse(&table, text->bytes, r->pool) != APR_SUCCESS) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                              "the form is not properly encoded");
    }
    *form = table;
    if (strcmp(value_of(table, "grant_type"), "password")) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, "grant_type",
                              value_of(table, "grant_type"),
                              "the grant_type must be password");
    }
    return use_credentials(r, table);
}
