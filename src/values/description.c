/* SPDX-License-Identifier: Apache-2.0 */

/* What a manifest says of its children, beyond what a registry uses. */

#include <string.h>

#include "apr_strings.h"

#include "values/description.h"
#include "values/json_span.h"

/* Return the text of a string.  If it has characters that a C string cannot
 * have, its JSON; NULL if it is not a string. */
static const char *text_of(oci_span_t span, apr_pool_t *pool)
{
    const char *text = oci_span_text(span, pool);

    return text || !oci_span_is_string(span)
        ? text
        : apr_pstrmemdup(pool, span.text, span.size);
}

/* Write a platform for people: os/architecture/variant, and the version. */
static const char *format_platform(oci_span_t platform, apr_pool_t *pool)
{
    enum { OS, ARCHITECTURE, VARIANT, VERSION, COUNT };
    static const char *const names[COUNT] = { "os", "architecture", "variant",
                                              "os.version" };
    oci_span_t members[COUNT];
    const char *texts[COUNT];
    int i;

    oci_span_members(members, platform, names, COUNT);
    for (i = 0; i < COUNT; i++) {
        texts[i] = text_of(members[i], pool);
        texts[i] = texts[i] && *texts[i] ? texts[i] : NULL;
    }
    return apr_pstrcat(pool, texts[OS] ? texts[OS] : "?", "/",
                       texts[ARCHITECTURE] ? texts[ARCHITECTURE] : "?",
                       texts[VARIANT] ? "/" : "",
                       texts[VARIANT] ? texts[VARIANT] : "",
                       texts[VERSION] ? " " : "",
                       texts[VERSION] ? texts[VERSION] : "", NULL);
}

const char *oci_platform_read(oci_span_t config, apr_pool_t *pool)
{
    const char *platform = format_platform(config, pool);

    return strncmp(platform, "?/?", 3) ? platform : NULL;
}

static void add(apr_array_header_t *descriptions, oci_span_t descriptor)
{
    enum { PLATFORM, ANNOTATIONS, TYPE, COUNT };
    static const char *const names[COUNT] = { "platform", "annotations",
                                              "artifactType" };
    apr_pool_t *pool = descriptions->pool;
    oci_description_t *added = apr_array_push(descriptions);
    oci_span_t members[COUNT];

    memset(added, 0, sizeof(*added));
    oci_span_members(members, descriptor, names, COUNT);
    if (oci_span_is_object(members[PLATFORM])) {
        added->platform = format_platform(members[PLATFORM], pool);
        added->platform_json = oci_span_compact(members[PLATFORM], pool);
    }
    if (members[ANNOTATIONS].text) {
        added->annotations = oci_span_compact(members[ANNOTATIONS], pool);
    }
    added->artifact_type = oci_span_text(members[TYPE], pool);
}

apr_array_header_t *oci_descriptions_read(const char *data, apr_size_t size,
                                          apr_pool_t *pool)
{
    enum { CONFIG, LAYERS, MANIFESTS, COUNT };
    static const char *const names[COUNT] = { "config", "layers", "manifests" };
    apr_array_header_t *descriptions = apr_array_make(pool, 8,
                                                      sizeof(
                                                          oci_description_t));
    oci_span_t members[COUNT], list, element;
    oci_walk_t walk;

    oci_span_members(members, oci_span_of(data, size), names, COUNT);
    if (members[CONFIG].text) {
        add(descriptions, members[CONFIG]);
    }
    list = members[MANIFESTS].text ? members[MANIFESTS] : members[LAYERS];
    if (oci_span_is_array(list)) {
        walk = oci_walk_begin(list);
        while (oci_walk_element(&element, &walk)) {
            add(descriptions, element);
        }
    }
    return descriptions;
}

apr_size_t oci_description_each(const char *json, apr_size_t limit,
                                oci_member_visit_t *visit, void *baton,
                                apr_pool_t *pool)
{
    oci_walk_t walk = oci_walk_begin(oci_span_of(json, strlen(json)));
    oci_span_t name, value;
    apr_size_t count;

    for (count = 0; oci_walk_member(&name, &value, &walk); count++) {
        if (count < limit) {
            visit(baton, text_of(name, pool), text_of(value, pool), pool);
        }
    }
    return count > limit ? count - limit : 0;
}
