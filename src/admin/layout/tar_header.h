/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tar_header.h
 * @brief The headers of a tar archive (POSIX.1-2001 ustar and pax, GNU tar)
 */

#ifndef OCI_TAR_HEADER_H
#define OCI_TAR_HEADER_H

#include "apr_pools.h"

/** Headers and content begin at multiples of this, bytes. */
#define OCI_TAR_BLOCK 512

/** The longest name of a member, bytes. */
#define OCI_TAR_NAME_MAX 4096

/** Kinds of members; other kinds have other characters. */
enum {
    OCI_TAR_FILE = '0',
    OCI_TAR_HARD_LINK = '1',
    OCI_TAR_SYMBOLIC_LINK = '2',
    OCI_TAR_DIRECTORY = '5',
    OCI_TAR_FIFO = '6',
    OCI_TAR_CONTIGUOUS = '7', /* a file for most programs */
    OCI_TAR_GNU_SPARSE = 'S',
    OCI_TAR_PAX = 'x',        /* records about the next member */
    OCI_TAR_PAX_GLOBAL = 'g', /* about all that follow */
    OCI_TAR_GNU_NAME = 'L',   /* the name of the next member */
    OCI_TAR_GNU_TARGET = 'K'  /* the target of the next one, a link */
};

/** What a header says. */
typedef struct oci_tar_header_t {
    char name[258]; /* with its prefix */
    char kind;
    apr_off_t size; /* of the content, bytes */
} oci_tar_header_t;

/** What pax records say that matters. */
typedef struct oci_tar_pax_t {
    const char *name; /* or NULL */
    apr_off_t size;   /* bytes; -1: not said */
    int is_sparse;    /* the content is not the file's bytes */
} oci_tar_pax_t;

/** Return 1 if a block of OCI_TAR_BLOCK bytes is zeros, which ends an archive,
 * otherwise 0. */
int oci_tar_is_end(const char *block);

/**
 * Parse a header.
 * @param header Filled in.  The ancient kinds of files and directories become
 *        those above
 * @param block OCI_TAR_BLOCK bytes
 * @return NULL, or what is wrong, as the end of a sentence
 */
const char *oci_tar_header_parse(oci_tar_header_t *header, const char *block);

/**
 * Parse pax records.
 * @param pax Filled in
 * @param data,size The records; a NUL is behind them
 * @param pool For the name
 * @return NULL, or what is wrong, as the end of a sentence
 */
const char *oci_tar_pax_parse(oci_tar_pax_t *pax, const char *data,
                              apr_size_t size, apr_pool_t *pool);

/**
 * Make the header of a file or a directory, preceded by pax records if it needs
 * them.  It has no owner and the time 0, so that equal content gives equal
 * archives.
 * @param length Set to the size of the header in bytes
 * @param name Of the member, at most OCI_TAR_NAME_MAX bytes
 * @param kind OCI_TAR_FILE or OCI_TAR_DIRECTORY
 * @param size Of the content, bytes
 * @param pool For the result
 * @return The header
 */
const char *oci_tar_header_make(apr_size_t *length, const char *name, char kind,
                                apr_off_t size, apr_pool_t *pool);

/** Return the bytes between the end of a content of this size and the next
 * header. */
apr_size_t oci_tar_padding(apr_off_t size);

#endif /* OCI_TAR_HEADER_H */
