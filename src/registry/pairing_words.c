/* SPDX-License-Identifier: Apache-2.0 */

/* Words for a blob store that does not belong to its index. */

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
