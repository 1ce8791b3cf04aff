/* SPDX-License-Identifier: Apache-2.0 */

/* Words for a blob store and an index that are refused. */

#include "apr_strings.h"

#include "registry/pairing_words.h"

const char *oci_pairing_where(const oci_registry_t *registry)
{
    return registry->blobs->provider->remote
        ? "is it the right bucket and prefix, of the right server?"
        : "is its disk mounted?";
}

const char *oci_pairing_id_name(const oci_registry_t *registry)
{
    return registry->blobs->provider->remote ? "the object \"id\""
                                             : "blobs/.id";
}

const char *oci_pairing_index_name(const oci_registry_t *registry)
{
    return registry->blobs->provider->remote ? "the object \"index\""
                                             : "blobs/.index";
}

oci_error_t *oci_pairing_refuse_copy(const oci_registry_t *registry,
                                     apr_pool_t *pool)
{
    oci_error_t *error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                                        "this registry is being moved");

    error->note = apr_pstrcat(pool, registry->index->where,
                              " holds an unfinished copy: run \"ociadmin "
                              "copy\" again to finish it",
                              NULL);
    return error;
}

oci_error_t *oci_pairing_refuse(const char *note, apr_pool_t *pool)
{
    oci_error_t *error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                                        "the registry's blob store is not "
                                        "available");

    error->note = note;
    return error;
}

oci_error_t *oci_pairing_refuse_move(const oci_registry_t *registry,
                                     apr_pool_t *pool)
{
    return oci_pairing_refuse(apr_pstrcat(pool, "the blobs of the index ",
                                          registry->index->where,
                                          " are being moved: run \"ociadmin "
                                          "copy --blobs --switch\" again to "
                                          "finish it",
                                          NULL),
                              pool);
}

oci_error_t *oci_pairing_refuse_store(const oci_registry_t *registry,
                                      apr_pool_t *pool)
{
    return oci_pairing_refuse(apr_pstrcat(pool, "the blob store ",
                                          registry->blobs->where,
                                          " is an unfinished copy: run "
                                          "\"ociadmin copy --blobs\" again to "
                                          "finish it",
                                          NULL),
                              pool);
}
