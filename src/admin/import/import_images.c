/* SPDX-License-Identifier: Apache-2.0 */

/* Reads which manifests and tags a repository has, and decides which tags must
 * be set. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apr_escape.h"
#include "apr_strings.h"

#include "admin/import/import_images.h"
#include "admin/import/import_tree.h"
#include "registry/tag.h"
#include "values/name.h"
#include "values/digest.h"

/* distribution writes the two link files of a tag one after the other. */
#define SAME_PUSH 2 /* seconds */

const char *oci_import_digest(const unsigned char *raw, apr_pool_t *pool)
{
    oci_algorithm_e algorithm = raw[0];

    return apr_pstrcat(pool, oci_algorithm_name(algorithm), ":",
                       apr_pescape_hex(pool, raw + 1,
                                       algorithm == OCI_SHA256 ? 32 : 64, 0),
                       NULL);
}

static void set_raw(unsigned char *raw, const char *digest)
{
    memset(raw, 0, OCI_IMPORT_RAW);
    raw[0] = oci_digest_algorithm(digest);
    apr_unescape_hex(raw + 1, strchr(digest, ':') + 1, APR_ESCAPE_STRING, 0,
                     NULL);
}

/* Both kinds of entries begin with the digest. */
static int compare_raw(const void *one, const void *other)
{
    return memcmp(one, other, OCI_IMPORT_RAW);
}

static void sort_entries(apr_array_header_t *entries)
{
    qsort(entries->elts, entries->nelts, entries->elt_size, compare_raw);
}

oci_import_revision_t *oci_import_images_find(const oci_import_images_t *images,
                                              const char *digest)
{
    const apr_array_header_t *all = images->revisions;
    unsigned char raw[OCI_IMPORT_RAW];

    set_raw(raw, digest);
    return bsearch(raw, all->elts, all->nelts, all->elt_size, compare_raw);
}

oci_import_tag_t *oci_import_images_tags(const oci_import_images_t *images,
                                         const unsigned char *raw)
{
    const apr_array_header_t *all = images->tags;
    oci_import_tag_t *first = (oci_import_tag_t *)all->elts;
    oci_import_tag_t *found = bsearch(raw, first, all->nelts, sizeof(*first),
                                      compare_raw);

    while (found && found > first && !compare_raw(found - 1, raw)) {
        found--;
    }
    return found;
}

oci_import_images_t *oci_import_images_make(oci_import_t *import,
                                            const oci_repository_t *repository,
                                            apr_pool_t *pool)
{
    oci_import_images_t *self = apr_pcalloc(pool, sizeof(*self));

    self->import = import;
    self->repository = repository;
    self->pool = pool;
    self->tags = apr_array_make(pool, 16, sizeof(oci_import_tag_t));
    self->revisions = apr_array_make(pool, 16, sizeof(oci_import_revision_t));
    return self;
}

oci_import_revision_t *oci_import_images_add(oci_import_images_t *images,
                                             const char *digest,
                                             apr_int64_t seconds)
{
    oci_import_revision_t *revision = apr_array_push(images->revisions);

    set_raw(revision->raw, digest);
    revision->done = 0;
    revision->awaited = 0;
    revision->seconds = seconds;
    revision->media_type = NULL;
    return revision;
}

void oci_import_images_add_tag(oci_import_images_t *images, const char *name,
                               const char *digest, apr_int64_t seconds)
{
    oci_import_tag_t *tag = apr_array_push(images->tags);

    set_raw(tag->raw, digest);
    tag->done = 0;
    tag->name = apr_pstrdup(images->pool, name);
    tag->seconds = seconds;
}

void oci_import_images_sort(oci_import_images_t *images)
{
    sort_entries(images->tags);
    sort_entries(images->revisions);
}

static void add_revision(oci_import_images_t *images, int dir, const char *hex,
                         apr_pool_t *scratch)
{
    oci_import_link_t link;
    apr_status_t rv = oci_import_link_check(&link, dir, hex, scratch);

    if (rv == ENOENT) {
        return; /* it was deleted, or is being pushed */
    }
    if (rv != APR_SUCCESS) {
        oci_import_skip(images->import,
                        "%s/_manifests/revisions/sha256/%s/link: %s",
                        images->repository->name, hex,
                        oci_import_fault(rv, scratch));
        return;
    }
    oci_import_images_add(images, link.digest, link.seconds);
}

static void add_tag(oci_import_images_t *images, int dir, const char *name,
                    apr_pool_t *scratch)
{
    oci_import_link_t link;
    apr_status_t rv;

    if (!oci_tag_valid(name)) {
        oci_import_skip(images->import, "%s, tag %s: it is not a valid tag",
                        images->repository->name, name);
        return;
    }
    rv = oci_import_link_read(&link, dir,
                              apr_pstrcat(scratch, name, "/current/link", NULL),
                              scratch);
    if (rv == ENOENT && oci_import_is_recent(dir, name)) {
        return; /* it is being pushed */
    }
    if (rv != APR_SUCCESS) {
        oci_import_skip(images->import,
                        "%s/_manifests/tags/%s/current/link: %s",
                        images->repository->name, name,
                        oci_import_fault(rv, scratch));
        return;
    }
    oci_import_images_add_tag(images, name, link.digest, link.seconds);
}

/* Read all entries of a directory; what it lacks is not an error. */
static void read_entries(oci_import_images_t *images, const char *path,
                         void (*add)(oci_import_images_t *images, int dir,
                                     const char *name, apr_pool_t *scratch))
{
    oci_import_dir_t entries;
    apr_pool_t *scratch;
    const char *name;
    apr_status_t rv = apr_pool_create(&scratch, images->pool);

    if (rv == APR_SUCCESS) {
        rv = oci_import_dir_open(&entries, images->dir, path);
        while ((name = oci_import_dir_next(&entries))) {
            add(images, entries.fd, name, scratch);
            apr_pool_clear(scratch);
        }
        rv = entries.rv;
        oci_import_dir_close(&entries);
        apr_pool_destroy(scratch);
    }
    if (rv != APR_SUCCESS && rv != ENOENT) {
        oci_import_skip(images->import, "%s/%s: %s", images->repository->name,
                        path, oci_import_fault(rv, images->pool));
    }
}

void oci_import_images_read(oci_import_images_t **images, oci_import_t *import,
                            const oci_repository_t *repository, int dir,
                            apr_pool_t *pool)
{
    oci_import_images_t *self = oci_import_images_make(import, repository,
                                                       pool);

    self->dir = dir;
    read_entries(self, "_manifests/tags", add_tag);
    read_entries(self, "_manifests/revisions/sha256", add_revision);
    oci_import_images_sort(self);
    *images = self;
}

/* Whether an earlier import has set a tag that exists here: the tree then knows
 * that the tag once named this digest, and not since an earlier time. */
static int is_imported(const oci_import_images_t *images, const char *name,
                       const oci_tag_t *tag, apr_pool_t *pool)
{
    const char *path;
    oci_import_link_t link;

    if (!oci_digest_valid(tag->digest)) {
        return 0;
    }
    path = apr_pstrcat(pool, "_manifests/tags/", name, "/index/sha256/",
                       strchr(tag->digest, ':') + 1, "/link", NULL);
    return !tag->origin.user
        && oci_import_link_read(&link, images->dir, path, pool) == APR_SUCCESS
        && !strcmp(link.digest, tag->digest)
        && link.seconds >= tag->origin.seconds - SAME_PUSH;
}

oci_error_t *oci_import_tag_decide(int *set, oci_condition_t *condition,
                                   const oci_import_images_t *images,
                                   const oci_import_tag_t *tag,
                                   apr_pool_t *pool)
{
    const char *digest = oci_import_digest(tag->raw, pool);
    oci_tag_t here;
    oci_error_t *error = oci_tag_get(&here, images->repository, tag->name,
                                     pool);

    *set = 0;
    if (error) {
        return error;
    }
    if (!here.digest) {
        condition->none_match = "*";
        *set = 1;
    }
    else if (!strcmp(here.digest, digest)) {
        images->import->report.present++;
    }
    else if (images->import->moves_tags
             || is_imported(images, tag->name, &here, pool)) {
        condition->match = apr_pstrcat(pool, "\"", here.digest, "\"", NULL);
        *set = 1;
    }
    else {
        oci_import_tag_keep(images, tag->name);
    }
    return NULL;
}

void oci_import_tag_keep(const oci_import_images_t *images, const char *tag)
{
    oci_import_note(images->import,
                    "%s, tag %s: kept as it is, because it was pushed here",
                    images->repository->name, tag);
    images->import->report.kept++;
}
