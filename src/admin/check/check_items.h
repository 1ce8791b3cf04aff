/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_items.h
 * @brief What the command "check" looks at, one function for each kind of item
 *
 * The comment of each function says how the item's fields are used.
 */

#ifndef OCI_CHECK_ITEMS_H
#define OCI_CHECK_ITEMS_H

#include "admin/check/check_run.h"

/** For remedies: the command that deletes NAME/manifests/REFERENCE. */
#define OCI_CHECK_DELETE "curl -X DELETE https://HOST/v2/"

/** Bytes without a record.  blob, what: the digest; of: the locator. */
oci_looker_t oci_look_at_stored;

/** A record.  blob, what: the digest; of: the locator of bytes that the store
 * lists, and to which the record does not lead, or NULL; size: of these bytes;
 * hashed: what is known of the bytes to which the record leads; value: the
 * record. */
oci_looker_t oci_look_at_record;

/** A blob of a repository.  blob, what: the digest.  Adds it to the table of
 * the repository's blobs. */
oci_looker_t oci_look_at_held;

/** A name in the list of a blob's holders.  blob, what: the digest. */
oci_looker_t oci_look_at_holder;

/** A manifest, and what it names.  what: the digest. */
oci_looker_t oci_look_at_manifest;

/** An entry in a list of referrers.  what: the digest of the referrer; of: the
 * subject. */
oci_looker_t oci_look_at_referrer;

/** A tag.  what: the tag. */
oci_looker_t oci_look_at_tag;

/** An entry in the list of a manifest's tags.  what: the tag; of: the
 * digest. */
oci_looker_t oci_look_at_tagged;

/** The mark of a pending push.  what: the token. */
oci_looker_t oci_look_at_pending;

/** When a manifest was pulled, or found to be without a tag: only what is left
 * over is found, and only if it is to be removed.  what: the digest; of: the
 * key. */
oci_looker_t oci_look_at_mark;

/** What was just seen of a repository. */
enum { OCI_SEEN_LISTED = 1, OCI_SEEN_CONTENT };

/** The entry of a repository in the catalog.  kind: what was just seen, which
 * the first look takes for granted. */
oci_looker_t oci_look_at_catalog;

/** A key that is none of the registry's.  what: the key. */
oci_looker_t oci_look_at_foreign;

/**
 * Report a key that is none of the registry's.
 * @param pool For temporary data
 * @return As oci_check_item
 */
oci_error_t *oci_check_foreign(oci_check_t *check, const char *key,
                               apr_pool_t *pool);

#endif /* OCI_CHECK_ITEMS_H */
