/* SPDX-License-Identifier: Apache-2.0 */

/* Credentials of services: those of containers and instances, and STS. */

#include <string.h>

#include <jansson.h>

#include "apr_strings.h"
#include "apr_tables.h"
#include "apr_uri.h"

#include "mod_oci.h"
#include "s3/s3_key_source.h"
#include "s3/s3_transport.h"
#include "s3/s3_xml.h"

#define INSTANCE_URL  "http://169.254.169.254"
#define CONTAINER_URL "http://169.254.170.2"
#define ROLES_PATH    "/latest/meta-data/iam/security-credentials/"
#define TOKEN_SECONDS "21600"
#define ANSWER_MAX    (64 * 1024)
#define ATTEMPTS      3
#define ATTEMPT_TIME  apr_time_from_sec(3)
#define PAUSE         apr_time_from_msec(200)

/* A service that is asked; the name is for sentences. */
typedef struct service_t {
    const oci_s3_key_query_t *query;
    const char *name;
    const char *url;
} service_t;

static apr_status_t refuse(const service_t *service, apr_status_t status,
                           const char *why)
{
    return oci_s3_keys_refuse(service->query, status,
                              apr_pstrcat(service->query->pool, "credentials: ",
                                          service->name, " at ", service->url,
                                          ": ", why, NULL));
}

/* Wait before another attempt.  Returns whether there is time for it. */
static int pause_before(const oci_s3_key_query_t *query)
{
    apr_sleep(PAUSE);
    return !query->deadline || oci_s3_now() < query->deadline;
}

/* Send a request, a few times if need be.  The answer is never quoted: it may
 * have secrets in it. */
static apr_status_t ask(oci_s3_exchange_t *exchange, const service_t *service)
{
    apr_pool_t *pool = service->query->pool;
    apr_status_t rv = APR_TIMEUP;
    int i;

    exchange->limit = ANSWER_MAX;
    for (i = 0; i < ATTEMPTS && (!i || pause_before(service->query)); i++) {
        apr_time_t until = oci_s3_now() + ATTEMPT_TIME;

        exchange->deadline = until < service->query->deadline
                || !service->query->deadline
            ? until
            : service->query->deadline;
        rv = oci_s3_transport_run(service->query->transport, exchange, pool);
        if (rv == APR_SUCCESS && exchange->status < 500) {
            break;
        }
    }
    if (rv != APR_SUCCESS) {
        return refuse(service, rv,
                      apr_pstrcat(pool, exchange->failure, exchange->advice,
                                  NULL));
    }
    if (exchange->status != 200) {
        return refuse(service,
                      exchange->status >= 500 ? APR_ECONNREFUSED : APR_EACCES,
                      apr_psprintf(pool, "it answered %d", exchange->status));
    }
    return APR_SUCCESS;
}

/* Check the credentials in an answer. */
static apr_status_t check_keys(const oci_s3_keys_t *keys,
                               const oci_s3_key_names_t *names,
                               const service_t *service)
{
    apr_pool_t *pool = service->query->pool;
    const char *fault = oci_s3_keys_fault(keys, names, pool);

    return fault ? refuse(service, APR_EACCES,
                          apr_pstrcat(pool, "the answer ", fault, NULL))
                 : APR_SUCCESS;
}

/* Copy a member of an object that is a string; NULL if there is none. */
static const char *member(const json_t *object, const char *name,
                          apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? apr_pstrdup(pool, text) : NULL;
}

/* Read credentials from a JSON document. */
static apr_status_t read_json(oci_s3_keys_t *keys,
                              const oci_s3_exchange_t *exchange,
                              const service_t *service)
{
    static const oci_s3_key_names_t names = { "AccessKeyId", "SecretAccessKey",
                                              "Token" };
    apr_pool_t *pool = service->query->pool;
    json_t *document = json_loadb(exchange->data, exchange->size, 0, NULL);

    memset(keys, 0, sizeof(*keys));
    keys->id = member(document, names.id, pool);
    keys->secret = member(document, names.secret, pool);
    keys->token = member(document, names.token, pool);
    keys->expires = oci_s3_xml_time(member(document, "Expiration", pool));
    json_decref(document);
    return check_keys(keys, &names, service);
}

/* Whether the credentials of a container may be fetched from a URL: by TLS, or
 * from this host or one of the addresses that containers have for it. */
static int container_url_valid(const char *url, apr_pool_t *pool)
{
    static const char *const hosts[] = {
        "localhost",     "127.0.0.1",      "::1",
        "169.254.170.2", "169.254.170.23", "fd00:ec2::23"
    };
    apr_uri_t uri;
    apr_size_t i;

    if (apr_uri_parse(pool, url, &uri) != APR_SUCCESS || !uri.scheme
        || !uri.hostname) {
        return 0;
    }
    if (!strcmp(uri.scheme, "https")) {
        return 1;
    }
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (!strcmp(uri.hostname, hosts[i])) {
            return !strcmp(uri.scheme, "http");
        }
    }
    return 0;
}

apr_status_t oci_s3_keys_of_container(oci_s3_keys_t *keys,
                                      const oci_s3_key_query_t *query)
{
    const char *path = oci_s3_keys_variable(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *url = oci_s3_keys_variable(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *file = oci_s3_keys_variable(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = oci_s3_keys_variable(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    apr_table_t *headers = apr_table_make(query->pool, 2);
    oci_s3_exchange_t exchange = { .method = "GET", .direct = 1 };
    service_t service = { query, "the credentials service of the container",
                          url };
    const char *why;
    apr_status_t rv;
    char *text;

    if (path) {
        service.url = apr_pstrcat(query->pool, CONTAINER_URL, path, NULL);
    }
    if (!service.url) {
        return oci_s3_keys_refuse(
            query, APR_ENOENT,
            "the environment has no AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or "
            "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    }
    if (!container_url_valid(service.url, query->pool)) {
        return refuse(&service, APR_EACCES,
                      "expected https, or the address of this host");
    }
    if (file) {
        rv = oci_s3_keys_read_file(&text, &why, file, query->pool);
        if (rv != APR_SUCCESS) {
            return refuse(&service, APR_EACCES,
                          apr_psprintf(query->pool,
                                       "the file "
                                       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE "
                                       "(%s) cannot be read: %s",
                                       file, why));
        }
        token = text;
    }
    if (token && strpbrk(token, "\r\n")) {
        return refuse(&service, APR_EACCES,
                      "the authorization token has a line feed in it");
    }
    if (token) {
        apr_table_setn(headers, "Authorization", token);
    }
    exchange.url = service.url;
    exchange.headers = headers;
    rv = ask(&exchange, &service);
    return rv == APR_SUCCESS ? read_json(keys, &exchange, &service) : rv;
}

/* Ask the metadata service for a path. */
static apr_status_t ask_instance(oci_s3_exchange_t *exchange,
                                 const service_t *service, const char *path,
                                 const char *token)
{
    apr_pool_t *pool = service->query->pool;
    apr_table_t *headers = apr_table_make(pool, 1);

    memset(exchange, 0, sizeof(*exchange));
    apr_table_setn(headers,
                   token ? "X-aws-ec2-metadata-token"
                         : "X-aws-ec2-metadata-token-ttl-seconds",
                   token ? token : TOKEN_SECONDS);
    exchange->method = token ? "GET" : "PUT";
    exchange->url = apr_pstrcat(pool, service->url, path, NULL);
    exchange->headers = headers;
    exchange->direct = 1;
    return ask(exchange, service);
}

apr_status_t oci_s3_keys_of_instance(oci_s3_keys_t *keys,
                                     const oci_s3_key_query_t *query)
{
    const char *url = oci_s3_keys_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *disabled = oci_s3_keys_variable("AWS_EC2_METADATA_DISABLED");
    service_t service = { query, "the metadata service of the instance",
                          apr_pstrdup(query->pool, url ? url : INSTANCE_URL) };
    apr_size_t length = strlen(service.url);
    oci_s3_exchange_t exchange;
    const char *token, *role;
    apr_status_t rv;

    if (disabled && !strcmp(disabled, "true")) {
        return oci_s3_keys_refuse(query, APR_ENOENT,
                                  "AWS_EC2_METADATA_DISABLED is true");
    }
    if (service.url[length - 1] == '/') {
        service.url = apr_pstrndup(query->pool, service.url, length - 1);
    }
    rv = ask_instance(&exchange, &service, "/latest/api/token", NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    token = exchange.data;
    if (!*token || strpbrk(token, "\r\n")) {
        return refuse(&service, APR_EACCES, "the answer has no token in it");
    }
    rv = ask_instance(&exchange, &service, ROLES_PATH, token);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    role = apr_pstrmemdup(query->pool, exchange.data,
                          strcspn(exchange.data, "\r\n"));
    if (!*role) {
        return refuse(&service, APR_EACCES, "the instance has no role");
    }
    rv = ask_instance(&exchange, &service,
                      apr_pstrcat(query->pool, ROLES_PATH,
                                  oci_s3_encode(role, 0, query->pool), NULL),
                      token);
    return rv == APR_SUCCESS ? read_json(keys, &exchange, &service) : rv;
}

/* Read credentials from the answer of STS. */
static apr_status_t read_sts(oci_s3_keys_t *keys,
                             const oci_s3_exchange_t *exchange,
                             const service_t *service)
{
    static const char *const path[] = { "AssumeRoleWithWebIdentityResult",
                                        "Credentials" };
    static const oci_s3_key_names_t names = { "AccessKeyId", "SecretAccessKey",
                                              "SessionToken" };
    apr_pool_t *pool = service->query->pool;
    const apr_xml_elem *element = NULL;
    int i;

    memset(keys, 0, sizeof(*keys));
    if (oci_s3_xml_parse(&element, exchange->data, exchange->size, pool)
        != APR_SUCCESS) {
        element = NULL;
    }
    for (i = 0; i < 2 && element; i++) {
        element = oci_s3_xml_child(element, path[i]);
    }
    if (element) {
        keys->id = oci_s3_xml_text(element, names.id, pool);
        keys->secret = oci_s3_xml_text(element, names.secret, pool);
        keys->token = oci_s3_xml_text(element, names.token, pool);
        keys->expires = oci_s3_xml_time(
            oci_s3_xml_text(element, "Expiration", pool));
    }
    return check_keys(keys, &names, service);
}

apr_status_t oci_s3_keys_of_web_identity(oci_s3_keys_t *keys,
                                         const oci_s3_key_query_t *query)
{
    const char *file = oci_s3_keys_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = oci_s3_keys_variable("AWS_ROLE_ARN");
    const char *session = oci_s3_keys_variable("AWS_ROLE_SESSION_NAME");
    const char *url = oci_s3_keys_variable("AWS_ENDPOINT_URL_STS");
    service_t service = { query, "STS", url };
    apr_table_t *form = apr_table_make(query->pool, 5);
    apr_table_t *headers = apr_table_make(query->pool, 1);
    oci_s3_exchange_t exchange = { .method = "POST" };
    struct iovec body;
    const char *why;
    apr_status_t rv;
    char *token;

    if (!file || !role) {
        return oci_s3_keys_refuse(query, APR_ENOENT,
                                  "the environment has no AWS_ROLE_ARN and "
                                  "AWS_WEB_IDENTITY_TOKEN_FILE");
    }
    if (!url) {
        service.url = apr_pstrcat(query->pool, "https://sts.",
                                  query->settings->region, ".amazonaws.com",
                                  NULL);
    }
    rv = oci_s3_keys_read_file(&token, &why, file, query->pool);
    if (rv != APR_SUCCESS) {
        return refuse(&service, APR_EACCES,
                      apr_psprintf(query->pool,
                                   "the file AWS_WEB_IDENTITY_TOKEN_FILE (%s) "
                                   "cannot be read: %s",
                                   file, why));
    }
    apr_table_setn(form, "Action", "AssumeRoleWithWebIdentity");
    apr_table_setn(form, "Version", "2011-06-15");
    apr_table_setn(form, "RoleArn", role);
    apr_table_setn(form, "RoleSessionName", session ? session : "mod_oci");
    apr_table_setn(form, "WebIdentityToken", token);
    body.iov_base = oci_s3_canonical_query(form, query->pool);
    body.iov_len = strlen(body.iov_base);
    apr_table_setn(headers, "Content-Type",
                   "application/x-www-form-urlencoded");
    exchange.url = apr_pstrcat(query->pool, service.url,
                               service.url[strlen(service.url) - 1] == '/'
                                   ? ""
                                   : "/",
                               NULL);
    exchange.headers = headers;
    exchange.body = &body;
    exchange.count = 1;
    rv = ask(&exchange, &service);
    return rv == APR_SUCCESS ? read_sts(keys, &exchange, &service) : rv;
}
