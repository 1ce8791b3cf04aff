/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file keys.h
 * @brief Every fact of a registry, and its key in the index
 *
 *     key                                      value
 *     repo/<name>/_manifest/<digest>           media type LF bytes
 *     repo/<name>/_tag/<tag>                   digest
 *     repo/<name>/_tagged/<digest>/<tag>       -
 *     repo/<name>/_blob/<digest>               -
 *     repo/<name>/_referrer/<subject>/<digest> artifact type LF descriptor
 *     repo/<name>/_pending/<token>             -
 *     blob/<digest>                            size ";" locator
 *     holder/<xx>/<digest>,<hash>              the name that hash is of
 *     catalog/<name>!                          -
 *     upload/<day>/<id>                        see upload_record.h
 *     secret                                   see upload_id.c
 *     copy                                     index LF key, or index LF
 *     store                                    the id of the blob store
 *
 * A repository's own facts begin with "_", which no component of a name
 * does.  <xx> are the first two hex digits of the digest, <day> is the one
 * on which the upload was begun.  Where a name ends a key it is marked with
 * "!", which sorts before all that a name may hold: so the keys sort as the
 * names do, and none is another's folder.
 *
 * _tagged may hold more than _tag, never less: it says which tags to look
 * at when a manifest goes.  So do holder and _blob.
 *
 * _pending marks a push whose manifest names so much that it is checked
 * before the repository is locked, see pending.h.  It goes with the push, or
 * with the next deletion in the repository.  What a killed process leaves can
 * be told by its age: a token is a stamp, which begins with its seconds, see
 * random.h.
 *
 * An upload's fact may go by age, too: its id begins with a stamp, and <day>
 * is the stamp's seconds by 86400.  Once the id is older than
 * OCI_UPLOAD_ID_LIFE (upload_id.h) it names no new upload, and so its
 * tombstone, which is an empty value, says nothing that absence does not.
 * Younger ids need it.
 *
 * copy marks an index that is being filled from another, up to a key so far:
 * it is not to be served.
 */

#ifndef OCI_KEYS_H
#define OCI_KEYS_H

#include "apr_pools.h"
#include "apr_tables.h"

/* A last part of NULL gives the folder, which ends with "/". */

const char *oci_key_manifest(apr_pool_t *pool, const char *name,
                             const char *digest);
const char *oci_key_tag(apr_pool_t *pool, const char *name, const char *tag);
const char *oci_key_tagged(apr_pool_t *pool, const char *name,
                           const char *digest, const char *tag);
const char *oci_key_held(apr_pool_t *pool, const char *name,
                         const char *digest);
const char *oci_key_referrer(apr_pool_t *pool, const char *name,
                             const char *subject, const char *digest);
const char *oci_key_pending(apr_pool_t *pool, const char *name,
                            const char *token);
const char *oci_key_blob(apr_pool_t *pool, const char *digest);
const char *oci_key_holders(apr_pool_t *pool, const char *digest);
const char *oci_key_holder(apr_pool_t *pool, const char *digest,
                           const char *name);
const char *oci_key_catalog(apr_pool_t *pool, const char *name);
const char *oci_key_upload(apr_pool_t *pool, const char *id);
const char *oci_key_secret(void);
const char *oci_key_copy(void);
const char *oci_key_store(void);

/** Whether the value of a key is no more than the table says, and so some
 * hundred bytes at most, rather than what a client has sent. */
int oci_key_is_small(const char *key);

/**
 * What follows a folder in a key, without the mark of a name.
 * @param folder A prefix of key
 */
const char *oci_key_rest(apr_pool_t *pool, const char *key, const char *folder);

/**
 * What follows a folder in the keys of entries.
 * @return An array of const char *
 */
apr_array_header_t *oci_key_rests(const apr_array_header_t *entries,
                                  const char *folder, apr_pool_t *pool);

#endif /* OCI_KEYS_H */
