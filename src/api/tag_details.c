/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/_mod_oci/tags: the tags of a repository with what they name, for
 * pages and scripts. */

#include <string.h>

#include "http_protocol.h"
#include "apr_strings.h"

#include "api/config_text.h"
#include "api/endpoints.h"
#include "api/json_reply.h"
#include "api/list.h"
#include "api/manifest_details.h"
#include "api/reply.h"
#include "registry/image_size.h"
#include "registry/manifest.h"
#include "registry/pull_time.h"
#include "registry/tag.h"
#include "registry/tag_page.h"
#include "values/description.h"
#include "values/digest.h"
#include "values/document.h"

/* Tags on a page. */
#define LIMIT_DEFAULT 50
#define LIMIT_MAX     200

/* A repository with more tags is listed by name, because for the newest ones
 * all must be read. */
#define TAGS_BY_TIME 200000

/* What a request reads of manifests. */
#define MANIFESTS_MAX 2000
#define BYTES_MAX     (32 * 1024 * 1024)

/* The most platforms of a row, and the longest one in bytes. */
#define PLATFORMS_MAX 50
#define PLATFORM_MAX  200

/* A manifest, which several tags of a page may name.  What is not known is NULL
 * or 0. */
typedef struct content_t {
    const char *digest;
    const char *media_type;
    const char *artifact_type;
    oci_image_size_t size;
    apr_array_header_t *platforms; /* const char * */
    apr_int64_t pulled;            /* seconds since 1970 */
} content_t;

/* A page that is being made. */
typedef struct details_t {
    oci_request_t *request;
    oci_tag_page_t page;
    oci_tag_cursor_t after; /* for page */
    const char *text;       /* q, or NULL */
    int by_name;
    oci_reading_t reading;
    apr_array_header_t *contents; /* content_t * */
    oci_json_reply_t json;
    apr_pool_t *scratch; /* for one manifest */
} details_t;

static oci_error_t *refuse(const details_t *details, const char *name,
                           const char *expected)
{
    apr_pool_t *pool = details->request->r->pool;

    return oci_error_make(pool, OCI_E_REQUEST_INVALID, name,
                          apr_table_get(details->request->query, name), "%s",
                          expected);
}

/* Read n, sort, q and last. */
static oci_error_t *read_query(details_t *details)
{
    const apr_table_t *query = details->request->query;
    const char *sort = apr_table_get(query, "sort");
    oci_page_t given;

    if (oci_page_parse(&given, query) != APR_SUCCESS
        || (given.given && (given.limit < 1 || given.limit > LIMIT_MAX))) {
        return refuse(details, "n",
                      "n must be a number from 1 to " APR_STRINGIFY(LIMIT_MAX));
    }
    details->page.limit = given.given ? given.limit : LIMIT_DEFAULT;
    if (sort && strcmp(sort, "pushed") && strcmp(sort, "name")) {
        return refuse(details, "sort", "sort must be pushed or name");
    }
    /* the order by time would tell when a tag was pushed that may not be
     * pulled */
    details->by_name = (sort && !strcmp(sort, "name"))
        || details->request->splits_tags;
    details->text = apr_table_get(query, "q");
    details->page.contains = details->text && *details->text ? details->text
                                                             : NULL;
    if (!given.last) {
        return NULL;
    }
    details->page.after = &details->after;
    if (details->by_name && oci_tag_valid(given.last)) {
        apr_cpystrn(details->after.tag, given.last, sizeof(details->after.tag));
        return NULL;
    }
    return !details->by_name
            && oci_tag_cursor_parse(&details->after, given.last) == APR_SUCCESS
        ? NULL
        : refuse(details, "last",
                 "last must be the value from the Link header of the previous "
                 "page, with the same sort");
}

/* Find the page.  The first page decides about the order. */
static oci_error_t *find_page(details_t *details)
{
    const oci_repository_t *repository = &details->request->repository;
    apr_pool_t *pool = details->request->r->pool;
    oci_error_t *error;

    if (!details->by_name) {
        error = oci_tag_page_by_time(&details->page, repository,
                                     details->page.after ? 0 : TAGS_BY_TIME,
                                     pool);
        if (error || details->page.places) {
            return error;
        }
        details->by_name = 1;
    }
    return oci_tag_page_by_name(&details->page, repository, pool);
}

/* List the platforms of an index. */
static void add_platforms(content_t *content, const oci_manifest_t *manifest,
                          const details_t *details)
{
    apr_pool_t *pool = details->request->r->pool;
    apr_array_header_t *all = oci_descriptions_read(manifest->data,
                                                    manifest->size,
                                                    details->scratch);
    int i;

    content->platforms = apr_array_make(pool, 4, sizeof(const char *));
    for (i = 0; i < all->nelts && content->platforms->nelts < PLATFORMS_MAX;
         i++) {
        const char *platform = APR_ARRAY_IDX(all, i, oci_description_t)
                                   .platform;

        if (platform && strlen(platform) <= PLATFORM_MAX
            && strcmp(platform, "unknown/unknown")) {
            APR_ARRAY_PUSH(content->platforms,
                           const char *) = apr_pstrdup(pool, platform);
        }
    }
}

/* Add the platform of a single image, which its config names. */
static oci_error_t *add_platform(content_t *content,
                                 const oci_document_t *document,
                                 details_t *details)
{
    apr_pool_t *pool = details->request->r->pool;
    const oci_descriptor_t *config;
    const char *platform;
    oci_error_t *error;
    oci_span_t text;

    if (content->platforms->nelts || !document->children->nelts
        || details->reading.bytes <= 0) {
        return NULL;
    }
    config = &APR_ARRAY_IDX(document->children, 0, oci_child_t).descriptor;
    if (!oci_config_is_of_image(config->media_type)) {
        return NULL;
    }
    error = oci_config_text(&text, details->request, config, details->scratch);
    details->reading.bytes -= (apr_int64_t)text.size;
    platform = text.text ? oci_platform_read(text, pool) : NULL;
    if (platform && strlen(platform) <= PLATFORM_MAX) {
        APR_ARRAY_PUSH(content->platforms, const char *) = platform;
    }
    return error ? oci_details_step_over(details->request, error) : NULL;
}

/* Read what a manifest says. */
static oci_error_t *read_content(content_t *content, details_t *details)
{
    const oci_repository_t *repository = &details->request->repository;
    apr_pool_t *pool = details->request->r->pool;
    oci_manifest_t manifest = { 0 };
    oci_document_t *document;
    oci_error_t *error;

    content->size.incomplete = 1;
    if (!oci_reading_may_go_on(&details->reading, content->digest)) {
        return NULL;
    }
    error = oci_manifest_get(&manifest, repository, content->digest,
                             details->scratch);
    oci_reading_count(&details->reading, manifest.size);
    if (!error) {
        error = oci_pull_time_get(&content->pulled, repository, content->digest,
                                  details->scratch);
    }
    if (error) {
        return error;
    }
    content->media_type = apr_pstrdup(pool, manifest.media_type);
    if (oci_document_parse(&document, manifest.media_type, manifest.data,
                           manifest.size, details->scratch)) {
        return NULL;
    }
    content->artifact_type = apr_pstrdup(pool, document->artifact_type);
    add_platforms(content, &manifest, details);
    error = add_platform(content, document, details);
    if (error) {
        return error;
    }
    content->size.reading = &details->reading;
    return oci_image_size(&content->size, repository, &manifest, document,
                          details->scratch);
}

/* Find what a digest names, which an earlier row may have read. */
static oci_error_t *find_content(content_t **content, details_t *details,
                                 const char *digest)
{
    apr_pool_t *pool = details->request->r->pool;
    oci_error_t *error;
    int i;

    for (i = 0; i < details->contents->nelts; i++) {
        *content = APR_ARRAY_IDX(details->contents, i, content_t *);
        if (!strcmp((*content)->digest, digest)) {
            return NULL;
        }
    }
    *content = apr_pcalloc(pool, sizeof(**content));
    (*content)->digest = digest;
    APR_ARRAY_PUSH(details->contents, content_t *) = *content;
    error = oci_digest_valid(digest) ? read_content(*content, details) : NULL;
    error = error ? oci_details_step_over(details->request, error) : NULL;
    if (!error) {
        apr_pool_clear(details->scratch);
    }
    return error;
}

static void write_content(oci_json_reply_t *json, const content_t *content)
{
    int i;

    oci_json_string(json, "mediaType", content->media_type);
    oci_json_string(json, "artifactType", content->artifact_type);
    if (content->size.bytes) {
        oci_json_number(json, "size", content->size.bytes);
    }
    oci_json_true(json, "incomplete", content->size.incomplete);
    if (content->platforms && content->platforms->nelts) {
        oci_json_begin(json, "platforms", "[");
        for (i = 0; i < content->platforms->nelts; i++) {
            oci_json_string(json, NULL,
                            APR_ARRAY_IDX(content->platforms, i, const char *));
        }
        oci_json_end(json, "]");
    }
}

/* Write the row of a tag, unless it has gone.  A caller that may not pull the
 * tag sees its name, as in tags/list. */
static oci_error_t *write_row(details_t *details, const char *tag)
{
    oci_request_t *request = details->request;
    oci_json_reply_t *json = &details->json;
    content_t *content = NULL;
    oci_tag_t found;
    oci_error_t *error = oci_tag_get(&found, &request->repository, tag,
                                     request->r->pool);

    if (error && (error = oci_details_step_over(request, error))) {
        return error;
    }
    if (found.digest && request->may_get(request, "manifests", tag)
        && (error = find_content(&content, details, found.digest))) {
        return error;
    }
    if (!found.digest) {
        return NULL;
    }
    oci_json_begin(json, NULL, "{");
    oci_json_string(json, "tag", tag);
    if (content) {
        oci_json_string(json, "digest", content->digest);
        write_content(json, content);
        oci_json_time(json, "pushed", found.origin.seconds);
        oci_json_string(json, "user", found.origin.user);
        oci_json_time(json, "pulled", content->pulled);
    }
    oci_json_end(json, "}");
    return NULL;
}

static void link_next(const details_t *details)
{
    oci_request_t *request = details->request;
    apr_pool_t *pool = request->r->pool;
    const oci_tag_page_t *page = &details->page;
    const oci_tag_cursor_t *last = &APR_ARRAY_IDX(page->places,
                                                  page->places->nelts - 1,
                                                  oci_tag_cursor_t);
    const char *query = apr_psprintf(pool, "n=%d&sort=%s&last=%s", page->limit,
                                     details->by_name ? "name" : "pushed",
                                     details->by_name
                                         ? last->tag
                                         : oci_tag_cursor_format(last, pool));

    if (page->contains) {
        query = apr_pstrcat(pool, query,
                            "&q=", ap_escape_urlencoded(pool, page->contains),
                            NULL);
    }
    oci_reply_next(request,
                   apr_pstrcat(pool, request->route.name, "/_mod_oci/tags",
                               NULL),
                   query);
}

static oci_error_t *reply(details_t *details)
{
    oci_json_reply_t *json = &details->json;
    const oci_tag_page_t *page = &details->page;
    oci_error_t *error = NULL;
    int i;

    oci_json_reply_begin(json, details->request);
    oci_json_string(json, "name", details->request->route.name);
    oci_json_string(json, "sort", details->by_name ? "name" : "pushed");
    if (page->total >= 0) {
        oci_json_number(json, "total", page->total);
    }
    oci_json_begin(json, "tags", "[");
    for (i = 0; i < page->places->nelts && !error; i++) {
        error = write_row(details,
                          APR_ARRAY_IDX(page->places, i, oci_tag_cursor_t).tag);
    }
    if (error) {
        return error;
    }
    oci_json_end(json, "]");
    if (page->more) {
        link_next(details);
    }
    return oci_json_reply_send(json);
}

/* GET /v2/<name>/_mod_oci/tags?n=<n>&last=<place>&sort=<order>&q=<text> */
oci_error_t *oci_tag_details_get(oci_request_t *request)
{
    apr_pool_t *pool = request->r->pool;
    details_t details = { .request = request,
                          .reading = { MANIFESTS_MAX, BYTES_MAX,
                                       oci_details_may_read, request } };
    oci_error_t *error = request->check_get(request, "tags", "list");

    if (error || (error = read_query(&details))) {
        return error;
    }
    apr_pool_create(&details.scratch, pool);
    details.contents = apr_array_make(pool, LIMIT_DEFAULT, sizeof(content_t *));
    error = find_page(&details);
    return error ? error : reply(&details);
}
