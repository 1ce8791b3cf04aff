/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at the tags of a repository, at the lists that lead back to them, and
 * at its entry in the catalog. */

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "admin/check/check_content.h"
#include "admin/check/check_items.h"
#include "registry/keys.h"
#include "registry/random.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "values/digest.h"

/* A push is over after so many seconds. */
#define PENDING_LIFE 86400

static oci_finding_t *find_tag(oci_check_t *check, oci_item_t *item,
                               oci_fault_e fault, const char *digest,
                               apr_pool_t *pool)
{
    oci_finding_t *finding = oci_check_found(check, item, fault, pool);

    finding->tag = item->what;
    finding->digest = digest;
    return finding;
}

/* Look for the entry that leads back from the manifest to the tag. */
static oci_error_t *look_back(oci_check_t *check, oci_item_t *item,
                              const char *digest, apr_pool_t *pool)
{
    const char *key = oci_key_tagged(pool, item->repository, digest,
                                     item->what);
    oci_finding_t *finding;
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, check->registry, key, pool);

    if (error || exists) {
        return error;
    }
    finding = find_tag(check, item, OCI_FAULT_TAGGED_MISSING, digest, pool);
    finding->detail = apr_psprintf(pool, "it is not among the tags of %s",
                                   digest);
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT, key, NULL, 0);
    return NULL;
}

/* Say how a tag is brought back.  Some clients send nothing if the registry has
 * the manifest of the tag, or one that this manifest names. */
static const char *bring_back(const oci_item_t *item, const char *digest,
                              const oci_lack_t *lack, apr_pool_t *pool)
{
    const char *name = item->repository;
    const char *deletion = apr_pstrcat(pool, OCI_CHECK_DELETE, name,
                                       "/manifests/", item->what, NULL);

    if (strcmp(digest, lack->manifest) != 0) {
        deletion = apr_pstrcat(pool, deletion, " and " OCI_CHECK_DELETE, name,
                               "/manifests/", lack->manifest, NULL);
    }
    return apr_psprintf(pool, "to bring it back, %s, then push %s:%s again",
                        deletion, name, item->what);
}

/* Look for content that the tag leads to and that is not there. */
static oci_error_t *look_below(oci_check_t *check, oci_item_t *item,
                               const char *digest, apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_finding_t *finding;
    oci_lack_t lack;
    int possible = 0;
    oci_error_t *error = oci_check_lack(&lack, check, &repository, digest,
                                        pool);

    if (error || !lack.manifest) {
        return error;
    }
    if (lack.blob) {
        error = oci_check_restorable(&possible, check, &repository, &lack,
                                     pool);
    }
    finding = find_tag(check, item, OCI_FAULT_TAG_BROKEN, digest, pool);
    finding->detail = lack.blob
        ? apr_psprintf(pool, "the tag leads to %s, which names %s, and %s",
                       lack.manifest, lack.blob, oci_content_fault(lack.state))
        : apr_psprintf(pool, "the tag leads to %s, which is damaged",
                       lack.manifest);
    finding->remedy = possible ? "--repair restores the blob"
                               : bring_back(item, digest, &lack, pool);
    return error;
}

oci_error_t *oci_look_at_tag(oci_check_t *check, oci_item_t *item,
                             apr_pool_t *pool)
{
    const char *name = item->repository;
    oci_finding_t *finding;
    oci_value_t value;
    const char *digest;
    int exists;
    oci_error_t *error = oci_fact_get(&value, check->registry,
                                      oci_key_tag(pool, name, item->what),
                                      pool);

    if (error || !value.data) {
        return error;
    }
    digest = oci_tag_digest(&value, pool);
    if (!oci_digest_valid(digest)) {
        finding = find_tag(check, item, OCI_FAULT_TAG_INVALID, NULL, pool);
        finding->detail = "the tag does not name a digest";
        return NULL;
    }
    error = oci_fact_exists(&exists, check->registry,
                            oci_key_manifest(pool, name, digest), pool);
    if (!error && !exists) {
        finding = find_tag(check, item, OCI_FAULT_TAG_DANGLING, digest, pool);
        finding->detail = apr_psprintf(pool,
                                       "the tag names the manifest %s, "
                                       "which does not exist",
                                       digest);
        finding->remedy = apr_psprintf(pool,
                                       "to bring it back, push %s:%s again",
                                       name, item->what);
    }
    else if (!error && check->doubtful) {
        error = look_below(check, item, digest, pool);
    }
    return error ? error : look_back(check, item, digest, pool);
}

oci_error_t *oci_look_at_tagged(oci_check_t *check, oci_item_t *item,
                                apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    const char *key = oci_key_tagged(pool, item->repository, item->of,
                                     item->what);
    oci_finding_t *finding;
    oci_tag_t tag;
    int exists = 0;
    oci_error_t *error = oci_tag_get(&tag, &repository, item->what, pool);

    if (error || (tag.digest && !strcmp(tag.digest, item->of))) {
        return error;
    }
    error = oci_fact_exists(&exists, check->registry, key, pool);
    if (error || !exists) {
        return error;
    }
    finding = find_tag(check, item, OCI_FAULT_TAGGED_STALE, item->of, pool);
    finding->detail = apr_psprintf(pool,
                                   "it is among the tags of %s, but does not "
                                   "name that manifest",
                                   item->of);
    finding->changes = oci_change_list_make(pool);
    oci_change_delete(finding->changes, key);
    return NULL;
}

oci_error_t *oci_look_at_pending(oci_check_t *check, oci_item_t *item,
                                 apr_pool_t *pool)
{
    const char *key = oci_key_pending(pool, item->repository, item->what);
    oci_finding_t *finding;
    int exists;
    oci_error_t *error;

    if (oci_stamp_seconds(item->what) + PENDING_LIFE
        > apr_time_sec(apr_time_now())) {
        return NULL;
    }
    error = oci_fact_exists(&exists, check->registry, key, pool);
    if (error || !exists) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_PENDING_STALE, pool);
    finding->key = key;
    finding->detail = "a push that did not finish left this entry";
    finding->changes = oci_change_list_make(pool);
    oci_change_delete(finding->changes, key);
    return NULL;
}

oci_error_t *oci_look_at_mark(oci_check_t *check, oci_item_t *item,
                              apr_pool_t *pool)
{
    oci_finding_t *finding;
    int exists;
    oci_error_t *error;

    if (!check->repair) {
        return NULL;
    }
    error = oci_fact_exists(&exists, check->registry,
                            oci_key_manifest(pool, item->repository,
                                             item->what),
                            pool);
    if (error || exists) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_MARK_STALE, pool);
    finding->changes = oci_change_list_make(pool);
    oci_change_delete(finding->changes, item->of);
    return NULL;
}

/* Whether a repository has a fact of one of these kinds.
 * prefix: of the kind's keys */
static oci_error_t *has_any(int *any, oci_check_t *check, const char *prefix,
                            apr_pool_t *pool)
{
    oci_scan_t scan = { prefix, NULL, 1, 0, 1 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, check->registry, &scan, pool);

    *any = !error && entries->nelts;
    return error;
}

static oci_error_t *remove_entry(oci_check_t *check, const oci_item_t *item,
                                 const oci_finding_t *finding, apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };

    (void)finding;
    return oci_repository_unregister_if_empty(&repository, pool);
}

oci_error_t *oci_look_at_catalog(oci_check_t *check, oci_item_t *item,
                                 apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_finding_t *finding;
    int listed = item->kind == OCI_SEEN_LISTED;
    int any = item->kind == OCI_SEEN_CONTENT;
    oci_error_t *error = NULL;

    if (check->look != OCI_LOOK_FIRST) {
        listed = any = 0;
    }
    if (!listed) {
        error = oci_repository_exists(&listed, &repository, pool);
    }
    if (!error && !any) {
        error = has_any(&any, check,
                        oci_key_manifest(pool, item->repository, NULL), pool);
    }
    if (!error && !any) {
        error = has_any(&any, check, oci_key_held(pool, item->repository, NULL),
                        pool);
    }
    if (error || listed == any) {
        return error;
    }
    finding = oci_check_found(check, item,
                              listed ? OCI_FAULT_CATALOG_STALE
                                     : OCI_FAULT_CATALOG_MISSING,
                              pool);
    finding->detail = listed
        ? "the catalog lists the repository, which is empty"
        : "the catalog does not list the repository, which has content";
    if (listed) {
        finding->mend = remove_entry;
        return NULL;
    }
    finding->changes = oci_change_list_make(pool);
    oci_repository_register(finding->changes, item->repository, pool);
    oci_repository_queue_review(finding->changes, item->repository, pool);
    return NULL;
}
