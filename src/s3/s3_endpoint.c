/* SPDX-License-Identifier: Apache-2.0 */

/* Endpoints: from the URL of a server to the URLs of objects. */

#include <stdlib.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"

#include "s3/s3_endpoint.h"

/* Whether a host is a name or an address, as a URL has it. */
static int host_valid(const char *host)
{
    const char *p = host;

    while (apr_isalnum(*p) || (*p && strchr("-._:", *p))) {
        p++;
    }
    return p > host && !*p;
}

static int port_valid(const char *port)
{
    apr_size_t digits = strspn(port, "0123456789");

    return !port[digits] && digits >= 1 && digits <= 5 && atoi(port) >= 1
        && atoi(port) <= 65535;
}

/* Whether a path needs no encoding, and has no segment "", "." or "..". */
static int path_valid(const char *path)
{
    const char *p;

    if (!path || !strcmp(path, "/")) {
        return 1;
    }
    for (p = path; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-._~/", *p)) {
            return 0;
        }
        if (*p == '/' && strchr("/.", p[1]) && p[1]) {
            return 0;
        }
    }
    return *path == '/';
}

int oci_s3_endpoint_check(const char *url)
{
    apr_pool_t *pool;
    apr_uri_t uri;
    int valid;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    valid = apr_uri_parse(pool, url, &uri) == APR_SUCCESS && uri.scheme
        && (!strcmp(uri.scheme, "http") || !strcmp(uri.scheme, "https"))
        && uri.hostname && host_valid(uri.hostname) && !uri.user
        && !uri.password && !uri.query && !uri.fragment
        && (!uri.port_str || port_valid(uri.port_str)) && path_valid(uri.path);
    apr_pool_destroy(pool);
    return valid;
}

static void to_lower(char *text)
{
    for (; *text; text++) {
        *text = (char)apr_tolower(*text);
    }
}

static int ends_with(const char *text, const char *end)
{
    apr_size_t length = strlen(text), other = strlen(end);

    return length >= other && !strcmp(text + length - other, end);
}

/* Whether the bucket's name becomes a part of the host's.  It cannot with an
 * address; a certificate of *.s3.amazonaws.com does not cover names with
 * further dots. */
static int bucket_in_host(const char *bucket, const char *host,
                          oci_s3_style_e style)
{
    if (strchr(host, ':') || !host[strspn(host, "0123456789.")]) {
        return 0;
    }
    if (style != OCI_S3_STYLE_AUTO) {
        return style == OCI_S3_STYLE_HOST;
    }
    return !strchr(bucket, '.')
        && (ends_with(host, ".amazonaws.com")
            || ends_with(host, ".amazonaws.com.cn"));
}

void oci_s3_endpoint_make(oci_s3_endpoint_t *endpoint,
                          const oci_s3_settings_t *settings, const char *url,
                          oci_s3_style_e style, apr_pool_t *pool)
{
    char *host, *path;
    apr_uri_t uri;
    int in_host;

    if (!url) {
        url = apr_pstrcat(pool, "https://s3.", settings->region,
                          ".amazonaws.com",
                          strncmp(settings->region, "cn-", 3) ? "" : ".cn",
                          NULL);
    }
    apr_uri_parse(pool, url, &uri);
    host = apr_pstrdup(pool, uri.hostname);
    to_lower(host);
    in_host = bucket_in_host(settings->bucket, host, style);
    if (strchr(host, ':')) {
        host = apr_pstrcat(pool, "[", host, "]", NULL);
    }
    if (in_host) {
        host = apr_pstrcat(pool, settings->bucket, ".", host, NULL);
    }
    if (uri.port && uri.port != apr_uri_port_of_scheme(uri.scheme)) {
        host = apr_psprintf(pool, "%s:%d", host, uri.port);
    }
    path = apr_pstrdup(pool, uri.path ? uri.path : "");
    if (ends_with(path, "/")) {
        path[strlen(path) - 1] = '\0';
    }
    endpoint->origin = apr_pstrcat(pool, uri.scheme, "://", host, NULL);
    endpoint->host = host;
    endpoint->path = in_host
        ? path
        : apr_pstrcat(pool, path, "/", settings->bucket, NULL);
}
