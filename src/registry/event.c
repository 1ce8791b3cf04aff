/* SPDX-License-Identifier: Apache-2.0 */

/* Reads events from the keys of changes (keys.h). */

#include <string.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "registry/event.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/tag.h"

/* The search for events in a list of changes. */
typedef struct event_search_t {
    const oci_change_t *change; /* the one at hand */
    const oci_change_t *next;   /* the one after it, or NULL */
    apr_int64_t blob_size;      /* of the record of a blob that was put last */
    const char *media_type;     /* of the manifest that was put last; or NULL */
    apr_int64_t size;           /* of this manifest, bytes; or -1 */
    const char *created;
    apr_array_header_t *events;
    apr_pool_t *pool;
} event_search_t;

static oci_event_t *add_event(event_search_t *self, oci_event_e kind,
                              const char *repository)
{
    oci_event_t *event = apr_array_push(self->events);

    memset(event, 0, sizeof(*event));
    event->kind = kind;
    event->repository = repository;
    event->size = -1;
    return event;
}

static int is_deletion(const event_search_t *self)
{
    return self->change->kind == OCI_CHANGE_DELETE;
}

/* Return the digest in the next change if that takes a tag out of the list of
 * its digest, otherwise NULL. */
static const char *next_tagged(const event_search_t *self,
                               const char *repository, const char *tag)
{
    const char *prefix = oci_key_tagged(self->pool, repository, NULL, NULL);
    apr_size_t length = strlen(prefix);
    const char *slash;

    if (!self->next || self->next->kind != OCI_CHANGE_DELETE
        || strncmp(self->next->key, prefix, length)) {
        return NULL;
    }
    slash = strchr(self->next->key + length, '/');
    return slash && !strcmp(slash + 1, tag)
        ? apr_pstrmemdup(self->pool, self->next->key + length,
                         slash - self->next->key - length)
        : NULL;
}

static void find_tag(event_search_t *self, const char *repository,
                     const char *tag)
{
    const char *before = next_tagged(self, repository, tag);
    oci_event_t *event;

    if (is_deletion(self)) {
        event = add_event(self, OCI_EVENT_TAG_DELETED, repository);
        event->digest = before;
    }
    else {
        event = add_event(self, OCI_EVENT_TAG_PUSHED, repository);
        event->digest = oci_tag_digest(&self->change->value, self->pool);
        event->previous = before;
        event->media_type = self->media_type;
        event->size = self->size;
    }
    event->tag = tag;
}

/* A manifest is deleted after its tags. */
static void complete_tags(event_search_t *self, const char *digest)
{
    int i;

    for (i = self->events->nelts - 1; i >= 0; i--) {
        oci_event_t *event = &APR_ARRAY_IDX(self->events, i, oci_event_t);

        if (event->kind != OCI_EVENT_TAG_DELETED || event->digest) {
            return;
        }
        event->digest = digest;
    }
}

static void find_manifest(event_search_t *self, const char *repository,
                          const char *digest)
{
    oci_manifest_t manifest;
    oci_event_t *event;

    if (is_deletion(self)) {
        complete_tags(self, digest);
        event = add_event(self, OCI_EVENT_MANIFEST_DELETED, repository);
    }
    else {
        event = add_event(self, OCI_EVENT_MANIFEST_PUSHED, repository);
        if (oci_manifest_parse(&manifest, &self->change->value, self->pool)) {
            event->media_type = self->media_type = manifest.media_type;
            event->size = self->size = manifest.size;
        }
    }
    event->digest = digest;
}

/* A blob is added by a push or a mount if its record is put, too. */
static void find_blob(event_search_t *self, const char *repository,
                      const char *digest)
{
    if (is_deletion(self)) {
        add_event(self, OCI_EVENT_BLOB_DELETED, repository)->digest = digest;
    }
    else if (self->blob_size >= 0) {
        oci_event_t *event = add_event(self, OCI_EVENT_BLOB_ADDED, repository);

        event->digest = digest;
        event->size = self->blob_size;
    }
}

static void find_repository(event_search_t *self)
{
    const char *name = oci_key_suffix(self->pool, self->change->key,
                                      oci_key_catalog(self->pool, NULL));

    if (is_deletion(self)) {
        add_event(self, OCI_EVENT_REPOSITORY_DELETED, name);
    }
    else if (self->created && !strcmp(self->created, self->change->key)) {
        add_event(self, OCI_EVENT_REPOSITORY_CREATED, name);
    }
}

/* A fact of a repository: repo/<name>/_kind/...  No part of a name begins with
 * "_". */
static void find_in_repository(event_search_t *self, const char *rest)
{
    static const struct {
        const char *kind;
        void (*find)(event_search_t *self, const char *repository,
                     const char *what);
    } kinds[] = { { "/_tag/", find_tag },
                  { "/_manifest/", find_manifest },
                  { "/_blob/", find_blob } };
    const char *mark = strstr(rest, "/_");
    apr_size_t i;

    for (i = 0; mark && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        apr_size_t length = strlen(kinds[i].kind);

        if (!strncmp(mark, kinds[i].kind, length)) {
            kinds[i].find(self, apr_pstrmemdup(self->pool, rest, mark - rest),
                          mark + length);
        }
    }
}

static int begins_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

static void look_at_change(event_search_t *self)
{
    const char *key = self->change->key;

    if (begins_with(key, "repo/")) {
        find_in_repository(self, key + strlen("repo/"));
    }
    else if (begins_with(key, oci_key_catalog(self->pool, NULL))) {
        find_repository(self);
    }
    else if (begins_with(key, oci_key_blob(self->pool, NULL))
             && !is_deletion(self)) {
        self->blob_size = apr_atoi64(self->change->value.data);
    }
}

apr_array_header_t *oci_events_find(const apr_array_header_t *changes,
                                    const char *created, apr_pool_t *pool)
{
    event_search_t self = { .blob_size = -1,
                            .size = -1,
                            .created = created,
                            .events = apr_array_make(pool, 4,
                                                     sizeof(oci_event_t)),
                            .pool = pool };
    int i;

    for (i = 0; i < changes->nelts; i++) {
        self.change = &APR_ARRAY_IDX(changes, i, oci_change_t);
        self.next = i + 1 < changes->nelts ? self.change + 1 : NULL;
        look_at_change(&self);
    }
    return self.events;
}
