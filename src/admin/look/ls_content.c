/* SPDX-License-Identifier: Apache-2.0 */

/* Lists the tags, the untagged manifests or the referrers of a repository.
 *
 * A row has a digest and, before it, the tag that names it or the subject to
 * which it refers.  The list is walked twice: the first walk finds the widths
 * of the columns. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "registry/image_size.h"
#include "admin/look/ls_content.h"
#include "admin/terminal.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "registry/walk.h"
#include "values/digest.h"
#include "values/document.h"
#include "values/timestamp.h"

typedef struct row_t {
    const char *first; /* a tag or a subject; NULL if there is none */
    const char *digest;
    const char *type; /* media type, or artifact type of a referrer; NULL if
                         the manifest cannot be read */
    apr_int64_t size; /* bytes */
    oci_origin_t origin;
    int is_gone; /* since it was listed */
} row_t;

typedef struct content_list_t {
    const oci_repository_t *repository;
    oci_ls_e kind;
    int json;
    int measuring;   /* the first walk */
    int first_width; /* of the columns */
    int digest_width;
    int user_width;
    int faults; /* manifests that could not be read */
} content_list_t;

static const struct {
    const char *first; /* titles */
    const char *type;
    const char *first_name; /* names of JSON members */
    const char *type_name;
} titles[] = {
    { "TAG", "MEDIA TYPE", "tag", "mediaType" },
    { "TAG", "MEDIA TYPE", "tag", "mediaType" },
    { "SUBJECT", "ARTIFACT TYPE", "subject", "artifactType" },
};

static void widen(int *width, const char *text)
{
    int length = (int)strlen(text);

    *width = length > *width ? length : *width;
}

/* The user of a row, as it is shown. */
static const char *user_of(const row_t *row, apr_pool_t *pool)
{
    return row->origin.user ? oci_terminal_text(row->origin.user, pool) : "-";
}

static void measure_row(content_list_t *list, const row_t *row,
                        apr_pool_t *pool)
{
    widen(&list->first_width, row->first ? row->first : "-");
    widen(&list->digest_width, row->digest);
    widen(&list->user_width, user_of(row, pool));
}

static void print_json(const content_list_t *list, const row_t *row,
                       apr_pool_t *pool)
{
    const char *size = row->type
        ? apr_psprintf(pool, "%" APR_UINT64_T_FMT, row->size)
        : "null";

    printf("{\"%s\": %s, \"digest\": %s, \"%s\": %s, \"size\": %s, "
           "\"pushed\": %s, \"user\": %s}\n",
           titles[list->kind].first_name, oci_terminal_quote(row->first, pool),
           oci_terminal_quote(row->digest, pool), titles[list->kind].type_name,
           oci_terminal_quote(row->type, pool), size,
           oci_terminal_quote(oci_timestamp_format(row->origin.seconds, pool),
                              pool),
           oci_terminal_quote(row->origin.user, pool));
}

static void print_row(const content_list_t *list, const row_t *row,
                      apr_pool_t *pool)
{
    const char *pushed = oci_timestamp_format(row->origin.seconds, pool);

    if (list->json) {
        print_json(list, row, pool);
        return;
    }
    printf("%-*s  %-*s  %5s  %-20s  %-*s  %s\n", list->first_width,
           row->first ? row->first : "-", list->digest_width, row->digest,
           row->type ? oci_terminal_size(row->size, pool) : "-",
           pushed ? pushed : "-", list->user_width, user_of(row, pool),
           row->type ? oci_terminal_text(row->type, pool) : "-");
}

/* Report a manifest that cannot be read. */
static void report_fault(content_list_t *list, const char *digest,
                         const char *problem)
{
    list->faults += !list->measuring;
    if (!list->measuring) {
        fprintf(stderr, "ociadmin: %s@%s: %s\n", list->repository->name, digest,
                problem);
    }
}

/* Find out whether what led to a manifest that is not there is gone as well:
 * both were deleted after the row was listed. */
static oci_error_t *find_cause(int *gone, const content_list_t *list,
                               const row_t *row, apr_pool_t *pool)
{
    const oci_repository_t *repository = list->repository;
    oci_error_t *error = NULL;
    oci_tag_t tag;
    int exists = 0;

    if (list->kind == OCI_LS_TAGS) {
        error = oci_tag_get(&tag, repository, row->first, pool);
        exists = tag.digest && !strcmp(tag.digest, row->digest);
    }
    else if (list->kind == OCI_LS_REFERRERS && row->first) {
        error = oci_fact_exists(&exists, repository->registry,
                                oci_key_referrer(pool, repository->name,
                                                 row->first, row->digest),
                                pool);
    }
    *gone = !error && !exists;
    return error;
}

/* Read the manifest of a row: its type and size, and, for a row that has no
 * tag, its origin. */
static oci_error_t *read_manifest(row_t *row, content_list_t *list,
                                  apr_pool_t *pool)
{
    oci_image_size_t size = { 0 };
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, list->repository,
                                          row->digest, pool);
    const char *problem;

    if (error) {
        problem = oci_error_text(error, pool);
        if (error->code != OCI_E_MANIFEST_UNKNOWN
            || (!error->note
                && (error = find_cause(&row->is_gone, list, row, pool)))) {
            return error;
        }
        if (!row->is_gone) {
            report_fault(list, row->digest, problem);
        }
        return NULL;
    }
    if (list->kind != OCI_LS_TAGS) {
        row->origin = manifest.origin;
    }
    problem = oci_document_parse(&document, manifest.media_type, manifest.data,
                                 manifest.size, pool);
    if (problem) {
        report_fault(list, row->digest, oci_terminal_text(problem, pool));
        return NULL;
    }
    row->type = list->kind != OCI_LS_REFERRERS ? manifest.media_type
        : document->artifact_type              ? document->artifact_type
                                               : "";
    if (!list->measuring) {
        error = oci_image_size(&size, list->repository, &manifest, document,
                               pool);
        row->size = size.bytes;
    }
    return error;
}

/* Show a row in the second walk, measure it in the first one. */
static oci_error_t *show_row(content_list_t *list, row_t *row, apr_pool_t *pool)
{
    oci_error_t *error = NULL;

    if (!oci_digest_valid(row->digest)) {
        row->digest = oci_terminal_text(row->digest, pool);
        report_fault(list, row->digest, "this is not a valid digest");
    }
    else if (!list->measuring || list->kind != OCI_LS_TAGS) {
        error = read_manifest(row, list, pool);
    }
    if (error || row->is_gone) {
        return error;
    }
    if (list->measuring) {
        measure_row(list, row, pool);
    }
    else {
        print_row(list, row, pool);
    }
    return NULL;
}

static oci_error_t *visit_tag(oci_walk_t *walk, const char *tag,
                              const oci_value_t *value, apr_pool_t *pool)
{
    row_t row = { .first = oci_terminal_text(tag, pool) };
    oci_tag_t found;

    oci_tag_parse(&found, value, pool);
    row.digest = found.digest ? found.digest : "";
    row.origin = found.origin;
    return show_row(walk->baton, &row, pool);
}

static oci_error_t *visit_manifest(oci_walk_t *walk, const char *digest,
                                   const oci_value_t *value, apr_pool_t *pool)
{
    content_list_t *list = walk->baton;
    row_t row = { .digest = digest };
    apr_array_header_t *tags;
    oci_error_t *error = oci_digest_valid(digest)
        ? oci_tag_list_naming(&tags, list->repository, digest, pool)
        : NULL;

    (void)value;
    if (error || (oci_digest_valid(digest) && tags->nelts)) {
        return error;
    }
    return show_row(list, &row, pool);
}

static oci_error_t *visit_referrer(oci_walk_t *walk, const char *rest,
                                   const oci_value_t *value, apr_pool_t *pool)
{
    const char *slash = strchr(rest, '/');
    row_t row = { .digest = slash ? slash + 1 : rest };

    (void)value;
    if (slash) {
        row.first = oci_terminal_text(apr_pstrmemdup(pool, rest, slash - rest),
                                      pool);
    }
    return show_row(walk->baton, &row, pool);
}

static oci_error_t *walk_list(content_list_t *list, apr_pool_t *pool)
{
    const char *name = list->repository->name;
    oci_walk_t walk = { .registry = list->repository->registry,
                        .values = list->kind == OCI_LS_TAGS,
                        .baton = list };

    switch (list->kind) {
    case OCI_LS_TAGS:
        walk.prefix = oci_key_tag(pool, name, NULL);
        walk.visit = visit_tag;
        break;
    case OCI_LS_UNTAGGED:
        walk.prefix = oci_key_manifest(pool, name, NULL);
        walk.visit = visit_manifest;
        break;
    case OCI_LS_REFERRERS:
        walk.prefix = oci_key_referrer(pool, name, NULL, NULL);
        walk.visit = visit_referrer;
        break;
    }
    return oci_walk(&walk, pool);
}

static oci_error_t *print_list(content_list_t *list, apr_pool_t *pool)
{
    oci_error_t *error;

    if (!list->json) {
        widen(&list->first_width, titles[list->kind].first);
        widen(&list->digest_width, "DIGEST");
        widen(&list->user_width, "USER");
        list->measuring = 1;
        if ((error = walk_list(list, pool))) {
            return error;
        }
        list->measuring = 0;
        printf("%-*s  %-*s  %5s  %-20s  %-*s  %s\n", list->first_width,
               titles[list->kind].first, list->digest_width, "DIGEST", "SIZE",
               "PUSHED", list->user_width, "USER", titles[list->kind].type);
    }
    return walk_list(list, pool);
}

const char *oci_ls_content(const oci_reference_t *reference, oci_ls_e kind,
                           int json, apr_pool_t *pool)
{
    content_list_t list = { .repository = &reference->repository,
                            .kind = kind,
                            .json = json };
    int exists;
    oci_error_t *error = oci_repository_exists(&exists, list.repository, pool);

    if (!error && !exists) {
        return apr_psprintf(pool, "there is no repository %s",
                            list.repository->name);
    }
    if (!error) {
        error = print_list(&list, pool);
    }
    if (error) {
        return oci_error_text(error, pool);
    }
    return list.faults
        ? apr_psprintf(pool, "cannot read %s",
                       oci_terminal_count(list.faults, "manifest", pool))
        : NULL;
}
