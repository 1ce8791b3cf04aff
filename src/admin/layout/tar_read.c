/* SPDX-License-Identifier: Apache-2.0 */

/* Finds the members of a tar archive that an image layout consists of: reads
 * all headers once, and keeps where these members are. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"
#include "apr_tables.h"

#include "admin/interrupt.h"
#include "admin/layout/tar_header.h"
#include "admin/layout/tar_read.h"
#include "admin/terminal.h"
#include "values/digest.h"

/* The most blobs of an archive, and the most bytes of pax records of a member:
 * they are kept in memory. */
#define BLOBS_MAX (1024 * 1024)
#define PAX_MAX   (64 * 1024)

/* The most extended headers of a member. */
#define EXTENDED_MAX 8

#define BLOBS "blobs/"

static const char *const documents[OCI_TAR_DOCUMENTS] = { "oci-layout",
                                                          "index.json",
                                                          "manifest.json" };

typedef struct blob_member_t {
    const char *digest;
    oci_tar_extent_t extent;
} blob_member_t;

struct oci_tar_t {
    oci_tar_extent_t documents[OCI_TAR_DOCUMENTS];
    apr_array_header_t *blobs; /* of blob_member_t, by digest */
};

/* The headers that are being read. */
typedef struct tar_reader_t {
    oci_tar_t *tar;
    int fd;
    apr_off_t size;   /* of the archive */
    apr_off_t at;     /* the next header */
    const char *name; /* of the next member, from an extended header; or NULL */
    oci_tar_pax_t pax;   /* about the next member */
    int extended;        /* number of extended headers read about it */
    apr_pool_t *scratch; /* for the next member */
    apr_pool_t *pool;
} tar_reader_t;

static const char *read_at(const tar_reader_t *self, char *buffer,
                           apr_size_t size, apr_off_t offset)
{
    while (size) {
        ssize_t n = pread(self->fd, buffer, size, offset);

        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n ? apr_psprintf(self->pool, "it cannot be read: %s",
                                    strerror(errno))
                     : "it became shorter while it was read";
        }
        buffer += n;
        size -= n;
        offset += n;
    }
    return NULL;
}

static const char *describe(const tar_reader_t *self, const char *name,
                            const char *fault)
{
    return apr_psprintf(self->pool, "the member '%s' %s",
                        oci_terminal_text(name, self->pool), fault);
}

/* Read the content of an extended header.
 * *data: set to it, with a NUL behind it */
static const char *read_content(char **data, tar_reader_t *self,
                                const oci_tar_header_t *header, apr_off_t most)
{
    if (header->size > most) {
        return "an extended header is too large";
    }
    if (++self->extended > EXTENDED_MAX) {
        return "a member has more than 8 extended headers";
    }
    *data = apr_palloc(self->scratch, header->size + 1);
    (*data)[header->size] = '\0';
    return read_at(self, *data, header->size, self->at + OCI_TAR_BLOCK);
}

static const char *read_gnu_name(tar_reader_t *self,
                                 const oci_tar_header_t *header)
{
    char *name;
    const char *error = read_content(&name, self, header, OCI_TAR_NAME_MAX);

    self->name = error ? NULL : name;
    return error;
}

/* A name or a size in a global header would count for every member, so it is
 * refused. */
static const char *read_pax(tar_reader_t *self, const oci_tar_header_t *header)
{
    oci_tar_pax_t *pax = &self->pax;
    char *data;
    const char *error = read_content(&data, self, header, PAX_MAX);

    if (!error) {
        error = oci_tar_pax_parse(pax, data, header->size, self->scratch);
    }
    if (error) {
        return error;
    }
    if (header->kind == OCI_TAR_PAX_GLOBAL) {
        error = pax->name || pax->size >= 0 || pax->is_sparse
            ? "a global pax header has a name or a size"
            : NULL;
        memset(pax, 0, sizeof(*pax));
        pax->size = -1;
        return error;
    }
    self->name = pax->name ? pax->name : self->name;
    return NULL;
}

/* Whether a name leads out of the directory in which it is unpacked. */
static int leads_out(const char *name)
{
    if (*name == '/') {
        return 1;
    }
    while (*name) {
        apr_size_t length = strcspn(name, "/");

        if (length == 2 && !memcmp(name, "..", 2)) {
            return 1;
        }
        name += length + strspn(name + length, "/");
    }
    return 0;
}

/* Return the digest of the blob in a member of this name; NULL if it is not a
 * blob. */
static const char *blob_digest(const char *name, apr_pool_t *pool)
{
    const char *hex, *digest;

    if (strncmp(name, BLOBS, strlen(BLOBS))) {
        return NULL;
    }
    name += strlen(BLOBS);
    hex = strchr(name, '/');
    if (!hex) {
        return NULL;
    }
    digest = apr_psprintf(pool, "%.*s:%s", (int)(hex - name), name, hex + 1);
    return oci_digest_valid(digest) ? digest : NULL;
}

/* Find where to note a member that matters; NULL if it does not. */
static oci_tar_extent_t *find_extent(tar_reader_t *self, const char *name)
{
    oci_tar_t *tar = self->tar;
    blob_member_t *blob;
    const char *digest;
    int i;

    for (i = 0; i < OCI_TAR_DOCUMENTS; i++) {
        if (!strcmp(name, documents[i])) {
            return &tar->documents[i];
        }
    }
    digest = blob_digest(name, self->scratch);
    if (!digest) {
        return NULL;
    }
    blob = apr_array_push(tar->blobs);
    blob->digest = apr_pstrdup(self->pool, digest);
    blob->extent.offset = 0;
    return &blob->extent;
}

static const char *add_member(tar_reader_t *self,
                              const oci_tar_header_t *header)
{
    const char *name = self->name ? self->name : header->name;
    oci_tar_extent_t *extent;

    if (leads_out(name)) {
        return describe(self, name, "leads out of its directory");
    }
    if (header->kind == OCI_TAR_GNU_SPARSE || self->pax.is_sparse) {
        return describe(self, name, "is a sparse file, which is not supported");
    }
    if (header->kind < OCI_TAR_FILE || header->kind > OCI_TAR_FIFO) {
        return describe(self, name, "is of an unknown kind");
    }
    while (!strncmp(name, "./", 2)) {
        name += 2;
    }
    extent = find_extent(self, name);
    if (!extent) {
        return NULL;
    }
    if (header->kind != OCI_TAR_FILE) {
        return describe(self, name, "is not a regular file");
    }
    if (extent->offset) {
        return describe(self, name, "is there twice");
    }
    extent->offset = self->at + OCI_TAR_BLOCK;
    extent->size = header->size;
    return self->tar->blobs->nelts > BLOBS_MAX ? "it has too many blobs" : NULL;
}

/* Take the member whose header was read. */
static const char *take_member(tar_reader_t *self, oci_tar_header_t *header)
{
    const char *error;

    switch (header->kind) {
    case OCI_TAR_GNU_NAME:
        return read_gnu_name(self, header);
    case OCI_TAR_GNU_TARGET:
        return NULL;
    case OCI_TAR_PAX:
    case OCI_TAR_PAX_GLOBAL:
        return read_pax(self, header);
    default:
        error = add_member(self, header);
        self->name = NULL;
        self->extended = 0;
        self->pax.size = -1;
        self->pax.is_sparse = 0;
        apr_pool_clear(self->scratch);
        return error;
    }
}

/* Whether the size in pax records is that of this member. */
static int has_pax_size(const tar_reader_t *self,
                        const oci_tar_header_t *header)
{
    return self->pax.size >= 0 && header->kind == OCI_TAR_FILE;
}

/* Read the header that is next, and what it announces.
 * *end: set to 1 at the end of the archive */
static const char *read_member(int *end, tar_reader_t *self)
{
    char block[OCI_TAR_BLOCK];
    oci_tar_header_t header;
    const char *error = NULL;
    apr_off_t left = self->size - self->at - OCI_TAR_BLOCK;

    *end = left == -OCI_TAR_BLOCK;
    if (!*end) {
        error = left < 0 ? "it is cut off in a header"
                         : read_at(self, block, OCI_TAR_BLOCK, self->at);
    }
    *end = *end || (!error && oci_tar_is_end(block));
    if (error || *end) {
        return error;
    }
    error = oci_tar_header_parse(&header, block);
    if (error) {
        return error;
    }
    if (has_pax_size(self, &header)) {
        header.size = self->pax.size;
    }
    if (header.size > left) {
        return describe(self, self->name ? self->name : header.name,
                        "is cut off");
    }
    error = take_member(self, &header);
    self->at += OCI_TAR_BLOCK + header.size + oci_tar_padding(header.size);
    if (self->at > self->size) {
        self->at = self->size; /* the padding is missing */
    }
    return error;
}

static int compare_blobs(const void *one, const void *other)
{
    return strcmp(((const blob_member_t *)one)->digest,
                  ((const blob_member_t *)other)->digest);
}

/* Sort the blobs, and refuse two members of one name. */
static const char *sort_blobs(const tar_reader_t *self)
{
    const apr_array_header_t *blobs = self->tar->blobs;
    const blob_member_t *all = (const blob_member_t *)blobs->elts;
    int i;

    qsort(blobs->elts, blobs->nelts, blobs->elt_size, compare_blobs);
    for (i = 1; i < blobs->nelts; i++) {
        if (!strcmp(all[i - 1].digest, all[i].digest)) {
            return apr_psprintf(self->pool, "the blob %s is there twice",
                                all[i].digest);
        }
    }
    return NULL;
}

const char *oci_tar_read(oci_tar_t **tar, int fd, apr_off_t size,
                         apr_pool_t *pool)
{
    tar_reader_t self = { .fd = fd, .size = size, .pool = pool };
    const char *error = NULL;
    int end = 0;

    *tar = self.tar = apr_pcalloc(pool, sizeof(**tar));
    self.tar->blobs = apr_array_make(pool, 16, sizeof(blob_member_t));
    self.pax.size = -1;
    if (apr_pool_create(&self.scratch, pool) != APR_SUCCESS) {
        return "there is not enough memory";
    }
    while (!error && !end) {
        error = oci_interrupt_pending() ? "the reading was interrupted"
                                        : read_member(&end, &self);
    }
    apr_pool_destroy(self.scratch);
    return error ? error : sort_blobs(&self);
}

const oci_tar_extent_t *oci_tar_document(const oci_tar_t *tar,
                                         oci_tar_document_e document)
{
    return &tar->documents[document];
}

const oci_tar_extent_t *oci_tar_blob(const oci_tar_t *tar, const char *digest)
{
    blob_member_t wanted = { .digest = digest };
    const blob_member_t *found = bsearch(&wanted, tar->blobs->elts,
                                         tar->blobs->nelts,
                                         sizeof(blob_member_t), compare_blobs);

    return found ? &found->extent : NULL;
}
