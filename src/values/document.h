/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file document.h
 * @brief The JSON of a manifest or index (image-spec 1.1; Docker's image
 *        manifest version 2, schema 2)
 */

#ifndef OCI_DOCUMENT_H
#define OCI_DOCUMENT_H

#include "apr_pools.h"
#include "apr_tables.h"

/** A descriptor, as far as a registry looks into it. */
typedef struct oci_descriptor_t {
    const char *media_type;
    const char *digest; /* valid */
    apr_off_t size;     /* bytes, at least 0 */
} oci_descriptor_t;

typedef enum {
    OCI_CHILD_BLOB,     /* config or layer */
    OCI_CHILD_OPTIONAL, /* a layer that need not be distributed */
    OCI_CHILD_MANIFEST  /* of an index: a manifest, or else a blob */
} oci_child_e;

typedef struct oci_child_t {
    oci_child_e kind;
    oci_descriptor_t descriptor;
} oci_child_t;

typedef struct oci_document_t {
    const char *media_type;          /* as it will be served, no parameters */
    apr_array_header_t *children;    /* of oci_child_t, in their order */
    const oci_descriptor_t *subject; /* or NULL */
    const char *artifact_type;       /* what a referrer is listed with: its own,
                                      * or the config's media type; or NULL */
    const char *annotations;         /* a JSON object's text, or NULL */
} oci_document_t;

/**
 * Read a manifest and hold it against what the specification asks:
 *
 *  - one JSON object in UTF-8, in which no object has a member twice;
 *  - schemaVersion 2, which refuses Docker's schema 1 with a sentence;
 *  - either "config" and "layers" (an array, maybe empty), or "manifests"
 *    (likewise), never members of both; a media type that is known decides
 *    which of them it must be;
 *  - "mediaType", if it is there, equal to the Content-Type;
 *  - descriptors ("config", "layers", "manifests", "subject"): a media type
 *    by RFC 6838, a valid digest, a size from 0 up, "data" in base64 that
 *    has this size and digest, "urls" of strings, "annotations";
 *  - "annotations": strings to strings; "artifactType": a string without
 *    control characters;
 *  - a member whose value is null counts as absent, whatever its name;
 *  - unknown members and unknown media types of any form are fine.
 *
 * Besides what the document keeps, this takes at most four times the size of
 * the bytes in memory; both together at most eight times.
 *
 * @param document Set to what was found
 * @param content_type The request's Content-Type, parameters and all, or
 *        NULL: then "mediaType" must say it
 * @param data,size The bytes
 * @return NULL, or a sentence for the client that says what is wrong
 */
const char *oci_document_parse(oci_document_t **document,
                               const char *content_type, const char *data,
                               apr_size_t size, apr_pool_t *pool);

/**
 * The descriptor by which a document is listed as a referrer
 * (distribution-spec, "Listing Referrers"), as JSON text.
 * @param digest,size Of the document's bytes
 */
const char *oci_document_descriptor(const oci_document_t *document,
                                    const char *digest, apr_size_t size,
                                    apr_pool_t *pool);

#endif /* OCI_DOCUMENT_H */
