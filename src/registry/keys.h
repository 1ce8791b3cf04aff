/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file keys.h
 * @brief The data model: every fact of a registry, with its key in the index
 *
 *     key                                      value
 *     repo/<name>/_manifest/<digest>           media type [origin] LF bytes
 *     repo/<name>/_tag/<tag>                   digest [origin]
 *     repo/<name>/_tagged/<digest>/<tag>       -
 *     repo/<name>/_blob/<digest>               [";" seconds]
 *     repo/<name>/_referrer/<subject>/<digest> artifact type LF descriptor
 *     repo/<name>/_untagged/<digest>           seconds
 *     repo/<name>/_pulled/<digest>             seconds
 *     repo/<name>/_pending/<token>             -
 *     blob/<digest>                            size ";" locator
 *     holder/<xx>/<digest>,<hash>              the name that was hashed
 *     catalog/<name>!                          -
 *     upload/<day>/<id>                        see upload_record.h
 *     review/<name>!                           - or seconds
 *     orphan/<digest>                          -
 *     stray/<hash>                             seconds
 *     moved/<digest>                           size ";" locator
 *     moving                                   store id ";" store id
 *     gc                                       see gc/gc.c
 *     secret                                   see upload_id.c
 *     copy                                     index LF key, or index LF
 *     store                                    the id of the blob store
 *     index                                    the id of the index
 *     copy-of                                  the id of another index
 *
 * LF is a line feed, and "-" an empty value.
 *
 * An origin says when the tag or manifest was pushed, and by whom (origin.h):
 *
 *     of a tag         ";" seconds ";" user
 *     of a manifest    TAB seconds TAB user
 *
 * seconds counts from 1970, in UTC.  user is percent-encoded, and empty for an
 * anonymous push.  An index of version 1 has no origins: time and user of what
 * it holds are unknown.
 *
 * The part after a repository's name begins with "_", because no component of
 * a name does.  <xx> is the first two hex digits of the digest, and <day> the
 * day on which the upload was begun.  A name at the end of a key is followed by
 * "!", which sorts before every character of a name.  The keys then sort as the
 * names do, and if "a/b" is a key, no other key begins with "a/b/".
 *
 * _tagged lists the tags to check when a manifest is deleted.  It may list tags
 * that _tag does not have, or that name another digest, but it never lacks one.
 * holder relates to _blob in the same way.
 *
 * _pending marks a push whose manifest names many children, which are checked
 * before the repository is locked, see pending.h.  The push removes it, or the
 * next deletion in the repository does.  The age of a mark that a killed
 * process left is known: the token is a stamp, which begins with the time in
 * seconds, see random.h.
 *
 * The fact of an upload has an age, too: its id begins with a stamp, and <day>
 * is the stamp's seconds divided by 86400.  An empty value is a tombstone.  An
 * id that is older than OCI_UPLOAD_ID_LIFE (upload_id.h) cannot name a new
 * upload any more, so that its tombstone may be removed.  Younger ids need the
 * tombstone.
 *
 * The value of _blob is usually empty.  Otherwise it says since when the blob
 * is condemned: no manifest names it, and garbage collection takes it out of
 * the repository when it has been condemned for long enough, see
 * gc/gc_repository.c.  review lists the repositories that garbage collection
 * has to review, at once or not before a time; it lists each repository in
 * which a blob may have become garbage.  orphan lists the blobs to delete if no
 * repository holds them.  stray says since when garbage collection knows bytes
 * in a remote store that no record names, see gc/gc_strays.c; the hash is the
 * digest of their locator.
 *
 * moving says that the blobs are being moved to another blob store, whose id is
 * the first; the second is that of the old one.  moved has the records that
 * replace those in blob/ when all blobs are there.  As long as they are being
 * replaced, store is oci_unfinished_move() of the new store's id, and no blob
 * store belongs to the index.  See admin/move_blobs.c.
 *
 * _untagged says since when garbage collection knows that no tag leads to a
 * manifest, see gc/gc_untagged.c.  _pulled says when a manifest was last
 * pulled, to the hour, see pull_time.h.  Both may be left over from a manifest
 * that was deleted.
 *
 * index is random, and no other index has the same.  The blob store notes it,
 * so that garbage collection refuses to work with any other index.  A copy has
 * an id of its own.  Its copy-of is the id of the index that it was copied
 * from, whose place it takes when it serves its first request, see pairing.h.
 *
 * copy marks an index that is being copied from another index.  It holds the
 * name of the source and the last key that was copied.  A registry does not
 * serve an index with this mark.
 */

#ifndef OCI_KEYS_H
#define OCI_KEYS_H

#include "apr_pools.h"
#include "apr_tables.h"

/* Each function returns one key of the table, allocated from pool or static.
 * If the last argument is NULL, it returns the prefix of all such keys, which
 * ends with "/". */

const char *oci_key_manifest(apr_pool_t *pool, const char *name,
                             const char *digest);
const char *oci_key_tag(apr_pool_t *pool, const char *name, const char *tag);
const char *oci_key_tagged(apr_pool_t *pool, const char *name,
                           const char *digest, const char *tag);
const char *oci_key_held(apr_pool_t *pool, const char *name,
                         const char *digest);
const char *oci_key_referrer(apr_pool_t *pool, const char *name,
                             const char *subject, const char *digest);
const char *oci_key_untagged(apr_pool_t *pool, const char *name,
                             const char *digest);
const char *oci_key_pulled(apr_pool_t *pool, const char *name,
                           const char *digest);
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
const char *oci_key_index(void);
const char *oci_key_copy_of(void);
const char *oci_key_review(apr_pool_t *pool, const char *name);
const char *oci_key_orphan(apr_pool_t *pool, const char *digest);
const char *oci_key_stray(apr_pool_t *pool, const char *hash);
const char *oci_key_moved(apr_pool_t *pool, const char *digest);
const char *oci_key_moving(void);
const char *oci_key_gc(void);

/** Return whether a key's value has at most some hundred bytes: the values of
 * all other keys may be as large as a manifest that a client has sent. */
int oci_key_is_small(const char *key);

/**
 * Return the part of a key after a prefix, without a "!" at its end.
 * @param pool For the result if it is not a part of key
 * @param prefix A prefix of key
 */
const char *oci_key_suffix(apr_pool_t *pool, const char *key,
                           const char *prefix);

/**
 * Apply oci_key_suffix to the keys of entries.
 * @param entries An array of oci_entry_t
 * @param prefix A prefix of all their keys
 * @return An array of const char *, from pool
 */
apr_array_header_t *oci_key_suffixes(const apr_array_header_t *entries,
                                     const char *prefix, apr_pool_t *pool);

#endif /* OCI_KEYS_H */
