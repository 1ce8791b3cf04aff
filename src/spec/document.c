/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include "spec/document.h"

#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "spec/digest.h"
#include "spec/json.h"

#define LETTERS_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
                       "abcdefghijklmnopqrstuvwxyz0123456789"

/* The longest part of a media type, in bytes (RFC 6838, 4.2). */
#define TYPE_PART_MAX 127

typedef enum {
    FORM_ANY,              /* an unknown media type: its members decide */
    FORM_IMAGE,            /* config and layers */
    FORM_INDEX,            /* manifests */
    FORM_SCHEMA1           /* Docker's oldest, which nobody stores any more */
} form_e;

static const struct {
    const char *media_type;
    form_e      form;
} known_types[] = {
    { "application/vnd.oci.image.manifest.v1+json", FORM_IMAGE },
    { "application/vnd.oci.image.index.v1+json", FORM_INDEX },
    { "application/vnd.docker.distribution.manifest.v2+json", FORM_IMAGE },
    { "application/vnd.docker.distribution.manifest.list.v2+json",
      FORM_INDEX },
    { "application/vnd.docker.distribution.manifest.v1+json", FORM_SCHEMA1 },
    { "application/vnd.docker.distribution.manifest.v1+prettyjws",
      FORM_SCHEMA1 },
};

/* Layers whose licence may forbid to distribute them. */
static const char *const optional_types[] = {
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

static form_e form_of(const char *media_type)
{
    apr_size_t i;

    for (i = 0; i < sizeof(known_types) / sizeof(*known_types); i++) {
        if (!strcasecmp(media_type, known_types[i].media_type)) {
            return known_types[i].form;
        }
    }
    return FORM_ANY;
}

static oci_child_e kind_of_layer(const char *media_type)
{
    apr_size_t i;

    for (i = 0; i < sizeof(optional_types) / sizeof(*optional_types); i++) {
        if (!strcasecmp(media_type, optional_types[i])) {
            return OCI_CHILD_OPTIONAL;
        }
    }
    return OCI_CHILD_BLOB;
}

/* The length of one part of a media type, or 0. */
static apr_size_t type_part_length(const char *text)
{
    apr_size_t length = strspn(text, LETTERS_DIGITS "!#$&-^_.+");

    return apr_isalnum(*text) && length <= TYPE_PART_MAX ? length : 0;
}

static int type_valid(const char *text)
{
    apr_size_t type = type_part_length(text), subtype;

    if (!type || text[type] != '/') {
        return 0;
    }
    text += type + 1;
    subtype = type_part_length(text);
    return subtype && !text[subtype];
}

/* A member that may be absent: some clients write null for that. */
static json_t *optional(const json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);

    return json_is_null(member) ? NULL : member;
}

/* Whether values, an object's or array's, are all strings. */
static int all_strings(json_t *values)
{
    const char *key;
    json_t *value;
    apr_size_t i;

    json_object_foreach (values, key, value) {
        if (!json_is_string(value)) {
            return 0;
        }
    }
    json_array_foreach (values, i, value) {
        if (!json_is_string(value)) {
            return 0;
        }
    }
    return 1;
}

static int annotations_valid(json_t *annotations)
{
    return !annotations
           || (json_is_object(annotations) && all_strings(annotations));
}

/* Whether text is the base64 of what a descriptor describes. */
static int data_valid(const char *text, const oci_descriptor_t *descriptor,
                      apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    apr_size_t digits = strspn(text, LETTERS_DIGITS "+/");
    apr_size_t size = digits / 4 * 3 + digits % 4 * 3 / 4;
    unsigned char *data;

    if (length % 4 || length - digits > 2
        || strspn(text + digits, "=") != length - digits
        || descriptor->size != (apr_off_t)size) {
        return 0;
    }
    data = apr_palloc(pool, length / 4 * 3 + 1);
    EVP_DecodeBlock(data, (const unsigned char *)text, (int)length);
    return !strcmp(oci_digest_of(oci_digest_algorithm(descriptor->digest),
                                 data, size, pool), descriptor->digest);
}

/* Read a descriptor.
 * @return NULL, or a problem to put behind the descriptor's name
 */
static const char *read_descriptor(oci_descriptor_t *descriptor,
                                   const json_t *json, apr_pool_t *pool)
{
    const char *type = json_string_value(json_object_get(json, "mediaType"));
    const char *digest = json_string_value(json_object_get(json, "digest"));
    const json_t *size = json_object_get(json, "size");
    const json_t *data = optional(json, "data");
    json_t *urls = optional(json, "urls");

    if (!json_is_object(json)) {
        return " is not an object";
    }
    if (!type || !type_valid(type)) {
        return ".mediaType is not a media type";
    }
    if (!digest || !oci_digest_valid(digest)) {
        return ".digest is not a valid sha256 or sha512 digest";
    }
    if (!json_is_integer(size) || json_integer_value(size) < 0) {
        return ".size is not a number of bytes";
    }
    if (urls && !(json_is_array(urls) && all_strings(urls))) {
        return ".urls is not an array of strings";
    }
    if (!annotations_valid(optional(json, "annotations"))) {
        return ".annotations is not an object of strings";
    }

    descriptor->media_type = apr_pstrdup(pool, type);
    descriptor->digest = apr_pstrdup(pool, digest);
    descriptor->size = (apr_off_t)json_integer_value(size);
    if (data && !(json_is_string(data)
                  && data_valid(json_string_value(data), descriptor, pool))) {
        return ".data is not the base64 of content with this digest and size";
    }
    return NULL;
}

/* Read the array of this name into children, whose kind it is. */
static const char *read_children(oci_document_t *document,
                                 const json_t *root, const char *name,
                                 oci_child_e kind, apr_pool_t *pool)
{
    const json_t *array = json_object_get(root, name);
    const json_t *json;
    apr_size_t i;

    if (!json_is_array(array)) {
        return apr_psprintf(pool, "%s is not an array", name);
    }
    json_array_foreach (array, i, json) {
        oci_child_t *child = apr_array_push(document->children);
        const char *problem = read_descriptor(&child->descriptor, json, pool);

        if (problem) {
            return apr_psprintf(pool, "%s[%" APR_SIZE_T_FMT "]%s", name, i,
                                problem);
        }
        child->kind = kind == OCI_CHILD_BLOB
                      ? kind_of_layer(child->descriptor.media_type) : kind;
    }
    return NULL;
}

static const char *read_image(oci_document_t *document, const json_t *root,
                              apr_pool_t *pool)
{
    oci_child_t *config = apr_array_push(document->children);
    const char *problem = read_descriptor(&config->descriptor,
                                          json_object_get(root, "config"),
                                          pool);

    if (problem) {
        return apr_pstrcat(pool, "config", problem, NULL);
    }
    config->kind = OCI_CHILD_BLOB;
    document->artifact_type = config->descriptor.media_type;
    return read_children(document, root, "layers", OCI_CHILD_BLOB, pool);
}

/* Read what the form asks for. */
static const char *read_content(oci_document_t *document, const json_t *root,
                                apr_pool_t *pool)
{
    form_e form = form_of(document->media_type);
    int image = json_object_get(root, "config")
                || json_object_get(root, "layers");
    int index = json_object_get(root, "manifests") != NULL;

    if (image && index) {
        return "a manifest has either config and layers or manifests, "
               "never both";
    }
    if (form == FORM_INDEX || (form == FORM_ANY && index)) {
        return read_children(document, root, "manifests", OCI_CHILD_MANIFEST,
                             pool);
    }
    if (form == FORM_IMAGE || image) {
        return read_image(document, root, pool);
    }
    return "a manifest has either config and layers or manifests";
}

/* Read what may stand in any form. */
static const char *read_common(oci_document_t *document, const json_t *root,
                               apr_pool_t *pool)
{
    json_t *annotations = optional(root, "annotations");
    const json_t *artifact = optional(root, "artifactType");
    const json_t *subject = optional(root, "subject");

    if (!annotations_valid(annotations)) {
        return "annotations is not an object of strings";
    }
    if (annotations) {
        document->annotations = oci_json_text(annotations, pool);
    }

    if (artifact) {
        const char *text = json_string_value(artifact);
        const char *p;

        for (p = text; p && *p && !apr_iscntrl(*p); p++);
        if (!p || *p) {
            return "artifactType is not a string without control characters";
        }
        if (*text) {
            document->artifact_type = apr_pstrdup(pool, text);
        }
    }

    if (subject) {
        oci_descriptor_t *descriptor = apr_palloc(pool, sizeof(*descriptor));
        const char *problem = read_descriptor(descriptor, subject, pool);

        if (problem) {
            return apr_pstrcat(pool, "subject", problem, NULL);
        }
        document->subject = descriptor;
    }
    return NULL;
}

/* A Content-Type without its parameters and the space around it. */
static const char *bare_type(const char *content_type, apr_pool_t *pool)
{
    apr_size_t length;

    content_type += strspn(content_type, " \t");
    length = strcspn(content_type, ";");
    while (length && apr_isspace(content_type[length - 1])) {
        length--;
    }
    return apr_pstrmemdup(pool, content_type, length);
}

/* Settle the media type, by "mediaType" and Content-Type. */
static const char *read_type(oci_document_t *document, const json_t *root,
                             const char *content_type, apr_pool_t *pool)
{
    const json_t *member = json_object_get(root, "mediaType");
    const char *inner = json_string_value(member);
    const char *outer = NULL;

    if (member && !(inner && type_valid(inner))) {
        return "mediaType is not a media type";
    }
    if (content_type) {
        outer = bare_type(content_type, pool);
        if (!type_valid(outer)) {
            return "the Content-Type is not a media type";
        }
    }
    if (!inner && !outer) {
        return "neither a Content-Type nor mediaType says what this is";
    }
    if (inner && outer && strcasecmp(inner, outer)) {
        return apr_psprintf(pool, "mediaType is %s, but the Content-Type is "
                            "%s", inner, outer);
    }
    document->media_type = inner ? apr_pstrdup(pool, inner) : outer;
    return NULL;
}

static const char *check_version(const oci_document_t *document,
                                 const json_t *root)
{
    const json_t *version = json_object_get(root, "schemaVersion");

    if (form_of(document->media_type) == FORM_SCHEMA1
        || json_integer_value(version) == 1) {
        return "Docker's image manifest schema 1 is not supported, push "
               "schema 2 or an OCI image";
    }
    if (json_integer_value(version) != 2) {
        return "schemaVersion is not 2";
    }
    return NULL;
}

static const char *read_document(oci_document_t *document,
                                 const json_t *root,
                                 const char *content_type, apr_pool_t *pool)
{
    const char *problem;

    if (!json_is_object(root)) {
        return "a manifest is a JSON object";
    }
    problem = read_type(document, root, content_type, pool);
    if (!problem) {
        problem = check_version(document, root);
    }
    if (!problem) {
        problem = read_content(document, root, pool);
    }
    return problem ? problem : read_common(document, root, pool);
}

const char *oci_document_parse(oci_document_t **document,
                               const char *content_type,
                               const char *data, apr_size_t size,
                               apr_pool_t *pool)
{
    json_error_t error;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    const char *problem;

    if (!root) {
        return apr_psprintf(pool, "a manifest is JSON, but in line %d: %s",
                            error.line, error.text);
    }
    *document = apr_pcalloc(pool, sizeof(**document));
    (*document)->children = apr_array_make(pool, 16, sizeof(oci_child_t));
    problem = read_document(*document, root, content_type, pool);
    json_decref(root);
    return problem;
}

const char *oci_document_descriptor(const oci_document_t *document,
                                    const char *digest, apr_size_t size,
                                    apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "{\"mediaType\":%s,\"digest\":%s,"
                                    "\"size\":%" APR_SIZE_T_FMT,
                                    oci_json_quote(document->media_type,
                                                   pool),
                                    oci_json_quote(digest, pool), size);

    if (document->artifact_type) {
        text = apr_pstrcat(pool, text, ",\"artifactType\":",
                           oci_json_quote(document->artifact_type, pool),
                           NULL);
    }
    if (document->annotations) {
        text = apr_pstrcat(pool, text, ",\"annotations\":",
                           document->annotations, NULL);
    }
    return apr_pstrcat(pool, text, "}", NULL);
}
