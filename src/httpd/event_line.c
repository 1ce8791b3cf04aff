/* SPDX-License-Identifier: Apache-2.0 */

/* The line of an event: JSON of our own, or a CloudEvent in JSON. */

#include "httpd.h"
#include "http_core.h"
#include "apr_strings.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "httpd/event_line.h"
#include "registry/random.h"
#include "values/json.h"
#include "values/query.h"
#include "values/timestamp.h"

/* The longest value of a member as JSON, in bytes: each line is then shorter
 * than OCI_EVENT_LINE_MAX. */
#define VALUE_MAX 420

static const char *const actions[] = {
    "blob.push", "blob.delete", "manifest.push",     "manifest.delete",
    "tag.push",  "tag.delete",  "repository.create", "repository.delete",
};

/* Write a value as JSON, and cut it if it is long. */
static const char *quote(const char *value, apr_pool_t *pool)
{
    const char *quoted = oci_json_quote(value, pool);
    apr_size_t kept = VALUE_MAX - 2; /* the quotes */

    while (strlen(quoted) > VALUE_MAX) {
        quoted = oci_json_quote(apr_pstrndup(pool, value, kept), pool);
        kept = (VALUE_MAX - 2) / 6; /* each byte became six at most */
    }
    return quoted;
}

/* Add a member to an object, unless its value is NULL. */
static void add_member(apr_array_header_t *object, const char *name,
                       const char *value)
{
    if (value) {
        APR_ARRAY_PUSH(object,
                       const char *) = apr_psprintf(object->pool, "\"%s\":%s",
                                                    name,
                                                    quote(value, object->pool));
    }
}

static const char *end_object(apr_array_header_t *object)
{
    return apr_pstrcat(object->pool, "{",
                       apr_array_pstrcat(object->pool, object, ','), "}", NULL);
}

static apr_array_header_t *begin_object(apr_pool_t *pool)
{
    return apr_array_make(pool, 20, sizeof(const char *));
}

/* RFC 3339, with milliseconds before the "Z". */
static const char *format_now(apr_pool_t *pool)
{
    apr_time_t now = apr_time_now();

    return apr_psprintf(pool, "%.19s.%03dZ",
                        oci_timestamp_format(apr_time_sec(now), pool),
                        (int)apr_time_msec(now));
}

/* A system without random bytes must not keep an event from the log. */
static const char *make_id(apr_pool_t *pool)
{
    const char *id;

    return oci_random_stamp(&id, pool)
        ? apr_psprintf(pool, "%" APR_TIME_T_FMT "-%" APR_PID_T_FMT,
                       apr_time_now(), getpid())
        : id;
}

/* Whether a blob came from another repository. */
static int is_mount(const request_rec *r)
{
    apr_table_t *query;

    return r && r->method_number == M_POST
        && oci_query_parse(&query, r->args, r->pool) == APR_SUCCESS
        && apr_table_get(query, "mount") && !apr_table_get(query, "digest");
}

static const char *action_of(const oci_event_t *event, const request_rec *r)
{
    return event->kind == OCI_EVENT_BLOB_ADDED && is_mount(r)
        ? "blob.mount"
        : actions[event->kind];
}

static void add_event(apr_array_header_t *object, const oci_event_t *event)
{
    add_member(object, "repository", event->repository);
    add_member(object, "tag", event->tag);
    add_member(object, "digest", event->digest);
    add_member(object, "previousDigest", event->previous);
    add_member(object, "mediaType", event->media_type);
    if (event->size >= 0) {
        APR_ARRAY_PUSH(object,
                       const char
                           *) = apr_psprintf(object->pool,
                                             "\"size\":%" APR_INT64_T_FMT,
                                             event->size);
    }
}

/* What is known of the caller. */
static void add_request(apr_array_header_t *object, request_rec *r)
{
    if (!r) {
        add_member(object, "by", "garbage collection");
        return;
    }
    add_member(object, "actor", r->user);
    add_member(object, "address", r->useragent_ip);
    add_member(object, "host", r->hostname);
    add_member(object, "method", r->method);
    add_member(object, "userAgent", apr_table_get(r->headers_in, "User-Agent"));
    add_member(object, "requestId",
               apr_table_get(r->subprocess_env, "UNIQUE_ID"));
}

static const char *subject_of(const oci_event_t *event, apr_pool_t *pool)
{
    const char *reference = event->tag ? event->tag : event->digest;

    return apr_pstrcat(pool, event->repository,
                       reference ? (event->tag ? ":" : "@") : NULL, reference,
                       NULL);
}

/* CloudEvents 1.0, JSON format: the event is the member "data". */
static const char *cloud_event(const oci_event_t *event, request_rec *r,
                               const server_rec *s, apr_pool_t *pool)
{
    apr_array_header_t *object = begin_object(pool);
    apr_array_header_t *data = begin_object(pool);
    const char *host = s->server_hostname;

    add_member(object, "specversion", "1.0");
    add_member(object, "id", make_id(pool));
    add_member(object, "source",
               apr_pstrcat(pool, "//", host ? host : "", "/v2/", NULL));
    add_member(object, "type",
               apr_pstrcat(pool, "mod_oci.", action_of(event, r), NULL));
    add_member(object, "time", format_now(pool));
    add_member(object, "subject", subject_of(event, pool));
    add_member(object, "datacontenttype", "application/json");
    add_event(data, event);
    add_request(data, r);
    APR_ARRAY_PUSH(object, const char *) = apr_pstrcat(pool, "\"data\":",
                                                       end_object(data), NULL);
    return end_object(object);
}

static const char *plain_event(const oci_event_t *event, request_rec *r,
                               apr_pool_t *pool)
{
    apr_array_header_t *object = begin_object(pool);

    add_member(object, "id", make_id(pool));
    add_member(object, "time", format_now(pool));
    add_member(object, "action", action_of(event, r));
    add_event(object, event);
    add_request(object, r);
    return end_object(object);
}

const char *oci_event_line(const oci_event_t *event, oci_event_format_e format,
                           request_rec *r, const server_rec *s,
                           apr_pool_t *pool)
{
    const char *text = format == OCI_EVENT_CLOUDEVENTS
        ? cloud_event(event, r, s, pool)
        : plain_event(event, r, pool);

    return apr_pstrcat(pool, text, "\n", NULL);
}
