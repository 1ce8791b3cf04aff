/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file layout_write.h
 * @brief Writes an OCI image layout: a directory, or a tar archive of one
 *
 * Everything is written under a temporary name beside the path, which gets its
 * name when all is written, with the rights of the caller, although the process
 * may have become the owner of a store.  Functions return NULL, or a sentence
 * that says what is wrong.
 */

#ifndef OCI_LAYOUT_WRITE_H
#define OCI_LAYOUT_WRITE_H

#include "apr_pools.h"

typedef struct oci_layout_writer_t oci_layout_writer_t;

/**
 * Check that a layout can be written: that there is nothing at its path, or an
 * empty directory.
 * @param path An archive if it ends in ".tar", otherwise a directory
 */
const char *oci_layout_write_check(const char *path, apr_pool_t *pool);

/**
 * Begin to write a layout.
 * @param writer Set to the writer; to be ended with oci_layout_write_commit or
 *        oci_layout_write_abort if this succeeds
 * @param path As for oci_layout_write_check
 * @param pool For the writer
 */
const char *oci_layout_write_begin(oci_layout_writer_t **writer,
                                   const char *path, apr_pool_t *pool);

/**
 * Begin a file.
 * @param name "oci-layout" or "index.json"
 * @param size In bytes
 */
const char *oci_layout_write_file(oci_layout_writer_t *writer, const char *name,
                                  apr_off_t size);

/** Begin the file of a blob.
 * @param digest Valid
 * @param size In bytes */
const char *oci_layout_write_blob(oci_layout_writer_t *writer,
                                  const char *digest, apr_off_t size);

/** Write the next bytes of the file that was begun last.
 * @param size In bytes; in all, the size with which the file was begun */
const char *oci_layout_write_data(oci_layout_writer_t *writer, const char *data,
                                  apr_size_t size);

/** End the file that was begun last. */
const char *oci_layout_write_end(oci_layout_writer_t *writer);

/** Sync the layout, and give it its name.  If this fails, all that was written
 * is removed. */
const char *oci_layout_write_commit(oci_layout_writer_t *writer);

/** Remove what was written. */
void oci_layout_write_abort(oci_layout_writer_t *writer);

#endif /* OCI_LAYOUT_WRITE_H */
