/* SPDX-License-Identifier: Apache-2.0 */

/* What the facts about a repository say in short. */

#include <string.h>

#include "admin/look/repository_facts.h"
#include "registry/keys.h"
#include "registry/tag.h"
#include "registry/walk.h"

static oci_error_t *count_tag(oci_walk_t *walk, const char *tag,
                              const oci_value_t *value, apr_pool_t *pool)
{
    oci_repository_facts_t *facts = walk->baton;
    oci_tag_t found;

    (void)tag;
    oci_tag_parse(&found, value, pool);
    facts->tags++;
    if (found.origin.seconds > facts->pushed) {
        facts->pushed = found.origin.seconds;
    }
    return NULL;
}

static oci_error_t *count_manifest(oci_walk_t *walk, const char *digest,
                                   const oci_value_t *value, apr_pool_t *pool)
{
    oci_repository_facts_t *facts = walk->baton;

    (void)digest;
    (void)value;
    (void)pool;
    facts->manifests++;
    return NULL;
}

oci_error_t *oci_repository_facts(oci_repository_facts_t *facts,
                                  const oci_repository_t *repository,
                                  apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = repository->registry,
                        .prefix = oci_key_tag(pool, repository->name, NULL),
                        .values = 1,
                        .visit = count_tag,
                        .baton = facts };
    oci_error_t *error;

    memset(facts, 0, sizeof(*facts));
    error = oci_walk(&walk, pool);
    if (error) {
        return error;
    }
    walk.prefix = oci_key_manifest(pool, repository->name, NULL);
    walk.values = 0;
    walk.visit = count_manifest;
    return oci_walk(&walk, pool);
}
