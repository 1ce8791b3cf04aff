/* SPDX-License-Identifier: Apache-2.0 */

/* The page for people, SetHandler oci-page: the files of src/page, which the
 * Makefile turns into page_files.h.  The page gets all its data from the
 * registry's own URLs, with the credentials of its visitor. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_strings.h"

#include "httpd/context.h"
#include "httpd/page.h"
#include "values/digest.h"
#include "values/name.h"
#include "values/query.h"

#include "page_files.h"

/* The places in page.html for the user whom httpd knows, and for the text that
 * needs no JavaScript. */
#define USER_MARK  "<!-- user -->"
#define PLAIN_MARK "<!-- without JavaScript -->"

/* The headers of all replies.  They allow nothing but the page's own files and
 * requests to its own host. */
static const char *const headers[][2] = {
    { "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
      "'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'" },
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Cache-Control", "private, no-cache" },
};

static const char *const types[][2] = {
    { ".html", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".svg", "image/svg+xml" },
};

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

/* Return the path of the Location that has the handler, NULL if the section is
 * a pattern or ends with the name of a file. */
static const char *location_of(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    return core->d && *core->d == '/' && !core->r && !core->d_is_fnmatch
        ? core->d
        : NULL;
}

/* Return the file that a request asks for, NULL if there is none. */
static const page_file_t *file_of(request_rec *r)
{
    const char *location = location_of(r);
    const char *name = strrchr(r->uri, '/');
    apr_size_t length = location ? strlen(location) : 0;
    apr_size_t i;

    while (length > 0 && location[length - 1] == '/') {
        length--;
    }
    if (!name || (location && name > r->uri + length)) {
        return NULL;
    }
    name = name[1] ? name + 1 : "page.html";
    for (i = 0; i < COUNT(page_files); i++) {
        if (!strcmp(page_files[i].name, name)) {
            return &page_files[i];
        }
    }
    return NULL;
}

static const char *type_of(const char *name)
{
    const char *suffix = strrchr(name, '.');
    apr_size_t i = 0;

    while (i + 1 < COUNT(types) && strcmp(suffix, types[i][0])) {
        i++;
    }
    return types[i][1];
}

static const char *host_of(request_rec *r)
{
    const char *name = ap_get_server_name_for_url(r);
    apr_port_t port = ap_get_server_port(r);

    return ap_is_default_port(port, r)
        ? name
        : apr_psprintf(r->pool, "%s:%u", name, (unsigned)port);
}

/* Return the HTML for a browser without JavaScript.  If the query names a valid
 * repository, it has the command that pulls from it; nothing else of the query
 * is repeated. */
static const char *plain_text(request_rec *r)
{
    apr_table_t *query;
    const char *name;
    const char *tag;
    const char *digest;
    const char *reference = "";

    if (oci_query_parse(&query, r->args, r->pool) != APR_SUCCESS
        || !(name = apr_table_get(query, "repository"))
        || !oci_name_valid(name)) {
        return "";
    }
    tag = apr_table_get(query, "tag");
    digest = apr_table_get(query, "digest");
    if (digest && oci_digest_valid(digest)) {
        reference = apr_pstrcat(r->pool, "@", digest, NULL);
    }
    else if (tag && oci_tag_valid(tag)) {
        reference = apr_pstrcat(r->pool, ":", tag, NULL);
    }
    return apr_pstrcat(r->pool, "<p>To pull:</p>\n<pre>docker pull ",
                       ap_escape_html(r->pool,
                                      apr_pstrcat(r->pool, host_of(r), "/",
                                                  name, NULL)),
                       ap_escape_html(r->pool, reference), "</pre>\n", NULL);
}

/* Return the HTML that tells the page its user, and how it was authenticated.
 */
static const char *user_text(request_rec *r)
{
    return r->user
        ? apr_pstrcat(r->pool, "<meta name=\"user\" content=\"",
                      ap_escape_html(r->pool, r->user),
                      "\">\n<meta name=\"auth-type\" content=\"",
                      ap_escape_html(r->pool,
                                     r->ap_auth_type ? r->ap_auth_type : ""),
                      "\">", NULL)
        : "";
}

/* Replace a mark in a text, if it is there. */
static const char *fill_in(const char *text, const char *mark,
                           const char *(*value)(request_rec *r), request_rec *r)
{
    const char *place = strstr(text, mark);

    return place
        ? apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, text, place - text),
                      value(r), place + strlen(mark), NULL)
        : text;
}

/* Return the bytes of a file.  They end with a NUL, which size excludes. */
static const char *content_of(apr_size_t *size, const page_file_t *file,
                              request_rec *r)
{
    const char *bytes = (const char *)file->bytes;

    *size = file->size;
    if (!strcmp(file->name, "page.html")) {
        bytes = fill_in(bytes, USER_MARK, user_text, r);
        bytes = fill_in(bytes, PLAIN_MARK, plain_text, r);
        *size = strlen(bytes);
    }
    return bytes;
}

/* Without the slash, the page's links would name other directories. */
static int add_slash(request_rec *r, const char *location)
{
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, ap_os_escape_path(r->pool, location, 1),
                               "/", r->args ? "?" : NULL, r->args, NULL));
    return HTTP_MOVED_PERMANENTLY;
}

static int send_file(request_rec *r, const page_file_t *file)
{
    apr_size_t size;
    const char *bytes = content_of(&size, file, r);
    int status;

    apr_table_setn(r->headers_out, "ETag",
                   apr_pstrcat(r->pool, "\"",
                               oci_digest_of(OCI_SHA256, bytes, size, r->pool),
                               "\"", NULL));
    ap_set_content_type(r, type_of(file->name));
    ap_set_content_length(r, (apr_off_t)size);
    status = ap_meets_conditions(r);
    if (status == OK && !r->header_only) {
        ap_rwrite(bytes, (int)size, r);
    }
    return status;
}

int oci_page_handler(request_rec *r)
{
    const char *location = location_of(r);
    const page_file_t *file;
    apr_size_t i;

    if (!r->handler || strcmp(r->handler, OCI_PAGE_HANDLER)
        || !oci_is_page(r)) {
        return DECLINED;
    }
    for (i = 0; i < COUNT(headers); i++) {
        apr_table_setn(r->err_headers_out, headers[i][0], headers[i][1]);
    }
    if (r->method_number != M_GET) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    file = file_of(r);
    if (file) {
        return send_file(r, file);
    }
    return location && !strcmp(location, r->uri) ? add_slash(r, location)
                                                 : HTTP_NOT_FOUND;
}
