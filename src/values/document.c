/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing a manifest or index (image-spec 1.1; Docker's image manifest version
 * 2, schema 2). */

#include "values/document.h"

#include <string.h>

#include <openssl/evp.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "values/digest.h"
#include "values/json.h"
#include "values/json_check.h"
#include "values/json_span.h"

#define LETTERS_DIGITS           \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "abcdefghijklmnopqrstuvwxyz0123456789"

/* The characters of a token (RFC 9110, 5.6.2). */
#define TOKEN LETTERS_DIGITS "!#$%&'*+-.^_`|~"

/* The longest part of a media type, in bytes (RFC 6838, 4.2). */
#define TYPE_PART_MAX 127

typedef enum {
    FORM_ANY,      /* an unknown media type: the members decide */
    FORM_IMAGE,    /* config and layers */
    FORM_INDEX,    /* manifests */
    FORM_ARTIFACT, /* the artifact manifest, which was withdrawn: refused */
    FORM_SCHEMA1   /* Docker's obsolete schema 1, which is refused */
} form_e;

/* The members of a manifest that are read. */
enum {
    SCHEMA_VERSION,
    MEDIA_TYPE,
    CONFIG,
    LAYERS,
    MANIFESTS,
    SUBJECT,
    ANNOTATIONS,
    ARTIFACT_TYPE,
    MEMBERS
};

static const char *const member_names[MEMBERS] = {
    "schemaVersion", "mediaType", "config",      "layers",
    "manifests",     "subject",   "annotations", "artifactType",
};

static const struct {
    const char *media_type;
    form_e form;
} known_types[] = {
    { "application/vnd.oci.image.manifest.v1+json", FORM_IMAGE },
    { "application/vnd.oci.image.index.v1+json", FORM_INDEX },
    { "application/vnd.docker.distribution.manifest.v2+json", FORM_IMAGE },
    { "application/vnd.docker.distribution.manifest.list.v2+json", FORM_INDEX },
    { "application/vnd.oci.artifact.manifest.v1+json", FORM_ARTIFACT },
    { "application/vnd.docker.distribution.manifest.v1+json", FORM_SCHEMA1 },
    { "application/vnd.docker.distribution.manifest.v1+prettyjws",
      FORM_SCHEMA1 },
};

/* Layers that need not be in the registry, because their licence may forbid to
 * distribute them. */
static const char *const optional_types[] = {
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

static form_e form_of_type(const char *media_type)
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

/* Return the length of one part of a media type, 0 if it is not valid. */
static apr_size_t type_part_length(const char *text)
{
    apr_size_t length = strspn(text, LETTERS_DIGITS "!#$&-^_.+");

    return apr_isalnum(*text) && length <= TYPE_PART_MAX ? length : 0;
}

/* Return the length of "type/subtype", 0 if it is not valid. */
static apr_size_t bare_type_length(const char *text)
{
    apr_size_t type = type_part_length(text), subtype;

    if (!type || text[type] != '/') {
        return 0;
    }
    subtype = type_part_length(text + type + 1);
    return subtype ? type + 1 + subtype : 0;
}

/* Whether a text is a media type without parameters. */
static int is_bare_type(const char *text)
{
    apr_size_t length = bare_type_length(text);

    return length && !text[length];
}

/* Return the length of a parameter's value, which is a token or quoted; 0 if it
 * is not valid. */
static apr_size_t value_length(const char *text)
{
    apr_size_t i;

    if (*text != '"') {
        return strspn(text, TOKEN);
    }
    for (i = 1; text[i] && text[i] != '"'; i++) {
        if (text[i] == '\\' && !text[++i]) {
            return 0;
        }
        if (apr_iscntrl(text[i]) && text[i] != '\t') {
            return 0;
        }
    }
    return text[i] ? i + 1 : 0;
}

/* Whether a text is a media type, with or without parameters:
 * *( OWS ";" OWS [ token "=" ( token / quoted-string ) ] ) (RFC 9110, 5.6.6) */
static int is_type(const char *text)
{
    apr_size_t length = bare_type_length(text);

    if (!length) {
        return 0;
    }
    for (text += length; *text; text += length) {
        text += strspn(text, " \t");
        if (*text++ != ';') {
            return 0;
        }
        text += strspn(text, " \t");
        length = strspn(text, TOKEN);
        if (!length) {
            continue;
        }
        text += length;
        if (*text++ != '=' || !(length = value_length(text))) {
            return 0;
        }
    }
    return 1;
}

/* Whether annotations are absent or valid. */
static int annotations_valid(oci_span_t annotations)
{
    return !annotations.text
        || (oci_span_is_object(annotations)
            && oci_span_all_strings(annotations));
}

/* Whether urls are absent or valid. */
static int urls_valid(oci_span_t urls)
{
    return !urls.text
        || (oci_span_is_array(urls) && oci_span_all_strings(urls));
}

/* Whether a string is the base64 of content with the descriptor's size and
 * digest. */
static int data_valid(oci_span_t string, const oci_descriptor_t *descriptor,
                      apr_pool_t *pool)
{
    const char *text = oci_span_text(string, pool);
    apr_size_t length = text ? strlen(text) : 0;
    apr_size_t digits = text ? strspn(text, LETTERS_DIGITS "+/") : 0;
    apr_size_t size = digits / 4 * 3 + digits % 4 * 3 / 4;
    unsigned char *data;

    if (!text || length % 4 || length - digits > 2
        || strspn(text + digits, "=") != length - digits
        || descriptor->size != (apr_off_t)size) {
        return 0;
    }
    data = apr_palloc(pool, length / 4 * 3 + 1);
    EVP_DecodeBlock(data, (const unsigned char *)text, (int)length);
    return !strcmp(oci_digest_of(oci_digest_algorithm(descriptor->digest), data,
                                 size, pool),
                   descriptor->digest);
}

/* Read a descriptor.
 * @return NULL, or a problem, as the text to follow the descriptor's name
 */
static const char *read_descriptor(oci_descriptor_t *descriptor,
                                   oci_span_t json, apr_pool_t *pool)
{
    enum { TYPE, DIGEST, SIZE, DATA, URLS, NOTES, COUNT };
    static const char *const names[COUNT] = {
        "mediaType", "digest", "size", "data", "urls", "annotations",
    };
    oci_span_t members[COUNT];
    const char *type, *digest;
    apr_int64_t size;

    if (!oci_span_is_object(json)) {
        return " is not an object";
    }
    oci_span_members(members, json, names, COUNT);
    type = oci_span_text(members[TYPE], pool);
    if (!type || !is_type(type)) {
        return ".mediaType is not a media type";
    }
    digest = oci_span_text(members[DIGEST], pool);
    if (!digest || !oci_digest_valid(digest)) {
        return ".digest is not a valid sha256 or sha512 digest";
    }
    if (!oci_span_integer(&size, members[SIZE]) || size < 0) {
        return ".size is not a number of bytes, 0 or more";
    }
    if (!urls_valid(members[URLS])) {
        return ".urls is not an array of strings";
    }
    if (!annotations_valid(members[NOTES])) {
        return ".annotations is not an object of strings";
    }

    descriptor->media_type = type;
    descriptor->digest = digest;
    descriptor->size = (apr_off_t)size;
    if (members[DATA].text && !data_valid(members[DATA], descriptor, pool)) {
        return ".data is not the base64 of content with this digest and size";
    }
    return NULL;
}

/* Add the descriptors of an array to the document's children.
 * @param name The name of the array, for messages
 * @param kind The kind of its children */
static const char *read_children(oci_document_t *document, oci_span_t array,
                                 const char *name, oci_child_e kind,
                                 apr_pool_t *pool)
{
    oci_walk_t walk;
    oci_span_t json;
    apr_size_t i;

    if (!oci_span_is_array(array)) {
        return apr_psprintf(pool, "%s is not an array", name);
    }
    walk = oci_walk_begin(array);
    for (i = 0; oci_walk_element(&json, &walk); i++) {
        oci_child_t *child = apr_array_push(document->children);
        const char *problem = read_descriptor(&child->descriptor, json, pool);

        if (problem) {
            return apr_psprintf(pool, "%s[%" APR_SIZE_T_FMT "]%s", name, i,
                                problem);
        }
        child->kind = kind == OCI_CHILD_BLOB
            ? kind_of_layer(child->descriptor.media_type)
            : kind;
    }
    return NULL;
}

static const char *read_image(oci_document_t *document,
                              const oci_span_t *members, apr_pool_t *pool)
{
    oci_child_t *config = apr_array_push(document->children);
    const char *problem = read_descriptor(&config->descriptor, members[CONFIG],
                                          pool);

    if (problem) {
        return apr_pstrcat(pool, "config", problem, NULL);
    }
    config->kind = OCI_CHILD_BLOB;
    document->artifact_type = config->descriptor.media_type;
    return read_children(document, members[LAYERS], "layers", OCI_CHILD_BLOB,
                         pool);
}

/* Read the children, from the members that the form requires. */
static const char *read_children_of_form(oci_document_t *document,
                                         const oci_span_t *members,
                                         apr_pool_t *pool)
{
    form_e form = form_of_type(document->media_type);
    int image = members[CONFIG].text || members[LAYERS].text;
    int index = members[MANIFESTS].text != NULL;

    if (image && index) {
        return "a manifest must have either config and layers or manifests, "
               "not both";
    }
    if (form == FORM_INDEX || (form == FORM_ANY && index)) {
        return read_children(document, members[MANIFESTS], "manifests",
                             OCI_CHILD_MANIFEST, pool);
    }
    if (form == FORM_IMAGE || image) {
        return read_image(document, members, pool);
    }
    return "a manifest must have either config and layers or manifests";
}

/* Read the members that every form may have. */
static const char *read_common_members(oci_document_t *document,
                                       const oci_span_t *members,
                                       apr_pool_t *pool)
{
    if (!annotations_valid(members[ANNOTATIONS])) {
        return "annotations is not an object of strings";
    }
    if (members[ANNOTATIONS].text) {
        document->annotations = oci_span_compact(members[ANNOTATIONS], pool);
    }

    if (members[ARTIFACT_TYPE].text) {
        const char *text = oci_span_text(members[ARTIFACT_TYPE], pool);
        const char *p;

        for (p = text; p && *p && !apr_iscntrl(*p); p++)
            ;
        if (!p || *p) {
            return "artifactType must be a string without control characters";
        }
        if (*text) {
            document->artifact_type = text;
        }
    }

    if (members[SUBJECT].text) {
        oci_descriptor_t *descriptor = apr_palloc(pool, sizeof(*descriptor));
        const char *problem = read_descriptor(descriptor, members[SUBJECT],
                                              pool);

        if (problem) {
            return apr_pstrcat(pool, "subject", problem, NULL);
        }
        document->subject = descriptor;
    }
    return NULL;
}

/* Return a Content-Type without its parameters and surrounding spaces. */
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

/* Find out the media type from "mediaType" (declared) and from the Content-Type
 * (sent). */
static const char *read_type(oci_document_t *document, oci_span_t member,
                             const char *content_type, apr_pool_t *pool)
{
    const char *declared = oci_span_text(member, pool);
    const char *sent = NULL;

    if (member.text && !(declared && is_bare_type(declared))) {
        return "mediaType is not a media type";
    }
    if (content_type) {
        sent = bare_type(content_type, pool);
        if (!is_bare_type(sent)) {
            return "the Content-Type is not a media type";
        }
    }
    if (!declared && !sent) {
        return "the media type is missing: send a Content-Type, or set "
               "mediaType";
    }
    if (declared && sent && strcasecmp(declared, sent)) {
        return apr_psprintf(pool, "mediaType is %s, but the Content-Type is %s",
                            declared, sent);
    }
    document->media_type = declared ? declared : sent;
    return NULL;
}

static const char *check_version(const oci_document_t *document,
                                 oci_span_t member)
{
    apr_int64_t version;

    if (!oci_span_integer(&version, member)) {
        version = 0;
    }
    if (form_of_type(document->media_type) == FORM_ARTIFACT) {
        return "the artifact manifest was withdrawn from the specification "
               "and is not supported; push an OCI image with artifactType";
    }
    if (form_of_type(document->media_type) == FORM_SCHEMA1 || version == 1) {
        return "Docker's image manifest schema 1 is not supported; push "
               "schema 2 or an OCI image";
    }
    return version == 2 ? NULL : "schemaVersion is not 2";
}

static const char *read_document(oci_document_t *document, oci_span_t root,
                                 const char *content_type, apr_pool_t *pool)
{
    oci_span_t members[MEMBERS];
    const char *problem;

    if (!oci_span_is_object(root)) {
        return "a manifest is a JSON object";
    }
    oci_span_members(members, root, member_names, MEMBERS);
    problem = read_type(document, members[MEDIA_TYPE], content_type, pool);
    if (!problem) {
        problem = check_version(document, members[SCHEMA_VERSION]);
    }
    if (!problem) {
        problem = read_children_of_form(document, members, pool);
    }
    return problem ? problem : read_common_members(document, members, pool);
}

const char *oci_document_parse(oci_document_t **document,
                               const char *content_type, const char *data,
                               apr_size_t size, apr_pool_t *pool)
{
    const char *problem = oci_json_check(data, size, pool);

    if (problem) {
        return apr_pstrcat(pool, "the manifest is not valid JSON: ", problem,
                           NULL);
    }
    *document = apr_pcalloc(pool, sizeof(**document));
    (*document)->children = apr_array_make(pool, 16, sizeof(oci_child_t));
    return read_document(*document, oci_span_of(data, size), content_type,
                         pool);
}

const char *oci_document_descriptor(const oci_document_t *document,
                                    const char *digest, apr_size_t size,
                                    apr_pool_t *pool)
{
    const char *type = document->artifact_type;
    const char *annotations = document->annotations;
    const char *head = apr_psprintf(pool,
                                    "{\"mediaType\":%s,\"digest\":%s,"
                                    "\"size\":%" APR_SIZE_T_FMT,
                                    oci_json_quote(document->media_type, pool),
                                    oci_json_quote(digest, pool), size);

    return apr_pstrcat(pool, head, type ? ",\"artifactType\":" : "",
                       type ? oci_json_quote(type, pool) : "",
                       annotations ? ",\"annotations\":" : "",
                       annotations ? annotations : "", "}", NULL);
}
