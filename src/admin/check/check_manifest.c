/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at the manifests of a repository, at what they name, and at the lists
 * of referrers. */

#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_content.h"
#include "admin/check/check_held.h"
#include "admin/check/check_items.h"
#include "registry/children.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/pending.h"
#include "registry/referrer.h"
#include "registry/repository.h"
#include "values/digest.h"

/* Make the change that adds a blob to a repository that lost its entry. */
static apr_array_header_t *hold_again(const char *name, const char *digest,
                                      apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);

    oci_repository_register(changes, name, pool);
    oci_repository_queue_review(changes, name, pool);
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_held(pool, name, digest),
                   NULL, 0);
    return changes;
}

/* Say what is to be done about content that is missing. */
static const char *remedy_for(const oci_item_t *item, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "delete the manifest (" OCI_CHECK_DELETE,
                       item->repository, "/manifests/", item->of,
                       "), and push it again", NULL);
}

static oci_error_t *find_missing(oci_check_t *check, oci_item_t *item,
                                 oci_content_e state, apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_lack_t lack = { item->of, item->what, state };
    oci_finding_t *finding = oci_check_found(check, item,
                                             OCI_FAULT_CONTENT_MISSING, pool);
    int possible;
    oci_error_t *error = oci_check_restorable(&possible, check, &repository,
                                              &lack, pool);

    finding->digest = item->of;
    finding->detail = apr_psprintf(pool, "the manifest names %s, and %s",
                                   item->what, oci_content_fault(state));
    if (!possible) {
        finding->remedy = remedy_for(item, pool);
    }
    else if (state == OCI_CONTENT_ABSENT) {
        finding->changes = hold_again(item->repository, item->what, pool);
        if (check->look == OCI_LOOK_LOCKED) {
            oci_digest_set_add(check->held_again, item->what);
        }
    }
    else {
        finding->remedy = "--repair restores the blob";
    }
    return error;
}

/* Parse a manifest.  Returns whether its bytes have its digest. */
static int is_intact(oci_manifest_t *manifest, const char *digest,
                     const oci_value_t *value, apr_pool_t *pool)
{
    return oci_manifest_parse(manifest, value, pool)
        && !strcmp(digest,
                   oci_digest_of(oci_digest_algorithm(digest), manifest->data,
                                 manifest->size, pool));
}

/* Find out whether the repository can serve what a manifest names: a manifest,
 * or a blob. */
static oci_error_t *child_state(oci_content_e *state, apr_off_t *size,
                                oci_check_t *check, const oci_item_t *item,
                                apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_value_t value = { 0 };
    oci_manifest_t manifest = { 0 };
    oci_error_t *error = NULL;

    if (item->kind == OCI_CHILD_MANIFEST) {
        error = oci_fact_get(&value, check->registry,
                             oci_key_manifest(pool, item->repository,
                                              item->what),
                             pool);
    }
    if (error || !value.data) {
        return error ? error
                     : oci_check_blob_state(state, size, check, &repository,
                                            item->what, pool);
    }
    *state = is_intact(&manifest, item->what, &value, pool) ? OCI_CONTENT_WHOLE
                                                            : OCI_CONTENT_WRONG;
    *size = manifest.size;
    return NULL;
}

/* Look at what a manifest names.
 * what: its digest; of: that of the manifest; size: as the manifest states;
 * kind: of child */
static oci_error_t *look_at_child(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool)
{
    oci_child_t child = { (oci_child_e)item->kind, { NULL, item->what, 0 } };
    oci_finding_t *finding;
    oci_content_e state;
    apr_off_t size = -1;
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, check->registry,
                                         oci_key_manifest(pool,
                                                          item->repository,
                                                          item->of),
                                         pool);

    if (!error && exists) {
        error = child_state(&state, &size, check, item, pool);
    }
    if (error || !exists
        || (state == OCI_CONTENT_ABSENT
            && oci_child_may_be_absent(check->registry, &child))) {
        return error;
    }
    if (state != OCI_CONTENT_WHOLE) {
        return find_missing(check, item, state, pool);
    }
    if (size == item->size) {
        return NULL;
    }
    finding = oci_check_found(check, item, OCI_FAULT_CONTENT_SIZE, pool);
    finding->digest = item->of;
    finding->detail = apr_psprintf(pool,
                                   "the manifest states %" APR_OFF_T_FMT
                                   " bytes for %s, which has %" APR_OFF_T_FMT,
                                   item->size, item->what, size);
    return NULL;
}

/* Look at a blob that is condemned although a manifest names it.
 * what: its digest; of: that of the manifest */
static oci_error_t *look_at_condemned(oci_check_t *check, oci_item_t *item,
                                      apr_pool_t *pool)
{
    const char *key = oci_key_held(pool, item->repository, item->what);
    oci_finding_t *finding;
    oci_value_t held;
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, check->registry,
                                         oci_key_manifest(pool,
                                                          item->repository,
                                                          item->of),
                                         pool);

    if (!error && exists) {
        error = oci_fact_get(&held, check->registry, key, pool);
    }
    if (error || !exists || !held.data || !oci_blob_condemned_at(held.data)) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_HELD_CONDEMNED, pool);
    finding->digest = item->what;
    finding->detail = apr_psprintf(pool,
                                   "garbage collection has condemned the blob, "
                                   "which the manifest %s names",
                                   item->of);
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT, key, NULL, 0);
    return NULL;
}

/* Look at what a manifest names, for the first time. */
static oci_error_t *check_child(oci_check_t *check, const oci_item_t *manifest,
                                const oci_child_t *child, apr_pool_t *pool)
{
    oci_item_t item = { .look = look_at_child,
                        .repository = manifest->repository,
                        .blob = child->descriptor.digest,
                        .what = child->descriptor.digest,
                        .of = manifest->what,
                        .size = child->descriptor.size,
                        .kind = child->kind };
    apr_off_t size;
    int condemned;

    if (child->kind == OCI_CHILD_MANIFEST
        || !oci_held_table_find(&size, &condemned, check->held, item.what)
        || size != item.size) {
        return oci_check_item(check, &item, pool);
    }
    item.look = look_at_condemned;
    return condemned ? oci_check_item(check, &item, pool) : NULL;
}

static oci_error_t *check_children(oci_check_t *check, const oci_item_t *item,
                                   const oci_document_t *document,
                                   apr_pool_t *pool)
{
    oci_error_t *error = NULL;
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, pool);
    for (i = 0; i < document->children->nelts && !error; i++) {
        error = check_child(check, item,
                            &APR_ARRAY_IDX(document->children, i, oci_child_t),
                            scratch);
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Compare the entry of a manifest in the list of its subject's referrers. */
static oci_error_t *compare_referrer(oci_check_t *check, oci_item_t *item,
                                     const oci_document_t *document,
                                     const oci_manifest_t *manifest,
                                     apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const oci_change_t *expected;
    oci_finding_t *finding;
    oci_value_t value;
    oci_error_t *error;

    oci_referrer_put(changes, item->repository, document, manifest, pool);
    expected = &APR_ARRAY_IDX(changes, 0, oci_change_t);
    error = oci_fact_get(&value, check->registry, expected->key, pool);
    if (error
        || (value.data && value.size == expected->value.size
            && !memcmp(value.data, expected->value.data, value.size))) {
        return error;
    }
    finding = oci_check_found(check, item,
                              value.data ? OCI_FAULT_REFERRER_WRONG
                                         : OCI_FAULT_REFERRER_MISSING,
                              pool);
    finding->digest = item->what;
    finding->detail = apr_psprintf(pool,
                                   value.data
                                       ? "its entry in the referrers of %s "
                                         "is wrong"
                                       : "it is not among the referrers of %s",
                                   document->subject->digest);
    finding->changes = changes;
    return NULL;
}

/* Parse a manifest, and check its media type.
 * *document: NULL if it cannot be parsed */
static void parse(oci_document_t **document, oci_check_t *check,
                  oci_item_t *item, const oci_manifest_t *manifest,
                  apr_pool_t *pool)
{
    oci_manifest_t right = *manifest;
    const char *problem = oci_document_parse(document, manifest->media_type,
                                             manifest->data, manifest->size,
                                             pool);
    oci_finding_t *finding;
    oci_value_t value;

    if (!problem && !strcmp((*document)->media_type, manifest->media_type)) {
        return;
    }
    if (problem
        && oci_document_parse(document, NULL, manifest->data, manifest->size,
                              pool)) {
        *document = NULL;
        finding = oci_check_found(check, item, OCI_FAULT_MANIFEST_INVALID,
                                  pool);
        finding->digest = item->what;
        finding->detail = problem;
        return;
    }
    finding = oci_check_found(check, item, OCI_FAULT_MEDIA_TYPE, pool);
    finding->digest = item->what;
    finding->detail = apr_psprintf(pool,
                                   "its recorded media type is '%s' "
                                   "instead of '%s'",
                                   manifest->media_type,
                                   (*document)->media_type);
    right.media_type = (*document)->media_type;
    value = oci_manifest_format(&right, pool);
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT,
                   oci_key_manifest(pool, item->repository, item->what),
                   value.data, value.size);
}

static oci_error_t *find_damaged(oci_check_t *check, oci_item_t *item,
                                 apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_finding_t *finding = oci_check_found(check, item,
                                             OCI_FAULT_MANIFEST_DAMAGED, pool);
    oci_error_t *error;

    finding->digest = item->what;
    finding->detail = "the bytes of the manifest do not have its digest";
    finding->changes = oci_change_list_make(pool);
    finding->removes = 1;
    error = oci_pending_cancel(finding->changes, &repository, pool);
    oci_repository_queue_review(finding->changes, item->repository, pool);
    oci_change_delete(finding->changes,
                      oci_key_manifest(pool, item->repository, item->what));
    return error;
}

oci_error_t *oci_look_at_manifest(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool)
{
    oci_manifest_t manifest = { .digest = item->what };
    oci_document_t *document;
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, check->registry,
                                      oci_key_manifest(pool, item->repository,
                                                       item->what),
                                      pool);

    if (error || !value.data) {
        return error;
    }
    if (!is_intact(&manifest, item->what, &value, pool)) {
        return find_damaged(check, item, pool);
    }
    parse(&document, check, item, &manifest, pool);
    if (document && document->subject) {
        error = compare_referrer(check, item, document, &manifest, pool);
    }
    return error || !document || check->look != OCI_LOOK_FIRST
        ? error
        : check_children(check, item, document, pool);
}

oci_error_t *oci_look_at_referrer(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    const char *key = oci_key_referrer(pool, item->repository, item->of,
                                       item->what);
    oci_document_t *document = NULL;
    oci_manifest_t manifest;
    oci_finding_t *finding;
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, check->registry, key, pool);

    if (!error && exists) {
        error = oci_manifest_get(&manifest, &repository, item->what, pool);
        exists = !error || error->code != OCI_E_MANIFEST_UNKNOWN;
        if (!exists && error->note) {
            return NULL; /* it is reported as damaged */
        }
        error = exists ? error : NULL;
        if (exists && !error
            && oci_document_parse(&document, manifest.media_type, manifest.data,
                                  manifest.size, pool)) {
            return NULL; /* it is reported as invalid */
        }
    }
    else if (!exists) {
        return error;
    }
    if (error
        || (document && document->subject
            && !strcmp(document->subject->digest, item->of))) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_REFERRER_STALE, pool);
    finding->digest = item->what;
    finding->detail = apr_psprintf(pool,
                                   "it is among the referrers of %s, but %s",
                                   item->of,
                                   exists ? "has another subject"
                                          : "does not exist");
    finding->changes = oci_change_list_make(pool);
    oci_change_delete(finding->changes, key);
    return NULL;
}
