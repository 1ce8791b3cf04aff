/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at the blobs that repositories hold, and at the lists of holders. */

#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_held.h"
#include "admin/check/check_items.h"
#include "registry/keys.h"
#include "registry/pending.h"

/* Whether the value of a held blob has a valid form. */
static int is_valid(const oci_value_t *value)
{
    return !value->size
        || (value->data[0] == ';' && value->size > 1
            && strspn(value->data + 1, "0123456789") == value->size - 1);
}

static void set_held(oci_finding_t *finding, const char *key, apr_pool_t *pool)
{
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT, key, NULL, 0);
}

/* Find that a blob has no record. */
static oci_error_t *find_unrecorded(oci_check_t *check, oci_item_t *item,
                                    apr_pool_t *pool)
{
    oci_repository_t repository = { check->registry, item->repository };
    oci_finding_t *finding = oci_check_found(check, item,
                                             OCI_FAULT_HELD_UNRECORDED, pool);
    oci_error_t *error;

    finding->digest = item->what;
    finding->detail = "the blob has no record";
    finding->removes = 1;
    finding->changes = oci_change_list_make(pool);
    error = oci_pending_cancel(finding->changes, &repository, pool);
    oci_blob_add_removal(finding->changes, &repository, item->what);
    return error;
}

/* Look for the entry in the list of the blob's holders. */
static oci_error_t *look_for_entry(oci_check_t *check, oci_item_t *item,
                                   apr_pool_t *pool)
{
    const char *name = item->repository;
    const char *key = oci_key_holder(pool, item->what, name);
    oci_finding_t *finding;
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, check->registry, key, pool);

    if (error || (value.data && !strcmp(value.data, name))) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_HOLDER_MISSING, pool);
    finding->digest = item->what;
    finding->detail = value.data
        ? "the repository's entry among the holders of the blob is damaged"
        : "the repository is not among the holders of the blob";
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT, key,
                   apr_pstrdup(pool, name), strlen(name));
    return NULL;
}

oci_error_t *oci_look_at_held(oci_check_t *check, oci_item_t *item,
                              apr_pool_t *pool)
{
    oci_follow_t follow = {
        .key = oci_key_held(pool, item->repository, item->what),
        .prefix = oci_key_blob(pool, item->what),
        .is_empty = 1,
    };
    oci_blob_t blob = { .size = -1 };
    oci_finding_t *finding;
    oci_error_t *error = oci_fact_follow(&follow, check->registry, pool);

    if (error || !follow.value.data) {
        return error;
    }
    if (!is_valid(&follow.value)) {
        finding = oci_check_found(check, item, OCI_FAULT_HELD_INVALID, pool);
        finding->digest = item->what;
        finding->detail = "the repository's entry of the blob is damaged";
        set_held(finding, follow.key, pool);
    }
    else if (!follow.target.data) {
        error = oci_digest_set_has(check->restorable, item->what)
                || oci_digest_set_has(check->unsure, item->what)
            ? NULL /* the record is reported */
            : find_unrecorded(check, item, pool);
    }
    else if (oci_blob_parse(&blob, follow.target.data, check->registry,
                            item->what, pool)) {
        blob.size = -1;
    }
    if (check->look == OCI_LOOK_FIRST) {
        oci_held_table_add(check->held, item->what,
                           oci_digest_set_has(check->bad, item->what)
                               ? -1
                               : blob.size,
                           oci_blob_condemned_at(follow.value.data) != 0);
    }
    return error || !follow.target.data ? error
                                        : look_for_entry(check, item, pool);
}

oci_error_t *oci_look_at_holder(oci_check_t *check, oci_item_t *item,
                                apr_pool_t *pool)
{
    const char *key = oci_key_holder(pool, item->what, item->repository);
    oci_finding_t *finding;
    int held, exists = 0;
    oci_error_t *error = oci_fact_exists(&held, check->registry,
                                         oci_key_held(pool, item->repository,
                                                      item->what),
                                         pool);

    if (!error && !held) {
        error = oci_fact_exists(&exists, check->registry, key, pool);
    }
    if (error || !exists || oci_digest_set_has(check->held_again, item->what)) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_HOLDER_STALE, pool);
    finding->digest = item->what;
    finding->detail = "the repository is among the holders of the blob, but "
                      "does not hold it";
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT,
                   oci_key_orphan(pool, item->what), NULL, 0);
    oci_change_delete(finding->changes, key);
    return NULL;
}
