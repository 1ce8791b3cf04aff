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

/* Say that something is not finished, and which command finishes it.
 * options: of "ociadmin copy", each after a blank */
static const char *unfinished(const char *what, const char *where,
                              const char *state, const char *options,
                              apr_pool_t *pool)
{
    return apr_pstrcat(pool, what, where, state, ": run \"ociadmin copy",
                       options, "\" again to finish it", NULL);
}

oci_error_t *oci_pairing_refuse_copy(const oci_registry_t *registry,
                                     apr_pool_t *pool)
{
    oci_error_t *error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                                        "this registry is being moved");

    error->note = unfinished("", registry->index->where,
                             " holds an unfinished copy", "", pool);
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
    return oci_pairing_refuse(unfinished("the blobs of the index ",
                                         registry->index->where,
                                         " are being moved",
                                         " --blobs --switch", pool),
                              pool);
}

oci_error_t *oci_pairing_refuse_store(const oci_registry_t *registry,
                                      apr_pool_t *pool)
{
    return oci_pairing_refuse(unfinished("the blob store ",
                                         registry->blobs->where,
                                         " is an unfinished copy", " --blobs",
                                         pool),
                              pool);
}
