/* SPDX-License-Identifier: Apache-2.0 */

/* The id of a blob store as long as it is an unfinished copy:
 *
 *     "unfinished copy of " and the first 32 characters of the original's id
 *
 * and what an index has for the id of its store while its records are replaced:
 *
 *     "unfinished move to " and the first 32 characters of the new store's id
 */

#include <string.h>

#include "apr_strings.h"

#include "registry/unfinished.h"

#define BEGIN "unfinished copy of "
#define MOVE  "unfinished move to "

const char *oci_unfinished_id(const char *id, apr_pool_t *pool)
{
    return apr_psprintf(pool, BEGIN "%.32s", id);
}

int oci_unfinished_is_id(const char *id)
{
    return !strncmp(id, BEGIN, strlen(BEGIN));
}

const char *oci_unfinished_move(const char *id, apr_pool_t *pool)
{
    return apr_psprintf(pool, MOVE "%.32s", id);
}

int oci_unfinished_is_move(const char *id)
{
    return !strncmp(id, MOVE, strlen(MOVE));
}
