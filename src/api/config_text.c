/* SPDX-License-Identifier: Apache-2.0 */

/* The config of an image or a Helm chart, for details. */

#include <string.h>

#include "api/config_text.h"
#include "registry/blob_source.h"
#include "values/json_check.h"

/* The first ones are those of images. */
static const char *const types[] = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.cncf.helm.config.v1+json",
};
#define TYPES  (int)(sizeof(types) / sizeof(types[0]))
#define IMAGES 2

/* Return the number of a media type, TYPES if it is another one. */
static int number_of(const char *media_type)
{
    int i = media_type ? 0 : TYPES;

    while (i < TYPES && strcmp(media_type, types[i])) {
        i++;
    }
    return i;
}

int oci_config_is_of_image(const char *media_type)
{
    return number_of(media_type) < IMAGES;
}

/* Read the bytes of a blob.
 * *bytes: set to them; NULL if they are too many
 * blob: its digest is given */
static oci_error_t *read_blob(char **bytes, oci_blob_t *blob,
                              const oci_request_t *request, apr_pool_t *pool)
{
    oci_blob_source_t source = { 0 };
    apr_size_t length = 1, read;
    oci_error_t *error = oci_blob_open(&source, blob, &request->repository, 0,
                                       pool);
    apr_status_t rv = APR_SUCCESS;

    *bytes = NULL;
    if (error || blob->size > OCI_CONFIG_TEXT_MAX) {
        return error;
    }
    *bytes = apr_palloc(pool, blob->size + 1);
    for (read = 0; rv == APR_SUCCESS && length; read += length) {
        length = blob->size + 1 - read;
        rv = oci_blob_source_read(&source, read, *bytes + read, &length);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read the blob %s",
                                 blob->digest);
    }
    return NULL;
}

oci_error_t *oci_config_text(oci_span_t *text, oci_request_t *request,
                             const oci_descriptor_t *config, apr_pool_t *pool)
{
    oci_blob_t blob = { 0 };
    oci_error_t *error;
    char *bytes;

    text->text = NULL;
    text->size = 0;
    if (number_of(config->media_type) == TYPES
        || config->size > OCI_CONFIG_TEXT_MAX
        || !request->may_get(request, "blobs", config->digest)) {
        return NULL;
    }
    blob.digest = config->digest;
    error = read_blob(&bytes, &blob, request, pool);
    if (!error && bytes && !oci_json_check(bytes, blob.size, pool)) {
        *text = oci_span_of(bytes, blob.size);
    }
    return error;
}
