/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions on the digest that a tag or a digest in the path names. */

#include "registry/condition.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "values/etag.h"

oci_error_t *oci_condition_check(const oci_condition_t *condition,
                                 const oci_repository_t *repository,
                                 const char *reference, apr_pool_t *pool)
{
    const char *digest;
    const char *header;
    oci_error_t *error;

    if (!condition->match && !condition->none_match) {
        return NULL;
    }
    if ((error = oci_manifest_resolve(&digest, repository, reference, pool))) {
        return error;
    }
    if (digest == reference) {
        int exists;

        error = oci_fact_exists(&exists, repository->registry,
                                oci_key_manifest(pool, repository->name,
                                                 digest),
                                pool);
        if (error) {
            return error;
        }
        digest = exists ? digest : NULL;
    }
    header = oci_etag_refusal(condition->match, condition->none_match, digest);
    if (!header) {
        return NULL;
    }
    /* The message does not contain the digest, because the client may not have
     * the right to pull. */
    return oci_error_make(pool, OCI_E_MANIFEST_CHANGED, "reference", reference,
                          "the condition %s is not met by the current state "
                          "of %s",
                          header, reference);
}
