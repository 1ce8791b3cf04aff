/* SPDX-License-Identifier: Apache-2.0 */

/* The images that index.json of a layout names. */

#include <string.h>

#include "apr_strings.h"

#include "admin/layout/layout_entries.h"
#include "admin/terminal.h"
#include "values/digest.h"
#include "values/json_span.h"
#include "values/name.h"

#define TYPE_INDEX "application/vnd.oci.image.index.v1+json"

int oci_layout_has_host(const char *name)
{
    apr_size_t length = strcspn(name, "/");

    return name[length]
        && (memchr(name, '.', length) || memchr(name, ':', length)
            || (length == 9 && !memcmp(name, "localhost", 9)));
}

/* Parse a reference.  Returns 1, or 0 if it is not valid, or has neither a tag
 * nor a digest. */
static int parse_reference(oci_layout_entry_t *entry, const char *text,
                           apr_pool_t *pool)
{
    char *name = apr_pstrdup(pool, text);
    char *digest = strchr(name, '@'), *slash, *tag;

    if (digest) {
        *digest++ = '\0';
    }
    if (oci_layout_has_host(name)) {
        name = strchr(name, '/') + 1;
    }
    slash = strrchr(name, '/');
    tag = strchr(slash ? slash : name, ':');
    if (tag) {
        *tag++ = '\0';
    }
    if (!oci_name_valid(name) || (!tag && !digest)
        || (tag && !oci_tag_valid(tag))
        || (digest && !oci_digest_valid(digest))) {
        return 0;
    }
    entry->name = name;
    entry->tag = tag;
    return 1;
}

/* Take the names in an entry's annotations. */
static void read_names(oci_layout_entry_t *entry, oci_span_t annotations,
                       apr_pool_t *pool)
{
    static const char *const names[] = { OCI_LAYOUT_REF_NAME,
                                         "io.containerd.image.name" };
    oci_span_t values[2];
    const char *ref, *image;

    oci_span_members(values, annotations, names, 2);
    ref = oci_span_text(values[0], pool);
    image = oci_span_text(values[1], pool);
    if (ref && !oci_tag_valid(ref)) {
        entry->wrong = parse_reference(entry, ref, pool) ? NULL : ref;
        return;
    }
    if (image) {
        parse_reference(entry, image, pool);
    }
    if (ref) {
        entry->tag = ref;
    }
}

const char *oci_layout_entries(apr_array_header_t **entries,
                               const oci_layout_t *layout, apr_pool_t *pool)
{
    static const char *const manifests = "manifests";
    static const char *const annotations = "annotations";
    oci_document_t *document;
    oci_span_t list, value, names;
    oci_walk_t walk;
    const char *data, *error;
    apr_size_t size;
    int i;

    if ((error = oci_layout_index(&data, &size, layout))) {
        return error;
    }
    error = oci_document_parse(&document, TYPE_INDEX, data, size, pool);
    if (error) {
        return apr_psprintf(pool,
                            "%s is not an OCI image layout: index.json in it "
                            "is not valid: %s",
                            oci_layout_path(layout),
                            oci_terminal_text(error, pool));
    }
    oci_span_members(&list, oci_span_of(data, size), &manifests, 1);
    walk = oci_walk_begin(list);
    *entries = apr_array_make(pool, document->children->nelts + 1,
                              sizeof(oci_layout_entry_t));
    for (i = 0; oci_walk_element(&value, &walk); i++) {
        oci_layout_entry_t *entry = apr_array_push(*entries);

        memset(entry, 0, sizeof(*entry));
        entry->descriptor = APR_ARRAY_IDX(document->children, i, oci_child_t)
                                .descriptor;
        oci_span_members(&names, value, &annotations, 1);
        read_names(entry, names, pool);
    }
    return NULL;
}
