/* SPDX-License-Identifier: Apache-2.0 */

/* The command "export".  It reads as the owner of the blob store, and writes
 * with the rights of the caller. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/interrupt.h"
#include "admin/layout/export.h"
#include "admin/layout/export_plan.h"
#include "admin/layout/layout_entries.h"
#include "admin/layout/layout_write.h"
#include "admin/progress.h"
#include "admin/stores.h"
#include "admin/terminal.h"
#include "registry/blob_source.h"
#include "registry/manifest.h"
#include "values/json.h"

#define CHUNK (256 * 1024) /* bytes */

#define MARK "{\"imageLayoutVersion\":\"1.0.0\"}"

#define INTERRUPTED "interrupted; nothing was exported"

const char oci_export_usage[] =
    " [--json] [--quiet] NAME[:TAG|@DIGEST]... DIR|FILE.tar STORES\n"
    "    Write images with their referrers as an OCI image layout, to a\n"
    "    new directory or tar archive.  NAME alone stands for all tags of\n"
    "    the repository.\n"
    "      --json   print the report as one line of JSON\n"
    "      --quiet  do not print progress\n";

/* The command line and the run. */
typedef struct export_command_t {
    oci_stores_t stores;
    apr_array_header_t *references; /* of oci_reference_t */
    const char *path;               /* of the layout */
    oci_export_plan_t plan;
    oci_layout_writer_t *writer;
    oci_progress_t *progress;
    apr_uint64_t manifests; /* written */
    apr_uint64_t blobs;
    apr_uint64_t bytes; /* of both */
    int json;
    int quiet;
    apr_time_t begun;
    apr_pool_t *scratch; /* for one manifest or blob */
    apr_pool_t *pool;
} export_command_t;

enum { OPTION_JSON = 256, OPTION_QUIET };

static const apr_getopt_option_t options[] = {
    { "json", OPTION_JSON, 0, NULL },
    { "quiet", OPTION_QUIET, 0, NULL },
    OCI_STORES_OPTIONS,
    { NULL, 0, 0, NULL },
};

static const char *set_option(void *baton, int option, const char *value)
{
    export_command_t *self = baton;

    (void)value;
    *(option == OPTION_JSON ? &self->json : &self->quiet) = 1;
    return NULL;
}

static const char *parse_arguments(export_command_t *self,
                                   apr_getopt_t *arguments)
{
    const oci_stores_options_t own = { "export", options, "--json, --quiet",
                                       set_option, self };
    const char *error = oci_stores_parse_options(&self->stores, &own,
                                                 arguments);
    const char *const *last = arguments->argv + arguments->ind;
    int count = arguments->argc - arguments->ind, i;

    if (!error && count < 2) {
        error = "export expects one or more images, such as team/app:v1, and "
                "then a new directory, or a file whose name ends in .tar";
    }
    for (i = 0; i < count - 1 && !error; i++) {
        error = oci_reference_parse(apr_array_push(self->references),
                                    &self->stores.registry, last[i],
                                    self->pool);
    }
    if (error) {
        return error;
    }
    self->path = last[count - 1];
    return oci_stores_parse(&self->stores, "export", 0, NULL);
}

/* Return the name of an entry in index.json; NULL if it has none.  If there are
 * several repositories, it is a reference, with a host if otherwise the first
 * component of the repository would be taken for one. */
static const char *name_of(const export_command_t *self,
                           const oci_export_entry_t *entry)
{
    const char *name = entry->repository->name;

    if (!self->plan.several) {
        return entry->tag;
    }
    return apr_pstrcat(self->pool,
                       oci_layout_has_host(name) ? "localhost/" : "", name,
                       entry->tag ? ":" : "@",
                       entry->tag ? entry->tag : entry->digest, NULL);
}

/* Make index.json. */
static const char *make_index(const export_command_t *self)
{
    const apr_array_header_t *entries = self->plan.entries;
    apr_array_header_t *parts = apr_array_make(self->pool, entries->nelts + 2,
                                               sizeof(const char *));
    int i;

    APR_ARRAY_PUSH(parts, const char *) =
        "{\"schemaVersion\":2,\"mediaType\":"
        "\"application/vnd.oci.image.index.v1+json\",\"manifests\":[";
    for (i = 0; i < entries->nelts; i++) {
        const oci_export_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                         oci_export_entry_t);
        const oci_export_item_t *item = oci_export_plan_find(&self->plan,
                                                             entry->digest);
        const char *name = name_of(self, entry);

        APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(
            self->pool,
            "%s{\"mediaType\":%s,\"digest\":\"%s\",\"size\":%" APR_OFF_T_FMT
            "%s%s%s}",
            i ? "," : "", oci_json_quote(item->media_type, self->pool),
            item->digest, item->size,
            name ? ",\"annotations\":{\"" OCI_LAYOUT_REF_NAME "\":" : "",
            name ? oci_json_quote(name, self->pool) : "", name ? "}" : "");
    }
    APR_ARRAY_PUSH(parts, const char *) = "]}";
    return apr_array_pstrcat(self->pool, parts, 0);
}

static const char *write_text(const export_command_t *self, const char *name,
                              const char *text)
{
    const char *error = oci_layout_write_file(self->writer, name, strlen(text));

    if (!error) {
        error = oci_layout_write_data(self->writer, text, strlen(text));
    }
    return error ? error : oci_layout_write_end(self->writer);
}

static const char *write_manifest(const export_command_t *self,
                                  const oci_export_item_t *item)
{
    oci_manifest_t manifest;
    oci_error_t *error = oci_manifest_get(&manifest, item->repository,
                                          item->digest, self->scratch);

    return error
        ? oci_export_explain(error, self->pool)
        : oci_layout_write_data(self->writer, manifest.data, manifest.size);
}

/* Copy the bytes of an open blob, whose size is known, and compare their
 * digest. */
static const char *copy_bytes(const export_command_t *self,
                              const oci_blob_source_t *source,
                              const oci_export_item_t *item)
{
    oci_hash_t *hash = oci_hash_make(oci_digest_algorithm(item->digest),
                                     self->scratch);
    char *buffer = apr_palloc(self->scratch, CHUNK);
    apr_off_t left = item->size;
    const char *error = NULL;
    apr_size_t size;
    apr_status_t rv;
    char reason[120];

    while (left && !error) {
        if (oci_interrupt_pending()) {
            return INTERRUPTED;
        }
        size = left < CHUNK ? left : CHUNK;
        rv = oci_blob_source_read(source, item->size - left, buffer, &size);
        if (rv != APR_SUCCESS || !size) {
            rv = rv ? rv : APR_EOF;
            return apr_psprintf(self->pool, "cannot read the blob %s: %s",
                                item->digest,
                                apr_strerror(rv, reason, sizeof(reason)));
        }
        oci_hash_update(hash, buffer, size);
        left -= size;
        error = oci_layout_write_data(self->writer, buffer, size);
    }
    return error || !strcmp(oci_hash_digest(hash, self->scratch), item->digest)
        ? error
        : apr_psprintf(self->pool,
                       "the blob %s of %s is damaged: its bytes have the "
                       "digest %s; nothing was exported, and \"ociadmin check "
                       "--digests\" says what else is damaged",
                       item->digest, item->repository->name,
                       oci_hash_digest(hash, self->scratch));
}

static const char *write_blob(const export_command_t *self,
                              const oci_export_item_t *item)
{
    oci_blob_t blob = { .digest = item->digest };
    oci_blob_source_t source = { 0 };
    oci_error_t *error = oci_blob_open(&source, &blob, item->repository, 0,
                                       self->scratch);

    return error ? oci_export_explain(error, self->pool)
                 : copy_bytes(self, &source, item);
}

static const char *write_item(export_command_t *self,
                              const oci_export_item_t *item)
{
    const char *error = oci_layout_write_blob(self->writer, item->digest,
                                              item->size);

    if (!error) {
        error = (item->media_type ? write_manifest : write_blob)(self, item);
    }
    if (!error) {
        error = oci_layout_write_end(self->writer);
    }
    *(item->media_type ? &self->manifests : &self->blobs) += 1;
    self->bytes += item->size;
    oci_progress_show(self->progress, self->manifests + self->blobs,
                      self->bytes);
    apr_pool_clear(self->scratch);
    return error;
}

/* Write all files of the layout. */
static const char *write_content(export_command_t *self)
{
    const apr_array_header_t *items = self->plan.items;
    const char *index = make_index(self);
    const char *error = strlen(index) > OCI_LAYOUT_INDEX_MAX
        ? "index.json would have more than 32 MiB, which no import reads: "
          "export fewer images at a time"
        : write_text(self, "oci-layout", MARK);
    int i;

    if (!error) {
        error = write_text(self, "index.json", index);
    }
    for (i = 0; i < items->nelts && !error; i++) {
        error = oci_interrupt_pending()
            ? INTERRUPTED
            : write_item(self, &APR_ARRAY_IDX(items, i, oci_export_item_t));
    }
    return error;
}

#define COUNT APR_UINT64_T_FMT

static void print_report(const export_command_t *self)
{
    double seconds = (apr_time_now() - self->begun) / (double)APR_USEC_PER_SEC;
    const oci_export_plan_t *plan = &self->plan;
    apr_pool_t *pool = self->pool;
    apr_uint64_t tags = 0;
    int i;

    for (i = 0; i < plan->entries->nelts; i++) {
        tags += APR_ARRAY_IDX(plan->entries, i, oci_export_entry_t).tag != NULL;
    }
    if (self->json) {
        printf("{\"tags\": %" COUNT ", \"manifests\": %" COUNT
               ", \"blobs\": %" COUNT ", \"bytes\": %" COUNT
               ", \"absent\": %" COUNT ", \"seconds\": %.3f}\n",
               tags, self->manifests, self->blobs, self->bytes, plan->absent,
               seconds);
        return;
    }
    printf("%s, %s and %s exported in %.1f s, %s\n",
           oci_terminal_count(tags, "tag", pool),
           oci_terminal_count(self->manifests, "manifest", pool),
           oci_terminal_count(self->blobs, "blob", pool), seconds,
           oci_progress_format_bytes(self->bytes, pool));
}

static const char *run(export_command_t *self)
{
    const char *error = oci_layout_write_check(self->path, self->pool);

    if (!error) {
        error = oci_export_plan_make(&self->plan, self->references);
    }
    if (!error && oci_interrupt_pending()) {
        error = INTERRUPTED;
    }
    if (!error) {
        error = oci_layout_write_begin(&self->writer, self->path, self->pool);
    }
    if (error) {
        return error;
    }
    error = write_content(self);
    oci_progress_end(self->progress);
    if (error) {
        oci_layout_write_abort(self->writer);
        return error;
    }
    error = oci_layout_write_commit(self->writer);
    if (!error) {
        print_report(self);
    }
    return error;
}

oci_outcome_e oci_export_command(const char **error, apr_getopt_t *arguments,
                                 apr_pool_t *pool)
{
    export_command_t self = { .stores.pool = pool,
                              .plan.pool = pool,
                              .pool = pool,
                              .begun = apr_time_now() };

    self.references = apr_array_make(pool, 4, sizeof(oci_reference_t));
    if ((*error = parse_arguments(&self, arguments))) {
        return OCI_USAGE;
    }
    if (apr_pool_create(&self.scratch, pool) != APR_SUCCESS) {
        *error = "there is not enough memory";
        return OCI_FAILED;
    }
    self.progress = oci_progress_create(self.quiet, pool);
    oci_progress_begin(self.progress, "exporting");
    oci_progress_count(self.progress, "items");
    if (!(*error = oci_stores_open_to_read(&self.stores))) {
        oci_interrupt_block();
        *error = run(&self);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
