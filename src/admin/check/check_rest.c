/* SPDX-License-Identifier: Apache-2.0 */

/* Checks the facts outside of repositories, except the records of blobs. */

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "admin/check/check_items.h"
#include "registry/keys.h"
#include "registry/random.h"
#include "registry/upload_record.h"
#include "registry/walk.h"
#include "values/digest.h"
#include "values/name.h"

/* Digits of the secret. */
#define SECRET_LENGTH 64

#define STAMP_LENGTH 24

/* The characters of an upload's id, and its length. */
#define ID_LENGTH 58

oci_error_t *oci_look_at_foreign(oci_check_t *check, oci_item_t *item,
                                 apr_pool_t *pool)
{
    oci_finding_t *finding;
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, check->registry, item->what,
                                         pool);

    if (error || !exists) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_KEY_FOREIGN, pool);
    finding->key = item->what;
    finding->detail = "this is not a fact of a registry";
    return NULL;
}

oci_error_t *oci_check_foreign(oci_check_t *check, const char *key,
                               apr_pool_t *pool)
{
    oci_item_t item = { .look = oci_look_at_foreign, .what = key };

    return oci_check_item(check, &item, pool);
}

/* ---- values */

static int is_hex(const char *text, apr_size_t length)
{
    return strspn(text, "0123456789abcdef") == length;
}

/* Whether a text is empty, or a number of seconds. */
static int is_time_or_empty(const char *text)
{
    return !text[strspn(text, "0123456789")];
}

/* Whether a value has the form that its key needs. */
static int is_valid(const char *key, const oci_value_t *value, apr_pool_t *pool)
{
    const char *text = value->data;
    oci_upload_record_t record;

    if (!strncmp(key, "upload/", 7)) {
        return !value->size
            || oci_upload_record_parse(&record, text, value->size, pool)
            == APR_SUCCESS;
    }
    if (!strncmp(key, "review/", 7)) {
        return is_time_or_empty(text);
    }
    if (!strcmp(key, oci_key_secret())) {
        return value->size == SECRET_LENGTH && is_hex(text, SECRET_LENGTH);
    }
    return apr_isdigit(*text); /* gc, stray, moved */
}

/* Look at a value.
 * what: the key; kind: the fault if it is not valid */
static oci_error_t *look_at_value(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool)
{
    int tombstone = item->kind == OCI_FAULT_UPLOAD_INVALID;
    oci_finding_t *finding;
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, check->registry, item->what,
                                      pool);

    if (error || !value.data || is_valid(item->what, &value, pool)) {
        return error;
    }
    finding = oci_check_found(check, item, (oci_fault_e)item->kind, pool);
    finding->key = item->what;
    finding->detail = "the value is damaged";
    finding->changes = oci_change_list_make(pool);
    if (tombstone || !strncmp(item->what, "review/", 7)) {
        oci_change_put(finding->changes, OCI_CHANGE_PUT, item->what, NULL, 0);
    }
    else {
        oci_change_delete(finding->changes, item->what);
    }
    return NULL;
}

static oci_error_t *check_value(oci_check_t *check, const char *key,
                                oci_fault_e fault, apr_pool_t *pool)
{
    oci_item_t item = { .look = look_at_value, .what = key, .kind = fault };

    return oci_check_item(check, &item, pool);
}

/* ---- lists */

/* The key of the fact that is visited. */
static const char *key_of(const oci_walk_t *walk, const char *rest,
                          apr_pool_t *pool)
{
    return apr_pstrcat(pool, walk->prefix, rest, NULL);
}

/* The name of a repository at the end of a key, NULL if it is none. */
static const char *name_of(const char *rest, apr_pool_t *pool)
{
    const char *name = oci_key_suffix(pool, rest, "");

    return name != rest && oci_name_valid(name) ? name : NULL;
}

static oci_error_t *visit_catalog(oci_walk_t *walk, const char *rest,
                                  const oci_value_t *value, apr_pool_t *pool)
{
    oci_item_t item = { .look = oci_look_at_catalog,
                        .repository = name_of(rest, pool),
                        .kind = OCI_SEEN_LISTED };

    (void)value;
    return item.repository
        ? oci_check_item(walk->baton, &item, pool)
        : oci_check_foreign(walk->baton, key_of(walk, rest, pool), pool);
}

static oci_error_t *visit_holder(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    const char *key = key_of(walk, rest, pool);
    const char *digest = strchr(rest, '/');
    oci_item_t item = { .look = oci_look_at_holder };

    if (digest) {
        digest = apr_pstrmemdup(pool, digest + 1, strcspn(digest + 1, ","));
    }
    if (!digest || !oci_digest_valid(digest) || !oci_name_valid(value->data)
        || strcmp(key, oci_key_holder(pool, digest, value->data)) != 0) {
        return oci_check_foreign(walk->baton, key, pool);
    }
    item.repository = value->data;
    item.what = item.blob = digest;
    return oci_check_item(walk->baton, &item, pool);
}

static oci_error_t *visit_orphan(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    (void)value;
    return oci_digest_valid(rest)
        ? NULL
        : oci_check_foreign(walk->baton, key_of(walk, rest, pool), pool);
}

static oci_error_t *visit_review(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    const char *key = key_of(walk, rest, pool);

    (void)value;
    return name_of(rest, pool)
        ? check_value(walk->baton, key, OCI_FAULT_VALUE_INVALID, pool)
        : oci_check_foreign(walk->baton, key, pool);
}

static oci_error_t *visit_stray(oci_walk_t *walk, const char *rest,
                                const oci_value_t *value, apr_pool_t *pool)
{
    const char *key = key_of(walk, rest, pool);

    (void)value;
    return oci_digest_valid(rest)
        ? check_value(walk->baton, key, OCI_FAULT_VALUE_INVALID, pool)
        : oci_check_foreign(walk->baton, key, pool);
}

static oci_error_t *visit_upload(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    const char *key = key_of(walk, rest, pool);
    const char *id = strchr(rest, '/');

    (void)value;
    return id && strlen(id + 1) == ID_LENGTH && is_hex(id + 1, STAMP_LENGTH + 1)
            && !strcmp(key, oci_key_upload(pool, id + 1))
        ? check_value(walk->baton, key, OCI_FAULT_UPLOAD_INVALID, pool)
        : oci_check_foreign(walk->baton, key, pool);
}

static oci_error_t *visit_moved(oci_walk_t *walk, const char *rest,
                                const oci_value_t *value, apr_pool_t *pool)
{
    const char *key = key_of(walk, rest, pool);

    (void)value;
    return oci_digest_valid(rest)
        ? check_value(walk->baton, key, OCI_FAULT_VALUE_INVALID, pool)
        : oci_check_foreign(walk->baton, key, pool);
}

static const struct {
    const char *prefix;
    oci_visit_t *visit; /* NULL: another part of the run walks them */
    int values;
} lists[] = {
    { "blob/", NULL, 0 },           { "catalog/", visit_catalog, 0 },
    { "holder/", visit_holder, 1 }, { "moved/", visit_moved, 0 },
    { "orphan/", visit_orphan, 0 }, { "repo/", NULL, 0 },
    { "review/", visit_review, 0 }, { "stray/", visit_stray, 0 },
    { "upload/", visit_upload, 0 }, { NULL, NULL, 0 },
};

static oci_error_t *visit_counted(oci_walk_t *walk, const char *rest,
                                  const oci_value_t *value, apr_pool_t *pool)
{
    oci_error_t *error = oci_check_progress(walk->baton, pool);
    int i = 0;

    while (strcmp(lists[i].prefix, walk->prefix) != 0) {
        i++;
    }
    return error ? error : lists[i].visit(walk, rest, value, pool);
}

static oci_error_t *walk_list(oci_check_t *check, int i, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = check->registry,
                        .prefix = lists[i].prefix,
                        .values = lists[i].values,
                        .any_order = 1,
                        .visit = visit_counted,
                        .baton = check };

    return lists[i].visit ? oci_walk(&walk, pool) : NULL;
}

/* ---- all keys */

/* Check a fact that is not in a list. */
static oci_error_t *check_single(oci_check_t *check, const char *key,
                                 apr_pool_t *pool)
{
    if (!strcmp(key, oci_key_secret()) || !strcmp(key, oci_key_gc())) {
        return check_value(check, key, OCI_FAULT_VALUE_INVALID, pool);
    }
    return !strcmp(key, oci_key_store()) || !strcmp(key, oci_key_index())
            || !strcmp(key, oci_key_copy_of()) || !strcmp(key, oci_key_moving())
        ? NULL
        : oci_check_foreign(check, key, pool);
}

/* Check a key, and find the place from which to go on: behind it, or behind
 * the list that begins with it.
 * *after: set to that place, from pool */
static oci_error_t *check_key(const char **after, oci_check_t *check,
                              const char *key, apr_pool_t *pool)
{
    oci_error_t *error = oci_check_progress(check, pool);
    apr_size_t last;
    char *behind;
    int i;

    for (i = 0; !error && lists[i].prefix; i++) {
        last = strlen(lists[i].prefix) - 1;
        if (!strncmp(key, lists[i].prefix, last + 1)) {
            *after = behind = apr_pstrdup(pool, lists[i].prefix);
            behind[last]++; /* a "0" for the "/" */
            error = walk_list(check, i, pool);
            return error ? error : oci_check_foreign(check, behind, pool);
        }
    }
    *after = key;
    return error ? error : check_single(check, key, pool);
}

oci_error_t *oci_check_rest(oci_check_t *check, apr_pool_t *pool)
{
    oci_scan_t scan = { "", NULL, 1, 0, 0 };
    apr_array_header_t *entries;
    apr_pool_t *pools[2]; /* one has the place from which to go on */
    oci_error_t *error;
    const char *key;
    int i = 0;

    apr_pool_create(&pools[0], pool);
    apr_pool_create(&pools[1], pool);
    for (;;) {
        error = oci_facts_scan(&entries, check->registry, &scan, pools[i]);
        if (error || !entries->nelts) {
            break;
        }
        key = APR_ARRAY_IDX(entries, 0, oci_entry_t).key;
        if (scan.after && strcmp(key, scan.after) <= 0) {
            return oci_error_storage(pool, APR_SUCCESS, "%s lists %s after %s",
                                     check->registry->index->where, key,
                                     scan.after);
        }
        error = check_key(&scan.after, check, key, pools[i]);
        if (error) {
            break;
        }
        i = !i;
        apr_pool_clear(pools[i]);
    }
    return error ? error : oci_check_settle(check);
}
