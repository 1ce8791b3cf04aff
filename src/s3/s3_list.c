/* SPDX-License-Identifier: Apache-2.0 */

/* Listing the objects of a bucket. */

#include <string.h>

#include "apr_escape.h"
#include "apr_strings.h"

#include "s3/s3_list.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"

const char *oci_s3_list_key(const apr_xml_elem *root, const apr_xml_elem *entry,
                            const char *name, apr_pool_t *pool)
{
    const char *encoding = oci_s3_xml_text(root, "EncodingType", pool);
    const char *text = oci_s3_xml_text(entry, name, pool);
    char *plain, *p;

    if (!text || !encoding || strcmp(encoding, "url")) {
        return text;
    }
    plain = apr_pstrdup(pool, text);
    for (p = plain; *p; p++) {
        if (*p == '+') {
            *p = ' ';
        }
    }
    return apr_punescape_url(pool, plain, NULL, NULL, 0);
}

/* Copy the entries of a document that were asked for: a server that ignores
 * start-after or prefix sends others, too.
 * prefix: of all keys of the store
 * Returns the last key behind list->after, without the prefix, or NULL. */
static const char *read_entries(oci_s3_listing_t *listing,
                                const apr_xml_elem *root, const char *prefix,
                                const oci_s3_list_t *list, apr_pool_t *pool)
{
    const apr_xml_elem *element = oci_s3_xml_child(root, "Contents");
    apr_size_t length = strlen(prefix);
    const char *last = NULL;

    for (; element; element = oci_s3_xml_next(element)) {
        const char *key = oci_s3_list_key(root, element, "Key", pool);
        const char *size = oci_s3_xml_text(element, "Size", pool);
        oci_s3_entry_t *entry;

        if (!key || !size || strncmp(key, prefix, length)
            || (list->after && strcmp(key + length, list->after) <= 0)) {
            continue;
        }
        last = key + length;
        if (strncmp(last, list->prefix, strlen(list->prefix))) {
            continue;
        }
        entry = apr_array_push(listing->entries);
        entry->key = last;
        entry->size = apr_atoi64(size);
        entry->etag = oci_s3_xml_text(element, "ETag", pool);
        entry->modified = oci_s3_xml_time(
            oci_s3_xml_text(element, "LastModified", pool));
    }
    return last;
}

apr_status_t oci_s3_list(oci_s3_listing_t *listing, const oci_s3_call_t *call,
                         const oci_s3_list_t *list, apr_pool_t *pool)
{
    const char *prefix = oci_s3_client_settings(call->client)->prefix;
    apr_table_t *query = apr_table_make(pool, 8);
    oci_s3_request_t request = { .method = "GET", .query = query };
    oci_s3_failure_t failure = {
        .settings = oci_s3_client_settings(call->client), .method = "GET (list)"
    };
    const apr_xml_elem *root;
    const char *last, *truncated;
    oci_s3_reply_t reply;
    apr_status_t rv;

    apr_table_setn(query, "list-type", "2");
    apr_table_setn(query, "encoding-type", "url");
    apr_table_setn(query, "max-keys", apr_itoa(pool, list->limit));
    apr_table_setn(query, "prefix",
                   apr_pstrcat(pool, prefix, list->prefix, NULL));
    if (list->after) {
        apr_table_setn(query, "start-after",
                       apr_pstrcat(pool, prefix, list->after, NULL));
    }
    rv = oci_s3_request(&reply, call, &request, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    listing->entries = apr_array_make(pool, 100, sizeof(oci_s3_entry_t));
    listing->next = NULL;
    if (oci_s3_xml_parse(&root, reply.data, reply.size, pool) != APR_SUCCESS
        || strcmp(root->name, "ListBucketResult")) {
        oci_s3_error_say(&failure, "the answer is not a listing", pool);
        return APR_EGENERAL;
    }
    last = read_entries(listing, root, prefix, list, pool);
    truncated = oci_s3_xml_text(root, "IsTruncated", pool);
    if (truncated && !strcmp(truncated, "true")) {
        if (!last) {
            oci_s3_error_say(&failure,
                             list->after && oci_s3_xml_child(root, "Contents")
                                 ? "the listing does not advance: the server "
                                   "ignores start-after"
                                 : "a page of the listing is empty",
                             pool);
            return APR_EGENERAL;
        }
        listing->next = last;
    }
    return APR_SUCCESS;
}
