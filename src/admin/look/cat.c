/* SPDX-License-Identifier: Apache-2.0 */

/* The command "cat": prints the bytes of a manifest or a blob. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/arguments.h"
#include "admin/look/cat.h"
#include "admin/reference.h"
#include "admin/terminal.h"
#include "registry/blob_source.h"
#include "registry/manifest.h"
#include "values/digest.h"

#define CHUNK (64 * 1024) /* bytes */

const char oci_cat_usage
    [] = " NAME[:TAG|@DIGEST] STORES\n"
         "    Print the bytes of a manifest, or of a blob that the repository\n"
         "    holds, to standard output.  Without a tag or digest, the tag is\n"
         "    \"latest\".\n";

#define BINARY                                                         \
    "the content has control characters, on which the terminal might " \
    "act: redirect standard output to a file"

/* The output in progress. */
typedef struct output_t {
    int to_terminal;
    char last; /* the last byte that was written */
} output_t;

static const char *write_chunk(output_t *output, const char *data,
                               apr_size_t size)
{
    if (!size) {
        return NULL;
    }
    if (output->to_terminal
        && oci_terminal_would_act(output->last, data, size)) {
        return BINARY;
    }
    output->last = data[size - 1];
    return fwrite(data, 1, size, stdout) == size
        ? NULL
        : "cannot write to standard output";
}

/* Write all bytes of an open blob, and compare their digest at the end. */
static const char *write_bytes(output_t *output,
                               const oci_blob_source_t *source,
                               const char *digest, apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(oci_digest_algorithm(digest), pool);
    char *buffer = apr_palloc(pool, CHUNK);
    const char *error = NULL;
    apr_size_t size = 1;
    apr_status_t rv = APR_SUCCESS;
    apr_off_t at;
    char reason[120];

    for (at = 0; !error && rv == APR_SUCCESS && size; at += size) {
        size = CHUNK;
        rv = oci_blob_source_read(source, at, buffer, &size);
        if (rv == APR_SUCCESS) {
            oci_hash_update(hash, buffer, size);
            error = write_chunk(output, buffer, size);
        }
    }
    if (error) {
        return error;
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "cannot read the blob %s: %s", digest,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    return strcmp(oci_hash_digest(hash, pool), digest)
        ? apr_psprintf(pool,
                       "the blob %s is damaged: its bytes, which were printed, "
                       "have the digest %s",
                       digest, oci_hash_digest(hash, pool))
        : NULL;
}

static const char *print_blob(output_t *output,
                              const oci_reference_t *reference,
                              apr_pool_t *pool)
{
    oci_blob_t blob = { .digest = reference->digest };
    oci_blob_source_t source = { 0 };
    oci_error_t *error = oci_blob_open(&source, &blob, &reference->repository,
                                       0, pool);

    if (error && error->code == OCI_E_BLOB_UNKNOWN && !error->note) {
        return oci_reference_explain_absence(reference, "manifest or blob",
                                             pool);
    }
    return error ? oci_error_text(error, pool)
                 : write_bytes(output, &source, blob.digest, pool);
}

static const char *print(const oci_reference_t *reference, apr_pool_t *pool)
{
    output_t output = { .to_terminal = isatty(STDOUT_FILENO) };
    oci_manifest_t manifest;
    oci_error_t *error = oci_manifest_get(&manifest, &reference->repository,
                                          oci_reference_end(reference), pool);

    if (!error) {
        return write_chunk(&output, manifest.data, manifest.size);
    }
    if (error->code != OCI_E_MANIFEST_UNKNOWN || error->note) {
        return oci_error_text(error, pool);
    }
    return reference->digest
        ? print_blob(&output, reference, pool)
        : oci_reference_explain_absence(reference, "tag", pool);
}

oci_outcome_e oci_cat_command(const char **error, apr_getopt_t *arguments,
                              apr_pool_t *pool)
{
    oci_arguments_t given = { .command = "cat",
                              .accepted = OCI_ACCEPTS_NAME | OCI_NEEDS_NAME,
                              .pool = pool };
    oci_reference_t reference;

    if ((*error = oci_arguments_parse(&given, arguments))
        || (*error = oci_reference_parse(&reference, &given.stores.registry,
                                         given.name, pool))) {
        return OCI_USAGE;
    }
    if (!(*error = oci_stores_open_to_read(&given.stores))) {
        *error = print(&reference, pool);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
