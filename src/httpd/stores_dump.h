/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file stores_dump.h
 * @brief Tells ociadmin which stores and rules the configuration has
 */

#ifndef OCI_STORES_DUMP_H
#define OCI_STORES_DUMP_H

#include "httpd.h"

/** The name of the define by which httpd is asked for the stores. */
#define OCI_STORES_DUMP "DUMP_OCI_STORES"

/**
 * Print the stores and rules of all sections, if httpd was called with
 * "-t -D DUMP_OCI_STORES": a line of JSON for each section, on standard output.
 *
 *     file, line  where its OCIBlobStore is
 *     base        ServerRoot: where relative paths start
 *     uid, gid    of httpd's User and Group
 *     blobs       the arguments of OCIBlobStore
 *     options     what the blob store's own directives say, an object of names
 *                 and values; missing if its provider has none
 *     index       those of OCIIndex, with the database that "dbd" takes from
 *                 mod_dbd; null if the index is beside the blobs
 *     problem     why ociadmin cannot use them, a sentence
 *     sparse      OCISparse: 0 for None, 1 for Index, 2 for All
 *     grace       OCIGCGrace, seconds; this and the rest are those that count
 *                 for the garbage collection of these stores
 *     uploadExpiry  OCIUploadExpiry, seconds
 *     retain, untagged, immutable
 *                 an array of the lines of OCIRetain, OCIUntagged and
 *                 OCIImmutable, each an array of its arguments
 *
 * The index may contain a password, as the configuration does.
 */
void oci_stores_dump(apr_pool_t *pool, server_rec *main_server);

#endif /* OCI_STORES_DUMP_H */
