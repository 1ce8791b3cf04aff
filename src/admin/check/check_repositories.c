/* SPDX-License-Identifier: Apache-2.0 */

/* Walks the facts of all repositories in the order of their keys.  Those of one
 * repository are together, and their kinds come in this order:
 *
 *     _blob  _manifest  _pending  _pulled  _referrer  _tag  _tagged  _untagged
 */

#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_held.h"
#include "admin/check/check_items.h"
#include "registry/keys.h"
#include "registry/walk.h"
#include "values/digest.h"
#include "values/name.h"

typedef struct repositories_t {
    oci_check_t *check;
    char name[OCI_NAME_MAX + 1]; /* of the present one; "" before the first */
    int content;                 /* whether it has a blob or a manifest */
    int settled;      /* whether all its blobs and manifests were looked at */
    int suspected;    /* what check->suspected was when it began */
    apr_pool_t *pool; /* for the table of its blobs */
} repositories_t;

/* All that was suspected is looked at again before the table is given up. */
static oci_error_t *end_repository(repositories_t *self, apr_pool_t *pool)
{
    oci_item_t item = { .look = oci_look_at_catalog,
                        .repository = self->name,
                        .kind = OCI_SEEN_CONTENT };
    oci_error_t *error;

    if (self->content) {
        self->check->totals.repositories++;
        error = oci_check_item(self->check, &item, pool);
        if (error) {
            return error;
        }
    }
    return oci_check_settle(self->check);
}

static oci_error_t *begin_repository(repositories_t *self, const char *name,
                                     apr_pool_t *pool)
{
    oci_error_t *error = *self->name ? end_repository(self, pool) : NULL;

    apr_cpystrn(self->name, name, sizeof(self->name));
    self->content = 0;
    self->settled = 0;
    self->suspected = self->check->suspected;
    self->check->doubtful = 0;
    apr_pool_clear(self->pool);
    self->check->held = oci_held_table_make(self->pool);
    return error;
}

/* Before the tags, what is wrong with the manifests has to be known. */
static oci_error_t *settle_content(repositories_t *self)
{
    if (self->settled) {
        return NULL;
    }
    self->settled = 1;
    self->check->doubtful = self->check->suspected != self->suspected;
    return oci_check_settle(self->check);
}

/* Whether a text has the form DIGEST "/" rest. */
static int split_digest(char **digest, char **rest, const char *text,
                        apr_pool_t *pool)
{
    char *slash;

    *digest = apr_pstrdup(pool, text);
    slash = strchr(*digest, '/');
    if (!slash) {
        return 0;
    }
    *slash = '\0';
    *rest = slash + 1;
    return oci_digest_valid(*digest);
}

static int is_kind(const char **rest, const char *text, const char *kind)
{
    apr_size_t length = strlen(kind);

    *rest = text + length;
    return !strncmp(text, kind, length);
}

static int is_token(const char *text)
{
    return strspn(text, "0123456789abcdef") == 24 && !text[24];
}

/* Fill in an item for a key of a repository.
 * text: the part of the key after the name
 * Returns whether it is one of the registry's. */
static int make_item(oci_item_t *item, const char *key, const char *text,
                     apr_pool_t *pool)
{
    char *digest, *part;
    const char *rest;

    if (is_kind(&rest, text, "_blob/")) {
        item->look = oci_look_at_held;
        item->what = item->blob = rest;
        return oci_digest_valid(rest);
    }
    if (is_kind(&rest, text, "_manifest/")) {
        item->look = oci_look_at_manifest;
        item->what = rest;
        return oci_digest_valid(rest);
    }
    if (is_kind(&rest, text, "_pending/")) {
        item->look = oci_look_at_pending;
        item->what = rest;
        return is_token(rest);
    }
    if (is_kind(&rest, text, "_pulled/")
        || is_kind(&rest, text, "_untagged/")) {
        item->look = oci_look_at_mark;
        item->what = rest;
        item->of = key;
        return oci_digest_valid(rest);
    }
    if (is_kind(&rest, text, "_tag/")) {
        item->look = oci_look_at_tag;
        item->what = rest;
        return oci_tag_valid(rest);
    }
    if (is_kind(&rest, text, "_tagged/")
        && split_digest(&digest, &part, rest, pool)) {
        item->look = oci_look_at_tagged;
        item->of = digest;
        item->what = part;
        return oci_tag_valid(part);
    }
    if (is_kind(&rest, text, "_referrer/")
        && split_digest(&digest, &part, rest, pool)) {
        item->look = oci_look_at_referrer;
        item->of = digest;
        item->what = part;
        return oci_digest_valid(part);
    }
    return 0;
}

static void count(repositories_t *self, const oci_item_t *item)
{
    oci_check_totals_t *totals = &self->check->totals;

    totals->manifests += item->look == oci_look_at_manifest;
    totals->tags += item->look == oci_look_at_tag;
    self->content |= item->look == oci_look_at_manifest
        || item->look == oci_look_at_held;
}

static oci_error_t *visit(oci_walk_t *walk, const char *rest,
                          const oci_value_t *value, apr_pool_t *pool)
{
    repositories_t *self = walk->baton;
    oci_check_t *check = self->check;
    const char *key = apr_pstrcat(pool, walk->prefix, rest, NULL);
    const char *end = strstr(rest, "/_");
    const char *name = end ? apr_pstrmemdup(pool, rest, end - rest) : "";
    oci_item_t item = { .repository = self->name };
    oci_error_t *error = oci_check_progress(check, pool);

    (void)value;
    if (error || !oci_name_valid(name)) {
        return error ? error : oci_check_foreign(check, key, pool);
    }
    if (strcmp(name, self->name) != 0) {
        error = begin_repository(self, name, pool);
    }
    if (error || !make_item(&item, key, end + 1, pool)) {
        return error ? error : oci_check_foreign(check, key, pool);
    }
    count(self, &item);
    if (item.look != oci_look_at_manifest && item.look != oci_look_at_held) {
        error = settle_content(self);
    }
    return error ? error : oci_check_item(check, &item, pool);
}

oci_error_t *oci_check_repositories(oci_check_t *check, apr_pool_t *pool)
{
    repositories_t self = { .check = check };
    oci_walk_t walk = { .registry = check->registry,
                        .prefix = "repo/",
                        .visit = visit,
                        .baton = &self };
    oci_error_t *error;

    apr_pool_create(&self.pool, pool);
    error = oci_walk(&walk, pool);
    return error || !*self.name ? error : end_repository(&self, pool);
}
