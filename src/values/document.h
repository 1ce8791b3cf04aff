/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file document.h
 * @brief Parsing a manifest or index (image-spec 1.1; Docker's image manifest
 *        version 2, schema 2)
 */

#ifndef OCI_DOCUMENT_H
#define OCI_DOCUMENT_H

#include "apr_pools.h"
#include "apr_tables.h"

/** The members of a descriptor that a registry uses. */
typedef struct oci_descriptor_t {
    const char *media_type;
    const char *digest; /* valid */
    apr_off_t size;     /* bytes, at least 0 */
} oci_descriptor_t;

typedef enum {
    OCI_CHILD_BLOB,     /* config or layer */
    OCI_CHILD_OPTIONAL, /* a layer that need not be in the registry */
    OCI_CHILD_MANIFEST  /* of an index: a manifest, otherwise a blob */
} oci_child_e;

typedef struct oci_child_t {
    oci_child_e kind;
    oci_descriptor_t descriptor;
} oci_child_t;

typedef struct oci_document_t {
    const char *media_type;          /* to be served, without parameters */
    apr_array_header_t *children;    /* of oci_child_t, in their order */
    const oci_descriptor_t *subject; /* or NULL */
    const char *artifact_type;       /* for the list of referrers: its own, or
                                      * the config's media type; or NULL */
    const char *annotations;         /* the text of a JSON object, or NULL */
} oci_document_t;

/**
 * Parse a manifest or index, and check what the specification requires:
 *
 *  - it is one JSON object in UTF-8, and no object in it has two members with
 *    the same name;
 *  - schemaVersion is 2; Docker's schema 1 is refused with its own message;
 *  - it has either "config" and "layers", or "manifests", and not members of
 *    both; "layers" and "manifests" are arrays, maybe empty; if the media type
 *    is known, it decides between the two;
 *  - "mediaType", if present, equals the Content-Type;
 *  - each descriptor ("config", "layers", "manifests", "subject") has a media
 *    type (RFC 6838), a valid digest, and a size of 0 or more; if present,
 *    "data" is base64 with this size and digest, "urls" is an array of strings,
 *    and "annotations" is as below;
 *  - "annotations", if present, is an object of strings, and "artifactType" a
 *    string without control characters.
 *
 * A member whose value is null counts as absent.  Unknown members and unknown
 * media types are accepted.
 *
 * In addition to the document, this needs at most four times the size of the
 * bytes in memory; both together need at most eight times.
 *
 * @param document Set to the document, which lives in pool
 * @param content_type The request's Content-Type with its parameters; NULL if
 *        it has none: then "mediaType" is required
 * @param data,size The bytes
 * @return NULL, or a sentence for the client that says what is wrong
 */
const char *oci_document_parse(oci_document_t **document,
                               const char *content_type, const char *data,
                               apr_size_t size, apr_pool_t *pool);

/**
 * Make the descriptor of a document in a list of referrers (distribution-spec,
 * "Listing Referrers").
 * @param digest,size The digest and the size of the document's bytes
 * @return The text of a JSON object
 */
const char *oci_document_descriptor(const oci_document_t *document,
                                    const char *digest, apr_size_t size,
                                    apr_pool_t *pool);

#endif /* OCI_DOCUMENT_H */
