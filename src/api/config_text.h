/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file config_text.h
 * @brief The config of an image or a Helm chart, for details
 */

#ifndef OCI_CONFIG_TEXT_H
#define OCI_CONFIG_TEXT_H

#include "api/request.h"
#include "values/document.h"
#include "values/json_span.h"

/** The largest config that is read, in bytes. */
#define OCI_CONFIG_TEXT_MAX (256 * 1024)

/**
 * Read a config that is JSON.
 * @param text Set to it; its text is NULL if the media type is not that of an
 *        image or a Helm chart, if the caller may not pull the blob, if it is
 *        too large or not JSON, or if the blob store does not have it in a file
 * @param config The descriptor of the config
 * @param pool For the result
 * @return As oci_blob_open; a storage error
 */
oci_error_t *oci_config_text(oci_span_t *text, oci_request_t *request,
                             const oci_descriptor_t *config, apr_pool_t *pool);

/** Return 1 if this is the media type of an image's config, otherwise 0. */
int oci_config_is_of_image(const char *media_type);

#endif /* OCI_CONFIG_TEXT_H */
