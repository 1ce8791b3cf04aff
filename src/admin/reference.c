/* SPDX-License-Identifier: Apache-2.0 */

/* What an administrator names: NAME[:TAG|@DIGEST]. */

#include <string.h>

#include "apr_strings.h"

#include "admin/reference.h"
#include "admin/terminal.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/repository.h"
#include "values/digest.h"
#include "values/name.h"

const char *oci_reference_parse(oci_reference_t *reference,
                                const oci_registry_t *registry,
                                const char *text, apr_pool_t *pool)
{
    apr_size_t length = strcspn(text, "@:");
    const char *name = apr_pstrmemdup(pool, text, length);
    const char *end = text[length] ? text + length + 1 : NULL;

    memset(reference, 0, sizeof(*reference));
    reference->text = text;
    reference->repository.registry = registry;
    reference->repository.name = name;
    if (!oci_name_valid(name)) {
        return apr_psprintf(pool,
                            "'%s' is not a valid repository name: expected "
                            "lower-case letters, digits, and separators "
                            "between them, such as team/app",
                            oci_terminal_text(name, pool));
    }
    if (text[length] == '@') {
        reference->digest = end;
        return oci_digest_valid(end)
            ? NULL
            : apr_psprintf(pool,
                           "'%s' is not a valid digest: expected sha256: and "
                           "64 hex digits, or sha512: and 128, in lower case",
                           oci_terminal_text(end, pool));
    }
    reference->tag = end;
    if (end && strchr(end, '/')) {
        return apr_psprintf(pool,
                            "'%s' has a host or a protocol: write only the "
                            "repository and its tag, such as team/app:v1",
                            oci_terminal_text(text, pool));
    }
    return !end || oci_tag_valid(end)
        ? NULL
        : apr_psprintf(pool,
                       "'%s' is not a valid tag: expected at most 128 letters, "
                       "digits and \"_\", \".\" or \"-\"; write a digest after "
                       "\"@\"",
                       oci_terminal_text(end, pool));
}

const char *oci_reference_end(const oci_reference_t *reference)
{
    return reference->digest ? reference->digest
        : reference->tag     ? reference->tag
                             : "latest";
}

const char *oci_reference_explain_absence(const oci_reference_t *reference,
                                          const char *what, apr_pool_t *pool)
{
    const char *name = reference->repository.name;
    const char *digest = NULL;
    int exists, pushed = 0;
    oci_error_t *error = oci_repository_exists(&exists, &reference->repository,
                                               pool);

    if (!error && !reference->digest) {
        error = oci_manifest_resolve(&digest, &reference->repository,
                                     oci_reference_end(reference), pool);
    }
    if (!error && digest && oci_digest_valid(digest)) {
        error = oci_fact_exists(&pushed, reference->repository.registry,
                                oci_key_manifest(pool, name, digest), pool);
    }
    if (error) {
        return oci_error_text(error, pool);
    }
    if (digest) {
        return apr_psprintf(pool,
                            pushed ? "the tag %s of %s was pushed meanwhile, "
                                     "and names %s: repeat the command"
                                   : "the tag %s of %s names %s, and there is "
                                     "no such manifest",
                            oci_reference_end(reference), name,
                            oci_terminal_text(digest, pool));
    }
    return exists ? apr_psprintf(pool, "the repository %s has no %s %s", name,
                                 what, oci_reference_end(reference))
                  : apr_psprintf(pool, "there is no repository %s", name);
}
