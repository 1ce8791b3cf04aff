/* SPDX-License-Identifier: Apache-2.0 */

/* Parses the command-line arguments that name an index or a blob store. */

#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"

#include "admin/named_index.h"
#include "admin/providers.h"
#include "values/digest.h"

#define BLANKS " \t"

/* Return the location without quotes, or NULL if there is none. */
static const char *location_of(const char *text, apr_pool_t *pool)
{
    apr_size_t length;

    text += strspn(text, BLANKS);
    length = strlen(text);
    if (length > 1 && (*text == '"' || *text == '\'')
        && text[length - 1] == *text) {
        return apr_pstrmemdup(pool, text + 1, length - 2);
    }
    return length ? text : NULL;
}

/* A provider whose index is a file or a directory sets `where` to its absolute
 * path; the other providers do not begin it with a slash. */
int oci_named_index_has_path(const oci_named_index_t *named)
{
    return named->index->where[0] == '/';
}

/* Connection parameters may contain a password, so that neither name shows
 * them: the id has a hash instead. */
static void set_names(oci_named_index_t *named, const char *provider_type,
                      const char *location, apr_pool_t *pool)
{
    const char *where = named->index->where;

    if (oci_named_index_has_path(named)) {
        named->name = apr_pstrcat(pool, provider_type, " ", where, NULL);
        named->id = named->name;
        return;
    }
    location = location ? location : "";
    named->name = provider_type;
    named->id = apr_psprintf(pool, "%s (%.8s)", provider_type,
                             strchr(oci_digest_of(OCI_SHA256, location,
                                                  strlen(location), pool),
                                    ':')
                                 + 1);
}

/* Parse an argument: find its provider, and make its configuration.
 * config: base may be set */
static const char *parse(const void **provider, oci_store_config_t *config,
                         const char *group, const char *text, apr_pool_t *pool)
{
    apr_size_t length = strcspn(text, BLANKS);
    const char *first = apr_pstrmemdup(pool, text, length);
    const char *name = apr_pstrmemdup(pool, text, strcspn(first, ":"));
    const char *error = oci_provider_find(provider, group, name, pool);
    char *base = NULL;

    if (error) {
        return error;
    }
    if (!config->base && apr_filepath_get(&base, 0, pool) != APR_SUCCESS) {
        return "cannot determine the working directory: run ociadmin in a "
               "directory that exists";
    }
    config->type = first[strlen(name)] ? first + strlen(name) + 1 : NULL;
    config->location = location_of(text + length, pool);
    config->base = config->base ? config->base : base;
    return NULL;
}

const char *oci_named_index_parse(oci_named_index_t *named, const char *text,
                                  apr_pool_t *pool)
{
    oci_store_config_t *config = apr_pcalloc(pool, sizeof(*config));
    const oci_index_provider_t *provider;
    const char *error;

    config->no_raise = named->no_raise;
    config->base = named->base;
    error = parse((const void **)&provider, config, OCI_INDEX_GROUP, text,
                  pool);
    if (!error) {
        error = provider->create(&named->index, config, pool);
    }
    if (!error) {
        set_names(named, apr_pstrmemdup(pool, text, strcspn(text, BLANKS)),
                  config->location, pool);
    }
    return error;
}

const char *oci_named_blobs_parse(oci_blob_store_t **blobs, const char *text,
                                  const char *base, const apr_table_t *options,
                                  apr_pool_t *pool)
{
    oci_store_config_t *config = apr_pcalloc(pool, sizeof(*config));
    const oci_blob_store_provider_t *provider;
    const char *error;

    config->base = base;
    config->options = options;
    error = parse((const void **)&provider, config, OCI_BLOB_STORE_GROUP, text,
                  pool);
    return error ? error : provider->create(blobs, config, pool);
}

apr_status_t oci_named_index_stat(const oci_named_index_t *named,
                                  apr_pool_t *pool)
{
    apr_finfo_t info;

    return oci_named_index_has_path(named)
        ? apr_stat(&info, named->index->where, APR_FINFO_TYPE, pool)
        : APR_SUCCESS;
}
