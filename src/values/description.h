/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file description.h
 * @brief What a manifest says of its children, beyond what a registry uses
 */

#ifndef OCI_DESCRIPTION_H
#define OCI_DESCRIPTION_H

#include "apr_pools.h"
#include "apr_tables.h"

#include "values/json_span.h"

typedef struct oci_description_t {
    const char *platform;      /* such as "linux/arm64/v8", not escaped; NULL if
                                  there is none */
    const char *platform_json; /* the text of a JSON object, or NULL */
    const char *annotations;   /* likewise */
    const char *artifact_type; /* not escaped; or NULL */
} oci_description_t;

/**
 * Read the descriptions of a manifest's children.
 * @param data,size The bytes of a manifest that oci_document_parse accepts
 * @param pool For the result
 * @return An array of oci_description_t, in the order of the document's
 *         children
 */
apr_array_header_t *oci_descriptions_read(const char *data, apr_size_t size,
                                          apr_pool_t *pool);

/**
 * Read the platform that the config of an image names, for people.
 * @param config A JSON value, as oci_json_check accepts it
 * @param pool For the result
 * @return Such as "linux/arm64/v8", not escaped; NULL if the config names
 *         neither a system nor an architecture
 */
const char *oci_platform_read(oci_span_t config, apr_pool_t *pool);

/** Called for a member of a JSON object, with its name and value as text. */
typedef void oci_member_visit_t(void *baton, const char *name,
                                const char *value, apr_pool_t *pool);

/**
 * Visit the members of a JSON object of strings, such as annotations.
 * @param json The text of the object, which is valid
 * @param limit The most members to visit
 * @return The number of members that were not visited
 */
apr_size_t oci_description_each(const char *json, apr_size_t limit,
                                oci_member_visit_t *visit, void *baton,
                                apr_pool_t *pool);

#endif /* OCI_DESCRIPTION_H */
